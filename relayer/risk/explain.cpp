// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/explain.hpp"

#include "margin/explain.hpp"
#include "relayer/risk/words.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace margrave::relayer {
namespace {

using nlohmann::json;

json part_json(const margin::Term::Part& part) {
    json out = json::object();
    out["asset"] = part.asset.text();
    out["chain"] = part.asset.chain().text();
    out["collateral"] = part.collateral.to_string();
    out["debt"] = part.debt.to_string();
    out["price"] = part.price.to_string_e18();
    out["backing"] = part.backing.to_string_e18();
    out["collateralValue"] = part.collateral_value.to_string_e18();
    out["debtValue"] = part.debt_value.to_string_e18();
    if (part.initial) {
        out["initial"] = {
            {"price", part.initial->price.to_string_e18()},
            {"debtPrice", part.initial->debt_price.to_string_e18()},
            {"part", part.initial->part.to_string_e18()},
            {"collateralValue", part.initial->collateral_value.to_string_e18()},
            {"debtValue", part.initial->debt_value.to_string_e18()}};
    }
    return out;
}

json term_json(const margin::Term& term, const margin::Contribution& contribution) {
    json out = json::object();
    out["asset"] = term.asset;
    out["price"] = term.price.to_string_e18();
    out["value"] = term.value.to_string_e18();
    out["counted"] = {
        {"initial", term.counted_initial.to_string_e18()},
        {"others", term.counted.to_string_e18()}};
    out["weight"] =
        levels_json(term.weight_initial, term.weight_liquidation_end, term.weight_maintenance);
    out["required"] = levels_json(
        term.required_initial, term.required_liquidation_end, term.required_maintenance
    );
    out["contribution"] =
        levels_json(contribution.initial, contribution.liquidation_end, contribution.maintenance);
    out["parts"] = json::array();
    for (const margin::Term::Part& part : term.parts) {
        out["parts"].push_back(part_json(part));
    }
    return out;
}

json venue_json(const margin::VenueSum& venue, const margin::Contribution& contribution) {
    json out = json::object();
    out["underlying"] = venue.underlying;
    out["module"] = venue.module;
    out["price"] = venue.price.to_string_e18();
    out["value"] = venue.value.to_string_e18();
    out["required"] = levels_json(
        venue.required_initial, venue.required_liquidation_end, venue.required_maintenance
    );
    out["contribution"] =
        levels_json(contribution.initial, contribution.liquidation_end, contribution.maintenance);
    return out;
}

Result<json> document_of(
    const ReplayedRound& round, const AccountState& leaf, const margin::Explanation& read
) {
    json out = health_json(leaf);
    out["account"] = to_hex(leaf.account);
    out["round"] = std::to_string(round.attestation.round.value);
    out["issuedAt"] = std::to_string(round.attestation.issued_at.value);
    out["root"] = to_hex(round.attestation.accounts);
    out["parameters"] = to_hex(round.attestation.parameters);
    out["detail"] = to_hex(leaf.detail);
    out["engine"] = std::to_string(read.engine);
    out["wasLiquidatable"] = read.was_liquidatable;
    out["terms"] = json::array();
    for (const margin::Term& term : read.terms) {
        MARGRAVE_TRY(const auto contribution, margin::contribution_of(term));
        out["terms"].push_back(term_json(term, contribution));
    }
    out["reliefs"] = json::array();
    for (const margin::Relief& relief : read.reliefs) {
        json row = levels_json(relief.initial, relief.liquidation_end, relief.maintenance);
        row["correlation"] = relief.correlation;
        out["reliefs"].push_back(std::move(row));
    }
    out["venues"] = json::array();
    for (const margin::VenueSum& venue : read.venues) {
        MARGRAVE_TRY(const auto contribution, margin::contribution_of(venue));
        out["venues"].push_back(venue_json(venue, contribution));
    }
    out["unvalued"] = json::array();
    for (const margin::Unvalued& row : read.unvalued) {
        out["unvalued"].push_back({{"what", row.what}, {"why", row.why}});
    }
    if (read.at_most) {
        const margin::AtMost& most = *read.at_most;
        out["atMost"] = {
            {"equity", most.equity.to_string_e18()},
            {"health", levels_json(most.initial, most.liquidation_end, most.maintenance)}};
    }
    return out;
}

std::string weight_text(const Money& weight) {
    return "x" + weight.to_decimal();
}

void write_parts(std::ostream& out, const margin::Term& term, const margin::Parameters& rules) {
    for (const margin::Term::Part& part : term.parts) {
        const margin::AssetParameters* asset = rules.find(part.asset);
        const unsigned decimals = asset == nullptr ? 0 : asset->decimals;
        out << "    " << part.asset.text();
        if (!part.collateral.is_zero()) {
            out << "  has " << in_tokens(part.collateral, decimals) << " = "
                << in_usd(part.collateral_value) << " USD";
            if (part.backing != Money::whole(1)) {
                out << " at backing " << part.backing.to_decimal();
            }
        }
        if (part.initial && !part.collateral.is_zero()) {
            out << ", initially " << in_usd(part.initial->collateral_value);
        }
        if (!part.debt.is_zero()) {
            out << "  owes " << in_tokens(part.debt, decimals) << " = " << in_usd(part.debt_value)
                << " USD";
        }
        out << '\n';
    }
}

Result<std::string> sum_table(const AccountState& leaf, const margin::Explanation& read) {
    std::vector<std::vector<std::string>> rows;
    for (const margin::Term& term : read.terms) {
        MARGRAVE_TRY(const auto counts, margin::contribution_of(term));
        rows.push_back(
            {term.asset,
             in_usd(term.value),
             weight_text(term.weight_initial),
             in_usd(counts.initial),
             weight_text(term.weight_liquidation_end),
             in_usd(counts.liquidation_end),
             weight_text(term.weight_maintenance),
             in_usd(counts.maintenance)}
        );
    }
    for (const margin::Relief& relief : read.reliefs) {
        rows.push_back(
            {relief.correlation + " relief",
             "",
             "",
             in_usd(relief.initial),
             "",
             in_usd(relief.liquidation_end),
             "",
             in_usd(relief.maintenance)}
        );
    }
    for (const margin::VenueSum& venue : read.venues) {
        MARGRAVE_TRY(const auto counts, margin::contribution_of(venue));
        rows.push_back(
            {venue.underlying + " " + venue.module,
             in_usd(venue.value),
             "",
             in_usd(counts.initial),
             "",
             in_usd(counts.liquidation_end),
             "",
             in_usd(counts.maintenance)}
        );
    }
    rows.push_back(
        {"signed",
         in_usd(leaf.equity),
         "",
         in_usd(leaf.initial),
         "",
         in_usd(leaf.liquidation_end),
         "",
         in_usd(leaf.maintenance)}
    );
    return columns(
        {"TERM",
         "VALUE USD",
         "WEIGHT",
         "INITIAL",
         "WEIGHT",
         "LIQUIDATION-END",
         "WEIGHT",
         "MAINTENANCE"},
        rows,
        1
    );
}

/// Whether it is in the sums all the same.
bool is_counted(const margin::Explanation& read, const margin::Unvalued& row) {
    return std::ranges::any_of(read.terms, [&row](const margin::Term& term) {
        return std::ranges::any_of(term.parts, [&row](const margin::Term::Part& part) {
            return part.asset.text() == row.what;
        });
    });
}

Result<std::string> text_of(
    const ReplayedRound& round,
    const AccountState& leaf,
    const margin::Explanation& read,
    const std::vector<std::string>& findings
) {
    std::ostringstream out;
    const std::string guards = margin::describe_guards(leaf.flags);
    out << "account " << to_hex(leaf.account) << " in round " << round.attestation.round.value
        << ": " << to_string(leaf.status) << (guards.empty() ? "" : " (" + guards + ")") << "\n\n";
    for (const margin::Term& term : read.terms) {
        out << "  " << term.asset << " at " << term.price.to_decimal() << " USD\n";
        write_parts(out, term, round.parameters);
    }
    for (const margin::Unvalued& row : read.unvalued) {
        out << (is_counted(read, row) ? "  owed at the highest price it may have: "
                                      : "  not valued: ")
            << row.what << ": " << row.why << '\n';
    }
    MARGRAVE_TRY(const auto sums, sum_table(leaf, read));
    out << (read.terms.empty() && read.unvalued.empty() ? "" : "\n") << sums << '\n';
    if (findings.empty()) {
        out << "checked: the evidence hashes to the signed leaf and its terms add up to it\n";
    }
    for (const std::string& finding : findings) {
        out << "WRONG: " << finding << '\n';
    }
    return out.str();
}

}  // namespace

ExplainedAccount::ExplainedAccount()
    : document(std::make_unique<json>()) {}

ExplainedAccount::ExplainedAccount(ExplainedAccount&&) noexcept = default;
ExplainedAccount& ExplainedAccount::operator=(ExplainedAccount&&) noexcept = default;
ExplainedAccount::~ExplainedAccount() = default;

Result<ExplainedAccount> explain_account(
    const ReplayedRound& round, const AccountState& leaf, std::string_view evidence_text
) {
    MARGRAVE_TRY(const auto read, margin::read_evidence(evidence_text));
    ExplainedAccount out;
    out.findings = margin::check_evidence(evidence_text, read, leaf, round.parameters);
    MARGRAVE_TRY(*out.document, document_of(round, leaf, read));
    (*out.document)["ok"] = out.findings.empty();
    (*out.document)["findings"] = out.findings;
    MARGRAVE_TRY(out.human, text_of(round, leaf, read, out.findings));
    return out;
}

}  // namespace margrave::relayer
