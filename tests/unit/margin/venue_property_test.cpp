// SPDX-License-Identifier: Apache-2.0
#include "margin/grid.hpp"
#include "margin/health.hpp"
#include "margin/perpetual.hpp"
#include "margin/scenario.hpp"
#include "tests/unit/margin/exact.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

Rng any_rng() {
    return Rng(*rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()));
}

Money any_money(Rng& rng, std::uint64_t most_whole) {
    const Money whole = Money::whole(static_cast<std::int64_t>(rng.in(0, most_whole)));
    return whole + Money::from_e18(static_cast<std::int64_t>(rng.in(0, 999'999'999'999'999'999)));
}

Money any_signed(Rng& rng, std::uint64_t most_whole) {
    const Money m = any_money(rng, most_whole);
    return rng.chance(50) ? -m : m;
}

struct World {
    Parameters parameters = venue_parameters();
    Market market{venue_prices(), parameters};

    [[nodiscard]] AccountState state(std::vector<VenuePosition> positions) const {
        return evaluate_state(
            trader(units("1000000", 6), std::move(positions)), market, false, false
        );
    }
};

const World& world() {
    static const World kWorld;
    return kWorld;
}

TEST(VenueProperty, PerpetualRoundsAgainstTheAccountAndByLittle) {
    check_property(kCases, [] {
        Rng rng = any_rng();
        const Money size = any_signed(rng, 100'000);
        const Money price = any_money(rng, 100'000);
        const Money entry = any_money(rng, 100'000);
        const Money fraction = any_money(rng, 0);
        const Rational e18 = ten(18);
        const Rational pnl = exact(size) * (exact(price) - exact(entry)) / e18;
        const Rational ours = exact(unrealised(size, price, entry, kOurs));
        RC_ASSERT((ours <= pnl && pnl < ours + 1));
        const Rational required = abs(exact(size)) * exact(price) / e18 * exact(fraction) / e18;
        const Money notional = times(abs(size), price, Rounding::kUp);
        const Rational charged = exact(requirement(notional, fraction, kOurs));
        RC_ASSERT((charged >= required && charged < required + 3));
        const Rational counted = exact(counted_profit(
            money_of(units_of(unrealised(size, price, entry, kOurs))),
            fraction,
            Money::whole(100),
            kOurs
        ));
        RC_ASSERT((counted <= std::max(ours, Rational(0)) || counted == ours));
    });
}

TEST(VenueProperty, OpenInterestNeverLowersAFractionAndEndsAtOne) {
    check_property(kCases, [] {
        Rng rng = any_rng();
        const Money fraction = any_money(rng, 0);
        const Money lower = any_money(rng, 1'000'000);
        const Money upper = lower + any_money(rng, 1'000'000) + Money::from_e18(1);
        const Money open = any_money(rng, 3'000'000);
        const Money more = open + any_money(rng, 1'000'000);
        const auto scaled = [&](const Money& interest) {
            return scaled_fraction(
                fraction, {.open = interest, .lower = lower, .upper = upper}, kOurs, Rounding::kUp
            );
        };
        RC_ASSERT((scaled(open) >= fraction));
        RC_ASSERT((scaled(open) <= scaled(more)));
        RC_ASSERT((scaled(upper) == Money::whole(1)));
    });
}

TEST(VenueProperty, LargestLossIsNeverExceededAtAnySettlement) {
    check_property(kCases, [] {
        Rng rng = any_rng();
        std::vector<OptionLeg> legs;
        Money calls;
        for (std::uint64_t i = rng.in(1, 5); i > 0; --i) {
            OptionLeg leg;
            leg.is_call = rng.chance(50);
            leg.strike = any_money(rng, 4'000) + Money::from_e18(1);
            leg.size = any_signed(rng, 10);
            calls += leg.is_call ? leg.size : Money{};
            legs.push_back(leg);
        }
        if (calls.is_negative()) {
            legs.push_back(
                {.is_call = true, .strike = Money::whole(1), .size = -calls, .mark = Money{}}
            );
        }
        const Money bound = largest_loss(
            usual_isolated_rules(), legs, Money::whole(2'000), Level::kMaintenance, kOurs
        );
        const Money settled = payoff(legs, any_money(rng, 10'000), kOurs);
        // One unit of rounding for each leg.
        RC_ASSERT((settled >= bound - Money::from_e18(static_cast<std::int64_t>(legs.size()))));
        RC_ASSERT((bound <= Money{}));
    });
}

TEST(VenueProperty, SumOfVectorsIsNeverWorseThanTheSumOfTheWorst) {
    check_property(kCases, [] {
        Rng rng = any_rng();
        const std::size_t length = rng.in(1, 40);
        ScenarioPnl a;
        ScenarioPnl b;
        for (std::size_t i = 0; i < length; ++i) {
            a.push_back(any_signed(rng, 1'000));
            b.push_back(any_signed(rng, 1'000));
        }
        ScenarioPnl both = a;
        add_scenarios(both, b, Money::whole(1));
        RC_ASSERT((worst_of(both).pnl >= worst_of(a).pnl + worst_of(b).pnl));
        ScenarioPnl other = b;
        add_scenarios(other, a, Money::whole(1));
        RC_ASSERT((other == both));
    });
}

TEST(VenueProperty, HistoricalRiskIsItsDefinition) {
    check_property(kCases, [] {
        Rng rng = any_rng();
        ScenarioPnl pnl;
        for (std::uint64_t n = rng.in(1, 60); n > 0; --n) {
            pnl.push_back(any_signed(rng, 1'000));
        }
        const Money level = Money::from_e18(static_cast<std::int64_t>(rng.in(500, 1'000)));
        const Money confidence = times(level, 1'000'000'000'000'000);
        const TailRisk risk = historical_risk(pnl, confidence);
        const auto n = static_cast<std::uint64_t>(pnl.size());
        const std::uint64_t thousandths =
            static_cast<std::uint64_t>(units_of(Money::from_e18(1'000) - level)) * n;
        const std::uint64_t k = std::max<std::uint64_t>(1, (thousandths + 999) / 1'000);
        RC_ASSERT((risk.count == k));
        const auto at_most =
            std::ranges::count_if(pnl, [&](const Money& x) { return x <= -risk.value_at_risk; });
        const auto below =
            std::ranges::count_if(pnl, [&](const Money& x) { return x < -risk.value_at_risk; });
        RC_ASSERT(
            (static_cast<std::uint64_t>(at_most) >= k && static_cast<std::uint64_t>(below) < k)
        );
        RC_ASSERT((risk.expected_shortfall >= risk.value_at_risk));
        std::ranges::shuffle(pnl, std::minstd_rand(7));
        RC_ASSERT((historical_risk(pnl, confidence).expected_shortfall == risk.expected_shortfall));
    });
}

TEST(VenueProperty, OrderOfPositionsDoesNotMatterAndLevelsAreOrdered) {
    check_property(kCases, [] {
        Rng rng = any_rng();
        std::vector<VenuePosition> positions;
        for (const char* underlying : {"eth", "btc"}) {
            const auto part = random_positions(world().parameters, underlying, rng);
            positions.insert(positions.end(), part.begin(), part.end());
        }
        const AccountState one = world().state(positions);
        std::ranges::reverse(positions);
        RC_ASSERT((world().state(positions) == one));
        RC_ASSERT((one.initial <= one.liquidation_end));
        RC_ASSERT((one.liquidation_end <= one.maintenance));
        RC_ASSERT((one.maintenance <= one.equity));
    });
}

// Everything doubled needs twice as much, but for the rounding of each quotient.
TEST(VenueProperty, RequirementsGrowWithTheSizeOfThePortfolio) {
    check_property(kCases, [] {
        Rng rng = any_rng();
        const char* underlying = rng.chance(50) ? "eth" : "btc";
        std::vector<VenuePosition> positions =
            random_positions(world().parameters, underlying, rng);
        const auto required = [&] {
            const AccountState s = world().state(positions);
            return s.equity - s.maintenance;
        };
        const Money single = required();
        for (VenuePosition& position : positions) {
            position.size = times(position.size, 2);
        }
        const Money doubled = required();
        const Money slack = usd("0.000001");
        RC_ASSERT((doubled <= times(single, 2) + slack));
        RC_ASSERT((doubled + slack >= single));
    });
}

TEST(VenueProperty, UnderlyingsNeverOffset) {
    check_property(kCases, [] {
        Rng rng = any_rng();
        const auto eth = random_positions(world().parameters, "eth", rng);
        const auto btc = random_positions(world().parameters, "btc", rng);
        std::vector<VenuePosition> both = eth;
        both.insert(both.end(), btc.begin(), btc.end());
        const auto required = [](const AccountState& s) {
            return s.equity - s.initial;
        };
        const Money none = required(world().state({}));
        RC_ASSERT(
            (required(world().state(both)) ==
             required(world().state(eth)) + required(world().state(btc)) - none)
        );
    });
}

}  // namespace
}  // namespace margrave::margin::tests
