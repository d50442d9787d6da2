// SPDX-License-Identifier: Apache-2.0
#include "relayer/sync.hpp"

#include "infra/files.hpp"
#include "infra/system_clock.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/logs.hpp"
#include "relayer/detail/run_task.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>
#include <sstream>

namespace margrave::relayer {

namespace {

using nlohmann::json;

struct SyncOptions {
    std::string chain;
    bool exit_when_caught_up{false};
};

double seconds_of(std::chrono::milliseconds time) {
    return static_cast<double>(time.count()) / 1000;
}

// Measurements are numbers here, as whoever charts them wants them; amounts are texts as
// everywhere.
json report_json(const SyncReport& report) {
    json out = json::object();
    out["chain"] = report.chain.text();
    out["from_block"] = report.from ? json(report.from->value) : json(nullptr);
    out["to_block"] = report.head ? json(report.head->number.value) : json(nullptr);
    out["to_hash"] = report.head ? json(to_hex(report.head->hash)) : json(nullptr);
    out["final_block"] = report.final ? json(report.final->number.value) : json(nullptr);
    out["blocks"] = report.blocks;
    out["events"] = report.events;
    out["seconds"] = seconds_of(report.elapsed);
    out["cpu_seconds"] = seconds_of(report.cpu);
    out["peak_rss_bytes"] = report.peak_rss_bytes;
    out["totals"] = json::object();
    for (const auto& [asset, amount] : report.totals) {
        out["totals"][asset.text()] = amount.to_string();
    }
    out["unknown_assets"] = json::array();
    for (const Address& token : report.unknown_assets) {
        out["unknown_assets"].push_back(to_hex(token));
    }
    return out;
}

std::string report_text(const SyncReport& report) {
    std::ostringstream out;
    out << report.chain.text() << "  ";
    if (report.head) {
        out << "at block " << report.head->number.value;
    } else {
        out << "nothing read";
    }
    out << ", " << report.blocks << " blocks and " << report.events << " events in "
        << report.elapsed.count() << " ms\n";
    for (const auto& [asset, amount] : report.totals) {
        out << "    " << asset.text() << "  " << amount.to_string() << '\n';
    }
    for (const Address& token : report.unknown_assets) {
        out << "    " << to_hex(token) << "  is no asset of the config: its events count nothing\n";
    }
    return out.str();
}

/// `name` as one of the config's chains; absent for all.
Result<std::optional<ChainId>> chosen_chain(
    const config::Settings& settings, const std::string& name
) {
    if (name.empty()) {
        return std::optional<ChainId>{};
    }
    MARGRAVE_TRY(const auto chain, config::parse_chain_name(name));
    for (const chains::ChainSettings& one : settings.chains) {
        if (one.chain == chain) {
            return std::optional(chain);
        }
    }
    return fail(Errc::kUsage, chain.text() + " is no chain of " + settings.file.string());
}

Result<int> run_sync(Context& context, const SyncOptions& options) {
    MARGRAVE_TRY(auto settings, load_settings(context, config::Use::kFollow));
    Sync::Options what;
    MARGRAVE_TRY(what.chain, chosen_chain(settings, options.chain));
    what.exit_when_caught_up = options.exit_when_caught_up;
    MARGRAVE_TRY(auto logs, infra::LogSink::open(log_options(settings)));
    MARGRAVE_TRY(infra::make_dirs(settings.data_dir));
    MARGRAVE_TRY(auto lock, infra::lock_file(settings.data_dir / "lock"));
    boost::asio::io_context io(1);
    const infra::SystemClock clock;
    MARGRAVE_TRY(
        auto sync, Sync::make(io.get_executor(), std::move(settings), *logs, clock, std::move(what))
    );
    auto result = run_to_end(io, sync->run());
    logs->flush();
    MARGRAVE_TRY(std::move(result));
    MARGRAVE_TRY(const auto reports, sync->reports());
    for (const SyncReport& report : reports) {
        print(context, report_text(report), report_json(report));
    }
    return 0;
}

}  // namespace

void add_sync(CLI::App& app, Context& context) {
    CLI::App* sync = app.add_subcommand(
        "sync", "Fill the ledger from the chains; signs nothing, needs no key and no contracts"
    );
    const auto options = std::make_shared<SyncOptions>();
    sync->add_option("--chain", options->chain, "Chain: a name or a CAIP-2 id; all when absent");
    sync->add_flag(
        "--exit-when-caught-up",
        options->exit_when_caught_up,
        "End when the head of every chain is reached, and print what was read"
    );
    on_run(*sync, context, [options](Context& c) { return run_sync(c, *options); });
}

}  // namespace margrave::relayer
