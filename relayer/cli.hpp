// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace margrave::relayer {

enum class Output : std::uint8_t { kHuman, kJson };

struct Context;

/// What a command does once its options are read. The value is the process exit code, 0 or, for a
/// command that printed its own findings, 4. An error is printed by the frame and ends the process
/// with `exit_code(error.code)`; `Context::problems` go with it.
using CommandFn = std::function<Result<int>(Context&)>;

/// The global options and the two streams. Owned by `run_command_line`; one thread.
struct Context {
    Context(std::ostream& results, std::ostream& errors)
        : out(results),
          err(errors) {}

    std::ostream& out;
    std::ostream& err;
    /// -c/--config or MARGRAVE_CONFIG.
    std::filesystem::path config_file{"margrave.json"};
    Output output{Output::kHuman};
    /// Absent unless given by flag or MARGRAVE_LOG_LEVEL / MARGRAVE_LOG_FORMAT; then they win over
    /// the config.
    std::optional<std::string> log_level;
    std::optional<std::string> log_format;
    /// -q: results and errors only, no advice.
    bool quiet{false};
    /// Printed one a line before the error that a command returns.
    std::vector<config::Problem> problems;
    /// The chosen command; set by `on_run`.
    CommandFn command;

    [[nodiscard]] bool json() const { return output == Output::kJson; }
};

/// Makes `command` what runs when the command line ends in `app`.
void on_run(CLI::App& app, Context& context, CommandFn command);

/// Prints one result: `document` on one line with --output json, else `human`, which brings its own
/// line ends.
void print(Context& context, std::string_view human, const nlohmann::json& document);
/// A line of advice for people; nothing with -q or --output json.
void advise(Context& context, std::string_view line);

/// What was typed where an argument or option was to be read: an error becomes kUsage and begins
/// with its name.
template <class T>
Result<T> as_usage(std::string_view name, Result<T> value) {
    if (value) {
        return value;
    }
    return fail(Errc::kUsage, std::string(name) + ": " + value.error().detail);
}

/// Loads the config named by -c. Its problems go to `context.problems` and make kConfig; flags and
/// environment already win over its log section.
Result<config::Settings> load_settings(Context& context, config::Use use = config::Use::kSign);

using AddCommand = void (*)(CLI::App& app, Context& context);

/// The whole program but its list of commands: reads the arguments, runs one command, prints what
/// went wrong, and returns the exit code (docs/operating.md).
int run_command_line(
    int argc,
    const char* const* argv,
    std::span<const AddCommand> commands,
    std::ostream& out,
    std::ostream& err
);

}  // namespace margrave::relayer
