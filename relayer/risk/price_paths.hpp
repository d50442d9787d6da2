// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relayer/risk/forecast.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace margrave::relayer {

/// splitmix64 (Steele, Lea and Flood 2014): the same numbers with every compiler and library.
class PathRandom {
  public:
    explicit PathRandom(std::uint64_t seed)
        : state_(seed) {}

    std::uint64_t next();
    /// In [0, below).
    std::size_t below(std::size_t limit);

  private:
    std::uint64_t state_;
};

class PathMaker;

/// One path of prices under way. Keeps a reference to its maker.
class PricePath {
  public:
    PricePath(const PathMaker& maker, PathRandom random);

    [[nodiscard]] const std::vector<double>& prices() const { return prices_; }

    void step();

  private:
    const PathMaker& maker_;
    PathRandom random_;
    std::vector<double> prices_;
    std::vector<double> variance_;
    std::size_t at_{0};
    std::size_t left_{0};
};

/// What paths are drawn from: the last prices and variances of a stretch of history, and its
/// returns, scaled by the variance of their time. [time][asset].
class PathMaker {
  public:
    PathMaker(std::span<const std::vector<double>> prices, const ForecastSettings& settings);

    /// Paths of one seed differ by their number and do not depend on one another.
    [[nodiscard]] PricePath start(std::uint64_t seed, std::size_t path) const;

  private:
    friend class PricePath;
    [[nodiscard]] double next_variance(std::size_t asset, double variance, double change) const;

    std::vector<double> last_prices_;
    std::vector<double> last_variance_;
    std::vector<std::vector<double>> scaled_;
    // Of the whole history.
    std::vector<double> mean_variance_;
    std::size_t block_;
    double shock_;
    double memory_;
};

/// Why there is no forecast.
Error too_short(const PriceHistory& history);

}  // namespace margrave::relayer
