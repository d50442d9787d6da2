// SPDX-License-Identifier: Apache-2.0
#include "margin/liquidation.hpp"
#include "tests/unit/margin/exact.hpp"
#include "tests/unit/margin/simplex.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

// Several ways together: no other choice of what to sell for what seizes less, or heals where the
// plan does not.
namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

Parameters one_lock() {
    Parameters out = sample_parameters();
    out.liquidation.close_factor = usd("1");
    out.liquidation.close_all_below = usd("0");
    out.liquidation.dust = usd("0");
    return out;
}

// Bitcoin heals most and is sold first, and dollars come before dai by their number; but the ether
// on chain 10 can be sold for dollars only.
Portfolio stranding() {
    return {
        one_lock(),
        sample_prices(),
        holdings_of(
            {holding(btc(), units("0.2", 8)),
             holding(eth_on(10), units("5", 18)),
             holding(usdc_on(1), {}, units("8800", 6)),
             holding(dai(), {}, units("8800", 18))}
        )};
}

// One way after the other ends at -318.46 with all the bitcoin gone; together the bitcoin pays the
// dai, and both pay dollars.
TEST(LiquidationLeast, NoWayStrandsAnother) {
    const Portfolio p = stranding();
    const LiquidationPlan plan = plan_liquidation(p.holdings, p.prices, p.parameters).value();
    EXPECT_EQ(plan.health_before, usd("-2628"));
    EXPECT_EQ(plan.end, PlanEnd::kTarget);
    EXPECT_GE(plan.health_after, usd("352"));
    EXPECT_LT(plan.health_after, usd("352.01"));
    // 10,000 of bitcoin, and (2,980 - 9,523.81 * 0.2425) / 0.19 * 1.05 of ether.
    EXPECT_GE(seized_by(plan), usd("13705.26"));
    EXPECT_LT(seized_by(plan), usd("13705.28"));
    Portfolio after = p;
    after.holdings = executed(p.holdings, plan);
    EXPECT_EQ(state_of(after).liquidation_end, plan.health_after);
}

// More pairs than the network takes, if what is too little for a leg were in it.
TEST(LiquidationLeast, SpecksOfManyAssetsKeepNothingFromBeingSolvedTogether) {
    Portfolio p = stranding();
    const AssetParameters like = *p.parameters.find(dai());
    for (std::uint8_t i = 0; i < 64; ++i) {
        AssetParameters speck = like;
        speck.name = "speck" + std::to_string(i);
        Address address;
        address.data[19] = static_cast<std::uint8_t>(100 + i);
        speck.on = {{.asset = AssetId::erc20(ChainId::evm(1), address), .backing = usd("1")}};
        const Amount thousandth = units("0.001", 18);
        const AssetId asset = speck.on.front().asset;
        p.holdings.holdings.push_back(
            i % 2 == 0 ? holding(asset, thousandth) : holding(asset, {}, thousandth)
        );
        PriceRow price = p.prices.at(dai());
        price.asset = asset;
        p.prices[asset] = price;
        p.parameters.assets.push_back(std::move(speck));
    }
    const LiquidationPlan plan = plan_liquidation(p.holdings, p.prices, p.parameters).value();
    EXPECT_EQ(plan.end, PlanEnd::kTarget);
    EXPECT_FALSE(plan.health_after.is_negative());
    EXPECT_GE(seized_by(plan), usd("13705"));
    EXPECT_LT(seized_by(plan), usd("13706"));
}

// Repaying all of a small debt: the same, counted by what is repaid.
TEST(LiquidationLeast, ClosingAllStrandsNothing) {
    Portfolio p{
        one_lock(),
        sample_prices(),
        holdings_of(
            {holding(btc(), units("0.0094", 8)),
             holding(eth_on(10), units("0.25", 18)),
             holding(usdc_on(1), {}, units("430", 6)),
             holding(dai(), {}, units("430", 18))}
        )};
    p.parameters.liquidation.close_all_below = usd("2000");
    const LiquidationPlan plan = plan_liquidation(p.holdings, p.prices, p.parameters).value();
    ASSERT_TRUE(plan.health_before.is_negative());
    Money repaid;
    for (const PlannedLeg& leg : plan.legs) {
        repaid = add(repaid, leg.repaid_value).value();
    }
    EXPECT_GT(repaid, usd("859.98"));
    EXPECT_FALSE(plan.health_after.is_negative());
}

// What the account has and owes, asset by asset and token by token, in dollars.
struct Ways {
    Program program;
    Rational missing;
};

Rational value_at(const Portfolio& p, const Amount& amount, const Holding& row) {
    return exact(amount) * exact(p.prices.at(row.asset).price) /
           ten(p.parameters.find(row.asset)->decimals);
}

Rational backed(const Portfolio& p, const Amount& amount, const Holding& row) {
    return value_at(p, amount, row) * ratio(p.parameters.find_on(row.asset)->backing);
}

// The program of docs/margin.md section 3 for an account without caps and correlations: least
// seizure over all pairs of a lot and a token, with every bound there is.
Ways ways_of(const Portfolio& p) {
    struct Pair {
        const Holding* lot;
        const AssetParameters* sold;
        const AssetParameters* owed;
        AssetId token;
    };

    std::map<std::string, Rational> net;
    for (const Holding& row : p.holdings.holdings) {
        net[p.parameters.find(row.asset)->name] +=
            backed(p, row.collateral, row) - value_at(p, row.debt, row);
    }
    std::vector<Pair> pairs;
    for (const Holding& lot : p.holdings.holdings) {
        const AssetParameters* sold = p.parameters.find(lot.asset);
        for (const AssetParameters& owed : p.parameters.assets) {
            for (const AssetOnChain& on : owed.on) {
                if (on.asset.chain() == lot.asset.chain() && net[sold->name] > 0 &&
                    net[owed.name] < 0) {
                    pairs.push_back({&lot, sold, &owed, on.asset});
                }
            }
        }
    }
    Ways out;
    const auto bound = [&out, &pairs](const Rational& at_most, const auto& counts) {
        Program::Row row{.of = {}, .at_most = at_most};
        for (const Pair& pair : pairs) {
            row.of.push_back(counts(pair));
        }
        out.program.rows.push_back(std::move(row));
    };
    Rational debt;
    for (const auto& [name, value] : net) {
        if (value > 0) {
            bound(value, [&name](const Pair& pair) {
                return pair.sold->name == name ? ratio(pair.sold->max_bonus) : Rational(0);
            });
        } else {
            debt -= value;
            bound(-value, [&name](const Pair& pair) {
                return Rational(pair.owed->name == name ? 1 : 0);
            });
        }
    }
    for (const Holding& row : p.holdings.holdings) {
        bound(backed(p, row.free(), row), [&row](const Pair& pair) {
            return pair.lot == &row ? ratio(pair.sold->max_bonus) : Rational(0);
        });
    }
    bound(debt * ratio(p.parameters.liquidation.close_factor), [](const Pair&) {
        return Rational(1);
    });
    const AccountState state = state_of(p);
    out.missing =
        debt * ratio(p.parameters.liquidation.target_buffer) - exact(state.liquidation_end);
    bound(-out.missing, [](const Pair& pair) {
        return ratio(pair.sold->collateral.liquidation_end) * ratio(pair.sold->max_bonus) -
               ratio(pair.owed->debt.liquidation_end);
    });
    for (const Pair& pair : pairs) {
        out.program.cost.push_back(ratio(pair.sold->max_bonus));
    }
    return out;
}

// The finest step of any token here, in dollars.
Rational finest(const Portfolio& p) {
    Rational out;
    for (const AssetParameters& asset : p.parameters.assets) {
        out = std::max(out, exact(p.prices.at(asset.on[0].asset).price) / ten(asset.decimals));
    }
    return out;
}

TEST(LiquidationLeast, NoOtherChoiceSeizesLessOrHealsMore) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        p.parameters.liquidation.close_all_below = Money{};
        p.parameters.liquidation.dust = Money{};
        RC_PRE(state_of(p).liquidation_end.is_negative());
        RC_PRE(finest(p) <= exact(usd("0.01")));
        const LiquidationPlan plan = plan_liquidation(p.holdings, p.prices, p.parameters).value();
        const std::optional<Rational> least = minimum(ways_of(p).program);
        const bool reached = plan.end == PlanEnd::kTarget || plan.end == PlanEnd::kHealed;
        // A leg of less than a cent is not planned, and units round: up to a dollar in all.
        const Rational slack = exact(usd("1"));
        if (least) {
            RC_ASSERT(exact(plan.health_after) + slack >= 0);
            if (reached) {
                RC_ASSERT(exact(seized_by(plan)) <= *least + slack);
            }
        }
        if (plan.end == PlanEnd::kTarget) {
            RC_ASSERT(least.has_value() || exact(plan.health_after) < slack);
            if (least) {
                RC_ASSERT(exact(seized_by(plan)) + slack >= *least);
            }
        }
        RC_TAG(least.has_value(), plan.legs.size());
    });
}

}  // namespace
}  // namespace margrave::margin::tests
