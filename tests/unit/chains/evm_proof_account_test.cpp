// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/account_proof.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"
#include "tests/unit/chains/evm_proof_samples.hpp"

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using rpc::to_quantity;
using tests::PlainTrie;

Hash32 slot_of(std::string text) {
    if (text.starts_with("0x")) {
        text = text.substr(2);
    }
    return parse_hash32("0x" + std::string(64 - text.size(), '0') + text).value();
}

Address address_of(const json& answer) {
    return parse_address(answer["address"].get<std::string>()).value();
}

std::vector<Hash32> slots_of(const json& answer) {
    std::vector<Hash32> out;
    for (const json& entry : answer["storageProof"]) {
        out.push_back(slot_of(entry["key"].get<std::string>()));
    }
    return out;
}

std::string other(std::string text) {
    text.back() = text.back() == '1' ? '2' : '1';
    return text;
}

// Quirks of these answers, each read as it is meant: keys without 0x or cut to a quantity, absent
// accounts with zero for codeHash and storageHash, an empty slot proof under an empty storage root.
TEST(ProvedAccount, EveryRealAnswerIsProvedAndEveryChangeOfItIsRefused) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = tests::load_vectors("proofs/eth_getProof_mainnet.json");
    ASSERT_EQ(cases.size(), 30U);
    std::size_t with_header = 0;
    std::size_t absent = 0;
    for (const json& entry : cases) {
        const json& answer = entry["proof"];
        const Hash32 root = parse_hash32(entry["stateRoot"].get<std::string>()).value();
        const Address asked = address_of(answer);
        const auto slots = slots_of(answer);
        const auto proved = prove_account(answer, root, asked, slots);
        ASSERT_TRUE(proved.has_value()) << entry["source"] << proved.error().detail;
        const bool expected = entry["expect"]["account"] == json("present");
        EXPECT_EQ(proved.value().state().has_value(), expected) << entry["source"];
        absent += expected ? 0 : 1;
        for (std::size_t i = 0; i < slots.size(); ++i) {
            const bool present = entry["expect"]["storage"][i] == json("present");
            EXPECT_EQ(proved.value().slots()[i].value.is_zero(), !present) << entry["source"];
            EXPECT_EQ(proved.value().slots()[i].slot, slots[i]);
        }
        if (!entry["header"].is_null()) {
            const auto header = prove_header(entry["header"]);
            ASSERT_TRUE(header.has_value()) << header.error().detail;
            EXPECT_TRUE(prove_account(answer, header.value(), asked, slots).has_value());
            ++with_header;
        }
        for (const char* key : {"nonce", "balance", "codeHash", "storageHash"}) {
            json forged = answer;
            forged[key] = other(forged[key].get<std::string>());
            EXPECT_REFUSED(prove_account(forged, root, asked, slots), Errc::kUnproved, "account");
        }
        json cut = answer;
        cut["accountProof"].erase(cut["accountProof"].size() - 1);
        EXPECT_REFUSED(prove_account(cut, root, asked, slots), Errc::kUnproved, "ends after");
        EXPECT_REFUSED(
            prove_account(answer, keccak256(root.view()), asked, slots), Errc::kUnproved, "hashes"
        );
    }
    EXPECT_EQ(with_header, 4U);
    EXPECT_EQ(absent, 4U);
}

TEST(ProvedAccount, EveryProofOfTheExecutionApisTestChainHoldsUnderItsHeader) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = tests::load_vectors("proofs/execution_apis_rpc_cases.json");
    std::vector<ProvedHeader> headers;
    for (const json& entry : cases) {
        const json answer = entry["response"].value("result", json());
        if (answer.is_object() && answer.contains("stateRoot")) {
            headers.push_back(prove_header(answer).value());
        }
    }
    std::size_t proofs = 0;
    for (const json& entry : cases) {
        if (entry["path"].get<std::string>().find("eth_getProof") == std::string::npos) {
            continue;
        }
        const json& answer = entry["response"]["result"];
        bool proved = false;
        for (const ProvedHeader& header : headers) {
            proved =
                proved ||
                prove_account(answer, header, address_of(answer), slots_of(answer)).has_value();
        }
        EXPECT_TRUE(proved) << entry["path"];
        ++proofs;
    }
    EXPECT_EQ(proofs, 4U);
}

Bytes account_leaf(const AccountState& state) {
    Bytes members;
    rlp::put_uint(members, state.nonce);
    rlp::put_uint(members, state.balance);
    rlp::put_bytes(members, state.storage_root.view());
    rlp::put_bytes(members, state.code_hash.view());
    Bytes out;
    rlp::put_list(out, members);
    return out;
}

Bytes key_of(ByteView value) {
    const Hash32 hash = keccak256(value);
    return {hash.data.begin(), hash.data.end()};
}

json nodes_of(const std::vector<Bytes>& nodes) {
    json out = json::array();
    for (const Bytes& node : nodes) {
        out.push_back(to_hex(node));
    }
    return out;
}

// A state of 300 accounts; the vault has 40 slots.
struct World {
    Address vault = low_address(keccak256(std::string_view("vault")));
    Address nobody = low_address(keccak256(std::string_view("nobody")));
    AccountState state;
    std::map<Bytes, Bytes> storage;
    std::map<Bytes, Bytes> accounts;

    World() {
        for (std::uint64_t i = 0; i < 40; ++i) {
            Bytes value;
            rlp::put_uint(value, 1000 + i);
            storage[key_of(slot(i).view())] = value;
        }
        state.nonce = 1;
        state.balance = Amount(5'000'000);
        state.storage_root = PlainTrie(storage).root();
        state.code_hash = keccak256(std::string_view("code"));
        for (std::uint64_t i = 0; i < 300; ++i) {
            AccountState someone{i, Amount(i), trie::empty_root(), keccak256(ByteView{})};
            accounts[key_of(slot(i).view())] = account_leaf(someone);
        }
        accounts[key_of(vault.view())] = account_leaf(state);
    }

    static Hash32 slot(std::uint64_t number) { return Amount(number).to_word(); }

    [[nodiscard]] Hash32 root() const { return PlainTrie(accounts).root(); }

    [[nodiscard]] json answer(const Address& about, const std::vector<Hash32>& slots) const {
        const bool there = about == vault;
        const AccountState claim =
            there ? state : AccountState{0, Amount{}, trie::empty_root(), keccak256(ByteView{})};
        json out;
        out["address"] = to_hex(about);
        out["nonce"] = to_quantity(claim.nonce);
        out["balance"] = to_quantity(claim.balance);
        out["storageHash"] = to_hex(claim.storage_root);
        out["codeHash"] = to_hex(claim.code_hash);
        out["accountProof"] = nodes_of(PlainTrie(accounts).prove(key_of(about.view())));
        out["storageProof"] = json::array();
        for (const Hash32& asked : slots) {
            json entry;
            entry["key"] = to_hex(asked);
            const auto at = storage.find(key_of(asked.view()));
            const bool written = there && at != storage.end();
            entry["value"] =
                written ? to_quantity(rlp::to_u64(rlp::decode(at->second).value(), "v").value())
                        : "0x0";
            entry["proof"] =
                there ? nodes_of(PlainTrie(storage).prove(key_of(asked.view()))) : json::array();
            out["storageProof"].push_back(entry);
        }
        return out;
    }
};

TEST(ProvedAccount, AnAccountAndItsSlotsAreProvedAndSoIsWhatWasNeverWritten) {
    const World world;
    const std::vector<Hash32> slots{World::slot(0), World::slot(1), World::slot(77)};
    const auto proved =
        prove_account(world.answer(world.vault, slots), world.root(), world.vault, slots);
    ASSERT_TRUE(proved.has_value()) << proved.error().detail;
    EXPECT_EQ(proved.value().address(), world.vault);
    EXPECT_EQ(proved.value().state(), world.state);
    const std::vector<SlotValue> expected{
        {slots[0], Amount(1000)}, {slots[1], Amount(1001)}, {slots[2], Amount{}}};
    EXPECT_EQ(proved.value().slots(), expected);
}

TEST(ProvedAccount, AnAccountThatIsNotThereIsProvedAbsentAndHasOnlyEmptySlots) {
    const World world;
    const std::vector<Hash32> slots{World::slot(0)};
    json answer = world.answer(world.nobody, slots);
    const auto proved = prove_account(answer, world.root(), world.nobody, slots);
    ASSERT_TRUE(proved.has_value()) << proved.error().detail;
    EXPECT_EQ(proved.value().state(), std::nullopt);
    EXPECT_EQ(proved.value().slots(), (std::vector<SlotValue>{{slots[0], Amount{}}}));
    answer["codeHash"] = to_hex(Hash32{});
    answer["storageHash"] = to_hex(Hash32{});
    EXPECT_TRUE(prove_account(answer, world.root(), world.nobody, slots).has_value());
    answer["balance"] = "0x1";
    EXPECT_REFUSED(
        prove_account(answer, world.root(), world.nobody, slots), Errc::kUnproved, "no such account"
    );
    answer["balance"] = "0x0";
    answer["storageProof"][0]["value"] = "0x1";
    EXPECT_REFUSED(
        prove_account(answer, world.root(), world.nobody, slots), Errc::kUnproved, "is proved"
    );
}

TEST(ProvedAccount, AnAnswerAboutAnotherAddressOrSlotIsRefusedThoughItHolds) {
    const World world;
    const std::vector<Hash32> slots{World::slot(0), World::slot(1)};
    const json answer = world.answer(world.vault, slots);
    const auto refused = [&](const json& told,
                             const Address& address,
                             const std::vector<Hash32>& asked,
                             const char* part) {
        EXPECT_REFUSED(prove_account(told, world.root(), address, asked), Errc::kUnproved, part);
    };
    refused(answer, world.nobody, slots, "answered about");
    json renamed = answer;
    renamed["address"] = to_hex(world.nobody);
    refused(renamed, world.nobody, slots, "trie proof");
    refused(answer, world.vault, {slots[0], World::slot(2)}, "answered about");
    refused(answer, world.vault, {slots[1], slots[0]}, "answered about");
    refused(answer, world.vault, {slots[0]}, "asked for 1 slots");
    refused(answer, world.vault, {slots[0], slots[1], slots[1]}, "asked for 3 slots");
    json swapped = answer;
    std::swap(swapped["storageProof"][0]["proof"], swapped["storageProof"][1]["proof"]);
    refused(swapped, world.vault, slots, "slot 0x");
}

TEST(ProvedAccount, EveryStatedValueMustBeTheProvedOne) {
    const World world;
    const std::vector<Hash32> slots{World::slot(0), World::slot(77)};
    const json answer = world.answer(world.vault, slots);
    const auto refused = [&](const json& told, const char* part) {
        EXPECT_REFUSED(
            prove_account(told, world.root(), world.vault, slots), Errc::kUnproved, part
        );
    };
    for (const char* key : {"nonce", "balance", "storageHash", "codeHash"}) {
        json forged = answer;
        forged[key] = other(forged[key].get<std::string>());
        refused(forged, key);
    }
    json forged = answer;
    forged["storageProof"][0]["value"] = "0x0";
    refused(forged, "0 is told, 1000 is proved");
    forged = answer;
    forged["storageProof"][1]["value"] = "0x1";
    refused(forged, "1 is told, 0 is proved");
    forged = answer;
    forged["storageProof"][0]["proof"].erase(0);
    refused(forged, "hashes to");
    forged = answer;
    forged["accountProof"].push_back(forged["accountProof"][0]);
    refused(forged, "nodes, the path");
}

TEST(ProvedAccount, WhatIsMissingOrMalformedIsUnjudged) {
    const World world;
    const std::vector<Hash32> slots{World::slot(0)};
    const json answer = world.answer(world.vault, slots);
    const auto unable = [&](const json& told, const char* part) {
        EXPECT_REFUSED(prove_account(told, world.root(), world.vault, slots), Errc::kUnable, part);
    };
    unable(json(nullptr), "has none");
    unable(json::array(), "address");
    for (const char* key :
         {"address",
          "nonce",
          "balance",
          "storageHash",
          "codeHash",
          "accountProof",
          "storageProof"}) {
        json broken = answer;
        broken.erase(key);
        unable(broken, key);
    }
    for (const char* key : {"key", "value", "proof"}) {
        json broken = answer;
        broken["storageProof"][0].erase(key);
        unable(broken, key);
    }
    json broken = answer;
    broken["accountProof"] = json::array();
    unable(broken, "no node");
    broken = answer;
    broken["storageProof"][0]["proof"] = json::array();
    unable(broken, "no node");
    broken["accountProof"] = json::array_t(66, json("0x80"));
    unable(broken, "at most 65");
    broken = answer;
    broken["accountProof"][0] = 7;
    unable(broken, "no string");
    broken = answer;
    broken["storageProof"][0]["key"] = "0x" + std::string(65, '0');
    unable(broken, "65 hex digits");
}

TEST(ProvedAccount, KeysAreReadAsNodesWriteThem) {
    const World world;
    const std::vector<Hash32> slots{World::slot(1)};
    json answer = world.answer(world.vault, slots);
    for (const std::string& key :
         {std::string("0x1"),
          std::string("1"),
          std::string(63, '0').append("1"),
          std::string("0x01")}) {
        answer["storageProof"][0]["key"] = key;
        EXPECT_TRUE(prove_account(answer, world.root(), world.vault, slots).has_value()) << key;
    }
}

TEST(ProvedAccount, LeavesThatAreNoAccountOrNumberAreRefused) {
    World world;
    const std::vector<Hash32> slots{World::slot(0)};
    const Bytes key = key_of(slots[0].view());
    for (const Bytes& leaf : {Bytes{0x80}, Bytes{0x00}, Bytes{0x81, 0x01}, Bytes(34, 0xa1)}) {
        World odd = world;
        odd.storage[key] = leaf;
        json answer = world.answer(world.vault, slots);
        odd.state.storage_root = PlainTrie(odd.storage).root();
        odd.accounts[key_of(odd.vault.view())] = account_leaf(odd.state);
        answer["storageHash"] = to_hex(odd.state.storage_root);
        answer["accountProof"] = nodes_of(PlainTrie(odd.accounts).prove(key_of(odd.vault.view())));
        answer["storageProof"][0]["proof"] = nodes_of(PlainTrie(odd.storage).prove(key));
        EXPECT_REFUSED(
            prove_account(answer, odd.root(), odd.vault, slots), Errc::kUnproved, "its leaf"
        );
    }
    world.accounts[key_of(world.vault.view())] = Bytes{0xc1, 0x80};
    EXPECT_REFUSED(
        prove_account(world.answer(world.vault, slots), world.root(), world.vault, slots),
        Errc::kUnproved,
        "leaf"
    );
}

}  // namespace
}  // namespace margrave::chains::evm
