// SPDX-License-Identifier: Apache-2.0
// What follows from a round: releases, seizures, refusals, notices and the ends of things.
#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "core/assert.hpp"
#include "relayer/detail/intents.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/detail/trouble.hpp"
#include "relayer/early.hpp"
#include "relayer/scribe.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

/// Seconds after which an unsold lot is asked for again.
constexpr std::uint64_t kCloseAgain = 3'600;

}  // namespace

// After the guard has it there is no way back from a leaf that the log cannot take.
Result<void> Scribe::check_leaf_size(const ReleaseDraft& draft) const {
    const SignerSignature unsigned_yet{parts_.signer.address(), {}};
    const Bytes leaf = attest::release_leaf(
        parts_.settings.genesis.network(), draft.release, {unsigned_yet}, draft.request, draft.early
    );
    if (leaf.size() <= kLeafBytesMax) {
        return ok();
    }
    return fail(
        Errc::kLimit,
        "release " + to_hex(draft.release.id) + ", which stands on " +
            std::to_string(draft.early.size()) + " forms, makes a log entry of " +
            std::to_string(leaf.size()) + " bytes, " + std::to_string(kLeafBytesMax) +
            " is the most"
    );
}

Result<void> Scribe::release(const ReleaseDraft& planned, UnixSeconds now) {
    const Subject subject{planned.release.id, 1};
    ReleaseDraft draft = planned;
    MARGRAVE_TRY(auto earlier, recorded(subject));
    if (earlier) {
        // Signed before a crash and not yet in the log: the same bytes are finished, never others.
        MARGRAVE_TRY(draft, parse_release_message(*earlier));
        // No signature covers what it stands on, which is what the account needs now: prices and
        // blocks may have moved since, and the room is taken by what is judged now.
        draft.early = planned.early;
    }
    const Hash32 network = parts_.settings.genesis.network();
    const Hash32 digest = attest::digest_of(network, draft.release);
    const Bytes message = to_bytes(release_message(draft).dump());
    MARGRAVE_TRY(check_leaf_size(draft));
    MARGRAVE_TRY(auto signature, guarded_signature(subject, digest, message, {}));
    chains::ChainAdapter* adapter = chain(draft.hold.chain);
    MARGRAVE_ASSERT(adapter != nullptr);
    const ExecuteRelease execute{draft.release, draft.request, join({signature})};
    MARGRAVE_TRY(auto call, adapter->encode(execute));
    store::Intent intent = make_intent(
        digest, *adapter, "release", std::to_string(draft.request), draft.release.deadline, now
    );
    intent.to = call.first;
    intent.data = std::move(call.second);
    store::Decision decision;
    decision.leaves.push_back(
        attest::release_leaf(network, draft.release, {signature}, draft.request, draft.early)
    );
    decision.intents.push_back(std::move(intent));
    decision.holds.push_back(draft.hold);
    MARGRAVE_TRY(
        add_uses(parts_.database, draft.hold.account, draft.release.id, draft.early, decision)
    );
    return commit(decision);
}

Result<void> Scribe::keep_stands(const std::vector<EarlyStand>& stands) {
    store::Decision decision;
    decision.documents.emplace_back(kEarlyStands, stands_document(stands));
    return commit(decision);
}

Result<std::vector<SeizureDraft>> Scribe::recorded_legs(const SeizureDraft& first) const {
    std::vector<SeizureDraft> legs;
    for (std::uint64_t number = 1;; ++number) {
        const Hash32 id = seizure_id(first.leg.account, first.leg.lock, number);
        MARGRAVE_TRY(auto earlier, recorded({id, 1}));
        if (!earlier) {
            return legs;
        }
        MARGRAVE_TRY(auto draft, parse_seizure_message(*earlier));
        legs.push_back(std::move(draft));
    }
}

Result<void> Scribe::seize(const std::vector<SeizureDraft>& planned, UnixSeconds now) {
    MARGRAVE_ASSERT(!planned.empty());
    const Hash32 network = parts_.settings.genesis.network();
    // Legs of another plan beside recorded ones would together take more than either plan.
    MARGRAVE_TRY(auto drafts, recorded_legs(planned.front()));
    if (drafts.empty()) {
        drafts = planned;
    }
    store::Decision decision;
    for (const SeizureDraft& draft : drafts) {
        const Subject subject{draft.seizure.id, 1};
        const Hash32 digest = attest::digest_of(network, draft.seizure);
        const Bytes message = to_bytes(seizure_message(draft).dump());
        MARGRAVE_TRY(auto signature, guarded_signature(subject, digest, message, {}));
        decision.leaves.push_back(attest::seizure_leaf(
            network, draft.seizure, {signature}, draft.leg.lock, draft.leg.number
        ));
        chains::ChainAdapter* adapter = chain(draft.leg.chain());
        MARGRAVE_ASSERT(adapter != nullptr);
        store::Intent intent = make_intent(
            digest, *adapter, "seizure", to_hex(draft.seizure.id), draft.seizure.deadline, now
        );
        // The call carries the account's proof under the round the chain has when it is sent, so
        // only the vault is fixed here; what delivery needs to complete it is the document.
        intent.to = adapter->settings().vault;
        decision.intents.push_back(std::move(intent));
        decision.documents.emplace_back(
            "seizure/" + to_hex(draft.seizure.id),
            to_bytes(signed_seizure(draft, {signature}).dump())
        );
        decision.legs.push_back(draft.leg);
    }
    return commit(decision);
}

Result<void> Scribe::refuse(
    const store::Request& request, const std::string& reason, RoundNum round
) {
    store::Decision decision;
    decision.leaves.push_back(attest::refusal_leaf(
        request.chain, request.vault, request.number, request.account, reason, round
    ));
    decision.refusals.push_back({request.chain, request.number, reason});
    return commit(decision);
}

namespace {

void add_halt(store::Decision& decision, const store::ChainStop& stop) {
    Canonical::Object detail{
        {"after", Canonical::integer(stop.after.value)},
        {"at", Canonical::integer(stop.at.value)},
    };
    if (stop.final) {
        detail.emplace("final", to_hex(stop.final->hash));
        detail.emplace("finalNumber", Canonical::integer(stop.final->number.value));
    }
    decision.leaves.push_back(
        attest::notice_leaf("halt", stop.chain, stop.reason, Canonical(std::move(detail)))
    );
    decision.stops.push_back(stop);
}

void add_resume(
    store::Decision& decision,
    const ChainId& chain,
    const std::string& reason,
    UnixSeconds now,
    RoundNum last_round
) {
    const Canonical detail = Canonical::Object{
        {"after", Canonical::integer(last_round.value)},
        {"at", Canonical::integer(now.value)},
    };
    decision.leaves.push_back(attest::notice_leaf("resume", chain, reason, detail));
    decision.resumes.emplace_back(chain, store::ChainResume{now, reason, last_round});
}

/// The leaves of one reading: as many as its rows need, one where it has none.
void add_reading(store::Decision& decision, const attest::Reconciliation& reading) {
    decision.names.emplace_back(reading.chain, reading.block.number);
    std::size_t done = 0;
    do {
        attest::Reconciliation part = reading;
        const std::size_t end = std::min(done + part.kRowsMax, reading.rows.size());
        part.rows = {
            reading.rows.begin() + static_cast<std::ptrdiff_t>(done),
            reading.rows.begin() + static_cast<std::ptrdiff_t>(end)};
        decision.leaves.push_back(attest::reconciliation_leaf(part));
        done = end;
    } while (done < reading.rows.size());
}

}  // namespace

Result<store::ChainStop> Scribe::halt(store::ChainStop stop) {
    stop.after = last_.round;
    store::Decision decision;
    add_halt(decision, stop);
    MARGRAVE_TRY(commit(decision));
    MARGRAVE_TRY(publish_or_later());
    return stop;
}

Result<std::optional<store::ChainStop>> Scribe::reconcile(
    const CustodyRecord& record, UnixSeconds now
) {
    attest::Reconciliation reading = record.reading;
    reading.after = last_.round;
    store::Decision decision;
    add_reading(decision, reading);
    decision.documents.push_back(record.standing);
    std::optional<store::ChainStop> stop = record.stop;
    if (stop) {
        stop->after = last_.round;
        add_halt(decision, *stop);
    }
    if (record.resume) {
        add_resume(decision, reading.chain, *record.resume, now, last_.round);
    }
    MARGRAVE_TRY(commit(decision));
    if (stop || record.resume) {
        MARGRAVE_TRY(publish_or_later());
    }
    return stop;
}

Result<void> Scribe::keep(std::pair<std::string, Bytes> document) {
    store::Decision decision;
    decision.documents.push_back(std::move(document));
    return commit(decision);
}

Result<void> Scribe::resume(const ChainId& chain, const std::string& reason, UnixSeconds now) {
    MARGRAVE_TRY(commit(resume_decision(chain, reason, now, last_.round)));
    return publish_or_later();
}

// What was committed counts from then on. What keeps the log's files from being written now does
// not undo it: the next that is published brings it along.
Result<void> Scribe::publish_or_later() {
    const Result<void> published = publish();
    return !published && must_stop(published.error().code) ? published : ok();
}

Result<void> check_resume_reason(const std::string& reason) {
    constexpr std::size_t kReasonMax = 1000;
    if (reason.empty() || reason.size() > kReasonMax) {
        return fail(
            Errc::kUsage,
            "a reason has 1 to " + std::to_string(kReasonMax) + " bytes, this one " +
                std::to_string(reason.size()) + "; it stands in the public log"
        );
    }
    return ok();
}

store::Decision resume_decision(
    const ChainId& chain, const std::string& reason, UnixSeconds now, RoundNum last_round
) {
    store::Decision decision;
    add_resume(decision, chain, reason, now, last_round);
    return decision;
}

Result<bool> Scribe::is_close_open(const std::string& label) const {
    MARGRAVE_TRY(auto open, parts_.database.open_intents());
    return std::any_of(open.begin(), open.end(), [&label](const store::Intent& intent) {
        return intent.kind == "close" && intent.label == label;
    });
}

Result<void> Scribe::close_sale(const store::Leg& leg, UnixSeconds now) {
    const std::string label = to_hex(leg.seizure_id);
    std::uint64_t times = 0;
    std::uint64_t asked_at = 0;
    while (const auto asked =
               parts_.database.document("close/" + label + "/" + std::to_string(times + 1))) {
        MARGRAVE_TRY(auto at, Amount::parse(as_text(*asked)));
        MARGRAVE_TRY(asked_at, at.to_u64());
        ++times;
    }
    if (times != 0 && now.value < asked_at + kCloseAgain) {
        return ok();
    }
    if (times != 0) {
        MARGRAVE_TRY(auto open, is_close_open(label));
        if (open) {
            return ok();
        }
    }
    chains::ChainAdapter* adapter = chain(leg.chain());
    MARGRAVE_ASSERT(adapter != nullptr);
    MARGRAVE_TRY(auto call, adapter->encode(CloseSale{leg.seizure_id, leg.sale}));
    const std::string name = "close/" + label + "/" + std::to_string(times + 1);
    store::Intent intent =
        make_intent(keccak256(name), *adapter, "close", label, UnixSeconds{}, now);
    intent.to = call.first;
    intent.data = std::move(call.second);
    store::Decision decision;
    decision.intents.push_back(std::move(intent));
    decision.documents.emplace_back(name, to_bytes(std::to_string(now.value)));
    return commit(decision);
}

Result<void> Scribe::expire(std::vector<Hash32> holds, std::vector<Hash32> legs) {
    if (holds.empty() && legs.empty()) {
        return ok();
    }
    store::Decision decision;
    decision.ended_holds = std::move(holds);
    decision.expired_legs = std::move(legs);
    return commit(decision);
}

}  // namespace margrave::relayer
