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

/// The store beside the log, if it is to be asked.
struct Beside {
    std::unique_ptr<store::Database> database;
    std::unique_ptr<store::Ledger> ledger;
};

Result<Beside> open_for_audit(
    const Source& source, const attest::AuditReport& report, const std::string& which
) {
    Beside out;
    if (!source.settings || which == "none" || report.last_round.value == 0) {
        return out;
    }
    MARGRAVE_TRY(
        out.database,
        store::Database::open({source.settings->data_dir / "store", source.network, true})
    );
    out.ledger = std::make_unique<store::Ledger>(*out.database);
    return out;
}

/// What was found, and what could not be looked at.
struct Outcome {
    std::vector<attest::Finding> findings;
    std::vector<attest::Finding> unable;
};

/// Rounds computed again from ledger, prices and parameters; each must give the signed bytes.
Result<std::uint64_t> replay(
    const Source& source,
    const Beside& beside,
    const attest::AuditReport& report,
    const std::string& which,
    Outcome& outcome
) {
    if (!beside.ledger) {
        return std::uint64_t{0};
    }
    const store::Ledger& ledger = *beside.ledger;
    const std::uint64_t first = which == "all" ? 1 : report.last_round.value;
    std::uint64_t done = 0;
    for (std::uint64_t round = first; round <= report.last_round.value; ++round) {
        auto replayed = replay_round(source.network, *beside.database, ledger, RoundNum{round});
        if (!replayed) {
            outcome.findings.push_back(
                {0, "round " + std::to_string(round) + ": " + replayed.error().detail}
            );
            continue;
        }
        if (round == report.last_round.value && replayed.value().digest != report.last_digest) {
            outcome.findings.push_back(
                {0,
                 "round " + std::to_string(round) + ": the store's digest is " +
                     to_hex(replayed.value().digest) + ", the log's " + to_hex(report.last_digest)}
            );
        }
        for (const std::string& why : replayed.value().unable) {
            outcome.unable.push_back({0, "round " + std::to_string(round) + ": " + why});
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

/// One release's uses against the parameters before it, and against the ledger where there is one.
Result<void> check_uses(
    const Canonical::Object& release,
    std::size_t entry,
    const ParametersRead& parameters,
    const store::Ledger* ledger,
    Outcome& outcome
) {
    MARGRAVE_TRY(const auto uses, attest::parse_early(release.at("early")));
    MARGRAVE_TRY(const auto statement, attest::parse_release(release.at("typedData")));
    for (const attest::EarlyUse& use : uses) {
        if (std::string fault = parameters.fault(use); !fault.empty()) {
            outcome.findings.push_back({entry, std::move(fault)});
        }
        EarlySeen seen =
            ledger == nullptr ? EarlySeen{} : early_seen(*ledger, statement.account, use);
        if (!seen.fault.empty()) {
            outcome.findings.push_back({entry, std::move(seen.fault)});
        }
        if (!seen.unable.empty()) {
            outcome.unable.push_back({entry, std::move(seen.unable)});
        }
    }
    return ok();
}

/// What releases stand on that is not final is what the parameters in the log before them allow.
Result<void> check_early(
    const Source& source,
    const std::vector<Bytes>& entries,
    const store::Ledger* ledger,
    Outcome& outcome
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
        } else if (kind == "release" && members.contains("early")) {
            MARGRAVE_TRY(check_uses(members, i, parameters, ledger, outcome));
        }
    }
    return ok();
}

nlohmann::json finding_rows(const std::vector<attest::Finding>& findings) {
    nlohmann::json out = nlohmann::json::array();
    for (const attest::Finding& finding : findings) {
        nlohmann::json row = nlohmann::json::object();
        row["entry"] = std::to_string(finding.index);
        row["what"] = finding.what;
        out.push_back(std::move(row));
    }
    return out;
}

nlohmann::json report_json(
    const PublishedLog& published,
    const attest::AuditReport& report,
    const Outcome& outcome,
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
    out["findings"] = finding_rows(outcome.findings);
    out["unable"] = finding_rows(outcome.unable);
    out["ok"] = outcome.findings.empty();
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
    const auto list = [&](const char* word, const char* name) {
        for (const nlohmann::json& row : report.at(name)) {
            out << word << "entry " << row.at("entry").get<std::string>() << ": "
                << row.at("what").get<std::string>() << '\n';
        }
    };
    list("FOUND        ", "findings");
    list("UNABLE       ", "unable");
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
    Outcome outcome{.findings = report.findings, .unable = {}};
    MARGRAVE_TRY(const auto beside, open_for_audit(source, report, options.replay));
    MARGRAVE_TRY(check_early(source, published.log.entries, beside.ledger.get(), outcome));
    MARGRAVE_TRY(auto replayed, replay(source, beside, report, options.replay, outcome));
    const nlohmann::json document = report_json(published, report, outcome, replayed);
    print(context, report_text(document), document);
    return outcome.findings.empty() ? 0 : kExitFound;
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
