// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/what_if.hpp"

#include "relayer/risk/words.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace margrave::relayer {
namespace {

using margin::MoveKind;
using nlohmann::json;

unsigned decimals_of(const margin::Parameters& parameters, const AssetId& asset) {
    const margin::AssetParameters* row = parameters.find(asset);
    return row == nullptr ? 0 : row->decimals;
}

json price_json(const margin::PriceMove& move) {
    json out = json::object();
    out["asset"] = move.asset;
    out[move.is_factor ? "factor" : "price"] = move.value.to_string_e18();
    return out;
}

json swap_json(
    const ParsedWhatIf::SwapMoves& row, const std::vector<std::optional<std::string>>& refusals
) {
    const std::optional<std::string>& refusal = refusals[row.withdrawal];
    json out = json::object();
    out["sold"] = row.swap.sold.text();
    out["amount"] = row.swap.amount.to_string();
    out["bought"] = row.swap.bought.text();
    out["received"] = row.swap.received.to_string();
    out["granted"] = !refusal.has_value();
    out["refusal"] = refusal.value_or("");
    return out;
}

// Null when there is none in that market.
const VenuePosition* position_in(const margin::Evaluation& evaluation, const Hash32& market) {
    const auto& rows = evaluation.holdings.positions;
    const auto found = std::ranges::find(rows, market, &VenuePosition::market);
    return found == rows.end() ? nullptr : &*found;
}

json position_json(const VenuePosition* position) {
    if (position == nullptr) {
        return nullptr;
    }
    json out = json::object();
    out["size"] = position->size.to_string_e18();
    out["entryPrice"] = position->entry_price.to_string_e18();
    return out;
}

json trade_json(const NamedTrade& named, const Money& settled, const margin::WhatIf& answer) {
    json out = json::object();
    out["name"] = named.name;
    out["market"] = to_hex(named.trade.market);
    out["size"] = named.trade.size.to_string_e18();
    out["price"] = named.trade.price.to_string_e18();
    out["settled"] = settled.to_string_e18();
    out["before"] = position_json(position_in(answer.before, named.trade.market));
    out["after"] = position_json(position_in(answer.after, named.trade.market));
    return out;
}

json plan_json(const margin::WhatIf& answer) {
    json out = json::object();
    out["legs"] = json::array();
    for (const margin::PlannedLeg& leg : answer.plan.legs) {
        json row = json::object();
        row["asset"] = leg.asset.text();
        row["seize"] = leg.seize.to_string();
        row["debtAsset"] = leg.debt_asset.text();
        row["minProceeds"] = leg.min_proceeds.to_string();
        row["seizedValue"] = leg.seized_value.to_string_e18();
        row["repaidValue"] = leg.repaid_value.to_string_e18();
        out["legs"].push_back(std::move(row));
    }
    out["why"] = answer.no_plan;
    out["end"] = margin::describe(answer.plan.end);
    out["after"] = health_json(answer.liquidated);
    return out;
}

std::vector<std::string> health_row(
    const std::string& name, const Money& before, const Money& after
) {
    const auto change = sub(after, before);
    return {name, in_usd(before), in_usd(after), change ? in_usd(change.value()) : "beyond"};
}

std::string health_table(const margin::WhatIf& answer) {
    const AccountState& a = answer.before.state;
    const AccountState& b = answer.after.state;
    return columns(
        {"USD", "BEFORE", "AFTER", "CHANGE"},
        {{"status", std::string(to_string(a.status)), std::string(to_string(b.status)), ""},
         health_row("equity", a.equity, b.equity),
         health_row("initial", a.initial, b.initial),
         health_row("liquidation-end", a.liquidation_end, b.liquidation_end),
         health_row("maintenance", a.maintenance, b.maintenance)},
        1
    );
}

std::string position_text(const VenuePosition* position) {
    return position == nullptr
               ? "none"
               : position->size.to_decimal() + " at " + position->entry_price.to_decimal();
}

void write_trades(
    std::ostream& out,
    const margin::WhatIf& answer,
    const ParsedWhatIf& asked,
    const margin::Parameters& parameters
) {
    for (std::size_t i = 0; i < asked.positions.size(); ++i) {
        const margin::PositionTrade& trade = asked.positions[i].trade;
        const Money& settled = answer.settled[i];
        out << "position " << asked.positions[i].name << ": " << trade.size.to_decimal() << " at "
            << trade.price.to_decimal() << " USD; it was "
            << position_text(position_in(answer.before, trade.market)) << " and ends as "
            << position_text(position_in(answer.after, trade.market)) << '\n';
        if (settled.is_negative()) {
            out << "  the venue takes " << in_usd(negate(settled))
                << " USD for it, counted as owed until you pay it\n";
        } else if (!settled.is_zero()) {
            out << "  the venue pays " << in_usd(settled)
                << " USD for it, which counts once you deposit it\n";
        }
    }
    for (const ParsedWhatIf::SwapMoves& row : asked.swaps) {
        const margin::Swap& swap = row.swap;
        out << "trade: " << in_tokens(swap.amount, decimals_of(parameters, swap.sold)) << " of "
            << swap.sold.text() << " go out, "
            << in_tokens(swap.received, decimals_of(parameters, swap.bought)) << " of "
            << swap.bought.text() << " come in\n";
    }
}

void write_refusals(std::ostream& out, const margin::WhatIf& answer, const ParsedWhatIf& asked) {
    for (std::size_t i = 0; i < asked.moves.size(); ++i) {
        const margin::Move& move = asked.moves[i];
        if (move.kind != MoveKind::kWithdraw && move.kind != MoveKind::kBorrow) {
            continue;
        }
        const std::optional<std::string>& refusal = answer.refusals[i];
        out << (refusal ? "would be refused: " + *refusal
                        : "would be granted: " + std::string(to_string(move.kind)) + " of " +
                              move.amount.to_string() + " raw units of " + move.asset.text())
            << '\n';
    }
}

void write_plan(
    std::ostream& out, const margin::WhatIf& answer, const margin::Parameters& parameters
) {
    for (const margin::PlannedLeg& leg : answer.plan.legs) {
        out << "liquidation sells " << in_tokens(leg.seize, decimals_of(parameters, leg.asset))
            << " of " << leg.asset.text() << " (" << in_usd(leg.seized_value)
            << " USD) for at least "
            << in_tokens(leg.min_proceeds, decimals_of(parameters, leg.debt_asset)) << " of "
            << leg.debt_asset.text() << '\n';
    }
    if (!answer.plan.legs.empty()) {
        out << "after it: " << to_string(answer.liquidated.status) << ", liquidation-end health "
            << in_usd(answer.liquidated.liquidation_end) << " USD; the plan "
            << margin::describe(answer.plan.end) << '\n';
    }
    if (!answer.no_plan.empty()) {
        out << "liquidation sells nothing: " << answer.no_plan << '\n';
    }
}

std::string room_table(const margin::WhatIf& answer, const margin::Parameters& parameters) {
    std::vector<std::vector<std::string>> rows;
    for (const margin::Room& room : answer.rooms) {
        const margin::AssetParameters* asset = parameters.find(room.asset);
        rows.push_back(
            {asset->name,
             room.asset.text(),
             in_tokens(room.withdrawable, asset->decimals),
             asset->borrowable ? in_tokens(room.borrowable, asset->decimals) : "-"}
        );
    }
    return columns({"ASSET", "TOKEN", "WITHDRAWABLE", "BORROWABLE"}, rows, 2);
}

}  // namespace

json what_if_json(
    const margin::WhatIf& answer, const ParsedWhatIf& asked, const margin::Parameters& parameters
) {
    json out = json::object();
    out["moves"] = json::array();
    for (std::size_t i = 0; i < asked.moves.size(); ++i) {
        const margin::Move& move = asked.moves[i];
        json row = json::object();
        row["kind"] = to_string(move.kind);
        row["asset"] = move.asset.text();
        row["amount"] = move.amount.to_string();
        if (move.kind == MoveKind::kWithdraw || move.kind == MoveKind::kBorrow) {
            row["granted"] = !answer.refusals[i].has_value();
            row["refusal"] = answer.refusals[i].value_or("");
        }
        out["moves"].push_back(std::move(row));
    }
    out["trades"] = json::array();
    for (const ParsedWhatIf::SwapMoves& row : asked.swaps) {
        out["trades"].push_back(swap_json(row, answer.refusals));
    }
    out["positions"] = json::array();
    for (std::size_t i = 0; i < asked.positions.size(); ++i) {
        out["positions"].push_back(trade_json(asked.positions[i], answer.settled[i], answer));
    }
    out["prices"] = json::array();
    for (const margin::PriceMove& move : asked.prices) {
        out["prices"].push_back(price_json(move));
    }
    out["before"] = health_json(answer.before.state);
    out["after"] = health_json(answer.after.state);
    out["liquidation"] = plan_json(answer);
    out["room"] = json::array();
    for (const margin::Room& room : answer.rooms) {
        json row = json::object();
        row["name"] = parameters.find(room.asset)->name;
        row["asset"] = room.asset.text();
        row["withdrawable"] = room.withdrawable.to_string();
        row["borrowable"] = room.borrowable.to_string();
        out["room"].push_back(std::move(row));
    }
    out["noRoom"] = answer.no_room;
    return out;
}

std::string what_if_text(
    const margin::WhatIf& answer, const ParsedWhatIf& asked, const margin::Parameters& parameters
) {
    std::ostringstream out;
    out << health_table(answer) << '\n';
    const std::string guards = margin::describe_guards(answer.after.state.flags);
    if (!guards.empty()) {
        out << "guards: " << guards << '\n';
    }
    write_trades(out, answer, asked, parameters);
    write_refusals(out, answer, asked);
    write_plan(out, answer, parameters);
    if (answer.no_room.empty()) {
        out << "\nwhat could still leave, each alone:\n" << room_table(answer, parameters);
    } else {
        out << "nothing may leave: " << answer.no_room << '\n';
    }
    return out.str();
}

}  // namespace margrave::relayer
