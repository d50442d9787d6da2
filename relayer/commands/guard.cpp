// SPDX-License-Identifier: Apache-2.0
#include "store/guard.hpp"

#include "infra/files.hpp"
#include "infra/strict_json.hpp"
#include "infra/unix_client.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/new_file.hpp"
#include "relayer/guard_file.hpp"
#include "relayer/guard_status.hpp"
#include "relayer/scribe.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>
#include <sstream>

namespace margrave::relayer {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kGuardAnswer{5000};
constexpr std::size_t kGuardFileBytes = std::size_t{256} << 20U;
constexpr unsigned kGuardFileMode = 0600;

struct GuardOptions {
    std::string file;
    std::string reason;
    std::uint64_t from{0};
    bool minimal{false};
    bool close{false};
};

store::GuardPlace place_of(const config::Settings& settings) {
    return {settings.guard.dir, settings.guard.mark, settings.genesis.network()};
}

/// That there is one: opening it to write would make it.
Result<void> check_there(const config::Settings& settings) {
    const auto guard = store::SigningGuard::look(place_of(settings));
    return guard ? ok() : Result<void>(guard.error());
}

/// While the daemon has it, the daemon tells.
Result<json> ask_daemon(const config::Settings& settings) {
    MARGRAVE_TRY(
        auto line,
        infra::unix_request(settings.admin_socket, R"({"method":"status"})", kGuardAnswer)
    );
    MARGRAVE_TRY(const auto status, infra::parse_strict(line, {}));
    if (!status.is_object() || !status.contains("guard")) {
        return fail(Errc::kInvalid, "the daemon's status has no guard");
    }
    return status.at("guard");
}

std::string status_text(const json& status) {
    const auto text = [&status](const char* name) {
        return status.at(name).get<std::string>();
    };
    std::ostringstream out;
    out << text("dir") << "  mark " << text("mark") << '\n'
        << "records " << text("records") << "  statements " << text("statements") << "  watermarks "
        << text("watermarks") << "  subjects " << text("subjects") << '\n'
        << "machine " << text("machine") << "  adoptions " << text("adoptions");
    if (!text("adoptedBecause").empty()) {
        out << " (" << text("adoptedBecause") << ')';
    }
    out << '\n';
    for (const json& row : status.at("rounds")) {
        out << "signer " << row.at("signer").get<std::string>() << "  last round "
            << row.at("round").get<std::string>() << "  digest "
            << row.at("digest").get<std::string>() << '\n';
    }
    out << "silence " << text("silence") << '\n';
    out << (text("closed").empty() ? "signs" : "closed: " + text("closed")) << '\n';
    return out.str();
}

Result<int> show_guard(Context& context, const GuardOptions& /*options*/) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    const auto guard = store::SigningGuard::look(place_of(settings));
    json status;
    if (guard) {
        MARGRAVE_TRY(const auto row, guard_status(*guard.value(), settings.guard, "not running"));
        MARGRAVE_TRY(status, infra::parse_strict(row.dump(), {}));
    } else if (guard.error().code == Errc::kLocked) {
        MARGRAVE_TRY(status, ask_daemon(settings));
    } else {
        return guard.error();
    }
    print(context, status_text(status), status);
    return 0;
}

Result<int> export_guard(Context& context, const GuardOptions& options) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(auto lock, infra::lock_file(settings.data_dir / "lock"));
    if (options.close && options.reason.empty()) {
        return fail(Errc::kUsage, "--close needs --reason \"...\": to whom it is handed over");
    }
    // Before anything is closed for a file that then cannot be written.
    if (std::filesystem::exists(options.file)) {
        return fail(Errc::kUsage, options.file + " exists; name a new file");
    }
    MARGRAVE_TRY(check_there(settings));
    MARGRAVE_TRY(
        auto guard,
        options.close ? store::SigningGuard::open(place_of(settings))
                      : store::SigningGuard::look(place_of(settings))
    );
    if (options.close) {
        MARGRAVE_TRY(guard->close(Hash32{}, 0, options.reason));
    }
    GuardFile file;
    file.network = settings.genesis.network();
    MARGRAVE_TRY(file.entries, guard->entries(options.minimal));
    MARGRAVE_TRY(
        write_new_file(options.file, write_guard_file(file, options.minimal), kGuardFileMode)
    );
    const std::string count = std::to_string(file.entries.size());
    print(
        context,
        options.file + ": " + count + " entries\n",
        {{"file", options.file},
         {"entries", count},
         {"form", options.minimal ? "minimal" : "complete"},
         {"closed", options.close}}
    );
    if (!options.close) {
        advise(
            context,
            "note: this guard still signs; before another one signs with the key, stop it for ever "
            "with `margrave guard close --reason \"...\"` and export again"
        );
    }
    return 0;
}

Result<int> import_guard(Context& context, const GuardOptions& options) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(infra::make_dirs(settings.data_dir));
    MARGRAVE_TRY(auto lock, infra::lock_file(settings.data_dir / "lock"));
    MARGRAVE_TRY(const std::string text, infra::read_file(options.file, kGuardFileBytes));
    MARGRAVE_TRY(const auto file, read_guard_file(text, settings.genesis.network()));
    MARGRAVE_TRY(auto guard, store::SigningGuard::open(place_of(settings)));
    MARGRAVE_TRY(const auto done, guard->import(file.entries));
    const std::string told = std::to_string(done.told);
    const std::string raised = std::to_string(done.raised);
    const std::string known = std::to_string(done.known);
    print(
        context,
        told + " entries read, " + raised + " watermarks raised, " + known +
            " subjects known as far already\n",
        {{"entries", told}, {"raised", raised}, {"known", known}}
    );
    return 0;
}

Result<int> adopt_guard(Context& context, const GuardOptions& options) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(auto lock, infra::lock_file(settings.data_dir / "lock"));
    MARGRAVE_TRY(auto guard, store::SigningGuard::adopt(place_of(settings), options.reason));
    const std::string records = std::to_string(guard->state().records);
    print(
        context,
        "the guard in " + settings.guard.dir.string() + " with " + records +
            " records belongs to this machine and directory now\n",
        {{"dir", settings.guard.dir.string()}, {"records", records}, {"adopted", true}}
    );
    advise(context, "note: the next start compares it with the registries before it signs");
    return 0;
}

Result<int> close_guard(Context& context, const GuardOptions& options) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(auto lock, infra::lock_file(settings.data_dir / "lock"));
    MARGRAVE_TRY(check_there(settings));
    MARGRAVE_TRY(auto guard, store::SigningGuard::open(place_of(settings)));
    const Hash32 subject = options.from == 0 ? Hash32{} : attestation_subject();
    MARGRAVE_TRY(guard->close(subject, options.from, options.reason));
    const std::string closed = guard->state().closed;
    print(context, "closed: " + closed + "\n", {{"closed", closed}});
    return 0;
}

using GuardCommand = Result<int> (*)(Context&, const GuardOptions&);

CLI::App* add_guard_command(
    CLI::App& guard,
    Context& context,
    const std::shared_ptr<GuardOptions>& options,
    const char* name,
    const char* what,
    GuardCommand run
) {
    CLI::App* command = guard.add_subcommand(name, what);
    on_run(*command, context, [options, run](Context& c) { return run(c, *options); });
    return command;
}

}  // namespace

void add_guard(CLI::App& app, Context& context) {
    CLI::App* guard =
        app.add_subcommand("guard", "The signing guard: what it holds, hand it over, take it over");
    guard->require_subcommand(1);
    const auto options = std::make_shared<GuardOptions>();
    const auto add = [&](const char* name, const char* what, GuardCommand run) {
        return add_guard_command(*guard, context, options, name, what, run);
    };
    add("status", "What it holds, and why it would not sign", show_guard);
    CLI::App* out = add("export", "Write what was signed to a new file", export_guard);
    out->add_option("file", options->file, "New file")->required();
    out->add_flag("--minimal", options->minimal, "Only the newest epochs, without digests");
    out->add_flag("--close", options->close, "Sign nothing new here any more, for ever");
    out->add_option("--reason", options->reason, "With --close: to whom it is handed over");
    CLI::App* in =
        add("import", "Never sign what a file says was signed; only raises watermarks", import_guard
        );
    in->add_option("file", options->file, "File of `guard export`")->required();
    CLI::App* adopt = add("adopt", "Sign on with a guard that was moved here", adopt_guard);
    adopt->add_option("--reason", options->reason, "Kept in the guard")->required();
    CLI::App* close = add("close", "Sign nothing new here any more, for ever", close_guard);
    close->add_option("--reason", options->reason, "Kept in the guard")->required();
    close->add_option("--from", options->from, "Only attestations, from this round on")
        ->check(CLI::PositiveNumber.description(""));
}

}  // namespace margrave::relayer
