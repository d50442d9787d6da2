// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/terms_fixture.hpp"

namespace margrave::margin::tests {

Portfolio with_terms(std::uint64_t seed) {
    Portfolio out = random_portfolio(seed);
    Rng rng(seed ^ 0x5eed);
    const auto part = [&rng](std::uint64_t most) {
        return Money::from_e18(static_cast<std::int64_t>(rng.in(0, most)) * 1'000'000'000'000'000);
    };
    out.parameters.risk.bridge_tiers = {part(200), usd("0.3")};
    out.parameters.risk.lag_per_hour = rng.chance(50) ? part(100) : Money{};
    for (AssetParameters& asset : out.parameters.assets) {
        asset.cap = rng.chance(30) ? Money::whole(1 + static_cast<std::int64_t>(rng.in(0, 50'000)))
                                   : Money{};
        if (rng.chance(40)) {
            asset.scale.deposits_from = Money::whole(static_cast<std::int64_t>(rng.in(1, 90'000)));
            asset.scale.debts_from = Money::whole(static_cast<std::int64_t>(rng.in(1, 90'000)));
        }
        asset.initial_price = {
            .confidence = part(3'000), .age_per_hour = part(50), .slow = rng.chance(50)};
        for (AssetOnChain& form : asset.on) {
            form.bridge_tier = rng.in(0, 2);
            form.cap = rng.chance(30) ? Money::whole(static_cast<std::int64_t>(rng.in(1, 20'000)))
                                      : Money{};
            form.pool_cap = rng.chance(30)
                                ? Money::whole(static_cast<std::int64_t>(rng.in(1, 60'000)))
                                : Money{};
        }
    }
    out.parameters.risk.correlations = {
        {.name = "pair",
         .assets = {out.parameters.assets[0].name, out.parameters.assets[1].name},
         .relief = usd("0.4")}};
    return out;
}

Scene scene_of(std::uint64_t seed) {
    Scene out;
    out.portfolio = with_terms(seed);
    Rng rng(seed ^ 0xfac7);
    out.facts.at = UnixSeconds{1'700'000'000};
    for (auto& [asset, row] : out.portfolio.prices) {
        const auto percent = static_cast<std::int64_t>(rng.in(0, 3));
        row.confidence =
            margrave::mul(
                row.price, Money::from_e18(percent * 10'000'000'000'000'000), margrave::Round::kUp
            )
                .value();
        row.published_at = UnixSeconds{out.facts.at.value - rng.in(0, 7'200)};
        out.facts.head_times[asset.chain()] = UnixSeconds{out.facts.at.value - rng.in(0, 7'200)};
        out.facts.slow_prices[asset] =
            rng.chance(50) ? row.price + row.price : max(Money::from_e18(1), row.confidence);
    }
    out.facts.totals.add(out.portfolio.holdings);
    out.now = in_force(out.portfolio.parameters, out.portfolio.prices, out.facts);
    return out;
}

}  // namespace margrave::margin::tests
