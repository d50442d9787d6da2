// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relayer/risk/forecast.hpp"
#include "relayer/risk/price_paths.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace margrave::relayer::tests {

/// The sum of twelve uniform numbers less six is close to a normal one.
inline double normal_number(PathRandom& random) {
    double normal = -6;
    for (int k = 0; k < 12; ++k) {
        normal += static_cast<double>(random.below(1'000'001)) / 1'000'000.0;
    }
    return normal;
}

/// A random walk of one asset beside a dollar that never moves; `sigma` a step.
inline PriceHistory walk(std::size_t steps, double sigma, std::uint64_t seed = 7) {
    PriceHistory out;
    out.assets = {"eth", "usd"};
    out.step_s = 300;
    PathRandom random(seed);
    double price = 2'000;
    for (std::size_t i = 0; i <= steps; ++i) {
        out.prices.push_back({price, 1.0});
        price *= std::exp(sigma * normal_number(random));
    }
    return out;
}

/// One ether, at `price` now, against `owed` dollars; weights 0.8 and 0.9.
inline ForecastAccount borrower(double owed, double price) {
    ForecastAccount out;
    out.has_debt = owed > 0;
    out.now = {.call = 0.8 * price < owed, .liquidation = 0.9 * price < owed};
    out.distance = (0.8 * price - owed) / price;
    out.linear = LinearHealth{
        {{.asset = 0, .initial = 0.8, .maintenance = 0.9},
         {.asset = 1, .initial = -owed, .maintenance = -owed}}};
    return out;
}

inline ForecastBook book_of(std::vector<ForecastAccount> accounts) {
    ForecastBook out;
    out.accounts = std::move(accounts);
    return out;
}

}  // namespace margrave::relayer::tests
