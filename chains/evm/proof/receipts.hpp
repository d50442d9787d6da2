// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/node_log.hpp"
#include "chains/evm/proof/bloom.hpp"
#include "chains/evm/proof/body.hpp"
#include "chains/evm/proof/header.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

/// The receipts of a block against its header's receiptsRoot: what proves that a log is there, and
/// that no other is.
namespace margrave::chains::evm {

/// Most receipts and logs of one block; far above what any block's gas pays for.
constexpr std::size_t kReceiptsMax = 100'000;
constexpr std::size_t kBlockLogsMax = 1'000'000;

/// A receipt's part of the OP stack's deposit transactions (type 0x7e).
struct DepositReceipt {
    std::optional<std::uint64_t> nonce;
    /// From Canyon on; without it the nonce is not part of the consensus encoding.
    std::optional<std::uint64_t> version;
    bool operator==(const DepositReceipt&) const = default;
};

/// One receipt as a node tells it. Gas is in gas.
struct BlockReceipt {
    std::uint8_t type{0};
    Hash32 txn;
    /// Success, or before Byzantium the state root after the transaction.
    std::variant<bool, Hash32> outcome{false};
    std::uint64_t cumulative_gas{0};
    Bloom bloom;
    std::vector<NodeLog> logs;
    DepositReceipt deposit;
};

/// An eth_getBlockReceipts answer, in its order. kInvalid, kOverflow, kLimit.
Result<std::vector<BlockReceipt>> read_receipts(const nlohmann::json& answer);

/// Whether the consensus encoding of this type of receipt is known: Ethereum's 0 to 4, the OP
/// stack's 0x7e, Arbitrum's 0x64, 0x65, 0x66, 0x68, 0x69 and 0x6a.
bool is_known_receipt(std::uint8_t type);

/// What of a deposit receipt is hashed.
enum class DepositForm : std::uint8_t {
    /// As op-geth does: nonce and version where there is a version, else neither.
    kByVersion,
    /// The nonce also where there is no version.
    kWithNonce,
};

/// Consensus encoding: type byte (none for type 0), then the RLP of outcome, gas, bloom and logs.
/// A type that is not known is encoded as all known ones are.
Bytes encode_receipt(const BlockReceipt& receipt, DepositForm form);
/// Root of the trie of such encodings.
Hash32 receipts_root(std::span<const BlockReceipt> receipts, DepositForm form);

/// All logs of one block, in order; there are no others. Made by prove_receipts only.
class ProvedLogs {
  public:
    [[nodiscard]] const BlockRef& block() const { return block_; }

    [[nodiscard]] const std::vector<NodeLog>& logs() const { return logs_; }

    /// Whether each log's transaction hash is proved too. Without the block's transactions it is
    /// the node's word, since a receipt does not hold it.
    [[nodiscard]] bool has_proved_txns() const { return has_proved_txns_; }

  private:
    friend Result<ProvedLogs> prove_receipts(
        const ProvedHeader& header, const nlohmann::json& answer
    );
    friend Result<ProvedLogs> prove_receipts(
        const ProvedHeader& header, const nlohmann::json& answer, const ProvedTxns& txns
    );

    ProvedLogs(const BlockRef& block, std::vector<NodeLog> logs, bool has_proved_txns)
        : block_(block),
          logs_(std::move(logs)),
          has_proved_txns_(has_proved_txns) {}

    BlockRef block_;
    std::vector<NodeLog> logs_;
    bool has_proved_txns_{false};
};

/// That an eth_getBlockReceipts answer is all of the block's receipts. Checked: every label (block
/// hash and number, transaction index and hash, log index, not removed), the root, each receipt's
/// bloom against its logs and all blooms against the header's, and that gas never falls.
/// kUnproved: a label or the root is another's. kUnable: null or malformed, the root does not come
/// out and a type of receipt is not known, or the chain's blooms do not follow its logs.
Result<ProvedLogs> prove_receipts(const ProvedHeader& header, const nlohmann::json& answer);
/// The same, and that the receipts name the block's transactions. `txns` is of the same block.
Result<ProvedLogs> prove_receipts(
    const ProvedHeader& header, const nlohmann::json& answer, const ProvedTxns& txns
);

/// That no log that is waited for can be in the block, by its bloom alone. False says nothing.
bool proves_absence(const ProvedHeader& header, std::span<const WatchedLogs> watched);

}  // namespace margrave::chains::evm
