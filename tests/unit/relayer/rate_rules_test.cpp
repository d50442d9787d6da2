// SPDX-License-Identifier: Apache-2.0
#include "relayer/rate_rules.hpp"

#include "core/keccak.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::relayer::tests {
namespace {

constexpr std::uint64_t kDay = 86'400;
constexpr const char* kPool = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2";

chains::ChainSettings chain_with(std::vector<chains::WatchSettings> watch) {
    chains::ChainSettings out;
    out.chain = ChainId::evm(1);
    out.watch = std::move(watch);
    return out;
}

chains::WatchSettings rates_from(std::uint64_t block) {
    chains::WatchEventSettings event;
    event.event = "event Told(address indexed reserve, uint256 supply, uint256 borrow)";
    event.meaning = chains::Meaning::kRate;
    event.token = "reserve";
    event.rate = "borrow";
    event.from_block = BlockNum{block};
    chains::WatchSettings out;
    out.name = "rates";
    out.contract = parse_address(kPool).value();
    out.events.push_back(event);
    return out;
}

TEST(RateRules, AreWhatTheyMatchAndNotHowThatIsSpelled) {
    const chains::WatchSettings watch = rates_from(7);
    const auto rules = rate_rules(chain_with({watch}));
    ASSERT_EQ(rules.size(), 1U);
    EXPECT_EQ(
        rules.front().text,
        std::string(kPool) +
            " Told(address indexed,uint256,uint256): argument 3 with 27 decimals a year, "
            "token argument 1"
    );
    EXPECT_EQ(rules.front().from, BlockNum{7});
    EXPECT_EQ(rules.front().to, std::nullopt);
    chains::WatchSettings same = watch;
    same.name = "other-name";
    same.events[0].event = "event  Told(address indexed r, uint256 s,uint256 b)";
    same.events[0].token = "r";
    same.events[0].rate = "b";
    same.events[0].contract = watch.contract;
    same.events[0].rate_decimals = 27;
    same.contract = Address{};
    EXPECT_EQ(rate_rules(chain_with({same})), rules);
}

TEST(RateRules, DifferWhereTheyHearSomethingElse) {
    const auto rules = rate_rules(chain_with({rates_from(7)}));
    const auto changed = [&](const auto& change) {
        chains::WatchSettings watch = rates_from(7);
        change(watch.events[0]);
        return rate_rules(chain_with({watch}));
    };
    using Event = chains::WatchEventSettings;
    EXPECT_NE(changed([](Event& e) { e.rate = "supply"; }), rules);
    EXPECT_NE(changed([](Event& e) { e.rate_per_second = true; }), rules);
    EXPECT_NE(changed([](Event& e) { e.rate_decimals = 18; }), rules);
    EXPECT_NE(changed([](Event& e) { e.token = "native"; }), rules);
    EXPECT_NE(changed([](Event& e) { e.where.push_back({"reserve", kPool}); }), rules);
    EXPECT_NE(changed([](Event& e) { e.to_block = BlockNum{9}; }), rules);
    EXPECT_NE(
        changed([](Event& e) {
            e.event = "event Told(address reserve, uint256 supply, uint256 borrow)";
        }),
        rules
    );
}

TEST(RateRules, AreOfRatesAlone) {
    chains::WatchSettings preset;
    preset.name = "custody";
    preset.preset = chains::WatchPreset::kErc20Custody;
    preset.contract = parse_address(kPool).value();
    preset.custody = preset.contract;
    EXPECT_TRUE(rate_rules(chain_with({preset})).empty());
    EXPECT_EQ(rate_rules(chain_with({preset, rates_from(7)})).size(), 1U);
}

TEST_F(WorldTest, AStartRefusesRatesThatTheLedgerWasFilledWithout) {
    world.settle(0, {});
    const std::uint64_t head = world.chain(0).chain().head().number.value;
    std::vector<chains::ChainSettings> chains = world.settings.chains;
    chains[0].watch = {rates_from(head)};
    const auto late = follow_rates(*world.ledger, chains);
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, Errc::kConfig);
    EXPECT_NE(late.error().detail.find("Begin above that block"), std::string::npos);
    chains[0].watch = {rates_from(head + 1)};
    EXPECT_OK(follow_rates(*world.ledger, chains));
    world.settle(0, {});
    EXPECT_OK(follow_rates(*world.ledger, chains));
    const auto gone = follow_rates(*world.ledger, world.settings.chains);
    ASSERT_FALSE(gone.has_value());
    EXPECT_EQ(gone.error().code, Errc::kConfig);
    EXPECT_NE(gone.error().detail.find("Leave the event in the config"), std::string::npos);
}

TEST(RatesOfDoctor, WarnWhereNoneWasToldOrTheNewestIsOld) {
    const chains::ChainSettings chain = chain_with({rates_from(100)});
    BlockRef head;
    head.number = BlockNum{99};
    EXPECT_EQ(judge_rates(chain, {}, std::nullopt, UnixSeconds{}).state, CheckState::kOk);
    EXPECT_EQ(judge_rates(chain, {}, head, UnixSeconds{}).state, CheckState::kOk);
    head.number = BlockNum{100};
    const Finding silent = judge_rates(chain, {}, head, UnixSeconds{});
    EXPECT_EQ(silent.state, CheckState::kWarn);
    EXPECT_NE(silent.seen.find("since block 100"), std::string::npos);
    RateNow rate;
    rate.ledger.asset = AssetId::native(chain.chain);
    rate.told.index.since = UnixSeconds{1'000'000};
    const std::vector<RateNow> rates{rate};
    const auto after = [&](std::uint64_t seconds) {
        return judge_rates(chain, rates, head, UnixSeconds{1'000'000 + seconds});
    };
    EXPECT_EQ(after(7 * kDay).state, CheckState::kOk);
    EXPECT_EQ(after(7 * kDay).seen, rate.ledger.asset.text() + " told 7 d 0 h ago");
    EXPECT_EQ(after(7 * kDay + 1).state, CheckState::kWarn);
}

TEST(RatesOfDoctor, TimesAreShort) {
    EXPECT_EQ(in_time(0), "0 s");
    EXPECT_EQ(in_time(59), "59 s");
    EXPECT_EQ(in_time(307), "5 min 7 s");
    EXPECT_EQ(in_time(3 * kDay + 4 * 3'600 + 59), "3 d 4 h");
}

}  // namespace
}  // namespace margrave::relayer::tests
