// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "relayer/scribe.hpp"

#include <string_view>
#include <vector>

// What the signing guard keeps beside a digest: everything that is needed to finish the same
// statement after a crash, as canonical JSON. Private to the relayer; never published.
namespace margrave::relayer {

/// The member of an object. kCorrupt when `value` is no object or has no such member.
Result<Canonical> member(const Canonical& value, std::string_view name);
/// The member as text.
Result<std::string> text_member(const Canonical& value, std::string_view name);
Result<std::uint64_t> integer_member(const Canonical& value, std::string_view name);

Canonical heads_json(const std::vector<Head>& heads);
/// Of an array, as a message and an attestation's leaf have it.
Result<std::vector<Head>> parse_heads(const Canonical& rows);
Canonical prices_json(const std::vector<PriceRow>& rows);

Canonical round_message(const RoundDraft& draft);
Result<RoundDraft> parse_round_message(const Canonical& message);
Canonical release_message(const ReleaseDraft& draft);
Result<ReleaseDraft> parse_release_message(const Canonical& message);
Canonical seizure_message(const SeizureDraft& draft);
Result<SeizureDraft> parse_seizure_message(const Canonical& message);

/// A seizure with its signatures, as delivery reads it when it adds the proof.
Canonical signed_seizure(const SeizureDraft& draft, const std::vector<SignerSignature>& signatures);

struct SignedSeizure {
    SeizureDraft draft;
    Bytes signatures;
};

Result<SignedSeizure> parse_signed_seizure(const Canonical& document);

/// One leaf with its proof under a round, kept for accounts that may be seized.
struct StoredProof {
    RoundNum round;
    AccountState state;
    std::vector<Hash32> proof;
};

/// Name of the document: a proof is worth something only while its round is a registry's latest, so
/// an account's last few share their places and the store does not grow with every round.
std::string proof_document(const AccountId& account, RoundNum round);
Canonical proof_json(const StoredProof& stored);
Result<StoredProof> parse_proof(const Canonical& document);

}  // namespace margrave::relayer
