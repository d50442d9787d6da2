// SPDX-License-Identifier: Apache-2.0
#include "relayer/grants.hpp"

#include "relayer/detail/trouble.hpp"
#include "relayer/price_uses.hpp"

#include <algorithm>
#include <array>

namespace margrave::relayer {

namespace {

Amount net(const store::TrialBalance& trial, store::AccountCode code) {
    const auto it = trial.totals.find(code);
    return it == trial.totals.end() ? Amount{} : it->second;
}

/// What holds under way will take out of one vault, by whether it is lent or owned.
struct Promised {
    Amount total;
    Amount lent;
};

Result<Promised> promised(const store::Ledger& ledger, const AssetId& asset) {
    MARGRAVE_TRY(auto holds, ledger.holds());
    Promised sum;
    for (const store::Hold& hold : holds) {
        if (hold.asset != asset) {
            continue;
        }
        MARGRAVE_TRY(sum.total, add(sum.total, hold.amount));
        if (hold.kind != ReleaseKind::kWithdrawal) {
            MARGRAVE_TRY(sum.lent, add(sum.lent, hold.amount));
        }
    }
    return sum;
}

const store::LedgerDefinition* ledger_of(
    const std::vector<store::LedgerDefinition>& ledgers, const AssetId& asset
) {
    const auto it = std::find_if(ledgers.begin(), ledgers.end(), [&asset](const auto& row) {
        return row.asset == asset;
    });
    return it == ledgers.end() ? nullptr : &*it;
}

/// At one block of the request's chain the vault has the tokens, and what is lent or taken from the
/// pool is the pool's own.
Result<void> check_liquidity(
    const store::Ledger& ledger, const store::Request& request, BlockNum at
) {
    const auto ledgers = ledger.ledgers();
    const store::LedgerDefinition* definition = ledger_of(ledgers, request.asset);
    if (definition == nullptr) {
        return fail(Errc::kCheckFailed, "the configuration names no such asset");
    }
    MARGRAVE_TRY(auto sum, promised(ledger, request.asset));
    MARGRAVE_TRY(auto trial, ledger.trial_balance(definition->id, at));
    const Amount free = sub_or_zero(net(trial, store::AccountCode::kVault), sum.total);
    if (free < request.amount) {
        return fail(
            Errc::kCheckFailed,
            "the vault has " + free.to_string() + " free of promises, " +
                request.amount.to_string() + " were asked for"
        );
    }
    if (request.kind == ReleaseKind::kWithdrawal) {
        return ok();
    }
    const Amount pool = net(trial, store::AccountCode::kPool);
    const Amount loans = net(trial, store::AccountCode::kLoan);
    const Amount lendable = sub_or_zero(sub_or_zero(pool, loans), sum.lent);
    if (lendable < request.amount) {
        return fail(
            Errc::kCheckFailed,
            "the pool has " + lendable.to_string() + " to lend, " + request.amount.to_string() +
                " were asked for"
        );
    }
    return ok();
}

Result<void> check_no_liquidation(const DecisionParts& parts, const AccountId& account) {
    MARGRAVE_TRY(auto legs, parts.ledger.legs(account));
    for (const store::Leg& leg : legs) {
        if (leg.state == store::LegState::kInstructed || leg.state == store::LegState::kSeized) {
            return fail(
                Errc::kCheckFailed,
                "a liquidation of this account is under way (lock " + std::to_string(leg.lock) + ")"
            );
        }
    }
    return ok();
}

/// kUnattestable when what a dead chain hides could change the answer.
Result<void> check_alive(const DecisionParts& parts, const AccountHoldings& worst) {
    if (parts.dead.touch(worst)) {
        return fail(
            Errc::kUnattestable,
            "cannot be valued now: " + margin::describe_guards(flags::kChainDead)
        );
    }
    return ok();
}

/// kUnattestable when a price that is not usable, or something that cannot be valued, decides.
Result<void> check_valued(
    const DecisionParts& parts, const AccountHoldings& worst, const margin::Promise& asked
) {
    constexpr std::uint32_t kPrices =
        flags::kPriceMissing | flags::kPriceStale | flags::kPriceOutOfBounds;
    const std::array<margin::Promise, 1> one{asked};
    MARGRAVE_TRY(auto after, margin::worst_of(worst, worst, one));
    const AccountState state = margin::evaluate_state(
        after, parts.prices, parts.settings.parameters, /*was_liquidatable=*/false, false
    );
    if (state.status == Status::kUnattestable || (state.flags & kPrices) != 0) {
        return fail(
            Errc::kUnattestable, "cannot be valued now: " + margin::describe_guards(state.flags)
        );
    }
    return ok();
}

/// Whether the account has the room if its state is the worse of the two given.
Result<void> check_account(
    const DecisionParts& parts,
    const store::Request& request,
    const AccountHoldings& firm,
    const AccountHoldings& provisional
) {
    MARGRAVE_TRY(auto holds, parts.ledger.holds_of(request.account));
    std::vector<margin::Promise> promises;
    for (const store::Hold& hold : holds) {
        promises.push_back({hold.asset, hold.amount, hold.kind == ReleaseKind::kWithdrawal});
    }
    MARGRAVE_TRY(auto worst, margin::worst_of(firm, provisional, promises));
    MARGRAVE_TRY(check_alive(parts, firm));
    MARGRAVE_TRY(check_alive(parts, provisional));
    // What is promised on a dead chain may have been taken there or not.
    MARGRAVE_TRY(check_alive(parts, worst));
    const margin::Promise asked{
        request.asset, request.amount, request.kind == ReleaseKind::kWithdrawal};
    MARGRAVE_TRY(check_valued(parts, worst, asked));
    MARGRAVE_TRY(margin::check_grant(worst, asked, parts.prices, parts.settings.parameters));
    MARGRAVE_TRY(check_price_uses(parts, worst, asked));
    // The larger of two positions is not always the worse one: a hedge that was closed meanwhile
    // must not pay for a release.
    if (worst.positions == provisional.positions) {
        return ok();
    }
    worst.positions = provisional.positions;
    MARGRAVE_TRY(margin::check_grant(worst, asked, parts.prices, parts.settings.parameters));
    return check_price_uses(parts, worst, asked);
}

/// Everything that must hold for the answer to be yes, on the firm state alone.
Result<void> check_firm(const DecisionParts& parts, const store::Request& request) {
    MARGRAVE_TRY(check_liquidity(parts.ledger, request, parts.firm.at(request.chain)));
    if (is_pool(request.account)) {
        return ok();
    }
    MARGRAVE_TRY(check_no_liquidation(parts, request.account));
    MARGRAVE_TRY(auto firm, parts.ledger.holdings(request.account, parts.firm));
    return check_account(parts, request, firm, firm);
}

/// The same with everything that is not final yet against the request.
Result<void> check_worst(const DecisionParts& parts, const store::Request& request) {
    const auto head = parts.ledger.chain_state(request.chain).head;
    MARGRAVE_TRY(check_liquidity(parts.ledger, request, head->number));
    if (is_pool(request.account)) {
        return ok();
    }
    MARGRAVE_TRY(auto firm, parts.ledger.holdings(request.account, parts.firm));
    MARGRAVE_TRY(auto provisional, parts.ledger.holdings_at_head(request.account));
    return check_account(parts, request, firm, provisional);
}

/// kCheckFailed is a refusal. What only the unfinal blocks speak against is decided once they are
/// final: they may go away, and what they did may be what a hold already counts.
Result<void> check(const DecisionParts& parts, const store::Request& request) {
    if (parts.dead.contains(request.chain)) {
        return fail(Errc::kUnattestable, request.chain.text() + " is dead: its requests wait");
    }
    MARGRAVE_TRY(check_firm(parts, request));
    auto worst = check_worst(parts, request);
    if (!worst && worst.error().code == Errc::kCheckFailed) {
        return fail(Errc::kUnattestable, "not final yet: " + worst.error().detail);
    }
    return worst;
}

const chains::ChainSettings* settings_of(const config::Settings& settings, const ChainId& chain) {
    for (const chains::ChainSettings& row : settings.chains) {
        if (row.chain == chain) {
            return &row;
        }
    }
    return nullptr;
}

Result<void> grant(const DecisionParts& parts, const store::Request& request, UnixSeconds now) {
    const Attestation& last = parts.scribe.last();
    ReleaseDraft draft;
    draft.request = request.number;
    Release& r = draft.release;
    r.id = request.release_id;
    r.kind = request.kind;
    r.chain = request.chain.key();
    r.vault = request.vault;
    r.account = request.account;
    r.token = request.asset.token();
    r.amount = request.amount;
    r.recipient = request.recipient;
    r.round = last.round;
    const UnixSeconds from = std::max(now, last.issued_at);
    r.deadline = UnixSeconds{from.value + parts.settings.parameters.release_deadline_s};
    draft.hold = {
        r.id,
        r.kind,
        request.chain,
        request.number,
        request.account,
        request.asset,
        request.amount,
        r.deadline};
    MARGRAVE_TRY(parts.scribe.release(draft, now));
    parts.log.info(
        "release.granted",
        {{"chain", request.chain.text()},
         {"request", request.number},
         {"account", to_hex(request.account)},
         {"amount", request.amount.to_string()}}
    );
    return ok();
}

Result<void> answer(const DecisionParts& parts, const store::Request& request, UnixSeconds now) {
    auto verdict = check(parts, request);
    if (verdict) {
        return grant(parts, request, now);
    }
    if (must_stop(verdict.error().code)) {
        return verdict;
    }
    const bool refused = verdict.error().code == Errc::kCheckFailed;
    if (const auto skipped = parts.limiter.pass()) {
        parts.log.info(
            refused ? "request.refused" : "request.undecided",
            {{"chain", request.chain.text()},
             {"request", request.number},
             {"reason", verdict.error().detail},
             {"skipped", *skipped}}
        );
    }
    if (!refused) {
        // Not "no" but "cannot tell": the request stays open and is looked at again.
        return ok();
    }
    return parts.scribe.refuse(request, verdict.error().detail, parts.scribe.last().round);
}

std::pair<Hash32, std::uint64_t> place_of(const store::Request& request) {
    return {request.chain.key(), request.number};
}

}  // namespace

Result<void> answer_requests(const DecisionParts& parts, UnixSeconds now, RequestCursor& cursor) {
    std::vector<store::Request> open;
    for (const auto& [chain, number] : parts.firm) {
        MARGRAVE_TRY(auto requests, parts.ledger.requests(chain, number, /*only_open=*/true));
        open.insert(open.end(), requests.begin(), requests.end());
    }
    std::sort(open.begin(), open.end(), [](const store::Request& a, const store::Request& b) {
        return place_of(a) < place_of(b);
    });
    const auto next = std::find_if(open.begin(), open.end(), [&cursor](const auto& request) {
        return cursor && place_of(request) > *cursor;
    });
    // From the cursor to the end and then from the start, each once.
    std::rotate(open.begin(), next == open.end() ? open.begin() : next, open.end());
    if (open.size() > kRequestsAPass) {
        open.resize(kRequestsAPass);
    }
    for (const store::Request& request : open) {
        MARGRAVE_TRY(answer(parts, request, now));
        cursor = place_of(request);
    }
    return ok();
}

Result<void> expire_ended(const DecisionParts& parts, UnixSeconds) {
    const auto final_time = [&parts](const ChainId& chain) {
        const auto final = parts.ledger.chain_state(chain).final;
        return final ? final->time : UnixSeconds{};
    };
    std::vector<Hash32> holds;
    MARGRAVE_TRY(auto open_holds, parts.ledger.holds());
    for (const store::Hold& hold : open_holds) {
        if (settings_of(parts.settings, hold.chain) != nullptr &&
            hold.deadline < final_time(hold.chain)) {
            holds.push_back(hold.release_id);
        }
    }
    std::vector<Hash32> legs;
    MARGRAVE_TRY(auto open_legs, parts.ledger.open_legs());
    for (const store::Leg& leg : open_legs) {
        if (leg.state == store::LegState::kInstructed && leg.deadline < final_time(leg.chain())) {
            legs.push_back(leg.seizure_id);
        }
    }
    return parts.scribe.expire(std::move(holds), std::move(legs));
}

}  // namespace margrave::relayer
