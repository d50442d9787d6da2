// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/commands/logs.hpp"
#include "relayer/custody_proof.hpp"
#include "relayer/custody_reading.hpp"
#include "relayer/detail/run_task.hpp"
#include "store/database.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <sstream>

// What the ledger says held against the chains, and against itself.
namespace margrave::relayer {

namespace {

using attest::CustodyRow;
using attest::CustodyVerdict;
using nlohmann::json;
namespace rpc = chains::rpc;

constexpr int kVaultsDiffer = 4;
constexpr int kCannotTell = 1;

struct LedgerOptions {
    std::string chain;
    bool proofs{false};
};

/// What one claim came to: proved, with where; or not, with why.
struct ProofWord {
    bool proved{false};
    bool refuted{false};
    std::string word;
};

struct ChainCheck {
    CustodyReading custody;
    /// By --proofs only: of the vault's events, and of each ledger's balance.
    std::optional<ProofWord> events;
    std::map<AssetId, ProofWord> balances;

    [[nodiscard]] bool found() const {
        bool out = custody.reading.has_deficit() || (events && events->refuted);
        for (const auto& [asset, proof] : balances) {
            out = out || proof.refuted;
        }
        return out;
    }

    [[nodiscard]] bool tells() const {
        bool out = custody.reading.verdict() != CustodyVerdict::kUnable;
        out = out && (!events || events->proved || events->refuted);
        for (const auto& [asset, proof] : balances) {
            out = out && (proof.proved || proof.refuted);
        }
        return out;
    }
};

// A node whose answer does not prove itself says nothing of the vault: refuted is only what two
// proved values contradict.
ProofWord not_proved(const Error& error) {
    return {false, false, error.detail};
}

ProofWord compare_events(const Accumulator& proved, const Accumulator& ours) {
    if (proved == ours) {
        return {true, false, std::to_string(proved.count) + " events"};
    }
    return {
        false,
        true,
        "the state has " + std::to_string(proved.count) + " events with running hash " +
            to_hex(proved.hash) + ", the ledger " + std::to_string(ours.count) + " with " +
            to_hex(ours.hash)};
}

ProofWord compare_coin(const Amount& proved, const CustodyRow& row) {
    if (proved < row.booked) {
        return {
            false,
            true,
            "the state has " + proved.to_string() + ", the ledger " + row.booked.to_string()};
    }
    if (!row.held || proved == *row.held) {
        return {true, false, "balance " + proved.to_string()};
    }
    return {
        false,
        true,
        "the state has " + proved.to_string() + ", the operators said " + row.held->to_string()};
}

/// Holds a reading against the state root of its block. What a node cannot prove another may.
class Prover {
  public:
    Prover(const chains::ChainSettings& settings, const store::Ledger& ledger)
        : settings_(settings),
          ledger_(ledger) {}

    Task<Result<void>> run(Executor executor, ChainCheck* check) {
        Error last = fail(Errc::kUnable, settings_.chain.text() + " has no endpoint");
        for (const chains::EndpointSettings& endpoint : settings_.endpoints) {
            rpc::RpcLimits limits;
            limits.timeout = settings_.rpc_timeout;
            auto node = rpc::RpcClient::make(executor, endpoint, limits, {});
            if (!node) {
                co_return node.as_failure();
            }
            const Hash32 block = check->custody.reading.block.hash;
            auto vault = co_await prove_vault(*node.value(), settings_.vault, block);
            if (vault) {
                auto done = co_await compare(*node.value(), vault.value(), check);
                co_return done;
            }
            last = vault.error();
        }
        check->events = not_proved(last);
        co_return ok();
    }

  private:
    Task<Result<void>> compare(rpc::RpcCaller& node, VaultProof vault, ChainCheck* check) {
        const attest::Reconciliation& reading = check->custody.reading;
        auto ours = ledger_.accumulators_at(reading.chain, reading.block.number);
        if (!ours) {
            co_return ours.as_failure();
        }
        check->events = compare_events(vault.events, ours.value().first);
        for (const CustodyRow& row : reading.rows) {
            if (row.asset.is_native()) {
                check->balances[row.asset] = compare_coin(vault.balance, row);
                continue;
            }
            const Address token = row.asset.token();
            const Amount told = row.held.value_or(row.booked);
            if (told.is_zero() && row.booked.is_zero()) {
                continue;
            }
            auto proof = co_await prove_token_balance(
                node, token, settings_.vault, reading.block.hash, told
            );
            check->balances[row.asset] =
                proof ? compare_coin(told, row) : not_proved(proof.error());
            if (proof) {
                check->balances[row.asset].word += " in slot " + to_hex(proof.value().slot);
            }
        }
        co_return ok();
    }

    const chains::ChainSettings& settings_;
    const store::Ledger& ledger_;
};

Task<Result<ChainCheck>> check_custody_of(
    Executor executor,
    const chains::ChainSettings& settings,
    const store::Ledger& ledger,
    infra::Logger log,
    bool proofs
) {
    if (settings.vault.is_zero()) {
        co_return fail(Errc::kConfig, settings.chain.text() + " has no vault of ours to compare");
    }
    const auto final = ledger.chain_state(settings.chain).final;
    if (!final) {
        co_return fail(
            Errc::kNotFound, "the ledger has no final block of " + settings.chain.text()
        );
    }
    auto adapter = chains::make_adapter(executor, settings, log);
    if (!adapter) {
        co_return adapter.as_failure();
    }
    // Nodes that do not answer leave the rows unable, with what they said.
    auto dialled = co_await adapter.value()->check_node();
    if (!dialled && dialled.error().code == Errc::kWrongChain) {
        co_return dialled.as_failure();
    }
    ChainCheck out;
    auto read = co_await read_custody(*adapter.value(), ledger, *final);
    if (!read) {
        co_return read.as_failure();
    }
    out.custody = std::move(read).value();
    if (proofs) {
        Prover prover(settings, ledger);
        auto proved = co_await prover.run(executor, &out);
        if (!proved) {
            co_return proved.as_failure();
        }
    }
    co_return out;
}

json proof_word_json(const ProofWord& proof) {
    json out = json::object();
    out["proved"] = proof.proved;
    out["refuted"] = proof.refuted;
    out["word"] = proof.word;
    return out;
}

json row_json(const ChainCheck& check, const CustodyRow& row) {
    json out = json::object();
    out["asset"] = row.asset.text();
    out["booked"] = row.booked.to_string();
    out["held"] = row.held ? row.held->to_string() : std::string{};
    out["missing"] = row.missing().to_string();
    out["unattributed"] = row.unattributed().to_string();
    out["verdict"] = std::string(to_string(row.verdict()));
    out["why"] = row.why;
    const auto proof = check.balances.find(row.asset);
    if (proof != check.balances.end()) {
        out["proof"] = proof_word_json(proof->second);
    }
    return out;
}

json check_json(const ChainCheck& check) {
    const attest::Reconciliation& reading = check.custody.reading;
    json out = json::object();
    out["chain"] = reading.chain.text();
    out["block"] = std::to_string(reading.block.number.value);
    out["hash"] = to_hex(reading.block.hash);
    out["verdict"] = std::string(to_string(reading.verdict()));
    out["reason"] = reading.reason();
    out["deficit"] = reading.has_deficit();
    out["ledgers"] = json::array();
    for (const CustodyRow& row : reading.rows) {
        out["ledgers"].push_back(row_json(check, row));
    }
    if (check.events) {
        out["events"] = proof_word_json(*check.events);
    }
    return out;
}

void write_proof(std::ostream& out, const ProofWord& proof) {
    out << (proof.proved    ? "  proved: "
            : proof.refuted ? "  REFUTED: "
                            : "  not proved: ")
        << proof.word;
}

std::string check_text(const ChainCheck& check) {
    const attest::Reconciliation& reading = check.custody.reading;
    std::ostringstream out;
    out << reading.chain.text() << "  block " << reading.block.number.value << " ("
        << to_hex(reading.block.hash) << ")";
    if (check.events) {
        write_proof(out, *check.events);
    }
    out << '\n';
    for (const CustodyRow& row : reading.rows) {
        out << "  " << row.asset.text() << "  ledger " << row.booked.to_string() << ", vault "
            << (row.held ? row.held->to_string() : "unknown") << ": ";
        if (!row.missing().is_zero()) {
            out << "LACKS " << row.missing().to_string();
        } else if (!row.unattributed().is_zero()) {
            out << row.unattributed().to_string() << " unattributed";
        } else {
            out << to_string(row.verdict()) << (row.why.empty() ? "" : ", ") << row.why;
        }
        const auto proof = check.balances.find(row.asset);
        if (proof != check.balances.end()) {
            write_proof(out, proof->second);
        }
        out << '\n';
    }
    return out.str();
}

Result<std::vector<chains::ChainSettings>> chosen_chains(
    const config::Settings& settings, const std::string& name
) {
    if (name.empty()) {
        return settings.chains;
    }
    MARGRAVE_TRY(const auto chain, config::parse_chain_name(name));
    for (const chains::ChainSettings& one : settings.chains) {
        if (one.chain == chain) {
            return std::vector<chains::ChainSettings>{one};
        }
    }
    return fail(Errc::kUsage, chain.text() + " is no chain of " + settings.file.string());
}

Result<int> run_reconcile(Context& context, const LedgerOptions& options) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    MARGRAVE_TRY(const auto chains, chosen_chains(settings, options.chain));
    MARGRAVE_TRY(auto logs, infra::LogSink::open(log_options(settings)));
    const Hash32 network = settings.genesis.network();
    MARGRAVE_TRY(
        const auto database, store::Database::open({settings.data_dir / "store", network, true})
    );
    const store::Ledger ledger(*database);
    json rows = json::array();
    std::string text;
    bool found = false;
    bool tells = true;
    for (const chains::ChainSettings& chain : chains) {
        boost::asio::io_context io(1);
        const infra::Logger log = logs->logger("chains");
        auto task = check_custody_of(io.get_executor(), chain, ledger, log, options.proofs);
        auto result = run_to_end(io, std::move(task));
        logs->flush();
        MARGRAVE_TRY(const ChainCheck check, std::move(result));
        rows.push_back(check_json(check));
        text += check_text(check);
        found = found || check.found();
        tells = tells && check.tells();
    }
    json document = json::object();
    document["chains"] = std::move(rows);
    document["ok"] = tells && !found;
    text += found   ? "the ledger and the vaults do not agree\n"
            : tells ? "ok: the vaults cover the ledger\n"
                    : "cannot tell: not everything could be read\n";
    print(context, text, document);
    return found ? kVaultsDiffer : tells ? 0 : kCannotTell;
}

Result<int> verify_ledger(Context& context) {
    MARGRAVE_TRY(const auto settings, load_settings(context, config::Use::kFollow));
    const Hash32 network = settings.genesis.network();
    MARGRAVE_TRY(
        const auto database, store::Database::open({settings.data_dir / "store", network, true})
    );
    const store::Ledger ledger(*database);
    MARGRAVE_TRY(ledger.verify());
    const std::string entries = std::to_string(ledger.last_seq().value);
    json document = json::object();
    document["entries"] = entries;
    document["ok"] = true;
    print(
        context,
        "ok: " + entries + " journal entries give every balance, and the stored events give them\n",
        document
    );
    return 0;
}

}  // namespace

void add_ledger(CLI::App& app, Context& context) {
    CLI::App* ledger =
        app.add_subcommand("ledger", "Hold the ledger against the chains and against itself");
    ledger->require_subcommand(1);
    const auto options = std::make_shared<LedgerOptions>();
    CLI::App* custody = ledger->add_subcommand(
        "reconcile",
        "What the vaults hold at the ledger's final blocks; exit 4 if one lacks something"
    );
    custody->add_option("--chain", options->chain, "Chain: a name or a CAIP-2 id; all when absent");
    custody->add_flag(
        "--proofs", options->proofs, "Prove events and balances against the block's state root"
    );
    on_run(*custody, context, [options](Context& c) { return run_reconcile(c, *options); });
    CLI::App* whole = ledger->add_subcommand(
        "verify", "Fold the whole journal and replay every stored event; exit 6 if a row differs"
    );
    on_run(*whole, context, [](Context& c) { return verify_ledger(c); });
    add_ledger_rates(*ledger, context);
}

}  // namespace margrave::relayer
