// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"
#include "core/keccak.hpp"
#include "margin/parameters.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace margrave::relayer {
namespace {

using nlohmann::json;

Result<config::Loaded> load_clean(Context& context) {
    config::Loaded loaded = config::load(context.config_file);
    if (loaded.problems.empty()) {
        return loaded;
    }
    const std::size_t count = loaded.problems.size();
    context.problems = std::move(loaded.problems);
    return fail(
        Errc::kConfig,
        std::to_string(count) + (count == 1 ? " problem in " : " problems in ") +
            context.config_file.string()
    );
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

json notes_json(const std::vector<config::Problem>& notes) {
    json out = json::array();
    for (const config::Problem& note : notes) {
        out.push_back({{"pointer", note.pointer}, {"what", note.what}});
    }
    return out;
}

Result<int> check(Context& context) {
    MARGRAVE_TRY(const config::Loaded loaded, load_clean(context));
    const config::Settings& settings = loaded.settings;
    for (const config::Problem& note : loaded.notes) {
        advise(context, "note: " + note.pointer + ": " + note.what);
    }
    const std::string network = to_hex(settings.genesis.network());
    const std::string parameters = to_hex(keccak256(margin::canonical(settings.parameters).dump()));
    const std::string contracts = settings.deployed ? "known" : "not deployed yet";
    const std::size_t signers = settings.genesis.signers.size();
    const std::string human = "ok: " + counted(settings.chains.size(), "chain") + ", " +
                              counted(settings.parameters.assets.size(), "asset") + ", " +
                              std::to_string(settings.genesis.threshold) + " of " +
                              counted(signers, "signer") + ", contracts " + contracts +
                              "\nnetwork    " + network + "\nparameters " + parameters + "\n";
    print(
        context,
        human,
        {{"ok", true},
         {"config", settings.file.string()},
         {"network", network},
         {"parameters", parameters},
         {"chains", std::to_string(settings.chains.size())},
         {"assets", std::to_string(settings.parameters.assets.size())},
         {"signers", std::to_string(signers)},
         {"threshold", std::to_string(settings.genesis.threshold)},
         {"deployed", settings.deployed},
         {"notes", notes_json(loaded.notes)}}
    );
    return 0;
}

Result<int> show(Context& context, bool effective) {
    MARGRAVE_TRY(const config::Loaded loaded, load_clean(context));
    const std::string& text = effective ? loaded.effective : loaded.written;
    json document = {{"file", loaded.settings.file.string()}, {"config", json::parse(text)}};
    if (effective) {
        document["defaults"] = loaded.defaulted;
    }
    print(context, text + "\n", document);
    return 0;
}

Result<int> schema(Context& context) {
    const std::string text = config::json_schema();
    print(context, text, json::parse(text));
    return 0;
}

Result<int> table(Context& context) {
    const std::string text = config::markdown_table();
    print(context, text, {{"markdown", text}});
    return 0;
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
    CLI::App* config = app.add_subcommand("config", "Check and show the config");
    on_run(
        *config->add_subcommand("check", "Every problem of the config at once; no network is used"),
        context,
        check
    );
    CLI::App* shown = config->add_subcommand("show", "The config without the secret parts of URLs");
    const auto effective = std::make_shared<bool>(false);
    shown->add_flag("--effective", *effective, "With every default filled in");
    on_run(*shown, context, [effective](Context& c) { return show(c, *effective); });
    on_run(*config->add_subcommand("schema", "JSON Schema for editors"), context, schema);
    on_run(*config->add_subcommand("table", "Every setting as a Markdown table"), context, table);
}

}  // namespace margrave::relayer
