// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/receipts.hpp"

#include "chains/evm/proof/detail/answer.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace margrave::chains::evm {
namespace {

using detail::unable;
using detail::unproved;
using nlohmann::json;

std::string name_of(const BlockRef& block) {
    return "receipts of block " + std::to_string(block.number.value) + " (" + to_hex(block.hash) +
           ")";
}

// Which entry an error is about; spelled only when there is one.
struct Where {
    std::string_view kind;
    std::size_t index{0};

    [[nodiscard]] std::string text() const {
        return std::string(kind) + " " + std::to_string(index);
    }
};

// Labels are what a node writes beside the data; nothing of them is hashed.
struct LabelChecker {
    const BlockRef& block;
    const ProvedTxns* txns;
    std::unordered_set<Hash32> seen{};
    std::uint32_t logs{0};

    Result<void> block_of(const Hash32& hash, BlockNum number, const Where& where) const {
        if (hash != block.hash) {
            return unproved(
                where.text() + " is of block " + to_hex(hash) + ", not " + to_hex(block.hash)
            );
        }
        if (number != block.number) {
            return unproved(
                where.text() + " is of block number " + std::to_string(number.value) + ", not " +
                std::to_string(block.number.value)
            );
        }
        return ok();
    }

    static Result<void> index_of(const json& object, std::size_t index, const Where& where) {
        const auto told = rpc::u64_at(object, "transactionIndex");
        if (!told) {
            return unable(where.text() + ": " + told.error().detail);
        }
        if (told.value() != index) {
            return unproved(
                where.text() + " has transaction index " + std::to_string(told.value()) + ", not " +
                std::to_string(index)
            );
        }
        return ok();
    }

    Result<void> receipt(const json& entry, const BlockReceipt& read, std::size_t index) {
        const Where where{"receipt", index};
        MARGRAVE_TRY(
            const Hash32 hash, detail::readable(rpc::hash_at(entry, "blockHash"), where.text())
        );
        MARGRAVE_TRY(
            const std::uint64_t number,
            detail::readable(rpc::u64_at(entry, "blockNumber"), where.text())
        );
        MARGRAVE_TRY(block_of(hash, BlockNum(number), where));
        MARGRAVE_TRY(index_of(entry, index, where));
        if (!seen.insert(read.txn).second) {
            return unproved(where.text() + " repeats transaction " + to_hex(read.txn));
        }
        if (txns != nullptr && txns->hashes()[index] != read.txn) {
            return unproved(
                where.text() + " names transaction " + to_hex(read.txn) + ", the block has " +
                to_hex(txns->hashes()[index])
            );
        }
        const json& entries = entry["logs"];
        for (std::size_t i = 0; i < read.logs.size(); ++i) {
            MARGRAVE_TRY(log(entries[i], read.logs[i], read.txn, index));
        }
        return ok();
    }

    Result<void> log(const json& entry, const NodeLog& read, const Hash32& txn, std::size_t index) {
        const Where where{"log", logs};
        MARGRAVE_TRY(block_of(read.block, read.number, where));
        MARGRAVE_TRY(index_of(entry, index, where));
        if (read.txn != txn) {
            return unproved(
                where.text() + " is of transaction " + to_hex(read.txn) + ", not " + to_hex(txn)
            );
        }
        if (read.index != logs) {
            return unproved(
                where.text() + " of the block has log index " + std::to_string(read.index)
            );
        }
        const auto removed = entry.find("removed");
        if (removed != entry.end() && *removed != false && !removed->is_null()) {
            return unproved(where.text() + " says that it was removed");
        }
        ++logs;
        return ok();
    }
};

Result<void> check_labels(
    const ProvedHeader& header,
    const json& answer,
    const std::vector<BlockReceipt>& receipts,
    const ProvedTxns* txns
) {
    if (txns != nullptr && txns->hashes().size() != receipts.size()) {
        return unproved(
            std::to_string(receipts.size()) + " receipts for " +
            std::to_string(txns->hashes().size()) + " transactions"
        );
    }
    LabelChecker checker{header.block(), txns};
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        MARGRAVE_TRY(checker.receipt(answer[i], receipts[i], i));
    }
    return ok();
}

Result<void> check_root(const ProvedHeader& header, const std::vector<BlockReceipt>& receipts) {
    const Hash32 made = receipts_root(receipts, DepositForm::kByVersion);
    if (made == header.receipts_root()) {
        return ok();
    }
    // Either form commits to the same outcome and logs, so whichever gives the root proves them.
    const bool other_form = std::ranges::any_of(receipts, [](const BlockReceipt& receipt) {
        return receipt.deposit.nonce && !receipt.deposit.version;
    });
    if (other_form && receipts_root(receipts, DepositForm::kWithNonce) == header.receipts_root()) {
        return ok();
    }
    const std::string differs =
        "the root is " + to_hex(made) + ", the header has " + to_hex(header.receipts_root());
    const auto unknown = std::ranges::find_if(receipts, [](const BlockReceipt& receipt) {
        return !is_known_receipt(receipt.type);
    });
    if (unknown != receipts.end()) {
        return unable(
            differs + " and receipt " + std::to_string(unknown - receipts.begin()) +
            " is of type " + std::to_string(unknown->type) + ", which is not known here"
        );
    }
    return unproved(differs);
}

// Blooms of logs. Most logs of a block share emitters and topics, so each value is hashed once.
class BloomMaker {
  public:
    Bloom of(const std::vector<NodeLog>& logs) {
        Bloom out;
        for (const NodeLog& log : logs) {
            add(out, bits_of(emitters_, log.address));
            for (const Hash32& topic : log.topics) {
                add(out, bits_of(topics_, topic));
            }
        }
        return out;
    }

  private:
    template <class Value>
    static const BloomBits& bits_of(
        std::unordered_map<Value, BloomBits>& known, const Value& value
    ) {
        const auto at = known.find(value);
        return at != known.end() ? at->second
                                 : known.emplace(value, BloomBits(value.view())).first->second;
    }

    std::unordered_map<Address, BloomBits> emitters_;
    std::unordered_map<Hash32, BloomBits> topics_;
};

// After the root, which covers blooms and gas: what is wrong here is wrong on the chain itself.
Result<void> check_blooms_and_gas(
    const ProvedHeader& header, const std::vector<BlockReceipt>& receipts
) {
    BloomMaker maker;
    Bloom all;
    std::uint64_t gas = 0;
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        const BlockReceipt& receipt = receipts[i];
        if (receipt.cumulative_gas < gas) {
            return unable("cumulative gas falls at receipt " + std::to_string(i));
        }
        gas = receipt.cumulative_gas;
        if (maker.of(receipt.logs) != receipt.bloom) {
            return unable(
                "the bloom of receipt " + std::to_string(i) +
                " is not that of its logs, so this "
                "chain's blooms prove nothing"
            );
        }
        merge(all, receipt.bloom);
    }
    if (all != header.logs_bloom()) {
        return unable("the header's bloom is not that of its receipts, so it proves nothing");
    }
    return ok();
}

Result<std::vector<NodeLog>> proved_logs(
    const ProvedHeader& header, const json& answer, const ProvedTxns* txns
) {
    if (answer.is_null()) {
        return unable("the node has none");
    }
    auto read = read_receipts(answer);
    if (!read) {
        return unable(read.error().detail);
    }
    std::vector<BlockReceipt> receipts = std::move(read).value();
    MARGRAVE_TRY(check_labels(header, answer, receipts, txns));
    MARGRAVE_TRY(check_root(header, receipts));
    MARGRAVE_TRY(check_blooms_and_gas(header, receipts));
    std::vector<NodeLog> logs;
    for (BlockReceipt& receipt : receipts) {
        std::ranges::move(receipt.logs, std::back_inserter(logs));
    }
    return logs;
}

Result<std::vector<NodeLog>> named(Result<std::vector<NodeLog>> logs, const BlockRef& block) {
    if (!logs) {
        return fail(logs.error().code, name_of(block) + ": " + logs.error().detail);
    }
    return logs;
}

}  // namespace

Result<ProvedLogs> prove_receipts(const ProvedHeader& header, const json& answer) {
    MARGRAVE_TRY(auto logs, named(proved_logs(header, answer, nullptr), header.block()));
    return ProvedLogs(header.block(), std::move(logs), /*has_proved_txns=*/false);
}

Result<ProvedLogs> prove_receipts(
    const ProvedHeader& header, const json& answer, const ProvedTxns& txns
) {
    MARGRAVE_ASSERT(txns.block() == header.block());
    MARGRAVE_TRY(auto logs, named(proved_logs(header, answer, &txns), header.block()));
    return ProvedLogs(header.block(), std::move(logs), /*has_proved_txns=*/true);
}

bool proves_absence(const ProvedHeader& header, std::span<const WatchedLogs> watched) {
    return std::ranges::all_of(watched, [&](const WatchedLogs& logs) {
        return logs.excluded_by(header.logs_bloom());
    });
}

}  // namespace margrave::chains::evm
