// SPDX-License-Identifier: Apache-2.0
#include "relayer/detail/on_cores.hpp"
#include "relayer/risk/path_judge.hpp"
#include "relayer/risk/price_paths.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

namespace margrave::relayer {
namespace {

// Of n draws and one more of the same kind, the k-th smallest lies above the one with probability
// k / (n + 1): with 399 both levels below are exact.
constexpr std::size_t kPaths = 399;
constexpr std::size_t kAccounts = 50;
// Forecasts are made from so many times, more for short horizons, as long as all together take so
// many steps.
constexpr std::size_t kOriginsMin = 60;
constexpr std::size_t kOriginsMax = 500;
constexpr std::size_t kOriginSteps = 120'000;
constexpr std::array kLevels{0.01, 0.05};
constexpr std::array kBounds{0.0, 0.01, 0.1, 0.5, 1.0};

// The accounts with debt, those closest to a call first; of those that the engine values no more
// than fit `values`.
std::vector<const ForecastAccount*> closest(const ForecastBook& book, std::uint64_t values) {
    std::vector<const ForecastAccount*> sorted;
    for (const ForecastAccount& account : book.accounts) {
        if (account.has_debt) {
            sorted.push_back(&account);
        }
    }
    std::ranges::stable_sort(sorted, {}, &ForecastAccount::distance);
    std::vector<const ForecastAccount*> out;
    for (const ForecastAccount* account : sorted) {
        const std::uint64_t cost = account->linear ? 0 : account->cost;
        if (out.size() < kAccounts && cost <= values) {
            values -= cost;
            out.push_back(account);
        }
    }
    return out;
}

/// One kind of event of one account, from one time on.
struct Said {
    /// Already so at that time: nothing is forecast.
    bool is_so{false};
    double probability{0};
    bool came{false};
};

/// What was forecast from one time, and what came.
struct OriginResult {
    std::vector<Said> calls;
    std::vector<Said> liquidations;
    /// By asset: whether the price ended below the quantile of each level.
    std::vector<std::array<bool, kLevels.size()>> below;
};

struct Bucket {
    double forecast{0};
    double came{0};
    std::size_t count{0};
};

std::size_t bucket_of(double probability) {
    for (std::size_t i = 1; i + 1 < kBounds.size(); ++i) {
        if (probability < kBounds.at(i)) {
            return i - 1;
        }
    }
    return kBounds.size() - 2;
}

/// The score of one kind of event at one horizon.
class Scorer {
  public:
    void take(const std::vector<Said>& rows) {
        for (const Said& said : rows) {
            if (said.is_so) {
                continue;
            }
            const double came = said.came ? 1 : 0;
            Bucket& bucket = buckets_.at(bucket_of(said.probability));
            bucket.forecast += said.probability;
            bucket.came += came;
            ++bucket.count;
            error_ += (said.probability - came) * (said.probability - came);
            came_ += came;
            ++count_;
        }
    }

    void write(std::uint64_t horizon_s, Backtest::Scored& out) const {
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            const Bucket& bucket = buckets_.at(i);
            if (bucket.count != 0) {
                const auto count = static_cast<double>(bucket.count);
                out.rows.push_back(
                    {horizon_s,
                     kBounds.at(i),
                     kBounds.at(i + 1),
                     bucket.forecast / count,
                     bucket.came / count,
                     bucket.count}
                );
            }
        }
        Backtest::Score score;
        if (count_ != 0) {
            const double rate = came_ / static_cast<double>(count_);
            score.brier = error_ / static_cast<double>(count_);
            score.constant = rate * (1 - rate);
        }
        out.scores.push_back(score);
    }

  private:
    std::array<Bucket, kBounds.size() - 1> buckets_{};
    double error_{0};
    double came_{0};
    std::size_t count_{0};
};

/// One horizon's tests over all origins.
class HorizonTest {
  public:
    HorizonTest(
        const PriceHistory& history,
        const ForecastBook& book,
        const ForecastSettings& settings,
        std::uint64_t horizon_s
    )
        : history_(history),
          book_(book),
          settings_(settings),
          horizon_s_(horizon_s),
          steps_(static_cast<std::size_t>(std::max<std::uint64_t>(horizon_s / history.step_s, 1))) {
        const std::size_t first = kReturnsMin;
        const std::size_t end = history.prices.size();
        const std::size_t room = end > first + steps_ ? end - first - steps_ : 0;
        const std::size_t most = std::clamp(kOriginSteps / steps_, kOriginsMin, kOriginsMax);
        const std::size_t stride = std::max<std::size_t>((room + most - 1) / most, 1);
        for (std::size_t origin = first; origin < first + room; origin += stride) {
            origins_.push_back(origin);
        }
        const std::uint64_t looks =
            settings.work / (std::max<std::size_t>(origins_.size(), 1) * kPaths);
        accounts_ = closest(book, looks);
        std::uint64_t cost = 0;
        for (const ForecastAccount* account : accounts_) {
            cost += account->linear ? 0 : account->cost;
        }
        if (cost != 0) {
            const std::uint64_t each = std::max<std::uint64_t>(looks / cost, 1);
            every_ = std::max<std::size_t>((steps_ + each - 1) / each, 1);
        }
    }

    void run() {
        results_.resize(origins_.size());
        std::atomic<std::size_t> next{0};
        std::atomic<std::size_t> finished{0};
        const std::thread::id caller = std::this_thread::get_id();
        tell(0);
        on_each_core(origins_.size(), [&] {
            PathJudge judge(book_, history_);
            for (std::size_t i = next++; i < origins_.size(); i = next++) {
                results_[i] = test(origins_[i], judge);
                const std::size_t done = ++finished;
                if (std::this_thread::get_id() == caller) {
                    tell(done);
                }
            }
        });
    }

    void write(Backtest& out) const {
        write_quantiles(out);
        Scorer calls;
        Scorer liquidations;
        for (const OriginResult& result : results_) {
            calls.take(result.calls);
            liquidations.take(result.liquidations);
        }
        calls.write(horizon_s_, out.calls);
        liquidations.write(horizon_s_, out.liquidations);
        out.origins = std::max(out.origins, origins_.size());
        out.accounts = std::max(out.accounts, accounts_.size());
        out.every.push_back(every_);
    }

  private:
    void tell(std::size_t done) const {
        if (settings_.progress) {
            const std::string what = "forecasts of " + std::to_string(horizon_s_) + " s tested";
            settings_.progress(what, done, origins_.size());
        }
    }

    // The looks of what was forecast are those of what came.
    bool is_look(std::size_t step) const { return step % every_ == 0 || step == steps_; }

    void look(
        PathJudge& judge,
        const std::vector<double>& prices,
        std::size_t step,
        std::vector<Reached>& seen
    ) const {
        judge.move_to(prices, step);
        for (std::size_t i = 0; i < accounts_.size(); ++i) {
            if (!seen[i].liquidation) {
                const Reached now = judge.judge(*accounts_[i]);
                seen[i].call = seen[i].call || now.call;
                seen[i].liquidation = now.liquidation;
            }
        }
    }

    // The forecast made after row `origin` of the history, against what came.
    OriginResult test(std::size_t origin, PathJudge& judge) const {
        OriginResult out;
        std::vector<Reached> now(accounts_.size());
        look(judge, history_.prices[origin], 0, now);
        std::vector<Reached> came(accounts_.size());
        for (std::size_t step = 1; step <= steps_; ++step) {
            if (is_look(step)) {
                look(judge, history_.prices[origin + step], step, came);
            }
        }
        for (std::size_t i = 0; i < accounts_.size(); ++i) {
            out.calls.push_back({.is_so = now[i].call, .came = came[i].call});
            out.liquidations.push_back({.is_so = now[i].liquidation, .came = came[i].liquidation});
        }
        std::vector<std::vector<double>> ends(history_.assets.size());
        const PathMaker maker(std::span(history_.prices.data(), origin + 1), settings_);
        for (std::size_t path = 0; path < kPaths; ++path) {
            PricePath walk = maker.start(settings_.seed + origin, path);
            std::vector<Reached> hit(accounts_.size());
            for (std::size_t step = 1; step <= steps_; ++step) {
                walk.step();
                if (is_look(step)) {
                    look(judge, walk.prices(), step, hit);
                }
            }
            for (std::size_t i = 0; i < accounts_.size(); ++i) {
                out.calls[i].probability += (hit[i].call ? 1.0 : 0.0) / kPaths;
                out.liquidations[i].probability += (hit[i].liquidation ? 1.0 : 0.0) / kPaths;
            }
            for (std::size_t i = 0; i < ends.size(); ++i) {
                ends[i].push_back(walk.prices()[i]);
            }
        }
        for (std::size_t i = 0; i < ends.size(); ++i) {
            out.below.push_back(below(history_.prices[origin + steps_][i], ends[i]));
        }
        return out;
    }

    static std::array<bool, kLevels.size()> below(double came, std::vector<double>& ends) {
        std::ranges::sort(ends);
        std::array<bool, kLevels.size()> out{};
        for (std::size_t level = 0; level < kLevels.size(); ++level) {
            const double rank = kLevels.at(level) * static_cast<double>(kPaths + 1);
            out.at(level) = came < ends[static_cast<std::size_t>(rank + 0.5) - 1];
        }
        return out;
    }

    void write_quantiles(Backtest& out) const {
        for (std::size_t i = 0; i < history_.assets.size() && !origins_.empty(); ++i) {
            const double first = history_.prices.front()[i];
            const auto moved = [i, first](const auto& row) {
                return row[i] != first;
            };
            if (std::ranges::none_of(history_.prices, moved)) {
                continue;
            }
            for (std::size_t level = 0; level < kLevels.size(); ++level) {
                out.quantiles.push_back(quantile(i, level));
            }
        }
    }

    [[nodiscard]] Backtest::Quantile quantile(std::size_t asset, std::size_t level) const {
        Backtest::Quantile out;
        out.asset = history_.assets[asset];
        out.horizon_s = horizon_s_;
        out.level = kLevels.at(level);
        out.forecasts = origins_.size();
        std::size_t all = 0;
        std::size_t apart = 0;
        std::size_t misses = 0;
        std::size_t free_from = 0;
        for (std::size_t k = 0; k < origins_.size(); ++k) {
            const std::size_t miss = results_[k].below[asset].at(level) ? 1 : 0;
            all += miss;
            if (origins_[k] >= free_from) {
                ++apart;
                misses += miss;
                free_from = origins_[k] + steps_;
            }
        }
        out.hit_rate = static_cast<double>(all) / static_cast<double>(out.forecasts);
        out.coverage = coverage(apart, misses, out.level);
        return out;
    }

    const PriceHistory& history_;
    const ForecastBook& book_;
    const ForecastSettings& settings_;
    std::uint64_t horizon_s_;
    std::size_t steps_;
    std::size_t every_{1};
    std::vector<std::size_t> origins_;
    std::vector<const ForecastAccount*> accounts_;
    std::vector<OriginResult> results_;
};

}  // namespace

Result<Backtest> backtest(
    const PriceHistory& history, const ForecastBook& book, const ForecastSettings& settings
) {
    if (history.steps() < kReturnsMin) {
        return too_short(history);
    }
    Backtest out;
    for (const std::uint64_t horizon : settings.horizons_s) {
        HorizonTest test(history, book, settings, horizon);
        test.run();
        test.write(out);
    }
    return out;
}

}  // namespace margrave::relayer
