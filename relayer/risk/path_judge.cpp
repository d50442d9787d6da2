// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/path_judge.hpp"

#include "margin/health.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace margrave::relayer {
namespace {

constexpr double kUnitsOfOne = 1e18;
// Whole dollars that fit 63 bits; no price of a path that means anything comes near.
constexpr double kMoneyMax = 9e18;

std::optional<std::size_t> place_of_asset(const PriceHistory& history, const std::string& asset) {
    const auto at = std::ranges::find(history.assets, asset);
    return at == history.assets.end()
               ? std::nullopt
               : std::optional(static_cast<std::size_t>(at - history.assets.begin()));
}

bool has_usable_price(const PriceRow& row) {
    return row.verdict == PriceVerdict::kUsable && row.price.sign() > 0;
}

UnixSeconds newest_time(const margin::PriceTable& table) {
    UnixSeconds out;
    for (const auto& [asset, row] : table) {
        out = has_usable_price(row) ? std::max(out, row.published_at) : out;
    }
    return out;
}

}  // namespace

Money to_money(double value) {
    // Not a number is none either.
    if (!(value > 0)) {
        return Money{};
    }
    const double bounded = std::min(value, kMoneyMax);
    const double whole = std::floor(bounded);
    const Money part = Money::from_e18(static_cast<std::int64_t>((bounded - whole) * kUnitsOfOne));
    return add(Money::whole(static_cast<std::int64_t>(whole)), part).value();
}

PathPrices::PathPrices(
    const margin::PriceTable& now, const margin::Parameters& parameters, const PriceHistory& history
)
    : table_(now),
      last_(history.prices.back()) {
    const UnixSeconds latest = newest_time(now);
    for (const margin::AssetParameters& asset : parameters.assets) {
        const auto place = place_of_asset(history, asset.name);
        if (!place) {
            continue;
        }
        for (const margin::AssetOnChain& form : asset.on) {
            PriceRow& row = table_[form.asset];
            Row out{.row = &row, .asset = *place, .price = row.price, .published_at = latest};
            if (has_usable_price(row)) {
                out.published_at = row.published_at;
                out.confidence = to_real(row.confidence) / to_real(row.price);
            } else {
                out.price = to_money(last_[*place]);
            }
            row.asset = form.asset;
            row.verdict = PriceVerdict::kUsable;
            rows_.push_back(out);
        }
    }
}

const margin::PriceTable& PathPrices::at(const std::vector<double>& prices, std::uint64_t seconds) {
    for (const Row& row : rows_) {
        const double price = prices[row.asset];
        row.row->price = price == last_[row.asset] ? row.price : to_money(price);
        row.row->confidence = to_money(price * row.confidence);
        row.row->published_at = UnixSeconds{row.published_at.value + seconds};
    }
    return table_;
}

PathJudge::PathJudge(const ForecastBook& book, const PriceHistory& history)
    : book_(book),
      step_s_(history.step_s),
      table_(book.prices, book.parameters, history),
      bands_(history.assets.size(), Band{0, std::numeric_limits<double>::infinity()}) {
    for (const margin::AssetParameters& asset : book.parameters.assets) {
        if (const auto place = place_of_asset(history, asset.name)) {
            bands_[*place] = {to_real(asset.price_min), to_real(asset.price_max)};
        }
    }
}

void PathJudge::move_to(const std::vector<double>& prices, std::size_t step) {
    prices_ = &prices;
    step_ = step;
    market_.reset();
    all_usable_ = true;
    for (std::size_t i = 0; i < prices.size(); ++i) {
        all_usable_ = all_usable_ && prices[i] >= bands_[i].low && prices[i] <= bands_[i].high;
    }
}

Reached PathJudge::judge(const ForecastAccount& account) {
    if (account.linear) {
        if (const auto summed = judge_linear(*account.linear)) {
            return *summed;
        }
    }
    if (!market_) {
        market_.emplace(table_.at(*prices_, step_ * step_s_), book_.parameters, book_.dead);
    }
    return reached(margin::evaluate_state(account.holdings, *market_, false, false));
}

std::optional<Reached> PathJudge::judge_linear(const LinearHealth& health) const {
    double initial = 0;
    double maintenance = 0;
    for (const LinearHealth::Part& part : health.parts) {
        const double price = (*prices_)[part.asset];
        const Band& band = bands_[part.asset];
        // What collateral without a usable price is worth at least and at most is for the engine.
        if (!all_usable_ && (price < band.low || price > band.high)) {
            return std::nullopt;
        }
        initial += part.initial * price;
        maintenance += part.maintenance * price;
    }
    return Reached{.call = initial < 0, .liquidation = maintenance < 0};
}

}  // namespace margrave::relayer
