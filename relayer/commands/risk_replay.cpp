// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/risk.hpp"
#include "relayer/risk/history.hpp"
#include "relayer/risk/new_rules.hpp"
#include "relayer/risk/words.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>

namespace margrave::relayer {
namespace {

using nlohmann::json;

constexpr int kSomebodyNew = 4;

struct ReplayOptions {
    std::string parameters;
    std::string last{"7d"};
};

struct Replayed {
    std::uint64_t first{0};
    std::uint64_t last{0};
    std::uint64_t done{0};
    /// Rounds whose state the ledger does not keep any more.
    std::uint64_t skipped{0};
};

json first_json(const std::optional<Verdict::First>& first) {
    if (!first) {
        return nullptr;
    }
    json out = health_json(first->state);
    out["round"] = std::to_string(first->round.value);
    out["issuedAt"] = std::to_string(first->at.value);
    out["was"] = to_string(first->was);
    return out;
}

// Accounts that were or would have been in trouble in some round.
bool is_worth_telling(const Verdict& verdict) {
    return verdict.is_new() || verdict.relieved != 0 || verdict.was != Status::kHealthy ||
           verdict.would != Status::kHealthy;
}

json verdicts_json(const RulesReplay& replay) {
    json out = json::array();
    for (const auto& [account, verdict] : replay.verdicts()) {
        if (!is_worth_telling(verdict)) {
            continue;
        }
        json row = json::object();
        row["account"] = to_hex(account);
        row["was"] = to_string(verdict.was);
        row["would"] = to_string(verdict.would);
        row["isNew"] = verdict.is_new();
        row["called"] = first_json(verdict.called);
        row["liquidated"] = first_json(verdict.liquidated);
        row["unattestable"] = first_json(verdict.unattestable);
        row["relievedRounds"] = std::to_string(verdict.relieved);
        out.push_back(std::move(row));
    }
    return out;
}

std::string first_text(const std::optional<Verdict::First>& first) {
    return first ? "round " + std::to_string(first->round.value) : "-";
}

std::string verdicts_text(const RulesReplay& replay) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [account, verdict] : replay.verdicts()) {
        if (is_worth_telling(verdict)) {
            rows.push_back(
                {to_hex(account),
                 std::string(to_string(verdict.was)),
                 std::string(to_string(verdict.would)),
                 first_text(verdict.called),
                 first_text(verdict.liquidated),
                 first_text(verdict.unattestable),
                 std::to_string(verdict.relieved)}
            );
        }
    }
    if (rows.empty()) {
        return "nobody was or would have been called, liquidated or unattestable\n";
    }
    return columns(
        {"ACCOUNT",
         "WORST WAS",
         "WORST WOULD BE",
         "NEWLY CALLED",
         "NEWLY LIQUIDATED",
         "NEWLY UNATTESTABLE",
         "ROUNDS RELIEVED"},
        rows,
        6
    );
}

Result<Replayed> replay_all(const RoundView& view, const RoundSpan& rounds, RulesReplay& replay) {
    Replayed out;
    for (std::uint64_t number = rounds.first().value; number <= rounds.last().value; ++number) {
        const auto round =
            replay_round(view.network(), *view.database, *view.ledger, RoundNum{number});
        if (!round) {
            if (round.error().code != Errc::kNotFound) {
                return round.as_failure();
            }
            ++out.skipped;
            continue;
        }
        MARGRAVE_TRY(replay.add(*view.database, *view.ledger, round.value()));
        out.first = out.first == 0 ? number : out.first;
        out.last = number;
        ++out.done;
    }
    if (out.done == 0) {
        return fail(
            Errc::kNotFound,
            "the ledger keeps the state of none of the " + std::to_string(rounds.size()) +
                " rounds asked for; take a longer --last or wait for new rounds"
        );
    }
    return out;
}

Result<int> run_replay(Context& context, const ReplayOptions& options) {
    MARGRAVE_TRY(const auto span, parse_span(options.last));
    MARGRAVE_TRY(const auto rules, read_new_rules(options.parameters, context.problems));
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    MARGRAVE_TRY(const auto rounds, recent_rounds(*view.database, span));
    RulesReplay replay(rules, view.settings.genesis.hub);
    MARGRAVE_TRY(const auto done, replay_all(view, rounds, replay));
    std::uint64_t fresh = 0;
    for (const auto& [account, verdict] : replay.verdicts()) {
        if (verdict.is_new()) {
            ++fresh;
        }
    }
    json document = json::object();
    document["ok"] = fresh == 0;
    document["rounds"] = std::to_string(done.done);
    document["firstRound"] = std::to_string(done.first);
    document["lastRound"] = std::to_string(done.last);
    document["skippedRounds"] = std::to_string(done.skipped);
    document["seen"] = std::to_string(replay.verdicts().size());
    document["new"] = std::to_string(fresh);
    document["accounts"] = verdicts_json(replay);
    std::string human = verdicts_text(replay);
    human += "\n" + std::to_string(done.done) + " rounds (" + std::to_string(done.first) + " to " +
             std::to_string(done.last) + "), " + std::to_string(replay.verdicts().size()) +
             " accounts: " + std::to_string(fresh) + " would newly have been in trouble\n";
    print(context, human, document);
    if (done.skipped != 0) {
        advise(
            context,
            "note: " + std::to_string(done.skipped) +
                " older rounds were left out; the ledger does not keep their states"
        );
    }
    return fresh == 0 ? 0 : kSomebodyNew;
}

}  // namespace

void add_risk_replay(CLI::App& risk, Context& context) {
    CLI::App* command = risk.add_subcommand(
        "replay", "What other parameters would have said of the rounds that were signed"
    );
    const auto options = std::make_shared<ReplayOptions>();
    command->add_option("--params", options->parameters, "A config, or canonical signed parameters")
        ->required()
        ->type_name("FILE");
    command->add_option("--last", options->last, "How far back: 90s, 30m, 24h, 7d (default 7d)")
        ->type_name("SPAN");
    on_run(*command, context, [options](Context& c) { return run_replay(c, *options); });
}

}  // namespace margrave::relayer
