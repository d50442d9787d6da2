// SPDX-License-Identifier: Apache-2.0
#include "margin/liquidation.hpp"

#include "core/assert.hpp"
#include "margin/detail/least_seizure.hpp"
#include "margin/detail/ways.hpp"
#include "margin/numeric.hpp"
#include "margin/orders.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace margrave::margin {
namespace {

using detail::Quotas;
using detail::Way;
using detail::WorkingAccount;
using Form = Market::Form;

// What the roundings of one leg and of its two groups can take from health, in 1e-18 USD, and more.
constexpr std::int64_t kRoundingAllowance = 16;

Result<Money> part_of(const Money& value, const Money& divisor, Round round) {
    return mul_div(value, Money::whole(1), divisor, round);
}

// How far a leg may miss the target, or pass it, because tokens come in units: one of each, at the
// largest weight.
Result<Money> step_of(const Way& way) {
    Money out = Money::from_e18(kRoundingAllowance);
    for (const Form* form : {way.sold, way.owed}) {
        MARGRAVE_TRY(
            const auto unit, value_of(Amount{1}, form->asset->decimals, form->price, Round::kUp)
        );
        MARGRAVE_TRY(const auto weighted, mul(unit, Money::whole(kDebtWeightMax), Round::kUp));
        MARGRAVE_TRY(out, add(out, weighted));
    }
    return out;
}

class Planner {
  public:
    // With quotas, every pair of tokens repays at most its own first; then the best of what is left
    // as usual.
    Planner(
        WorkingAccount account,
        const Market& market,
        const PlanLimits& limits,
        std::optional<Quotas> quotas = {}
    )
        : market_(market),
          limits_(limits),
          account_(std::move(account)),
          quotas_(std::move(quotas)) {}

    Result<LiquidationPlan> run() {
        LiquidationPlan plan;
        plan.health_before = account_.health();
        plan.health_after = account_.health();
        if (!account_.health().is_negative()) {
            return plan;
        }
        MARGRAVE_TRY(set_aims());
        if (quotas_) {
            MARGRAVE_TRY(sell_on(plan));
            quotas_.reset();
            used_.clear();
        }
        MARGRAVE_TRY(sell_on(plan));
        plan.health_after = account_.health();
        MARGRAVE_TRY(plan.end, ending());
        return plan;
    }

    // One sale that somebody asks for, at its floor, whatever health is.
    Result<LiquidationPlan> sell(const PriceOrder& order) {
        LiquidationPlan plan;
        plan.health_before = account_.health();
        MARGRAVE_TRY(const auto way, way_for(order));
        MARGRAVE_TRY(const auto repay, detail::sellable(way));
        MARGRAVE_TRY(auto leg, detail::make_leg(way, repay));
        if (leg) {
            MARGRAVE_TRY(account_.take(*leg));
            plan.legs.push_back(*std::move(leg));
        }
        plan.health_after = account_.health();
        return plan;
    }

    // What the plan is for, before anything is sold.
    Result<detail::Aim> aim() {
        MARGRAVE_TRY(set_aims());
        detail::Aim out;
        MARGRAVE_TRY(out.missing, sub(target_, account_.health()));
        out.close_all = close_all_;
        out.budget = budget_;
        return out;
    }

  private:
    // Each turn uses up one way, so the number of ways bounds the turns.
    Result<void> sell_on(LiquidationPlan& plan) {
        while (close_all_ || account_.health() < target_) {
            MARGRAVE_TRY(const auto way, best_way());
            if (!way) {
                break;
            }
            used_.insert(way->key());
            MARGRAVE_TRY(auto leg, size_leg(*way));
            if (leg) {
                MARGRAVE_TRY(account_.take(*leg));
                MARGRAVE_TRY(budget_, sub(budget_, leg->repaid_value));
                MARGRAVE_TRY(use_capacity(limits_.capacity, {&*leg, 1}, market_.parameters()));
                use_quota(*leg);
                MARGRAVE_TRY(join(plan.legs, *std::move(leg)));
            }
        }
        return ok();
    }

    // No more than everything when there are no quotas.
    [[nodiscard]] Money quota_of(const AssetId& sold, const AssetId& owed) const {
        if (!quotas_) {
            return budget_;
        }
        const auto quota = quotas_->find({sold, owed});
        return quota == quotas_->end() ? Money{} : quota->second;
    }

    void use_quota(const PlannedLeg& leg) {
        if (quotas_) {
            Money& quota = quotas_->at({leg.asset, leg.debt_asset});
            quota = quota - min(quota, leg.repaid_value);
        }
    }

    Result<Way> way_for(const PriceOrder& order) const {
        Way way;
        way.sold = market_.find(order.sell);
        way.owed = market_.find(order.proceeds);
        if (way.sold == nullptr || way.owed == nullptr || way.sold->group == way.owed->group ||
            order.sell.chain() != order.proceeds.chain() ||
            way.sold->asset->max_bonus.sign() <= 0 || way.sold->trouble != 0 ||
            way.owed->trouble != 0) {
            return fail(
                Errc::kInvalid,
                order.sell.text() + " cannot be sold for " + order.proceeds.text() +
                    ": both must be priced tokens of one chain and of two assets, the first "
                    "seizable"
            );
        }
        way.bonus = way.sold->asset->max_bonus;
        const Holding* lot = account_.row_of(*way.sold);
        const Holding* debt = account_.row_of(*way.owed);
        way.as_collateral = debt == nullptr || debt->own_debt().is_zero();
        way.free = lot == nullptr ? Amount{} : min(lot->free(), order.amount);
        MARGRAVE_TRY(way.free_value, detail::counted_value(way.free, *way.sold));
        way.room = way.free_value;
        return way;
    }

    Result<void> set_aims() {
        const LiquidationParameters& rules = market_.parameters().liquidation;
        const Money& debt = account_.debt();
        close_all_ = debt < rules.close_all_below;
        MARGRAVE_TRY(const auto buffer, mul(debt, rules.target_buffer, Round::kUp));
        MARGRAVE_TRY(target_, add(buffer, Money::from_e18(kRoundingAllowance)));
        budget_ = debt;
        if (!close_all_) {
            MARGRAVE_TRY(budget_, mul(debt, rules.close_factor, Round::kDown));
        }
        return ok();
    }

    Result<std::optional<Way>> best_way() const {
        std::optional<Way> best;
        for (const Form& sold : market_.forms()) {
            for (const Form& owed : market_.forms()) {
                for (const bool above_cap : {true, false}) {
                    MARGRAVE_TRY(
                        auto way,
                        find_way(account_, sold, owed, above_cap, market_.parameters(), limits_)
                    );
                    if (!way || used_.contains(way->key())) {
                        continue;
                    }
                    MARGRAVE_TRY(const bool is_dust, makes_dust(*way));
                    if (is_dust) {
                        continue;
                    }
                    if (way->is_correlated()) {
                        MARGRAVE_TRY(way->healing, judged_healing(*way));
                    }
                    if (way->healing.sign() > 0 && (!best || is_better(*way, *best))) {
                        best = std::move(way);
                    }
                }
            }
        }
        return best;
    }

    // Most dollars that the way, the collateral and the close factor let one leg repay.
    Result<Money> most_of(const Way& way) const {
        MARGRAVE_TRY(const auto sellable, detail::sellable(way));
        const Money quota = quota_of(way.sold->on->asset, way.owed->on->asset);
        return min(min(way.limit, sellable), min(budget_, quota));
    }

    // Whether no leg of the way would be worth it.
    Result<bool> makes_dust(const Way& way) const {
        MARGRAVE_TRY(const auto most, most_of(way));
        MARGRAVE_TRY(const auto least, detail::smallest_leg(market_.parameters(), way.bonus));
        return most < least;
    }

    // x* if health is as straight as the way's healing says.
    Result<Money> straight(const Way& way, const Money& most) const {
        if (close_all_) {
            return most;
        }
        MARGRAVE_TRY(const auto missing, sub(target_, account_.health()));
        MARGRAVE_TRY(const auto needed, part_of(missing, way.healing, Round::kUp));
        return min(needed, most);
    }

    // Health once the way repaid so much.
    Result<Money> health_at(const Way& way, const Money& repay) const {
        MARGRAVE_TRY(const auto leg, detail::make_leg(way, repay));
        if (!leg) {
            return account_.health();
        }
        return account_.health_after(*leg);
    }

    // Health that a dollar gains over the stretch that would be sold, by the engine: relief that
    // goes with the sale, or comes, is in it.
    Result<Money> judged_healing(const Way& way) const {
        MARGRAVE_TRY(const auto most, most_of(way));
        MARGRAVE_TRY(const auto repay, straight(way, most));
        if (repay.sign() <= 0) {
            return way.healing;
        }
        MARGRAVE_TRY(const auto after, health_at(way, repay));
        MARGRAVE_TRY(const auto gained, sub(after, account_.health()));
        return part_of(gained, repay, Round::kDown);
    }

    // The least in [0, most] that reaches the target, or `most`. The straight x* is taken when the
    // engine finds it so; else the target lies between two amounts, and they are halved down to
    // one unit. Without a cap health never falls in x, so what is found is the least up to the
    // units of tokens. What is less than a unit is worth one only below zero.
    Result<Money> least_that_heals(const Way& way, const Money& most) const {
        MARGRAVE_TRY(const auto guess, straight(way, most));
        MARGRAVE_TRY(const auto leg, detail::make_leg(way, guess));
        if (!leg && !account_.health().is_negative()) {
            return guess;
        }
        MARGRAVE_TRY(const auto reached, health_at(way, guess));
        MARGRAVE_TRY(const auto step, step_of(way));
        MARGRAVE_TRY(const auto passed, sub(reached, target_));
        const bool enough = reached >= target_;
        if ((enough && passed <= step) || (!enough && guess == most)) {
            return guess;
        }
        Money low = enough ? Money{} : guess;
        Money high = enough ? guess : most;
        if (!enough) {
            MARGRAVE_TRY(const auto at_most, health_at(way, most));
            if (at_most < target_) {
                return most;
            }
        }
        for (;;) {
            MARGRAVE_TRY(const auto sum, add(low, high));
            MARGRAVE_TRY(
                const auto middle,
                mul_div(sum, Money::from_e18(1), Money::from_e18(2), Round::kDown)
            );
            if (middle == low) {
                return high;
            }
            MARGRAVE_TRY(const auto there, health_at(way, middle));
            (there < target_ ? low : high) = middle;
        }
    }

    // Nothing when the leg would be dust.
    Result<std::optional<PlannedLeg>> size_leg(const Way& way) const {
        MARGRAVE_TRY(const auto most, most_of(way));
        MARGRAVE_TRY(const auto least, detail::smallest_leg(market_.parameters(), way.bonus));
        Money repay = most;
        if (!close_all_) {
            MARGRAVE_TRY(repay, least_that_heals(way, most));
        }
        // Below zero even the last bit has to be sold, or the account would stay liquidatable
        // without a way out; above zero what is missing to the buffer can wait.
        if (repay < least) {
            if (!account_.health().is_negative()) {
                return std::optional<PlannedLeg>{};
            }
            repay = least;
        }
        return detail::make_leg(way, repay);
    }

    Result<PlanEnd> ending() {
        const bool healed = !account_.health().is_negative();
        if (healed) {
            const bool reached = close_all_ || account_.health() >= target_;
            return reached ? PlanEnd::kTarget : PlanEnd::kHealed;
        }
        limits_.capacity.clear();
        MARGRAVE_TRY(const bool by_market, could_go_on());
        if (by_market) {
            return PlanEnd::kMarket;
        }
        budget_ = account_.debt();
        MARGRAVE_TRY(const bool by_close_factor, could_go_on());
        return by_close_factor ? PlanEnd::kCloseFactor : PlanEnd::kExhausted;
    }

    Result<bool> could_go_on() {
        used_.clear();
        for (;;) {
            MARGRAVE_TRY(const auto way, best_way());
            if (!way) {
                return false;
            }
            used_.insert(way->key());
            MARGRAVE_TRY(const auto leg, size_leg(*way));
            if (leg) {
                return true;
            }
        }
    }

    // Two ways through the same two tokens are one sale.
    static Result<void> join(std::vector<PlannedLeg>& legs, PlannedLeg leg) {
        const auto same = std::ranges::find_if(legs, [&leg](const PlannedLeg& other) {
            return other.asset == leg.asset && other.debt_asset == leg.debt_asset;
        });
        if (same == legs.end()) {
            legs.push_back(std::move(leg));
            return ok();
        }
        MARGRAVE_TRY(same->seize, add(same->seize, leg.seize));
        MARGRAVE_TRY(same->min_proceeds, add(same->min_proceeds, leg.min_proceeds));
        MARGRAVE_TRY(same->seized_value, add(same->seized_value, leg.seized_value));
        MARGRAVE_TRY(same->repaid_value, add(same->repaid_value, leg.repaid_value));
        return ok();
    }

    const Market& market_;
    PlanLimits limits_;
    WorkingAccount account_;
    std::optional<Quotas> quotas_;
    std::set<Way::Key> used_;
    Money target_;
    Money budget_;
    bool close_all_{false};
};

// Whether `a` ends better than `b`, or seizes less for the same end, by a cent at least: less is
// rounding, and then the simpler plan is taken.
bool is_less(const LiquidationPlan& a, const LiquidationPlan& b) {
    const Money cent = Money::from_e18(detail::kCent);
    const bool heals = !a.health_after.is_negative();
    if (heals != !b.health_after.is_negative()) {
        return heals;
    }
    if (!heals) {
        return a.health_after > b.health_after + cent;
    }
    if (a.end != b.end) {
        return a.end == PlanEnd::kTarget;
    }
    return seized_by(a) + cent < seized_by(b);
}

}  // namespace

Money seized_by(const LiquidationPlan& plan) {
    Money out;
    for (const PlannedLeg& leg : plan.legs) {
        out += leg.seized_value;
    }
    return out;
}

std::string_view describe(PlanEnd end) {
    switch (end) {
        case PlanEnd::kNotNeeded:
            return "has nothing to sell: liquidation-end health is not below zero";
        case PlanEnd::kTarget:
            return "reaches the target";
        case PlanEnd::kHealed:
            return "heals; what is missing to the target is too little to sell, or cannot be sold";
        case PlanEnd::kMarket:
            return "does not heal yet: its markets take no more within their window";
        case PlanEnd::kCloseFactor:
            return "does not heal yet: the close factor lets one lock repay no more";
        case PlanEnd::kExhausted:
            return "has nothing more to sell on a chain where the debt, or a token of it, lies";
    }
    MARGRAVE_ASSERT(false);
    return {};
}

Result<LiquidationPlan> plan_liquidation(
    const AccountHoldings& holdings, const PriceTable& prices, const Parameters& parameters
) {
    return plan_liquidation(holdings, Market(prices, parameters));
}

Result<LiquidationPlan> plan_liquidation(
    const AccountHoldings& holdings, const Market& market, const PlanLimits& limits
) {
    MARGRAVE_TRY(const auto account, WorkingAccount::of(holdings, market));
    Planner planner(account, market, limits);
    MARGRAVE_TRY(auto one_by_one, planner.run());
    if (one_by_one.legs.empty()) {
        return one_by_one;
    }
    MARGRAVE_TRY(const auto aim, Planner(account, market, limits).aim());
    MARGRAVE_TRY(auto least, detail::least_seizure(account, market, limits, aim));
    if (!least) {
        return one_by_one;
    }
    MARGRAVE_TRY(auto together, Planner(account, market, limits, std::move(least->quotas)).run());
    return is_less(together, one_by_one) ? together : one_by_one;
}

Result<LiquidationPlan> plan_sale(
    const AccountHoldings& holdings, const PriceOrder& order, const Market& market
) {
    MARGRAVE_TRY(auto account, WorkingAccount::of(holdings, market));
    return Planner(std::move(account), market, {}).sell(order);
}

}  // namespace margrave::margin
