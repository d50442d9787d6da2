// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/leaf.hpp"

#include <vector>

// The parts of leaf bodies, as read_leaf and audit read them back. kInvalid names the member.
namespace margrave::attest::detail {

Result<std::vector<SignerSignature>> read_signatures(const Canonical& body);
/// Ascending by chain key.
Result<std::vector<Head>> read_heads(const Canonical& body);
/// Ascending by asset key.
Result<std::vector<PriceRow>> read_prices(const Canonical& body);
/// Ascending.
Result<std::vector<Address>> read_signers(const Canonical& body);
/// A chain by its CAIP-2 id; an empty text is no chain at all.
Result<ChainId> read_chain(const Canonical& body);
Result<Hash32> read_hash(const Canonical& body, std::string_view name);
Result<Address> read_address(const Canonical& body, std::string_view name);

}  // namespace margrave::attest::detail
