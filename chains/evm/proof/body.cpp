// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/body.hpp"

#include "chains/evm/proof/detail/answer.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace margrave::chains::evm {
namespace {

using detail::unable;
using detail::unproved;
using nlohmann::json;

constexpr std::size_t kTxnsMax = 100'000;
constexpr std::size_t kWithdrawalsMax = 10'000;
constexpr std::size_t kInputMax = std::size_t{16} << 20;
constexpr std::uint8_t kDynamicFee = 2;
constexpr std::uint8_t kBlob = 3;
constexpr std::uint8_t kSetCode = 4;
constexpr std::uint8_t kDeposit = 0x7e;
constexpr std::array<std::uint8_t, 6> kKnownTypes{0, 1, kDynamicFee, kBlob, kSetCode, kDeposit};

std::string name_of(const ProvedHeader& header, std::string_view what) {
    return std::string(what) + " of block " + std::to_string(header.block().number.value) + " (" +
           to_hex(header.block().hash) + "): ";
}

Result<void> put_amount(Bytes& out, const json& object, std::string_view key) {
    MARGRAVE_TRY(const Amount value, rpc::amount_at(object, key));
    rlp::put_uint(out, value);
    return ok();
}

Result<void> put_hash(Bytes& out, const json& object, std::string_view key) {
    MARGRAVE_TRY(const Hash32 value, rpc::hash_at(object, key));
    rlp::put_bytes(out, value.view());
    return ok();
}

Result<void> put_address(Bytes& out, const json& object, std::string_view key) {
    MARGRAVE_TRY(const Address value, rpc::address_at(object, key));
    rlp::put_bytes(out, value.view());
    return ok();
}

// Empty for a creation.
Result<void> put_to(Bytes& out, const json& txn) {
    MARGRAVE_TRY(const auto to, rpc::opt_address_at(txn, "to"));
    rlp::put_bytes(out, to ? to->view() : ByteView{});
    return ok();
}

Result<void> put_input(Bytes& out, const json& txn) {
    MARGRAVE_TRY(const Bytes input, detail::read_data(txn, "input", kInputMax));
    rlp::put_bytes(out, input);
    return ok();
}

// The list member of an object; empty when it is missing.
Result<const json*> list_at(const json& object, std::string_view key) {
    static const json none = json::array();
    if (!detail::has(object, key)) {
        return &none;
    }
    const json& list = *object.find(key);
    if (!list.is_array()) {
        return fail(Errc::kInvalid, std::string(key) + " is no list");
    }
    return &list;
}

Result<void> put_hashes(Bytes& out, const json& object, std::string_view key) {
    MARGRAVE_TRY(const json* const list, list_at(object, key));
    Bytes members;
    for (const json& entry : *list) {
        MARGRAVE_TRY(const Hash32 value, rpc::hash_of(entry, key));
        rlp::put_bytes(members, value.view());
    }
    rlp::put_list(out, members);
    return ok();
}

// EIP-2930.
Result<void> put_access_list(Bytes& out, const json& txn) {
    MARGRAVE_TRY(const json* const list, list_at(txn, "accessList"));
    Bytes entries;
    for (const json& entry : *list) {
        Bytes members;
        MARGRAVE_TRY(put_address(members, entry, "address"));
        MARGRAVE_TRY(put_hashes(members, entry, "storageKeys"));
        rlp::put_list(entries, members);
    }
    rlp::put_list(out, entries);
    return ok();
}

// yParity, which older nodes name v.
Result<void> put_signature(Bytes& out, const json& object) {
    MARGRAVE_TRY(put_amount(out, object, detail::has(object, "yParity") ? "yParity" : "v"));
    MARGRAVE_TRY(put_amount(out, object, "r"));
    return put_amount(out, object, "s");
}

// EIP-7702.
Result<void> put_authorizations(Bytes& out, const json& txn) {
    MARGRAVE_TRY(const json* const list, list_at(txn, "authorizationList"));
    Bytes entries;
    for (const json& entry : *list) {
        Bytes members;
        MARGRAVE_TRY(put_amount(members, entry, "chainId"));
        MARGRAVE_TRY(put_address(members, entry, "address"));
        MARGRAVE_TRY(put_amount(members, entry, "nonce"));
        MARGRAVE_TRY(put_signature(members, entry));
        rlp::put_list(entries, members);
    }
    rlp::put_list(out, entries);
    return ok();
}

Result<void> put_legacy(Bytes& out, const json& txn) {
    for (const char* key : {"nonce", "gasPrice", "gas"}) {
        MARGRAVE_TRY(put_amount(out, txn, key));
    }
    MARGRAVE_TRY(put_to(out, txn));
    MARGRAVE_TRY(put_amount(out, txn, "value"));
    MARGRAVE_TRY(put_input(out, txn));
    for (const char* key : {"v", "r", "s"}) {
        MARGRAVE_TRY(put_amount(out, txn, key));
    }
    return ok();
}

// Types 1 to 4: EIP-2930, 1559, 4844, 7702.
Result<void> put_typed(Bytes& out, const json& txn, std::uint8_t type) {
    MARGRAVE_TRY(put_amount(out, txn, "chainId"));
    MARGRAVE_TRY(put_amount(out, txn, "nonce"));
    if (type >= kDynamicFee) {
        MARGRAVE_TRY(put_amount(out, txn, "maxPriorityFeePerGas"));
        MARGRAVE_TRY(put_amount(out, txn, "maxFeePerGas"));
    } else {
        MARGRAVE_TRY(put_amount(out, txn, "gasPrice"));
    }
    MARGRAVE_TRY(put_amount(out, txn, "gas"));
    MARGRAVE_TRY(put_to(out, txn));
    MARGRAVE_TRY(put_amount(out, txn, "value"));
    MARGRAVE_TRY(put_input(out, txn));
    MARGRAVE_TRY(put_access_list(out, txn));
    if (type == kBlob) {
        MARGRAVE_TRY(put_amount(out, txn, "maxFeePerBlobGas"));
        MARGRAVE_TRY(put_hashes(out, txn, "blobVersionedHashes"));
    }
    if (type == kSetCode) {
        MARGRAVE_TRY(put_authorizations(out, txn));
    }
    return put_signature(out, txn);
}

// The OP stack's deposits (its specification, "The deposited transaction type").
Result<void> put_deposit(Bytes& out, const json& txn) {
    MARGRAVE_TRY(put_hash(out, txn, "sourceHash"));
    MARGRAVE_TRY(put_address(out, txn, "from"));
    MARGRAVE_TRY(put_to(out, txn));
    MARGRAVE_TRY(const auto mint, rpc::opt_amount_at(txn, "mint"));
    rlp::put_uint(out, mint.value_or(Amount{}));
    MARGRAVE_TRY(put_amount(out, txn, "value"));
    MARGRAVE_TRY(put_amount(out, txn, "gas"));
    bool is_system = false;
    if (detail::has(txn, "isSystemTx")) {
        MARGRAVE_TRY(is_system, rpc::bool_at(txn, "isSystemTx"));
    }
    rlp::put_uint(out, std::uint64_t{is_system});
    return put_input(out, txn);
}

// Full transactions of the block object.
Result<const json*> txns_of(const json& block) {
    if (!detail::has(block, "transactions")) {
        return unable("there are none in the answer");
    }
    MARGRAVE_TRY(const json* const list, detail::readable(list_at(block, "transactions"), "they"));
    if (list->size() > kTxnsMax) {
        return unable(
            std::to_string(list->size()) + " transactions, at most " + std::to_string(kTxnsMax)
        );
    }
    return list;
}

struct EncodedTxns {
    std::vector<Bytes> bytes;
    std::vector<Hash32> hashes;
    /// First one whose own hash is another's.
    std::optional<std::size_t> misnamed;
};

Result<EncodedTxns> encode_all(const json& list) {
    EncodedTxns out;
    for (const json& txn : list) {
        const std::string where = "transaction " + std::to_string(out.bytes.size());
        if (!txn.is_object()) {
            return unable(where + " is " + txn.type_name() + ", not an object");
        }
        MARGRAVE_TRY(Bytes bytes, detail::readable(encode_block_txn(txn), where));
        MARGRAVE_TRY(const Hash32 told, detail::readable(rpc::hash_at(txn, "hash"), where));
        const Hash32 hash = keccak256(bytes);
        if (hash != told && !out.misnamed) {
            out.misnamed = out.bytes.size();
        }
        out.bytes.push_back(std::move(bytes));
        out.hashes.push_back(hash);
    }
    return out;
}

Result<std::vector<Hash32>> proved_hashes(const ProvedHeader& header, const json& block) {
    MARGRAVE_TRY(const json* const list, txns_of(block));
    MARGRAVE_TRY(EncodedTxns txns, encode_all(*list));
    const Hash32 made = trie::list_root(std::span<const Bytes>(txns.bytes));
    const std::string misnamed =
        txns.misnamed ? "transaction " + std::to_string(*txns.misnamed) + " hashes to " +
                            to_hex(txns.hashes[*txns.misnamed]) + ", not to what it says"
                      : std::string{};
    if (made != header.transactions_root()) {
        return unproved(
            "the root is " + to_hex(made) + ", the header has " +
            to_hex(header.transactions_root()) + (misnamed.empty() ? "" : "; " + misnamed)
        );
    }
    if (!misnamed.empty()) {
        return unproved(misnamed);
    }
    return std::move(txns.hashes);
}

Result<Withdrawal> read_withdrawal(const json& entry) {
    Withdrawal out;
    MARGRAVE_TRY(out.index, rpc::u64_at(entry, "index"));
    MARGRAVE_TRY(out.validator, rpc::u64_at(entry, "validatorIndex"));
    MARGRAVE_TRY(out.address, rpc::address_at(entry, "address"));
    MARGRAVE_TRY(out.amount_gwei, rpc::u64_at(entry, "amount"));
    return out;
}

// EIP-4895.
Bytes encode(const Withdrawal& w) {
    Bytes members;
    rlp::put_uint(members, w.index);
    rlp::put_uint(members, w.validator);
    rlp::put_bytes(members, w.address.view());
    rlp::put_uint(members, w.amount_gwei);
    Bytes out;
    rlp::put_list(out, members);
    return out;
}

Result<std::vector<Withdrawal>> read_withdrawals(const json& list) {
    std::vector<Withdrawal> out;
    for (const json& entry : list) {
        const std::string where = "withdrawal " + std::to_string(out.size());
        MARGRAVE_TRY(const Withdrawal w, detail::readable(read_withdrawal(entry), where));
        out.push_back(w);
    }
    return out;
}

Result<std::vector<Withdrawal>> proved_withdrawals(const ProvedHeader& header, const json& block) {
    const bool listed = detail::has(block, "withdrawals");
    if (!header.withdrawals_root()) {
        if (listed && *block.find("withdrawals") != json::array()) {
            return unproved("the header is of before Shanghai and has none");
        }
        return std::vector<Withdrawal>{};
    }
    if (!listed) {
        return unable("there are none in the answer");
    }
    MARGRAVE_TRY(const json* const list, detail::readable(list_at(block, "withdrawals"), "they"));
    if (list->size() > kWithdrawalsMax) {
        return unable(
            std::to_string(list->size()) + " entries, at most " + std::to_string(kWithdrawalsMax)
        );
    }
    MARGRAVE_TRY(auto withdrawals, read_withdrawals(*list));
    std::vector<Bytes> encoded;
    for (const Withdrawal& w : withdrawals) {
        encoded.push_back(encode(w));
    }
    const Hash32 made = trie::list_root(std::span<const Bytes>(encoded));
    if (made == *header.withdrawals_root()) {
        return withdrawals;
    }
    const std::string differs =
        "the root is " + to_hex(made) + ", the header has " + to_hex(*header.withdrawals_root());
    if (withdrawals.empty()) {
        return unable(differs + ", which is no list's root on the OP stack");
    }
    return unproved(differs);
}

}  // namespace

bool is_known_txn(std::uint8_t type) {
    return std::ranges::find(kKnownTypes, type) != kKnownTypes.end();
}

Result<Bytes> encode_block_txn(const json& txn) {
    MARGRAVE_TRY(const std::uint8_t type, detail::read_type(txn));
    if (!is_known_txn(type)) {
        return unable("is of type " + std::to_string(type) + ", which is not known here");
    }
    Bytes members;
    if (type == 0) {
        MARGRAVE_TRY(put_legacy(members, txn));
    } else if (type == kDeposit) {
        MARGRAVE_TRY(put_deposit(members, txn));
    } else {
        MARGRAVE_TRY(put_typed(members, txn, type));
    }
    Bytes out;
    if (type != 0) {
        out.push_back(type);
    }
    rlp::put_list(out, members);
    return out;
}

Result<ProvedTxns> prove_txns(const ProvedHeader& header, const json& block) {
    auto hashes = proved_hashes(header, block);
    if (!hashes) {
        return fail(hashes.error().code, name_of(header, "transactions") + hashes.error().detail);
    }
    return ProvedTxns(header.block(), std::move(hashes).value());
}

Result<std::vector<Withdrawal>> prove_withdrawals(const ProvedHeader& header, const json& block) {
    auto withdrawals = proved_withdrawals(header, block);
    if (!withdrawals) {
        return fail(
            withdrawals.error().code, name_of(header, "withdrawals") + withdrawals.error().detail
        );
    }
    return withdrawals;
}

}  // namespace margrave::chains::evm
