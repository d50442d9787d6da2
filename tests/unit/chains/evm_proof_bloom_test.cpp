// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/bloom.hpp"
#include "chains/evm/proof/receipts.hpp"
#include "core/keccak.hpp"
#include "tests/unit/chains/evm_proof_samples.hpp"

namespace margrave::chains::evm {
namespace {

using nlohmann::json;

Hash32 topic(std::string_view text) {
    return keccak256(text);
}

Address emitter(std::string_view text) {
    return low_address(keccak256(text));
}

// The address of the best known example of M3:2048; its three bits are known from there.
TEST(Bloom, AValueSetsTheBitsOfTheFirstThreePairsOfItsHash) {
    const Address address = parse_address("0x0f572e5295c57f15886f9b263e2f6d2d6c7b5ec6").value();
    EXPECT_EQ(BloomBits(address.view()).bits, (std::array<std::uint16_t, 3>{1323, 431, 1319}));
    Bloom bloom;
    add(bloom, BloomBits(address.view()));
    // Bit 431 is bit 7 of the 54th byte from the end.
    EXPECT_EQ(bloom.data[255 - 53], 0x80);
}

TEST(Bloom, WhatWasAddedIsNeverExcluded) {
    Bloom bloom;
    for (int i = 0; i < 300; ++i) {
        const Address from = emitter(std::to_string(i));
        const std::vector<Hash32> topics{topic("a" + std::to_string(i)), topic("b")};
        add_log(bloom, from, topics);
        EXPECT_FALSE(excludes(bloom, from, topics));
        EXPECT_FALSE(WatchedLogs(from, topics).excluded_by(bloom));
        EXPECT_FALSE(WatchedLogs(from, {}).excluded_by(bloom));
    }
}

TEST(Bloom, AnEmitterOrATopicThatIsMissingExcludesTheLog) {
    Bloom bloom;
    const std::vector<Hash32> topics{topic("deposit")};
    const std::vector<Hash32> others{topic("withdrawal"), topic("position")};
    add_log(bloom, emitter("vault"), topics);
    EXPECT_TRUE(excludes(bloom, emitter("another"), topics));
    EXPECT_TRUE(excludes(bloom, emitter("vault"), others));
    EXPECT_TRUE(excludes(Bloom{}, emitter("vault"), {}));
    EXPECT_FALSE(excludes(bloom, emitter("vault"), {}));
    EXPECT_TRUE(WatchedLogs(emitter("another"), topics).excluded_by(bloom));
    EXPECT_TRUE(WatchedLogs(emitter("vault"), others).excluded_by(bloom));
    const std::vector<Hash32> either{others[0], topics[0]};
    EXPECT_FALSE(WatchedLogs(emitter("vault"), either).excluded_by(bloom));
}

TEST(Bloom, MergedBloomsHoldWhatEitherHeld) {
    Bloom a;
    Bloom b;
    add_log(a, emitter("a"), {});
    add_log(b, emitter("b"), {});
    merge(a, b);
    EXPECT_FALSE(excludes(a, emitter("a"), {}));
    EXPECT_FALSE(excludes(a, emitter("b"), {}));
    EXPECT_TRUE(excludes(b, emitter("a"), {}));
}

TEST(Bloom, AHeaderProvesAbsenceOnlyWhenItExcludesAllThatIsWatched) {
    const tests::SampleBlock block;
    const auto header = prove_header(block.header);
    ASSERT_TRUE(header.has_value());
    const json& log = block.receipts[1]["logs"][0];
    const WatchedLogs there(parse_address(log["address"].get<std::string>()).value(), {});
    const WatchedLogs absent(emitter("nobody's"), {});
    EXPECT_TRUE(proves_absence(header.value(), std::vector<WatchedLogs>{absent}));
    EXPECT_FALSE(proves_absence(header.value(), std::vector<WatchedLogs>{absent, there}));
    EXPECT_TRUE(proves_absence(header.value(), {}));
}

// Every real block: the bloom excludes nothing that is there, and most of what is not.
TEST(Bloom, RealHeadersExcludeNoLogOfTheirOwn) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    for (const char* name : {"mainnet_10000000", "mainnet_21854576", "arbsepolia_185232421"}) {
        const json block = tests::load_vectors("receipts/" + std::string(name) + ".json");
        const auto header = prove_header(block["header"]);
        ASSERT_TRUE(header.has_value());
        const auto logs = prove_receipts(header.value(), block["receipts"]);
        ASSERT_TRUE(logs.has_value());
        for (const NodeLog& log : logs.value().logs()) {
            EXPECT_FALSE(excludes(header.value().logs_bloom(), log.address, log.topics));
        }
        std::size_t excluded = 0;
        for (int i = 0; i < 100; ++i) {
            const std::vector<Hash32> topics{topic("never " + std::to_string(i))};
            const WatchedLogs never(emitter("never " + std::to_string(i)), topics);
            excluded += never.excluded_by(header.value().logs_bloom()) ? 1U : 0U;
        }
        EXPECT_GT(excluded, 80U) << name;
    }
}

}  // namespace
}  // namespace margrave::chains::evm
