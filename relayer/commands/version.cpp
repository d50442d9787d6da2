// SPDX-License-Identifier: Apache-2.0
#include "relayer/version.hpp"

#include "margin/parameters.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <string>

namespace margrave::relayer {
namespace {

Result<int> show_version(Context& context) {
    const std::string engine = std::to_string(margin::kEngine);
    print(
        context,
        "margrave " + std::string(kVersion) + "\nengine " + engine + "\ncompiler " + __VERSION__ +
            "\n",
        {{"version", kVersion}, {"engine", engine}, {"compiler", __VERSION__}}
    );
    return 0;
}

}  // namespace

void add_version(CLI::App& app, Context& context) {
    on_run(
        *app.add_subcommand("version", "Version, risk engine and compiler of this binary"),
        context,
        show_version
    );
}

}  // namespace margrave::relayer
