// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "store/database.hpp"
#include "store/detail/outbox.hpp"
#include "store/detail/planner.hpp"
#include "store/detail/records.hpp"

#include <algorithm>

namespace margrave::store {
namespace detail {
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

}  // namespace

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
    for (const ChainStop& stop : decision.stops) {
        MARGRAVE_TRY(add_stop(stop));
    }
    for (const auto& [chain, word] : decision.resumes) {
        MARGRAVE_TRY(resume(chain, word));
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
    add_names(decision);
    const auto number = [this](std::string_view key, std::uint64_t v) {
        impl_.put_row(batch_, Cf::kMeta, as_bytes(key), NumberRow{v});
    };
    if (next_intent_ != impl_.intents) {
        number(meta::kIntents, next_intent_);
    }
    if (next_leaf_ != impl_.leaves) {
        number(meta::kLeaves, next_leaf_);
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
    const Bytes key = attest_key::intent(intent.id);
    MARGRAVE_TRY(const auto stored, impl_.read<IntentRow>(Cf::kAttest, key));
    IntentRow row;
    row.origin = origin_of(intent);
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
    put_intent(impl_, batch_, row);
    impl_.put(batch_, Cf::kAttest, attest_key::by_age(row.number), intent.id.view());
    return ok();
}

Result<void> Planner::add_document(const std::string& name, const Bytes& bytes) {
    const Bytes key = attest_key::document(name);
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
    impl_.put_row(batch_, Cf::kAttest, attest_key::leaf(index), BlobRow{leaf});
    impl_.put_row(batch_, Cf::kAttest, attest_key::leaf_digest(keccak256(leaf)), NumberRow{index});
    return ok();
}

void Planner::add_names(const Decision& decision) {
    for (const auto& [chain, number] : decision.names) {
        impl_.put(batch_, Cf::kChain, chain_key::named(tag_of(chain), number), {});
    }
}

// The whole decision is on disk already. Its leaves must be too, or one thing would be said twice.
Result<void> Planner::check_repeated_leaves(const std::vector<Bytes>& leaves) {
    for (const Bytes& leaf : leaves) {
        const Bytes key = attest_key::leaf_digest(keccak256(leaf));
        MARGRAVE_TRY(const auto index, impl_.read<NumberRow>(Cf::kAttest, key));
        if (!index) {
            return fail(
                Errc::kConflict, "this decision is recorded, but with another leaf in the log"
            );
        }
    }
    return ok();
}

}  // namespace detail

Result<void> Database::commit(const Decision& decision) {
    MARGRAVE_TRY(impl_->check_writable());
    detail::Planner planner(*impl_);
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
