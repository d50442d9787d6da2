// SPDX-License-Identifier: Apache-2.0
#include "relayer/grants.hpp"

#include "relayer/detail/trouble.hpp"
#include "relayer/grant_check.hpp"

#include <algorithm>
#include <utility>

namespace margrave::relayer {

namespace {

const chains::ChainSettings* settings_of(const config::Settings& settings, const ChainId& chain) {
    for (const chains::ChainSettings& row : settings.chains) {
        if (row.chain == chain) {
            return &row;
        }
    }
    return nullptr;
}

Result<void> grant(
    const DecisionParts& parts,
    const store::Request& request,
    std::vector<attest::EarlyUse> uses,
    UnixSeconds now
) {
    const Attestation& last = parts.scribe.last();
    ReleaseDraft draft;
    draft.early = std::move(uses);
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
         {"amount", request.amount.to_string()},
         {"early", draft.early.size()}}
    );
    return ok();
}

Result<void> answer(const DecisionParts& parts, const store::Request& request, UnixSeconds now) {
    auto verdict = check_request(parts, request);
    if (verdict) {
        return grant(parts, request, std::move(verdict).value(), now);
    }
    if (must_stop(verdict.error().code)) {
        return verdict.as_failure();
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
    MARGRAVE_TRY(settle_early(parts));
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
