// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "core/statements.hpp"

#include <vector>

namespace margrave::attest {

/// keccak of the EIP-712 domain ("Margrave", "1", salt network), protocol.md section 2.
Hash32 domain_separator(const Hash32& network);

/// EIP-712 hashStruct of each statement.
Hash32 struct_hash(const Attestation& s);
Hash32 struct_hash(const Release& s);
Hash32 struct_hash(const Seizure& s);
Hash32 struct_hash(const SignerSet& s);
Hash32 struct_hash(const Link& s);

/// keccak(0x1901, domain, hashStruct): what is signed.
Hash32 digest(const Hash32& network, const Hash32& struct_hash);

template <class Statement>
Hash32 digest_of(const Hash32& network, const Statement& s) {
    return digest(network, struct_hash(s));
}

/// The complete typed data (domain, types, primaryType, message) as wallets take it.
Canonical typed_data(const Hash32& network, const Attestation& s);
Canonical typed_data(const Hash32& network, const Release& s);
Canonical typed_data(const Hash32& network, const Seizure& s);
Canonical typed_data(const Hash32& network, const SignerSet& s);
Canonical typed_data(const Hash32& network, const Link& s);

/// The inverse of typed_data, from a leaf an auditor holds; every field checked for form and
/// range. kInvalid names the field.
Result<Attestation> parse_attestation(const Canonical& typed);
Result<Release> parse_release(const Canonical& typed);
Result<Seizure> parse_seizure(const Canonical& typed);
Result<SignerSet> parse_signer_set(const Canonical& typed);
Result<Link> parse_link(const Canonical& typed);

/// keccak(abi(Head[])), heads ascending by chain key (asserted).
Hash32 snapshot_hash(const std::vector<Head>& heads);

/// keccak(abi(address[])), SignerSet.signers; ascending, without duplicates (asserted).
Hash32 signers_hash(const std::vector<Address>& signers);

}  // namespace margrave::attest
