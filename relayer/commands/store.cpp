// SPDX-License-Identifier: Apache-2.0
#include "infra/files.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/ticker.hpp"
#include "relayer/restore.hpp"
#include "store/incidents.hpp"
#include "store/inspect.hpp"
#include "store/ledger.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>
#include <sstream>

namespace margrave::relayer {

namespace {

using nlohmann::json;

constexpr int kFoundSomething = 4;

struct StoreOptions {
    store::DumpFilter filter;
    std::string prefix;
    std::string from;
    std::uint64_t limit{0};
};

/// What is found is printed as a result: a check that finds something did its work.
struct Findings {
    std::vector<std::string> rows;

    /// The error when it is none that a check is there to find.
    Result<void> note(const Result<void>& checked) {
        if (checked) {
            return ok();
        }
        const Errc code = checked.error().code;
        if (code != Errc::kCorrupt && code != Errc::kCheckFailed) {
            return checked;
        }
        rows.push_back(checked.error().detail);
        return ok();
    }
};

std::filesystem::path dir_of(const config::Settings& settings) {
    return settings.data_dir / "store";
}

/// Beside a running daemon: a reader with a directory of its own for what it writes.
Result<std::unique_ptr<store::Database>> open_to_read(const config::Settings& settings) {
    return store::Database::open({dir_of(settings), settings.genesis.network(), true});
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
    if (bytes < kMiB) {
        return std::to_string(bytes) + " B";
    }
    return std::to_string(bytes / kMiB) + "." + std::to_string(bytes % kMiB * 10 / kMiB) + " MiB";
}

/// A stop that cannot be read is null, and told.
json chains_json(
    const store::Database& database, const store::Ledger& ledger, std::optional<Error>* unread
) {
    json out = json::array();
    std::vector<ChainId> chains;
    for (const store::LedgerDefinition& one : ledger.ledgers()) {
        if (std::find(chains.begin(), chains.end(), one.asset.chain()) == chains.end()) {
            chains.push_back(one.asset.chain());
        }
    }
    const store::Incidents incidents(database);
    for (const ChainId& chain : chains) {
        const store::ChainState state = ledger.chain_state(chain);
        const auto stop = incidents.open_stop(chain);
        if (!stop) {
            *unread = stop.error();
        }
        out.push_back(
            {{"chain", chain.text()},
             {"head", state.head ? json(state.head->number.value) : json(nullptr)},
             {"final", state.final ? json(state.final->number.value) : json(nullptr)},
             {"events", state.vault.count + state.positions.count},
             {"reorgs", state.reorgs},
             {"halted", stop ? json(stop.value().has_value()) : json(nullptr)}}
        );
    }
    return out;
}

std::string report_text(const json& report, std::string_view good) {
    std::ostringstream out;
    out << "schema " << report.at("schema").get<std::string>() << "  decisions "
        << report.at("decisions") << "  journal entries " << report.at("entries")
        << "  log entries " << report.at("leaves") << '\n';
    for (const json& chain : report.at("chains")) {
        out << chain.at("chain").get<std::string>() << "  head " << chain.at("head").dump()
            << "  final " << chain.at("final").dump() << "  events " << chain.at("events")
            << (chain.at("halted").get<bool>() ? "  HALTED" : "") << '\n';
    }
    if (report.contains("restored") && !report.at("restored").is_null()) {
        out << "restored, not compared yet: " << report.at("restored").get<std::string>() << '\n';
    }
    for (const json& finding : report.at("findings")) {
        out << "FOUND  " << finding.get<std::string>() << '\n';
    }
    out << (report.at("ok").get<bool>() ? std::string(good) : "the store does not hold") << '\n';
    return out.str();
}

/// Ledgers balance, at the head of each chain.
Result<void> check_balances(const store::Ledger& ledger, Findings& findings) {
    for (const store::LedgerDefinition& one : ledger.ledgers()) {
        const auto head = ledger.chain_state(one.asset.chain()).head;
        if (!head) {
            continue;
        }
        const auto balance = ledger.trial_balance(one.id, head->number);
        MARGRAVE_TRY(findings.note(balance ? ok() : Result<void>(balance.error())));
    }
    return ok();
}

/// Everything that `check` and `verify` have in common; `whole` reads every row and replays.
Result<int> check_store(Context& context, bool whole) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    const std::filesystem::path dir = dir_of(settings);
    Findings findings;
    // Before the database, which goes on meanwhile: never behind what was acknowledged then.
    const auto acknowledged = store::read_mark(dir);
    MARGRAVE_TRY(const auto database, open_to_read(settings));
    const store::Ledger ledger(*database);
    if (acknowledged) {
        MARGRAVE_TRY(findings.note(store::check_decisions(*database, acknowledged.value())));
    } else {
        findings.rows.push_back(acknowledged.error().detail);
    }
    MARGRAVE_TRY(check_balances(ledger, findings));
    MARGRAVE_TRY(const auto stats, store::read_stats(*database));
    std::optional<Error> unread;
    json chains = chains_json(*database, ledger, &unread);
    MARGRAVE_TRY(findings.note(unread ? Result<void>(*unread) : ok()));
    json report = {
        {"dir", dir.string()},
        {"schema", stats.schema},
        {"decisions", stats.decisions},
        {"entries", stats.entries},
        {"leaves", stats.leaves},
        {"chains", std::move(chains)}};
    MARGRAVE_TRY(const auto restored, restored_mark(dir));
    report["restored"] = restored ? json(*restored) : json(nullptr);
    if (whole) {
        Ticker ticker(context);
        const auto rows = store::read_all_rows(*database, ticker.rows("rows read"));
        MARGRAVE_TRY(findings.note(rows ? ok() : Result<void>(rows.error())));
        report["rows"] = rows ? rows.value() : 0;
        MARGRAVE_TRY(
            findings.note(store::check_leaves(*database, ticker.rows("log entries checked")))
        );
        ticker.say("replaying the ledger from its events");
        MARGRAVE_TRY(findings.note(ledger.verify()));
    }
    report["findings"] = findings.rows;
    report["ok"] = findings.rows.empty();
    print(
        context,
        report_text(
            report,
            whole ? "ok: every row reads, every version follows from the events"
                  : "ok: it opens, nothing acknowledged is missing, every ledger balances"
        ),
        report
    );
    return findings.rows.empty() ? 0 : kFoundSomething;
}

Result<int> show_stats(Context& context) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    MARGRAVE_TRY(const auto database, open_to_read(settings));
    MARGRAVE_TRY(const auto stats, store::read_stats(*database));
    const store::Ledger ledger(*database);
    json families = json::array();
    std::ostringstream human;
    human << dir_of(settings).string() << "  schema " << stats.schema << "  on disk "
          << bytes_text(stats.disk_bytes) << "  free " << bytes_text(stats.free_bytes) << '\n'
          << "journal entries " << stats.entries << "  decisions " << stats.decisions
          << "  log entries " << stats.leaves << "  intents " << stats.intents << '\n';
    for (const store::FamilyStats& family : stats.families) {
        families.push_back(
            {{"name", family.name},
             {"rows", family.rows},
             {"fileBytes", family.file_bytes},
             {"files", family.files},
             {"memoryBytes", family.memory_bytes}}
        );
        human << "  " << family.name << "  about " << family.rows << " rows  "
              << bytes_text(family.file_bytes) << " in " << family.files << " files\n";
    }
    std::optional<Error> unread;
    json chains = chains_json(*database, ledger, &unread);
    const json document = {
        {"dir", dir_of(settings).string()},
        {"schema", stats.schema},
        {"diskBytes", stats.disk_bytes},
        {"freeBytes", stats.free_bytes},
        {"entries", stats.entries},
        {"decisions", stats.decisions},
        {"leaves", stats.leaves},
        {"intents", stats.intents},
        {"chains", std::move(chains)},
        {"families", std::move(families)}};
    print(context, human.str(), document);
    return 0;
}

Result<int> compact_store(Context& context) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    MARGRAVE_TRY(const auto lock, infra::lock_file(settings.data_dir / "lock"));
    // Opening it to write would make one.
    { MARGRAVE_TRY(const auto there, open_to_read(settings)); }
    MARGRAVE_TRY(
        const auto database,
        store::Database::open({dir_of(settings), settings.genesis.network(), false})
    );
    MARGRAVE_TRY(const auto before, store::read_stats(*database));
    const Ticker ticker(context);
    MARGRAVE_TRY(store::compact(*database, [&ticker](const std::string& family) {
        ticker.say("compacting " + family);
    }));
    MARGRAVE_TRY(const auto after, store::read_stats(*database));
    print(
        context,
        bytes_text(before.disk_bytes) + " -> " + bytes_text(after.disk_bytes) + "\n",
        {{"bytesBefore", before.disk_bytes}, {"bytesAfter", after.disk_bytes}}
    );
    return 0;
}

/// With or without 0x.
Result<Bytes> parse_key(const std::string& hex) {
    return parse_hex(hex.starts_with("0x") ? hex : "0x" + hex);
}

/// One JSON object a line in both forms: what programs read is what people read.
Result<int> dump_store(Context& context, StoreOptions options) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    MARGRAVE_TRY(options.filter.prefix, parse_key(options.prefix));
    MARGRAVE_TRY(options.filter.from, parse_key(options.from));
    MARGRAVE_TRY(const auto database, open_to_read(settings));
    std::uint64_t done = 0;
    const store::RowVisitor visit = [&](ByteView key, ByteView value) {
        context.out << R"({"key":")" << to_hex(key) << R"(","value":")" << to_hex(value) << "\"}\n";
        ++done;
        return (options.limit == 0 || done < options.limit) && context.out.good();
    };
    MARGRAVE_TRY(store::dump_rows(*database, options.filter, visit));
    return 0;
}

}  // namespace

void add_store(CLI::App& app, Context& context) {
    CLI::App* room = app.add_subcommand("store", "The ledger's database: check, back up, restore");
    room->require_subcommand(1);
    const auto add = [&](const char* name, const char* what, CommandFn run) {
        CLI::App* command = room->add_subcommand(name, what);
        on_run(*command, context, std::move(run));
        return command;
    };
    add("check",
        "Quick: nothing acknowledged is missing, every ledger balances; exit 4 if not",
        [](Context& c) { return check_store(c, /*whole=*/false); });
    add("verify",
        "Every row, every log entry, and the ledger again from its events; exit 4 if not",
        [](Context& c) { return check_store(c, /*whole=*/true); });
    add("stats", "Rows and bytes of each column family", show_stats);
    add("compact",
        "Rewrite the files without what was removed; the daemon must not run",
        compact_store);
    const auto options = std::make_shared<StoreOptions>();
    CLI::App* dump = add("dump", "Rows as JSON lines of hex", [options](Context& c) {
        return dump_store(c, *options);
    });
    dump->add_option("family", options->filter.family, "Column family (docs/ledger.md section 7)")
        ->required();
    dump->add_option("--prefix", options->prefix, "Only keys that start with these bytes, in hex");
    dump->add_option("--from", options->from, "Only keys from this one on, in hex");
    dump->add_option("--limit", options->limit, "At most so many rows");
    add_store_backup(*room, context);
}

}  // namespace margrave::relayer
