// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/early.hpp"
#include "relayer/grant_check.hpp"
#include "relayer/risk/explain.hpp"
#include "relayer/risk/shares.hpp"
#include "relayer/risk/tail.hpp"
#include "relayer/risk/what_if.hpp"
#include "relayer/risk/words.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace margrave::relayer {
namespace {

constexpr int kDoesNotAddUp = 4;

struct ExplainOptions {
    std::string account;
    std::uint64_t round{0};
    /// Empty: no value at risk by the kept prices.
    std::string history;
    std::string step{"1d"};
    std::string level{"0.975"};
};

struct WhatIfOptions {
    std::string account;
    WhatIfText text;
};

/// What counts for grants before it is final, and what releases stand on already: as of now, so
/// only beside the last round.
struct EarlyNow {
    std::vector<attest::EarlyUse> offers;
    std::vector<EarlyStand> stands;
    std::set<Hash32> final;
};

Result<EarlyNow> early_now(const RoundView& view, const AccountId& account) {
    EarlyNow out;
    MARGRAVE_TRY(const auto all, read_stands(*view.database));
    const store::AsOf firm = as_of(*view.round);
    const EarlyView early{*view.ledger, view.round->parameters, firm, all};
    MARGRAVE_TRY(out.offers, early_offers(early, account));
    for (const EarlyStand& stand : all) {
        if (stand.account == account) {
            out.stands.push_back(stand);
        }
        if (is_final(early, stand)) {
            out.final.insert(stand.head_hash);
        }
    }
    return out;
}

nlohmann::json offers_json(const EarlyNow& early, const margin::Parameters& parameters) {
    nlohmann::json out = nlohmann::json::array();
    for (const attest::EarlyUse& offer : early.offers) {
        out.push_back(
            {{"asset", offer.asset.text()},
             {"usable", offer.amount.to_string()},
             {"firm", offer.firm.to_string()},
             {"ahead", offer.ahead.to_string()},
             {"others", offer.others.to_string()},
             {"total", parameters.find_on(offer.asset)->early_total.to_string()},
             {"depthBlock", std::to_string(offer.depth_block.value)},
             {"headBlock", std::to_string(offer.head.value)}}
        );
    }
    return out;
}

nlohmann::json stands_json(const EarlyNow& early) {
    nlohmann::json out = nlohmann::json::array();
    for (const EarlyStand& stand : early.stands) {
        out.push_back(
            {{"asset", stand.asset.text()},
             {"amount", stand.amount.to_string()},
             {"release", to_hex(stand.release)},
             {"headBlock", std::to_string(stand.head.value)},
             {"final", early.final.contains(stand.head_hash)}}
        );
    }
    return out;
}

std::string early_text(const EarlyNow& early, const margin::Parameters& parameters) {
    std::ostringstream out;
    for (const attest::EarlyUse& offer : early.offers) {
        const unsigned decimals = parameters.find(offer.asset)->decimals;
        const Amount& total = parameters.find_on(offer.asset)->early_total;
        out << "early   " << offer.asset.text() << "  " << in_tokens(offer.amount, decimals)
            << " usable for loans and withdrawals before they are final: "
            << in_tokens(offer.firm, decimals) << " are, " << in_tokens(offer.ahead, decimals)
            << " were at block " << offer.depth_block.value << " and are at the head "
            << offer.head.value << "; others stand on " << in_tokens(offer.others, decimals)
            << " of " << in_tokens(total, decimals) << '\n';
    }
    for (const EarlyStand& stand : early.stands) {
        const margin::AssetParameters* asset = parameters.find(stand.asset);
        out << "stands  " << stand.asset.text() << "  on "
            << in_tokens(stand.amount, asset == nullptr ? 0 : asset->decimals) << " as of block "
            << stand.head.value
            << (early.final.contains(stand.head_hash) ? ", which is final now\n"
                                                      : ", which is not final\n");
    }
    return out.str();
}

// A round that does not come out when it is computed again has no account that could be explained.
int report_wrong_round(Context& context, const AccountId& account, const std::string& why) {
    const nlohmann::json document = {
        {"account", to_hex(account)}, {"findings", nlohmann::json::array({why})}, {"ok", false}};
    print(context, "WRONG: " + why + "\n", document);
    return kDoesNotAddUp;
}

Result<HistoryTail> tail_by_history(
    const RoundView& view, const margin::Evaluation& account, const ExplainOptions& options
) {
    MARGRAVE_TRY(const auto span, parse_span(options.history));
    MARGRAVE_TRY(const auto step, parse_span(options.step));
    MARGRAVE_TRY(const auto level, parse_level(options.level));
    MARGRAVE_TRY(const auto rounds, recent_rounds(*view.database, span));
    MARGRAVE_TRY(const auto history, make_history(rounds, view.round->parameters, step));
    return history_tail(*view.round, account, history, level);
}

Result<int> explain(Context& context, const ExplainOptions& options) {
    MARGRAVE_TRY(const auto account, as_usage("account", parse_account(options.account)));
    auto opened = open_signed_round(context, RoundNum{options.round});
    if (!opened && opened.error().code == Errc::kCheckFailed) {
        return report_wrong_round(context, account, opened.error().detail);
    }
    MARGRAVE_TRY(const auto view, std::move(opened));
    const margin::Evaluation* evaluation = view.find(account);
    if (evaluation == nullptr) {
        return fail(
            Errc::kNotFound,
            "account " + to_hex(account) + " is not in round " +
                std::to_string(view.round->attestation.round.value) +
                ": it holds nothing that was final then; `margrave account list` shows who does"
        );
    }
    MARGRAVE_TRY(
        const auto explained,
        explain_account(*view.round, evaluation->state, evaluation->evidence_text())
    );
    std::string human = explained.human;
    nlohmann::json document = *explained.document;
    if (evaluation->state.status != Status::kUnattestable) {
        const ReplayedRound& round = *view.round;
        const margin::Market market(round.prices, round.parameters, round.dead);
        MARGRAVE_TRY(const auto shares, margin::shares_of(evaluation->holdings, market));
        human += shares_text(shares);
        document["shares"] = shares_json(shares);
    }
    if (!options.history.empty()) {
        MARGRAVE_TRY(const auto tail, tail_by_history(view, *evaluation, options));
        human += tail_text(tail);
        document["tail"] = tail_json(tail);
    }
    const auto last = view.database->document("round/last");
    const auto shown =
        view.database->document("round/" + std::to_string(view.round->attestation.round.value));
    if (last == shown) {
        MARGRAVE_TRY(const EarlyNow early, early_now(view, account));
        human += early_text(early, view.round->parameters);
        document["early"] = offers_json(early, view.round->parameters);
        document["stands"] = stands_json(early);
    }
    print(context, human, document);
    return explained.findings.empty() ? 0 : kDoesNotAddUp;
}

/// As a request is judged: the worst of the attested state, of what is final since, and of the
/// newest, less what is promised.
Result<AccountHoldings> worst_now(const RoundView& view, const AccountHoldings& firm) {
    const store::AsOf attested = as_of(*view.round);
    MARGRAVE_TRY(const auto final, view.ledger->holdings_at_final(firm.account, attested));
    MARGRAVE_TRY(const auto head, view.ledger->holdings_at_head(firm.account, attested));
    MARGRAVE_TRY(const auto promises, promises_of(*view.ledger, firm.account));
    MARGRAVE_TRY(const auto base, margin::worst_of(firm, final, {}));
    return margin::worst_of(base, head, promises);
}

Result<int> what_if(Context& context, const WhatIfOptions& options) {
    MARGRAVE_TRY(const auto account, as_usage("account", parse_account(options.account)));
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    const ReplayedRound& round = *view.round;
    const margin::Evaluation* evaluation = view.find(account);
    margin::WhatIfQuestion question;
    // An account that has nothing yet may ask what a first deposit would do.
    question.firm.account = account;
    if (evaluation != nullptr) {
        question.firm = evaluation->holdings;
        question.was_liquidatable = evaluation->was_liquidatable;
    }
    const ParsedWhatIf asked =
        parse_what_if(options.text, question.firm, round.prices, round.parameters);
    if (!asked.problems.empty()) {
        context.problems = asked.problems;
        return fail(
            Errc::kUsage,
            std::to_string(asked.problems.size()) +
                (asked.problems.size() == 1 ? " move is" : " moves are") + " not possible"
        );
    }
    MARGRAVE_TRY(question.worst, worst_now(view, question.firm));
    question.prices = round.prices;
    question.dead = round.dead;
    std::vector<margin::PositionTrade> trades;
    for (const NamedTrade& position : asked.positions) {
        trades.push_back(position.trade);
    }
    question.trades = trades;
    question.moves = asked.moves;
    question.price_moves = asked.prices;
    MARGRAVE_TRY(const auto answer, margin::what_if(question, round.parameters));
    nlohmann::json document = what_if_json(answer, asked, round.parameters);
    document["account"] = to_hex(account);
    document["round"] = std::to_string(round.attestation.round.value);
    print(
        context,
        "account " + to_hex(account) + ", from round " +
            std::to_string(round.attestation.round.value) + "\n\n" +
            what_if_text(answer, asked, round.parameters),
        document
    );
    return 0;
}

void add_moves(
    CLI::App& app,
    const std::string& name,
    std::vector<std::string>& into,
    const std::string& what,
    const std::string& form = "CHAIN:ASSET=AMOUNT"
) {
    app.add_option(name, into, what)->allow_extra_args(false)->type_name(form);
}

}  // namespace

void add_account_risk(CLI::App& account, Context& context) {
    CLI::App* explain_command = account.add_subcommand(
        "explain", "Every term of one account's signed numbers, and whether they add up"
    );
    const auto asked = std::make_shared<ExplainOptions>();
    explain_command
        ->add_option("account", asked->account, "32-byte account id, or a 20-byte EVM address")
        ->required();
    explain_command->add_option("--round", asked->round, "A round other than the last")
        ->type_name("N")
        ->check(CLI::PositiveNumber.description(""));
    explain_command
        ->add_option(
            "--history", asked->history, "Also value at risk and shortfall by the kept prices"
        )
        ->type_name("SPAN");
    explain_command->add_option("--step", asked->step, "Time that one move takes (default 1d)")
        ->type_name("SPAN");
    explain_command->add_option("--level", asked->level, "Confidence of the tail (default 0.975)")
        ->type_name("DECIMAL");
    on_run(*explain_command, context, [asked](Context& c) { return explain(c, *asked); });

    CLI::App* what_if_command = account.add_subcommand(
        "what-if", "Health, liquidation and room of one account after moves that you name"
    );
    const auto moves = std::make_shared<WhatIfOptions>();
    what_if_command
        ->add_option("account", moves->account, "32-byte account id, or a 20-byte EVM address")
        ->required();
    add_moves(*what_if_command, "--deposit", moves->text.deposits, "Whole tokens that come in");
    add_moves(*what_if_command, "--repay", moves->text.repayments, "Whole tokens paid back");
    add_moves(*what_if_command, "--withdraw", moves->text.withdrawals, "Whole tokens that go out");
    add_moves(*what_if_command, "--borrow", moves->text.borrows, "Whole tokens lent");
    add_moves(
        *what_if_command,
        "--trade",
        moves->text.swaps,
        "A swap on one chain, outside of the vault: a withdrawal of what is sold, which must be "
        "granted, and a deposit of what is bought, at the last round's prices; @RATE or =AMOUNT "
        "behind it states what comes in",
        "CHAIN:ASSET=AMOUNT:ASSET"
    );
    add_moves(
        *what_if_command,
        "--position",
        moves->text.positions,
        "Contracts of the position book bought (+) or sold (-), as the venue would post them; what "
        "it takes for them is owed, what it pays counts once you deposit it",
        "MARKET=SIZE@PRICE"
    );
    add_moves(
        *what_if_command,
        "--price",
        moves->text.prices,
        "Another price, in USD or as a change: eth=-30%",
        "ASSET=PRICE"
    );
    on_run(*what_if_command, context, [moves](Context& c) { return what_if(c, *moves); });
}

}  // namespace margrave::relayer
