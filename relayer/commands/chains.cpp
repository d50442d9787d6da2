// SPDX-License-Identifier: Apache-2.0
#include "attest/leaf.hpp"
#include "attest/typed_data.hpp"
#include "infra/files.hpp"
#include "infra/strict_json.hpp"
#include "infra/system_clock.hpp"
#include "infra/unix_client.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/scribe.hpp"
#include "store/incidents.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <memory>
#include <sstream>

namespace margrave::relayer {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kAnswerTimeout{5000};
/// Rows of reorgs and evidence that are shown of each chain, newest first.
constexpr std::size_t kRowsShown = 100;

struct ChainsOptions {
    std::string chain;
    std::string reason;
    std::uint64_t id{0};
};

std::string text(const json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::uint64_t number(const json& object, const char* name) {
    const auto amount = Amount::parse(text(object, name));
    const auto value = amount ? amount.value().to_u64() : Result<std::uint64_t>(amount.error());
    return value ? value.value() : 0;
}

json block_json(const BlockRef& block) {
    json out = json::object();
    out["hash"] = to_hex(block.hash);
    out["number"] = std::to_string(block.number.value);
    out["time"] = std::to_string(block.time.value);
    return out;
}

Result<std::unique_ptr<store::Database>> open_beside(const config::Settings& settings) {
    const Hash32 network = settings.genesis.network();
    return store::Database::open({settings.data_dir / "store", network, true});
}

/// What can be said without a daemon: where the ledger stands, and what is halted.
Result<json> rows_of_store(const config::Settings& settings) {
    MARGRAVE_TRY(auto database, open_beside(settings));
    const store::Ledger ledger(*database);
    const store::Incidents incidents(*database);
    json rows = json::array();
    for (const chains::ChainSettings& chain : settings.chains) {
        const store::ChainState state = ledger.chain_state(chain.chain);
        MARGRAVE_TRY(const auto stop, incidents.open_stop(chain.chain));
        MARGRAVE_TRY(const auto evidence, incidents.evidence_count(chain.chain));
        json row = json::object();
        row["chain"] = chain.chain.text();
        row["state"] = stop ? "halted" : "unwatched";
        row["stateReason"] = stop ? stop->reason : "no daemon runs";
        row["stateSince"] = stop ? std::to_string(stop->at.value) : "";
        row["head"] = state.head ? block_json(*state.head) : json::object();
        row["final"] = state.final ? block_json(*state.final) : json::object();
        row["reorgs"] = std::to_string(state.reorgs);
        row["evidence"] = std::to_string(evidence.total);
        row["evidenceDropped"] = std::to_string(evidence.dropped);
        const std::uint64_t limit = settings.parameters.head_age_limit(chain.chain);
        row["maxHeadAge"] = std::to_string(limit);
        row["sources"] = json::array();
        rows.push_back(std::move(row));
    }
    return rows;
}

/// One row a chain: the daemon's, else what the store tells.
Result<json> chain_rows(const config::Settings& settings) {
    auto line =
        infra::unix_request(settings.admin_socket, R"({"method":"status"})", kAnswerTimeout);
    if (!line && line.error().code == Errc::kNotFound) {
        return rows_of_store(settings);
    }
    MARGRAVE_TRY(const std::string answer, std::move(line));
    MARGRAVE_TRY(auto status, infra::parse_strict(answer, {}));
    if (!status.contains("chains")) {
        return fail(Errc::kRpc, "the daemon's answer names no chains");
    }
    return status.at("chains");
}

std::string block_number(const json& row, const char* name) {
    const std::string found = row.contains(name) ? text(row.at(name), "number") : std::string();
    return found.empty() ? "-" : found;
}

void print_sources(std::ostream& out, const json& sources) {
    for (const json& source : sources) {
        out << "    " << std::left << std::setw(18) << text(source, "endpoint") << std::setw(18)
            << text(source, "operator") << std::setw(14) << text(source, "state") << std::right
            << std::setw(7) << text(source, "latencyMs") << " ms" << std::setw(10)
            << text(source, "requests") << " requests" << std::setw(8) << text(source, "failures")
            << " failed" << std::setw(10) << text(source, "usdPerMonth") << " USD a month  "
            << text(source, "reason") << '\n';
    }
}

std::string list_text(const json& rows) {
    std::ostringstream out;
    out << std::left << std::setw(24) << "CHAIN" << std::setw(11) << "STATE" << std::right
        << std::setw(12) << "HEAD" << std::setw(12) << "FINAL" << std::setw(8) << "LAG"
        << std::setw(11) << "AGREEMENT" << std::setw(10) << "EVIDENCE" << '\n';
    for (const json& row : rows) {
        std::string agreement = "-";
        if (row.contains("agreement")) {
            const json& a = row.at("agreement");
            agreement = text(a, "agreeing") + "/" + text(a, "needed");
        }
        const std::string lag = text(row, "lag");
        out << std::left << std::setw(24) << text(row, "chain") << std::setw(11)
            << text(row, "state") << std::right << std::setw(12) << block_number(row, "head")
            << std::setw(12) << block_number(row, "final") << std::setw(8)
            << (lag.empty() ? "-" : lag) << std::setw(11) << agreement << std::setw(10)
            << text(row, "evidence") << '\n';
        if (!text(row, "stateReason").empty()) {
            out << "    " << text(row, "stateReason") << '\n';
        }
        if (!text(row, "sequencer").empty()) {
            out << "    no liquidations: " << text(row, "sequencer") << '\n';
        }
        print_sources(out, row.at("sources"));
    }
    return out.str();
}

Result<int> list_chains(Context& context) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(auto rows, chain_rows(settings));
    print(context, list_text(rows), rows);
    return 0;
}

json lag_row(const json& row, UnixSeconds now) {
    json out = json::object();
    for (const char* name : {"chain", "state", "latest", "lag", "maxHeadAge"}) {
        out[name] = text(row, name);
    }
    const json none = json::object();
    const json& head = row.contains("head") ? row.at("head") : none;
    const json& final = row.contains("final") ? row.at("final") : none;
    out["head"] = text(head, "number");
    out["final"] = text(final, "number");
    out["finalLag"] = "";
    out["finalAge"] = "";
    if (!text(final, "number").empty()) {
        const std::uint64_t latest = std::max(number(row, "latest"), number(head, "number"));
        out["finalLag"] = std::to_string(latest - std::min(latest, number(final, "number")));
        out["finalAge"] = std::to_string(now.value - std::min(now.value, number(final, "time")));
    }
    return out;
}

Result<int> show_lag(Context& context) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(auto rows, chain_rows(settings));
    const infra::SystemClock clock;
    json out = json::array();
    std::ostringstream human;
    human << std::left << std::setw(24) << "CHAIN" << std::setw(11) << "STATE" << std::right
          << std::setw(12) << "LATEST" << std::setw(12) << "HEAD" << std::setw(8) << "LAG"
          << std::setw(12) << "FINAL" << std::setw(11) << "FINAL LAG" << std::setw(13)
          << "FINAL AGE s" << std::setw(9) << "LIMIT s" << '\n';
    for (const json& row : rows) {
        const json one = lag_row(row, clock.now());
        human << std::left << std::setw(24) << text(one, "chain") << std::setw(11)
              << text(one, "state") << std::right << std::setw(12) << text(one, "latest")
              << std::setw(12) << text(one, "head") << std::setw(8) << text(one, "lag")
              << std::setw(12) << text(one, "final") << std::setw(11) << text(one, "finalLag")
              << std::setw(13) << text(one, "finalAge") << std::setw(9) << text(one, "maxHeadAge")
              << '\n';
        out.push_back(one);
    }
    print(context, human.str(), out);
    return 0;
}

/// The chains that a command is about: the one named, or all of the config.
Result<std::vector<ChainId>> chains_of(const config::Settings& settings, const std::string& name) {
    std::vector<ChainId> out;
    for (const chains::ChainSettings& chain : settings.chains) {
        out.push_back(chain.chain);
    }
    if (name.empty()) {
        return out;
    }
    MARGRAVE_TRY(const auto chain, config::parse_chain_name(name));
    if (std::find(out.begin(), out.end(), chain) == out.end()) {
        return fail(Errc::kUsage, chain.text() + " is no chain of " + settings.file.string());
    }
    return std::vector<ChainId>{chain};
}

Result<int> show_reorgs(Context& context, const ChainsOptions& options) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(const auto chains, chains_of(settings, options.chain));
    MARGRAVE_TRY(auto database, open_beside(settings));
    const store::Incidents incidents(*database);
    json out = json::array();
    std::ostringstream human;
    for (const ChainId& chain : chains) {
        MARGRAVE_TRY(const auto rows, incidents.reorgs(chain, kRowsShown));
        for (const store::ReorgRecord& row : rows) {
            json one = json::object();
            one["chain"] = chain.text();
            one["id"] = std::to_string(row.number);
            one["at"] = std::to_string(row.at.value);
            one["depth"] = std::to_string(row.depth);
            one["ancestor"] = block_json(row.ancestor);
            one["oldHead"] = block_json(row.old_head);
            one["newHead"] = block_json(row.new_head);
            out.push_back(std::move(one));
            human << chain.text() << "  #" << row.number << "  at " << row.at.value << "  depth "
                  << row.depth << "  back to " << row.ancestor.number.value << "  from "
                  << row.old_head.number.value << ' ' << to_hex(row.old_head.hash) << "  to "
                  << row.new_head.number.value << ' ' << to_hex(row.new_head.hash) << '\n';
        }
    }
    print(context, out.empty() ? "no reorgs\n" : human.str(), out);
    return 0;
}

json evidence_json(const ChainId& chain, const store::SourceEvidence& row) {
    json out = json::object();
    out["chain"] = chain.text();
    out["id"] = std::to_string(row.number);
    out["at"] = std::to_string(row.at.value);
    out["endpoint"] = row.endpoint;
    out["operator"] = row.operator_name;
    out["kind"] = row.kind;
    out["detail"] = row.detail;
    return out;
}

Result<int> show_one(
    Context& context, const store::Incidents& incidents, const ChainId& chain, std::uint64_t id
) {
    MARGRAVE_TRY(const auto row, incidents.evidence_row(chain, id));
    json out = evidence_json(chain, row);
    // A claim is a node's bytes, which need not be text.
    out["claimHex"] = to_hex(as_bytes(row.claim));
    std::ostringstream human;
    human << chain.text() << "  #" << row.number << "  at " << row.at.value << "  " << row.endpoint
          << " (" << row.operator_name << ")  " << row.kind << ": " << row.detail << '\n'
          << row.claim << '\n';
    print(context, human.str(), out);
    return 0;
}

Result<int> show_evidence(Context& context, const ChainsOptions& options) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(const auto chains, chains_of(settings, options.chain));
    MARGRAVE_TRY(auto database, open_beside(settings));
    const store::Incidents incidents(*database);
    if (options.id != 0) {
        if (chains.size() != 1) {
            return fail(Errc::kUsage, "--id needs a chain: margrave chains evidence CHAIN --id N");
        }
        return show_one(context, incidents, chains.front(), options.id);
    }
    json out = json::array();
    std::ostringstream human;
    for (const ChainId& chain : chains) {
        MARGRAVE_TRY(const auto rows, incidents.evidence(chain, kRowsShown));
        for (const store::SourceEvidence& row : rows) {
            out.push_back(evidence_json(chain, row));
            human << chain.text() << "  #" << row.number << "  at " << row.at.value << "  "
                  << row.endpoint << " (" << row.operator_name << ")  " << row.kind << ": "
                  << row.detail << '\n';
        }
    }
    print(context, out.empty() ? "no evidence against any source\n" : human.str(), out);
    return 0;
}

Result<RoundNum> last_round(const store::Database& database, const Hash32& network) {
    const auto bytes = database.document("attestation/last");
    if (!bytes) {
        return RoundNum{0};
    }
    MARGRAVE_TRY(const auto leaf, attest::read_leaf(network, *bytes));
    MARGRAVE_TRY(const auto typed, member(leaf.body, "typedData"));
    MARGRAVE_TRY(const auto last, attest::parse_attestation(typed));
    return last.round;
}

/// Where no daemon runs: the word is written into the store, and the log is published with it when
/// one starts.
Result<json> resume_on_disk(
    const config::Settings& settings, const ChainId& chain, const std::string& reason
) {
    const Hash32 network = settings.genesis.network();
    MARGRAVE_TRY(auto lock, infra::lock_file(settings.data_dir / "lock"));
    MARGRAVE_TRY(
        auto database, store::Database::open({settings.data_dir / "store", network, false})
    );
    MARGRAVE_TRY(const auto round, last_round(*database, network));
    const infra::SystemClock clock;
    MARGRAVE_TRY(database->commit(resume_decision(chain, reason, clock.now(), round)));
    json out = json::object();
    out["chain"] = chain.text();
    out["forgiven"] = false;
    out["resumed"] = true;
    return out;
}

Result<json> ask_daemon(
    const config::Settings& settings, const ChainId& chain, const std::string& reason
) {
    const Canonical request = Canonical::Object{
        {"chain", chain.text()},
        {"method", "resume"},
        {"reason", reason},
    };
    MARGRAVE_TRY(
        const auto line, infra::unix_request(settings.admin_socket, request.dump(), kAnswerTimeout)
    );
    MARGRAVE_TRY(auto answer, infra::parse_strict(line, {}));
    if (answer.contains("error")) {
        return fail(Errc::kUsage, "the daemon refused: " + text(answer.at("error"), "message"));
    }
    return answer;
}

Result<int> resume_chain(Context& context, const ChainsOptions& options) {
    MARGRAVE_TRY(check_resume_reason(options.reason));
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(const auto chains, chains_of(settings, options.chain));
    const ChainId& chain = chains.front();
    auto answer = ask_daemon(settings, chain, options.reason);
    const bool alone = !answer && answer.error().code == Errc::kNotFound;
    if (alone) {
        answer = resume_on_disk(settings, chain, options.reason);
    }
    MARGRAVE_TRY(const json done, std::move(answer));
    const bool resumed = done.value("resumed", false);
    std::string human = chain.text();
    human += resumed ? " goes on" : " was not halted; its sources are believed again";
    if (resumed) {
        human += alone ? " when the daemon starts" : "";
        human += "; it halts again at once if what was final is still not there";
    }
    print(context, human + "\n", done);
    return 0;
}

using Work = Result<int> (*)(Context&, const ChainsOptions&);

void run_with(
    CLI::App& app, Context& context, const std::shared_ptr<ChainsOptions>& options, Work work
) {
    on_run(app, context, [options, work](Context& c) { return work(c, *options); });
}

}  // namespace

void add_chains(CLI::App& app, Context& context) {
    CLI::App* chains = app.add_subcommand("chains", "How each chain stands; reorgs, evidence");
    chains->require_subcommand(1);
    const auto options = std::make_shared<ChainsOptions>();
    const auto* which = "Chain: a name or a CAIP-2 id; all when absent";
    CLI::App* list = chains->add_subcommand(
        "list", "State, agreement and endpoints of every chain: following, held, halted or dead"
    );
    on_run(*list, context, list_chains);
    CLI::App* lag = chains->add_subcommand("lag", "How far behind each chain is");
    on_run(*lag, context, show_lag);
    CLI::App* reorgs = chains->add_subcommand("reorgs", "Blocks that were taken back");
    reorgs->add_option("chain", options->chain, which);
    run_with(*reorgs, context, options, show_reorgs);
    CLI::App* evidence =
        chains->add_subcommand("evidence", "What sources said that was refuted, newest first");
    evidence->add_option("chain", options->chain, which);
    evidence->add_option("--id", options->id, "One of them, with the claim in full");
    run_with(*evidence, context, options, show_evidence);
    CLI::App* resume = chains->add_subcommand(
        "resume", "Let a halted chain go on, and believe its sources again: an operator's word"
    );
    resume->add_option("chain", options->chain, "Chain: a name or a CAIP-2 id")->required();
    resume->add_option("--reason", options->reason, "Why; it stands in the public log")->required();
    run_with(*resume, context, options, resume_chain);
}

}  // namespace margrave::relayer
