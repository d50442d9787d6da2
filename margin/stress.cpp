// SPDX-License-Identifier: Apache-2.0
#include "margin/stress.hpp"

#include "margin/health.hpp"
#include "margin/liquidation.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace margrave::margin {
namespace {

Result<void> grow(Money& sum, const Money& part) {
    MARGRAVE_TRY(sum, add(sum, part));
    return ok();
}

Money price_of(const AssetParameters& asset, const PriceTable& prices) {
    const auto row = asset.on.empty() ? prices.end() : prices.find(asset.on.front().asset);
    return row == prices.end() ? Money{} : row->second.price;
}

// What was sold of one canonical asset so far, and the curve it is sold into.
struct Sink {
    const AssetParameters* asset{nullptr};
    const DepthCurve* curve{nullptr};
    Money sold;
};

/// One blow and what follows from it.
class Cascade {
  public:
    Cascade(const StressBook& book, const Parameters& parameters, const Depth& depth)
        : parameters_(parameters),
          accounts_(book.accounts),
          dead_(book.dead),
          prices_(book.prices) {
        for (const AssetParameters& asset : parameters.assets) {
            const auto own = depth.of.find(asset.name);
            sinks_.push_back({&asset, own == depth.of.end() ? &depth.otherwise : &own->second, {}});
            result_.prices.push_back({asset.name, price_of(asset, prices_), {}, {}});
        }
    }

    Result<StressResult> run(const StressShock& shock, const ChainId& hub) {
        result_.name = shock.name;
        MARGRAVE_TRY(strike(shock, hub));
        const Market at_blow(prices_, parameters_, dead_);
        sold_of_.assign(accounts_.size(), false);
        states_.resize(accounts_.size());
        lost_.resize(accounts_.size());
        for (std::size_t i = 0; i < accounts_.size(); ++i) {
            judge(i, at_blow);
        }
        MARGRAVE_TRY(summarise(result_.shocked, result_.bad_debt_shocked));
        while (!result_.is_settled && result_.rounds < kStressRoundsMax) {
            MARGRAVE_TRY(const bool sold, pass());
            result_.is_settled = !sold;
            result_.rounds += sold ? 1 : 0;
        }
        MARGRAVE_TRY(summarise(result_.settled, result_.bad_debt_settled));
        for (std::size_t i = 0; i < sinks_.size(); ++i) {
            result_.prices[i].settled = price_of(*sinks_[i].asset, prices_);
        }
        result_.liquidated = static_cast<std::uint64_t>(std::ranges::count(sold_of_, true));
        return std::move(result_);
    }

  private:
    Result<void> strike(const StressShock& shock, const ChainId& hub) {
        for (const PriceMove& move : shock.prices) {
            MARGRAVE_TRY(prices_, apply(std::move(prices_), parameters_, move));
        }
        for (const std::string& asset : shock.stale) {
            MARGRAVE_TRY(prices_, make_stale(std::move(prices_), parameters_, asset));
        }
        for (const ChainId& chain : shock.dead) {
            dead_.add(chain, hub);
        }
        blow_ = prices_;
        for (std::size_t i = 0; i < sinks_.size(); ++i) {
            result_.prices[i].shocked = price_of(*sinks_[i].asset, prices_);
        }
        return ok();
    }

    void judge(std::size_t i, const Market& market) {
        StressAccount& account = accounts_[i];
        states_[i] = evaluate_state(account.holdings, market, account.was_liquidatable, false);
        if (states_[i].status != Status::kUnattestable) {
            account.was_liquidatable = is_seizable(states_[i].status);
        }
        lost_[i] = Money{};
        if (states_[i].status == Status::kBankrupt) {
            // Nobody bears what a price that is missing may undo.
            lost_[i] = max(negate(evaluate_at_most(account.holdings, market).equity), Money{});
        }
    }

    // Every account at one set of prices; whether anything was sold.
    Result<bool> pass() {
        const Market market(prices_, parameters_, dead_);
        result_.unsold = Money{};
        bool sold = false;
        std::vector<std::size_t> falling;
        for (std::size_t i = 0; i < accounts_.size(); ++i) {
            // Without debt a price cannot change a status, nor can a lot of somebody else.
            if ((states_[i].flags & flags::kHasDebt) == 0) {
                continue;
            }
            judge(i, market);
            if (is_seizable(states_[i].status)) {
                falling.push_back(i);
            }
        }
        std::ranges::stable_sort(falling, [this](std::size_t a, std::size_t b) {
            return is_riskier(states_[a], states_[b]);
        });
        MARGRAVE_TRY(limits_.capacity, capacity_left({}, market, UnixSeconds{}));
        for (const std::size_t i : falling) {
            MARGRAVE_TRY(const bool sold_here, liquidate(i, market));
            sold = sold || sold_here;
        }
        for (const Sink& sink : sinks_) {
            MARGRAVE_TRY(reprice(sink));
        }
        return sold;
    }

    Result<bool> liquidate(std::size_t i, const Market& market) {
        const auto plan = plan_liquidation(accounts_[i].holdings, market, limits_);
        if (!plan) {
            return false;
        }
        bool sold = false;
        for (const PlannedLeg& leg : plan.value().legs) {
            MARGRAVE_TRY(const bool taken, offer(leg));
            if (!taken) {
                MARGRAVE_TRY(grow(result_.unsold, leg.seized_value));
                continue;
            }
            MARGRAVE_TRY(accounts_[i].holdings, apply(std::move(accounts_[i].holdings), leg));
            MARGRAVE_TRY(use_capacity(limits_.capacity, {&leg, 1}, parameters_));
            MARGRAVE_TRY(grow(result_.seized, leg.seized_value));
            MARGRAVE_TRY(grow(result_.repaid, leg.repaid_value));
            sold = true;
        }
        sold_of_[i] = sold_of_[i] || sold;
        return sold;
    }

    [[nodiscard]] Sink& sink_of(const AssetId& asset) {
        const AssetParameters* row = parameters_.find(asset);
        return *std::ranges::find(sinks_, row, &Sink::asset);
    }

    // What `amount` of one form is worth at a price of its canonical asset.
    [[nodiscard]] Result<Money> worth(
        const AssetId& asset, const Amount& amount, const Money& price, Round round
    ) const {
        MARGRAVE_TRY(
            const auto value, value_of(amount, parameters_.find(asset)->decimals, price, round)
        );
        return mul(value, parameters_.find_on(asset)->backing, round);
    }

    // Sells the lot if the market, when it has taken it, still pays its floor for it.
    Result<bool> offer(const PlannedLeg& leg) {
        Sink& sink = sink_of(leg.asset);
        const Money& at_blow = blow_.at(leg.asset).price;
        MARGRAVE_TRY(const auto volume, worth(leg.asset, leg.seize, at_blow, Round::kUp));
        MARGRAVE_TRY(const auto behind, add(sink.sold, volume));
        MARGRAVE_TRY(const auto price, price_behind(*sink.curve, at_blow, behind));
        MARGRAVE_TRY(const auto paid, worth(leg.asset, leg.seize, price, Round::kDown));
        const Money& debt_price = prices_.at(leg.debt_asset).price;
        MARGRAVE_TRY(
            const auto floor, worth(leg.debt_asset, leg.min_proceeds, debt_price, Round::kUp)
        );
        if (paid < floor) {
            return false;
        }
        sink.sold = behind;
        return true;
    }

    static Result<Money> price_behind(
        const DepthCurve& curve, const Money& at_blow, const Money& sold
    ) {
        MARGRAVE_TRY(const auto lost, impact_at(curve, sold));
        MARGRAVE_TRY(const auto left, sub(Money::whole(1), lost));
        return mul(at_blow, left, Round::kDown);
    }

    Result<void> reprice(const Sink& sink) {
        if (sink.sold.is_zero()) {
            return ok();
        }
        for (const AssetOnChain& form : sink.asset->on) {
            const auto row = prices_.find(form.asset);
            if (row != prices_.end()) {
                const Money& at_blow = blow_.at(form.asset).price;
                MARGRAVE_TRY(row->second.price, price_behind(*sink.curve, at_blow, sink.sold));
            }
        }
        return ok();
    }

    Result<void> summarise(StatusCounts& counts, Money& bad_debt) const {
        for (std::size_t i = 0; i < states_.size(); ++i) {
            ++counts.at(static_cast<std::size_t>(states_[i].status));
            MARGRAVE_TRY(bad_debt, add(bad_debt, lost_[i]));
        }
        return ok();
    }

    const Parameters& parameters_;
    std::vector<StressAccount> accounts_;
    DeadChains dead_;
    PriceTable prices_;
    // As the blow left them; depth is counted from there.
    PriceTable blow_;
    std::vector<Sink> sinks_;
    std::vector<AccountState> states_;
    // What each bankrupt account lacks, USD.
    std::vector<Money> lost_;
    std::vector<bool> sold_of_;
    PlanLimits limits_;
    StressResult result_;
};

}  // namespace

Result<Money> impact_at(const DepthCurve& curve, const Money& sold) {
    DepthPoint from;
    for (const DepthPoint& to : curve) {
        if (sold < to.sold) {
            MARGRAVE_TRY(const auto run, sub(sold, from.sold));
            MARGRAVE_TRY(const auto width, sub(to.sold, from.sold));
            MARGRAVE_TRY(const auto rise, sub(to.impact, from.impact));
            MARGRAVE_TRY(const auto part, mul_div(rise, run, width, Round::kUp));
            return add(from.impact, part);
        }
        from = to;
    }
    return from.impact;
}

Result<StressResult> stress(
    const StressBook& book,
    const Parameters& parameters,
    const StressShock& shock,
    const Depth& depth
) {
    return Cascade(book, parameters, depth).run(shock, book.hub);
}

}  // namespace margrave::margin
