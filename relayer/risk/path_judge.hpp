// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/market.hpp"
#include "relayer/risk/forecast.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace margrave::relayer {

/// The nearest amount of money; zero for what is below, and a bound for what is absurdly large.
Money to_money(double value);

/// Prices that might come as the engine takes them: every form of an asset has its price, usable,
/// with the confidence of now as a part of it. One thread.
class PathPrices {
  public:
    /// `now` is the table of the round whose prices end `history`.
    PathPrices(
        const margin::PriceTable& now,
        const margin::Parameters& parameters,
        const PriceHistory& history
    );
    PathPrices(const PathPrices&) = delete;
    PathPrices& operator=(const PathPrices&) = delete;

    /// In the order of the history's assets, published so many seconds after those of now. The last
    /// prices of the history are those of the round to the last digit.
    const margin::PriceTable& at(const std::vector<double>& prices, std::uint64_t seconds);

  private:
    struct Row {
        PriceRow* row{nullptr};
        std::size_t asset{0};
        Money price;
        UnixSeconds published_at;
        double confidence{0};
    };

    margin::PriceTable table_;
    // Into the table, of the assets of the history.
    std::vector<Row> rows_;
    std::vector<double> last_;
};

/// Says what accounts of a book come to along a path. Keeps references to both; one thread.
class PathJudge {
  public:
    PathJudge(const ForecastBook& book, const PriceHistory& history);

    /// What is asked next is about these prices, `step` steps after now. Keeps a reference.
    void move_to(const std::vector<double>& prices, std::size_t step);
    [[nodiscard]] Reached judge(const ForecastAccount& account);

  private:
    [[nodiscard]] std::optional<Reached> judge_linear(const LinearHealth& health) const;

    struct Band {
        double low{0};
        double high{0};
    };

    const ForecastBook& book_;
    std::uint64_t step_s_;
    PathPrices table_;
    // Of usable prices, by asset of the history.
    std::vector<Band> bands_;
    const std::vector<double>* prices_{nullptr};
    std::size_t step_{0};
    bool all_usable_{true};
    // Made when the first account needs it.
    std::optional<margin::Market> market_;
};

}  // namespace margrave::relayer
