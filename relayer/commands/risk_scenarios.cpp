// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/risk.hpp"
#include "relayer/risk/tail.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>

namespace margrave::relayer {
namespace {

using nlohmann::json;

struct ScenarioOptions {
    std::string asset;
    std::string last{"30d"};
    std::string step{"1d"};
    std::string level{"0.975"};
};

// One shock a line, so that a config that holds them can be read and compared.
std::string grid_text(const json& grid) {
    std::string out = "{\n  \"tail_level\": " + grid["tail_level"].dump() + ",\n  \"shocks\": [";
    std::string before = "\n    ";
    for (const json& shock : grid["shocks"]) {
        out += before + shock.dump();
        before = ",\n    ";
    }
    return out + "\n  ]\n}\n";
}

Result<int> run_scenarios(Context& context, const ScenarioOptions& options) {
    MARGRAVE_TRY(const auto span, parse_span(options.last));
    MARGRAVE_TRY(const auto step, parse_span(options.step));
    MARGRAVE_TRY(const auto level, parse_level(options.level));
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    MARGRAVE_TRY(const auto rounds, recent_rounds(*view.database, span));
    MARGRAVE_TRY(
        const auto moves, price_moves(rounds, view.round->parameters, options.asset, step)
    );
    const json grid = grid_json(moves, level);
    const json document = {
        {"round", std::to_string(view.round->attestation.round.value)},
        {"asset", moves.asset},
        {"from", std::to_string(moves.from)},
        {"until", std::to_string(moves.until)},
        {"step", std::to_string(moves.step_s)},
        {"moves", std::to_string(moves.factors.size())},
        {"grid", grid}};
    print(context, grid_text(grid), document);
    if (moves.until - moves.from + step < span) {
        advise(
            context,
            "note: the kept prices go back " + std::to_string(moves.until - moves.from) +
                " s, which is less than --last " + options.last
        );
    }
    advise(
        context,
        "note: these are two members of /markets/*/grid; they are signed parameters, so all "
        "operators take the same file"
    );
    return 0;
}

}  // namespace

void add_risk_scenarios(CLI::App& risk, Context& context) {
    CLI::App* command = risk.add_subcommand(
        "scenarios", "The kept prices of an asset as shocks for /markets/*/grid"
    );
    const auto options = std::make_shared<ScenarioOptions>();
    command->add_option("--asset", options->asset, "Name of the asset")
        ->required()
        ->type_name("NAME");
    command->add_option("--last", options->last, "Price history to use (default 30d)")
        ->type_name("SPAN");
    command->add_option("--step", options->step, "Time that one move takes (default 1d)")
        ->type_name("SPAN");
    command->add_option("--level", options->level, "Confidence of the tail (default 0.975)")
        ->type_name("DECIMAL");
    on_run(*command, context, [options](Context& c) { return run_scenarios(c, *options); });
}

}  // namespace margrave::relayer
