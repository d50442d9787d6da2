// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/words.hpp"

#include "margin/health.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::relayer {
namespace {

std::string aligned(const std::string& cell, std::size_t width, bool is_left, bool is_last) {
    const std::string blank(width - std::min(width, cell.size()), ' ');
    if (is_left) {
        return is_last ? cell : cell + blank;
    }
    return blank + cell;
}

}  // namespace

std::string in_usd(const Money& value) {
    return value.to_decimal(2);
}

std::string in_tokens(const Amount& amount, unsigned decimals) {
    std::string digits = amount.to_string();
    if (decimals == 0) {
        return digits;
    }
    if (digits.size() <= decimals) {
        digits.insert(0, decimals + 1 - digits.size(), '0');
    }
    digits.insert(digits.size() - decimals, ".");
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') {
        digits.pop_back();
    }
    return digits;
}

std::string in_percent(const Money& ratio) {
    const auto percent = mul(ratio, Money::whole(100), Round::kDown);
    return percent ? percent.value().to_decimal(2) + "%" : "beyond";
}

std::string in_short(std::string_view name) {
    constexpr std::size_t kHead = 8;
    constexpr std::size_t kTail = 8;
    if (name.size() <= kHead + kTail + 3) {
        return std::string(name);
    }
    return std::string(name.substr(0, kHead)) + "..." +
           std::string(name.substr(name.size() - kTail));
}

nlohmann::json levels_json(
    const Money& initial, const Money& liquidation_end, const Money& maintenance
) {
    nlohmann::json out = nlohmann::json::object();
    out["initial"] = initial.to_string_e18();
    out["liquidationEnd"] = liquidation_end.to_string_e18();
    out["maintenance"] = maintenance.to_string_e18();
    return out;
}

nlohmann::json health_json(const AccountState& state) {
    nlohmann::json out = nlohmann::json::object();
    out["status"] = to_string(state.status);
    out["flags"] = std::to_string(state.flags);
    out["guards"] = margin::describe_guards(state.flags);
    out["equity"] = state.equity.to_string_e18();
    out["health"] = levels_json(state.initial, state.liquidation_end, state.maintenance);
    return out;
}

std::string columns(
    const std::vector<std::string>& head,
    const std::vector<std::vector<std::string>>& rows,
    std::size_t left
) {
    std::vector<std::size_t> widths(head.size(), 0);
    const auto widen = [&widths](const std::vector<std::string>& row) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    };
    widen(head);
    std::ranges::for_each(rows, widen);
    std::string out;
    const auto write = [&](const std::vector<std::string>& row) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
            out += i == 0 ? "" : "  ";
            out += aligned(row[i], widths[i], i < left, i + 1 == row.size());
        }
        out += '\n';
    };
    write(head);
    std::ranges::for_each(rows, write);
    return out;
}

}  // namespace margrave::relayer
