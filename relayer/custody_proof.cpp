// SPDX-License-Identifier: Apache-2.0
#include "relayer/custody_proof.hpp"

#include "chains/evm/proof/account_proof.hpp"
#include "chains/evm/requests.hpp"
#include "core/keccak.hpp"
#include "core/words.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace margrave::relayer {

namespace {

namespace evm = chains::evm;
namespace rpc = chains::rpc;
using nlohmann::json;

/// Inherited contracts and gaps put the mapping behind others; OpenZeppelin's old upgradeable
/// tokens have it at 51.
constexpr std::uint64_t kFirstSlots = 24;
constexpr std::uint64_t kOldUpgradeable = 51;
/// keccak(keccak("openzeppelin.storage.ERC20") - 1) without its last byte (EIP-7201).
constexpr std::string_view kNamespaced =
    "0x52c63247e1f47db19d5ce0460030c497f067ca4cebf71ba98eeadabe20bace00";
/// _BALANCE_SLOT_SEED of Solady's ERC20.
constexpr std::uint32_t kSoladySeed = 0x87a211a2;

Hash32 place_in(const Hash32& first, const Hash32& second) {
    return WordWriter{}.word(first).word(second).hash();
}

Error from_node(const rpc::RpcCaller& node, const std::string& detail) {
    return fail(Errc::kUnable, node.name() + ": " + detail);
}

Task<Result<json>> ask_node(rpc::RpcCaller& node, rpc::RpcCall call) {
    std::vector<rpc::RpcCall> calls;
    calls.push_back(std::move(call));
    auto answers = co_await node.batch(std::move(calls));
    if (!answers) {
        co_return from_node(node, answers.error().detail);
    }
    auto& answer = answers.value().front();
    if (!answer) {
        co_return from_node(node, answer.error().detail);
    }
    co_return std::move(answer.value());
}

struct Proved {
    Hash32 state_root;
    evm::ProvedAccount account;
};

Task<Result<Proved>> prove(
    rpc::RpcCaller& node, Address account, std::vector<Hash32> slots, Hash32 block
) {
    rpc::RpcCall header_call = evm::ask_block_by_hash(block);
    auto header_answer = co_await ask_node(node, std::move(header_call));
    if (!header_answer) {
        co_return header_answer.as_failure();
    }
    auto header = evm::prove_header(header_answer.value(), block);
    if (!header) {
        co_return header.as_failure();
    }
    rpc::RpcCall call = evm::ask_proof(account, slots, block);
    auto answer = co_await ask_node(node, std::move(call));
    if (!answer) {
        co_return answer.as_failure();
    }
    auto proved = evm::prove_account(answer.value(), header.value(), account, slots);
    if (!proved) {
        co_return proved.as_failure();
    }
    co_return Proved{header.value().state_root(), std::move(proved).value()};
}

}  // namespace

std::vector<Hash32> balance_places(const Address& holder) {
    const Hash32 who = left_pad(holder);
    std::vector<std::uint64_t> first{kOldUpgradeable};
    for (std::uint64_t slot = 0; slot < kFirstSlots; ++slot) {
        first.push_back(slot);
    }
    std::vector<Hash32> out;
    for (const std::uint64_t slot : first) {
        const Hash32 word = Amount{slot}.to_word();
        out.push_back(place_in(who, word));
        out.push_back(place_in(word, who));
    }
    out.push_back(place_in(who, parse_hash32(kNamespaced).value()));
    Bytes seeded(holder.data.begin(), holder.data.end());
    put_u64(seeded, 0);
    put_u32(seeded, kSoladySeed);
    out.push_back(keccak256(seeded));
    return out;
}

Task<Result<VaultProof>> prove_vault(rpc::RpcCaller& node, Address vault, Hash32 block) {
    const Hash32 count_slot = Amount{0}.to_word();
    const Hash32 hash_slot = Amount{1}.to_word();
    std::vector<Hash32> slots;
    slots.push_back(count_slot);
    slots.push_back(hash_slot);
    auto proved = co_await prove(node, vault, std::move(slots), block);
    if (!proved) {
        co_return proved.as_failure();
    }
    const evm::ProvedAccount& account = proved.value().account;
    VaultProof out;
    out.state_root = proved.value().state_root;
    const auto count = account.slots()[0].value.to_u64();
    if (!count) {
        co_return fail(Errc::kUnproved, "the vault's slot 0 is no count of events");
    }
    out.events.count = count.value();
    out.events.hash = account.slots()[1].value.to_word();
    out.balance = account.state() ? account.state()->balance : Amount{};
    co_return out;
}

Task<Result<TokenProof>> prove_token_balance(
    rpc::RpcCaller& node, Address token, Address vault, Hash32 block, Amount told
) {
    if (told.is_zero()) {
        co_return fail(Errc::kUnable, "a balance of zero has no place of its own to prove");
    }
    std::vector<Hash32> places = balance_places(vault);
    auto proved = co_await prove(node, token, std::move(places), block);
    if (!proved) {
        co_return proved.as_failure();
    }
    for (const evm::SlotValue& slot : proved.value().account.slots()) {
        if (slot.value == told) {
            co_return TokenProof{slot.slot, slot.value};
        }
    }
    co_return fail(
        Errc::kUnable,
        "none of the usual places of a balance in token " + to_hex(token) + " holds " +
            told.to_string()
    );
}

}  // namespace margrave::relayer
