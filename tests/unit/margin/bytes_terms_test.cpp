// SPDX-License-Identifier: Apache-2.0
#include "margin/black76.hpp"
#include "margin/early.hpp"
#include "margin/health.hpp"
#include "margin/ramp.hpp"
#include "margin/sale_limits.hpp"
#include "tests/unit/margin/bytes_fixture.hpp"
#include "tests/unit/margin/terms_fixture.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

// The same of what stands before and behind a state: terms of a round, ramps, limits of sales,
// deposits that count early, and Greeks.
namespace margrave::margin::tests {
namespace {

constexpr std::uint64_t kScenes = 2'000;
constexpr std::uint64_t kNow = 1'700'000'000;

// What in_force adds has no signed form.
void put_round(WordWriter& out, const Parameters& now) {
    out.word(hash_of(now));
    for (const AssetParameters& asset : now.assets) {
        out.money(asset.now.aged).money(asset.now.slow);
        for (const AssetOnChain& form : asset.on) {
            out.money(form.uncounted);
        }
    }
}

// Caps of accounts and pools, scaled weights, initial prices, bridge tiers, lag and correlations.
TEST(BytesOfTerms, RoundsHashToOneConstant) {
    RunningHash running;
    for (std::uint64_t seed = 0; seed < kScenes; ++seed) {
        const Scene scene = scene_of(seed);
        const Evaluation evaluation = evaluate(
            scene.portfolio.holdings, scene.portfolio.prices, scene.now, seed % 2 == 0, false
        );
        running.add([&](WordWriter& words) {
            words.word(hash_of(scene.portfolio.parameters));
            put_round(words, scene.now);
            put_state(words, evaluation.state);
            for (const Relief& relief : evaluation.reliefs) {
                words.money(relief.initial).money(relief.liquidation_end).money(relief.maintenance);
            }
        });
    }
    EXPECT_EQ(running.text(), "0x7983c9e3312f4f1cc147e6c003f4156b1f6e676eb0a36e69e56cfccde55ca942");
}

TEST(BytesOfTerms, RampsHashToOneConstant) {
    RunningHash running;
    for (std::uint64_t seed = 0; seed < kScenes / 4; ++seed) {
        const Parameters before = with_terms(seed).parameters;
        Parameters next = with_terms(seed + kScenes).parameters;
        for (std::size_t i = 0; i < std::min(next.assets.size(), before.assets.size()); ++i) {
            next.assets[i].on = before.assets[i].on;
        }
        next.change =
            Change{.previous = hash_of(before), .from = UnixSeconds{kNow}, .ramp_s = 1'000 + seed};
        for (const std::uint64_t after : {0U, 1U, 333U, 999U}) {
            const Parameters now = at_time(before, next, UnixSeconds{kNow + after});
            running.add([&](WordWriter& words) { words.word(hash_of(now)); });
        }
        for (const std::string& where : tightened(before, next)) {
            running.add([&](WordWriter& words) { words.word(keccak256(where)); });
        }
    }
    EXPECT_EQ(running.text(), "0xb1c75b3160096f0ba2c6ea76ff7ce72efec65fab34d0a2c2fa59ccc619d4da33");
}

std::vector<OutstandingSale> random_sales(const Portfolio& p, Rng& rng) {
    std::vector<OutstandingSale> out;
    for (const Holding& row : p.holdings.holdings) {
        const std::uint64_t at = kNow - rng.in(0, 1'200);
        const bool is_open = rng.chance(30);
        out.push_back(
            {.asset = row.asset,
             .amount = row.collateral,
             .instructed_at = UnixSeconds{at},
             .is_open = is_open}
        );
    }
    return out;
}

TEST(BytesOfTerms, LimitsOfSalesHashToOneConstant) {
    RunningHash running;
    std::vector<AccountState> states;
    for (std::uint64_t seed = 0; seed < kScenes; ++seed) {
        Portfolio p = random_portfolio(seed);
        Rng rng(seed);
        p.parameters.liquidation.bonus_ramp_s = rng.in(1, 900);
        p.parameters.liquidation.bonus_start =
            Money::from_e18(static_cast<std::int64_t>(rng.in(0, 1'000'000'000'000'000'000)));
        for (AssetParameters& asset : p.parameters.assets) {
            asset.market_capacity = Money::whole(static_cast<std::int64_t>(rng.in(1, 200'000)));
            asset.market_window_s = 600;
        }
        const std::vector<OutstandingSale> sales = random_sales(p, rng);
        const Market market(p.prices, p.parameters);
        const SaleCapacity left = capacity_left(sales, market, UnixSeconds{kNow}).value();
        const std::uint64_t under_water_s = rng.in(0, 1'000);
        running.add([&](WordWriter& words) {
            for (const AssetParameters& asset : p.parameters.assets) {
                words.money(left.at(asset.name))
                    .money(bonus_at(asset, p.parameters.liquidation, under_water_s).value());
            }
        });
        states.push_back(evaluate_state(p.holdings, market, false, false));
        states.back().account.data[30] = static_cast<std::uint8_t>(seed % 256);
        states.back().account.data[29] = static_cast<std::uint8_t>(seed / 256);
    }
    std::ranges::sort(states, is_riskier);
    for (const AccountState& state : states) {
        running.add([&](WordWriter& words) { words.word(state.account); });
    }
    EXPECT_EQ(running.text(), "0x5614918bcef492a80f7a4ad9222e4a580eccf1c8acbe3312c3fd85ca139b88a4");
}

// A loan that only deposits which are not final yet can carry: what the least of them is.
TEST(BytesOfTerms, EarlyPartsHashToOneConstant) {
    const Parameters parameters = sample_parameters();
    const PriceTable prices = sample_prices();
    const std::vector<EarlyTier> tiers{
        {.blocks = 2, .up_to = units("0.5", 18)}, {.blocks = 12, .up_to = units("4", 18)}};
    RunningHash running;
    for (std::uint64_t seed = 0; seed < kScenes / 8; ++seed) {
        Rng rng(seed);
        std::vector<EarlyPart> offers;
        for (const std::uint64_t chain : {1U, 10U, 137U}) {
            EarlySight sight;
            sight.firm = Amount{rng.in(0, 1'000'000'000'000'000'000)};
            sight.head = Amount{rng.in(0, 8'000'000'000'000'000'000)};
            sight.at_depth = {Amount{rng.in(0, 8'000'000'000'000'000'000)}, std::nullopt};
            if (rng.chance(80)) {
                sight.at_depth[1] = Amount{rng.in(0, 8'000'000'000'000'000'000)};
            }
            const EarlyCredit credit = early_credit(tiers, sight);
            running.add([&](WordWriter& words) { words.uint(credit.amount).uint(credit.tier); });
            offers.push_back({.asset = eth_on(chain), .amount = credit.amount});
        }
        const Amount asked{rng.in(1, 9'000'000'000)};
        const auto parts = least_early(offers, [&](std::span<const EarlyPart> given) {
            return Result<bool>(check_grant(
                                    with_early(holdings_of({}), given).value(),
                                    {usdc_on(10), asked, false},
                                    prices,
                                    parameters
            )
                                    .has_value());
        });
        running.add([&](WordWriter& words) {
            for (const EarlyPart& part : parts.value()) {
                words.word(part.asset.key()).uint(part.amount);
            }
        });
    }
    EXPECT_EQ(running.text(), "0xd45d505d390d51219d80eeb27af45cc32bae7d19a9c4a16183e60fe627cfbf73");
}

TEST(BytesOfTerms, OptionPricesAndGreeksHashToOneConstant) {
    RunningHash running;
    Rng rng(kEngine);
    for (unsigned i = 0; i < 4'000; ++i) {
        const auto part = [&rng](std::uint64_t most) {
            const Money whole = Money::whole(static_cast<std::int64_t>(rng.in(0, most)));
            return whole + Money::from_e18(static_cast<std::int64_t>(rng.in(1, 999'999'999'999)));
        };
        Black76 option;
        option.forward = part(100'000);
        option.strike = rng.chance(50) ? option.forward + part(100) : part(100'000);
        option.volatility = Money::from_e18(static_cast<std::int64_t>(rng.next() >> 2U));
        option.seconds = rng.chance(5) ? 0 : rng.in(1, 200'000'000);
        option.discount = Money::from_e18(static_cast<std::int64_t>(rng.next() >> 5U));
        const OptionPair pair = prices(option);
        const Greeks g = greeks(option);
        running.add([&](WordWriter& words) {
            words.money(pair.call)
                .money(pair.put)
                .money(g.call_delta)
                .money(g.put_delta)
                .money(g.gamma)
                .money(g.vega)
                .money(g.theta);
        });
    }
    EXPECT_EQ(running.text(), "0x9633f4f1f40c463582e74d4036a63526104b13b9e815c8f64791b90c257566c2");
}

}  // namespace
}  // namespace margrave::margin::tests
