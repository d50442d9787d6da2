// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/detail/answer.hpp"
#include "chains/evm/proof/receipts.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/rpc/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;

constexpr std::uint8_t kDeposit = 0x7e;
constexpr std::array<std::uint8_t, 12> kKnownTypes{
    0, 1, 2, 3, 4, 0x64, 0x65, 0x66, 0x68, 0x69, 0x6a, kDeposit};
// LOG0 to LOG4.
constexpr std::size_t kTopicsMax = 4;
// Of the data of one log; at 8 gas a byte a block pays for far less.
constexpr std::size_t kLogDataMax = std::size_t{16} << 20;

Error at(const std::string& where, const Error& error) {
    return {error.code, where + ": " + error.detail};
}

Result<NodeLog> read_log(const json& entry) {
    NodeLog out;
    MARGRAVE_TRY(out.number.value, rpc::u64_at(entry, "blockNumber"));
    MARGRAVE_TRY(out.block, rpc::hash_at(entry, "blockHash"));
    MARGRAVE_TRY(out.txn, rpc::hash_at(entry, "transactionHash"));
    MARGRAVE_TRY(const std::uint64_t index, rpc::u64_at(entry, "logIndex"));
    if (index > std::numeric_limits<std::uint32_t>::max()) {
        return fail(Errc::kOverflow, "logIndex " + std::to_string(index) + " exceeds 32 bits");
    }
    out.index = static_cast<std::uint32_t>(index);
    MARGRAVE_TRY(out.address, rpc::address_at(entry, "address"));
    MARGRAVE_TRY(out.data, detail::read_data(entry, "data", kLogDataMax));
    const auto topics = entry.find("topics");
    if (topics == entry.end() || !topics->is_array() || topics->size() > kTopicsMax) {
        return fail(Errc::kInvalid, "topics is no list of at most 4");
    }
    out.topics.reserve(topics->size());
    for (const json& topic : *topics) {
        MARGRAVE_TRY(const Hash32 word, rpc::hash_of(topic, "topic"));
        out.topics.push_back(word);
    }
    return out;
}

Result<void> read_outcome(BlockReceipt& out, const json& entry) {
    // Before Byzantium there is a state root in place of the status (EIP-658).
    if (!detail::has(entry, "status")) {
        MARGRAVE_TRY(const Hash32 root, rpc::hash_at(entry, "root"));
        out.outcome = root;
        return ok();
    }
    MARGRAVE_TRY(const std::uint64_t status, rpc::u64_at(entry, "status"));
    if (status > 1) {
        return fail(Errc::kInvalid, "status " + std::to_string(status));
    }
    out.outcome = status == 1;
    return ok();
}

Result<void> read_deposit(DepositReceipt& out, const json& entry) {
    MARGRAVE_TRY(out.nonce, rpc::opt_u64_at(entry, "depositNonce"));
    MARGRAVE_TRY(out.version, rpc::opt_u64_at(entry, "depositReceiptVersion"));
    if (out.version && !out.nonce) {
        return fail(Errc::kInvalid, "depositReceiptVersion without depositNonce");
    }
    return ok();
}

Result<BlockReceipt> read_receipt(const json& entry) {
    BlockReceipt out;
    MARGRAVE_TRY(out.type, detail::read_type(entry));
    MARGRAVE_TRY(out.txn, rpc::hash_at(entry, "transactionHash"));
    MARGRAVE_TRY(read_outcome(out, entry));
    MARGRAVE_TRY(out.cumulative_gas, rpc::u64_at(entry, "cumulativeGasUsed"));
    MARGRAVE_TRY(detail::read_fixed(entry, "logsBloom", out.bloom.data));
    if (out.type == kDeposit) {
        MARGRAVE_TRY(read_deposit(out.deposit, entry));
    }
    const auto logs = entry.find("logs");
    if (logs == entry.end() || !logs->is_array()) {
        return fail(Errc::kInvalid, "logs is no list");
    }
    out.logs.reserve(logs->size());
    for (const json& log : *logs) {
        auto read = read_log(log);
        if (!read) {
            return at("log " + std::to_string(out.logs.size()), read.error());
        }
        out.logs.push_back(std::move(read).value());
    }
    return out;
}

// A topic is a string of 32 bytes: one byte of header.
constexpr std::size_t kTopicSize = Hash32::kSize + 1;
constexpr std::size_t kAddressSize = Address::kSize + 1;

std::size_t log_payload(const NodeLog& log) {
    return kAddressSize + rlp::list_size(log.topics.size() * kTopicSize) +
           rlp::bytes_size(log.data);
}

void put_log(Bytes& out, const NodeLog& log) {
    rlp::put_list_header(out, log_payload(log));
    rlp::put_bytes(out, log.address.view());
    rlp::put_list_header(out, log.topics.size() * kTopicSize);
    for (const Hash32& topic : log.topics) {
        rlp::put_bytes(out, topic.view());
    }
    rlp::put_bytes(out, log.data);
}

// How much of a deposit's own part is hashed.
DepositReceipt hashed_part(const BlockReceipt& receipt, DepositForm form) {
    if (receipt.type != kDeposit) {
        return {};
    }
    if (form == DepositForm::kByVersion && !receipt.deposit.version) {
        return {};
    }
    return receipt.deposit;
}

ByteView outcome_of(const BlockReceipt& receipt) {
    static constexpr std::uint8_t kSuccess = 1;
    if (const auto* root = std::get_if<Hash32>(&receipt.outcome)) {
        return root->view();
    }
    return std::get<bool>(receipt.outcome) ? ByteView(&kSuccess, 1) : ByteView{};
}

void put_receipt(Bytes& out, const BlockReceipt& receipt, DepositForm form) {
    const DepositReceipt deposit = hashed_part(receipt, form);
    const ByteView outcome = outcome_of(receipt);
    std::size_t logs = 0;
    for (const NodeLog& log : receipt.logs) {
        logs += rlp::list_size(log_payload(log));
    }
    std::size_t size = rlp::bytes_size(outcome) + rlp::uint_size(receipt.cumulative_gas) +
                       rlp::bytes_size(receipt.bloom.view()) + rlp::list_size(logs);
    size += deposit.nonce ? rlp::uint_size(*deposit.nonce) : 0;
    size += deposit.version ? rlp::uint_size(*deposit.version) : 0;
    if (receipt.type != 0) {
        out.push_back(receipt.type);
    }
    rlp::put_list_header(out, size);
    rlp::put_bytes(out, outcome);
    rlp::put_uint(out, receipt.cumulative_gas);
    rlp::put_bytes(out, receipt.bloom.view());
    rlp::put_list_header(out, logs);
    for (const NodeLog& log : receipt.logs) {
        put_log(out, log);
    }
    if (deposit.nonce) {
        rlp::put_uint(out, *deposit.nonce);
    }
    if (deposit.version) {
        rlp::put_uint(out, *deposit.version);
    }
}

}  // namespace

Result<std::vector<BlockReceipt>> read_receipts(const json& answer) {
    if (!answer.is_array()) {
        return fail(Errc::kInvalid, std::string("is ") + answer.type_name() + ", not a list");
    }
    if (answer.size() > kReceiptsMax) {
        return fail(
            Errc::kLimit,
            std::to_string(answer.size()) + " receipts, at most " + std::to_string(kReceiptsMax)
        );
    }
    std::vector<BlockReceipt> out;
    out.reserve(answer.size());
    std::size_t logs = 0;
    for (const json& entry : answer) {
        auto read = read_receipt(entry);
        if (!read) {
            return at("receipt " + std::to_string(out.size()), read.error());
        }
        logs += read.value().logs.size();
        if (logs > kBlockLogsMax) {
            return fail(Errc::kLimit, "more than " + std::to_string(kBlockLogsMax) + " logs");
        }
        out.push_back(std::move(read).value());
    }
    return out;
}

bool is_known_receipt(std::uint8_t type) {
    return std::ranges::find(kKnownTypes, type) != kKnownTypes.end();
}

Bytes encode_receipt(const BlockReceipt& receipt, DepositForm form) {
    Bytes out;
    put_receipt(out, receipt, form);
    return out;
}

Hash32 receipts_root(std::span<const BlockReceipt> receipts, DepositForm form) {
    // All encodings in one buffer; the views are made when it no longer moves.
    Bytes bytes;
    std::vector<std::size_t> ends;
    ends.reserve(receipts.size());
    for (const BlockReceipt& receipt : receipts) {
        put_receipt(bytes, receipt, form);
        ends.push_back(bytes.size());
    }
    std::vector<ByteView> values;
    values.reserve(receipts.size());
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
        values.push_back(ByteView(bytes).subspan(begin, end - begin));
        begin = end;
    }
    return trie::list_root(values);
}

}  // namespace margrave::chains::evm
