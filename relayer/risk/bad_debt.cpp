// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/bad_debt.hpp"

#include "relayer/risk/words.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace margrave::relayer {
namespace {

using nlohmann::json;

Result<margin::TokenAmounts> fund_tokens(
    const store::Ledger& ledger, const std::optional<Address>& owner, const store::AsOf& at
) {
    margin::TokenAmounts out;
    if (!owner) {
        return out;
    }
    MARGRAVE_TRY(const auto held, ledger.holdings(account_of(*owner), at));
    for (const Holding& row : held.holdings) {
        out.emplace(row.asset, row.free());
    }
    return out;
}

Result<margin::TokenAmounts> pool_tokens(const store::Ledger& ledger, const store::AsOf& at) {
    margin::TokenAmounts out;
    for (const store::LedgerDefinition& definition : ledger.ledgers()) {
        const auto block = at.find(definition.asset.chain());
        if (block == at.end()) {
            continue;
        }
        MARGRAVE_TRY(const auto trial, ledger.trial_balance(definition.id, block->second));
        // Lenders have what they put in and what it earned, booked or not: debts are counted alike.
        MARGRAVE_TRY(const auto unbooked, ledger.unbooked_interest(definition.id, block->second));
        MARGRAVE_TRY(
            auto pool,
            add(trial.totals.at(store::AccountCode::kPool),
                trial.totals.at(store::AccountCode::kInterest))
        );
        MARGRAVE_TRY(pool, add(pool, unbooked));
        out.emplace(definition.asset, std::move(pool));
    }
    return out;
}

unsigned token_decimals(const margin::Parameters& parameters, const AssetId& asset) {
    const margin::AssetParameters* found = parameters.find(asset);
    return found == nullptr ? 0 : found->decimals;
}

std::string in_whole(const margin::Parameters& parameters, const AssetId& asset, const Amount& n) {
    return in_tokens(n, token_decimals(parameters, asset));
}

json debts_json(const margin::BadDebt& debt) {
    json rows = json::array();
    for (const margin::AbsorbedDebt& row : debt.rows) {
        json one = json::object();
        one["account"] = to_hex(row.account);
        one["asset"] = row.asset.text();
        one["debt"] = row.debt.to_string();
        one["reserve"] = row.reserve.to_string();
        one["insurance"] = row.insurance.to_string();
        one["socialised"] = row.socialised.to_string();
        one["uncovered"] = row.uncovered.to_string();
        rows.push_back(std::move(one));
    }
    return rows;
}

json pools_json(const margin::BadDebt& debt) {
    json rows = json::array();
    for (const margin::PoolLoss& row : debt.pools) {
        json one = json::object();
        one["asset"] = row.asset.text();
        one["pool"] = row.pool.to_string();
        one["lost"] = row.lost.to_string();
        one["rate"] = row.rate.to_string_e18();
        rows.push_back(std::move(one));
    }
    return rows;
}

json ranking_json(const margin::Deleveraging& positions) {
    json rows = json::array();
    for (const margin::Deleveraged& row : positions.ranking) {
        json one = json::object();
        one["underlying"] = row.underlying;
        one["market"] = row.market;
        one["account"] = to_hex(row.account);
        one["size"] = row.size.to_string_e18();
        one["entryPrice"] = row.entry_price.to_string_e18();
        one["profit"] = row.profit.to_string_e18();
        one["score"] = row.score.to_string_e18();
        one["closed"] = row.closed.to_string_e18();
        one["forfeited"] = row.forfeited.to_string_e18();
        rows.push_back(std::move(one));
    }
    return rows;
}

std::string debts_text(const margin::BadDebt& debt, const margin::Parameters& parameters) {
    std::vector<std::vector<std::string>> rows;
    for (const margin::AbsorbedDebt& row : debt.rows) {
        const auto in = [&](const Amount& n) {
            return in_whole(parameters, row.asset, n);
        };
        rows.push_back(
            {in_short(to_hex(row.account)),
             in_short(row.asset.text()),
             in(row.debt),
             in(row.reserve),
             in(row.insurance),
             in(row.socialised),
             in(row.uncovered)}
        );
    }
    std::string out = columns(
        {"ACCOUNT", "ASSET", "BAD DEBT", "RESERVE", "INSURANCE", "SOCIALISED", "UNCOVERED"}, rows, 2
    );
    for (const margin::PoolLoss& row : debt.pools) {
        out += "lenders of " + row.asset.text() + " lose " +
               in_whole(parameters, row.asset, row.lost) + " of " +
               in_whole(parameters, row.asset, row.pool) + ", " + in_percent(row.rate) + "\n";
    }
    return out;
}

std::string ranking_text(const margin::Deleveraging& positions) {
    std::string out;
    for (const margin::PositionLoss& row : positions.losses) {
        out += "positions on " + row.underlying + ": " + in_usd(row.loss) +
               " USD lost beyond all that their owners have, " + in_usd(row.covered) +
               " covered by the profits below\n";
    }
    std::vector<std::vector<std::string>> rows;
    for (const margin::Deleveraged& row : positions.ranking) {
        rows.push_back(
            {row.underlying,
             row.market,
             in_short(to_hex(row.account)),
             row.size.to_decimal(),
             in_usd(row.profit),
             in_usd(row.score),
             row.closed.to_decimal(),
             in_usd(row.forfeited)}
        );
    }
    return out + columns(
                     {"UNDERLYING",
                      "MARKET",
                      "ACCOUNT",
                      "SIZE",
                      "PROFIT USD",
                      "SCORE",
                      "CLOSE",
                      "GIVES UP USD"},
                     rows,
                     3
                 );
}

}  // namespace

Result<BadDebtReport> bad_debt_of(
    const ReplayedRound& round, const store::Ledger& ledger, const config::FundSettings& funds
) {
    const store::AsOf at = as_of(round);
    margin::LossBearers bearers;
    MARGRAVE_TRY(bearers.reserve, fund_tokens(ledger, funds.reserve, at));
    MARGRAVE_TRY(bearers.insurance, fund_tokens(ledger, funds.insurance, at));
    MARGRAVE_TRY(bearers.pool, pool_tokens(ledger, at));
    std::vector<AccountHoldings> accounts;
    accounts.reserve(round.evaluations.size());
    for (const margin::Evaluation& evaluation : round.evaluations) {
        accounts.push_back(evaluation.holdings);
    }
    const margin::Scene scene{round.prices, round.parameters, round.dead};
    BadDebtReport out;
    MARGRAVE_TRY(out.debt, margin::absorb_bad_debt(accounts, bearers, scene));
    MARGRAVE_TRY(out.positions, margin::rank_deleveraging(accounts, scene));
    return out;
}

json bad_debt_json(const BadDebtReport& report, const margin::Parameters& parameters) {
    json out = json::object();
    out["debts"] = debts_json(report.debt);
    out["pools"] = pools_json(report.debt);
    json totals = json::object();
    totals["debt"] = report.debt.debt.to_string_e18();
    totals["reserve"] = report.debt.reserve.to_string_e18();
    totals["insurance"] = report.debt.insurance.to_string_e18();
    totals["socialised"] = report.debt.socialised.to_string_e18();
    totals["uncovered"] = report.debt.uncovered.to_string_e18();
    out["usd"] = std::move(totals);
    json losses = json::array();
    for (const margin::PositionLoss& row : report.positions.losses) {
        json one = json::object();
        one["underlying"] = row.underlying;
        one["loss"] = row.loss.to_string_e18();
        one["covered"] = row.covered.to_string_e18();
        losses.push_back(std::move(one));
    }
    out["positionLosses"] = std::move(losses);
    out["deleveraging"] = ranking_json(report.positions);
    json decimals = json::object();
    for (const margin::AbsorbedDebt& row : report.debt.rows) {
        decimals[row.asset.text()] = token_decimals(parameters, row.asset);
    }
    out["decimals"] = std::move(decimals);
    return out;
}

std::string bad_debt_text(const BadDebtReport& report, const margin::Parameters& parameters) {
    if (report.is_empty()) {
        return "no bad debt: what every account owes is covered\n";
    }
    std::string out;
    if (!report.debt.rows.empty()) {
        out += debts_text(report.debt, parameters);
    }
    if (!report.positions.losses.empty()) {
        out += ranking_text(report.positions);
    }
    return out;
}

}  // namespace margrave::relayer
