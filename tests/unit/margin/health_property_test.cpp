// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "tests/unit/margin/exact.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

// One unit of money, 1e-18 USD.
const Rational kUnit(1);

/// Health in exact rationals, E18, from the definition alone.
struct ExactHealth {
    Rational equity;
    Rational initial;
    Rational liquidation_end;
    Rational maintenance;
    /// What all roundings together may take, in units.
    Rational allowance;
};

ExactHealth exact_health(const Portfolio& p) {
    std::map<std::string, Rational> nets;
    ExactHealth out;
    for (const Holding& row : p.holdings.holdings) {
        const AssetParameters& asset = *p.parameters.find(row.asset);
        const Rational unit_price = exact(p.prices.at(row.asset).price) / ten(asset.decimals);
        const Rational backing = ratio(p.parameters.find_on(row.asset)->backing);
        nets[asset.name] += exact(row.collateral) * unit_price * backing;
        nets[asset.name] -= exact(row.debt) * unit_price;
        // Collateral is rounded by value and by backing, debt once; a debt weight is at most 1.4.
        out.allowance += Rational(3) * Rational(7, 5) * kUnit;
    }
    for (const auto& [name, net] : nets) {
        const auto asset = std::ranges::find(p.parameters.assets, name, &AssetParameters::name);
        const Weights& w = net < 0 ? asset->debt : asset->collateral;
        out.equity += net;
        out.initial += net * ratio(w.initial);
        out.liquidation_end += net * ratio(w.liquidation_end);
        out.maintenance += net * ratio(w.maintenance);
        out.allowance += kUnit;
    }
    return out;
}

void assert_against_account(const Money& ours, const Rational& truth, const Rational& allowance) {
    RC_ASSERT(exact(ours) <= truth);
    RC_ASSERT(exact(ours) > truth - allowance - kUnit);
}

TEST(HealthProperty, RoundingIsAgainstTheAccountAndSmall) {
    check_property(kCases, [] {
        const Portfolio p = arbitrary_portfolio();
        const AccountState ours = state_of(p);
        const ExactHealth truth = exact_health(p);
        RC_ASSERT(ours.status != Status::kUnattestable);
        assert_against_account(ours.equity, truth.equity, truth.allowance);
        assert_against_account(ours.initial, truth.initial, truth.allowance);
        assert_against_account(ours.liquidation_end, truth.liquidation_end, truth.allowance);
        assert_against_account(ours.maintenance, truth.maintenance, truth.allowance);
    });
}

TEST(HealthProperty, TheLevelsAreInOrderAndDecideTheStatus) {
    check_property(kCases, [] {
        const Portfolio p = arbitrary_portfolio();
        const bool latched = *rc::gen::arbitrary<bool>();
        const AccountState s = evaluate_state(p.holdings, p.prices, p.parameters, latched, false);
        RC_ASSERT(s.initial <= s.liquidation_end);
        RC_ASSERT(s.liquidation_end <= s.maintenance);
        RC_ASSERT(s.maintenance <= s.equity);
        const bool liquidatable =
            s.maintenance.is_negative() || (latched && s.liquidation_end.is_negative());
        const Status wanted = s.equity.is_negative()    ? Status::kBankrupt
                              : liquidatable            ? Status::kLiquidatable
                              : s.initial.is_negative() ? Status::kMarginCall
                                                        : Status::kHealthy;
        RC_ASSERT(s.status == wanted);
    });
}

TEST(HealthProperty, MaintenanceRisesWithThePriceOfCollateral) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        const auto& assets = p.parameters.assets;
        const AssetParameters& asset = assets[*rc::gen::inRange<std::size_t>(0, assets.size())];
        bool owed = false;
        for (const Holding& row : p.holdings.holdings) {
            owed = owed || (p.parameters.find(row.asset) == &asset && !row.debt.is_zero());
        }
        RC_PRE(!owed);
        const Money before = state_of(p).maintenance;
        const Money step = Money::from_e18(*rc::gen::inRange<std::int64_t>(1, 1'000'000'000'000));
        for (const AssetOnChain& form : asset.on) {
            p.prices[form.asset].price = add(p.prices[form.asset].price, step).value();
        }
        RC_ASSERT(state_of(p).maintenance >= before);
    });
}

TEST(HealthProperty, EveryLevelRisesWithCollateralAndFallsWithDebt) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        RC_PRE(!p.holdings.holdings.empty());
        const AccountState before = state_of(p);
        Holding& row =
            p.holdings.holdings[*rc::gen::inRange<std::size_t>(0, p.holdings.holdings.size())];
        const Amount step{*rc::gen::inRange<std::uint64_t>(1, 1'000'000'000)};
        const bool collateral = *rc::gen::arbitrary<bool>();
        Amount& changed = collateral ? row.collateral : row.debt;
        changed = add(changed, step).value();
        const AccountState after = state_of(p);
        const AccountState& low = collateral ? before : after;
        const AccountState& high = collateral ? after : before;
        RC_ASSERT(low.equity <= high.equity);
        RC_ASSERT(low.initial <= high.initial);
        RC_ASSERT(low.liquidation_end <= high.liquidation_end);
        RC_ASSERT(low.maintenance <= high.maintenance);
    });
}

TEST(HealthProperty, NothingDependsOnTheOrderOfTheHoldings) {
    check_property(kCases, [] {
        const Portfolio p = arbitrary_portfolio();
        AccountHoldings shuffled = p.holdings;
        Rng rng(*rc::gen::arbitrary<std::uint64_t>());
        for (std::size_t i = shuffled.holdings.size(); i > 1; --i) {
            std::swap(shuffled.holdings[i - 1], shuffled.holdings[rng.in(0, i - 1)]);
        }
        const Market market(p.prices, p.parameters);
        const Evaluation a = evaluate(p.holdings, market, false, false);
        const Evaluation b = evaluate(shuffled, market, false, false);
        RC_ASSERT(a.state == b.state);
        AccountState bare = evaluate_state(shuffled, market, false, false);
        bare.detail = a.state.detail;
        RC_ASSERT(a.evidence().dump() == a.evidence_text());
        RC_ASSERT(bare == a.state);
    });
}

TEST(HealthProperty, TheWorstOfTwoStatesIsNoBetterThanEither) {
    check_property(kCases, [] {
        const Portfolio p = arbitrary_portfolio();
        Portfolio other = p;
        Rng rng(*rc::gen::arbitrary<std::uint64_t>());
        for (Holding& row : other.holdings.holdings) {
            row.collateral = rng.chance(50) ? row.collateral : Amount{rng.next()};
            row.debt = rng.chance(70) ? row.debt : Amount{rng.in(0, 1'000'000)};
        }
        Portfolio worst = p;
        worst.holdings = worst_of(p.holdings, other.holdings, {}).value();
        const AccountState state = state_of(worst);
        RC_ASSERT(state.initial <= state_of(p).initial);
        RC_ASSERT(state.initial <= state_of(other).initial);
    });
}

}  // namespace
}  // namespace margrave::margin::tests
