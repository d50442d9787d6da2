// SPDX-License-Identifier: Apache-2.0
#include "core/events.hpp"
#include "core/statements.hpp"
#include "core/words.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

// The protocol's own vectors, which ethers computed for the contracts' tests.
namespace margrave {
namespace {

class ProtocolVectors : public ::testing::Test {
  protected:
    void SetUp() override {
        const std::string path = std::string(MARGRAVE_SOURCE_DIR) + "/contracts/test/vectors.json";
        const auto text = tests::read_file(path);
        ASSERT_TRUE(text) << path << " cannot be read";
        vectors_ = nlohmann::json::parse(*text);
    }

    nlohmann::json vectors_;
};

std::uint64_t number(const nlohmann::json& text) {
    return Amount::parse(text.get<std::string>()).value().to_u64().value();
}

Hash32 word(const nlohmann::json& text) {
    return parse_hash32(text.get<std::string>()).value();
}

AccountId account(const nlohmann::json& text) {
    return parse_account(text.get<std::string>()).value();
}

Address address(const nlohmann::json& text) {
    return parse_address(text.get<std::string>()).value();
}

TEST_F(ProtocolVectors, ChainKeysAreOurs) {
    ASSERT_FALSE(vectors_["chains"].empty());
    for (const auto& entry : vectors_["chains"]) {
        const auto chain = ChainId::parse(entry["caip2"].get<std::string>()).value();
        EXPECT_EQ(chain.key(), word(entry["chain"])) << chain.text();
    }
}

// A contract takes any uint256 as a sub-account; this process names those of 64 bits and knows the
// others by their 32 bytes only.
TEST_F(ProtocolVectors, AccountIdsAreOurs) {
    ASSERT_FALSE(vectors_["accountIds"].empty());
    for (const auto& entry : vectors_["accountIds"]) {
        const Amount sub = Amount::parse(entry["sub"].get<std::string>()).value();
        WordWriter words;
        words.address(address(entry["owner"])).uint(sub);
        if (!sub.is_zero()) {
            EXPECT_EQ(words.hash(), word(entry["account"])) << entry;
        }
        if (const auto index = sub.to_u64()) {
            const AccountId ours = sub_account_of(address(entry["owner"]), index.value());
            EXPECT_EQ(ours, account(entry["account"])) << entry;
        }
    }
}

TEST_F(ProtocolVectors, ReleaseAndSeizureIdsAreOurs) {
    ASSERT_FALSE(vectors_["releaseIds"].empty());
    for (const auto& entry : vectors_["releaseIds"]) {
        const Hash32 ours =
            release_id(word(entry["chain"]), address(entry["vault"]), number(entry["request"]));
        EXPECT_EQ(ours, word(entry["id"])) << entry;
    }
    ASSERT_FALSE(vectors_["seizureIds"].empty());
    for (const auto& entry : vectors_["seizureIds"]) {
        const Hash32 ours =
            seizure_id(account(entry["account"]), number(entry["lock"]), number(entry["leg"]));
        EXPECT_EQ(ours, word(entry["id"])) << entry;
    }
}

TEST_F(ProtocolVectors, FoldedMovementsGiveTheVaultsAccumulator) {
    const auto& events = vectors_["movements"]["events"];
    ASSERT_FALSE(events.empty());
    Accumulator accumulator;
    for (const auto& entry : events) {
        const Movement movement{
            .sequence = number(entry["sequence"]),
            .kind = movement_kind(number(entry["kind"])).value(),
            .account = account(entry["account"]),
            .token = address(entry["token"]),
            .amount = Amount::parse(entry["amount"].get<std::string>()).value(),
            .counterparty = word(entry["counterparty"]),
        };
        accumulator = fold(accumulator, movement);
        EXPECT_EQ(accumulator.count, movement.sequence);
        ASSERT_EQ(accumulator.hash, word(entry["accumulator"])) << entry;
    }
}

// The book refuses what lies beyond the range of money, so every post can be folded.
TEST_F(ProtocolVectors, FoldedPositionsGiveTheBooksAccumulator) {
    const auto& events = vectors_["positions"];
    ASSERT_FALSE(events.empty());
    Accumulator accumulator;
    for (const auto& entry : events) {
        const auto size = Money::parse_e18(entry["size"].get<std::string>());
        const auto entry_price = Money::parse_e18(entry["entryPrice"].get<std::string>());
        ASSERT_TRUE(size && entry_price) << entry;
        const Position position{
            .sequence = number(entry["sequence"]),
            .account = account(entry["account"]),
            .market = word(entry["market"]),
            .size = size.value(),
            .entry_price = entry_price.value(),
        };
        accumulator = fold(accumulator, position);
        EXPECT_EQ(accumulator.count, position.sequence);
        ASSERT_EQ(accumulator.hash, word(entry["accumulator"])) << entry;
    }
}

}  // namespace
}  // namespace margrave
