// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/report.hpp"

#include "relayer/risk/svg.hpp"
#include "relayer/risk/words.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

namespace margrave::relayer {
namespace {

constexpr std::size_t kLargestShown = 20;
constexpr std::size_t kClosestShown = 10;

// Text and grid in neutral tones, one blue for amounts, the four status tones only for status.
constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ground: #fcfcfb; --raised: #ffffff; --ink: #0b0b0b; --soft: #52514e;
  --rule: #d9d8d3; --series: #2a78d6; --good: #0ca30c; --warning: #fab219; --serious: #ec835a; --critical: #d03b3b; }
@media (prefers-color-scheme: dark) { :root { --ground: #1a1a19; --raised: #242422; --ink: #f5f5f3; --soft: #b4b3ad;
  --rule: #41403c; --series: #5598e7; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1180px; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 0 0 4px; }
p { margin: 0 0 12px; color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 18px 0; }
.tile, section { background: var(--raised); border: 1px solid var(--rule); border-radius: 8px; padding: 14px 16px; }
.tile b { display: block; font-size: 22px; font-weight: 600; } .tile span { color: var(--soft); font-size: 13px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; }
.pair > section { margin-bottom: 0; } section, .pair { margin-bottom: 16px; }
.wide { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 13.5px system-ui, sans-serif; fill: var(--soft); } svg text.value { fill: var(--ink); }
.axis { stroke: var(--soft); stroke-width: 1; } .grid { stroke: var(--rule); stroke-width: 1; }
.line { fill: none; stroke: var(--series); stroke-width: 2; stroke-linejoin: round; }
.series { fill: var(--series); } .good { fill: var(--good); } .warning { fill: var(--warning); }
.serious { fill: var(--serious); } .critical { fill: var(--critical); } .neutral { fill: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; font-size: 13px; } th:first-child, td:first-child { text-align: left; }
td.name { font-family: ui-monospace, monospace; font-size: 13px; text-align: left; } td.status, th.status { text-align: left; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 6px; }
.dot.good { background: var(--good); } .dot.warning { background: var(--warning); }
.dot.serious { background: var(--serious); } .dot.critical { background: var(--critical); } .dot.neutral { background: var(--soft); }
)css";

std::string_view tone_of(Status status) {
    switch (status) {
        case Status::kHealthy:
            return "good";
        case Status::kMarginCall:
            return "warning";
        case Status::kLiquidatable:
            return "serious";
        case Status::kBankrupt:
            return "critical";
        case Status::kUnattestable:
            return "neutral";
    }
    return "neutral";
}

std::string dollars(const Money& value) {
    return short_number(to_real(value));
}

void tile(std::ostream& out, std::string_view what, std::string_view value) {
    out << "<div class=\"tile\"><b>" << escaped_html(value) << "</b><span>" << escaped_html(what)
        << "</span></div>\n";
}

void write_tiles(std::ostream& out, const ReplayedRound& round) {
    std::map<Status, std::size_t> counts;
    double equity = 0;
    double lent = 0;
    for (const margin::Evaluation& row : round.evaluations) {
        ++counts[row.state.status];
        equity += to_real(row.state.equity);
        for (const margin::Term& term : row.terms) {
            lent += std::max(0.0, -to_real(term.value));
        }
    }
    out << "<div class=\"tiles\">\n";
    tile(out, "accounts", std::to_string(round.evaluations.size()));
    tile(out, "equity, USD", short_number(equity));
    tile(out, "net debt, USD", short_number(lent));
    tile(out, "in margin call", std::to_string(counts[Status::kMarginCall]));
    tile(
        out,
        "liquidatable or bankrupt",
        std::to_string(counts[Status::kLiquidatable] + counts[Status::kBankrupt])
    );
    tile(out, "unattestable", std::to_string(counts[Status::kUnattestable]));
    out << "</div>\n";
}

void write_health(std::ostream& out, const ReplayedRound& round) {
    constexpr std::array kEdges{0.9, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 3.0};
    std::vector<Bar> bars{
        {"<0.9", 0, "", "critical"},
        {"0.9-1", 0, "", "serious"},
        {"1-1.05", 0, "", "warning"},
        {"1.05-1.1", 0, "", "series"},
        {"1.1-1.25", 0, "", "series"},
        {"1.25-1.5", 0, "", "series"},
        {"1.5-2", 0, "", "series"},
        {"2-3", 0, "", "series"},
        {">3", 0, "", "series"}};
    std::size_t free = 0;
    std::size_t unknown = 0;
    for (const margin::Evaluation& row : round.evaluations) {
        const double health = health_factor(row);
        if (row.state.status == Status::kUnattestable) {
            ++unknown;
        } else if (health < 0) {
            ++free;
        } else {
            const auto at = std::ranges::upper_bound(kEdges, health) - kEdges.begin();
            bars.at(static_cast<std::size_t>(at)).value += 1;
        }
    }
    out << "<section><h2>Distribution of health</h2><p>Accounts with debt, by maintenance-weighted "
           "collateral over maintenance-weighted debt; below 1 they are liquidated. "
        << free << " without debt and " << unknown << " unattestable are not drawn.</p>"
        << column_chart("Accounts by health factor", bars) << "</section>\n";
}

void write_stress(std::ostream& out, const ReportInput& input) {
    out << "<section><h2>Stress</h2><p>Accounts after the blow &rarr; after the liquidations that "
           "follow have settled. Market depth: "
        << (input.depth_is_built_in ? "the built-in assumption." : "as stated by the operator.")
        << "</p><div class=\"wide\"><table><thead><tr><th>Scenario</th><th>Call</th>"
           "<th>Liquidatable</th><th>Bankrupt</th><th>Unattestable</th><th>Seized USD</th>"
           "<th>Unsold USD</th><th>Bad debt USD</th><th>Rounds</th></tr></thead><tbody>\n";
    for (const margin::StressResult& row : input.stress) {
        out << "<tr><td>" << escaped_html(row.name) << "</td>";
        for (const Status status :
             {Status::kMarginCall,
              Status::kLiquidatable,
              Status::kBankrupt,
              Status::kUnattestable}) {
            const auto i = static_cast<std::size_t>(status);
            out << "<td>" << row.shocked.at(i);
            if (row.shocked.at(i) != row.settled.at(i)) {
                out << " &rarr; " << row.settled.at(i);
            }
            out << "</td>";
        }
        out << "<td>" << dollars(row.seized) << "</td><td>" << dollars(row.unsold) << "</td><td>"
            << dollars(row.bad_debt_settled) << "</td><td>" << row.rounds
            << (row.is_settled ? "" : "+") << "</td></tr>\n";
    }
    out << "</tbody></table></div></section>\n";
}

void write_bad_debt(std::ostream& out, const ReportInput& input) {
    std::vector<Bar> bars;
    for (const margin::StressResult& row : input.stress) {
        if (row.bad_debt_settled.sign() > 0) {
            bars.push_back({row.name, to_real(row.bad_debt_settled), "", "critical"});
        }
    }
    std::ranges::stable_sort(bars, std::ranges::greater{}, &Bar::value);
    bars.resize(std::min<std::size_t>(bars.size(), 10));
    out << "<section><h2>Worst scenarios</h2><p>Bad debt once the liquidations have settled, USD; "
           "the ten largest.</p>";
    out << (bars.empty() ? std::string("<p>No scenario leaves bad debt.</p>")
                         : bar_chart("Bad debt by scenario", bars))
        << "</section>\n";
}

// "1234567.89" as "1,234,567.89".
std::string grouped(std::string digits) {
    const std::size_t first = digits.starts_with('-') ? 1 : 0;
    for (std::size_t at = digits.find('.'); at > first + 3; at -= 3) {
        digits.insert(at - 3, ",");
    }
    return digits;
}

using Rows = std::vector<const margin::Evaluation*>;

void write_accounts(
    std::ostream& out, std::string_view title, std::string_view note, const Rows& rows
) {
    out << "<section><h2>" << title << "</h2><p>" << note
        << "</p><div class=\"wide\"><table><thead><tr><th>Account</th>"
           "<th class=\"status\">Status</th><th>Equity USD</th><th>Initial</th>"
           "<th>Maintenance</th><th>Health factor</th></tr></thead><tbody>\n";
    for (const margin::Evaluation* row : rows) {
        const AccountState& s = row->state;
        const double health = health_factor(*row);
        out << "<tr><td class=\"name\" title=\"" << to_hex(s.account) << "\">"
            << in_short(to_hex(s.account)) << "</td><td class=\"status\"><span class=\"dot "
            << tone_of(s.status) << "\"></span>" << to_string(s.status) << "</td><td>"
            << grouped(in_usd(s.equity)) << "</td><td>" << grouped(in_usd(s.initial)) << "</td><td>"
            << grouped(in_usd(s.maintenance)) << "</td><td>"
            << (health < 0 ? std::string("no debt") : short_number(health)) << "</td></tr>\n";
    }
    out << "</tbody></table></div></section>\n";
}

void write_largest(std::ostream& out, const ReplayedRound& round) {
    Rows rows;
    for (const margin::Evaluation& row : round.evaluations) {
        rows.push_back(&row);
    }
    const auto size = [](const margin::Evaluation* row) {
        return row->state.equity;
    };
    std::ranges::stable_sort(rows, std::ranges::greater{}, size);
    rows.resize(std::min(rows.size(), kLargestShown));
    write_accounts(out, "Largest accounts", "By equity, at most twenty.", rows);
}

void write_closest(std::ostream& out, const ReplayedRound& round) {
    Rows rows;
    for (const margin::Evaluation& row : round.evaluations) {
        if (row.state.status != Status::kUnattestable && health_factor(row) >= 0) {
            rows.push_back(&row);
        }
    }
    const auto health = [](const margin::Evaluation* row) {
        return health_factor(*row);
    };
    std::ranges::stable_sort(rows, {}, health);
    rows.resize(std::min(rows.size(), kClosestShown));
    if (!rows.empty()) {
        write_accounts(out, "Lowest health", "By health factor, at most ten.", rows);
    }
}

void write_collateral(std::ostream& out, const ReplayedRound& round) {
    std::map<std::string, double> owned;
    std::map<std::string, double> owed;
    for (const margin::Evaluation& row : round.evaluations) {
        for (const margin::Term& term : row.terms) {
            for (const margin::Term::Part& part : term.parts) {
                const std::string place = term.asset + " on " + part.asset.chain().text();
                owned[place] += to_real(part.collateral_value);
                owed[place] += to_real(part.debt_value);
            }
        }
    }
    const auto bars = [](const std::map<std::string, double>& values) {
        std::vector<Bar> out_bars;
        for (const auto& [place, value] : values) {
            if (value > 0) {
                out_bars.push_back({place, value, "", "series"});
            }
        }
        std::ranges::stable_sort(out_bars, std::ranges::greater{}, &Bar::value);
        return out_bars;
    };
    out << "<div class=\"pair\"><section><h2>Collateral by chain and asset</h2><p>USD, after "
           "backing.</p>"
        << bar_chart("Collateral by chain and asset", bars(owned))
        << "</section>\n<section><h2>Debt by chain and asset</h2><p>USD.</p>"
        << bar_chart("Debt by chain and asset", bars(owed)) << "</section></div>\n";
}

void write_prices(std::ostream& out, const PriceHistory& history) {
    if (history.steps() == 0) {
        return;
    }
    out << "<div class=\"pair\">\n";
    for (std::size_t i = 0; i < history.assets.size(); ++i) {
        Line line{history.assets[i], history.from, history.step_s, {}};
        for (const std::vector<double>& row : history.prices) {
            line.values.push_back(row[i]);
        }
        out << "<section><h2>Price of " << escaped_html(history.assets[i])
            << "</h2><p>USD, from the signed rounds.</p>" << line_chart(line) << "</section>\n";
    }
    out << "</div>\n";
}

}  // namespace

double health_factor(const margin::Evaluation& evaluation) {
    double owned = 0;
    double owed = 0;
    for (const margin::Term& term : evaluation.terms) {
        const auto counted = sub(term.value, term.required_maintenance);
        const double value = counted ? to_real(counted.value()) : 0;
        (value < 0 ? owed : owned) += value < 0 ? -value : value;
    }
    // What venue positions add has no weight of its own; it counts on the side where it weighs.
    if (!evaluation.holdings.positions.empty()) {
        const double rest = to_real(evaluation.state.maintenance) - (owned - owed);
        (rest < 0 ? owed : owned) += rest < 0 ? -rest : rest;
    }
    return owed > 0 ? owned / owed : -1;
}

std::string report_html(const ReportInput& input) {
    const Attestation& a = input.round.attestation;
    std::ostringstream out;
    out << "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<title>Margrave risk report, round "
        << a.round.value << "</title>\n<style>" << kStyle << "</style>\n</head>\n<body>\n"
        << "<h1>Risk report</h1>\n<p>" << escaped_html(input.node_name) << ", round "
        << a.round.value << ", issued " << utc_text(a.issued_at.value) << " UTC. Root "
        << in_short(to_hex(a.accounts)) << ", parameters " << in_short(to_hex(a.parameters))
        << ".</p>\n";
    write_tiles(out, input.round);
    out << "<div class=\"pair\">";
    write_health(out, input.round);
    write_bad_debt(out, input);
    out << "</div>\n";
    write_collateral(out, input.round);
    write_closest(out, input.round);
    write_largest(out, input.round);
    write_prices(out, input.history);
    write_stress(out, input);
    out << "</body>\n</html>\n";
    return out.str();
}

}  // namespace margrave::relayer
