// SPDX-License-Identifier: Apache-2.0
#include "relayer/commands/risk.hpp"

#include "infra/files.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/risk/stress.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>

namespace margrave::relayer {
namespace {

constexpr std::size_t kScenarioBytesMax = std::size_t{4} << 20U;

Result<int> run_stress(Context& context, const StressOptions& options) {
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    const ReplayedRound& round = *view.round;
    MARGRAVE_TRY(const auto scenarios, scenarios_of(context, options, round));
    const margin::Depth depth = scenarios.depth ? *scenarios.depth : margin::built_in_depth();
    const margin::StressBook book = stress_book(round, view.settings.genesis.hub);
    std::vector<margin::StressResult> results;
    for (const margin::StressShock& shock : scenarios.shocks) {
        MARGRAVE_TRY(auto result, margin::stress(book, round.parameters, shock, depth));
        results.push_back(std::move(result));
    }
    nlohmann::json document = nlohmann::json::object();
    document["round"] = std::to_string(round.attestation.round.value);
    document["accounts"] = std::to_string(book.accounts.size());
    document["depthIsBuiltIn"] = !scenarios.depth.has_value();
    document["depth"] = depth_json(depth);
    document["scenarios"] = stress_json(results);
    print(context, stress_text(results), document);
    if (!scenarios.depth) {
        advise(
            context,
            "note: market depth is the built-in assumption (1 % after 1,000,000 USD, 10 % after "
            "10,000,000, 50 % after 100,000,000); state yours with --scenarios"
        );
    }
    return 0;
}

}  // namespace

Result<Scenarios> scenarios_of(
    Context& context, const StressOptions& options, const ReplayedRound& round
) {
    Scenarios out;
    if (!options.no_built_in) {
        out.shocks = margin::built_in_shocks(round.parameters, round.prices);
    }
    if (!options.file.empty()) {
        MARGRAVE_TRY(const auto text, infra::read_file(options.file, kScenarioBytesMax));
        Scenarios own = parse_scenarios(text, round.parameters, round.prices, context.problems);
        if (!context.problems.empty()) {
            const std::size_t count = context.problems.size();
            return fail(
                Errc::kUsage,
                std::to_string(count) + (count == 1 ? " problem in " : " problems in ") +
                    options.file
            );
        }
        out.shocks.insert(out.shocks.end(), own.shocks.begin(), own.shocks.end());
        out.depth = std::move(own.depth);
    }
    if (out.shocks.empty()) {
        return fail(
            Errc::kUsage,
            "there is no scenario: --no-builtin needs --scenarios FILE with at least one"
        );
    }
    return out;
}

void add_risk(CLI::App& app, Context& context) {
    CLI::App* risk = app.add_subcommand("risk", "What could happen to all accounts; signs nothing");
    risk->require_subcommand(1);
    CLI::App* stress = risk->add_subcommand(
        "stress", "Shocks with the liquidations that follow, until they settle"
    );
    const auto options = std::make_shared<StressOptions>();
    stress->add_option("--scenarios", options->file, "Your scenarios and market depth, as JSON")
        ->type_name("FILE");
    stress->add_flag("--no-builtin", options->no_built_in, "Only those of --scenarios");
    on_run(*stress, context, [options](Context& c) { return run_stress(c, *options); });
    add_risk_bad_debt(*risk, context);
    add_risk_replay(*risk, context);
    add_risk_forecast(*risk, context);
    add_risk_scenarios(*risk, context);
    add_risk_report(*risk, context);
}

}  // namespace margrave::relayer
