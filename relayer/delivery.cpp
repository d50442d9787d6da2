// SPDX-License-Identifier: Apache-2.0
#include "relayer/delivery.hpp"

#include "core/assert.hpp"
#include "relayer/detail/delivery_rules.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

const store::Intent& find_intent(const std::vector<store::Intent>& open, const Hash32& id) {
    const auto it =
        std::find_if(open.begin(), open.end(), [&id](const auto& i) { return i.id == id; });
    MARGRAVE_ASSERT(it != open.end());
    return *it;
}

}  // namespace

Delivery::Delivery(Parts parts)
    : parts_(std::move(parts)) {}

Result<std::vector<store::Intent>> Delivery::mine() const {
    MARGRAVE_TRY(auto all, parts_.database.open_intents());
    const ChainId& chain = parts_.adapter.settings().chain;
    std::vector<store::Intent> out;
    for (store::Intent& intent : all) {
        if (intent.chain == chain && out.size() < kDeliveryIntentsMax) {
            out.push_back(std::move(intent));
        }
    }
    return out;
}

std::vector<store::Intent> Delivery::eligible(std::vector<store::Intent> open) const {
    std::erase_if(open, [this](const store::Intent& intent) {
        const auto wait = waits_.find(intent.id);
        if (intent.state != store::IntentState::kQueued || wait == waits_.end()) {
            return false;
        }
        return passes_ < wait->second.until_pass || wait->second.not_in_round == registry_round_;
    });
    return open;
}

BlockNum Delivery::head() const {
    const auto state = parts_.ledger.chain_state(parts_.adapter.settings().chain);
    return state.head ? state.head->number : BlockNum{0};
}

void Delivery::forget(const Hash32& intent) {
    lost_.erase(intent);
    waits_.erase(intent);
    offered_at_.erase(intent);
}

Task<Result<void>> Delivery::pass() {
    ++passes_;
    // First and without the network, so that the outbox of a chain that is down does not grow.
    auto dropped = drop_stale();
    if (!dropped) {
        co_return dropped.as_failure();
    }
    auto open = mine();
    if (!open) {
        co_return open.as_failure();
    }
    std::vector<store::Intent> sent = std::move(open.value());
    auto followed = co_await follow_all(std::move(sent));
    if (!followed) {
        co_return followed.as_failure();
    }
    auto looked = co_await look_at_chain();
    if (!looked) {
        co_return looked.as_failure();
    }
    auto now_open = mine();
    if (!now_open) {
        co_return now_open.as_failure();
    }
    std::vector<store::Intent> rest = eligible(std::move(now_open.value()));
    DeliveryPlan plan = plan_delivery(
        rest, registry_round_, head(), parts_.clock.now(), parts_.adapter.settings().fees
    );
    co_return co_await carry_out(std::move(plan), std::move(rest));
}

Result<void> Delivery::drop_stale() {
    MARGRAVE_TRY(auto open, mine());
    const DeliveryPlan plan = plan_delivery(
        open, registry_round_, head(), parts_.clock.now(), parts_.adapter.settings().fees
    );
    return drop_all(plan.drops, open);
}

Task<Result<void>> Delivery::follow_all(std::vector<store::Intent> open) {
    for (const store::Intent& intent : open) {
        if (intent.state == store::IntentState::kQueued) {
            continue;
        }
        auto followed = co_await follow(intent);
        if (!followed) {
            co_return followed.as_failure();
        }
    }
    co_return ok();
}

Task<Result<void>> Delivery::look_at_chain() {
    const Address payer = parts_.sender;
    auto balance = co_await parts_.adapter.balance(payer);
    if (balance) {
        balance_ = balance.value();
    }
    auto latest = co_await parts_.adapter.latest_round();
    if (!latest) {
        co_return latest.as_failure();
    }
    registry_round_ = latest.value().first;
    co_return ok();
}

Task<Result<void>> Delivery::carry_out(DeliveryPlan plan, std::vector<store::Intent> open) {
    auto dropped = drop_all(plan.drops, open);
    if (!dropped) {
        co_return dropped.as_failure();
    }
    auto unblocked = co_await unblock(plan, open);
    if (!unblocked) {
        co_return unblocked.as_failure();
    }
    bool seizure_out = std::any_of(open.begin(), open.end(), [](const store::Intent& intent) {
        return intent.kind == "seizure" && intent.state == store::IntentState::kSent;
    });
    for (const Hash32& id : plan.sends) {
        const store::Intent intent = find_intent(open, id);
        if (intent.kind == "attestation" && seizure_out) {
            continue;
        }
        auto sent = co_await send(intent);
        if (!sent) {
            co_return sent.as_failure();
        }
        if (intent.kind == "seizure" && sent.value() == Sent::kYes) {
            seizure_out = true;
        }
    }
    co_return ok();
}

Task<Result<void>> Delivery::unblock(DeliveryPlan plan, std::vector<store::Intent> open) {
    for (const Hash32& id : plan.replacements) {
        const store::Intent intent = find_intent(open, id);
        auto replaced = co_await replace(intent);
        if (!replaced) {
            co_return replaced.as_failure();
        }
    }
    for (const Hash32& id : plan.cancels) {
        const store::Intent intent = find_intent(open, id);
        auto cancelled = co_await cancel(intent);
        if (!cancelled) {
            co_return cancelled.as_failure();
        }
    }
    co_return ok();
}

Result<void> Delivery::drop_all(
    const std::vector<DeliveryPlan::Drop>& drops, const std::vector<store::Intent>& open
) {
    for (const DeliveryPlan::Drop& order : drops) {
        MARGRAVE_TRY(drop(find_intent(open, order.intent), order.state, order.reason));
    }
    return ok();
}

Result<void> Delivery::drop(store::Intent intent, store::IntentState state, std::string reason) {
    forget(intent.id);
    intent.state = state;
    intent.error = std::move(reason);
    parts_.log.debug(
        "intent.closed",
        {{"chain", intent.chain},
         {"kind", intent.kind},
         {"label", intent.label},
         {"state", store::to_string(state)},
         {"reason", intent.error}}
    );
    return parts_.database.update_intent(intent, /*durable=*/false);
}

Result<void> Delivery::put_off(store::Intent intent, const Error& why) {
    if (const auto skipped = limiter_.pass()) {
        parts_.log.warn(
            "delivery.waiting",
            {{"chain", intent.chain},
             {"kind", intent.kind},
             {"label", intent.label},
             {"reason", why},
             {"skipped", *skipped}}
        );
    }
    if (intent.error == why.detail) {
        return ok();
    }
    intent.error = why.detail;
    return parts_.database.update_intent(intent, /*durable=*/false);
}

Result<void> Delivery::requeue(store::Intent intent, std::string why) {
    forget(intent.id);
    parts_.log.warn(
        "intent.queued_again",
        {{"chain", intent.chain},
         {"kind", intent.kind},
         {"label", intent.label},
         {"nonce", *intent.nonce},
         {"reason", why}}
    );
    intent.nonce.reset();
    intent.state = store::IntentState::kQueued;
    intent.error = std::move(why);
    return parts_.database.update_intent(intent, /*durable=*/true);
}

Task<Result<void>> Delivery::follow(store::Intent intent) {
    const std::size_t first = first_of_nonce(intent);
    for (std::size_t i = intent.attempts.size(); i > first; --i) {
        const Hash32 hash = intent.attempts[i - 1].txn_hash;
        auto status = co_await parts_.adapter.status(hash);
        if (!status) {
            co_return status.as_failure();
        }
        if (status.value()) {
            co_return settle(std::move(intent), *status.value());
        }
    }
    if (intent.state == store::IntentState::kIncluded) {
        // Its block is no longer canonical: the same bytes go out again, with the same patience.
        intent.state = store::IntentState::kSent;
        intent.attempts.back().sent_at = head();
        intent.block = BlockNum{};
        intent.block_hash = Hash32{};
        auto stored = parts_.database.update_intent(intent, /*durable=*/true);
        if (!stored) {
            co_return stored.as_failure();
        }
        co_return co_await broadcast(std::move(intent));
    }
    co_return co_await find_lost(std::move(intent));
}

Result<void> Delivery::settle(store::Intent intent, const chains::TxnStatus& status) {
    lost_.erase(intent.id);
    const auto state = parts_.ledger.chain_state(intent.chain);
    const bool same_block = intent.block_hash == status.block.hash;
    intent.block = status.block.number;
    intent.block_hash = status.block.hash;
    intent.included_hash = status.txn_hash;
    // By the ledger's block, not by its number alone: a node may be on a branch that is none of
    // ours.
    const auto ours = parts_.ledger.block_at(intent.chain, status.block.number);
    const bool final = state.final && status.block.number <= state.final->number &&
                       (!ours || ours->hash == status.block.hash);
    if (!final) {
        if (intent.state == store::IntentState::kIncluded && same_block) {
            return ok();
        }
        intent.state = store::IntentState::kIncluded;
        parts_.log.info(
            "transaction.included",
            {{"chain", intent.chain},
             {"kind", intent.kind},
             {"label", intent.label},
             {"txn", status.txn_hash},
             {"block", status.block.number},
             {"succeeded", status.succeeded}}
        );
        return parts_.database.update_intent(intent, /*durable=*/false);
    }
    const std::string name = to_hex(status.txn_hash);
    const auto attempt = std::find_if(
        intent.attempts.begin(),
        intent.attempts.end(),
        [&status](const store::Attempt& a) { return a.txn_hash == status.txn_hash; }
    );
    MARGRAVE_ASSERT(attempt != intent.attempts.end());
    if (!is_cancel(intent, *attempt)) {
        return drop(
            std::move(intent),
            status.succeeded ? store::IntentState::kFinal : store::IntentState::kFailed,
            status.succeeded ? std::string{} : "reverted on chain in " + name
        );
    }
    if (is_expired(intent, parts_.clock.now())) {
        return drop(
            std::move(intent), store::IntentState::kSuperseded, "expired; its nonce went to " + name
        );
    }
    return requeue(std::move(intent), "its nonce went to " + name);
}

Task<Result<void>> Delivery::find_lost(store::Intent intent) {
    const Address payer = parts_.sender;
    auto nonce = co_await parts_.adapter.nonce(payer);
    if (!nonce) {
        co_return nonce.as_failure();
    }
    MARGRAVE_ASSERT(intent.nonce.has_value());
    if (nonce.value() <= *intent.nonce) {
        // Waiting its turn. A node may have dropped it from its pool or never had it, so the bytes
        // are offered again, once a block; "already known" is success.
        BlockNum& offered = offered_at_[intent.id];
        if (offered == head()) {
            co_return ok();
        }
        offered = head();
        co_return co_await broadcast(std::move(intent));
    }
    // The nonce is used up and no hash of ours has a receipt. Once may be a race between two
    // answers of the node; twice is a transaction of somebody else with this key.
    if (++lost_[intent.id] < 2) {
        co_return ok();
    }
    co_return requeue(std::move(intent), "its nonce was used by a transaction that is not ours");
}

}  // namespace margrave::relayer
