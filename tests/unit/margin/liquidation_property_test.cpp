// SPDX-License-Identifier: Apache-2.0
#include "margin/liquidation.hpp"
#include "tests/unit/margin/exact.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

// What a plan left behind, and the limits it had to keep.
struct Liquidated {
    LiquidationPlan plan;
    AccountState before;
    AccountState after;
    Money debt;
    Money repaid;
};

Money debt_of(const Portfolio& p) {
    Money out;
    for (const Term& term : evaluate(p.holdings, p.prices, p.parameters, true, false).terms) {
        if (term.value.is_negative()) {
            out = sub(out, term.value).value();
        }
    }
    return out;
}

Liquidated liquidate(const Portfolio& p) {
    Liquidated out;
    out.plan = plan_liquidation(p.holdings, p.prices, p.parameters).value();
    out.before = state_of(p);
    Portfolio after = p;
    after.holdings = executed(p.holdings, out.plan);
    out.after = state_of(after);
    out.debt = debt_of(p);
    for (const PlannedLeg& leg : out.plan.legs) {
        out.repaid = add(out.repaid, leg.repaid_value).value();
    }
    return out;
}

// The value of one raw unit, rounded up: the finest step a leg can take in that asset.
Money one_unit(const Portfolio& p, const AssetId& asset) {
    return value_of(
               Amount{1}, p.parameters.find(asset)->decimals, p.prices.at(asset).price, Round::kUp
    )
        .value();
}

Money target_of(const Portfolio& p, const Money& debt) {
    return mul(debt, p.parameters.liquidation.target_buffer, Round::kUp).value();
}

TEST(LiquidationProperty, AStepNeverLowersLiquidationEndHealth) {
    check_property(kCases, [] {
        const Portfolio p = arbitrary_portfolio();
        const Liquidated l = liquidate(p);
        RC_ASSERT(l.plan.health_before == l.before.liquidation_end);
        RC_ASSERT(l.plan.health_after == l.after.liquidation_end);
        RC_ASSERT(l.after.liquidation_end >= l.before.liquidation_end);
        const bool wanted = l.before.liquidation_end.is_negative();
        const bool planned = !l.plan.legs.empty();
        RC_ASSERT(wanted || !planned);
        RC_TAG(l.plan.legs.size());
    });
}

// Still below zero only when nothing was left to do: a second plan on what remains finds no leg.
TEST(LiquidationProperty, HealsUnlessNothingIsLeftToSell) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        p.parameters.liquidation.close_factor = Money::whole(1);
        const Liquidated l = liquidate(p);
        if (l.after.liquidation_end.is_negative()) {
            p.holdings = executed(p.holdings, l.plan);
            p.parameters.liquidation.close_all_below = Money{};
            RC_ASSERT(liquidate(p).plan.legs.empty());
        }
        RC_TAG(l.before.liquidation_end.is_negative(), l.after.liquidation_end.is_negative());
    });
}

// Everything on one chain, every lot free, no close factor, collateral worth more than the debt and
// the bonus: no cap binds, so the target is reached. Asset 0 is never owed; enough of it is added
// to bring the account close below zero.
Portfolio portfolio_without_caps() {
    Portfolio p = arbitrary_portfolio();
    p.parameters.liquidation.close_factor = Money::whole(1);
    p.parameters.liquidation.dust = Money{};
    const ChainId home = ChainId::evm(1);
    const AssetParameters& filler = p.parameters.assets[0];
    std::vector<Holding> rows;
    for (Holding row : p.holdings.holdings) {
        row.in_sale = Amount{};
        if (row.asset.chain() == home && p.parameters.find(row.asset) != &filler) {
            rows.push_back(row);
        }
    }
    p.holdings = holdings_of(rows);
    const Money shortfall = negate(min(state_of(p).liquidation_end, Money{}));
    const Money part = Money::from_e18(*rc::gen::inRange<std::int64_t>(500, 990));
    const Money counted = mul_div(shortfall, part, Money::from_e18(1'000), Round::kDown).value();
    const Money weight = max(filler.collateral.liquidation_end, Money::from_e18(1'000'000));
    const Money value = mul_div(counted, Money::whole(1), weight, Round::kDown).value();
    const AssetId asset = filler.on[0].asset;
    rows.push_back(holding(
        asset, units_for(value, filler.decimals, p.prices.at(asset).price, Round::kDown).value()
    ));
    p.holdings = holdings_of(rows);
    return p;
}

TEST(LiquidationProperty, ReachesTheTargetWhenNoCapBinds) {
    check_property(kCases, [] {
        const Portfolio p = portfolio_without_caps();
        const Liquidated l = liquidate(p);
        RC_PRE(l.before.liquidation_end.is_negative());
        Money free;
        Money finest;
        for (const Term& term : evaluate(p.holdings, p.prices, p.parameters, true, false).terms) {
            finest = max(finest, one_unit(p, term.parts.front().asset));
            if (!term.value.is_negative()) {
                free = add(free, term.value).value();
            }
        }
        RC_PRE(finest < Money::whole(1));
        RC_PRE(exact(free) > Rational(107, 100) * exact(l.debt) + exact(Money::whole(100)));
        const Portfolio after{p.parameters, p.prices, executed(p.holdings, l.plan)};
        // A cent is not planned, and a token's unit may be worth up to a dollar here.
        const bool closed = debt_of(after) <= Money::whole(10);
        const bool reached = l.after.liquidation_end >= target_of(p, l.debt);
        const bool close =
            exact(l.after.liquidation_end) + exact(Money::whole(10)) >= exact(target_of(p, l.debt));
        RC_ASSERT(!l.after.liquidation_end.is_negative());
        RC_ASSERT(closed || reached || close);
        RC_TAG(closed, reached);
    });
}

TEST(LiquidationProperty, NeverSeizesMoreThanIsNeeded) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        p.parameters.liquidation.close_all_below = Money{};
        const Liquidated l = liquidate(p);
        RC_PRE(!l.plan.legs.empty());
        // Each leg may overshoot by one unit of each of its tokens, at debt weights up to 1.4;
        // dust may be raised once.
        Rational bound = exact(target_of(p, l.debt)) + 100;
        for (const PlannedLeg& leg : l.plan.legs) {
            bound += 4 * exact(one_unit(p, leg.asset)) + 4 * exact(one_unit(p, leg.debt_asset));
        }
        bound += exact(max(p.parameters.liquidation.dust, usd("0.01"))) * Rational(7, 5);
        RC_ASSERT(exact(l.after.liquidation_end) <= bound);
    });
}

TEST(LiquidationProperty, KeepsTheCloseFactorAndTheBonus) {
    check_property(kCases, [] {
        const Portfolio p = arbitrary_portfolio();
        const Liquidated l = liquidate(p);
        const LiquidationParameters& rules = p.parameters.liquidation;
        const Money allowed = l.debt < rules.close_all_below
                                  ? l.debt
                                  : mul(l.debt, rules.close_factor, Round::kDown).value();
        RC_ASSERT(l.repaid <= allowed);
        for (const PlannedLeg& leg : l.plan.legs) {
            const AssetParameters& asset = *p.parameters.find(leg.asset);
            RC_ASSERT(leg.asset.chain() == leg.debt_asset.chain());
            RC_ASSERT(p.parameters.find(leg.debt_asset) != &asset);
            RC_ASSERT(
                exact(leg.seized_value) + exact(one_unit(p, leg.asset)) + 4 >= exact(rules.dust)
            );
            // Two units: a whole lot is seized as it is.
            const Money most = mul(leg.repaid_value, asset.max_bonus, Round::kUp).value();
            RC_ASSERT(exact(leg.seized_value) <= exact(most) + 4);
            // The floor pays for what it is said to repay.
            const Money paid = value_of(
                                   leg.min_proceeds,
                                   p.parameters.find(leg.debt_asset)->decimals,
                                   p.prices.at(leg.debt_asset).price,
                                   Round::kUp
            )
                                   .value();
            RC_ASSERT(paid >= leg.repaid_value);
        }
    });
}

TEST(LiquidationProperty, ThePlanDoesNotDependOnTheOrderOfTheHoldings) {
    check_property(kCases, [] {
        const Portfolio p = arbitrary_portfolio();
        AccountHoldings reversed = p.holdings;
        std::ranges::reverse(reversed.holdings);
        const auto a = plan_liquidation(p.holdings, p.prices, p.parameters).value();
        const auto b = plan_liquidation(reversed, p.prices, p.parameters).value();
        RC_ASSERT(a.legs.size() == b.legs.size());
        for (std::size_t i = 0; i < a.legs.size(); ++i) {
            RC_ASSERT(a.legs[i].asset == b.legs[i].asset);
            RC_ASSERT(a.legs[i].debt_asset == b.legs[i].debt_asset);
            RC_ASSERT(a.legs[i].seize == b.legs[i].seize);
            RC_ASSERT(a.legs[i].min_proceeds == b.legs[i].min_proceeds);
        }
    });
}

// One collateral, one debt, one chain, no caps: x* against the exact quotient, and health after it
// in [target, target + a bound].
TEST(LiquidationProperty, TheLinearFormIsExactUpToOneUnitOfEachToken) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        AssetParameters& sold = p.parameters.assets[0];
        AssetParameters& owed = p.parameters.assets[1];
        const AssetId asset = sold.on[0].asset;
        const AssetId debt_asset = owed.on[0].asset;
        sold.on[0].backing = Money::whole(1);
        p.parameters.liquidation.close_factor = Money::whole(1);
        p.parameters.liquidation.close_all_below = Money{};
        p.parameters.liquidation.dust = Money{};
        const Money value = Money::whole(*rc::gen::inRange<std::int64_t>(1'000, 10'000'000));
        const Money price = p.prices.at(asset).price;
        const Money debt_price = p.prices.at(debt_asset).price;
        const Amount lot = units_for(value, sold.decimals, price, Round::kDown).value();
        // Short by at most a twentieth: neither the lot nor the debt is used up.
        const Rational lost = ratio(sold.collateral.liquidation_end) * ratio(sold.max_bonus);
        const Rational healing = ratio(owed.debt.liquidation_end) - lost;
        const Money able = mul(value, sold.collateral.liquidation_end, Round::kDown).value();
        const Money debt_value = mul_div(
                                     able,
                                     Money::from_e18(*rc::gen::inRange<std::int64_t>(1'001, 1'050)),
                                     Money::from_e18(1'000),
                                     Round::kUp
        )
                                     .value();
        const Amount debt =
            units_for(
                mul_div(debt_value, Money::whole(1), owed.debt.liquidation_end, Round::kUp).value(),
                owed.decimals,
                debt_price,
                Round::kUp
            )
                .value();
        p.holdings = holdings_of({holding(asset, lot), holding(debt_asset, Amount{}, debt)});
        const Liquidated l = liquidate(p);
        const Rational needed =
            (exact(target_of(p, l.debt)) - exact(l.before.liquidation_end)) / healing;
        RC_PRE(one_unit(p, asset) <= usd("0.01") && one_unit(p, debt_asset) <= usd("0.01"));
        RC_PRE(l.before.liquidation_end.is_negative());
        RC_PRE(needed > exact(usd("0.02")));
        RC_PRE(needed < exact(l.debt) * Rational(9, 10));
        RC_PRE(needed * ratio(sold.max_bonus) < exact(value) * Rational(9, 10));
        RC_ASSERT(l.plan.legs.size() == 1U);
        const Rational repaid = exact(l.plan.legs[0].repaid_value);
        // The planner asks for 16 units more than the target and rounds up.
        RC_ASSERT(repaid >= needed);
        RC_ASSERT(repaid <= needed + 16 / healing + 2);
        const Rational reached = exact(l.after.liquidation_end) - exact(target_of(p, l.debt));
        RC_ASSERT(reached >= 0);
        RC_ASSERT(reached <= 2 * (exact(one_unit(p, asset)) + exact(one_unit(p, debt_asset))) + 40);
    });
}

}  // namespace
}  // namespace margrave::margin::tests
