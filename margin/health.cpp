// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"

#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "margin/module.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

namespace margrave::margin {
namespace {

constexpr std::uint32_t kFirstGuardBit = 8;

bool has_size(const VenuePosition& position) {
    return !position.size.is_zero();
}

// What the account is, whatever it is worth.
std::uint32_t facts_of(const AccountHoldings& holdings, bool provisional_differs) {
    std::uint32_t out = provisional_differs ? flags::kProvisionalDiffers : 0U;
    for (const Holding& holding : holdings.holdings) {
        if (!holding.debt.is_zero()) {
            out |= flags::kHasDebt;
        }
        if (holding.own() != holding.book) {
            out |= flags::kBookDiffers;
        }
    }
    if (std::ranges::any_of(holdings.positions, has_size)) {
        out |= flags::kHasDebt;
    }
    return out;
}

void check_positions(
    const AccountHoldings& holdings, const Market& market, Sums& sums, const Evidence* evidence
) {
    for (const VenuePosition& position : holdings.positions) {
        const bool covered =
            std::ranges::any_of(modules(), [&](const std::unique_ptr<const Module>& module) {
                return module->covers(position, market);
            });
        if (!has_size(position) || covered) {
            continue;
        }
        sums.flags |= flags::kPositionUnvalued;
        sums.unattestable = true;
        if (evidence != nullptr) {
            evidence->unvalued.push_back(
                {.what = "position " + to_hex(position.market),
                 .why = describe_guards(flags::kPositionUnvalued)}
            );
        }
    }
}

void check_chains(
    const AccountHoldings& holdings, const Market& market, Sums& sums, const Evidence* evidence
) {
    if (market.dead().empty()) {
        return;
    }
    const auto refuse = [&sums, evidence](std::string what) {
        sums.flags |= flags::kChainDead;
        sums.unattestable = true;
        if (evidence != nullptr) {
            evidence->unvalued.push_back(
                {.what = std::move(what), .why = describe_guards(flags::kChainDead)}
            );
        }
    };
    for (const Holding& holding : holdings.holdings) {
        if (market.dead().holds(holding)) {
            refuse(holding.asset.text());
        }
    }
    for (const VenuePosition& position : holdings.positions) {
        if (market.dead().holds(position)) {
            refuse("position " + to_hex(position.market));
        }
    }
}

Result<void> fill_amounts(AccountState& state, const Sums& sums) {
    MARGRAVE_TRY(auto initial, sub(sums.value, sums.required_initial));
    MARGRAVE_TRY(auto liquidation_end, sub(sums.value, sums.required_liquidation_end));
    MARGRAVE_TRY(auto maintenance, sub(sums.value, sums.required_maintenance));
    state.equity = sums.value;
    state.initial = std::move(initial);
    state.liquidation_end = std::move(liquidation_end);
    state.maintenance = std::move(maintenance);
    return ok();
}

Status status_of(const AccountState& state, bool was_liquidatable) {
    if ((state.flags & flags::kHasDebt) != 0 && state.equity.is_negative()) {
        return Status::kBankrupt;
    }
    const bool still = was_liquidatable && state.liquidation_end.is_negative();
    if (state.maintenance.is_negative() || still) {
        return Status::kLiquidatable;
    }
    return state.initial.is_negative() ? Status::kMarginCall : Status::kHealthy;
}

// Everything the modules say, or nothing of it when something cannot be passed over.
AccountState add_up(
    const AccountHoldings& holdings, const Market& market, Sums& sums, const Evidence* evidence
) {
    AccountState state;
    state.account = holdings.account;
    check_chains(holdings, market, sums, evidence);
    check_positions(holdings, market, sums, evidence);
    for (const std::unique_ptr<const Module>& module : modules()) {
        if (const Result<void> added = module->add(holdings, market, sums, evidence); !added) {
            sums.flags |= flags::kArithmetic;
            sums.unattestable = true;
            if (evidence != nullptr) {
                evidence->unvalued.push_back(
                    {.what = std::string(module->name()), .why = added.error().detail}
                );
            }
        }
    }
    if (!sums.unattestable && !fill_amounts(state, sums)) {
        sums.flags |= flags::kArithmetic;
        sums.unattestable = true;
    }
    // Parameters that passed check() cannot break the order of the levels.
    MARGRAVE_ASSERT(state.initial <= state.liquidation_end);
    MARGRAVE_ASSERT(state.liquidation_end <= state.maintenance);
    state.flags |= sums.flags;
    return state;
}

AccountState unattestable(const AccountState& state) {
    AccountState out;
    out.account = state.account;
    out.flags = state.flags;
    out.status = Status::kUnattestable;
    return out;
}

// The same at the best that is possible of what has no usable price.
AccountState judge_at_most(
    const AccountHoldings& holdings,
    const Market& market,
    std::uint32_t facts,
    bool was_liquidatable,
    Evaluation* into
) {
    Sums sums;
    sums.at_most = true;
    AtMost most;
    std::vector<VenueTerm> venues;
    std::vector<Unvalued> unvalued;
    const Evidence evidence{
        .terms = most.terms, .reliefs = most.reliefs, .venues = venues, .unvalued = unvalued};
    AccountState state = add_up(holdings, market, sums, into == nullptr ? nullptr : &evidence);
    state.flags |= facts;
    if (sums.unattestable) {
        return unattestable(state);
    }
    state.status = status_of(state, was_liquidatable);
    if (into != nullptr) {
        most.equity = state.equity;
        most.initial = state.initial;
        most.liquidation_end = state.liquidation_end;
        most.maintenance = state.maintenance;
        std::ranges::stable_sort(most.terms, {}, &Term::asset);
        into->at_most = std::move(most);
    }
    return state;
}

AccountState judge(
    const AccountHoldings& holdings,
    const Market& market,
    bool was_liquidatable,
    bool provisional_differs,
    Evaluation* into
) {
    const std::uint32_t facts = facts_of(holdings, provisional_differs);
    Sums sums;
    AccountState state;
    if (into == nullptr) {
        state = add_up(holdings, market, sums, nullptr);
    } else {
        const Evidence evidence{
            .terms = into->terms,
            .reliefs = into->reliefs,
            .venues = into->venues,
            .unvalued = into->unvalued};
        state = add_up(holdings, market, sums, &evidence);
    }
    state.flags |= facts;
    if (sums.unattestable) {
        return unattestable(state);
    }
    state.status = status_of(state, was_liquidatable);
    if (!sums.has_unpriced) {
        return state;
    }
    const AccountState most = judge_at_most(holdings, market, facts, was_liquidatable, into);
    // What follows from the status must not rest on it: the lower amounts are what is said.
    const bool agree = most.status != Status::kUnattestable &&
                       is_seizable(most.status) == is_seizable(state.status);
    return agree ? state : unattestable(most);
}

// Canonical order, whatever the order of the input: the evidence is hashed.
AccountHoldings sorted(AccountHoldings holdings) {
    std::ranges::sort(holdings.holdings, [](const Holding& a, const Holding& b) {
        return std::tie(a.asset, a.collateral, a.debt, a.book, a.in_sale, a.mapped, a.mapped_debt) <
               std::tie(b.asset, b.collateral, b.debt, b.book, b.in_sale, b.mapped, b.mapped_debt);
    });
    std::ranges::sort(holdings.positions, [](const VenuePosition& a, const VenuePosition& b) {
        return std::tie(a.market, a.size, a.entry_price) <
               std::tie(b.market, b.size, b.entry_price);
    });
    return holdings;
}

}  // namespace

bool is_seizable(Status status) {
    return status == Status::kLiquidatable || status == Status::kBankrupt;
}

bool DeadChains::touch(const AccountHoldings& account) const {
    if (chains.empty()) {
        return false;
    }
    const auto here = [this](const auto& row) {
        return holds(row);
    };
    return std::ranges::any_of(account.holdings, here) ||
           std::ranges::any_of(account.positions, here);
}

Evaluation evaluate(
    const AccountHoldings& holdings,
    const Market& market,
    bool was_liquidatable,
    bool provisional_differs
) {
    Evaluation out;
    out.holdings = sorted(holdings);
    out.engine = market.parameters().engine;
    out.was_liquidatable = was_liquidatable;
    out.state = judge(out.holdings, market, was_liquidatable, provisional_differs, &out);
    std::ranges::stable_sort(out.terms, {}, &Term::asset);
    out.state.detail = keccak256(out.evidence_text());
    return out;
}

AccountState evaluate_state(
    const AccountHoldings& holdings,
    const Market& market,
    bool was_liquidatable,
    bool provisional_differs
) {
    return judge(holdings, market, was_liquidatable, provisional_differs, nullptr);
}

Evaluation evaluate(
    const AccountHoldings& holdings,
    const PriceTable& prices,
    const Parameters& parameters,
    bool was_liquidatable,
    bool provisional_differs
) {
    return evaluate(holdings, Market(prices, parameters), was_liquidatable, provisional_differs);
}

AccountState evaluate_state(
    const AccountHoldings& holdings,
    const PriceTable& prices,
    const Parameters& parameters,
    bool was_liquidatable,
    bool provisional_differs
) {
    return evaluate_state(
        holdings, Market(prices, parameters), was_liquidatable, provisional_differs
    );
}

AccountState evaluate_at_most(const AccountHoldings& holdings, const Market& market) {
    const std::uint32_t facts = facts_of(holdings, /*provisional_differs=*/false);
    return judge_at_most(holdings, market, facts, /*was_liquidatable=*/false, nullptr);
}

std::string describe_guards(std::uint32_t flags) {
    struct Word {
        std::uint32_t bit;
        std::string_view text;
    };

    static constexpr std::array kWords{
        Word{flags::kPriceMissing, "no price"},
        Word{flags::kPriceStale, "price too old"},
        Word{flags::kPriceOutOfBounds, "price out of bounds"},
        Word{flags::kUnknownAsset, "asset not in the parameters"},
        Word{flags::kArithmetic, "arithmetic overflow"},
        Word{flags::kPositionUnvalued, "position that no risk module values"},
        Word{flags::kChainDead, "chain without a recent final block"},
    };
    std::string out;
    std::uint32_t rest = flags & ~((1U << kFirstGuardBit) - 1U);
    for (const Word& word : kWords) {
        if ((rest & word.bit) != 0) {
            out += out.empty() ? "" : ", ";
            out += word.text;
            rest &= ~word.bit;
        }
    }
    if (rest != 0) {
        out += out.empty() ? "unnamed guard" : ", unnamed guard";
    }
    return out;
}

}  // namespace margrave::margin
