// SPDX-License-Identifier: Apache-2.0
#include "relayer/custody.hpp"

#include "core/assert.hpp"
#include "relayer/detail/messages.hpp"

#include <algorithm>

namespace margrave::relayer {

using attest::CustodyState;
using attest::CustodyVerdict;

namespace {

void after_deficit(CustodyStanding& out, const config::ReconciliationSettings& rules) {
    switch (out.state) {
        case CustodyState::kClear:
            out.state = CustodyState::kSuspected;
            out.readings = 1;
            break;
        case CustodyState::kSuspected:
            ++out.readings;
            break;
        case CustodyState::kDeficit:
            out.readings = 0;
            return;
    }
    if (out.readings >= rules.confirm) {
        out.state = CustodyState::kDeficit;
        out.readings = 0;
    }
}

void after_cover(CustodyStanding& out, const config::ReconciliationSettings& rules) {
    if (out.state == CustodyState::kDeficit) {
        ++out.readings;
        if (out.readings < rules.clear) {
            return;
        }
    }
    out.state = CustodyState::kClear;
    out.readings = 0;
    out.reason.clear();
}

Result<CustodyState> parse_state(const std::string& text) {
    for (const CustodyState state :
         {CustodyState::kClear, CustodyState::kSuspected, CustodyState::kDeficit}) {
        if (text == attest::to_string(state)) {
            return state;
        }
    }
    return fail(Errc::kCorrupt, "custody: \"" + text + "\" is no state");
}

Result<std::map<AssetId, Amount>> parse_amounts(const Canonical& document) {
    const auto* members = std::get_if<Canonical::Object>(&document.value());
    if (members == nullptr) {
        return fail(Errc::kCorrupt, "custody: \"unattributed\" is no object");
    }
    std::map<AssetId, Amount> out;
    for (const auto& [name, value] : *members) {
        MARGRAVE_TRY(auto asset, AssetId::parse(name));
        MARGRAVE_TRY(const auto text, text_member(document, name));
        MARGRAVE_TRY(out[asset], Amount::parse(text));
    }
    return out;
}

}  // namespace

CustodyStanding judge_custody(
    const CustodyStanding& before,
    const attest::Reconciliation& reading,
    const config::ReconciliationSettings& rules
) {
    CustodyStanding out = before;
    out.unable = reading.verdict() == CustodyVerdict::kUnable;
    for (const attest::CustodyRow& row : reading.rows) {
        if (!row.held) {
            continue;
        }
        if (row.unattributed().is_zero()) {
            out.unattributed.erase(row.asset);
        } else {
            out.unattributed[row.asset] = row.unattributed();
        }
    }
    if (out.unable || (before.anchored && reading.block.number <= before.block)) {
        return out;
    }
    out.block = reading.block.number;
    if (reading.has_deficit()) {
        out.reason = reading.reason();
        after_deficit(out, rules);
    } else {
        after_cover(out, rules);
    }
    return out;
}

bool is_worth_a_leaf(
    const CustodyStanding& before,
    const CustodyStanding& after,
    const attest::Reconciliation& reading,
    bool anchor
) {
    if (after.unable) {
        return !before.unable;
    }
    const bool again = before.anchored && reading.block.number <= before.block;
    const bool open = before.state != CustodyState::kClear || after.state != CustodyState::kClear;
    return anchor || before.unable || after.unattributed != before.unattributed || (open && !again);
}

std::vector<BlockNum> custody_anchors(
    const CustodyStanding& standing,
    BlockNum final,
    std::optional<BlockNum> last_event,
    std::uint64_t every
) {
    MARGRAVE_ASSERT(every > 0);
    if (!standing.anchored) {
        return {final};
    }
    std::vector<BlockNum> out;
    const BlockNum multiple{final.value - final.value % every};
    for (const BlockNum each : {multiple, last_event.value_or(multiple)}) {
        if (each > *standing.anchored && each <= final) {
            out.push_back(each);
        }
    }
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

std::optional<std::string> doubt_of(
    const CustodyStanding& standing, const config::ReconciliationSettings& rules
) {
    if (standing.state == CustodyState::kClear) {
        return std::nullopt;
    }
    if (standing.state == CustodyState::kDeficit && standing.readings > 0) {
        return standing.reason + "; covered since in " + std::to_string(standing.readings) +
               " of " + std::to_string(rules.clear) + " readings";
    }
    return standing.reason;
}

Canonical standing_json(const CustodyStanding& standing) {
    Canonical::Object amounts;
    for (const auto& [asset, amount] : standing.unattributed) {
        amounts.emplace(asset.text(), amount.to_string());
    }
    Canonical::Object out{
        {"block", Canonical::integer(standing.block.value)},
        {"readings", Canonical::integer(standing.readings)},
        {"reason", standing.reason},
        {"state", std::string(attest::to_string(standing.state))},
        {"stop", Canonical::integer(standing.stop)},
        {"unattributed", std::move(amounts)},
    };
    if (standing.anchored) {
        out.emplace("anchored", Canonical::integer(standing.anchored->value));
    }
    return out;
}

Result<CustodyStanding> parse_standing(const Canonical& document) {
    CustodyStanding out;
    MARGRAVE_TRY(out.block.value, integer_member(document, "block"));
    MARGRAVE_TRY(out.readings, integer_member(document, "readings"));
    MARGRAVE_TRY(out.reason, text_member(document, "reason"));
    MARGRAVE_TRY(const auto state, text_member(document, "state"));
    MARGRAVE_TRY(out.state, parse_state(state));
    MARGRAVE_TRY(out.stop, integer_member(document, "stop"));
    MARGRAVE_TRY(const auto amounts, member(document, "unattributed"));
    MARGRAVE_TRY(out.unattributed, parse_amounts(amounts));
    if (const auto anchored = integer_member(document, "anchored")) {
        out.anchored = BlockNum{anchored.value()};
    }
    return out;
}

}  // namespace margrave::relayer
