// SPDX-License-Identifier: Apache-2.0
#include "store/detail/planner.hpp"
#include "store/detail/records.hpp"
#include "store/detail/versions.hpp"

// What a decision says of requests and of liquidations.
namespace margrave::store::detail {

Result<void> Planner::add_hold(const Hold& hold) {
    MARGRAVE_TRY(once(hold.release_id, "hold"));
    const Bytes owner_key = decision_key::hold_owner(hold.release_id);
    MARGRAVE_TRY(const auto owner, impl_.read<HoldOwnerRow>(Cf::kDecision, owner_key));
    const Bytes bytes = encode(HoldRow{hold});
    if (owner) {
        ++keyed_;
        const Bytes key = owner->active ? decision_key::hold(owner->account, hold.release_id)
                                        : decision_key::ended_hold(owner->account, hold.release_id);
        MARGRAVE_TRY(const auto stored, impl_.get(Cf::kDecision, key));
        if (stored && *stored == bytes) {
            return ok();
        }
        return fail(
            Errc::kConflict,
            "release " + to_hex(hold.release_id) + " was granted before with another hold"
        );
    }
    AnswerRow answer;
    answer.granted = true;
    answer.deadline = hold.deadline;
    MARGRAVE_TRY(add_answer(hold.chain, hold.request, hold.release_id, std::move(answer)));
    ++fresh_;
    impl_.put(batch_, Cf::kDecision, decision_key::hold(hold.account, hold.release_id), bytes);
    impl_.put_row(batch_, Cf::kDecision, owner_key, HoldOwnerRow{hold.account, true});
    return ok();
}

Result<void> Planner::add_answer(
    const ChainId& chain, std::uint64_t request, const Hash32& release, AnswerRow answer
) {
    ++keyed_;
    const ChainTag tag = tag_of(chain);
    Versions versions(impl_);
    MARGRAVE_TRY(const auto asked, versions.read<RequestRow>(subject::request(tag, request)));
    if (asked) {
        answer.fingerprint = asked->fingerprint();
    }
    if (asked && !release.is_zero() && release != asked->release_id) {
        return fail(
            Errc::kInvalid,
            "release " + to_hex(release) + " is not the id of request " + std::to_string(request) +
                " of " + chain.text() + ", " + to_hex(asked->release_id)
        );
    }
    const Bytes key = decision_key::answer(tag, request);
    MARGRAVE_TRY(const auto stored, impl_.read<AnswerRow>(Cf::kDecision, key));
    if (stored) {
        // What was asked may be gone by a reorg when the same answer comes again.
        answer.fingerprint = stored->fingerprint;
        if (*stored == answer) {
            return ok();
        }
        return fail(
            Errc::kConflict,
            "request " + std::to_string(request) + " of " + chain.text() +
                " was answered before: " +
                (stored->granted ? std::string("granted") : "refused, " + stored->reason)
        );
    }
    ++fresh_;
    impl_.put_row(batch_, Cf::kDecision, key, answer);
    impl_.remove(batch_, Cf::kDecision, decision_key::open_request(tag, request));
    return ok();
}

Result<void> Planner::end_hold(const Hash32& release) {
    const Bytes owner_key = decision_key::hold_owner(release);
    MARGRAVE_TRY(auto owner, impl_.read<HoldOwnerRow>(Cf::kDecision, owner_key));
    if (!owner) {
        return fail(Errc::kNotFound, "there is no hold for release " + to_hex(release));
    }
    if (!owner->active) {
        return ok();
    }
    const Bytes key = decision_key::hold(owner->account, release);
    MARGRAVE_TRY(const auto bytes, impl_.get(Cf::kDecision, key));
    if (!bytes) {
        return corrupt(Cf::kDecision, key, "hold is gone while its index says active");
    }
    owner->active = false;
    impl_.put_row(batch_, Cf::kDecision, owner_key, *owner);
    impl_.remove(batch_, Cf::kDecision, key);
    impl_.put(batch_, Cf::kDecision, decision_key::ended_hold(owner->account, release), *bytes);
    return ok();
}

Result<void> Planner::check_lock(const std::vector<Leg>& legs) {
    for (const Leg& leg : legs) {
        if (leg.account != legs.front().account || leg.lock != legs.front().lock) {
            return fail(Errc::kInvalid, "legs of one decision must share account and lock");
        }
        if (leg.lock == 0 || leg.seizure_id != seizure_id(leg.account, leg.lock, leg.number)) {
            return fail(
                Errc::kInvalid,
                "leg " + std::to_string(leg.number) + " of lock " + std::to_string(leg.lock) +
                    " has seizure id " + to_hex(leg.seizure_id) + ", which is not its own"
            );
        }
    }
    return ok();
}

Result<void> Planner::add_leg(const Leg& leg) {
    MARGRAVE_TRY(once(leg.seizure_id, "leg"));
    ++keyed_;
    const Bytes place_key = decision_key::leg_place(leg.seizure_id);
    const Bytes key = decision_key::leg(leg.account, leg.lock, leg.number, leg.seizure_id);
    MARGRAVE_TRY(const auto place, impl_.read<LegPlaceRow>(Cf::kDecision, place_key));
    if (place) {
        MARGRAVE_TRY(auto stored, impl_.read<InstructedLegRow>(Cf::kDecision, key));
        if (stored && encode(InstructedLegRow{stored->leg}) == encode(InstructedLegRow{leg})) {
            return ok();
        }
        return fail(
            Errc::kConflict, "seizure " + to_hex(leg.seizure_id) + " was instructed otherwise"
        );
    }
    MARGRAVE_TRY(const auto newest, impl_.last(Cf::kDecision, decision_key::legs(leg.account)));
    if (newest) {
        MARGRAVE_TRY(
            const auto stored,
            Database::Impl::decode<InstructedLegRow>(Cf::kDecision, newest->first, newest->second)
        );
        if (stored.leg.lock >= leg.lock) {
            return fail(
                Errc::kConflict,
                "lock " + std::to_string(leg.lock) + " of " + to_hex(leg.account) +
                    " is not new: lock " + std::to_string(stored.leg.lock) + " was opened before"
            );
        }
    }
    ++fresh_;
    impl_.put_row(batch_, Cf::kDecision, key, InstructedLegRow{leg});
    impl_.put_row(batch_, Cf::kDecision, place_key, LegPlaceRow{leg.account, leg.lock, leg.number});
    impl_.put_row(
        batch_,
        Cf::kDecision,
        decision_key::open_leg(leg.seizure_id),
        OpenLegRow{leg.account, leg.chain().text()}
    );
    impl_.put_row(
        batch_,
        Cf::kDecision,
        decision_key::leg_due(leg.deadline, leg.seizure_id),
        OpenLegRow{leg.account, leg.chain().text()}
    );
    return ok();
}

Result<void> Planner::expire_leg(const Hash32& seizure) {
    const Bytes place_key = decision_key::leg_place(seizure);
    MARGRAVE_TRY(const auto place, impl_.read<LegPlaceRow>(Cf::kDecision, place_key));
    if (!place) {
        return fail(Errc::kNotFound, "there is no leg with seizure id " + to_hex(seizure));
    }
    const Bytes key = decision_key::leg(place->account, place->lock, place->number, seizure);
    MARGRAVE_TRY(auto row, impl_.read<InstructedLegRow>(Cf::kDecision, key));
    if (!row) {
        return corrupt(Cf::kDecision, key, "an index names it, but it is gone");
    }
    if (row->expired) {
        return ok();
    }
    row->expired = true;
    impl_.put_row(batch_, Cf::kDecision, key, *row);
    // A seizure that the chain has executed all the same stays open until its lot is settled.
    Versions versions(impl_);
    const Bytes fact = subject::leg(tag_of(row->leg.chain()), row->leg.account, seizure);
    MARGRAVE_TRY(const auto seized, versions.at(fact, kHeadOfChain));
    if (!seized) {
        impl_.remove(batch_, Cf::kDecision, decision_key::open_leg(seizure));
    }
    return ok();
}

}  // namespace margrave::store::detail
