// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/proof/header.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <vector>

/// The body of a block against its header's transactionsRoot and withdrawalsRoot.
namespace margrave::chains::evm {

/// Whether the encoding of this type of transaction is known: Ethereum's 0 to 4 and the OP stack's
/// deposits 0x7e.
bool is_known_txn(std::uint8_t type);

/// A transaction of a full block as it is hashed. kInvalid and the like when a member is malformed,
/// kUnable for a type that is not known.
Result<Bytes> encode_block_txn(const nlohmann::json& txn);

/// Hashes of all transactions of one block, in order. Made by prove_txns only.
class ProvedTxns {
  public:
    [[nodiscard]] const BlockRef& block() const { return block_; }

    [[nodiscard]] const std::vector<Hash32>& hashes() const { return hashes_; }

  private:
    friend Result<ProvedTxns> prove_txns(const ProvedHeader& header, const nlohmann::json& block);

    ProvedTxns(const BlockRef& block, std::vector<Hash32> hashes)
        : block_(block),
          hashes_(std::move(hashes)) {}

    BlockRef block_;
    std::vector<Hash32> hashes_;
};

/// That the full transactions of an eth_getBlockBy answer are the block's, under their own hashes.
/// kUnproved: the root or a hash is another's. kUnable: hashes only, null or malformed, or a type
/// that is not known.
Result<ProvedTxns> prove_txns(const ProvedHeader& header, const nlohmann::json& block);

/// A validator's withdrawal, in gwei.
struct Withdrawal {
    std::uint64_t index{0};
    std::uint64_t validator{0};
    Address address;
    std::uint64_t amount_gwei{0};
    bool operator==(const Withdrawal&) const = default;
};

/// That an eth_getBlockBy answer lists the block's withdrawals; none before Shanghai.
/// kUnproved: the root is another's. kUnable: null or malformed, or an empty list under a root that
/// is not empty: on the OP stack (Isthmus) the field holds a storage root, on Ethereum it is a lie.
Result<std::vector<Withdrawal>> prove_withdrawals(
    const ProvedHeader& header, const nlohmann::json& block
);

}  // namespace margrave::chains::evm
