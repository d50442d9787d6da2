// SPDX-License-Identifier: Apache-2.0
#include "infra/files.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/risk.hpp"
#include "relayer/risk/report.hpp"
#include "relayer/risk/scenarios.hpp"
#include "relayer/risk/stress.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>

namespace margrave::relayer {
namespace {

constexpr unsigned kReportMode = 0640;

struct ReportOptions {
    std::string out;
    std::string last{"7d"};
    StressOptions stress;
};

Result<int> run_report(Context& context, const ReportOptions& options) {
    MARGRAVE_TRY(const auto span, parse_span(options.last));
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    const ReplayedRound& round = *view.round;
    MARGRAVE_TRY(const auto scenarios, scenarios_of(context, options.stress, round));
    ReportInput input{round, view.settings.node_name, {}, !scenarios.depth.has_value(), {}};
    const margin::StressBook book = stress_book(round, view.settings.genesis.hub);
    const margin::Depth depth = scenarios.depth ? *scenarios.depth : margin::built_in_depth();
    for (const margin::StressShock& shock : scenarios.shocks) {
        MARGRAVE_TRY(auto result, margin::stress(book, round.parameters, shock, depth));
        input.stress.push_back(std::move(result));
    }
    MARGRAVE_TRY(const auto rounds, recent_rounds(*view.database, span));
    // Some five hundred points are more than can be seen.
    const std::uint64_t seen = rounds.until().value - rounds.from().value;
    const std::uint64_t step = std::max<std::uint64_t>(seen / 500, 1);
    MARGRAVE_TRY(input.history, make_history(rounds, round.parameters, step));
    const std::string html = report_html(input);
    MARGRAVE_TRY(infra::write_file_atomic(options.out, html, kReportMode));
    nlohmann::json document = nlohmann::json::object();
    document["report"] = options.out;
    document["bytes"] = std::to_string(html.size());
    document["round"] = std::to_string(round.attestation.round.value);
    document["accounts"] = std::to_string(round.evaluations.size());
    document["scenarios"] = std::to_string(input.stress.size());
    print(context, "wrote " + options.out + "\n", document);
    return 0;
}

}  // namespace

void add_risk_report(CLI::App& risk, Context& context) {
    CLI::App* command = risk.add_subcommand(
        "report", "One HTML page: health, stress, largest accounts, collateral, prices"
    );
    const auto options = std::make_shared<ReportOptions>();
    command->add_option("--out", options->out, "File to write; an older report is replaced")
        ->required()
        ->type_name("FILE");
    command->add_option("--last", options->last, "How far back prices are drawn (default 7d)")
        ->type_name("SPAN");
    command->add_option("--scenarios", options->stress.file, "As for stress")->type_name("FILE");
    command->add_flag("--no-builtin", options->stress.no_built_in, "As for stress");
    on_run(*command, context, [options](Context& c) { return run_report(c, *options); });
}

}  // namespace margrave::relayer
