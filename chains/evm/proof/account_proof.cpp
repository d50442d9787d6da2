// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/account_proof.hpp"

#include "chains/evm/proof/detail/answer.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace margrave::chains::evm {
namespace {

using detail::readable;
using detail::unable;
using detail::unproved;
using nlohmann::json;

// A path of 32-byte keys has at most 64 branches and a leaf.
constexpr std::size_t kNodesMax = 65;

const Hash32& empty_code() {
    static const Hash32 hash = keccak256(ByteView{});
    return hash;
}

Error inside(const std::string& where, const Error& error) {
    return {error.code, where + ": " + error.detail};
}

Result<std::vector<Bytes>> read_nodes(const json& object, std::string_view key) {
    const auto list = object.find(key);
    if (list == object.end() || !list->is_array()) {
        return fail(Errc::kInvalid, std::string(key) + " is no list");
    }
    if (list->size() > kNodesMax) {
        return fail(
            Errc::kLimit,
            std::string(key) + " has " + std::to_string(list->size()) + " nodes, at most " +
                std::to_string(kNodesMax)
        );
    }
    std::vector<Bytes> out;
    out.reserve(list->size());
    for (const json& node : *list) {
        if (!node.is_string()) {
            return fail(Errc::kInvalid, std::string(key) + " has a node that is no string");
        }
        MARGRAVE_TRY(
            Bytes bytes, rpc::parse_data(node.get_ref<const std::string&>(), trie::kNodeMax)
        );
        out.push_back(std::move(bytes));
    }
    return out;
}

// Nodes give a slot back as it was asked, whole or as a quantity, some without 0x.
Result<Hash32> read_slot(const json& entry) {
    MARGRAVE_TRY(std::string_view digits, rpc::text_at(entry, "key"));
    if (digits.starts_with("0x")) {
        digits.remove_prefix(2);
    }
    constexpr std::size_t kDigits = 2 * Hash32::kSize;
    if (digits.empty() || digits.size() > kDigits) {
        return fail(Errc::kInvalid, "key has " + std::to_string(digits.size()) + " hex digits");
    }
    return parse_hash32("0x" + std::string(kDigits - digits.size(), '0') + std::string(digits));
}

Result<AccountState> decode_account(ByteView value) {
    constexpr std::size_t kFields = 4;
    MARGRAVE_TRY(const rlp::Item list, rlp::decode(value));
    if (!list.is_list || list.items.size() != kFields) {
        return fail(Errc::kInvalid, "is no list of nonce, balance, storage root and code hash");
    }
    AccountState out;
    MARGRAVE_TRY(out.nonce, rlp::to_u64(list.items[0], "nonce"));
    MARGRAVE_TRY(out.balance, rlp::to_amount(list.items[1], "balance"));
    MARGRAVE_TRY(out.storage_root, rlp::to_hash32(list.items[2], "storage root"));
    MARGRAVE_TRY(out.code_hash, rlp::to_hash32(list.items[3], "code hash"));
    return out;
}

Result<AccountState> read_claim(const json& answer) {
    AccountState out;
    MARGRAVE_TRY(out.nonce, rpc::u64_at(answer, "nonce"));
    MARGRAVE_TRY(out.balance, rpc::amount_at(answer, "balance"));
    MARGRAVE_TRY(out.storage_root, rpc::hash_at(answer, "storageHash"));
    MARGRAVE_TRY(out.code_hash, rpc::hash_at(answer, "codeHash"));
    return out;
}

// Absent, nodes write the two hashes as those of nothing or as zero.
bool claims_absence(const AccountState& claim) {
    return claim.nonce == 0 && claim.balance.is_zero() &&
           (claim.storage_root.is_zero() || claim.storage_root == trie::empty_root()) &&
           (claim.code_hash.is_zero() || claim.code_hash == empty_code());
}

Result<void> compare(const AccountState& claim, const AccountState& proved) {
    if (claim.nonce != proved.nonce) {
        return unproved(
            "nonce " + std::to_string(claim.nonce) + " is told, " + std::to_string(proved.nonce) +
            " is proved"
        );
    }
    if (claim.balance != proved.balance) {
        return unproved(
            "balance " + claim.balance.to_string() + " is told, " + proved.balance.to_string() +
            " is proved"
        );
    }
    if (claim.storage_root != proved.storage_root) {
        return unproved(
            "storageHash " + to_hex(claim.storage_root) + " is told, " +
            to_hex(proved.storage_root) + " is proved"
        );
    }
    if (claim.code_hash != proved.code_hash) {
        return unproved(
            "codeHash " + to_hex(claim.code_hash) + " is told, " + to_hex(proved.code_hash) +
            " is proved"
        );
    }
    return ok();
}

Result<std::optional<AccountState>> prove_state(
    const json& answer, const Hash32& state_root, const Address& asked
) {
    MARGRAVE_TRY(const AccountState claim, readable(read_claim(answer), "the answer"));
    MARGRAVE_TRY(
        const std::vector<Bytes> nodes, readable(read_nodes(answer, "accountProof"), "the answer")
    );
    const Hash32 key = keccak256(asked.view());
    MARGRAVE_TRY(const trie::Proved value, trie::verify_proof(state_root, key.view(), nodes));
    if (!value) {
        if (!claims_absence(claim)) {
            return unproved("the state has no such account, the answer gives it values");
        }
        return std::optional<AccountState>{};
    }
    const auto account = decode_account(*value);
    if (!account) {
        return unproved("the account's leaf: " + account.error().detail);
    }
    MARGRAVE_TRY(compare(claim, account.value()));
    return std::optional<AccountState>{account.value()};
}

// A slot's leaf holds the RLP of its number; zero is no leaf.
Result<Amount> decode_slot(const trie::Proved& leaf) {
    if (!leaf) {
        return Amount{};
    }
    const auto item = rlp::decode(*leaf);
    if (!item) {
        return unproved("its leaf: " + item.error().detail);
    }
    const auto value = rlp::to_amount(item.value(), "value");
    if (!value) {
        return unproved("its leaf: " + value.error().detail);
    }
    if (value.value().is_zero()) {
        return unproved("its leaf holds zero");
    }
    return value.value();
}

Result<SlotValue> prove_slot(const json& entry, const Hash32& storage_root, const Hash32& asked) {
    MARGRAVE_TRY(const Hash32 slot, readable(read_slot(entry), "its entry"));
    if (slot != asked) {
        return unproved("answered about " + to_hex(slot));
    }
    MARGRAVE_TRY(const Amount told, readable(rpc::amount_at(entry, "value"), "its entry"));
    MARGRAVE_TRY(const auto nodes, readable(read_nodes(entry, "proof"), "its entry"));
    const Hash32 key = keccak256(slot.view());
    MARGRAVE_TRY(const trie::Proved leaf, trie::verify_proof(storage_root, key.view(), nodes));
    MARGRAVE_TRY(const Amount value, decode_slot(leaf));
    if (value != told) {
        return unproved(
            "value " + told.to_string() + " is told, " + value.to_string() + " is proved"
        );
    }
    return SlotValue{slot, value};
}

Result<std::vector<SlotValue>> prove_slots(
    const json& answer, const Hash32& storage_root, std::span<const Hash32> asked
) {
    const auto list = answer.find("storageProof");
    if (list == answer.end() || !list->is_array()) {
        return unable("storageProof is no list");
    }
    if (list->size() != asked.size()) {
        return unproved(
            "asked for " + std::to_string(asked.size()) + " slots, answered with " +
            std::to_string(list->size())
        );
    }
    std::vector<SlotValue> out;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        auto slot = prove_slot((*list)[i], storage_root, asked[i]);
        if (!slot) {
            return inside("slot " + to_hex(asked[i]), slot.error());
        }
        out.push_back(std::move(slot).value());
    }
    return out;
}

}  // namespace

Result<ProvedAccount> prove_account(
    const json& answer,
    const Hash32& state_root,
    const Address& asked,
    std::span<const Hash32> slots
) {
    const std::string where = "proof of account " + to_hex(asked);
    if (answer.is_null()) {
        return unable(where + ": the node has none");
    }
    MARGRAVE_TRY(const Address told, readable(rpc::address_at(answer, "address"), where));
    if (told != asked) {
        return unproved(where + ": answered about " + to_hex(told));
    }
    auto state = prove_state(answer, state_root, asked);
    if (!state) {
        return inside(where, state.error());
    }
    const Hash32 storage_root = state.value() ? state.value()->storage_root : trie::empty_root();
    auto values = prove_slots(answer, storage_root, slots);
    if (!values) {
        return inside(where, values.error());
    }
    return ProvedAccount(asked, std::move(state).value(), std::move(values).value());
}

Result<ProvedAccount> prove_account(
    const json& answer,
    const ProvedHeader& header,
    const Address& asked,
    std::span<const Hash32> slots
) {
    return prove_account(answer, header.state_root(), asked, slots);
}

}  // namespace margrave::chains::evm
