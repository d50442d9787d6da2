// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/price_paths.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <cmath>

namespace margrave::relayer {
namespace {

// Demeaned log returns of one asset.
std::vector<double> returns_of(std::span<const std::vector<double>> prices, std::size_t asset) {
    std::vector<double> out;
    double sum = 0;
    for (std::size_t t = 1; t < prices.size(); ++t) {
        out.push_back(std::log(prices[t][asset] / prices[t - 1][asset]));
        sum += out.back();
    }
    const double mean = sum / static_cast<double>(out.size());
    for (double& value : out) {
        value -= mean;
    }
    return out;
}

double mean_square(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) {
        sum += value * value;
    }
    return sum / static_cast<double>(values.size());
}

}  // namespace

std::uint64_t PathRandom::next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

// The bias of the remainder is below 2^-40 for any history that fits memory.
std::size_t PathRandom::below(std::size_t limit) {
    return static_cast<std::size_t>(next() % limit);
}

PathMaker::PathMaker(std::span<const std::vector<double>> prices, const ForecastSettings& settings)
    : last_prices_(prices.back()),
      block_(std::max<std::size_t>(settings.block, 1)),
      shock_(settings.shock),
      memory_(settings.memory) {
    MARGRAVE_ASSERT(prices.size() >= 2);
    const std::size_t assets = last_prices_.size();
    scaled_.assign(prices.size() - 1, std::vector<double>(assets, 0.0));
    for (std::size_t i = 0; i < assets; ++i) {
        const std::vector<double> returns = returns_of(prices, i);
        double variance = mean_square(returns);
        mean_variance_.push_back(variance);
        std::vector<double> scaled;
        for (const double change : returns) {
            scaled.push_back(variance > 0 ? change / std::sqrt(variance) : 0.0);
            variance = next_variance(i, variance, change);
        }
        last_variance_.push_back(variance);
        // Whatever the filter left over, what is drawn has variance one: a path neither swells nor
        // dies by itself.
        const double left = mean_square(scaled);
        for (std::size_t t = 0; t < scaled.size(); ++t) {
            scaled_[t][i] = left > 0 ? scaled[t] / std::sqrt(left) : 0.0;
        }
    }
}

double PathMaker::next_variance(std::size_t asset, double variance, double change) const {
    return (1 - shock_ - memory_) * mean_variance_[asset] + shock_ * change * change +
           memory_ * variance;
}

PricePath PathMaker::start(std::uint64_t seed, std::size_t path) const {
    PathRandom mixed(seed);
    return {*this, PathRandom(mixed.next() ^ PathRandom(path).next())};
}

PricePath::PricePath(const PathMaker& maker, PathRandom random)
    : maker_(maker),
      random_(random),
      prices_(maker.last_prices_),
      variance_(maker.last_variance_) {}

void PricePath::step() {
    if (left_ == 0) {
        at_ = random_.below(maker_.scaled_.size());
        left_ = maker_.block_;
    }
    // A block that reaches the end goes on at the beginning, so that all returns are as likely.
    const std::vector<double>& scaled = maker_.scaled_[at_];
    at_ = (at_ + 1) % maker_.scaled_.size();
    --left_;
    for (std::size_t i = 0; i < prices_.size(); ++i) {
        const double change = scaled[i] * std::sqrt(variance_[i]);
        prices_[i] *= std::exp(change);
        variance_[i] = maker_.next_variance(i, variance_[i], change);
    }
}

}  // namespace margrave::relayer
