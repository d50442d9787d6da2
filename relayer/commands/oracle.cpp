// SPDX-License-Identifier: Apache-2.0
#include "infra/strict_json.hpp"
#include "infra/system_clock.hpp"
#include "oracle/kinds.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/detail/run_task.hpp"
#include "relayer/price_check.hpp"
#include "store/database.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <memory>
#include <sstream>

namespace margrave::relayer {

namespace {

using nlohmann::json;

constexpr int kFoundInPrices = 4;

struct OracleOptions {
    std::string asset;
};

Result<void> check_asset(const config::Settings& settings, const std::string& asset) {
    const auto& all = settings.oracle;
    if (asset.empty() ||
        std::ranges::find(all, asset, &oracle::AssetOracleSettings::name) != all.end()) {
        return ok();
    }
    return fail(Errc::kUsage, asset + " is no asset or reference of " + settings.file.string());
}

Result<int> list_sources(Context& context, const OracleOptions& options) {
    MARGRAVE_TRY(const auto settings, load_settings(context));
    MARGRAVE_TRY(check_asset(settings, options.asset));
    json rows = json::array();
    std::ostringstream human;
    human << std::left << std::setw(12) << "ASSET" << std::setw(20) << "SOURCE" << std::setw(12)
          << "KIND" << std::setw(8) << "QUOTE"
          << "MAKER\n";
    for (const oracle::AssetOracleSettings& asset : settings.oracle) {
        for (const oracle::SourceSettings& source : asset.sources) {
            if (!options.asset.empty() && asset.name != options.asset) {
                continue;
            }
            const std::string maker = oracle::maker_of(source);
            human << std::left << std::setw(12) << asset.name << std::setw(20) << source.name
                  << std::setw(12) << source.kind << std::setw(8) << source.quote << maker << '\n';
            rows.push_back(
                {{"asset", asset.name},
                 {"kind", source.kind},
                 {"maker", maker},
                 {"minSources", std::to_string(asset.min_sources)},
                 {"quote", source.quote},
                 {"reference", asset.assets.empty()},
                 {"source", source.name}}
            );
        }
    }
    print(context, human.str(), rows);
    return 0;
}

// What events told is in the ledger only, which a daemon may be writing. Null when no price needs
// it, or there is none yet.
Result<std::unique_ptr<store::Database>> open_ledger(const config::Settings& settings) {
    const std::filesystem::path dir = settings.data_dir / "store";
    if (chains_of_events(settings.oracle).empty() || !std::filesystem::exists(dir / "db")) {
        return std::unique_ptr<store::Database>{};
    }
    return store::Database::open({dir, settings.genesis.network(), true});
}

Result<PriceReport> read_now(Context& context, const OracleOptions& options, bool probe) {
    MARGRAVE_TRY(const auto settings, load_settings(context));
    MARGRAVE_TRY(check_asset(settings, options.asset));
    MARGRAVE_TRY(const auto database, open_ledger(settings));
    const auto ledger = database ? std::make_unique<store::Ledger>(*database) : nullptr;
    boost::asio::io_context io(1);
    const infra::SystemClock clock;
    return run_to_end(
        io,
        read_prices(io.get_executor(), settings, ledger.get(), options.asset, probe, clock.now())
    );
}

json findings_json(const std::vector<PriceFinding>& findings) {
    json out = json::array();
    for (const PriceFinding& finding : findings) {
        out.push_back({{"asset", finding.asset}, {"source", finding.source}, {"what", finding.what}}
        );
    }
    return out;
}

std::string findings_text(const std::vector<PriceFinding>& findings) {
    std::string out;
    for (const PriceFinding& finding : findings) {
        out += finding.asset + (finding.source.empty() ? "" : " " + finding.source) +
               (finding.asset.empty() ? "" : ": ") + finding.what + "\n";
    }
    return out;
}

json heads_json_of(const PriceReport& report) {
    json out = json::array();
    for (const auto& [chain, head] : report.heads) {
        out.push_back(
            {{"chain", chain.text()},
             {"hash", to_hex(head.hash)},
             {"number", std::to_string(head.number.value)},
             {"time", std::to_string(head.time.value)}}
        );
    }
    return out;
}

std::string decimal_of(const json& object, const char* name) {
    const auto value = object.contains(name) ? Money::parse_e18(object.at(name).get<std::string>())
                                             : Result<Money>(fail(Errc::kNotFound, "no price"));
    return value ? value.value().to_decimal() : "-";
}

// The price document, for people.
std::string prices_text(const json& document) {
    std::ostringstream out;
    for (const json& asset : document.at("assets")) {
        out << asset.at("name").get<std::string>() << "  " << decimal_of(asset, "price")
            << " USD  +- " << decimal_of(asset, "confidence") << "  "
            << asset.at("verdict").get<std::string>();
        const std::string why = asset.at("why").get<std::string>();
        out << (why.empty() ? "" : ": " + why) << '\n';
        for (std::size_t i = 0; i < asset.at("answers").size(); ++i) {
            const json& answer = asset.at("answers").at(i);
            const bool is_rate = answer.contains("rate");
            const std::string refusal = asset.at("refusals").at(i).get<std::string>();
            out << "    " << std::left << std::setw(20) << answer.at("source").get<std::string>()
                << std::setw(26) << decimal_of(answer, "price")
                << (is_rate ? decimal_of(answer, "rate") + " " +
                                  answer.at("quote").get<std::string>() + "  "
                            : "")
                << answer.at("origin").get<std::string>()
                << (refusal.empty() ? "" : "  refused: " + refusal) << '\n';
        }
    }
    return out.str();
}

Result<int> show_prices(Context& context, const OracleOptions& options) {
    MARGRAVE_TRY(const auto report, read_now(context, options, /*probe=*/false));
    MARGRAVE_TRY(json document, infra::parse_strict(report.prices.document.dump(), {}));
    document["heads"] = heads_json_of(report);
    print(context, prices_text(document), document);
    return 0;
}

Result<int> check_prices_now(Context& context, const OracleOptions& options) {
    MARGRAVE_TRY(const auto report, read_now(context, options, /*probe=*/true));
    const bool is_clean = report.findings.empty();
    const json document = {
        {"findings", findings_json(report.findings)},
        {"heads", heads_json_of(report)},
        {"ok", is_clean}};
    print(
        context,
        is_clean ? "every source is what the config says, and every price is usable\n"
                 : findings_text(report.findings),
        document
    );
    return is_clean ? 0 : kFoundInPrices;
}

using OracleWork = Result<int> (*)(Context&, const OracleOptions&);

void add_one(
    CLI::App& parent,
    Context& context,
    const char* name,
    const char* sentence,
    const std::shared_ptr<OracleOptions>& options,
    OracleWork work
) {
    CLI::App* command = parent.add_subcommand(name, sentence);
    command->add_option("asset", options->asset, "Id of an asset or reference; all when absent");
    on_run(*command, context, [options, work](Context& c) { return work(c, *options); });
}

}  // namespace

void add_oracle(CLI::App& app, Context& context) {
    CLI::App* oracle = app.add_subcommand("oracle", "Where prices come from and what they are now");
    oracle->require_subcommand(1);
    const auto options = std::make_shared<OracleOptions>();
    add_one(*oracle, context, "list", "Sources of every price; asks nobody", options, list_sources);
    add_one(*oracle, context, "show", "Prices, answers and verdicts of now", options, show_prices);
    add_one(
        *oracle,
        context,
        "check",
        "Hold every source against the config and judge its price; ends with 4 on a finding",
        options,
        check_prices_now
    );
}

}  // namespace margrave::relayer
