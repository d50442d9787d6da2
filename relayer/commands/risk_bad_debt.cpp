// SPDX-License-Identifier: Apache-2.0
#include "relayer/cli.hpp"
#include "relayer/commands/risk.hpp"
#include "relayer/risk/bad_debt.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>

namespace margrave::relayer {
namespace {

constexpr int kFound = 4;

Result<int> run_bad_debt(Context& context) {
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    const ReplayedRound& round = *view.round;
    MARGRAVE_TRY(const auto report, bad_debt_of(round, *view.ledger, view.settings.funds));
    nlohmann::json document = bad_debt_json(report, round.parameters);
    document["round"] = std::to_string(round.attestation.round.value);
    print(context, bad_debt_text(report, round.parameters), document);
    if (report.is_empty()) {
        return 0;
    }
    if (!report.debt.rows.empty()) {
        advise(
            context,
            "note: a debt ends by Vault.repay(account, token, amount), which anybody may call; "
            "until "
            "then it stands in the ledger as a loan, and what is socialised stays there"
        );
    }
    if (!report.positions.losses.empty()) {
        advise(
            context,
            "note: no instruction closes a venue's position; the ranking is for the venue to act on"
        );
    }
    return kFound;
}

}  // namespace

void add_risk_bad_debt(CLI::App& risk, Context& context) {
    CLI::App* command = risk.add_subcommand(
        "bad-debt", "What bankrupt accounts cannot pay, and who bears it in which order"
    );
    on_run(*command, context, [](Context& c) { return run_bad_debt(c); });
}

}  // namespace margrave::relayer
