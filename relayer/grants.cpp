// SPDX-License-Identifier: Apache-2.0
#include "relayer/grants.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

Result<Amount> net(const store::TrialBalance& trial, store::AccountCode code) {
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

/// The vault has the tokens, and what is lent or taken from the pool is the pool's own.
Result<void> check_liquidity(const store::Ledger& ledger, const store::Request& request) {
    MARGRAVE_TRY(auto sum, promised(ledger, request.asset));
    for (const store::LedgerDefinition& definition : ledger.ledgers()) {
        if (definition.asset != request.asset) {
            continue;
        }
        const auto head = ledger.chain_state(request.chain).head;
        MARGRAVE_TRY(auto trial, ledger.trial_balance(definition.id, head->number));
        MARGRAVE_TRY(auto vault, net(trial, store::AccountCode::kVault));
        const Amount free = sub_or_zero(vault, sum.total);
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
        MARGRAVE_TRY(auto pool, net(trial, store::AccountCode::kPool));
        MARGRAVE_TRY(auto loans, net(trial, store::AccountCode::kLoan));
        const Amount lendable = sub_or_zero(sub_or_zero(pool, loans), sum.lent);
        if (lendable < request.amount) {
            return fail(
                Errc::kCheckFailed,
                "the pool has " + lendable.to_string() + " to lend, " +
                    request.amount.to_string() + " were asked for"
            );
        }
        return ok();
    }
    return fail(Errc::kCheckFailed, "the configuration names no such asset");
}

Result<void> check_account(const DecisionParts& parts, const store::Request& request) {
    if (is_pool(request.account)) {
        return ok();
    }
    MARGRAVE_TRY(auto legs, parts.ledger.legs(request.account));
    for (const store::Leg& leg : legs) {
        if (leg.state == store::LegState::kInstructed || leg.state == store::LegState::kSeized) {
            return fail(
                Errc::kCheckFailed,
                "a liquidation of this account is under way (lock " + std::to_string(leg.lock) + ")"
            );
        }
    }
    MARGRAVE_TRY(auto firm, parts.ledger.holdings(request.account, parts.firm));
    MARGRAVE_TRY(auto provisional, parts.ledger.holdings_at_head(request.account));
    MARGRAVE_TRY(auto holds, parts.ledger.holds_of(request.account));
    std::vector<margin::Promise> promises;
    for (const store::Hold& hold : holds) {
        promises.push_back({hold.asset, hold.amount, hold.kind == ReleaseKind::kWithdrawal});
    }
    MARGRAVE_TRY(auto worst, margin::worst_of(firm, provisional, promises));
    const margin::Promise asked{
        request.asset, request.amount, request.kind == ReleaseKind::kWithdrawal
    };
    return margin::check_grant(worst, asked, parts.prices, parts.settings.parameters);
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
        r.deadline
    };
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
    auto verdict = check_account(parts, request);
    if (verdict) {
        verdict = check_liquidity(parts.ledger, request);
    }
    if (verdict) {
        return grant(parts, request, now);
    }
    if (verdict.error().code != Errc::kCheckFailed) {
        // Not "no" but "cannot tell": the request stays open and is looked at again.
        parts.log.warn(
            "request.undecided",
            {{"chain", request.chain.text()},
             {"request", request.number},
             {"reason", verdict.error().detail}}
        );
        return ok();
    }
    parts.log.info(
        "request.refused",
        {{"chain", request.chain.text()},
         {"request", request.number},
         {"reason", verdict.error().detail}}
    );
    return parts.scribe.refuse(request, verdict.error().detail, parts.scribe.last().round);
}

}  // namespace

Result<void> answer_requests(const DecisionParts& parts, UnixSeconds now) {
    std::vector<store::Request> open;
    for (const auto& [chain, number] : parts.firm) {
        MARGRAVE_TRY(auto requests, parts.ledger.requests(chain, number, /*only_open=*/true));
        open.insert(open.end(), requests.begin(), requests.end());
    }
    std::sort(open.begin(), open.end(), [](const store::Request& a, const store::Request& b) {
        return std::pair{a.chain.key(), a.number} < std::pair{b.chain.key(), b.number};
    });
    for (const store::Request& request : open) {
        MARGRAVE_TRY(answer(parts, request, now));
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
