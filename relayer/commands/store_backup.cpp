// SPDX-License-Identifier: Apache-2.0
#include "attest/leaf.hpp"
#include "infra/files.hpp"
#include "infra/strict_json.hpp"
#include "infra/unix_client.hpp"
#include "relayer/audit.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/ticker.hpp"
#include "relayer/replay.hpp"
#include "relayer/restore.hpp"
#include "store/backup.hpp"
#include "store/inspect.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>
#include <system_error>

namespace margrave::relayer {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A copy waits for a flush of what is in memory, on whatever disk that is.
constexpr std::chrono::milliseconds kCopyTimeout{600'000};

struct BackupOptions {
    std::string dir;
    std::uint32_t keep{0};
    std::uint32_t id{0};
    bool verify{false};
    std::string published;
    bool without_published{false};
};

/// A directory that goes when the work on it ends, however it ends.
class Scratch {
  public:
    explicit Scratch(fs::path dir)
        : dir_(std::move(dir)) {}

    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(dir_, ignored);
    }

    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

  private:
    fs::path dir_;
};

/// While the daemon has the store, the daemon copies it.
Result<void> ask_daemon(const config::Settings& settings, const Error& locked) {
    const auto line =
        infra::unix_request(settings.admin_socket, R"({"method":"copy-store"})", kCopyTimeout);
    if (!line) {
        return line.error().code == Errc::kNotFound ? locked : line.error();
    }
    MARGRAVE_TRY(const json answer, infra::parse_strict(line.value(), {}));
    if (answer.is_object() && answer.contains("copied")) {
        return ok();
    }
    return fail(Errc::kStore, "the daemon made no copy: " + line.value());
}

/// Leaves a copy of the store in `copy`, as of now.
Result<void> copy_now(const config::Settings& settings, const fs::path& copy) {
    const fs::path dir = settings.data_dir / "store";
    const auto lock = infra::lock_file(settings.data_dir / "lock");
    if (!lock) {
        return lock.error().code == Errc::kLocked ? ask_daemon(settings, lock.error())
                                                  : Result<void>(lock.error());
    }
    MARGRAVE_TRY(
        const auto database, store::Database::open({dir, settings.genesis.network(), false})
    );
    std::error_code ignored;
    fs::remove_all(copy, ignored);
    return store::copy_store(*database, copy);
}

std::string about_text(const store::Database& copy, const Hash32& network) {
    const auto stats = store::read_stats(copy);
    const json about = {
        {"network", to_hex(network)},
        {"schema", stats ? stats.value().schema : ""},
        {"decisions", stats ? stats.value().decisions : 0},
        {"entries", stats ? stats.value().entries : 0},
        {"leaves", copy.leaf_count()}};
    return about.dump();
}

json row_json(const store::BackupRow& row) {
    json out = {{"id", row.id}, {"time", row.at.value}, {"bytes", row.bytes}, {"files", row.files}};
    const json about = json::parse(row.about, nullptr, /*allow_exceptions=*/false);
    out["about"] = about.is_discarded() ? json(row.about) : about;
    return out;
}

std::string row_text(const store::BackupRow& row) {
    return "backup " + std::to_string(row.id) + "  at " + std::to_string(row.at.value) + "  " +
           std::to_string(row.bytes) + " bytes in " + std::to_string(row.files) + " files  " +
           row.about + "\n";
}

Result<int> back_up(Context& context, const BackupOptions& options) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    // Opening it to write would make one.
    {
        MARGRAVE_TRY(
            const auto there,
            store::Database::open({settings.data_dir / "store", settings.genesis.network(), true})
        );
    }
    MARGRAVE_TRY(const auto one_at_a_time, infra::lock_file(settings.data_dir / "backup.lock"));
    const fs::path copy = settings.data_dir / "store" / "copy";
    MARGRAVE_TRY(infra::make_dirs(options.dir));
    Ticker ticker(context);
    const Scratch scratch(copy);
    MARGRAVE_TRY(copy_now(settings, copy));
    store::BackupRow row;
    {
        const Hash32 network = settings.genesis.network();
        MARGRAVE_TRY(const auto database, store::open_copy({copy, network, false}));
        if (options.verify) {
            ticker.say("replaying the ledger from its events");
            const store::Ledger ledger(*database);
            MARGRAVE_TRY(store::read_all_rows(*database, ticker.rows("rows read")));
            MARGRAVE_TRY(store::check_leaves(*database, ticker.rows("log entries checked")));
            MARGRAVE_TRY(ledger.verify());
        }
        MARGRAVE_TRY(
            row,
            store::make_backup(
                *database, options.dir, about_text(*database, network), ticker.bytes("copied")
            )
        );
    }
    if (options.keep > 0) {
        MARGRAVE_TRY(store::forget_backups(options.dir, options.keep));
    }
    print(context, row_text(row), row_json(row));
    advise(context, "note: the signing guard is in no backup, and must not be restored from one");
    return 0;
}

Result<int> show_backups(Context& context, const BackupOptions& options) {
    MARGRAVE_TRY(const auto rows, store::list_backups(options.dir));
    json document = json::array();
    std::string human;
    for (const store::BackupRow& row : rows) {
        document.push_back(row_json(row));
        human += row_text(row);
    }
    print(context, human, document);
    return 0;
}

Result<store::BackupRow> choose(const BackupOptions& options) {
    MARGRAVE_TRY(const auto rows, store::list_backups(options.dir));
    if (options.id == 0) {
        return rows.back();
    }
    const auto at = std::ranges::find(rows, options.id, &store::BackupRow::id);
    if (at == rows.end()) {
        return fail(
            Errc::kNotFound,
            options.dir + " has no backup " + std::to_string(options.id) + ", the newest is " +
                std::to_string(rows.back().id)
        );
    }
    return *at;
}

/// The log that completes the backup: as named, else what was published from here.
Result<std::vector<Bytes>> published_entries(
    const config::Settings& settings, const BackupOptions& options, std::uint64_t leaves
) {
    if (options.without_published) {
        return std::vector<Bytes>{};
    }
    const fs::path dir =
        options.published.empty() ? settings.data_dir / "log" : fs::path(options.published);
    auto published = read_published(dir, settings.genesis.network());
    if (published) {
        return std::move(published.value().log.entries);
    }
    if (published.error().code == Errc::kNotFound && options.published.empty()) {
        if (leaves == 0) {
            return std::vector<Bytes>{};
        }
        return fail(
            Errc::kUsage,
            "the backup has " + std::to_string(leaves) +
                " log entries and there is no published log in " + dir.string() +
                ": name a copy of it with --published DIR, so that what was signed after the "
                "backup is known; or, where nothing was, say --without-published"
        );
    }
    return published.error();
}

/// Everything that can be compared without a chain.
Result<json> check_restored(
    const config::Settings& settings,
    const BackupOptions& options,
    store::Database& database,
    Ticker& ticker
) {
    const Hash32 network = settings.genesis.network();
    const store::Ledger ledger(database);
    json report = json::object();
    MARGRAVE_TRY(report["rows"], store::read_all_rows(database, ticker.rows("rows read")));
    MARGRAVE_TRY(store::check_leaves(database, ticker.rows("log entries checked")));
    ticker.say("replaying the ledger from its events");
    MARGRAVE_TRY(ledger.verify());
    report["replayedRound"] = nullptr;
    if (database.document("round/last")) {
        MARGRAVE_TRY(const auto replayed, replay_round(network, database, ledger, RoundNum{}));
        report["replayedRound"] = replayed.attestation.round.value;
    }
    report["leaves"] = database.leaf_count();
    MARGRAVE_TRY(const auto entries, published_entries(settings, options, database.leaf_count()));
    if (!options.without_published && entries.size() < database.leaf_count()) {
        return fail(
            Errc::kUnsafe,
            "the published log has " + std::to_string(entries.size()) + " entries and the backup " +
                std::to_string(database.leaf_count()) +
                ": it is older than the backup and cannot say what was signed after it; name the "
                "newest copy with --published DIR"
        );
    }
    MARGRAVE_TRY(const LogCompletion added, complete_from_log(database, ledger, network, entries));
    report["added"] = {
        {"leaves", added.leaves},
        {"attestations", added.attestations},
        {"releases", added.releases},
        {"seizures", added.seizures},
        {"refusals", added.refusals},
        {"halts", added.halts}};
    return report;
}

Result<int> restore(Context& context, const BackupOptions& options) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    MARGRAVE_TRY(infra::make_dirs(settings.data_dir));
    MARGRAVE_TRY(const auto lock, infra::lock_file(settings.data_dir / "lock"));
    const fs::path store_dir = settings.data_dir / "store";
    std::error_code error;
    if (fs::exists(store_dir, error) && !fs::is_empty(store_dir, error)) {
        return fail(
            Errc::kUsage,
            store_dir.string() +
                " is not empty: nothing is restored over what is there; move it away"
        );
    }
    MARGRAVE_TRY(const auto row, choose(options));
    // Made beside its place and then named, so that what has the name is whole.
    const fs::path making = settings.data_dir / "store.restoring";
    fs::remove_all(making, error);
    const Scratch scratch(making);
    Ticker ticker(context);
    ticker.say("restoring backup " + std::to_string(row.id));
    MARGRAVE_TRY(store::restore_backup(options.dir, row.id, making));
    json report;
    {
        MARGRAVE_TRY(
            const auto database, store::open_copy({making, settings.genesis.network(), false})
        );
        MARGRAVE_TRY(report, check_restored(settings, options, *database, ticker));
    }
    const std::string what =
        "backup " + std::to_string(row.id) + " of " + std::to_string(row.at.value);
    MARGRAVE_TRY(mark_restored(making, what));
    fs::remove(store_dir, error);
    fs::rename(making, store_dir, error);
    if (error) {
        return fail(Errc::kIo, "rename " + making.string() + ": " + error.message());
    }
    MARGRAVE_TRY(infra::sync_dir(settings.data_dir));
    report["backup"] = row.id;
    report["dir"] = store_dir.string();
    print(
        context,
        what + " is restored to " + store_dir.string() + ": " + report["rows"].dump() + " rows, " +
            report["leaves"].dump() + " log entries and " + report["added"]["leaves"].dump() +
            " more from the published log\n",
        report
    );
    advise(
        context,
        "note: the next start signs nothing before the ledger was read again from the chains and "
        "gave what was attested (docs/operating.md section 14)"
    );
    return 0;
}

}  // namespace

void add_store_backup(CLI::App& room, Context& context) {
    const auto options = std::make_shared<BackupOptions>();
    const auto add = [&](const char* name, const char* what, auto run) {
        CLI::App* command = room.add_subcommand(name, what);
        command->add_option("dir", options->dir, "Directory of backups")->required();
        on_run(*command, context, [options, run](Context& c) { return run(c, *options); });
        return command;
    };
    CLI::App* backup =
        add("backup", "Back up, also beside the running daemon, and read it back", back_up);
    backup->add_option("--keep", options->keep, "Then remove all but the newest so many")
        ->check(CLI::PositiveNumber.description(""));
    backup->add_flag("--verify", options->verify, "Before, check the copy as `store verify` does");
    add("backups", "What a directory of backups holds", show_backups);
    CLI::App* back = add("restore", "Bring back a backup to where no store is", restore);
    back->add_option("--id", options->id, "Which one; the newest when absent");
    back->add_option(
        "--published", options->published, "Published log that tells what was signed since"
    );
    back->add_flag(
        "--without-published", options->without_published, "There is no published log anywhere"
    );
}

}  // namespace margrave::relayer
