// SPDX-License-Identifier: Apache-2.0
#include "relayer/liquidations.hpp"

#include "core/assert.hpp"
#include "margin/liquidation.hpp"
#include "margin/sellable.hpp"
#include "relayer/detail/trouble.hpp"
#include "relayer/grant_check.hpp"
#include "relayer/price_uses.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace margrave::relayer {

namespace {

bool is_open(const DecisionParts& parts, const store::Leg& leg) {
    switch (leg.state) {
        case store::LegState::kInstructed:
        case store::LegState::kSeized:
            return true;
        case store::LegState::kExpired:
            return false;
        case store::LegState::kSold:
        case store::LegState::kReturned: {
            // The outcome counts once it is final; before that the firm state still has the hole.
            const auto it = parts.firm.find(leg.chain());
            return it == parts.firm.end() || it->second < leg.block;
        }
    }
    return true;
}

Result<bool> has_open_lock(const DecisionParts& parts, const AccountId& account) {
    MARGRAVE_TRY(auto legs, parts.ledger.legs(account));
    return std::any_of(legs.begin(), legs.end(), [&parts](const store::Leg& leg) {
        return is_open(parts, leg);
    });
}

bool is_worth_a_leg(const DecisionParts& parts, const Holding& row) {
    return is_worth_a_leg(parts, row.asset, std::max(row.collateral, row.debt));
}

bool has_usable_price(const DecisionParts& parts, const Holding& row) {
    const auto price = parts.prices.find(row.asset);
    return price != parts.prices.end() && price->second.verdict == PriceVerdict::kUsable;
}

/// A latch does not count: it may be the held price that closed it.
bool is_seizable_at_kinder_prices(const DecisionParts& parts, const AccountHoldings& state) {
    const margin::PriceTable prices = kinder_prices(parts, state);
    const AccountState then = margin::evaluate_state(
        state, prices, parts.settings.parameters, /*was_liquidatable=*/false, false
    );
    return is_seizable(then.status);
}

/// Why the account must not be liquidated now; empty when it may. An owner whose collateral or debt
/// lies behind a sequencer that is down cannot heal the account, so it is left alone; and a price
/// that must not begin a liquidation begins none. Less than the dust there protects nobody.
std::string held_by(const DecisionParts& parts, const AccountHoldings& state) {
    if (parts.dead.touch(state)) {
        return margin::describe_guards(flags::kChainDead);
    }
    std::string held_collateral;
    for (const Holding& row : state.holdings) {
        const auto hold = parts.sequencer_holds.find(row.asset.chain());
        const bool empty = row.collateral.is_zero() && row.debt.is_zero();
        if (hold != parts.sequencer_holds.end() && !empty && is_worth_a_leg(parts, row)) {
            return hold->second;
        }
        // What it could be worth without a price is in the signed status already.
        if (!has_usable_price(parts, row)) {
            continue;
        }
        const std::string price = price_hold(parts, row.asset);
        if (price.empty() || empty || !is_worth_a_leg(parts, row)) {
            continue;
        }
        if (!is_net_owned(parts, state, row.asset)) {
            return price;
        }
        held_collateral = price;
    }
    // Such collateral protects the account only where the slow price makes it well.
    if (!held_collateral.empty() && !is_seizable_at_kinder_prices(parts, state)) {
        return held_collateral;
    }
    return position_hold(parts, state);
}

/// Dust behind such a sequencer, or at such a price, is not sold either.
void spare_held(const DecisionParts& parts, AccountHoldings& state) {
    for (Holding& row : state.holdings) {
        if (parts.sequencer_holds.contains(row.asset.chain()) ||
            !price_hold(parts, row.asset).empty()) {
            row.in_sale = row.collateral;
        }
    }
}

/// An account in the two states between which the truth lies, each less what is promised.
struct Ends {
    margin::Sellable final;
    margin::Sellable provisional;
};

/// Says why the account is left alone; true when it is.
bool is_held(const DecisionParts& parts, const AccountHoldings& state) {
    const std::string held = held_by(parts, state);
    if (held.empty()) {
        return false;
    }
    if (const auto skipped = parts.limiter.pass()) {
        parts.log.warn(
            "liquidation.held",
            {{"account", to_hex(state.account)}, {"reason", held}, {"skipped", *skipped}}
        );
    }
    return true;
}

bool is_seizable_ahead(const DecisionParts& parts, const AccountHoldings& provisional) {
    const AccountState ahead = margin::evaluate_state(
        provisional,
        kinder_prices(parts, provisional),
        parts.settings.parameters,
        /*was_liquidatable=*/true,
        false
    );
    return is_seizable(ahead.status);
}

margin::Sellable sellable(const DecisionParts& parts, AccountHoldings state) {
    margin::PriceTable prices = kinder_prices(parts, state);
    spare_held(parts, state);
    return {std::move(state), std::move(prices)};
}

/// Nothing when the account must not be liquidated now.
Result<std::optional<Ends>> ends_of(const DecisionParts& parts, const AccountId& account) {
    // Every operator takes interest up to the same block, however far its own head is.
    MARGRAVE_TRY(auto final, parts.ledger.holdings_at_final(account, parts.firm));
    MARGRAVE_TRY(auto provisional, parts.ledger.holdings_at_head(account, parts.firm));
    if (is_held(parts, final) || is_held(parts, provisional) ||
        !is_seizable_ahead(parts, provisional)) {
        return std::optional<Ends>{};
    }
    // What is promised to leave cannot be sold as well, and where it lies it may hold the account
    // too: nobody knows whether it was taken on a chain that is dead.
    MARGRAVE_TRY(const auto promises, promises_of(parts.ledger, account));
    MARGRAVE_TRY(final, margin::firm_less(std::move(final), promises));
    MARGRAVE_TRY(provisional, margin::provisional_less(std::move(provisional), promises));
    if (is_held(parts, final) || is_held(parts, provisional)) {
        return std::optional<Ends>{};
    }
    return std::optional<Ends>{
        Ends{sellable(parts, std::move(final)), sellable(parts, std::move(provisional))}};
}

const chains::ChainSettings& settings_for(const config::Settings& settings, const ChainId& chain) {
    const auto it =
        std::find_if(settings.chains.begin(), settings.chains.end(), [&chain](const auto& row) {
            return row.chain == chain;
        });
    MARGRAVE_ASSERT(it != settings.chains.end());
    return *it;
}

SeizureDraft make_draft(
    const DecisionParts& parts,
    const AccountId& account,
    const margin::PlannedLeg& planned,
    std::uint64_t lock,
    std::uint64_t number
) {
    const chains::ChainSettings& chain = settings_for(parts.settings, planned.asset.chain());
    const Attestation& last = parts.scribe.last();
    SeizureDraft draft;
    Seizure& s = draft.seizure;
    s.id = seizure_id(account, lock, number);
    s.chain = chain.chain.key();
    s.vault = chain.vault;
    s.account = account;
    s.token = planned.asset.token();
    s.amount = planned.seize;
    s.debt_token = planned.debt_asset.token();
    s.min_proceeds = planned.min_proceeds;
    s.sale = chain.sale;
    s.round = last.round;
    s.deadline =
        UnixSeconds{last.issued_at.value + parts.settings.parameters.liquidation.deadline_s};
    store::Leg& leg = draft.leg;
    leg.seizure_id = s.id;
    leg.account = account;
    leg.lock = lock;
    leg.number = number;
    leg.asset = planned.asset;
    leg.amount = planned.seize;
    leg.debt_asset = planned.debt_asset;
    leg.min_proceeds = planned.min_proceeds;
    leg.sale = chain.sale;
    leg.deadline = s.deadline;
    return draft;
}

/// What every market still takes: its capacity less the legs of its window and those that are open.
/// Time is that of the last round, so whoever has the log and the ledger finds the same.
Result<margin::SaleCapacity> capacity_now(const DecisionParts& parts) {
    const margin::Parameters& parameters = parts.settings.parameters;
    std::uint64_t window = 0;
    for (const margin::AssetParameters& asset : parameters.assets) {
        window = std::max(window, asset.market_window_s);
    }
    if (window == 0) {
        return margin::SaleCapacity{};
    }
    const UnixSeconds now = parts.scribe.last().issued_at;
    const std::uint64_t deadline_s = parameters.liquidation.deadline_s;
    const std::uint64_t until = now.value + deadline_s;
    MARGRAVE_TRY(
        auto legs, parts.ledger.legs_due_after(UnixSeconds{until > window ? until - window : 0})
    );
    MARGRAVE_TRY(auto open, parts.ledger.open_legs());
    legs.insert(legs.end(), open.begin(), open.end());
    std::vector<margin::OutstandingSale> sales;
    std::set<Hash32> seen;
    for (const store::Leg& leg : legs) {
        // One that came back counts until that is final: until then it may yet be sold.
        const bool came_back =
            leg.state == store::LegState::kExpired || leg.state == store::LegState::kReturned;
        if ((came_back && !is_open(parts, leg)) || !seen.insert(leg.seizure_id).second) {
            continue;
        }
        const std::uint64_t issued =
            leg.deadline.value > deadline_s ? leg.deadline.value - deadline_s : 0;
        const bool unsold = leg.state != store::LegState::kSold;
        sales.push_back({leg.asset, leg.amount, UnixSeconds{issued}, unsold});
    }
    return margin::capacity_left(sales, margin::Market(parts.prices, parameters), now);
}

std::uint64_t seconds_under_water(const DecisionParts& parts, const AccountId& account) {
    const auto since = parts.book.since().find(account);
    const UnixSeconds now = parts.scribe.last().issued_at;
    return since == parts.book.since().end() || since->second > now
               ? 0
               : now.value - since->second.value;
}

/// Seizable accounts, those with the least equity for what is required of them first.
std::vector<AccountId> accounts_by_risk(const Book& book) {
    std::vector<const AccountState*> states;
    for (const auto& [account, row] : book.rows()) {
        if (is_seizable(row.state.status)) {
            states.push_back(&row.state);
        }
    }
    std::ranges::sort(states, [](const AccountState* a, const AccountState* b) {
        return margin::is_riskier(*a, *b);
    });
    std::vector<AccountId> out;
    out.reserve(states.size());
    for (const AccountState* state : states) {
        out.push_back(state->account);
    }
    return out;
}

/// What came of looking at an account: it waits for something that passes (a lock, a hold, its
/// market, blocks that are not final), nothing can be done, or a lock was opened.
enum class Looked : std::uint8_t { kWaits, kNothing, kOpened };

/// Takes what it sells off `capacity`.
Result<Looked> liquidate(
    const DecisionParts& parts,
    const AccountId& account,
    UnixSeconds now,
    margin::SaleCapacity& capacity
) {
    MARGRAVE_TRY(auto locked, has_open_lock(parts, account));
    if (locked) {
        return Looked::kWaits;
    }
    MARGRAVE_TRY(const auto ends, ends_of(parts, account));
    if (!ends) {
        return Looked::kWaits;
    }
    const margin::Parameters& parameters = parts.settings.parameters;
    const margin::PlanLimits limits{capacity, seconds_under_water(parts, account)};
    MARGRAVE_TRY(auto plan, margin::plan_least(ends->final, ends->provisional, parameters, limits));
    if (plan.legs.empty()) {
        return plan.end == margin::PlanEnd::kExhausted ? Looked::kNothing : Looked::kWaits;
    }
    const std::uint64_t lock = parts.ledger.lock_count(account) + 1;
    std::vector<SeizureDraft> drafts;
    for (const margin::PlannedLeg& leg : plan.legs) {
        drafts.push_back(make_draft(parts, account, leg, lock, drafts.size() + 1));
    }
    MARGRAVE_TRY(parts.scribe.seize(drafts, now));
    MARGRAVE_TRY(margin::use_capacity(capacity, plan.legs, parameters));
    parts.log.info(
        "liquidation.instructed",
        {{"account", to_hex(account)},
         {"lock", lock},
         {"legs", drafts.size()},
         {"health_before", plan.health_before.to_decimal(2)},
         {"health_after", plan.health_after.to_decimal(2)},
         {"plan", margin::describe(plan.end)}}
    );
    return Looked::kOpened;
}

Result<void> close_ended_sales(const DecisionParts& parts, UnixSeconds now) {
    MARGRAVE_TRY(auto legs, parts.ledger.open_legs());
    for (const store::Leg& leg : legs) {
        if (leg.state != store::LegState::kSeized || parts.dead.contains(leg.chain())) {
            continue;
        }
        const auto seized = parts.ledger.block_at(leg.chain(), leg.block);
        const auto head = parts.ledger.chain_state(leg.chain()).head;
        if (!seized || !head) {
            continue;
        }
        const std::uint64_t over = seized->time.value + parts.settings.deploy.sale_duration_s;
        if (head->time.value > over) {
            MARGRAVE_TRY(parts.scribe.close_sale(leg, now));
        }
    }
    return ok();
}

}  // namespace

std::vector<AccountId> LiquidationSweep::next(const std::vector<AccountId>& by_risk) {
    const std::set<AccountId> all(by_risk.begin(), by_risk.end());
    const auto is_gone = [&all](const AccountId& account) {
        return !all.contains(account);
    };
    std::erase_if(barren_, is_gone);
    std::erase_if(looked_, is_gone);
    std::vector<AccountId> out = those(by_risk, /*barren=*/false, /*looked=*/false);
    std::vector<AccountId> barren = those(by_risk, /*barren=*/true, /*looked=*/false);
    if (barren.empty()) {
        std::erase_if(looked_, [this](const AccountId& account) {
            return barren_.contains(account);
        });
        barren = those(by_risk, /*barren=*/true, /*looked=*/false);
    }
    barren.resize(std::min(barren.size(), kBarrenAPass));
    std::vector<AccountId> again = those(by_risk, /*barren=*/false, /*looked=*/true);
    if (out.empty()) {
        std::erase_if(looked_, [this](const AccountId& account) {
            return !barren_.contains(account);
        });
        out.swap(again);
    }
    out.insert(out.end(), barren.begin(), barren.end());
    out.insert(out.end(), again.begin(), again.end());
    return out;
}

std::vector<AccountId> LiquidationSweep::those(
    const std::vector<AccountId>& by_risk, bool barren, bool looked
) const {
    std::vector<AccountId> out;
    for (const AccountId& account : by_risk) {
        if (barren_.contains(account) == barren && looked_.contains(account) == looked) {
            out.push_back(account);
        }
    }
    return out;
}

void LiquidationSweep::looked_at(const AccountId& account, bool is_barren) {
    looked_.insert(account);
    if (is_barren) {
        barren_.insert(account);
    } else {
        barren_.erase(account);
    }
}

Result<void> plan_liquidations(
    const DecisionParts& parts, UnixSeconds now, const Clock& clock, LiquidationSweep& sweep
) {
    const std::vector<AccountId> accounts = sweep.next(accounts_by_risk(parts.book));
    margin::SaleCapacity capacity;
    if (!accounts.empty()) {
        MARGRAVE_TRY(capacity, capacity_now(parts));
    }
    const std::uint64_t until = clock.now().value + kSecondsAPass;
    std::size_t opened = 0;
    std::size_t looked = 0;
    while (looked < std::min(accounts.size(), kAccountsAPass) && opened < kLocksAPass &&
           (looked == 0 || clock.now().value < until)) {
        const AccountId& account = accounts.at(looked);
        ++looked;
        auto done = liquidate(parts, account, now, capacity);
        sweep.looked_at(account, !done || done.value() == Looked::kNothing);
        if (done) {
            opened += done.value() == Looked::kOpened ? 1U : 0U;
        } else if (must_stop(done.error().code)) {
            return done.as_failure();
        } else if (const auto skipped = parts.limiter.pass()) {
            // One account that cannot be planned must not shield those behind it.
            parts.log.warn(
                "liquidation.undecided",
                {{"account", to_hex(account)}, {"reason", done.error()}, {"skipped", *skipped}}
            );
        }
    }
    return close_ended_sales(parts, now);
}

}  // namespace margrave::relayer
