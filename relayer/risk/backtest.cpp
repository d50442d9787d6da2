// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/price_paths.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace margrave::relayer {
namespace {

constexpr std::size_t kOriginsMax = 60;
constexpr std::size_t kBacktestPaths = 200;
constexpr std::size_t kBacktestAccounts = 50;
constexpr std::array kLevels{0.01, 0.05};
constexpr std::array kBounds{0.0, 0.01, 0.1, 0.5, 1.0};

double health_of(const std::vector<double>& weights, const std::vector<double>& prices) {
    return std::inner_product(weights.begin(), weights.end(), prices.begin(), 0.0);
}

// Those with debt whose initial health is the smallest part of their worth, at the last prices.
std::vector<LinearAccount> closest(
    std::vector<LinearAccount> accounts, const std::vector<double>& prices
) {
    std::erase_if(accounts, [](const LinearAccount& account) { return !account.has_debt; });
    const auto distance = [&prices](const LinearAccount& account) {
        double size = 0;
        for (std::size_t i = 0; i < prices.size(); ++i) {
            size += std::abs(account.initial[i]) * prices[i];
        }
        return size > 0 ? health_of(account.initial, prices) / size : 1.0;
    };
    std::ranges::stable_sort(accounts, {}, distance);
    accounts.resize(std::min(accounts.size(), kBacktestAccounts));
    return accounts;
}

struct Bucket {
    double forecast{0};
    double came{0};
    std::size_t count{0};

    void take(double probability, bool has_come) {
        forecast += probability;
        came += has_come ? 1 : 0;
        ++count;
    }
};

std::size_t bucket_of(double probability) {
    for (std::size_t i = 1; i + 1 < kBounds.size(); ++i) {
        if (probability < kBounds.at(i)) {
            return i - 1;
        }
    }
    return kBounds.size() - 2;
}

/// One horizon's tests over all origins.
class HorizonTest {
  public:
    HorizonTest(const PriceHistory& history, std::uint64_t horizon_s)
        : history_(history),
          horizon_s_(horizon_s),
          steps_(static_cast<std::size_t>(std::max<std::uint64_t>(horizon_s / history.step_s, 1))),
          below_(history.assets.size()) {}

    // The forecast made after row `origin` of the history, against what came.
    void test(
        std::size_t origin,
        const std::vector<LinearAccount>& accounts,
        const ForecastSettings& settings
    ) {
        if (origin + steps_ >= history_.prices.size()) {
            return;
        }
        const std::span known(history_.prices.data(), origin + 1);
        const PathMaker maker(known, settings);
        std::vector<double> called(accounts.size(), 0.0);
        std::vector<std::vector<double>> ends(history_.assets.size());
        for (std::size_t path = 0; path < kBacktestPaths; ++path) {
            PricePath walk = maker.start(settings.seed + origin, path);
            std::vector<bool> hit(accounts.size(), false);
            for (std::size_t step = 0; step < steps_; ++step) {
                walk.step();
                mark(hit, accounts, walk.prices());
            }
            for (std::size_t i = 0; i < accounts.size(); ++i) {
                called[i] += hit[i] ? 1.0 / static_cast<double>(kBacktestPaths) : 0.0;
            }
            for (std::size_t i = 0; i < ends.size(); ++i) {
                ends[i].push_back(walk.prices()[i]);
            }
        }
        score_prices(origin, ends);
        score_calls(origin, accounts, called);
        ++origins_;
    }

    void write(Backtest& out) const {
        for (std::size_t i = 0; i < below_.size() && origins_ > 0; ++i) {
            for (std::size_t level = 0; level < kLevels.size(); ++level) {
                out.quantiles.push_back(
                    {history_.assets[i],
                     horizon_s_,
                     kLevels.at(level),
                     static_cast<double>(below_[i].at(level)) / static_cast<double>(origins_),
                     origins_}
                );
            }
        }
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            const Bucket& bucket = buckets_.at(i);
            if (bucket.count != 0) {
                const auto count = static_cast<double>(bucket.count);
                out.calls.push_back(
                    {horizon_s_,
                     kBounds.at(i),
                     kBounds.at(i + 1),
                     bucket.forecast / count,
                     bucket.came / count,
                     bucket.count}
                );
            }
        }
        out.brier.push_back(scored_ == 0 ? -1.0 : error_ / static_cast<double>(scored_));
        out.origins = std::max(out.origins, origins_);
    }

  private:
    static void mark(
        std::vector<bool>& hit,
        const std::vector<LinearAccount>& accounts,
        const std::vector<double>& prices
    ) {
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            hit[i] = hit[i] || health_of(accounts[i].initial, prices) < 0;
        }
    }

    void score_prices(std::size_t origin, std::vector<std::vector<double>>& ends) {
        for (std::size_t i = 0; i < ends.size(); ++i) {
            std::ranges::sort(ends[i]);
            for (std::size_t level = 0; level < kLevels.size(); ++level) {
                const auto at = static_cast<std::size_t>(
                    kLevels.at(level) * static_cast<double>(ends[i].size())
                );
                const bool is_below = history_.prices[origin + steps_][i] < ends[i][at];
                below_[i].at(level) += is_below ? 1 : 0;
            }
        }
    }

    void score_calls(
        std::size_t origin,
        const std::vector<LinearAccount>& accounts,
        const std::vector<double>& called
    ) {
        std::vector<bool> came(accounts.size(), false);
        for (std::size_t step = 1; step <= steps_; ++step) {
            mark(came, accounts, history_.prices[origin + step]);
        }
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            // One that is called already forecasts nothing.
            if (health_of(accounts[i].initial, history_.prices[origin]) < 0) {
                continue;
            }
            buckets_.at(bucket_of(called[i])).take(called[i], came[i]);
            const double miss = called[i] - (came[i] ? 1.0 : 0.0);
            error_ += miss * miss;
            ++scored_;
        }
    }

    const PriceHistory& history_;
    std::uint64_t horizon_s_;
    std::size_t steps_;
    std::vector<std::array<std::size_t, kLevels.size()>> below_;
    std::array<Bucket, kBounds.size() - 1> buckets_{};
    double error_{0};
    std::size_t scored_{0};
    std::size_t origins_{0};
};

}  // namespace

Result<Backtest> backtest(
    const PriceHistory& history,
    const std::vector<LinearAccount>& accounts,
    const ForecastSettings& settings
) {
    if (history.steps() < kReturnsMin) {
        return too_short(history);
    }
    const std::vector<LinearAccount> tested = closest(accounts, history.prices.back());
    const std::size_t room = history.prices.size() - kReturnsMin;
    const std::size_t stride = std::max<std::size_t>(room / kOriginsMax, 1);
    Backtest out;
    for (const std::uint64_t horizon : settings.horizons_s) {
        HorizonTest test(history, horizon);
        for (std::size_t origin = kReturnsMin; origin < history.prices.size(); origin += stride) {
            test.test(origin, tested, settings);
        }
        test.write(out);
    }
    return out;
}

}  // namespace margrave::relayer
