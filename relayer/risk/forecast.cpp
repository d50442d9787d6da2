// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/forecast.hpp"

#include "margin/health.hpp"
#include "relayer/detail/on_cores.hpp"
#include "relayer/risk/path_judge.hpp"
#include "relayer/risk/price_paths.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

namespace margrave::relayer {
namespace {

// Sums of so many linear terms take as long as one value of the engine.
constexpr std::uint64_t kLinearPerValue = 100;

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
constexpr std::size_t kNoStep = static_cast<std::size_t>(-1);

/// When one account first was called and liquidated along one path; step 0 is now.
struct Passage {
    std::size_t call{kNoStep};
    std::size_t liquidation{kNoStep};

    void see(const Reached& reached, std::size_t step) {
        if (call == kNoStep && reached.call) {
            call = step;
        }
        if (liquidation == kNoStep && reached.liquidation) {
            liquidation = step;
        }
    }
};

/// How many paths reached what by which horizon.
struct Counts {
    std::vector<std::uint64_t> call;
    std::vector<std::uint64_t> liquidation;

    explicit Counts(std::size_t horizons)
        : call(horizons),
          liquidation(horizons) {}

    void add(const Passage& passage, const std::vector<std::size_t>& horizons) {
        for (std::size_t h = 0; h < horizons.size(); ++h) {
            call[h] += passage.call <= horizons[h] ? 1 : 0;
            liquidation[h] += passage.liquidation <= horizons[h] ? 1 : 0;
        }
    }

    void add(const Counts& other) {
        for (std::size_t h = 0; h < call.size(); ++h) {
            call[h] += other.call[h];
            liquidation[h] += other.liquidation[h];
        }
    }
};

/// All paths of the accounts of one kind.
class Walk {
  public:
    Walk(
        const PriceHistory& history,
        const ForecastBook& book,
        const ForecastSettings& settings,
        bool by_engine
    )
        : history_(history),
          book_(book),
          settings_(settings),
          maker_(history.prices, settings),
          horizons_(steps_of(settings.horizons_s, history.step_s)),
          by_engine_(by_engine) {
        for (std::size_t i = 0; i < book.accounts.size(); ++i) {
            if (book.accounts[i].linear.has_value() != by_engine) {
                places_.push_back(i);
            }
        }
    }

    // Fewer paths first, down to kPathsMin, then fewer looks.
    Result<Effort> plan() const {
        Effort out{.accounts = places_.size(), .paths = settings_.paths};
        const std::uint64_t cost = cost_of_a_look();
        if (cost == 0) {
            return out;
        }
        const std::size_t last = *std::ranges::max_element(horizons_);
        const std::uint64_t most = settings_.work / cost;
        const std::size_t least = std::min(kPathsMin, settings_.paths);
        out.paths = std::clamp<std::size_t>(most / last, least, settings_.paths);
        const std::uint64_t looks = most / least;
        if (looks >= last) {
            return out;
        }
        if (looks <= horizons_.size()) {
            return fail(
                Errc::kUsage,
                std::to_string(places_.size()) + " accounts on " + std::to_string(least) +
                    " paths take " + std::to_string(cost * least * (horizons_.size() + 1)) +
                    " values at least, and --work allows " + std::to_string(settings_.work)
            );
        }
        const std::size_t between = looks - horizons_.size();
        out.every = (last + between - 1) / between;
        return out;
    }

    void run(const Effort& effort, std::vector<AccountForecast>& out) const {
        if (places_.empty()) {
            return;
        }
        std::vector<Counts> counts(places_.size(), Counts(horizons_.size()));
        std::atomic<std::size_t> next{0};
        std::atomic<std::size_t> finished{0};
        std::mutex merging;
        const std::thread::id caller = std::this_thread::get_id();
        const std::string what = by_engine_ ? "paths by the engine" : "paths";
        tell(what, 0, effort.paths);
        on_each_core(effort.paths, [&] {
            std::vector<Counts> own(places_.size(), Counts(horizons_.size()));
            PathJudge judge(book_, history_);
            for (std::size_t path = next++; path < effort.paths; path = next++) {
                walk(path, effort.every, judge, own);
                const std::size_t done = ++finished;
                if (std::this_thread::get_id() == caller) {
                    tell(what, done, effort.paths);
                }
            }
            const std::scoped_lock lock(merging);
            for (std::size_t i = 0; i < own.size(); ++i) {
                counts[i].add(own[i]);
            }
        });
        const auto share = [&effort](std::uint64_t count) {
            return static_cast<double>(count) / static_cast<double>(effort.paths);
        };
        for (std::size_t i = 0; i < places_.size(); ++i) {
            AccountForecast& row = out[places_[i]];
            row.by_engine = by_engine_;
            std::ranges::transform(counts[i].call, std::back_inserter(row.call), share);
            std::ranges::transform(
                counts[i].liquidation, std::back_inserter(row.liquidation), share
            );
        }
    }

  private:
    // In values; the engine joins prices and parameters once for all accounts.
    std::uint64_t cost_of_a_look() const {
        std::uint64_t sum = 0;
        for (const std::size_t place : places_) {
            const ForecastAccount& account = book_.accounts[place];
            if (account.has_debt) {
                sum += by_engine_ ? account.cost : account.linear->parts.size();
            }
        }
        if (sum == 0) {
            return 0;
        }
        if (!by_engine_) {
            return (sum + history_.assets.size()) / kLinearPerValue + 1;
        }
        for (const margin::AssetParameters& asset : book_.parameters.assets) {
            sum += asset.on.size();
        }
        for (const margin::VenueParameters& venue : book_.parameters.venues) {
            sum += venue.perpetuals.size() + venue.option_markets.size();
        }
        return sum;
    }

    void tell(const std::string& what, std::size_t done, std::size_t all) const {
        if (settings_.progress) {
            settings_.progress(what, done, all);
        }
    }

    bool is_look(std::size_t step, std::size_t every) const {
        return step % every == 0 || std::ranges::find(horizons_, step) != horizons_.end();
    }

    void walk(std::size_t path, std::size_t every, PathJudge& judge, std::vector<Counts>& counts)
        const {
        std::vector<Passage> passages(places_.size());
        std::vector<std::size_t> open;
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const ForecastAccount& account = book_.accounts[places_[i]];
            passages[i].see(account.now, 0);
            if (account.has_debt && !account.now.liquidation) {
                open.push_back(i);
            }
        }
        PricePath prices = maker_.start(settings_.seed, path);
        const std::size_t last = *std::ranges::max_element(horizons_);
        for (std::size_t step = 1; step <= last && !open.empty(); ++step) {
            prices.step();
            if (!is_look(step, every)) {
                continue;
            }
            judge.move_to(prices.prices(), step);
            std::erase_if(open, [&](std::size_t i) {
                passages[i].see(judge.judge(book_.accounts[places_[i]]), step);
                return passages[i].liquidation != kNoStep;
            });
        }
        for (std::size_t i = 0; i < places_.size(); ++i) {
            counts[i].add(passages[i], horizons_);
        }
    }

    const PriceHistory& history_;
    const ForecastBook& book_;
    const ForecastSettings& settings_;
    PathMaker maker_;
    std::vector<std::size_t> horizons_;
    std::vector<std::size_t> places_;
    bool by_engine_;
};

}  // namespace

Error too_short(const PriceHistory& history) {
    return fail(
        Errc::kNotFound,
        "the price history has " + std::to_string(history.steps()) + " steps of " +
            std::to_string(history.step_s) + " s in which every asset has a price; at least " +
            std::to_string(kReturnsMin) + " are needed: take a longer --last or a shorter --step"
    );
}

Result<Forecast> forecast(
    const PriceHistory& history, const ForecastBook& book, const ForecastSettings& settings
) {
    if (history.steps() < kReturnsMin) {
        return too_short(history);
    }
    const Walk linear(history, book, settings, false);
    const Walk engine(history, book, settings, true);
    Forecast out;
    MARGRAVE_TRY(out.linear, linear.plan());
    MARGRAVE_TRY(out.engine, engine.plan());
    for (const ForecastAccount& account : book.accounts) {
        out.accounts.push_back(
            {.account = account.holdings.account, .by_engine = false, .call = {}, .liquidation = {}}
        );
    }
    linear.run(out.linear, out.accounts);
    engine.run(out.engine, out.accounts);
    return out;
}

}  // namespace margrave::relayer
