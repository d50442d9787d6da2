// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"

#include "config/suggest.hpp"
#include "relayer/version.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace margrave::relayer {
namespace {

using nlohmann::json;

// ExitCodes of docs/operating.md that do not come from an Errc.
constexpr int kOk = 0;

bool is_option(std::string_view argument) {
    return argument.size() > 1 && argument.front() == '-';
}

// "--confg=x" -> "--confg"
std::string option_name(std::string_view argument) {
    return std::string(argument.substr(0, argument.find('=')));
}

// The command line so far: "margrave config".
std::string spoken_name(const CLI::App& app) {
    const CLI::App* const parent = app.get_parent();
    return (parent == nullptr ? "" : spoken_name(*parent) + " ") + app.get_name();
}

const CLI::App& deepest(const CLI::App& app) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    return chosen.empty() ? app : deepest(*chosen.back());
}

std::vector<std::string> known_options(const CLI::App& app) {
    std::vector<std::string> out;
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
        for (const CLI::Option* option : at->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                out.push_back("--" + name);
            }
        }
    }
    return out;
}

std::vector<std::string> known_commands(const CLI::App& app) {
    std::vector<std::string> out;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        out.push_back(command->get_name());
    }
    return out;
}

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : ", ") + name;
    }
    return out;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
    const std::vector<std::string_view> candidates(known.begin(), known.end());
    const auto near = config::nearest(word, candidates);
    return near ? ", did you mean \"" + std::string(*near) + "\"?" : "";
}

// What nobody asked for, in the words of the command it came to. The value of an unknown option is
// not repeated.
std::string unknown_argument(const CLI::App& app, const std::string& argument) {
    const CLI::App& command = deepest(app);
    if (is_option(argument)) {
        const std::string name = option_name(argument);
        const std::string near = suggestion(name, known_options(command));
        return "unknown option \"" + name + "\"" +
               (near.empty() ? "; see " + spoken_name(command) + " --help" : near);
    }
    const std::vector<std::string> commands = known_commands(command);
    if (commands.empty()) {
        return "\"" + spoken_name(command) + "\" takes no argument \"" + argument + "\"";
    }
    const std::string near = suggestion(argument, commands);
    return "unknown command \"" + argument + "\"" +
           (near.empty() ? "; known are " + listed(commands) : near);
}

std::string needs_command(const CLI::App& command) {
    return "\"" + spoken_name(command) + "\" needs a command: " + listed(known_commands(command)) +
           "; see " + spoken_name(command) + " --help";
}

std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error) {
    const std::vector<std::string> unknown = app.remaining(true);
    if (!unknown.empty()) {
        return unknown_argument(app, unknown.front());
    }
    if (!known_commands(deepest(app)).empty() && error.get_name() == "RequiredError") {
        return needs_command(deepest(app));
    }
    std::string out = error.what();
    while (!out.empty() && out.back() == '\n') {
        out.pop_back();
    }
    return out;
}

json problems_json(const std::vector<config::Problem>& problems) {
    json out = json::array();
    for (const config::Problem& problem : problems) {
        out.push_back({{"pointer", problem.pointer}, {"what", problem.what}});
    }
    return out;
}

int report(Context& context, const Error& error) {
    if (context.json()) {
        const json document = {
            {"error",
             {{"code", to_string(error.code)},
              {"message", error.detail},
              {"problems", problems_json(context.problems)}}}};
        context.out << document.dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
    } else {
        for (const config::Problem& problem : context.problems) {
            context.err << (problem.pointer.empty() ? "" : problem.pointer + ": ") << problem.what
                        << "\n";
        }
        context.err << "margrave: " << error.detail << "\n";
    }
    return exit_code(error.code);
}

// A usage error may come before --output was read.
bool asks_for_json(int argc, const char* const* argv) {
    bool out = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument.starts_with("--output=")) {
            out = argument == "--output=json";
        } else if (argument == "--output" && i + 1 < argc) {
            out = std::string_view(argv[i + 1]) == "json";
        }
    }
    return out;
}

void add_globals(CLI::App& app, Context& context) {
    app.add_option("-c,--config", context.config_file, "Config file (default margrave.json)")
        ->envname("MARGRAVE_CONFIG")
        ->type_name("FILE");
    const std::map<std::string, Output> outputs = {
        {"human", Output::kHuman}, {"json", Output::kJson}};
    app.add_option("--output", context.output, "human or json")
        ->transform(CLI::CheckedTransformer(outputs).description(""))
        ->type_name("FORM");
    app.add_option("--log-level", context.log_level, "debug, info, warn, error or off")
        ->envname("MARGRAVE_LOG_LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}).description(""))
        ->type_name("LEVEL");
    app.add_option("--log-format", context.log_format, "auto, human or json")
        ->envname("MARGRAVE_LOG_FORMAT")
        ->check(CLI::IsMember({"auto", "human", "json"}).description(""))
        ->type_name("FORM");
    app.add_flag("-q,--quiet", context.quiet, "Results and errors only");
    app.set_version_flag("--version", "margrave " + std::string(kVersion));
}

Result<int> run_chosen(const CLI::App& app, Context& context) {
    if (context.command) {
        return context.command(context);
    }
    return fail(Errc::kUsage, needs_command(deepest(app)));
}

}  // namespace

void on_run(CLI::App& app, Context& context, CommandFn command) {
    auto shared = std::make_shared<CommandFn>(std::move(command));
    app.callback([&context, shared] { context.command = *shared; });
}

void print(Context& context, std::string_view human, const json& document) {
    if (context.json()) {
        context.out << document.dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
    } else {
        context.out << human;
    }
}

void advise(Context& context, std::string_view line) {
    if (!context.quiet && !context.json()) {
        context.err << line << "\n";
    }
}

Result<config::Settings> load_settings(Context& context, config::Use use) {
    config::Loaded loaded = config::load(context.config_file, use);
    if (!loaded.problems.empty()) {
        const std::size_t count = loaded.problems.size();
        context.problems = std::move(loaded.problems);
        return fail(
            Errc::kConfig,
            std::to_string(count) + (count == 1 ? " problem in " : " problems in ") +
                context.config_file.string()
        );
    }
    if (context.log_level) {
        loaded.settings.log_level = *context.log_level;
    }
    if (context.log_format) {
        loaded.settings.log_format = *context.log_format;
    }
    return std::move(loaded.settings);
}

int run_command_line(
    int argc,
    const char* const* argv,
    std::span<const AddCommand> commands,
    std::ostream& out,
    std::ostream& err
) {
    Context context(out, err);
    CLI::App app{"Margrave: attests cross-chain margin accounts.", "margrave"};
    app.fallthrough();
    app.footer("Exit codes and output formats: docs/operating.md");
    add_globals(app, context);
    for (const AddCommand add : commands) {
        add(app, context);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
            app.exit(error, out, err);
            return kOk;
        }
        if (asks_for_json(argc, argv)) {
            context.output = Output::kJson;
        }
        return report(context, fail(Errc::kUsage, usage_sentence(app, error)));
    }
    const Result<int> code = run_chosen(app, context);
    out.flush();
    return code ? code.value() : report(context, code.error());
}

}  // namespace margrave::relayer
