// SPDX-License-Identifier: Apache-2.0
#include "config/detail/table.hpp"

namespace margrave::config::detail {
namespace {

using enum Kind;
using enum Need;
using enum Change;

constexpr std::string_view kSomeMarket =
    R"("0x0000000000000000000000000000000000000000000000000000000000000001")";

// clang-format off
//  pointer, kind, need, default, from, to, sentence, example, change
constexpr Setting kMarketRows[] = {
    {"/markets", kList, kOptional, "", "1", "64",
     "Markets of the position book, by underlying. A position in any other market makes its account UNATTESTABLE.",
     R"([{"underlying": "eth", "perpetuals": [{"...": "..."}]}])", kTogether},
    {"/markets/*", kObject, kRequired, "", "", "",
     "The markets of one underlying and how they are margined.", R"({"underlying": "eth", "...": "..."})", kTogether},
    {"/markets/*/underlying", kName, kRequired, "", "", "32",
     "Id of the asset whose price this is.", R"("eth")", kTogether},
    {"/markets/*/method", kChoice, kOptional, R"("ratio")", "ratio|grid", "",
     "ratio: perpetuals by a part of their notional, options alone with the largest loss per expiry, no offset; grid: all "
     "in one vector of scenarios.", R"("grid")", kTogether},
    {"/markets/*/rate", kDecimal, kOptional, R"("0")", "0", "1",
     "Interest a year for the forward and the discount of options.", R"("0.05")", kTogether},
    {"/markets/*/profit", kObject, kOptional, "", "", "",
     "Unrealised profit of perpetuals at the initial level, method ratio.", R"({"weight": "0.8", "cap": "100"})", kTogether},
    {"/markets/*/profit/weight", kDecimal, kOptional, R"("1")", "0", "1",
     "Part of a profit that counts.", R"("0.8")", kTogether},
    {"/markets/*/profit/cap", kDecimal, kOptional, R"("100")", "0", "10000000000",
     "USD of profit that count at most, per position.", R"("100")", kTogether},
    {"/markets/*/options", kObject, kOptional, "", "", "",
     "How options alone are margined, method ratio; parts of the underlying's price.", R"({"initial_most": "0.15"})", kTogether},
    {"/markets/*/options/initial_most", kDecimal, kOptional, R"("0.15")", "0", "2",
     "Initial margin of a short option at the money.", R"("0.15")", kTogether},
    {"/markets/*/options/initial_least", kDecimal, kOptional, R"("0.1")", "0", "2",
     "Least initial margin out of the money.", R"("0.1")", kTogether},
    {"/markets/*/options/maintenance_call", kDecimal, kOptional, R"("0.075")", "0", "2",
     "Maintenance margin of a short call.", R"("0.075")", kTogether},
    {"/markets/*/options/maintenance_put", kDecimal, kOptional, R"("0.075")", "0", "2",
     "Maintenance margin of a short put.", R"("0.075")", kTogether},
    {"/markets/*/options/maintenance_put_mark", kDecimal, kOptional, R"("0.075")", "0", "2",
     "The same as a part of the put's value, where that is more.", R"("0.075")", kTogether},
    {"/markets/*/options/put_offset", kDecimal, kOptional, R"("1.05")", "1", "10",
     "Initial margin of a put as a multiple of its maintenance margin, at least.", R"("1.05")", kTogether},
    {"/markets/*/options/unpaired_initial", kDecimal, kOptional, R"("1.2")", "1", "10",
     "Of the forward for a short call that no long call covers, initially.", R"("1.2")", kTogether},
    {"/markets/*/options/unpaired_maintenance", kDecimal, kOptional, R"("1.1")", "1", "10",
     "The same at maintenance.", R"("1.1")", kTogether},
    {"/markets/*/grid", kObject, kOptional, "", "", "",
     "The scenarios, method grid. Numbers of it that are not here have the values of docs/margin.md.",
     R"({"factor": {"initial": "1", "liquidation_end": "0.9", "maintenance": "0.8"}})", kTogether},
    {"/markets/*/grid/factor", kObject, kOptional, "", "", "",
     "How much of the worst scenario's loss each level needs.",
     R"({"initial": "1", "liquidation_end": "0.9", "maintenance": "0.8"})", kTogether},
    {"/markets/*/grid/factor/initial", kDecimal, kOptional, R"("1")", "0", "10",
     "When value leaves an account.", R"("1")", kTogether},
    {"/markets/*/grid/factor/liquidation_end", kDecimal, kOptional, R"("0.9")", "0", "10",
     "Where a liquidation stops.", R"("0.9")", kTogether},
    {"/markets/*/grid/factor/maintenance", kDecimal, kOptional, R"("0.8")", "0", "10",
     "Where a liquidation starts.", R"("0.8")", kTogether},
    {"/markets/*/grid/tail_level", kDecimal, kOptional, R"("0")", "0", "1",
     "0: the worst scenario counts; else the expected shortfall at this confidence, with a history as shocks.",
     R"("0.99")", kTogether},
    {"/markets/*/grid/shocks", kList, kOptional, "", "1", "1000",
     "The scenarios; when absent nine steps to 18 % and six damped extremes.",
     R"([{"spot": "0.82", "volatility": "up"}, {"spot": "1.18", "volatility": "up"}])", kTogether},
    {"/markets/*/grid/shocks/*", kObject, kRequired, "", "", "",
     "One scenario.", R"({"spot": "0.82", "volatility": "up"})", kTogether},
    {"/markets/*/grid/shocks/*/spot", kDecimal, kRequired, "", "0.000001", "10",
     "Factor on the price.", R"("0.82")", kTogether},
    {"/markets/*/grid/shocks/*/volatility", kChoice, kOptional, R"("none")", "none|up|down|linear_skew|absolute_skew", "",
     "What happens to volatility.", R"("up")", kTogether},
    {"/markets/*/grid/shocks/*/damp", kDecimal, kOptional, R"("1")", "0.000001", "1",
     "How much of the outcome counts; below 1 for an extreme move.", R"("0.072")", kTogether},
    {"/markets/*/grid/volatility", kObject, kOptional, "", "", "",
     "Shocks of volatility: 1 + range * (30 d / time to expiry)^power.", R"({"range_up": "0.5"})", kTogether},
    {"/markets/*/grid/volatility/range_up", kDecimal, kOptional, R"("0.5")", "0", "10",
     "Range up at 30 days.", R"("0.5")", kTogether},
    {"/markets/*/grid/volatility/range_down", kDecimal, kOptional, R"("0.275")", "0", "10",
     "Range down at 30 days.", R"("0.275")", kTogether},
    {"/markets/*/grid/contingency", kObject, kOptional, "", "", "",
     "What is needed beyond the scenarios.", R"({"perpetual_maintenance": "0.015"})", kTogether},
    {"/markets/*/grid/contingency/perpetual_maintenance", kDecimal, kOptional, R"("0.015")", "0", "3",
     "Of the notional of the net perpetual position.", R"("0.015")", kTogether},
    {"/markets/*/grid/contingency/perpetual_initial", kDecimal, kOptional, R"("0.005")", "0", "3",
     "On top of it, initially.", R"("0.005")", kTogether},
    {"/markets/*/grid/contingency/option_maintenance", kDecimal, kOptional, R"("0.003")", "0", "2",
     "Of the notional of short options that none of the same strike covers.", R"("0.003")", kTogether},
    {"/markets/*/grid/contingency/option_initial", kDecimal, kOptional, R"("0.002")", "0", "2",
     "On top of it, initially.", R"("0.002")", kTogether},
    {"/markets/*/perpetuals", kList, kOptional, "", "1", "256",
     "Perpetuals on one unit of the underlying.", R"([{"market": "0x...", "name": "eth-perp", "...": "..."}])", kTogether},
    {"/markets/*/perpetuals/*", kObject, kRequired, "", "", "",
     "One perpetual.", R"({"market": "0x...", "name": "eth-perp", "...": "..."})", kTogether},
    {"/markets/*/perpetuals/*/market", kHash, kRequired, "", "", "",
     "Its id on the position book.", kSomeMarket, kTogether},
    {"/markets/*/perpetuals/*/name", kName, kRequired, "", "", "32",
     "Short name.", R"("eth-perp")", kTogether},
    {"/markets/*/perpetuals/*/fractions", kObject, kOptional, "", "", "",
     "Requirements as parts of the notional, method ratio; initial is the largest.",
     R"({"initial": "0.1", "liquidation_end": "0.08", "maintenance": "0.05"})", kTogether},
    {"/markets/*/perpetuals/*/fractions/initial", kDecimal, kRequired, "", "0", "1",
     "When value leaves an account.", R"("0.1")", kTogether},
    {"/markets/*/perpetuals/*/fractions/liquidation_end", kDecimal, kRequired, "", "0", "1",
     "Where a liquidation stops.", R"("0.08")", kTogether},
    {"/markets/*/perpetuals/*/fractions/maintenance", kDecimal, kRequired, "", "0", "1",
     "Where a liquidation starts.", R"("0.05")", kTogether},
    {"/markets/*/option_markets", kList, kOptional, "", "1", "4096",
     "European options on one unit of the underlying.", R"([{"market": "0x...", "name": "eth-c-2000", "...": "..."}])",
     kTogether},
    {"/markets/*/option_markets/*", kObject, kRequired, "", "", "",
     "One option.", R"({"market": "0x...", "name": "eth-c-2000", "...": "..."})", kTogether},
    {"/markets/*/option_markets/*/market", kHash, kRequired, "", "", "",
     "Its id on the position book.", kSomeMarket, kTogether},
    {"/markets/*/option_markets/*/name", kName, kRequired, "", "", "32",
     "Short name.", R"("eth-c-2000")", kTogether},
    {"/markets/*/option_markets/*/kind", kChoice, kRequired, "", "call|put", "",
     "Call or put.", R"("call")", kTogether},
    {"/markets/*/option_markets/*/strike", kDecimal, kRequired, "", "0.000000000000000001", "10000000000",
     "USD.", R"("2000")", kTogether},
    {"/markets/*/option_markets/*/expiry", kCount, kRequired, "", "", "",
     "Seconds since 1970.", R"("1830297600")", kTogether},
    {"/markets/*/option_markets/*/volatility", kDecimal, kRequired, "", "0.000001", "20",
     "Volatility of its mark, per square root of a year; there is no feed of it.", R"("0.7")", kTogether},
};
// clang-format on

}  // namespace

std::span<const Setting> market_rows() {
    return kMarketRows;
}

}  // namespace margrave::config::detail
