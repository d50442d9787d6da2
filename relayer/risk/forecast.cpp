// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/forecast.hpp"

#include "relayer/risk/price_paths.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace margrave::relayer {
namespace {

double dot(const std::vector<double>& weights, const std::vector<double>& prices) {
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        sum += weights[i] * prices[i];
    }
    return sum;
}

std::vector<std::size_t> steps_of(
    const std::vector<std::uint64_t>& horizons_s, std::uint64_t step_s
) {
    std::vector<std::size_t> out;
    for (const std::uint64_t horizon : horizons_s) {
        out.push_back(static_cast<std::size_t>(std::max<std::uint64_t>(horizon / step_s, 1)));
    }
    return out;
}

// Nothing yet: no step is that late.
constexpr std::size_t kNever = static_cast<std::size_t>(-1);

/// When one account first was called and liquidated along one path; step 0 is now.
struct Passage {
    std::size_t call{kNever};
    std::size_t liquidation{kNever};

    void see(const LinearAccount& account, const std::vector<double>& prices, std::size_t step) {
        if (call == kNever && dot(account.initial, prices) < 0) {
            call = step;
        }
        if (liquidation == kNever && dot(account.maintenance, prices) < 0) {
            liquidation = step;
        }
    }
};

void count(
    AccountForecast& into,
    const Passage& passage,
    const std::vector<std::size_t>& horizons,
    double share
) {
    for (std::size_t h = 0; h < horizons.size(); ++h) {
        into.call[h] += passage.call <= horizons[h] ? share : 0.0;
        into.liquidation[h] += passage.liquidation <= horizons[h] ? share : 0.0;
    }
}

std::vector<AccountForecast> run_paths(
    const PathMaker& maker,
    const std::vector<LinearAccount>& accounts,
    const ForecastSettings& settings,
    const std::vector<std::size_t>& horizons
) {
    std::vector<AccountForecast> out;
    for (const LinearAccount& account : accounts) {
        out.push_back(
            {account.account,
             std::vector<double>(horizons.size(), 0.0),
             std::vector<double>(horizons.size(), 0.0)}
        );
    }
    const std::size_t last = *std::ranges::max_element(horizons);
    const double share = 1.0 / static_cast<double>(settings.paths);
    for (std::size_t path = 0; path < settings.paths; ++path) {
        std::vector<Passage> passages(accounts.size());
        PricePath walk = maker.start(settings.seed, path);
        for (std::size_t step = 0; step <= last; ++step) {
            for (std::size_t i = 0; i < accounts.size(); ++i) {
                if (accounts[i].has_debt && passages[i].liquidation == kNever) {
                    passages[i].see(accounts[i], walk.prices(), step);
                }
            }
            walk.step();
        }
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            count(out[i], passages[i], horizons, share);
        }
    }
    return out;
}

}  // namespace

Error too_short(const PriceHistory& history) {
    return fail(
        Errc::kNotFound,
        "the price history has " + std::to_string(history.steps()) + " steps of " +
            std::to_string(history.step_s) + " s in which every asset has a price; at least " +
            std::to_string(kReturnsMin) + " are needed: take a longer --last or a shorter --step"
    );
}

std::optional<LinearAccount> linear_account(
    const AccountHoldings& holdings,
    const margin::Parameters& parameters,
    const PriceHistory& history
) {
    for (const VenuePosition& position : holdings.positions) {
        if (!position.size.is_zero()) {
            return std::nullopt;
        }
    }
    LinearAccount out;
    out.account = holdings.account;
    std::map<const margin::AssetParameters*, double> nets;
    for (const Holding& row : holdings.holdings) {
        const margin::AssetParameters* asset = parameters.find(row.asset);
        if (asset == nullptr) {
            // Worth nothing as collateral; owed, it cannot be valued.
            if (!row.debt.is_zero()) {
                return std::nullopt;
            }
            continue;
        }
        const double unit = std::pow(10.0, -static_cast<double>(asset->decimals));
        const double backing = to_real(parameters.find_on(row.asset)->backing);
        nets[asset] += std::strtod(row.collateral.to_string().c_str(), nullptr) * unit * backing;
        nets[asset] -= std::strtod(row.debt.to_string().c_str(), nullptr) * unit;
        out.has_debt = out.has_debt || !row.debt.is_zero();
    }
    out.initial.assign(history.assets.size(), 0.0);
    out.maintenance.assign(history.assets.size(), 0.0);
    for (const auto& [asset, net] : nets) {
        const auto at = std::ranges::find(history.assets, asset->name);
        if (at == history.assets.end()) {
            return std::nullopt;
        }
        const margin::Weights& w = net < 0 ? asset->debt : asset->collateral;
        const auto i = static_cast<std::size_t>(at - history.assets.begin());
        out.initial[i] = net * to_real(w.initial);
        out.maintenance[i] = net * to_real(w.maintenance);
    }
    return out;
}

Result<std::vector<AccountForecast>> forecast(
    const PriceHistory& history,
    const std::vector<LinearAccount>& accounts,
    const ForecastSettings& settings
) {
    if (history.steps() < kReturnsMin) {
        return too_short(history);
    }
    const PathMaker maker(history.prices, settings);
    return run_paths(maker, accounts, settings, steps_of(settings.horizons_s, history.step_s));
}

}  // namespace margrave::relayer
