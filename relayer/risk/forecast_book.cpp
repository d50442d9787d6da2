// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "relayer/risk/forecast.hpp"
#include "relayer/risk/path_judge.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace margrave::relayer {
namespace {

// Values that the engine takes for an option by the ratio method, and beside the shocks of a grid.
constexpr std::uint64_t kOptionCost = 4;
constexpr std::uint64_t kGridCost = 3;

// What counts of the holding is its net value times a weight, at one price for all levels.
bool is_plain(const margin::AssetParameters& asset, const margin::AssetOnChain& form) {
    return asset.cap.is_zero() && asset.initial_price.confidence.is_zero() &&
           asset.now.aged.is_zero() && asset.now.slow.is_zero() && form.cap.is_zero() &&
           form.uncounted.is_zero();
}

bool is_related(const margin::Parameters& parameters, const std::set<std::string>& assets) {
    return std::ranges::any_of(
        parameters.risk.correlations,
        [&assets](const margin::Correlation& correlation) {
            return std::ranges::count_if(correlation.assets, [&assets](const std::string& name) {
                       return assets.contains(name);
                   }) > 1;
        }
    );
}

double tokens(const Amount& amount, unsigned decimals) {
    return std::strtod(amount.to_string().c_str(), nullptr) *
           std::pow(10.0, -static_cast<double>(decimals));
}

std::uint64_t cost_of(const AccountHoldings& holdings, const margin::Market& market) {
    std::uint64_t out = holdings.holdings.size() + 1;
    for (const VenuePosition& position : holdings.positions) {
        const margin::Market::Instrument* instrument = market.find_market(position.market);
        if (instrument != nullptr && instrument->venue->method == margin::VenueMethod::kGrid) {
            out += instrument->venue->grid.shocks.size() + kGridCost;
        } else {
            out += kOptionCost;
        }
    }
    return out;
}

double real_share(const Money& part, const Money& whole) {
    return whole.sign() > 0 ? to_real(part) / to_real(whole) : -1.0;
}

}  // namespace

Reached reached(const AccountState& state) {
    switch (state.status) {
        case Status::kLiquidatable:
        case Status::kBankrupt:
            return {.call = true, .liquidation = true};
        case Status::kMarginCall:
            return {.call = true, .liquidation = false};
        case Status::kHealthy:
        case Status::kUnattestable:
            break;
    }
    return {};
}

std::optional<LinearHealth> linear_health(
    const AccountHoldings& holdings,
    const margin::Parameters& parameters,
    const PriceHistory& history
) {
    for (const VenuePosition& position : holdings.positions) {
        if (!position.size.is_zero()) {
            return std::nullopt;
        }
    }
    std::map<const margin::AssetParameters*, double> nets;
    std::set<std::string> names;
    for (const Holding& row : holdings.holdings) {
        const margin::AssetParameters* asset = parameters.find(row.asset);
        if (row.collateral.is_zero() && row.debt.is_zero()) {
            continue;
        }
        if (asset == nullptr) {
            // Worth nothing as collateral; owed, it cannot be valued.
            if (!row.debt.is_zero()) {
                return std::nullopt;
            }
            continue;
        }
        const margin::AssetOnChain& form = *parameters.find_on(row.asset);
        if (!is_plain(*asset, form)) {
            return std::nullopt;
        }
        names.insert(asset->name);
        nets[asset] += tokens(row.collateral, asset->decimals) * to_real(form.backing) -
                       tokens(row.debt, asset->decimals);
    }
    if (is_related(parameters, names)) {
        return std::nullopt;
    }
    LinearHealth out;
    for (const auto& [asset, net] : nets) {
        const auto at = std::ranges::find(history.assets, asset->name);
        if (at == history.assets.end()) {
            return std::nullopt;
        }
        const margin::Weights& w = net < 0 ? asset->debt : asset->collateral;
        out.parts.push_back(
            {.asset = static_cast<std::size_t>(at - history.assets.begin()),
             .initial = net * to_real(w.initial),
             .maintenance = net * to_real(w.maintenance)}
        );
    }
    std::ranges::sort(out.parts, {}, &LinearHealth::Part::asset);
    return out;
}

ForecastBook forecast_book(
    const margin::StressBook& book,
    const margin::Parameters& parameters,
    const PriceHistory& history
) {
    ForecastBook out;
    out.parameters = parameters;
    out.prices = book.prices;
    out.dead = book.dead;
    if (history.prices.empty()) {
        return out;
    }
    PathPrices prices(book.prices, parameters, history);
    const margin::Market market(prices.at(history.prices.back(), 0), parameters, book.dead);
    for (const margin::StressAccount& row : book.accounts) {
        const AccountState state =
            margin::evaluate_state(row.holdings, market, row.was_liquidatable, false);
        if (state.status == Status::kUnattestable) {
            out.left_out.push_back({row.holdings.account, margin::describe_guards(state.flags)});
            continue;
        }
        ForecastAccount account;
        account.holdings = row.holdings;
        account.has_debt = (state.flags & flags::kHasDebt) != 0;
        account.now = reached(state);
        account.distance = real_share(state.initial, state.equity);
        account.linear = linear_health(row.holdings, parameters, history);
        account.cost = cost_of(row.holdings, market);
        out.accounts.push_back(std::move(account));
    }
    return out;
}

}  // namespace margrave::relayer
