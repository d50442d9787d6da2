// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <memory>
#include <sstream>

namespace margrave::relayer {

namespace {

/// Money is shown with two decimals to people and exactly, as E18 integers, to programs.
std::string usd(const Money& value) {
    return value.to_decimal(2);
}

nlohmann::json holdings_json(const AccountHoldings& holdings) {
    nlohmann::json rows = nlohmann::json::array();
    for (const Holding& holding : holdings.holdings) {
        nlohmann::json row = nlohmann::json::object();
        row["asset"] = holding.asset.text();
        row["book"] = holding.book.to_string();
        row["collateral"] = holding.collateral.to_string();
        row["debt"] = holding.debt.to_string();
        row["inSale"] = holding.in_sale.to_string();
        row["mapped"] = holding.mapped.to_string();
        row["mappedDebt"] = holding.mapped_debt.to_string();
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<nlohmann::json> account_json(
    const RoundView& view, const AccountState& state, const AccountState& ahead
) {
    nlohmann::json row = nlohmann::json::object();
    row["account"] = to_hex(state.account);
    row["detail"] = to_hex(state.detail);
    row["equity"] = state.equity.to_string_e18();
    row["provisionalEquity"] = ahead.equity.to_string_e18();
    row["initial"] = state.initial.to_string_e18();
    row["liquidationEnd"] = state.liquidation_end.to_string_e18();
    row["maintenance"] = state.maintenance.to_string_e18();
    row["status"] = to_string(state.status);
    row["flags"] = std::to_string(state.flags);
    MARGRAVE_TRY(auto head, view.ledger->holdings_at_head(state.account));
    row["holdingsAtHead"] = holdings_json(head);
    return row;
}

/// What the same prices say of everything applied, final or not.
Result<AccountState> provisional(const RoundView& view, const AccountId& account) {
    MARGRAVE_TRY(auto holdings, view.ledger->holdings_at_head(account));
    const ReplayedRound& round = *view.round;
    const margin::Market market(round.prices, round.parameters, round.dead);
    return margin::evaluate_state(holdings, market, false, false);
}

Result<int> list_accounts(Context& context) {
    MARGRAVE_TRY(auto view, open_round_view(context, RoundNum{0}));
    nlohmann::json rows = nlohmann::json::array();
    std::ostringstream human;
    human << std::left << std::setw(68) << "ACCOUNT" << std::setw(14) << "STATUS" << std::right
          << std::setw(16) << "EQUITY USD" << std::setw(16) << "PROVISIONAL" << std::setw(16)
          << "INITIAL" << std::setw(16) << "MAINTENANCE" << '\n';
    if (view.round) {
        for (const margin::Evaluation& evaluation : view.round->evaluations) {
            const AccountState& s = evaluation.state;
            MARGRAVE_TRY(auto ahead, provisional(view, s.account));
            MARGRAVE_TRY(auto row, account_json(view, s, ahead));
            rows.push_back(std::move(row));
            human << std::left << std::setw(68) << to_hex(s.account) << std::setw(14)
                  << to_string(s.status) << std::right << std::setw(16) << usd(s.equity)
                  << std::setw(16) << usd(ahead.equity) << std::setw(16) << usd(s.initial)
                  << std::setw(16) << usd(s.maintenance) << '\n';
        }
    }
    print(context, human.str(), rows);
    return 0;
}

nlohmann::json proof_of(const ReplayedRound& round, std::size_t index) {
    nlohmann::json proof = nlohmann::json::array();
    for (const Hash32& node : round.tree.proof(index)) {
        proof.push_back(to_hex(node));
    }
    return proof;
}

nlohmann::json answers_json(
    const std::vector<store::Hold>& holds, const std::vector<store::Leg>& legs
) {
    nlohmann::json out = nlohmann::json::object();
    out["holds"] = nlohmann::json::array();
    for (const store::Hold& hold : holds) {
        nlohmann::json row = nlohmann::json::object();
        row["release"] = to_hex(hold.release_id);
        row["kind"] = to_string(hold.kind);
        row["chain"] = hold.chain.text();
        row["request"] = std::to_string(hold.request);
        row["asset"] = hold.asset.text();
        row["amount"] = hold.amount.to_string();
        row["deadline"] = std::to_string(hold.deadline.value);
        out["holds"].push_back(std::move(row));
    }
    out["legs"] = nlohmann::json::array();
    for (const store::Leg& leg : legs) {
        nlohmann::json row = nlohmann::json::object();
        row["seizure"] = to_hex(leg.seizure_id);
        row["lock"] = std::to_string(leg.lock);
        row["leg"] = std::to_string(leg.number);
        row["asset"] = leg.asset.text();
        row["amount"] = leg.amount.to_string();
        row["debtAsset"] = leg.debt_asset.text();
        row["minProceeds"] = leg.min_proceeds.to_string();
        row["proceeds"] = leg.proceeds.to_string();
        row["state"] = to_string(leg.state);
        out["legs"].push_back(std::move(row));
    }
    return out;
}

void print_terms(std::ostream& out, const margin::Evaluation& evaluation) {
    for (const margin::Term& term : evaluation.terms) {
        out << "  " << term.asset << " at " << term.price.to_decimal() << " USD: value "
            << usd(term.value) << ", required " << usd(term.required_initial) << " initial, "
            << usd(term.required_maintenance) << " maintenance\n";
        for (const margin::Term::Part& part : term.parts) {
            out << "    " << part.asset.text() << "  collateral " << part.collateral.to_string()
                << "  debt " << part.debt.to_string() << '\n';
        }
    }
}

void print_venues(std::ostream& out, const margin::Evaluation& evaluation) {
    for (const margin::VenueTerm& term : evaluation.venues) {
        out << "  " << term.underlying << " by " << term.module << " at " << usd(term.price)
            << "  value " << usd(term.value) << "  required " << usd(term.required_initial)
            << " initial, " << usd(term.required_liquidation_end) << " liquidation-end, "
            << usd(term.required_maintenance) << " maintenance\n";
        for (const margin::VenueTerm::Part& part : term.parts) {
            out << "    " << part.name << "  size " << part.size.to_decimal() << "  entry "
                << usd(part.entry_price) << "  value " << usd(part.value) << '\n';
        }
        if (!term.pnl.empty()) {
            const auto worst = std::ranges::min_element(term.pnl);
            out << "    worst of " << term.pnl.size() << " scenarios: number "
                << worst - term.pnl.begin() << ", " << usd(*worst) << "; basis " << usd(term.basis)
                << '\n';
        }
    }
}

std::string describe(
    const ReplayedRound& round, const margin::Evaluation& evaluation, const AccountState& ahead
) {
    const AccountState& s = evaluation.state;
    std::ostringstream out;
    out << "account      " << to_hex(s.account) << '\n'
        << "round        " << round.attestation.round.value << ", root "
        << to_hex(round.attestation.accounts) << '\n'
        << "status       " << to_string(s.status) << ", flags " << s.flags << '\n'
        << "equity       " << usd(s.equity) << " USD firm, " << usd(ahead.equity)
        << " USD provisional\n"
        << "health       " << usd(s.initial) << " initial, " << usd(s.liquidation_end)
        << " liquidation-end, " << usd(s.maintenance) << " maintenance\n";
    print_terms(out, evaluation);
    print_venues(out, evaluation);
    return out.str();
}

Result<int> show_account(Context& context, const std::string& name) {
    MARGRAVE_TRY(auto account, as_usage("account", parse_account(name)));
    MARGRAVE_TRY(auto view, open_signed_round(context, RoundNum{0}));
    for (std::size_t i = 0; i < view.round->evaluations.size(); ++i) {
        const margin::Evaluation& evaluation = view.round->evaluations[i];
        if (evaluation.state.account != account) {
            continue;
        }
        MARGRAVE_TRY(auto ahead, provisional(view, account));
        MARGRAVE_TRY(auto row, account_json(view, evaluation.state, ahead));
        MARGRAVE_TRY(auto holds, view.ledger->holds_of(account));
        MARGRAVE_TRY(auto legs, view.ledger->legs(account));
        row.update(answers_json(holds, legs));
        row["round"] = std::to_string(view.round->attestation.round.value);
        row["root"] = to_hex(view.round->attestation.accounts);
        row["proof"] = proof_of(*view.round, i);
        row["evidence"] = nlohmann::json::parse(evaluation.evidence().dump());
        print(context, describe(*view.round, evaluation, ahead), row);
        return 0;
    }
    return fail(
        Errc::kNotFound,
        "account " + to_hex(account) + " is not in round " +
            std::to_string(view.round->attestation.round.value) +
            ": it holds nothing that is final; `margrave account list` shows who does"
    );
}

}  // namespace

void add_account(CLI::App& app, Context& context) {
    CLI::App* account = app.add_subcommand("account", "Accounts of the last signed round");
    account->require_subcommand(1);
    CLI::App* list = account->add_subcommand("list", "All accounts with equity, health and status");
    on_run(*list, context, list_accounts);
    CLI::App* show = account->add_subcommand(
        "show", "One account: every term, holds, liquidations, and its proof under the signed root"
    );
    const auto name = std::make_shared<std::string>();
    show->add_option("account", *name, "32-byte account id, or a 20-byte EVM address")->required();
    on_run(*show, context, [name](Context& c) { return show_account(c, *name); });
    add_account_risk(*account, context);
}

}  // namespace margrave::relayer
