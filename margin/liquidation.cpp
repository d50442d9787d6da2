// SPDX-License-Identifier: Apache-2.0
#include "margin/liquidation.hpp"

#include "margin/detail/netting.hpp"
#include "margin/orders.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace margrave::margin {
namespace {

using detail::Group;
using Form = Market::Form;

// What the roundings of one leg and of its two groups can take from health, in 1e-18 USD, and more.
constexpr std::int64_t kRoundingAllowance = 16;

// A cent: below it a leg is rounding noise, whatever the parameters call dust.
constexpr std::int64_t kSmallestLeg = 10'000'000'000'000'000;

const Money& one() {
    static const Money kOne = Money::whole(1);
    return kOne;
}

// One way to heal: sell `sold` on its chain for `owed`, a token of the same chain.
struct Pair {
    const Form* sold{nullptr};
    const Form* owed{nullptr};
    // False: the proceeds repay a debt to our pool in that very token. True: there is none on this
    // chain, they become collateral that nets with the debt elsewhere, on other chains or at
    // watched contracts, and count at their backing.
    bool as_collateral{false};
    // Health gained by a dollar repaid: w_l - w_a (1 + b). Above zero, as check() sees to.
    Money healing;
    // Most dollars this pair can repay.
    Money limit;
    // (1 + b) of the sale.
    Money bonus;
    // Units of `sold` in its vault and not in an auction, none at watched contracts; what they
    // count for.
    Amount free;
    Money free_value;
    // Counted value that may leave the sold asset's group before it turns into a debt, and that its
    // market takes.
    Money room;
};

using PairKey = std::tuple<AssetId, AssetId, bool>;

PairKey key_of(const Pair& pair) {
    return {pair.sold->on->asset, pair.owed->on->asset, pair.as_collateral};
}

bool is_better(const Pair& a, const Pair& b) {
    if (a.healing != b.healing) {
        return a.healing > b.healing;
    }
    // Repaying a debt is worth at least as much as adding collateral beside it.
    if (a.as_collateral != b.as_collateral) {
        return b.as_collateral;
    }
    return std::tie(a.sold->on->asset, a.owed->on->asset) <
           std::tie(b.sold->on->asset, b.owed->on->asset);
}

class Planner {
  public:
    Planner(const AccountHoldings& holdings, const Market& market, const PlanLimits& limits)
        : market_(market),
          limits_(limits) {
        work_.account = holdings.account;
        work_.positions = holdings.positions;
        work_.holdings = holdings.holdings;
    }

    Result<LiquidationPlan> run() {
        MARGRAVE_TRY(merge_rows());
        MARGRAVE_TRY(measure());
        LiquidationPlan plan;
        plan.health_before = health_;
        plan.health_after = health_;
        if (!health_.is_negative()) {
            return plan;
        }
        MARGRAVE_TRY(set_aims());
        // Each turn uses up one way, so the number of ways bounds the turns.
        while (close_all_ || health_ < target_) {
            MARGRAVE_TRY(const auto pair, best_pair());
            if (!pair) {
                break;
            }
            used_.insert(key_of(*pair));
            MARGRAVE_TRY(auto leg, size_leg(*pair));
            if (leg) {
                MARGRAVE_TRY(execute(*leg));
                MARGRAVE_TRY(measure());
                MARGRAVE_TRY(join(plan.legs, *std::move(leg)));
            }
        }
        plan.health_after = health_;
        return plan;
    }

    // One sale that somebody asks for, at its floor, whatever health is.
    Result<LiquidationPlan> sell(const PriceOrder& order) {
        MARGRAVE_TRY(merge_rows());
        MARGRAVE_TRY(measure());
        LiquidationPlan plan;
        plan.health_before = health_;
        MARGRAVE_TRY(const auto pair, pair_for(order));
        MARGRAVE_TRY(const auto repay, mul_div(pair.free_value, one(), pair.bonus, Round::kDown));
        MARGRAVE_TRY(auto leg, make_leg(pair, repay, repay));
        if (leg) {
            MARGRAVE_TRY(execute(*leg));
            MARGRAVE_TRY(measure());
            plan.legs.push_back(*std::move(leg));
        }
        plan.health_after = health_;
        return plan;
    }

  private:
    Result<Pair> pair_for(const PriceOrder& order) const {
        Pair pair;
        pair.sold = market_.find(order.sell);
        pair.owed = market_.find(order.proceeds);
        if (pair.sold == nullptr || pair.owed == nullptr || pair.sold->group == pair.owed->group ||
            order.sell.chain() != order.proceeds.chain() ||
            pair.sold->asset->max_bonus.sign() <= 0 || pair.sold->trouble != 0 ||
            pair.owed->trouble != 0) {
            return fail(
                Errc::kInvalid,
                order.sell.text() + " cannot be sold for " + order.proceeds.text() +
                    ": both must be priced tokens of one chain and of two assets, the first "
                    "seizable"
            );
        }
        pair.bonus = pair.sold->asset->max_bonus;
        const Holding* lot = row_of(*pair.sold);
        const Holding* debt = row_of(*pair.owed);
        pair.as_collateral = debt == nullptr || debt->own_debt().is_zero();
        pair.free = lot == nullptr ? Amount{} : min(lot->free(), order.amount);
        MARGRAVE_TRY(pair.free_value, detail::counted_value(pair.free, *pair.sold));
        pair.room = pair.free_value;
        return pair;
    }

    // One row per asset, ascending, so that the plan does not depend on the order of the input.
    Result<void> merge_rows() {
        std::ranges::sort(work_.holdings, {}, &Holding::asset);
        std::vector<Holding> merged;
        for (const Holding& row : work_.holdings) {
            if (merged.empty() || merged.back().asset != row.asset) {
                merged.push_back(row);
                continue;
            }
            Holding& into = merged.back();
            MARGRAVE_TRY(into.collateral, add(into.collateral, row.collateral));
            MARGRAVE_TRY(into.debt, add(into.debt, row.debt));
            MARGRAVE_TRY(into.in_sale, add(into.in_sale, row.in_sale));
            MARGRAVE_TRY(into.mapped, add(into.mapped, row.mapped));
            MARGRAVE_TRY(into.mapped_debt, add(into.mapped_debt, row.mapped_debt));
        }
        work_.holdings = std::move(merged);
        return ok();
    }

    // Liquidation-end health, groups and debt of the account as it stands.
    Result<void> measure() {
        const AccountState state = evaluate_state(
            work_, market_, /*was_liquidatable=*/true, /*provisional_differs=*/false
        );
        if (state.status == Status::kUnattestable) {
            return fail(
                Errc::kUnattestable,
                "account " + to_hex(work_.account) +
                    " cannot be liquidated: " + describe_guards(state.flags)
            );
        }
        health_ = state.liquidation_end;
        groups_.clear();
        for (const Holding& row : work_.holdings) {
            if (const Form* form = market_.find(row.asset); form != nullptr && form->trouble == 0) {
                MARGRAVE_TRY(const auto value, detail::value_of(row, *form));
                MARGRAVE_TRY(detail::add_to_group(groups_, *form, value));
            }
        }
        MARGRAVE_TRY(detail::close_groups(groups_));
        debt_ = Money{};
        for (const Group& group : groups_) {
            if (group.net.is_negative()) {
                MARGRAVE_TRY(debt_, sub(debt_, group.net));
            }
        }
        return ok();
    }

    Result<void> set_aims() {
        const LiquidationParameters& rules = market_.parameters().liquidation;
        close_all_ = debt_ < rules.close_all_below;
        MARGRAVE_TRY(const auto buffer, mul(debt_, rules.target_buffer, Round::kUp));
        MARGRAVE_TRY(target_, add(buffer, Money::from_e18(kRoundingAllowance)));
        budget_ = debt_;
        if (!close_all_) {
            MARGRAVE_TRY(budget_, mul(debt_, rules.close_factor, Round::kDown));
        }
        return ok();
    }

    [[nodiscard]] const Group* group_of(const Form& form) const {
        const auto found = std::ranges::find(groups_, form.group, &Group::index);
        return found == groups_.end() ? nullptr : &*found;
    }

    [[nodiscard]] const Holding* row_of(const Form& form) const {
        const auto found = std::ranges::find(work_.holdings, form.on->asset, &Holding::asset);
        return found == work_.holdings.end() ? nullptr : &*found;
    }

    Holding& row_for(const AssetId& asset) {
        auto found = std::ranges::lower_bound(work_.holdings, asset, {}, &Holding::asset);
        if (found == work_.holdings.end() || found->asset != asset) {
            found = work_.holdings.insert(found, Holding{});
            found->asset = asset;
        }
        return *found;
    }

    Result<std::optional<Pair>> best_pair() const {
        std::optional<Pair> best;
        for (const Form& sold : market_.forms()) {
            for (const Form& owed : market_.forms()) {
                MARGRAVE_TRY(const auto pair, pair_of(sold, owed));
                if (pair && !used_.contains(key_of(*pair)) && (!best || is_better(*pair, *best))) {
                    best = pair;
                }
            }
        }
        return best;
    }

    // Nothing when the two do not make a way to heal.
    Result<std::optional<Pair>> pair_of(const Form& sold, const Form& owed) const {
        const Group* gain = group_of(sold);
        const Group* loss = group_of(owed);
        const Holding* lot = row_of(sold);
        const bool same_chain = sold.on->asset.chain() == owed.on->asset.chain();
        if (!same_chain || gain == nullptr || loss == nullptr || lot == nullptr ||
            gain->net.sign() <= 0 || !loss->net.is_negative() || owed.trouble != 0 ||
            sold.asset->max_bonus.sign() <= 0) {
            return std::optional<Pair>{};
        }
        Pair pair;
        pair.sold = &sold;
        pair.owed = &owed;
        pair.free = lot->free();
        const auto left = limits_.capacity.find(sold.asset->name);
        pair.room = left == limits_.capacity.end() ? gain->net : min(gain->net, left->second);
        MARGRAVE_TRY(
            pair.bonus,
            bonus_at(*sold.asset, market_.parameters().liquidation, limits_.under_water_s)
        );
        MARGRAVE_TRY(pair.free_value, detail::counted_value(pair.free, sold));
        MARGRAVE_TRY(
            const auto lost, mul(sold.asset->collateral.liquidation_end, pair.bonus, Round::kUp)
        );
        MARGRAVE_TRY(pair.healing, sub(owed.asset->debt.liquidation_end, lost));
        pair.limit = negate(loss->net);
        const Holding* debt = row_of(owed);
        pair.as_collateral = debt == nullptr || debt->own_debt().is_zero();
        if (!pair.as_collateral) {
            MARGRAVE_TRY(
                const auto here,
                value_of(debt->own_debt(), owed.asset->decimals, owed.price, Round::kUp)
            );
            pair.limit = min(pair.limit, here);
        }
        if (pair.free.is_zero() || pair.room.is_zero() || pair.healing.sign() <= 0) {
            return std::optional<Pair>{};
        }
        return std::optional<Pair>{pair};
    }

    // x, the dollars to repay: what is needed, at most what the pair, the collateral and the close
    // factor allow. Nothing when the leg would be dust.
    Result<std::optional<PlannedLeg>> size_leg(const Pair& pair) const {
        const Money& bonus = pair.bonus;
        const Money dust =
            max(market_.parameters().liquidation.dust, Money::from_e18(kSmallestLeg));
        MARGRAVE_TRY(
            const auto sellable,
            mul_div(min(pair.free_value, pair.room), one(), bonus, Round::kDown)
        );
        const Money most = min(min(pair.limit, sellable), budget_);
        Money repay = most;
        if (!close_all_) {
            MARGRAVE_TRY(const auto missing, sub(target_, health_));
            MARGRAVE_TRY(const auto needed, mul_div(missing, one(), pair.healing, Round::kUp));
            repay = min(needed, most);
        }
        MARGRAVE_TRY(const auto least, mul_div(dust, one(), bonus, Round::kUp));
        if (repay < least) {
            // Below zero even the last bit has to be sold, or the account would stay liquidatable
            // without a way out; above zero what is missing to the buffer can wait.
            if (!health_.is_negative() || most < least) {
                return std::optional<PlannedLeg>{};
            }
            repay = least;
        }
        return make_leg(pair, repay, sellable);
    }

    static Result<std::optional<PlannedLeg>> make_leg(
        const Pair& pair, const Money& repay, const Money& sellable
    ) {
        const Form& sold = *pair.sold;
        const Form& owed = *pair.owed;
        PlannedLeg leg;
        leg.asset = sold.on->asset;
        leg.debt_asset = owed.on->asset;
        leg.repaid_value = repay;
        if (repay == sellable && pair.free_value <= pair.room) {
            // The whole lot: a conversion to dollars and back would leave a few units behind.
            leg.seize = pair.free;
        } else {
            MARGRAVE_TRY(const auto counted, mul(repay, pair.bonus, Round::kDown));
            MARGRAVE_TRY(const auto value, mul_div(counted, one(), sold.on->backing, Round::kDown));
            MARGRAVE_TRY(
                leg.seize, units_for(value, sold.asset->decimals, sold.price, Round::kDown)
            );
        }
        const Money& backing = pair.as_collateral ? owed.on->backing : one();
        MARGRAVE_TRY(const auto paid, mul_div(repay, one(), backing, Round::kUp));
        MARGRAVE_TRY(
            leg.min_proceeds, units_for(paid, owed.asset->decimals, owed.price, Round::kUp)
        );
        MARGRAVE_TRY(leg.seized_value, detail::counted_value(leg.seize, sold));
        if (leg.seize.is_zero() || leg.min_proceeds.is_zero()) {
            return std::optional<PlannedLeg>{};
        }
        return std::optional<PlannedLeg>{std::move(leg)};
    }

    // As the ledger will post it if the lot sells at its floor.
    Result<void> execute(const PlannedLeg& leg) {
        Holding& lot = row_for(leg.asset);
        MARGRAVE_TRY(lot.collateral, sub(lot.collateral, leg.seize));
        Holding& owed = row_for(leg.debt_asset);
        const Amount surplus = sub_or_zero(leg.min_proceeds, owed.own_debt());
        MARGRAVE_TRY(
            owed.debt, add(sub_or_zero(owed.own_debt(), leg.min_proceeds), owed.mapped_debt)
        );
        MARGRAVE_TRY(owed.collateral, add(owed.collateral, surplus));
        MARGRAVE_TRY(budget_, sub(budget_, leg.repaid_value));
        return use_capacity(limits_.capacity, {&leg, 1}, market_.parameters());
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
    AccountHoldings work_;
    std::vector<Group> groups_;
    std::set<PairKey> used_;
    Money health_;
    Money debt_;
    Money target_;
    Money budget_;
    bool close_all_{false};
};

}  // namespace

Result<LiquidationPlan> plan_liquidation(
    const AccountHoldings& holdings, const PriceTable& prices, const Parameters& parameters
) {
    return plan_liquidation(holdings, Market(prices, parameters));
}

Result<LiquidationPlan> plan_liquidation(
    const AccountHoldings& holdings, const Market& market, const PlanLimits& limits
) {
    return Planner(holdings, market, limits).run();
}

Result<LiquidationPlan> plan_sale(
    const AccountHoldings& holdings, const PriceOrder& order, const Market& market
) {
    return Planner(holdings, market, {}).sell(order);
}

}  // namespace margrave::margin
