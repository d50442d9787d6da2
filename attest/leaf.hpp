// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/digest.hpp"
#include "attest/early.hpp"
#include "core/canonical_json.hpp"
#include "core/statements.hpp"

#include <string>
#include <vector>

namespace margrave::attest {

/// Log leaves of protocol.md section 6: canonical JSON, stored and hashed as written.
Bytes attestation_leaf(
    const Hash32& network,
    const Attestation& s,
    const std::vector<SignerSignature>& signatures,
    const std::vector<Head>& heads,
    const std::vector<PriceRow>& prices
);
/// `early` is what it stands on that is not final; a leaf without any has no such member.
Bytes release_leaf(
    const Hash32& network,
    const Release& s,
    const std::vector<SignerSignature>& signatures,
    std::uint64_t request,
    const std::vector<EarlyUse>& early = {}
);
Bytes seizure_leaf(
    const Hash32& network,
    const Seizure& s,
    const std::vector<SignerSignature>& signatures,
    std::uint64_t lock,
    std::uint64_t leg
);
/// The next signer set with its addresses, ascending: kind "signers".
Bytes signers_leaf(
    const Hash32& network,
    const SignerSet& s,
    const std::vector<SignerSignature>& signatures,
    const std::vector<Address>& signers
);
/// A request that was refused, with the reason: kind "refusal".
Bytes refusal_leaf(
    const ChainId& chain,
    const Address& vault,
    std::uint64_t request,
    const AccountId& account,
    std::string_view reason,
    RoundNum round
);
/// The whole parameter document and the round from which it holds.
Bytes parameters_leaf(const Canonical& parameters, RoundNum from);
/// The first leaf: the genesis document, whose keccak is the network.
Bytes genesis_leaf(const Canonical& genesis);
/// The log's vkey, signed by the operator's key.
Bytes key_leaf(const Hash32& network, std::string_view vkey, const SignerSignature& signature);
/// keccak(abi("margrave log key v1", network, keccak(vkey))): what a key leaf's signature covers.
Hash32 key_statement(const Hash32& network, std::string_view vkey);
/// A block that an attestation named is no longer canonical: kind "retraction"; or "halt",
/// "resume", "reconciliation", "equivocation" (asserted to be one of these) with a reason. The
/// chain may be empty when the notice is about all of them.
bool is_notice(std::string_view kind);
Bytes notice_leaf(
    std::string_view kind, const ChainId& chain, std::string_view reason, const Canonical& detail
);

/// A leaf as an auditor reads it. Unknown kinds keep their body, unless it claims signatures.
struct Leaf {
    std::string kind;
    Canonical body;
    /// Signed kinds only.
    Hash32 digest;
    std::vector<SignerSignature> signatures;
};

/// kCheckFailed names what is wrong: not canonical, digest differs from the typed data's, a field
/// of a wrong form, snapshot or prices that do not hash to the statement's, an id that does not
/// follow from its parts, a signature that is not by the signer it names. A leaf of a known kind is
/// written again from what was read and must come out to the byte, so nothing unchecked can hide in
/// it.
Result<Leaf> read_leaf(const Hash32& network, ByteView bytes);

/// What an offline audit checks over a whole log, in order: each leaf by read_leaf; quorum of the
/// signer set in force (`signers` and `threshold` are the genesis set, epoch 1; signers leaves
/// rotate it); rounds without gaps; previous links; issuedAt and heads never going back (a chain's
/// heads may, after a retraction on it); parameters named before use; one digest per round and per
/// instruction id; refusals and releases answer a request once. All findings, not the first.
struct Finding {
    std::uint64_t index{0};
    std::string what;
};

struct AuditReport {
    std::uint64_t leaves{0};
    std::uint64_t attestations{0};
    std::uint64_t releases{0};
    std::uint64_t seizures{0};
    RoundNum last_round;
    Hash32 last_root;
    Hash32 last_digest;
    std::vector<Finding> findings;
};

AuditReport audit(
    const Hash32& network,
    const std::vector<Bytes>& entries,
    const std::vector<Address>& signers,
    std::uint64_t threshold
);

}  // namespace margrave::attest
