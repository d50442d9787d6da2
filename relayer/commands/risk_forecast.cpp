// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/risk.hpp"
#include "relayer/risk/forecast.hpp"
#include "relayer/risk/words.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>

namespace margrave::relayer {
namespace {

using nlohmann::json;

struct ForecastOptions {
    std::string last{"30d"};
    std::string step{"5m"};
    std::size_t paths{2'000};
    std::uint64_t seed{1};
    bool backtest{false};
};

std::string ratio(double value) {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), "%.4f", value);
    return out.data();
}

std::string percent(double value) {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), "%.2f%%", value * 100);
    return out.data();
}

std::string span_text(std::uint64_t seconds) {
    if (seconds % 86'400 == 0) {
        return std::to_string(seconds / 86'400) + "d";
    }
    return seconds % 3'600 == 0 ? std::to_string(seconds / 3'600) + "h"
                                : std::to_string(seconds) + "s";
}

json by_horizon(const std::vector<double>& values, const std::vector<std::uint64_t>& horizons) {
    json out = json::object();
    for (std::size_t h = 0; h < horizons.size(); ++h) {
        out[std::to_string(horizons[h])] = ratio(values[h]);
    }
    return out;
}

json backtest_json(const Backtest& tested, const ForecastSettings& settings) {
    json out = json::object();
    out["origins"] = std::to_string(tested.origins);
    out["quantiles"] = json::array();
    for (const Backtest::Quantile& row : tested.quantiles) {
        out["quantiles"].push_back(
            {{"asset", row.asset},
             {"horizon", std::to_string(row.horizon_s)},
             {"level", ratio(row.level)},
             {"hitRate", ratio(row.hit_rate)},
             {"forecasts", std::to_string(row.forecasts)}}
        );
    }
    out["calls"] = json::array();
    for (const Backtest::Calls& row : tested.calls) {
        out["calls"].push_back(
            {{"horizon", std::to_string(row.horizon_s)},
             {"low", ratio(row.low)},
             {"high", ratio(row.high)},
             {"forecast", ratio(row.forecast)},
             {"hitRate", ratio(row.hit_rate)},
             {"forecasts", std::to_string(row.forecasts)}}
        );
    }
    out["brier"] = json::object();
    for (std::size_t h = 0; h < tested.brier.size(); ++h) {
        if (tested.brier[h] >= 0) {
            out["brier"][std::to_string(settings.horizons_s[h])] = ratio(tested.brier[h]);
        }
    }
    return out;
}

std::string backtest_text(const Backtest& tested) {
    std::vector<std::vector<std::string>> rows;
    for (const Backtest::Quantile& row : tested.quantiles) {
        rows.push_back(
            {row.asset + " below its " + percent(row.level) + " quantile",
             span_text(row.horizon_s),
             percent(row.level),
             percent(row.hit_rate),
             std::to_string(row.forecasts)}
        );
    }
    for (const Backtest::Calls& row : tested.calls) {
        rows.push_back(
            {"margin call, forecast " + percent(row.low) + " to " + percent(row.high),
             span_text(row.horizon_s),
             percent(row.forecast),
             percent(row.hit_rate),
             std::to_string(row.forecasts)}
        );
    }
    if (rows.empty()) {
        return "\nback-test: the history is too short to hold one horizon after the first " +
               std::to_string(kReturnsMin) + " steps\n";
    }
    return "\nback-test from " + std::to_string(tested.origins) + " times:\n" +
           columns({"WHAT", "HORIZON", "FORECAST", "CAME TRUE", "FORECASTS"}, rows, 1);
}

/// What a forecast is made from and what it says.
struct Outlook {
    PriceHistory history;
    std::vector<LinearAccount> accounts;
    std::vector<AccountForecast> forecasts;
    std::vector<AccountId> left_out;
    std::optional<Backtest> tested;
};

Result<Outlook> look_ahead(
    const RoundView& view, const ForecastOptions& options, const ForecastSettings& settings
) {
    MARGRAVE_TRY(const auto span, parse_span(options.last));
    MARGRAVE_TRY(const auto step, parse_span(options.step));
    MARGRAVE_TRY(const auto rounds, recent_rounds(*view.database, span));
    Outlook out;
    MARGRAVE_TRY(out.history, make_history(rounds, view.round->parameters, step));
    for (const margin::Evaluation& evaluation : view.round->evaluations) {
        auto account = linear_account(evaluation.holdings, view.round->parameters, out.history);
        if (account) {
            out.accounts.push_back(*std::move(account));
        } else {
            out.left_out.push_back(evaluation.state.account);
        }
    }
    MARGRAVE_TRY(out.forecasts, forecast(out.history, out.accounts, settings));
    if (options.backtest) {
        MARGRAVE_TRY(out.tested, backtest(out.history, out.accounts, settings));
    }
    return out;
}

json outlook_json(const RoundView& view, const Outlook& outlook, const ForecastSettings& settings) {
    json out = json::object();
    out["round"] = std::to_string(view.round->attestation.round.value);
    out["method"] = "filtered historical simulation, block bootstrap";
    out["seed"] = std::to_string(settings.seed);
    out["paths"] = std::to_string(settings.paths);
    out["block"] = std::to_string(settings.block);
    out["step"] = std::to_string(outlook.history.step_s);
    out["steps"] = std::to_string(outlook.history.steps());
    out["assets"] = outlook.history.assets;
    out["accounts"] = json::array();
    for (const AccountForecast& row : outlook.forecasts) {
        out["accounts"].push_back(
            {{"account", to_hex(row.account)},
             {"call", by_horizon(row.call, settings.horizons_s)},
             {"liquidation", by_horizon(row.liquidation, settings.horizons_s)}}
        );
    }
    out["leftOut"] = json::array();
    for (const AccountId& account : outlook.left_out) {
        out["leftOut"].push_back(to_hex(account));
    }
    out["backtest"] = outlook.tested ? backtest_json(*outlook.tested, settings) : json(nullptr);
    return out;
}

std::string outlook_text(const Outlook& outlook, const ForecastSettings& settings) {
    std::vector<std::string> head{"ACCOUNT"};
    for (const char* what : {"CALL ", "LIQUIDATION "}) {
        for (const std::uint64_t horizon : settings.horizons_s) {
            head.push_back(what + span_text(horizon));
        }
    }
    std::vector<std::vector<std::string>> rows;
    for (const AccountForecast& row : outlook.forecasts) {
        std::vector<std::string> cells{to_hex(row.account)};
        for (const std::vector<double>* values : {&row.call, &row.liquidation}) {
            for (const double value : *values) {
                cells.push_back(percent(value));
            }
        }
        rows.push_back(std::move(cells));
    }
    std::string out = columns(head, rows, 1);
    for (const AccountId& account : outlook.left_out) {
        out += to_hex(account) + "  no forecast: an asset without price history, or a position\n";
    }
    return out + (outlook.tested ? backtest_text(*outlook.tested) : "");
}

Result<int> run_forecast(Context& context, const ForecastOptions& options) {
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    ForecastSettings settings;
    settings.seed = options.seed;
    settings.paths = options.paths;
    MARGRAVE_TRY(const auto outlook, look_ahead(view, options, settings));
    print(context, outlook_text(outlook, settings), outlook_json(view, outlook, settings));
    const std::uint64_t seen = outlook.history.steps() * outlook.history.step_s;
    if (seen < settings.horizons_s.back()) {
        advise(
            context,
            "note: there are only " + span_text(seen) +
                " of prices; a horizon beyond that repeats what was seen and knows no worse"
        );
    }
    return 0;
}

}  // namespace

void add_risk_forecast(CLI::App& risk, Context& context) {
    CLI::App* command = risk.add_subcommand(
        "forecast", "Probability of a margin call and a liquidation in 1 h, 24 h and 7 d"
    );
    const auto options = std::make_shared<ForecastOptions>();
    command->add_option("--last", options->last, "Price history to use (default 30d)")
        ->type_name("SPAN");
    command->add_option("--step", options->step, "Step of the price grid (default 5m)")
        ->type_name("SPAN");
    command->add_option("--paths", options->paths, "Paths that are drawn (default 2000)")
        ->type_name("N")
        ->check(CLI::Range(100, 100'000).description(""));
    command->add_option("--seed", options->seed, "The same seed gives the same numbers (default 1)")
        ->type_name("N");
    command->add_flag("--backtest", options->backtest, "Also say how earlier forecasts came true");
    on_run(*command, context, [options](Context& c) { return run_forecast(c, *options); });
}

}  // namespace margrave::relayer
