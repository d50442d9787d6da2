// SPDX-License-Identifier: Apache-2.0
#include "margin/ramp.hpp"

#include "core/keccak.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace margrave::margin::tests {
namespace {

constexpr std::size_t kEth = 2;
constexpr std::uint64_t kFrom = 1'700'000'000;

Hash32 hash_of(const Parameters& parameters) {
    return keccak256(canonical(parameters).dump());
}

Parameters following(const Parameters& previous, std::uint64_t ramp_s) {
    Parameters out = previous;
    out.change =
        Change{.previous = hash_of(previous), .from = UnixSeconds{kFrom}, .ramp_s = ramp_s};
    return out;
}

bool names(const std::vector<ParameterError>& errors, std::string_view where) {
    return std::ranges::any_of(errors, [where](const ParameterError& error) {
        return error.where == where && !error.what.empty();
    });
}

TEST(Ramp, GoesInAStraightLineAndIsExactAtBothEnds) {
    const Parameters before = sample_parameters();
    Parameters next = following(before, 1'000);
    next.assets[kEth].collateral = {
        .initial = usd("0.65"), .liquidation_end = usd("0.7"), .maintenance = usd("0.75")};
    next.assets[kEth].debt.initial = usd("1.45");
    const auto at = [&](std::uint64_t after) {
        return at_time(before, next, UnixSeconds{kFrom + after});
    };
    EXPECT_EQ(at_time(before, next, UnixSeconds{kFrom - 1}), before);
    EXPECT_EQ(at(0).assets[kEth].collateral, before.assets[kEth].collateral);
    EXPECT_EQ(at(500).assets[kEth].collateral.initial, usd("0.7"));
    EXPECT_EQ(at(500).assets[kEth].collateral.maintenance, usd("0.8"));
    EXPECT_EQ(at(250).assets[kEth].debt.initial, usd("1.3"));
    EXPECT_EQ(at(1'000), next);
    EXPECT_EQ(at(1'000'000), next);
    // What does not ramp is the new one's from the start.
    next.liquidation.dust = usd("7");
    EXPECT_EQ(at(0).liquidation.dust, usd("7"));
}

TEST(Ramp, RoundsAgainstTheAccount) {
    const Parameters before = sample_parameters();
    Parameters next = following(before, 3);
    next.assets[kEth].collateral.initial =
        before.assets[kEth].collateral.initial - Money::from_e18(1);
    next.assets[kEth].debt.initial = before.assets[kEth].debt.initial + Money::from_e18(1);
    const Parameters third = at_time(before, next, UnixSeconds{kFrom + 1});
    EXPECT_EQ(third.assets[kEth].collateral.initial, next.assets[kEth].collateral.initial);
    EXPECT_EQ(third.assets[kEth].debt.initial, next.assets[kEth].debt.initial);
}

TEST(Ramp, KeepsEveryRuleOnTheWay) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Parameters before = random_portfolio(seed).parameters;
        const Parameters other = random_portfolio(seed + 1'000).parameters;
        Parameters next = following(before, 97);
        for (std::size_t i = 0; i < std::min(next.assets.size(), other.assets.size()); ++i) {
            next.assets[i].collateral = other.assets[i].collateral;
            next.assets[i].debt = other.assets[i].debt;
        }
        if (!check(next).empty() || !check(at_time(before, next, UnixSeconds{kFrom})).empty()) {
            continue;
        }
        for (std::uint64_t after = 0; after <= 97; after += 8) {
            EXPECT_TRUE(check(at_time(before, next, UnixSeconds{kFrom + after})).empty())
                << "seed " << seed << " after " << after;
        }
    }
}

TEST(Ramp, FractionsOfAPerpetualRampToo) {
    const Parameters before = venue_parameters();
    Parameters next = following(before, 10);
    const auto venue_of = [](auto& p) {
        return std::ranges::find(p.venues, "eth", &VenueParameters::underlying);
    };
    Fractions& f = venue_of(next)->perpetuals.front().fractions;
    const Money old = f.initial;
    f.initial += usd("0.2");
    const Parameters half = at_time(before, next, UnixSeconds{kFrom + 5});
    EXPECT_EQ(venue_of(half)->perpetuals.front().fractions.initial, old + usd("0.1"));
}

TEST(Change, SurvivesItsSignedForm) {
    Parameters next = following(sample_parameters(), 3'600);
    next.notice_s = 86'400;
    const std::string text = canonical(next).dump();
    const auto read = parse_parameters(text);
    ASSERT_TRUE(read.has_value()) << read.error().detail;
    EXPECT_EQ(read.value(), next);
    EXPECT_EQ(text.find("notice") != std::string::npos, true);
    EXPECT_EQ(canonical(sample_parameters()).dump().find("notice"), std::string::npos);
    EXPECT_EQ(canonical(sample_parameters()).dump().find("change"), std::string::npos);
}

TEST(Change, ATighteningNeedsItsNoticeAndALooseningNone) {
    Parameters before = sample_parameters();
    before.notice_s = 3'600;
    const Hash32 hash = hash_of(before);
    Parameters tighter = before;
    tighter.assets[kEth].collateral.initial = usd("0.7");
    const auto now = UnixSeconds{kFrom - 3'599};
    EXPECT_TRUE(names(check_change(before, hash, tighter, now), "/assets/2/collateral/initial"));
    tighter.change = Change{.previous = hash, .from = UnixSeconds{kFrom}, .ramp_s = 0};
    EXPECT_TRUE(names(check_change(before, hash, tighter, now), "/assets/2/collateral/initial"));
    EXPECT_TRUE(check_change(before, hash, tighter, UnixSeconds{kFrom - 3'600}).empty());

    Parameters looser = before;
    looser.assets[kEth].collateral.initial = usd("0.76");
    looser.assets[kEth].on[2].backing = usd("0.95");
    EXPECT_TRUE(tightened(before, looser).empty());
    EXPECT_TRUE(check_change(before, hash, looser, now).empty());
}

TEST(Change, IsRefusedWithItsPlace) {
    const Parameters before = sample_parameters();
    const Hash32 hash = hash_of(before);
    Parameters next = following(before, 0);
    EXPECT_TRUE(names(check_change(before, Hash32{}, next, UnixSeconds{kFrom}), "/change/previous")
    );
    EXPECT_TRUE(names(check_change(before, hash, next, UnixSeconds{kFrom + 1}), "/change/from"));
    EXPECT_TRUE(check_change(before, hash, next, UnixSeconds{kFrom}).empty());
    // Two changes at once would need a third point of the line.
    Parameters under_way = following(before, 100);
    Parameters second = under_way;
    second.change =
        Change{.previous = hash_of(under_way), .from = UnixSeconds{kFrom + 60}, .ramp_s = 0};
    EXPECT_TRUE(names(
        check_change(under_way, hash_of(under_way), second, UnixSeconds{kFrom + 50}), "/change"
    ));
}

// Nothing may follow a change before it is over: a time in milliseconds would never be.
TEST(Change, FartherThanHalfAYearAheadIsRefusedInWords) {
    const Parameters before = sample_parameters();
    const Hash32 hash = hash_of(before);
    Parameters next = following(before, 0);
    const std::uint64_t most = 180ULL * 86'400;
    EXPECT_TRUE(check_change(before, hash, next, UnixSeconds{kFrom - most}).empty());
    EXPECT_TRUE(
        names(check_change(before, hash, next, UnixSeconds{kFrom - most - 1}), "/change/from")
    );
    next.change->from = UnixSeconds{kFrom * 1'000};
    const auto errors = check_change(before, hash, next, UnixSeconds{kFrom});
    ASSERT_TRUE(names(errors, "/change/from"));
    EXPECT_NE(errors.front().what.find("in seconds"), std::string::npos) << errors.front().what;
}

TEST(Change, ThatEndsBeyondAllTimeIsUnderWay) {
    Parameters before = following(sample_parameters(), 100);
    before.change->from = UnixSeconds{std::numeric_limits<std::uint64_t>::max() - 50};
    Parameters next = before;
    next.change.reset();
    const auto errors = check_change(before, hash_of(before), next, UnixSeconds{kFrom});
    EXPECT_TRUE(names(errors, "/change"));
}

// One edit each, against the account.
TEST(Change, EveryWayToAskMoreIsSeen) {
    Parameters before = venue_parameters();
    before.risk.bridge_tiers = {usd("0.1")};
    before.risk.correlations = {
        {.name = "dollars", .assets = {"dai", "usdc"}, .relief = usd("0.2")}};
    before.assets[2].on[2].early = {{.blocks = 12, .up_to = Amount{5}}};
    before.assets[2].on[2].early_total = Amount{9};
    using Edit = void (*)(Parameters&);
    const std::vector<std::pair<Edit, std::string>> rows{
        {[](Parameters& p) { p.assets[2].collateral.maintenance = usd("0.8"); },
         "/assets/2/collateral/maintenance"},
        {[](Parameters& p) { p.assets[2].debt.maintenance = usd("1.16"); },
         "/assets/2/debt/maintenance"},
        {[](Parameters& p) { p.assets[2].on[2].backing = usd("0.8"); }, "/assets/2/on/2/backing"},
        {[](Parameters& p) { p.assets[2].on[2].early.clear(); }, "/assets/2/on/2/early"},
        {[](Parameters& p) { p.assets[2].on[2].early_total = Amount{8}; },
         "/assets/2/on/2/early_total"},
        {[](Parameters& p) { p.assets[2].on[2].cap = usd("5"); }, "/assets/2/on/2/cap"},
        {[](Parameters& p) { p.assets[2].on[2].pool_cap = usd("5"); }, "/assets/2/on/2/pool_cap"},
        {[](Parameters& p) { p.assets[2].on[2].bridge_tier = 1; }, "/assets/2/on/2/bridge_tier"},
        {[](Parameters& p) { p.assets[2].on.pop_back(); }, "/assets/2/on"},
        {[](Parameters& p) { p.assets[2].cap = usd("5"); }, "/assets/2/cap"},
        {[](Parameters& p) { p.assets[2].scale.debts_from = usd("5"); },
         "/assets/2/scale/debts_from"},
        {[](Parameters& p) { p.assets[2].scale.deposits_from = usd("5"); },
         "/assets/2/scale/deposits_from"},
        {[](Parameters& p) { p.assets[2].initial_price.confidence = usd("1"); },
         "/assets/2/initial_price/confidence"},
        {[](Parameters& p) { p.assets[2].initial_price.age_per_hour = usd("0.1"); },
         "/assets/2/initial_price/age_per_hour"},
        {[](Parameters& p) { p.assets[2].initial_price.slow = true; },
         "/assets/2/initial_price/slow"},
        {[](Parameters& p) { p.assets[2].max_bonus = usd("1.06"); }, "/assets/2/max_bonus"},
        {[](Parameters& p) { p.assets[2].max_age_s = 1; }, "/assets/2/max_age_s"},
        {[](Parameters& p) { p.assets[2].price_min = usd("1"); }, "/assets/2/price_min"},
        {[](Parameters& p) { p.assets[2].price_max = usd("2"); }, "/assets/2/price_max"},
        {[](Parameters& p) { p.assets.erase(p.assets.begin()); }, "/assets/0"},
        {[](Parameters& p) { p.venues.erase(p.venues.begin()); }, "/venues"},
        {[](Parameters& p) { p.liquidation.dust = usd("1"); }, "/liquidation"},
        {[](Parameters& p) { p.risk.lag_per_hour = usd("0.1"); }, "/risk/lag_per_hour"},
        {[](Parameters& p) { p.risk.bridge_tiers = {usd("0.2")}; }, "/risk/bridge_tiers/0"},
        {[](Parameters& p) { p.risk.correlations.clear(); }, "/risk/correlations"},
    };
    for (const auto& [edit, where] : rows) {
        Parameters next = before;
        edit(next);
        const auto found = tightened(before, next);
        EXPECT_NE(std::ranges::find(found, where), found.end()) << where;
    }
}

}  // namespace
}  // namespace margrave::margin::tests
