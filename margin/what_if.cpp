// SPDX-License-Identifier: Apache-2.0
#include "margin/what_if.hpp"

#include <array>
#include <utility>

namespace margrave::margin {
namespace {

// The latch as the round after `evaluation` will have it.
bool latch_after(const Evaluation& evaluation) {
    return evaluation.state.status == Status::kUnattestable ? evaluation.was_liquidatable
                                                            : is_seizable(evaluation.state.status);
}

Amount sum_or_max(const Amount& a, const Amount& b) {
    const auto sum = add(a, b);
    return sum ? sum.value() : Amount::max();
}

struct Worst {
    AccountHoldings holdings;
    std::vector<std::optional<std::string>> refusals;
};

// Each move in turn: first whether it would be granted, then what is there after it.
Result<Worst> judge_moves(
    const WhatIfQuestion& question,
    AccountHoldings worst,
    const PriceTable& prices,
    const Parameters& parameters
) {
    Worst out;
    out.holdings = std::move(worst);
    for (const Move& move : question.moves) {
        std::optional<std::string> refusal;
        const bool withdraws = move.kind == MoveKind::kWithdraw;
        if (withdraws || move.kind == MoveKind::kBorrow) {
            const Promise promise{move.asset, move.amount, withdraws};
            if (question.dead.touch(out.holdings)) {
                refusal = describe_guards(flags::kChainDead);
            } else if (const auto granted = check_grant(out.holdings, promise, prices, parameters);
                       !granted) {
                refusal = granted.error().detail;
            }
            const std::array<Promise, 1> promises{promise};
            MARGRAVE_TRY(out.holdings, worst_of(out.holdings, out.holdings, promises));
        } else {
            MARGRAVE_TRY(out.holdings, apply(std::move(out.holdings), move));
        }
        out.refusals.push_back(std::move(refusal));
    }
    return out;
}

Result<void> liquidate(WhatIf& out, const Market& market) {
    out.liquidated = out.after.state;
    out.plan.health_before = out.after.state.liquidation_end;
    out.plan.health_after = out.after.state.liquidation_end;
    if (!is_seizable(out.after.state.status)) {
        return ok();
    }
    auto plan = plan_liquidation(out.after.holdings, market);
    if (!plan) {
        out.no_plan = plan.error().detail;
        return ok();
    }
    out.plan = std::move(plan).value();
    if (out.plan.legs.empty()) {
        out.no_plan = "the plan " + std::string(describe(out.plan.end));
    }
    AccountHoldings sold = out.after.holdings;
    for (const PlannedLeg& leg : out.plan.legs) {
        MARGRAVE_TRY(sold, apply(std::move(sold), leg));
    }
    out.liquidated =
        evaluate_state(sold, market, /*was_liquidatable=*/true, /*provisional_differs=*/false);
    return ok();
}

// What is there once all trades are made; what the venue settled for each.
struct AfterTrades {
    AccountHoldings holdings;
    std::vector<Money> settled;
};

Result<AfterTrades> make_trades(
    AccountHoldings holdings,
    std::span<const PositionTrade> trades,
    const Parameters& parameters,
    VenueDebt& debt
) {
    AfterTrades out;
    out.holdings = std::move(holdings);
    for (const PositionTrade& trade : trades) {
        MARGRAVE_TRY(auto traded, apply(std::move(out.holdings), parameters, trade));
        out.holdings = std::move(traded.holdings);
        MARGRAVE_TRY(debt.charge(out.holdings, traded.settled));
        out.settled.push_back(traded.settled);
    }
    return out;
}

// A row for each form of `assets`; the other parameters may know more than these.
std::vector<Room> find_rooms(
    const AccountHoldings& worst,
    const std::vector<AssetParameters>& assets,
    const PriceTable& prices,
    const Parameters& parameters
) {
    std::vector<Room> out;
    for (const AssetParameters& asset : assets) {
        for (const AssetOnChain& form : asset.on) {
            Room room;
            room.asset = form.asset;
            room.withdrawable = largest_grant(worst, form.asset, true, prices, parameters);
            if (asset.borrowable) {
                room.borrowable = largest_grant(worst, form.asset, false, prices, parameters);
            }
            out.push_back(std::move(room));
        }
    }
    return out;
}

}  // namespace

Amount largest_grant(
    const AccountHoldings& worst,
    const AssetId& asset,
    bool from_collateral,
    const PriceTable& prices,
    const Parameters& parameters
) {
    const auto is_granted = [&](const Amount& amount) {
        const Promise promise{asset, amount, from_collateral};
        return check_grant(worst, promise, prices, parameters).has_value();
    };
    // Taking more never raises health, so what is granted is a stretch from one unit up.
    Amount low;
    Amount high(1);
    while (is_granted(high)) {
        if (high == Amount::max()) {
            return high;
        }
        low = high;
        high = sum_or_max(high, high);
    }
    for (;;) {
        const Amount middle = halfway(low, high);
        if (middle == low) {
            return low;
        }
        (is_granted(middle) ? low : high) = middle;
    }
}

Result<WhatIf> what_if(const WhatIfQuestion& question, const Parameters& parameters) {
    PriceTable prices = question.prices;
    for (const PriceMove& move : question.price_moves) {
        MARGRAVE_TRY(prices, apply(std::move(prices), parameters, move));
    }
    VenueDebt debt;
    MARGRAVE_TRY(auto firm, make_trades(question.firm, question.trades, parameters, debt));
    MARGRAVE_TRY(auto least, make_trades(question.worst, question.trades, parameters, debt));
    Parameters rules = parameters;
    if (debt.exists()) {
        VenueDebt::add_to(prices, rules);
    }
    AccountHoldings moved = std::move(firm.holdings);
    for (const Move& move : question.moves) {
        MARGRAVE_TRY(moved, apply(std::move(moved), move));
    }
    WhatIf out;
    out.settled = std::move(firm.settled);
    const Market now(question.prices, parameters, question.dead);
    out.before = evaluate(question.firm, now, question.was_liquidatable, false);
    const Market then(prices, rules, question.dead);
    out.after = evaluate(moved, then, latch_after(out.before), false);
    MARGRAVE_TRY(liquidate(out, then));
    MARGRAVE_TRY(auto worst, judge_moves(question, std::move(least.holdings), prices, rules));
    out.refusals = std::move(worst.refusals);
    if (question.dead.touch(worst.holdings)) {
        out.no_room = describe_guards(flags::kChainDead);
        return out;
    }
    const AccountState state = evaluate_state(worst.holdings, then, false, false);
    if (state.status == Status::kUnattestable || (state.flags & kNoPrice) != 0) {
        out.no_room = describe_guards(state.flags);
    } else if (state.initial.is_negative()) {
        out.no_room = "initial health is " + state.initial.to_decimal(2) + " USD, below zero";
    } else {
        out.rooms = find_rooms(worst.holdings, parameters.assets, prices, rules);
    }
    return out;
}

}  // namespace margrave::margin
