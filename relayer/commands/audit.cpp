// SPDX-License-Identifier: Apache-2.0
#include "relayer/audit.hpp"

#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/replay.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>

namespace margrave::relayer {

namespace {

struct AuditOptions {
    /// Published directory and network id; both from the config when empty.
    std::string log_dir;
    std::string network;
    /// Rounds to compute again from the store: none, last or all.
    std::string replay{"last"};
    std::string entry;
};

struct Source {
    std::filesystem::path dir;
    Hash32 network;
    /// Absent when only a published directory is at hand.
    std::optional<config::Settings> settings;
};

Result<Source> find_source(Context& context, const AuditOptions& options) {
    Source source;
    if (!options.log_dir.empty()) {
        if (options.network.empty()) {
            return fail(
                Errc::kUsage, "--log needs --network: the id that makes a log this network's"
            );
        }
        MARGRAVE_TRY(source.network, parse_hash32(options.network));
        source.dir = options.log_dir;
        return source;
    }
    MARGRAVE_TRY(source.settings, load_settings(context));
    source.dir = source.settings->data_dir / "log";
    source.network = source.settings->genesis.network();
    return source;
}

/// Rounds computed again from ledger, prices and parameters; each must give the signed bytes.
Result<std::uint64_t> replay(
    const Source& source,
    const attest::AuditReport& report,
    const std::string& which,
    std::vector<attest::Finding>& findings
) {
    if (!source.settings || which == "none" || report.last_round.value == 0) {
        return std::uint64_t{0};
    }
    MARGRAVE_TRY(
        auto database,
        store::Database::open({source.settings->data_dir / "store", source.network, true})
    );
    const store::Ledger ledger(*database);
    const std::uint64_t first = which == "all" ? 1 : report.last_round.value;
    std::uint64_t done = 0;
    for (std::uint64_t round = first; round <= report.last_round.value; ++round) {
        auto replayed = replay_round(source.network, *database, ledger, RoundNum{round});
        if (!replayed) {
            findings.push_back(
                {0, "round " + std::to_string(round) + ": " + replayed.error().detail}
            );
            continue;
        }
        if (round == report.last_round.value && replayed.value().digest != report.last_digest) {
            findings.push_back(
                {0,
                 "round " + std::to_string(round) + ": the store's digest is " +
                     to_hex(replayed.value().digest) + ", the log's " + to_hex(report.last_digest)}
            );
        }
        ++done;
    }
    MARGRAVE_TRY(ledger.verify());
    return done;
}

std::optional<margin::Parameters> parameters_in(const Canonical::Object& members) {
    const auto found = members.find("parameters");
    if (found == members.end()) {
        return std::nullopt;
    }
    auto parsed = margin::parse_parameters(found->second.dump());
    return parsed ? std::optional(std::move(parsed).value()) : std::nullopt;
}

/// What releases stand on that is not final is what the parameters in the log before them allow.
Result<void> check_early(
    const Source& source, const std::vector<Bytes>& entries, std::vector<attest::Finding>& findings
) {
    ParametersRead parameters;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto leaf = attest::read_leaf(source.network, entries[i]);
        // What cannot be read is a finding already.
        if (!leaf) {
            continue;
        }
        const std::string& kind = leaf.value().kind;
        const auto& members = std::get<Canonical::Object>(leaf.value().body.value());
        if (kind == "attestation") {
            MARGRAVE_TRY(
                const auto signed_round, attest::parse_attestation(members.at("typedData"))
            );
            parameters.attested(signed_round.issued_at);
        } else if (kind == "parameters") {
            parameters.named(parameters_in(members));
        }
        const auto early = members.find("early");
        if (kind != "release" || early == members.end()) {
            continue;
        }
        MARGRAVE_TRY(const auto uses, attest::parse_early(early->second));
        for (const attest::EarlyUse& use : uses) {
            if (std::string fault = parameters.fault(use); !fault.empty()) {
                findings.push_back({i, std::move(fault)});
            }
        }
    }
    return ok();
}

nlohmann::json report_json(
    const PublishedLog& published,
    const attest::AuditReport& report,
    const std::vector<attest::Finding>& findings,
    std::uint64_t replayed
) {
    nlohmann::json out = nlohmann::json::object();
    out["origin"] = published.log.checkpoint.origin;
    out["size"] = std::to_string(published.log.checkpoint.size);
    out["treeRoot"] = to_hex(published.log.checkpoint.root);
    out["vkey"] = published.vkey;
    out["attestations"] = std::to_string(report.attestations);
    out["releases"] = std::to_string(report.releases);
    out["seizures"] = std::to_string(report.seizures);
    out["lastRound"] = std::to_string(report.last_round.value);
    out["lastRoot"] = to_hex(report.last_root);
    out["lastDigest"] = to_hex(report.last_digest);
    out["replayedRounds"] = std::to_string(replayed);
    out["findings"] = nlohmann::json::array();
    for (const attest::Finding& finding : findings) {
        nlohmann::json row = nlohmann::json::object();
        row["entry"] = std::to_string(finding.index);
        row["what"] = finding.what;
        out["findings"].push_back(std::move(row));
    }
    out["ok"] = findings.empty();
    return out;
}

std::string report_text(const nlohmann::json& report) {
    std::ostringstream out;
    const auto text = [&report](const char* name) {
        return report.at(name).get<std::string>();
    };
    out << "log          " << text("origin") << ", " << text("size") << " entries, root "
        << text("treeRoot") << '\n'
        << "signed       " << text("attestations") << " attestations, " << text("releases")
        << " releases, " << text("seizures") << " seizures\n"
        << "last round   " << text("lastRound") << ", account root " << text("lastRoot") << '\n'
        << "replayed     " << text("replayedRounds") << " rounds from ledger, prices, parameters\n";
    for (const nlohmann::json& finding : report.at("findings")) {
        out << "FOUND        entry " << finding.at("entry").get<std::string>() << ": "
            << finding.at("what").get<std::string>() << '\n';
    }
    out << (report.at("ok").get<bool>() ? "ok: every entry holds\n" : "the log does not hold\n");
    return out.str();
}

constexpr int kExitFound = 4;

/// A signature that does not hold is what an audit is there to find.
Result<PublishedLog> read_for_audit(const Source& source) {
    auto published = read_published(source.dir, source.network);
    if (!published && published.error().code == Errc::kSignature) {
        return fail(Errc::kCheckFailed, source.dir.string() + ": " + published.error().detail);
    }
    return published;
}

Result<int> verify(Context& context, const AuditOptions& options) {
    MARGRAVE_TRY(auto source, find_source(context, options));
    MARGRAVE_TRY(auto published, read_for_audit(source));
    const attest::AuditReport report = attest::audit(
        source.network, published.log.entries, published.signers, published.threshold
    );
    std::vector<attest::Finding> findings = report.findings;
    MARGRAVE_TRY(check_early(source, published.log.entries, findings));
    MARGRAVE_TRY(auto replayed, replay(source, report, options.replay, findings));
    const nlohmann::json document = report_json(published, report, findings, replayed);
    print(context, report_text(document), document);
    return findings.empty() ? 0 : kExitFound;
}

Result<int> show(Context& context, const AuditOptions& options) {
    MARGRAVE_TRY(auto source, find_source(context, options));
    MARGRAVE_TRY(auto published, read_published(source.dir, source.network));
    if (options.entry.empty()) {
        nlohmann::json rows = nlohmann::json::array();
        std::ostringstream human;
        for (std::size_t i = 0; i < published.log.entries.size(); ++i) {
            MARGRAVE_TRY(auto leaf, attest::read_leaf(source.network, published.log.entries[i]));
            nlohmann::json row = nlohmann::json::object();
            row["entry"] = std::to_string(i);
            row["kind"] = leaf.kind;
            row["digest"] = leaf.signatures.empty() ? std::string{} : to_hex(leaf.digest);
            human << i << "  " << leaf.kind << "  " << row["digest"].get<std::string>() << '\n';
            rows.push_back(std::move(row));
        }
        print(context, human.str(), rows);
        return 0;
    }
    MARGRAVE_TRY(auto number, Amount::parse(options.entry));
    MARGRAVE_TRY(auto index, number.to_u64());
    if (index >= published.log.entries.size()) {
        return fail(
            Errc::kNotFound,
            "the log has entries 0 to " + std::to_string(published.log.entries.size() - 1) +
                ", not " + options.entry
        );
    }
    const std::string text(as_text(published.log.entries[index]));
    const nlohmann::json document = nlohmann::json::parse(text);
    print(context, document.dump(2) + "\n", document);
    return 0;
}

void add_source(CLI::App& command, const std::shared_ptr<AuditOptions>& options) {
    command.add_option(
        "--log", options->log_dir, "Published log directory, in place of the config's"
    );
    command.add_option("--network", options->network, "Network id (0x...), with --log");
}

}  // namespace

void add_audit(CLI::App& app, Context& context) {
    CLI::App* audit = app.add_subcommand("audit", "Check the attestation log, trusting nobody");
    audit->require_subcommand(1);
    const auto options = std::make_shared<AuditOptions>();
    CLI::App* check = audit->add_subcommand(
        "verify", "Every entry, signature, link, tile and checkpoint; exit 4 if one does not hold"
    );
    add_source(*check, options);
    check->add_option("--replay", options->replay, "Rounds to compute again from the store")
        ->check(CLI::IsMember({"none", "last", "all"}));
    on_run(*check, context, [options](Context& c) { return verify(c, *options); });
    CLI::App* entry = audit->add_subcommand("show", "The entries, or one entry in full");
    add_source(*entry, options);
    entry->add_option("entry", options->entry, "Entry number; a list of all without it");
    on_run(*entry, context, [options](Context& c) { return show(c, *options); });
}

}  // namespace margrave::relayer
