// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/risk.hpp"
#include "relayer/commands/ticker.hpp"
#include "relayer/risk/forecast.hpp"
#include "relayer/risk/stress.hpp"
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
    std::uint64_t work{ForecastSettings{}.work};
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

json coverage_json(const Coverage& coverage) {
    return {
        {"test", "proportion of failures"},
        {"forecasts", std::to_string(coverage.forecasts)},
        {"misses", std::to_string(coverage.misses)},
        {"ratio", ratio(coverage.ratio)},
        {"p", ratio(coverage.p)}};
}

json events_json(const Backtest::Scored& scored) {
    json out = json::array();
    for (const Backtest::Events& row : scored.rows) {
        out.push_back(
            {{"horizon", std::to_string(row.horizon_s)},
             {"low", ratio(row.low)},
             {"high", ratio(row.high)},
             {"forecast", ratio(row.forecast)},
             {"hitRate", ratio(row.hit_rate)},
             {"forecasts", std::to_string(row.forecasts)}}
        );
    }
    return out;
}

// Of horizons with a forecast.
json scores_json(
    const Backtest::Scored& scored,
    const std::vector<std::uint64_t>& horizons,
    double Backtest::Score::*which
) {
    json out = json::object();
    for (std::size_t h = 0; h < scored.scores.size(); ++h) {
        if (scored.scores[h].brier >= 0) {
            out[std::to_string(horizons[h])] = ratio(scored.scores[h].*which);
        }
    }
    return out;
}

json backtest_json(const Backtest& tested, const ForecastSettings& settings) {
    json out = json::object();
    out["origins"] = std::to_string(tested.origins);
    out["accounts"] = std::to_string(tested.accounts);
    out["quantiles"] = json::array();
    for (const Backtest::Quantile& row : tested.quantiles) {
        out["quantiles"].push_back(
            {{"asset", row.asset},
             {"horizon", std::to_string(row.horizon_s)},
             {"level", ratio(row.level)},
             {"hitRate", ratio(row.hit_rate)},
             {"forecasts", std::to_string(row.forecasts)},
             {"coverage", coverage_json(row.coverage)}}
        );
    }
    out["calls"] = events_json(tested.calls);
    out["liquidations"] = events_json(tested.liquidations);
    const auto& horizons = settings.horizons_s;
    out["brier"] = scores_json(tested.calls, horizons, &Backtest::Score::brier);
    out["brierOfConstant"] = scores_json(tested.calls, horizons, &Backtest::Score::constant);
    out["liquidationBrier"] = scores_json(tested.liquidations, horizons, &Backtest::Score::brier);
    out["liquidationBrierOfConstant"] =
        scores_json(tested.liquidations, horizons, &Backtest::Score::constant);
    out["everySteps"] = json::object();
    for (std::size_t h = 0; h < tested.every.size(); ++h) {
        out["everySteps"][std::to_string(horizons[h])] = std::to_string(tested.every[h]);
    }
    return out;
}

using TableRows = std::vector<std::vector<std::string>>;

void add_events(TableRows& rows, const std::string& what, const Backtest::Scored& scored) {
    for (const Backtest::Events& row : scored.rows) {
        rows.push_back(
            {what + ", forecast " + percent(row.low) + " to " + percent(row.high),
             span_text(row.horizon_s),
             percent(row.forecast),
             percent(row.hit_rate),
             std::to_string(row.forecasts),
             ""}
        );
    }
}

void add_scores(
    std::string& out,
    const std::string& what,
    const Backtest::Scored& scored,
    const std::vector<std::uint64_t>& horizons
) {
    for (std::size_t h = 0; h < scored.scores.size(); ++h) {
        const Backtest::Score& score = scored.scores[h];
        if (score.brier >= 0) {
            out += "Brier score of " + what + " within " + span_text(horizons[h]) + ": " +
                   ratio(score.brier) +
                   "; of the best constant forecast: " + ratio(score.constant) + "\n";
        }
    }
}

std::string backtest_text(const Backtest& tested, const ForecastSettings& settings) {
    TableRows rows;
    for (const Backtest::Quantile& row : tested.quantiles) {
        rows.push_back(
            {row.asset + " below its " + percent(row.level) + " quantile",
             span_text(row.horizon_s),
             percent(row.level),
             percent(row.hit_rate),
             std::to_string(row.forecasts),
             std::to_string(row.coverage.misses) + " of " + std::to_string(row.coverage.forecasts) +
                 ", p " + ratio(row.coverage.p)}
        );
    }
    add_events(rows, "margin call", tested.calls);
    add_events(rows, "liquidation", tested.liquidations);
    if (rows.empty()) {
        return "\nback-test: the history is too short to hold one horizon after the first " +
               std::to_string(kReturnsMin) + " steps\n";
    }
    std::string out =
        "\nback-test from " + std::to_string(tested.origins) + " times, " +
        std::to_string(tested.accounts) + " accounts:\n" +
        columns(
            {"WHAT", "HORIZON", "FORECAST", "CAME TRUE", "FORECASTS", "COVERAGE (KUPIEC)"}, rows, 1
        );
    add_scores(out, "calls", tested.calls, settings.horizons_s);
    add_scores(out, "liquidations", tested.liquidations, settings.horizons_s);
    return out;
}

/// What a forecast is made from and what it says.
struct Outlook {
    PriceHistory history;
    Forecast forecast;
    std::vector<LeftOut> left_out;
    std::optional<Backtest> tested;
};

Result<Outlook> look_ahead(
    const RoundView& view, const ForecastOptions& options, const ForecastSettings& settings
) {
    MARGRAVE_TRY(const auto span, parse_span(options.last));
    MARGRAVE_TRY(const auto step, parse_span(options.step));
    MARGRAVE_TRY(const auto rounds, recent_rounds(*view.database, span));
    Outlook out;
    const margin::Parameters& parameters = view.round->parameters;
    MARGRAVE_TRY(out.history, make_history(rounds, parameters, step));
    const margin::StressBook all = stress_book(*view.round, view.settings.genesis.hub);
    ForecastBook book = forecast_book(all, parameters, out.history);
    MARGRAVE_TRY(out.forecast, forecast(out.history, book, settings));
    if (options.backtest) {
        MARGRAVE_TRY(out.tested, backtest(out.history, book, settings));
    }
    out.left_out = std::move(book.left_out);
    return out;
}

json effort_json(const Effort& effort) {
    return {
        {"accounts", std::to_string(effort.accounts)},
        {"paths", std::to_string(effort.paths)},
        {"everySteps", std::to_string(effort.every)}};
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
    out["linear"] = effort_json(outlook.forecast.linear);
    out["engine"] = effort_json(outlook.forecast.engine);
    out["accounts"] = json::array();
    for (const AccountForecast& row : outlook.forecast.accounts) {
        out["accounts"].push_back(
            {{"account", to_hex(row.account)},
             {"by", row.by_engine ? "engine" : "linear"},
             {"call", by_horizon(row.call, settings.horizons_s)},
             {"liquidation", by_horizon(row.liquidation, settings.horizons_s)}}
        );
    }
    out["leftOut"] = json::array();
    out["leftOutWhy"] = json::object();
    for (const LeftOut& row : outlook.left_out) {
        out["leftOut"].push_back(to_hex(row.account));
        out["leftOutWhy"][to_hex(row.account)] = row.why;
    }
    out["backtest"] = outlook.tested ? backtest_json(*outlook.tested, settings) : json(nullptr);
    return out;
}

// How the accounts of one kind were looked at, where that is not as asked.
std::string effort_text(
    const Effort& effort, const std::string& who, const ForecastSettings& settings
) {
    if (effort.accounts == 0 || (effort.paths == settings.paths && effort.every == 1)) {
        return {};
    }
    std::string out = std::to_string(effort.accounts) + " accounts " + who + ": " +
                      std::to_string(effort.paths) + " paths";
    if (effort.every != 1) {
        out += ", looked at every " + std::to_string(effort.every) +
               " steps, so what lasts shorter may be missed";
    }
    return out + " (--work allows more)\n";
}

std::string outlook_text(const Outlook& outlook, const ForecastSettings& settings) {
    std::vector<std::string> head{"ACCOUNT", "BY"};
    for (const char* what : {"CALL ", "LIQUIDATION "}) {
        for (const std::uint64_t horizon : settings.horizons_s) {
            head.push_back(what + span_text(horizon));
        }
    }
    TableRows rows;
    for (const AccountForecast& row : outlook.forecast.accounts) {
        std::vector<std::string> cells{to_hex(row.account), row.by_engine ? "engine" : "linear"};
        for (const std::vector<double>* values : {&row.call, &row.liquidation}) {
            for (const double value : *values) {
                cells.push_back(percent(value));
            }
        }
        rows.push_back(std::move(cells));
    }
    std::string out = columns(head, rows, 2);
    for (const LeftOut& row : outlook.left_out) {
        out += to_hex(row.account) + "  no forecast, it cannot be valued: " + row.why + "\n";
    }
    out += effort_text(outlook.forecast.linear, "by linear sums", settings);
    out += effort_text(outlook.forecast.engine, "by the engine", settings);
    return out + (outlook.tested ? backtest_text(*outlook.tested, settings) : "");
}

Result<int> run_forecast(Context& context, const ForecastOptions& options) {
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    ForecastSettings settings;
    settings.seed = options.seed;
    settings.paths = options.paths;
    settings.work = options.work;
    Ticker ticker(context);
    settings.progress = ticker.pace();
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
    command
        ->add_option("--work", options->work, "Most values that each part may take (default 2e8)")
        ->type_name("N")
        ->check(CLI::PositiveNumber.description(""));
    command->add_option("--seed", options->seed, "The same seed gives the same numbers (default 1)")
        ->type_name("N");
    command->add_flag("--backtest", options->backtest, "Also say how earlier forecasts came true");
    on_run(*command, context, [options](Context& c) { return run_forecast(c, *options); });
}

}  // namespace margrave::relayer
