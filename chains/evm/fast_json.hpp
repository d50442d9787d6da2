// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/requests.hpp"
#include "chains/evm/survey.hpp"
#include "chains/rpc/client.hpp"

#include <optional>
#include <vector>

/// The readers of requests.hpp over text, twenty times as fast: what a filling ledger spends its
/// time on. Plain answers are read by simdjson; whatever it does not take as plain is read by
/// parse_strict and requests.hpp, which then say what is wrong. So both ways accept the same
/// answers and give the same values.
namespace margrave::chains::evm {

/// In the order of the node. kUnproved for a log that says it was removed.
Result<std::vector<NodeLog>> read_logs(const rpc::RawAnswer& answer);
/// Absent for null: the node has no such block.
Result<std::optional<Header>> read_header(const rpc::RawAnswer& answer);
/// The same, and the number must be the one that was asked for. kUnproved else.
Result<std::optional<Header>> read_header(const rpc::RawAnswer& answer, BlockNum asked);

/// A block as survey.hpp reads it: its header hashed again, but for ProofMode::kAgreement.
Result<std::optional<KnownBlock>> read_block(
    const rpc::RawAnswer& answer, ProofMode proof, std::optional<BlockNum> asked
);

namespace detail {

/// The fast half alone; absent when the text is not plain.
std::optional<std::vector<NodeLog>> plain_logs(const rpc::RawAnswer& answer);
std::optional<Header> plain_header(const rpc::RawAnswer& answer);
/// Of a header whose fields give its hash, in a form that has a seal of mix hash and nonce.
std::optional<KnownBlock> plain_block(const rpc::RawAnswer& answer);
/// The other half alone.
Result<std::vector<NodeLog>> strict_logs(const rpc::RawAnswer& answer);
Result<std::optional<Header>> strict_header(const rpc::RawAnswer& answer);
Result<std::optional<KnownBlock>> strict_block(
    const rpc::RawAnswer& answer, ProofMode proof, std::optional<BlockNum> asked
);

}  // namespace detail

}  // namespace margrave::chains::evm
