// SPDX-License-Identifier: Apache-2.0
#include "margin/early.hpp"
#include "margin/liquidation.hpp"
#include "margin/ramp.hpp"
#include "margin/what_if.hpp"
#include "oracle/oracle.hpp"
#include "tests/unit/margin/incident_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <utility>

// Losses of lending markets, with the published figures, each once with the guard that catches it
// and once without (docs/margin.md section 10). Those of derivatives markets stand in
// incident_markets_test.cpp, those of prices alone in tests/unit/oracle/incidents_test.cpp, and
// what takes a ledger in tests/unit/relayer/incidents_test.cpp.
namespace margrave::margin::tests {
namespace {

using nlohmann::json;

constexpr UnixSeconds kNow{1'764'345'600};

oracle::Answer answer(std::string source, std::string_view price) {
    oracle::Answer out;
    out.source = std::move(source);
    out.price = usd(price);
    out.published_at = kNow;
    return out;
}

const oracle::AssetOracleSettings& prices_for(
    const config::Settings& settings, std::string_view asset
) {
    return *std::ranges::find(settings.oracle, asset, &oracle::AssetOracleSettings::name);
}

// The asset's row by what its two makers say.
void set_row(
    PriceTable& prices,
    const config::Settings& settings,
    std::string_view asset,
    std::string_view a,
    std::string_view b
) {
    const AssetId form = form_of(settings.parameters, asset);
    prices[form] =
        oracle::guard(prices_for(settings, asset), form, {answer("a", a), answer("b", b)}, kNow);
}

// November 2022: 92 million CRV are borrowed against 63.6 million USDC at 0.42 USD over six days.
// CRV is bought up to 0.72; 385 liquidations in 50 minutes find no more CRV to buy, and 1.6 million
// USD are left.
TEST(Incident, AaveCrvNovember2022ADebtThatOutgrowsItsMarketCountsForMore) {
    // What LTV and liquidation threshold of USDC were there.
    const json usdc = dollar(R"({"collateral":
        {"initial": "0.87", "liquidation_end": "0.875", "maintenance": "0.88"}})");
    Parameters rules = settings_of({asset_of("crv", 18), usdc}).parameters;
    const AssetId crv = form_of(rules, "crv");
    const AccountHoldings shorter =
        owner(1, {holding(form_of(rules, "usdc"), units("63600000", 6))});
    const PriceTable before = prices_of(rules, {{"crv", usd("0.42")}, {"usdc", usd("1")}});
    const PriceTable squeezed = prices_of(rules, {{"crv", usd("0.72")}, {"usdc", usd("1")}});
    const auto lent = [&] {
        return largest_loan(shorter, crv, before, rules, round_of({shorter}), 200'000'000);
    };
    const auto after = [&](std::uint64_t tokens) {
        AccountHoldings account = shorter;
        account.holdings.push_back(holding(crv, Amount{}, units(std::to_string(tokens), 18)));
        return judged(account, squeezed, rules);
    };
    EXPECT_GT(lent(), 92'000'000U);
    EXPECT_EQ(after(92'000'000).status, Status::kBankrupt);
    EXPECT_EQ(after(92'000'000).equity, usd("-2640000"));

    // As much as the market of CRV took in a day.
    asset_in(rules, "crv").scale.debts_from = usd("5000000");
    const std::uint64_t scaled = lent();
    EXPECT_LT(scaled, 37'000'000U);
    EXPECT_EQ(after(scaled).status, Status::kHealthy);
    EXPECT_GT(after(scaled).equity, usd("36000000"));
    // Judged by what was owed before, one request would have passed under the scale.
    const Promise at_once{.asset = crv, .amount = units("92000000", 18), .from_collateral = false};
    const Parameters of_before = in_force(rules, before, round_of({shorter}));
    EXPECT_TRUE(check_grant(shorter, at_once, before, of_before).has_value());
    EXPECT_FALSE(settings_of({asset_of("crv", 18, R"({"borrowable": null})"), usdc})
                     .parameters.assets[0]
                     .borrowable);
}

// February 2026: a change of parameters prices cbETH by its rate to ether, 1.12, as if that were
// dollars. 1,096 cbETH are seized for a dollar each; 1.78 million are never repaid.
TEST(Incident, MoonwellFebruary2026APriceOutsideItsBandLiquidatesNobody) {
    const auto settings_with = [](std::string_view price) {
        return settings_of({asset_of("cbeth", 18, price), dollar()});
    };
    const auto borrower = [](const Parameters& rules) {
        return owner(
            1,
            {holding(form_of(rules, "cbeth"), units("1096", 18)),
             holding(form_of(rules, "usdc"), Amount{}, units("1780000", 6))}
        );
    };
    const auto priced = [](const config::Settings& settings, std::string_view a, std::string_view b
                        ) {
        PriceTable out = prices_of(settings.parameters, {{"usdc", usd("1")}});
        set_row(out, settings, "cbeth", a, b);
        return out;
    };
    // As init writes ether's.
    const config::Settings banded = settings_with(
        R"({"price": {"min": "100", "max": "100000", "sources": [
            {"name": "a", "made_by": "a",
              "feed": {"chain": "eip155:1", "address": "0x00000000000000000000000000000000000000aa"}},
            {"name": "b", "made_by": "b",
              "feed": {"chain": "eip155:1", "address": "0x00000000000000000000000000000000000000bb"}}]}})"
    );
    const AccountHoldings account = borrower(banded.parameters);
    const PriceTable right = priced(banded, "2200", "2201");
    EXPECT_EQ(judged(account, right, banded.parameters).status, Status::kHealthy);
    // Both sources changed alike, and one of them alone.
    for (const std::string_view other : {"1.12", "2200"}) {
        const PriceTable wrong = priced(banded, "1.12", other);
        const AccountState state = judged(account, wrong, banded.parameters);
        EXPECT_EQ(state.status, Status::kUnattestable);
        EXPECT_NE(state.flags & flags::kPriceOutOfBounds, 0U);
        EXPECT_TRUE(plan_liquidation(account, wrong, banded.parameters).value().legs.empty());
    }

    // Within a band that holds anything, two makers still have to say it.
    const config::Settings wide = settings_with("{}");
    EXPECT_EQ(
        judged(account, priced(wide, "1.12", "2200"), wide.parameters).status, Status::kUnattestable
    );
    const PriceTable wrong = priced(wide, "1.12", "1.12");
    AccountHoldings left = account;
    for (unsigned lock = 0; lock < 20; ++lock) {
        const auto plan = plan_liquidation(left, wrong, wide.parameters).value();
        left = executed(std::move(left), plan);
    }
    const AccountState robbed = judged(left, right, wide.parameters);
    EXPECT_EQ(robbed.status, Status::kBankrupt);
    EXPECT_LT(robbed.equity, usd("-1778000"));

    // A change of the band is signed with notice, and asks more only when it narrows.
    EXPECT_TRUE(tightened(banded.parameters, wide.parameters).empty());
    EXPECT_FALSE(tightened(wide.parameters, banded.parameters).empty());
}

// March 2026: a cap on wstETH's rate came out 2.85 percent below the market. 34 accounts that were
// lent 95 percent of it in ether were liquidated, of about 10,900 wstETH.
class IncidentCapo : public testing::Test {
  protected:
    static constexpr std::string_view kLoop = R"({"collateral":
        {"initial": "0.93", "liquidation_end": "0.94", "maintenance": "0.95"}, "max_bonus": "1.01")";
    static constexpr std::string_view kEther = R"({"debt":
        {"initial": "1", "liquidation_end": "1", "maintenance": "1"}})";
    static constexpr std::string_view kAlone = R"(, "price": {"sources": [
        {"name": "a", "made_by": "a",
              "feed": {"chain": "eip155:1", "address": "0x00000000000000000000000000000000000000aa"}}],
        "accept_single_source": "yes: one wrong price can make this daemon sign a lie",
        "slow": {"max_per_hour": "0.06")";

    [[nodiscard]] static config::Settings settings_with(const std::string& more) {
        return settings_of(
            {asset_of("eth", 18, kEther), asset_of("wsteth", 18, std::string(kLoop) + more + "}")}
        );
    }

    [[nodiscard]] static std::vector<AccountHoldings> loopers(const Parameters& rules) {
        std::vector<AccountHoldings> out;
        for (std::uint64_t i = 0; i < 34; ++i) {
            out.push_back(owner(
                i,
                // 643 wstETH at 3,000 owe ether, at 2,500, for 0.95 / 1.01 of that.
                {holding(form_of(rules, "wsteth"), units("643", 18)),
                 holding(form_of(rules, "eth"), Amount{}, units("725.7", 18))}
            ));
        }
        return out;
    }

    [[nodiscard]] static Amount seized(const Parameters& rules, const PriceTable& prices) {
        Amount out;
        for (const AccountHoldings& account : loopers(rules)) {
            if (judged(account, prices, rules).status != Status::kLiquidatable) {
                continue;
            }
            const LiquidationPlan plan = plan_liquidation(account, prices, rules).value();
            for (const PlannedLeg& leg : plan.legs) {
                out = add(out, leg.seize).value();
            }
        }
        return out;
    }
};

TEST_F(IncidentCapo, March2026TwoMakersThatDisagreeLiquidateNobodyByDefault) {
    const config::Settings settings = settings_with("");
    const oracle::AssetOracleSettings& guards = prices_for(settings, "wsteth");
    EXPECT_EQ(guards.min_sources, 2U);
    EXPECT_EQ(guards.max_spread, usd("0.01"));
    PriceTable prices = prices_of(settings.parameters, {{"eth", usd("2500")}});
    set_row(prices, settings, "wsteth", "2914.5", "3000");
    const oracle::PriceUse use =
        oracle::use_of(guards, prices[form_of(settings.parameters, "wsteth")], {}, 2);
    EXPECT_EQ(use.liquidation, oracle::Use::kHold);
    EXPECT_TRUE(seized(settings.parameters, prices).is_zero());
    EXPECT_EQ(
        judged(loopers(settings.parameters)[0], prices, settings.parameters).status,
        Status::kUnattestable
    );

    // Both 2.85 percent down is a market that fell.
    set_row(prices, settings, "wsteth", "2914.5", "2914.5");
    EXPECT_GT(seized(settings.parameters, prices), units("10000", 18));
    EXPECT_LT(seized(settings.parameters, prices), units("12000", 18));
}

// Who accepts one maker needs a band of the slow price that is narrower than the error: the usual
// tenth does not see 2.85 percent.
TEST_F(IncidentCapo, March2026OneMakerAloneIsHeldByANarrowBandOnly) {
    for (const bool narrow : {false, true}) {
        const config::Settings settings =
            settings_with(std::string(kAlone) + (narrow ? R"(, "soft": "0.02")" : "") + "}}");
        const oracle::AssetOracleSettings& guards = prices_for(settings, "wsteth");
        const AssetId form = form_of(settings.parameters, "wsteth");
        const oracle::SlowState slow = oracle::begin_slow(usd("3000"), kNow);
        PriceTable prices = prices_of(settings.parameters, {{"eth", usd("2500")}});
        prices[form] = oracle::guard(guards, form, {answer("a", "2914.5")}, kNow);
        const oracle::PriceUse use = oracle::use_of(guards, prices[form], slow, 1);
        EXPECT_EQ(use.liquidation, narrow ? oracle::Use::kHold : oracle::Use::kUsable);
        // What the hold stops.
        EXPECT_GT(seized(settings.parameters, prices), units("10000", 18));
    }
}

// July 2023: Multichain stood still, and its tokens on Fantom went to 22 cents. Geist took them at
// the price of what they stood for.
class IncidentGeist : public testing::Test {
  protected:
    static constexpr std::string_view kBridged = R"({"on": [
        {"asset": "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"},
        {"asset": "eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913")";

    // The bridged form with these guards.
    [[nodiscard]] static Parameters rules_with(
        const std::string& guards, const json& more = json::object()
    ) {
        return settings_of({dollar(std::string(kBridged) + guards + "}]}")}, more).parameters;
    }

    // One after the other puts so many bridged dollars down and takes all the real ones he can, as
    // long as they are more than what he paid. That is what the lenders lose.
    [[nodiscard]] static Money lost(
        const Parameters& rules, unsigned accounts, std::string_view each
    ) {
        const PriceTable prices = prices_of(rules, {{"usdc", usd("1")}});
        const Money paid = times(usd(each), usd("0.22"), Rounding::kUp);
        std::vector<AccountHoldings> all;
        Money out;
        for (unsigned i = 0; i < accounts; ++i) {
            all.push_back(owner(i, {holding(form_of(rules, "usdc", 1), units(each, 6))}));
            const Parameters now = in_force(rules, prices, round_of(all));
            const Amount taken = take_all(all.back(), form_of(rules, "usdc", 0), prices, now);
            out += max(worth(taken, 6, usd("1")) - paid, Money{});
        }
        return out;
    }
};

TEST_F(IncidentGeist, July2023ABridgedFormCountsByItsBackingAndByItsCaps) {
    EXPECT_GT(lost(rules_with(""), 29, "1000000"), usd("22600000"));
    // As it traded: nothing is to be gained.
    EXPECT_TRUE(lost(rules_with(R"(, "backing": "0.22")"), 29, "1000000").is_zero());
    // Before anybody knows, what all of them together can take is bounded, in whatever parts it
    // comes: 1.5 caps at these prices.
    const Parameters pooled = rules_with(R"(, "pool_cap": "250000")");
    EXPECT_LE(lost(pooled, 29, "1000000"), usd("30000"));
    const Money in_parts = lost(pooled, 60, "25000");
    EXPECT_GT(in_parts, usd("250000"));
    EXPECT_LT(in_parts, usd("375000"));
    EXPECT_LE(lost(rules_with(R"(, "cap": "250000")"), 1, "1000000"), usd("30000"));
    // And a part of it never counts where value leaves.
    const json tiers = json::parse(R"({"risk": {"bridge_tiers": ["0.2"]}})");
    const Money by_tier = lost(rules_with(R"(, "bridge_tier": "1")", tiers), 1, "1000000");
    EXPECT_EQ(by_tier, usd("580000"));
}

TEST_F(IncidentGeist, July2023ABridgedTokenWithAMarketOfItsOwnIsItsOwnAsset) {
    const config::Settings settings = settings_of({asset_of("anyusdc", 6), dollar()});
    const AccountHoldings holder =
        owner(1, {holding(form_of(settings.parameters, "anyusdc"), units("1000000", 6))});
    PriceTable prices = prices_of(settings.parameters, {{"usdc", usd("1")}});
    const Promise loan{
        .asset = form_of(settings.parameters, "usdc"),
        .amount = units("700000", 6),
        .from_collateral = false};
    // The canonical feed, and the market: they disagree.
    set_row(prices, settings, "anyusdc", "1", "0.22");
    EXPECT_FALSE(check_grant(holder, loan, prices, settings.parameters).has_value());
    // The canonical feed twice.
    set_row(prices, settings, "anyusdc", "1", "1");
    EXPECT_TRUE(check_grant(holder, loan, prices, settings.parameters).has_value());
}

// April 2026: 116,500 rsETH, 292 million USD, came out of a bridge that was shown a burn that never
// was, and became collateral; up to 230 million were borrowed against them.
class IncidentKelpDao : public testing::Test {
  protected:
    [[nodiscard]] static Parameters rules_with(std::string_view guards) {
        return settings_of({asset_of("eth", 18), asset_of("rseth", 18, guards)}).parameters;
    }

    [[nodiscard]] static PriceTable priced(const Parameters& rules) {
        return prices_of(rules, {{"eth", usd("2350")}, {"rseth", usd("2506")}});
    }

    [[nodiscard]] static AccountHoldings attacker(const Parameters& rules) {
        return owner(1, {holding(form_of(rules, "rseth"), units("116500", 18))});
    }

    [[nodiscard]] static Money borrowed(const Parameters& rules) {
        AccountHoldings account = attacker(rules);
        const PriceTable prices = priced(rules);
        const Parameters now = in_force(rules, prices, round_of({account}));
        return worth(take_all(account, form_of(rules, "eth"), prices, now), 18, usd("2350"));
    }
};

TEST_F(IncidentKelpDao, April2026CapsBoundWhatUnbackedCollateralBorrows) {
    EXPECT_GT(borrowed(rules_with("{}")), usd("200000000"));
    // 0.8 / 1.15 of what counts.
    EXPECT_LT(borrowed(rules_with(R"({"cap": "20000000"})")), usd("13914000"));
    const json on = asset_of("rseth", 18)["on"][0];
    const std::string form = R"({"on": [{"asset": )" + on["asset"].dump();
    EXPECT_LT(borrowed(rules_with(form + R"(, "cap": "20000000"}]})")), usd("13914000"));
    EXPECT_LT(borrowed(rules_with(form + R"(, "pool_cap": "20000000"}]})")), usd("13914000"));
    EXPECT_LT(borrowed(rules_with(R"({"scale": {"deposits_from": "20000000"}})")), usd("13914000"));
}

// There is no other delay than finality: before it nothing counts, unless tiers say how much.
TEST_F(IncidentKelpDao, April2026NewCollateralCountsForNothingBeforeItIsFinal) {
    const Parameters rules = rules_with("{}");
    const AssetId rseth = form_of(rules, "rseth");
    const AccountHoldings firm = owner(1, {});
    const Promise loan{
        .asset = form_of(rules, "eth"), .amount = units("1", 18), .from_collateral = false};
    const PriceTable prices = priced(rules);
    const AccountHoldings worst = worst_of(firm, attacker(rules), {}).value();
    EXPECT_FALSE(check_grant(worst, loan, prices, rules).has_value());
    const EarlySight sight{
        .firm = Amount{}, .head = units("116500", 18), .at_depth = {units("116500", 18)}};
    EXPECT_TRUE(early_credit(rules.find_on(rseth)->early, sight).amount.is_zero());

    // With a tier of 100 it is 100 that count.
    const json on = asset_of("rseth", 18)["on"][0];
    const Parameters tiered = rules_with(
        R"({"on": [{"asset": )" + on["asset"].dump() +
        R"(, "early": [{"blocks": 12, "up_to": "100"}], "early_total": "100"}]})"
    );
    const EarlyCredit credit = early_credit(tiered.find_on(rseth)->early, sight);
    EXPECT_EQ(credit.amount, units("100", 18));
    AccountHoldings early =
        with_early(worst, std::array{EarlyPart{.asset = rseth, .amount = credit.amount}}).value();
    const Amount taken = take_all(early, loan.asset, prices, tiered);
    EXPECT_LT(worth(taken, 18, usd("2350")), usd("175000"));

    // Once it is final it counts like any other: caps are what is left.
    EXPECT_TRUE(check_grant(attacker(rules), loan, prices, rules).has_value());
}

// March 2023: 197 million. An account gave collateral away without a check, and another one of the
// same person took the rest at a fifth below its price. That giving away is judged with the block
// it is in stands in tests/unit/relayer/incidents_test.cpp; here, that the rest cannot be had so.
TEST(Incident, EulerMarch2023ADiscountThatCannotHealIsRefused) {
    const json loop = asset_of("dai", 18, R"({"collateral":
        {"initial": "0.93", "liquidation_end": "0.94", "maintenance": "0.95"}})");
    Parameters rules = settings_of({loop, dollar()}).parameters;
    // 410 million, of which 100 were given away, and 259 owed beyond what the other has.
    const AccountHoldings violator = owner(
        1,
        {holding(form_of(rules, "dai"), units("310000000", 18)),
         holding(form_of(rules, "usdc"), Amount{}, units("300000000", 6))}
    );
    const PriceTable prices = prices_of(rules, {{"dai", usd("1")}, {"usdc", usd("1")}});
    ASSERT_TRUE(check(rules).empty());
    EXPECT_EQ(asset_in(rules, "dai").max_bonus, usd("1.05"));
    const LiquidationPlan plan = plan_liquidation(violator, prices, rules).value();
    ASSERT_EQ(plan.legs.size(), 1U);
    EXPECT_GE(plan.health_after, plan.health_before);
    const Money gain = plan.legs[0].seized_value - plan.legs[0].repaid_value;
    EXPECT_LE(gain, times(plan.legs[0].repaid_value, usd("0.05"), Rounding::kUp));

    // A fifth less is a bonus of a quarter.
    asset_in(rules, "dai").max_bonus = usd("1.25");
    const auto errors = check(rules);
    EXPECT_TRUE(std::ranges::any_of(errors, [](const ParameterError& error) {
        return error.where.find("/assets/0") != std::string::npos;
    }));
    EXPECT_TRUE(plan_liquidation(violator, prices, rules).value().legs.empty());
}

}  // namespace
}  // namespace margrave::margin::tests
