// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/tail.hpp"

#include "margin/numeric.hpp"
#include "relayer/risk/path_judge.hpp"
#include "relayer/risk/words.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace margrave::relayer {
namespace {

using nlohmann::json;

constexpr std::size_t kMovesMin = 2;
// What the config takes: /markets/*/grid/shocks.
constexpr std::size_t kShocksMax = 1'000;
constexpr double kFactorMin = 0.000001;
constexpr double kFactorMax = 10;

std::string count_text(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Result<Money> factor_of(const std::string& asset, double before, double after) {
    const double ratio = after / before;
    if (!(ratio >= kFactorMin) || ratio > kFactorMax) {
        std::array<char, 64> text{};
        std::snprintf(text.data(), text.size(), "%g to %g USD", before, after);
        return fail(
            Errc::kUsage,
            "the price of " + asset + " went from " + text.data() +
                " in one step, and a grid takes factors from 0.000001 to 10; take a shorter --step"
        );
    }
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.6f", ratio);
    return Money::parse(text.data());
}

Result<void> check_moves(const PriceMoves& moves, const RoundSpan& rounds) {
    const std::string seen = "the retained rounds " + std::to_string(rounds.first().value) +
                             " to " + std::to_string(rounds.last().value) + ", " +
                             std::to_string(rounds.until().value - rounds.from().value) +
                             " s in all, ";
    if (moves.factors.size() < kMovesMin) {
        return fail(
            Errc::kNotFound,
            seen + "hold " + count_text(moves.factors.size(), "step") + " of " +
                std::to_string(moves.step_s) + " s in which " + moves.asset +
                " has a price; at least 2 are needed: take a longer --last or a shorter --step"
        );
    }
    if (moves.factors.size() > kShocksMax) {
        return fail(
            Errc::kUsage,
            seen + "hold " + std::to_string(moves.factors.size()) + " steps of " +
                std::to_string(moves.step_s) +
                " s, and a grid takes 1000 shocks: take a longer --step or a shorter --last"
        );
    }
    const Money one = Money::whole(1);
    const bool fell =
        std::ranges::any_of(moves.factors, [&one](const Money& f) { return f < one; });
    const bool rose =
        std::ranges::any_of(moves.factors, [&one](const Money& f) { return f > one; });
    if (!fell || !rose) {
        const std::string never = !fell && !rose ? "moved" : (fell ? "rose" : "fell");
        return fail(
            Errc::kUsage,
            "the price of " + moves.asset + " never " + never + " in " +
                count_text(moves.factors.size(), "step") + " of " + std::to_string(moves.step_s) +
                " s, and a grid needs a move up and a move down: take a longer --last or another "
                "--step"
        );
    }
    return ok();
}

std::string known_names(const margin::Parameters& parameters) {
    std::string out;
    for (const margin::AssetParameters& asset : parameters.assets) {
        out += (out.empty() ? "" : ", ") + asset.name;
    }
    return out;
}

}  // namespace

Result<Money> parse_level(std::string_view text) {
    const auto level = Money::parse(text);
    if (!level || level.value().sign() <= 0 || level.value() >= Money::whole(1)) {
        return fail(
            Errc::kUsage,
            "\"" + std::string(text.substr(0, 32)) +
                R"(" is no confidence; expected a decimal above 0 and below 1, e.g. "0.975")"
        );
    }
    return level;
}

Result<PriceMoves> price_moves(
    const RoundSpan& rounds,
    const margin::Parameters& parameters,
    std::string_view asset,
    std::uint64_t step_s
) {
    margin::Parameters alone;
    const auto found = std::ranges::find(parameters.assets, asset, &margin::AssetParameters::name);
    if (found == parameters.assets.end()) {
        return fail(
            Errc::kUsage,
            "the last round has no asset \"" + std::string(asset.substr(0, 32)) +
                "\"; known names are " + known_names(parameters)
        );
    }
    alone.assets = {*found};
    MARGRAVE_TRY(const auto history, make_history(rounds, alone, step_s));
    PriceMoves out;
    out.asset = found->name;
    out.step_s = step_s;
    out.from = history.from;
    out.until = history.from + history.steps() * step_s;
    for (std::size_t t = 1; t < history.prices.size() && !history.assets.empty(); ++t) {
        MARGRAVE_TRY(
            auto factor,
            factor_of(out.asset, history.prices[t - 1].front(), history.prices[t].front())
        );
        out.factors.push_back(std::move(factor));
    }
    MARGRAVE_TRY(check_moves(out, rounds));
    return out;
}

json grid_json(const PriceMoves& moves, const Money& level) {
    json shocks = json::array();
    for (const Money& factor : moves.factors) {
        shocks.push_back({{"spot", factor.to_decimal()}});
    }
    return {{"tail_level", level.to_decimal()}, {"shocks", std::move(shocks)}};
}

Result<HistoryTail> history_tail(
    const ReplayedRound& round,
    const margin::Evaluation& account,
    const PriceHistory& history,
    const Money& level
) {
    if (account.state.status == Status::kUnattestable) {
        return fail(Errc::kInvalid, "an account that cannot be valued has no value at risk");
    }
    if (history.steps() < kMovesMin) {
        return fail(
            Errc::kNotFound,
            "the price history has " + count_text(history.steps(), "step") + " of " +
                std::to_string(history.step_s) +
                " s in which every asset has a price; at least 2 are needed: take a longer "
                "--history or a shorter --step"
        );
    }
    HistoryTail out;
    out.level = level;
    out.step_s = history.step_s;
    PathPrices prices(round.prices, round.parameters, history);
    margin::ScenarioPnl pnl;
    // By the same prices as every move: an asset whose price of now cannot be used has one in the
    // history.
    const margin::Market still(prices.at(history.prices.back(), 0), round.parameters, round.dead);
    const AccountState now =
        margin::evaluate_state(account.holdings, still, account.was_liquidatable, false);
    if (now.status == Status::kUnattestable) {
        return fail(
            Errc::kInvalid, "the account cannot be valued at the last prices of the history"
        );
    }
    std::vector<double> moved(history.assets.size());
    for (std::size_t t = 1; t < history.prices.size(); ++t) {
        for (std::size_t i = 0; i < moved.size(); ++i) {
            const double before = history.prices[t - 1][i];
            const double after = history.prices[t][i];
            const double last = history.prices.back()[i];
            moved[i] = before == after ? last : last * (after / before);
        }
        const margin::Market market(prices.at(moved, 0), round.parameters, round.dead);
        const AccountState state =
            margin::evaluate_state(account.holdings, market, account.was_liquidatable, false);
        if (state.status == Status::kUnattestable) {
            ++out.unvalued;
            continue;
        }
        MARGRAVE_TRY(auto change, sub(state.equity, now.equity));
        pnl.push_back(std::move(change));
    }
    out.moves = pnl.size();
    if (pnl.empty()) {
        return fail(Errc::kInvalid, "no move of the history leaves an account that can be valued");
    }
    out.risk = margin::historical_risk(std::move(pnl), level);
    return out;
}

json tail_json(const HistoryTail& tail) {
    return {
        {"level", tail.level.to_decimal()},
        {"step", std::to_string(tail.step_s)},
        {"moves", std::to_string(tail.moves)},
        {"unvalued", std::to_string(tail.unvalued)},
        {"worst", std::to_string(tail.risk.count)},
        {"valueAtRisk", tail.risk.value_at_risk.to_string_e18()},
        {"expectedShortfall", tail.risk.expected_shortfall.to_string_e18()}};
}

std::string tail_text(const HistoryTail& tail) {
    std::string out = "\nover one step of " + std::to_string(tail.step_s) + " s, by " +
                      count_text(tail.moves, "move") + " of the kept prices at " +
                      in_percent(tail.level) + ": value at risk " +
                      in_usd(tail.risk.value_at_risk) + " USD, expected shortfall " +
                      in_usd(tail.risk.expected_shortfall) + " USD (mean of the " +
                      std::to_string(tail.risk.count) + " worst)\n";
    if (tail.unvalued != 0) {
        out += count_text(tail.unvalued, "move") + " would take a price out of its bounds and " +
               (tail.unvalued == 1 ? "is" : "are") + " not among them\n";
    }
    return out;
}

}  // namespace margrave::relayer
