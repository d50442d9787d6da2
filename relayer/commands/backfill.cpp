// SPDX-License-Identifier: Apache-2.0
#include "relayer/backfill.hpp"

#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/logs.hpp"
#include "relayer/detail/run_task.hpp"
#include "store/database.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>
#include <sstream>

namespace margrave::relayer {

namespace {

using nlohmann::json;

constexpr int kCheckFoundSomething = 4;

struct BackfillOptions {
    std::string chain;
    std::optional<std::uint64_t> from;
    std::optional<std::uint64_t> to;
};

std::optional<BlockNum> block_of(const std::optional<std::uint64_t>& number) {
    return number ? std::optional(BlockNum(*number)) : std::nullopt;
}

json report_json(
    const ChainId& chain, const BackfillReport& report, std::chrono::milliseconds elapsed
) {
    json out = json::object();
    out["ok"] = report.findings_total == 0;
    out["chain"] = chain.text();
    out["from_block"] = report.from.value;
    out["to_block"] = report.to.value;
    out["blocks"] = report.blocks;
    out["events"] = report.events;
    out["seconds"] = static_cast<double>(elapsed.count()) / 1000;
    out["findings"] = json::array();
    for (const BackfillFinding& finding : report.findings) {
        json row = json::object();
        row["block"] = finding.block.value;
        row["what"] = finding.what;
        out["findings"].push_back(std::move(row));
    }
    out["findings_total"] = report.findings_total;
    return out;
}

std::string report_text(const ChainId& chain, const BackfillReport& report) {
    std::ostringstream out;
    for (const BackfillFinding& finding : report.findings) {
        out << "block " << finding.block.value << ": " << finding.what << '\n';
    }
    out << chain.text() << "  blocks " << report.from.value << " to " << report.to.value << ", "
        << report.events << " events: ";
    if (report.findings_total == 0) {
        out << "the ledger is what the chain says\n";
    } else {
        out << report.findings_total << " differences\n";
    }
    return out.str();
}

Result<chains::ChainSettings> chosen(const config::Settings& settings, const std::string& name) {
    MARGRAVE_TRY(const auto chain, config::parse_chain_name(name));
    for (const chains::ChainSettings& one : settings.chains) {
        if (one.chain == chain) {
            return one;
        }
    }
    return fail(Errc::kUsage, chain.text() + " is no chain of " + settings.file.string());
}

Result<int> run_backfill(Context& context, const BackfillOptions& options) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    MARGRAVE_TRY(auto chain, chosen(settings, options.chain));
    MARGRAVE_TRY(auto logs, infra::LogSink::open(log_options(settings)));
    const Hash32 network = settings.genesis.network();
    MARGRAVE_TRY(
        const auto database, store::Database::open({settings.data_dir / "store", network, true})
    );
    const store::Ledger ledger(*database);
    boost::asio::io_context io(1);
    const ChainId id = chain.chain;
    const infra::Logger log = logs->logger("chains");
    MARGRAVE_TRY(
        const auto adapter, chains::make_adapter(io.get_executor(), std::move(chain), log)
    );
    Backfill backfill(*adapter, *database, ledger, log);
    const auto started = std::chrono::steady_clock::now();
    auto result = run_to_end(io, backfill.run({block_of(options.from), block_of(options.to)}));
    logs->flush();
    MARGRAVE_TRY(const BackfillReport report, std::move(result));
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started
    );
    print(context, report_text(id, report), report_json(id, report, elapsed));
    return report.findings_total == 0 ? 0 : kCheckFoundSomething;
}

}  // namespace

void add_backfill(CLI::App& app, Context& context) {
    CLI::App* backfill = app.add_subcommand(
        "backfill", "Read final history again, prove it again and compare it with the ledger"
    );
    const auto options = std::make_shared<BackfillOptions>();
    backfill->add_option("--chain", options->chain, "Chain: a name or a CAIP-2 id")->required();
    backfill->add_option("--from", options->from, "First block; the ledger's first when absent");
    backfill->add_option("--to", options->to, "Last block; the ledger's final one when absent");
    on_run(*backfill, context, [options](Context& c) { return run_backfill(c, *options); });
}

}  // namespace margrave::relayer
