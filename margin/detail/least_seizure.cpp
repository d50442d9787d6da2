// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/least_seizure.hpp"

#include "margin/detail/sale_flow.hpp"
#include "margin/numeric.hpp"

#include <algorithm>
#include <vector>

namespace margrave::margin::detail {
namespace {

using Form = Market::Form;

const Money& one_dollar() {
    static const Money kOne = Money::whole(1);
    return kOne;
}

// Arcs run with the dollars: from where a budget starts, over the market of an asset, what of it
// may leave, the lot, the token it is sold for and the asset that is owed, and back. What is too
// little for a leg is left out: specks of many assets must not make the network too large.
class Network {
  public:
    Network(const WorkingAccount& account, const Market& market, const PlanLimits& limits)
        : account_(account),
          market_(market),
          limits_(limits) {}

    // False when it is not to be tried.
    Result<bool> build(const Aim& aim) {
        source_ = flow_.add_node();
        sink_ = flow_.add_node();
        MARGRAVE_TRY(const bool lots, add_lots());
        MARGRAVE_TRY(const bool debts, add_debts(aim.close_all));
        if (!lots || !debts || !in_bounds(aim.budget) || !in_bounds(aim.missing)) {
            return false;
        }
        if (!add_pairs()) {
            return false;
        }
        flow_.add_arc(sink_, source_, aim.budget);
        return pairs_.size() > 1;
    }

    std::optional<LeastSeizure> solve(const Aim& aim) {
        // One unit of every token that rounds, at the largest weight.
        Money needed = aim.close_all ? aim.budget : aim.missing + slack_;
        if (!flow_.raise(needed)) {
            return {};
        }
        LeastSeizure out;
        out.seized = flow_.seizure();
        for (const Pair& pair : pairs_) {
            const Money& dollars = flow_.carried(pair.arc);
            if (!dollars.is_zero()) {
                out.quotas.emplace(std::pair{pair.sold->on->asset, pair.owed->on->asset}, dollars);
            }
        }
        return out;
    }

  private:
    struct Lot {
        const Form* form{nullptr};
        SaleFlow::Node node{0};
        Money dollars;
        // What a leg that sells of it repays at least.
        Money least;
    };

    struct Debt {
        const Form* form{nullptr};
        SaleFlow::Node node{0};
        Money dollars;
    };

    struct Pair {
        const Form* sold{nullptr};
        const Form* owed{nullptr};
        SaleFlow::Arc arc{0};
    };

    struct Sold {
        SaleFlow::Node market{0};
        SaleFlow::Node rest{0};
    };

    Result<bool> add_lots() {
        for (const Form& form : market_.forms()) {
            const Group* group = account_.group_of(form);
            const Holding* row = account_.row_of(form);
            if (form.trouble != 0 || group == nullptr || row == nullptr || row->free().is_zero() ||
                form.asset->max_bonus.sign() <= 0) {
                continue;
            }
            MARGRAVE_TRY(const auto leave, leaving(*group, *row, form));
            MARGRAVE_TRY(const auto free, counted_value(row->free(), form));
            MARGRAVE_TRY(
                const auto bonus,
                bonus_at(*form.asset, market_.parameters().liquidation, limits_.under_water_s)
            );
            MARGRAVE_TRY(const auto least, smallest_leg(market_.parameters(), bonus));
            MARGRAVE_TRY(const auto smallest_lot, mul(least, bonus, Round::kDown));
            if (free < smallest_lot) {
                continue;
            }
            if (!in_bounds(leave.above_form) || !in_bounds(leave.above_asset) ||
                !in_bounds(leave.counted) || !in_bounds(free)) {
                return false;
            }
            const Money dollars = over(free, bonus, Rounding::kDown);
            add_lot(form, leave, dollars, bonus);
            lots_.back().least = least;
            smallest_ = lots_.size() == 1 ? least : min(smallest_, least);
            MARGRAVE_TRY(const bool fits, widen_slack(form));
            if (!fits) {
                return false;
            }
        }
        return true;
    }

    void add_lot(const Form& form, const Leaving& leave, const Money& dollars, const Money& bonus) {
        const auto [at, fresh] = sold_.try_emplace(form.group);
        Sold& sold = at->second;
        if (fresh) {
            sold = {.market = flow_.add_node(), .rest = flow_.add_node()};
            const auto left = limits_.capacity.find(form.asset->name);
            Money all = most_ever();
            if (left != limits_.capacity.end()) {
                all = min(all, over(left->second, bonus, Rounding::kDown));
            }
            flow_.add_arc(source_, sold.market, all, {.healing = {}, .seizure = bonus});
            const Money weight = form.asset->collateral.liquidation_end;
            const Money lost = times(weight, bonus, Rounding::kUp);
            flow_.add_arc(sold.market, sold.rest, over(leave.above_asset, bonus, Rounding::kDown));
            flow_.add_arc(
                sold.market,
                sold.rest,
                over(leave.counted, bonus, Rounding::kDown),
                {.healing = -lost, .seizure = {}}
            );
        }
        const SaleFlow::Node in = flow_.add_node();
        const SaleFlow::Node out = flow_.add_node();
        flow_.add_arc(sold.market, in, over(leave.above_form, bonus, Rounding::kDown));
        flow_.add_arc(sold.rest, in, dollars);
        flow_.add_arc(in, out, dollars);
        lots_.push_back({.form = &form, .node = out, .dollars = dollars});
    }

    Result<bool> add_debts(bool close_all) {
        for (const Form& form : market_.forms()) {
            const Group* group = account_.group_of(form);
            if (form.trouble != 0 || group == nullptr) {
                continue;
            }
            MARGRAVE_TRY(const auto counted, counted_net(*group));
            if (!counted.others.is_negative()) {
                continue;
            }
            const Money missing = negate(counted.others);
            const Holding* row = account_.row_of(form);
            MARGRAVE_TRY(const auto here, repayable(form, row));
            MARGRAVE_TRY(const auto beside, room_beside(form, row, missing));
            MARGRAVE_TRY(const auto useful, add(here, beside));
            const Money dollars = min(missing, useful);
            if (dollars < smallest_) {
                continue;
            }
            if (!in_bounds(missing)) {
                return false;
            }
            const auto [at, fresh] = owed_.try_emplace(form.group);
            if (fresh) {
                at->second = flow_.add_node();
                const Money weight = close_all ? one_dollar() : form.asset->debt.liquidation_end;
                flow_.add_arc(at->second, sink_, missing, {.healing = weight, .seizure = {}});
            }
            const SaleFlow::Node node = flow_.add_node();
            flow_.add_arc(node, at->second, dollars);
            debts_.push_back({.form = &form, .node = node, .dollars = dollars});
            MARGRAVE_TRY(const bool fits, widen_slack(form));
            if (!fits) {
                return false;
            }
        }
        return true;
    }

    // False when there are too many.
    bool add_pairs() {
        for (const Lot& lot : lots_) {
            for (const Debt& debt : debts_) {
                if (flow_.arcs() >= SaleFlow::kMaxArcs) {
                    return false;
                }
                const Money most = min(lot.dollars, debt.dollars);
                if (lot.form->on->asset.chain() == debt.form->on->asset.chain() &&
                    lot.form->group != debt.form->group && most >= lot.least) {
                    const SaleFlow::Arc arc = flow_.add_arc(lot.node, debt.node, most);
                    pairs_.push_back({.sold = lot.form, .owed = debt.form, .arc = arc});
                }
            }
        }
        return true;
    }

    // What a leg may fall short of its quota, because tokens come in units.
    Result<bool> widen_slack(const Form& form) {
        MARGRAVE_TRY(
            const auto unit,
            margrave::value_of(Amount{1}, form.asset->decimals, form.price, Round::kUp)
        );
        if (!in_bounds(unit)) {
            return false;
        }
        slack_ += times(unit, static_cast<std::uint64_t>(kDebtWeightMax));
        return true;
    }

    // More than any account here has, below the bounds of the network.
    static Money most_ever() { return money_of((Int128{1} << (kInputBits - 1))); }

    const WorkingAccount& account_;
    const Market& market_;
    const PlanLimits& limits_;
    SaleFlow flow_;
    SaleFlow::Node source_{0};
    SaleFlow::Node sink_{0};
    std::map<std::size_t, Sold> sold_;
    std::map<std::size_t, SaleFlow::Node> owed_;
    std::vector<Lot> lots_;
    std::vector<Debt> debts_;
    std::vector<Pair> pairs_;
    // The least of `least` over the lots.
    Money smallest_;
    Money slack_;
};

}  // namespace

Result<std::optional<LeastSeizure>> least_seizure(
    const WorkingAccount& account, const Market& market, const PlanLimits& limits, const Aim& aim
) {
    Network network(account, market, limits);
    MARGRAVE_TRY(const bool tried, network.build(aim));
    if (!tried) {
        return std::optional<LeastSeizure>{};
    }
    return network.solve(aim);
}

}  // namespace margrave::margin::detail
