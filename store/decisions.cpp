// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "store/database.hpp"
#include "store/detail/database_impl.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/outbox.hpp"
#include "store/detail/records.hpp"
#include "store/detail/versions.hpp"

#include <algorithm>
#include <set>

namespace margrave::store {

using detail::AnswerRow;
using detail::BlobRow;
using detail::Cf;
using detail::HoldOwnerRow;
using detail::HoldRow;
using detail::InstructedLegRow;
using detail::IntentRow;
using detail::LegPlaceRow;
using detail::NumberRow;

namespace {

// An entry of an entry bundle has a 16-bit length (C2SP tlog-tiles).
constexpr std::size_t kMaxLeaf = 65535;

// A name that ends in a hash or a number names one thing for ever; any other name ("parameters/
// current") is a place whose content is replaced.
bool is_written_once(std::string_view name) {
    const std::string_view last = name.substr(name.rfind('/') + 1);
    const std::string_view digits = last.starts_with("0x") ? last.substr(2) : last;
    const bool hex = last.starts_with("0x");
    return !digits.empty() && std::ranges::all_of(digits, [hex](char c) {
        return (c >= '0' && c <= '9') || (hex && c >= 'a' && c <= 'f');
    });
}

// Turns a decision into one batch. Every keyed row is new, or the same as stored, or a conflict.
class Planner {
  public:
    explicit Planner(Database::Impl& impl)
        : impl_(impl),
          next_intent_(impl.intents),
          next_leaf_(impl.leaves) {}

    Result<void> plan(const Decision& decision);

    [[nodiscard]] bool is_empty() const { return batch_.Count() == 0; }

    rocksdb::WriteBatch& batch() { return batch_; }

    [[nodiscard]] std::uint64_t intents() const { return next_intent_; }

    [[nodiscard]] std::uint64_t leaves() const { return next_leaf_; }

  private:
    Result<void> add_intent(const Intent& intent);
    Result<void> add_hold(const Hold& hold);
    /// `release` is zero for a refusal.
    Result<void> add_answer(
        const ChainId& chain, std::uint64_t request, const Hash32& release, AnswerRow answer
    );
    Result<void> end_hold(const Hash32& release);
    Result<void> check_lock(const std::vector<Leg>& legs);
    Result<void> add_leg(const Leg& leg);
    Result<void> expire_leg(const Hash32& seizure);
    Result<void> add_document(const std::string& name, const Bytes& bytes);
    Result<void> add_leaf(const Bytes& leaf);
    Result<void> check_repeated_leaves(const std::vector<Bytes>& leaves);
    Result<void> once(const Hash32& id, std::string_view what);

    Database::Impl& impl_;
    rocksdb::WriteBatch batch_;
    std::uint64_t next_intent_;
    std::uint64_t next_leaf_;
    std::set<Hash32> ids_;
    // Rows that name this decision, and how many of them are new.
    std::size_t keyed_{0};
    std::size_t fresh_{0};
};

Result<void> Planner::plan(const Decision& decision) {
    for (const Intent& intent : decision.intents) {
        MARGRAVE_TRY(add_intent(intent));
    }
    for (const Hold& hold : decision.holds) {
        MARGRAVE_TRY(add_hold(hold));
    }
    for (const Decision::Refusal& refusal : decision.refusals) {
        AnswerRow answer;
        answer.reason = refusal.reason;
        MARGRAVE_TRY(add_answer(refusal.chain, refusal.request, Hash32{}, std::move(answer)));
    }
    MARGRAVE_TRY(check_lock(decision.legs));
    for (const Leg& leg : decision.legs) {
        MARGRAVE_TRY(add_leg(leg));
    }
    for (const Hash32& release : decision.ended_holds) {
        MARGRAVE_TRY(end_hold(release));
    }
    for (const Hash32& seizure : decision.expired_legs) {
        MARGRAVE_TRY(expire_leg(seizure));
    }
    if (keyed_ > 0 && fresh_ == 0) {
        return check_repeated_leaves(decision.leaves);
    }
    for (const auto& [name, bytes] : decision.documents) {
        MARGRAVE_TRY(add_document(name, bytes));
    }
    for (const Bytes& leaf : decision.leaves) {
        MARGRAVE_TRY(add_leaf(leaf));
    }
    const auto number = [this](std::string_view key, std::uint64_t v) {
        impl_.put_row(batch_, Cf::kMeta, as_bytes(key), NumberRow{v});
    };
    if (next_intent_ != impl_.intents) {
        number(detail::meta::kIntents, next_intent_);
    }
    if (next_leaf_ != impl_.leaves) {
        number(detail::meta::kLeaves, next_leaf_);
    }
    return ok();
}

Result<void> Planner::once(const Hash32& id, std::string_view what) {
    if (!ids_.insert(id).second) {
        return fail(
            Errc::kInvalid, std::string(what) + " " + to_hex(id) + " is twice in one decision"
        );
    }
    return ok();
}

Result<void> Planner::add_intent(const Intent& intent) {
    MARGRAVE_TRY(once(intent.id, "intent"));
    ++keyed_;
    const Bytes key = detail::attest_key::intent(intent.id);
    MARGRAVE_TRY(const auto stored, impl_.read<IntentRow>(Cf::kAttest, key));
    IntentRow row;
    row.origin = detail::origin_of(intent);
    if (stored) {
        if (stored->origin == row.origin) {
            return ok();
        }
        return fail(
            Errc::kConflict, "intent " + to_hex(intent.id) + " exists with another transaction"
        );
    }
    ++fresh_;
    row.number = ++next_intent_;
    row.intent = intent;
    detail::put_intent(impl_, batch_, row);
    impl_.put(batch_, Cf::kAttest, detail::attest_key::by_age(row.number), intent.id.view());
    return ok();
}

Result<void> Planner::add_hold(const Hold& hold) {
    MARGRAVE_TRY(once(hold.release_id, "hold"));
    const Bytes owner_key = detail::decision_key::hold_owner(hold.release_id);
    MARGRAVE_TRY(const auto owner, impl_.read<HoldOwnerRow>(Cf::kDecision, owner_key));
    const Bytes bytes = detail::encode(HoldRow{hold});
    if (owner) {
        ++keyed_;
        const Bytes key = owner->active
                              ? detail::decision_key::hold(owner->account, hold.release_id)
                              : detail::decision_key::ended_hold(owner->account, hold.release_id);
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
    impl_.put(
        batch_, Cf::kDecision, detail::decision_key::hold(hold.account, hold.release_id), bytes
    );
    impl_.put_row(batch_, Cf::kDecision, owner_key, HoldOwnerRow{hold.account, true});
    return ok();
}

Result<void> Planner::add_answer(
    const ChainId& chain, std::uint64_t request, const Hash32& release, AnswerRow answer
) {
    ++keyed_;
    const detail::ChainTag tag = detail::tag_of(chain);
    detail::Versions versions(impl_);
    MARGRAVE_TRY(
        const auto asked, versions.read<detail::RequestRow>(detail::subject::request(tag, request))
    );
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
    const Bytes key = detail::decision_key::answer(tag, request);
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
    impl_.remove(batch_, Cf::kDecision, detail::decision_key::open_request(tag, request));
    return ok();
}

Result<void> Planner::end_hold(const Hash32& release) {
    const Bytes owner_key = detail::decision_key::hold_owner(release);
    MARGRAVE_TRY(auto owner, impl_.read<HoldOwnerRow>(Cf::kDecision, owner_key));
    if (!owner) {
        return fail(Errc::kNotFound, "there is no hold for release " + to_hex(release));
    }
    if (!owner->active) {
        return ok();
    }
    const Bytes key = detail::decision_key::hold(owner->account, release);
    MARGRAVE_TRY(const auto bytes, impl_.get(Cf::kDecision, key));
    if (!bytes) {
        return detail::corrupt(Cf::kDecision, key, "hold is gone while its index says active");
    }
    owner->active = false;
    impl_.put_row(batch_, Cf::kDecision, owner_key, *owner);
    impl_.remove(batch_, Cf::kDecision, key);
    impl_.put(
        batch_, Cf::kDecision, detail::decision_key::ended_hold(owner->account, release), *bytes
    );
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
    const Bytes place_key = detail::decision_key::leg_place(leg.seizure_id);
    const Bytes key = detail::decision_key::leg(leg.account, leg.lock, leg.number, leg.seizure_id);
    MARGRAVE_TRY(const auto place, impl_.read<LegPlaceRow>(Cf::kDecision, place_key));
    if (place) {
        MARGRAVE_TRY(auto stored, impl_.read<InstructedLegRow>(Cf::kDecision, key));
        if (stored && detail::encode(InstructedLegRow{stored->leg}) ==
                          detail::encode(InstructedLegRow{leg})) {
            return ok();
        }
        return fail(
            Errc::kConflict, "seizure " + to_hex(leg.seizure_id) + " was instructed otherwise"
        );
    }
    MARGRAVE_TRY(
        const auto newest, impl_.last(Cf::kDecision, detail::decision_key::legs(leg.account))
    );
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
        detail::decision_key::open_leg(leg.seizure_id),
        detail::OpenLegRow{leg.account, leg.chain().text()}
    );
    return ok();
}

Result<void> Planner::expire_leg(const Hash32& seizure) {
    const Bytes place_key = detail::decision_key::leg_place(seizure);
    MARGRAVE_TRY(const auto place, impl_.read<LegPlaceRow>(Cf::kDecision, place_key));
    if (!place) {
        return fail(Errc::kNotFound, "there is no leg with seizure id " + to_hex(seizure));
    }
    const Bytes key =
        detail::decision_key::leg(place->account, place->lock, place->number, seizure);
    MARGRAVE_TRY(auto row, impl_.read<InstructedLegRow>(Cf::kDecision, key));
    if (!row) {
        return detail::corrupt(Cf::kDecision, key, "an index names it, but it is gone");
    }
    if (row->expired) {
        return ok();
    }
    row->expired = true;
    impl_.put_row(batch_, Cf::kDecision, key, *row);
    // A seizure that the chain has executed all the same stays open until its lot is settled.
    detail::Versions versions(impl_);
    const Bytes fact =
        detail::subject::leg(detail::tag_of(row->leg.chain()), row->leg.account, seizure);
    MARGRAVE_TRY(const auto seized, versions.at(fact, detail::kHeadOfChain));
    if (!seized) {
        impl_.remove(batch_, Cf::kDecision, detail::decision_key::open_leg(seizure));
    }
    return ok();
}

Result<void> Planner::add_document(const std::string& name, const Bytes& bytes) {
    const Bytes key = detail::attest_key::document(name);
    MARGRAVE_TRY(const auto stored, impl_.read<BlobRow>(Cf::kAttest, key));
    if (stored && stored->bytes == bytes) {
        return ok();
    }
    if (stored && is_written_once(name)) {
        return fail(Errc::kConflict, "document " + name + " exists with other content");
    }
    impl_.put_row(batch_, Cf::kAttest, key, BlobRow{bytes});
    return ok();
}

Result<void> Planner::add_leaf(const Bytes& leaf) {
    if (leaf.empty() || leaf.size() > kMaxLeaf) {
        return fail(
            Errc::kInvalid,
            "a log leaf has 1 to " + std::to_string(kMaxLeaf) + " bytes, not " +
                std::to_string(leaf.size())
        );
    }
    const std::uint64_t index = next_leaf_++;
    impl_.put_row(batch_, Cf::kAttest, detail::attest_key::leaf(index), BlobRow{leaf});
    impl_.put_row(
        batch_, Cf::kAttest, detail::attest_key::leaf_digest(keccak256(leaf)), NumberRow{index}
    );
    return ok();
}

// The whole decision is on disk already. Its leaves must be too, or one thing would be said twice.
Result<void> Planner::check_repeated_leaves(const std::vector<Bytes>& leaves) {
    for (const Bytes& leaf : leaves) {
        const Bytes key = detail::attest_key::leaf_digest(keccak256(leaf));
        MARGRAVE_TRY(const auto index, impl_.read<NumberRow>(Cf::kAttest, key));
        if (!index) {
            return fail(
                Errc::kConflict, "this decision is recorded, but with another leaf in the log"
            );
        }
    }
    return ok();
}

}  // namespace

Result<void> Database::commit(const Decision& decision) {
    MARGRAVE_TRY(impl_->check_writable());
    Planner planner(*impl_);
    MARGRAVE_TRY(planner.plan(decision));
    if (planner.is_empty()) {
        return ok();
    }
    MARGRAVE_TRY(impl_->write_decision(planner.batch()));
    impl_->leaves = planner.leaves();
    impl_->intents = planner.intents();
    return ok();
}

}  // namespace margrave::store
