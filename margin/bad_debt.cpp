// SPDX-License-Identifier: Apache-2.0
#include "margin/bad_debt.hpp"

#include "margin/liquidation.hpp"
#include "margin/moves.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace margrave::margin {
namespace {

struct Failed {
    const AccountHoldings* holdings{nullptr};
    AccountState state;
};

// Nobody bears a loss that a price which is missing may undo.
bool is_lost(const AccountHoldings& holdings, const Market& market) {
    return evaluate_at_most(holdings, market).equity.is_negative();
}

std::vector<Failed> failed_accounts(
    std::span<const AccountHoldings> accounts, const Market& market
) {
    std::vector<Failed> out;
    for (const AccountHoldings& holdings : accounts) {
        AccountState state = evaluate_state(holdings, market, false, false);
        if (state.status == Status::kBankrupt && is_lost(holdings, market)) {
            out.push_back({&holdings, std::move(state)});
        }
    }
    std::ranges::sort(out, [](const Failed& a, const Failed& b) {
        return is_riskier(a.state, b.state);
    });
    return out;
}

// The rules under which everything is sold that can be.
Parameters without_mercy(Parameters parameters) {
    constexpr std::int64_t kMoreThanAnyDebt = 1'000'000'000'000'000;
    LiquidationParameters& rules = parameters.liquidation;
    rules.close_factor = Money::whole(1);
    rules.close_all_below = Money::whole(kMoreThanAnyDebt);
    rules.dust = Money{};
    return parameters;
}

Amount owed_to_pool(const AccountHoldings& holdings, const AssetId& asset) {
    const auto row = std::ranges::find(holdings.holdings, asset, &Holding::asset);
    return row == holdings.holdings.end() ? Amount{} : row->own_debt();
}

// Takes up to `wanted` out of a fund.
Amount draw(TokenAmounts& from, const AssetId& asset, Amount& wanted) {
    const auto entry = from.find(asset);
    if (entry == from.end()) {
        return Amount{};
    }
    const Amount taken = min(entry->second, wanted);
    entry->second = sub_or_zero(entry->second, taken);
    wanted = sub_or_zero(wanted, taken);
    return taken;
}

class Waterfall {
  public:
    Waterfall(LossBearers bearers, const Market& market)
        : bearers_(std::move(bearers)),
          pools_(bearers_.pool),
          market_(market) {}

    // `left`: the account once everything is sold.
    Result<void> absorb(const AccountHoldings& left) {
        const Evaluation now = evaluate(left, market_, true, false);
        if (now.state.status != Status::kBankrupt || !is_lost(left, market_)) {
            return ok();
        }
        Money missing = negate(now.at_most ? now.at_most->equity : now.state.equity);
        for (const Term& term : now.at_most ? now.at_most->terms : now.terms) {
            if (!term.value.is_negative()) {
                continue;
            }
            Money rest = min(negate(term.value), missing);
            for (const Term::Part& part : term.parts) {
                const AssetParameters& asset = *market_.parameters().find(part.asset);
                MARGRAVE_TRY(
                    const auto units, units_for(rest, asset.decimals, part.price, Round::kUp)
                );
                const Amount debt = min(units, owed_to_pool(left, part.asset));
                if (debt.is_zero()) {
                    continue;
                }
                MARGRAVE_TRY(
                    const auto value, value_of(debt, asset.decimals, part.price, Round::kDown)
                );
                MARGRAVE_TRY(rest, sub(rest, min(rest, value)));
                MARGRAVE_TRY(missing, sub(missing, min(missing, value)));
                MARGRAVE_TRY(share({left.account, part.asset, debt, {}, {}, {}, {}}, part.price));
            }
        }
        return ok();
    }

    Result<BadDebt> finish() {
        for (const auto& [asset, pool] : pools_) {
            const Amount lost = sub_or_zero(pool, bearers_.pool[asset]);
            if (lost.is_zero()) {
                continue;
            }
            // Raw units as E18 numbers; a count too large for one is a pool of more than all money.
            MARGRAVE_TRY(const auto whole, value_of(pool, 0, Money::from_e18(1), Round::kDown));
            MARGRAVE_TRY(const auto part, value_of(lost, 0, Money::from_e18(1), Round::kDown));
            MARGRAVE_TRY(const auto rate, mul_div(part, Money::whole(1), whole, Round::kUp));
            out_.pools.push_back({asset, pool, lost, rate});
        }
        return std::move(out_);
    }

  private:
    Result<void> share(AbsorbedDebt row, const Money& price) {
        Amount left = row.debt;
        row.reserve = draw(bearers_.reserve, row.asset, left);
        row.insurance = draw(bearers_.insurance, row.asset, left);
        row.socialised = draw(bearers_.pool, row.asset, left);
        row.uncovered = left;
        const unsigned decimals = market_.parameters().find(row.asset)->decimals;
        const auto count = [&](Money& sum, const Amount& part) -> Result<void> {
            MARGRAVE_TRY(const auto value, value_of(part, decimals, price, Round::kUp));
            MARGRAVE_TRY(sum, add(sum, value));
            return ok();
        };
        MARGRAVE_TRY(count(out_.debt, row.debt));
        MARGRAVE_TRY(count(out_.reserve, row.reserve));
        MARGRAVE_TRY(count(out_.insurance, row.insurance));
        MARGRAVE_TRY(count(out_.socialised, row.socialised));
        MARGRAVE_TRY(count(out_.uncovered, row.uncovered));
        out_.rows.push_back(std::move(row));
        return ok();
    }

    LossBearers bearers_;
    // As they were, to compare with.
    TokenAmounts pools_;
    const Market& market_;
    BadDebt out_;
};

bool is_perpetual(const Market& market, const Hash32& id) {
    const Market::Instrument* instrument = market.find_market(id);
    return instrument != nullptr && instrument->perpetual != nullptr;
}

// Losses of the bankrupt by underlying, each account's at most what it lacks.
Result<std::map<std::string, Money>> losses_on_positions(
    std::span<const AccountHoldings> accounts, const Market& market
) {
    std::map<std::string, Money> out;
    for (const AccountHoldings& holdings : accounts) {
        const Evaluation found = evaluate(holdings, market, false, false);
        if (found.state.status != Status::kBankrupt || !is_lost(holdings, market)) {
            continue;
        }
        Money missing = negate(found.at_most ? found.at_most->equity : found.state.equity);
        for (const VenueTerm& term : found.venues) {
            const Money loss = min(missing, max(negate(term.value), Money{}));
            if (loss.is_zero()) {
                continue;
            }
            MARGRAVE_TRY(missing, sub(missing, loss));
            Money& sum = out[term.underlying];
            MARGRAVE_TRY(sum, add(sum, loss));
        }
    }
    return out;
}

// profit / cost * notional / equity; what cost nothing comes as if it had cost one unit.
Result<Money> score_of(const VenueTerm::Part& part, const Money& price, const Money& equity) {
    const Money size = part.size.is_negative() ? negate(part.size) : part.size;
    MARGRAVE_TRY(const auto notional, mul(size, price, Round::kUp));
    MARGRAVE_TRY(const auto paid, mul(size, part.entry_price, Round::kUp));
    const Money cost = max(paid, Money::from_e18(1));
    MARGRAVE_TRY(const auto scaled, mul_div(part.value, notional, cost, Round::kDown));
    return mul_div(scaled, Money::whole(1), equity, Round::kDown);
}

Result<void> add_candidates(
    const AccountHoldings& holdings,
    const Market& market,
    const std::map<std::string, Money>& losses,
    std::vector<Deleveraged>& out
) {
    const Evaluation found = evaluate(holdings, market, false, false);
    if (found.state.equity.sign() <= 0) {
        return ok();
    }
    for (const VenueTerm& term : found.venues) {
        if (!losses.contains(term.underlying)) {
            continue;
        }
        for (const VenueTerm::Part& part : term.parts) {
            if (part.value.sign() <= 0 || !is_perpetual(market, part.market)) {
                continue;
            }
            Deleveraged row;
            row.underlying = term.underlying;
            row.market = part.name;
            row.account = holdings.account;
            row.size = part.size;
            row.entry_price = part.entry_price;
            row.profit = part.value;
            MARGRAVE_TRY(row.score, score_of(part, term.price, found.state.equity));
            out.push_back(std::move(row));
        }
    }
    return ok();
}

bool ranks_before(const Deleveraged& a, const Deleveraged& b) {
    if (a.underlying != b.underlying) {
        return a.underlying < b.underlying;
    }
    if (a.score != b.score) {
        return a.score > b.score;
    }
    return std::tie(a.account, a.market) < std::tie(b.account, b.market);
}

}  // namespace

Result<BadDebt> absorb_bad_debt(
    std::span<const AccountHoldings> accounts, const LossBearers& bearers, const Scene& scene
) {
    const Market market(scene.prices, scene.parameters, scene.dead);
    const Parameters all_goes = without_mercy(scene.parameters);
    const Market sale(scene.prices, all_goes, scene.dead);
    Waterfall waterfall(bearers, market);
    for (const Failed& failed : failed_accounts(accounts, market)) {
        AccountHoldings left = *failed.holdings;
        MARGRAVE_TRY(const auto plan, plan_liquidation(left, sale));
        for (const PlannedLeg& leg : plan.legs) {
            MARGRAVE_TRY(left, apply(std::move(left), leg));
        }
        MARGRAVE_TRY(waterfall.absorb(left));
    }
    return waterfall.finish();
}

Result<Deleveraging> rank_deleveraging(
    std::span<const AccountHoldings> accounts, const Scene& scene
) {
    const Market market(scene.prices, scene.parameters, scene.dead);
    MARGRAVE_TRY(auto left, losses_on_positions(accounts, market));
    Deleveraging out;
    for (const AccountHoldings& holdings : accounts) {
        MARGRAVE_TRY(add_candidates(holdings, market, left, out.ranking));
    }
    std::ranges::sort(out.ranking, ranks_before);
    for (const auto& [underlying, loss] : left) {
        out.losses.push_back({underlying, loss, {}});
    }
    for (Deleveraged& row : out.ranking) {
        const auto loss = std::ranges::find(out.losses, row.underlying, &PositionLoss::underlying);
        Money& missing = left.at(row.underlying);
        row.forfeited = min(row.profit, missing);
        // All of it, or a part that gives up no less than that.
        const Round away = row.size.is_negative() ? Round::kDown : Round::kUp;
        MARGRAVE_TRY(row.closed, mul_div(row.size, row.forfeited, row.profit, away));
        MARGRAVE_TRY(missing, sub(missing, row.forfeited));
        MARGRAVE_TRY(loss->covered, add(loss->covered, row.forfeited));
    }
    return out;
}

}  // namespace margrave::margin
