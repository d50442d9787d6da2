// SPDX-License-Identifier: Apache-2.0
#include "relayer/delivery.hpp"

#include <algorithm>
#include <array>

#include "core/assert.hpp"
#include "relayer/detail/delivery_rules.hpp"

namespace margrave::relayer {

Delivery::Delivery(Parts parts) : parts_(std::move(parts)) {}

std::vector<store::Intent> Delivery::mine(const std::vector<store::Intent>& all) const {
    const ChainId& chain = parts_.adapter.settings().chain;
    std::vector<store::Intent> out;
    for (const store::Intent& intent : all) {
        if (intent.chain == chain && out.size() < kDeliveryIntentsMax) {
            out.push_back(intent);
        }
    }
    return out;
}

BlockNum Delivery::head() const {
    const auto state = parts_.ledger.chain_state(parts_.adapter.settings().chain);
    return state.head ? state.head->number : BlockNum{0};
}

Task<Result<void>> Delivery::pass() {
    auto all = parts_.database.open_intents();
    if (!all) {
        co_return all.as_failure();
    }
    std::vector<store::Intent> open = mine(all.value());
    for (const store::Intent& intent : open) {
        if (intent.state == store::IntentState::kQueued) {
            continue;
        }
        auto followed = co_await follow(intent);
        if (!followed) {
            co_return followed.as_failure();
        }
    }
    auto balance = co_await parts_.adapter.balance(parts_.sender);
    if (balance) {
        balance_ = balance.value();
    }
    auto latest = co_await parts_.adapter.latest_round();
    if (!latest) {
        co_return latest.as_failure();
    }
    registry_round_ = latest.value().first;

    auto now_open = parts_.database.open_intents();
    if (!now_open) {
        co_return now_open.as_failure();
    }
    open = mine(now_open.value());
    const DeliveryPlan plan = plan_delivery(
        open, registry_round_, head(), parts_.clock.now(), parts_.adapter.settings().fees
    );
    co_return co_await carry_out(plan, std::move(open));
}

Task<Result<void>> Delivery::carry_out(DeliveryPlan plan, std::vector<store::Intent> open) {
    const auto find = [&open](const Hash32& id) {
        return std::find_if(open.begin(), open.end(), [&id](const auto& i) { return i.id == id; });
    };
    for (const DeliveryPlan::Drop& drop_order : plan.drops) {
        auto dropped = drop(*find(drop_order.intent), drop_order.state, drop_order.reason);
        if (!dropped) {
            co_return dropped.as_failure();
        }
    }
    for (const Hash32& id : plan.replacements) {
        auto replaced = co_await replace(*find(id));
        if (!replaced) {
            co_return replaced.as_failure();
        }
    }
    bool seizure_out = std::any_of(open.begin(), open.end(), [](const store::Intent& intent) {
        return intent.kind == "seizure" && intent.state == store::IntentState::kSent;
    });
    for (const Hash32& id : plan.sends) {
        const store::Intent intent = *find(id);
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

Result<void> Delivery::drop(store::Intent intent, store::IntentState state, std::string reason) {
    lost_.erase(intent.id);
    refused_.erase(intent.id);
    offered_at_.erase(intent.id);
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
    intent.error = why.detail;
    return parts_.database.update_intent(intent, /*durable=*/false);
}

Task<Result<void>> Delivery::follow(store::Intent intent) {
    for (std::size_t i = intent.attempts.size(); i > 0; --i) {
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
        // Its block is no longer canonical: the same bytes go out again.
        intent.state = store::IntentState::kSent;
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
    intent.block = status.block.number;
    intent.block_hash = status.block.hash;
    intent.included_hash = status.txn_hash;
    const bool final = state.final && status.block.number <= state.final->number;
    if (!final) {
        if (intent.state == store::IntentState::kIncluded) {
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
    return drop(
        std::move(intent),
        status.succeeded ? store::IntentState::kFinal : store::IntentState::kFailed,
        status.succeeded ? std::string{} : "reverted on chain in " + to_hex(status.txn_hash)
    );
}

Task<Result<void>> Delivery::find_lost(store::Intent intent) {
    auto nonce = co_await parts_.adapter.nonce(parts_.sender);
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
    lost_.erase(intent.id);
    parts_.log.warn(
        "transaction.lost",
        {{"chain", intent.chain},
         {"kind", intent.kind},
         {"label", intent.label},
         {"nonce", *intent.nonce}}
    );
    intent.nonce.reset();
    intent.state = store::IntentState::kQueued;
    co_return parts_.database.update_intent(intent, /*durable=*/true);
}

Task<Result<Delivery::Sent>> Delivery::send(store::Intent intent) {
    if (intent.kind == "seizure") {
        auto completed = parts_.complete_seizure(intent, registry_round_);
        if (!completed) {
            if (completed.error().code == Errc::kNotFound) {
                co_return Sent::kNo;
            }
            co_return completed.as_failure();
        }
        intent.data = std::move(completed.value());
    }
    const Address from = parts_.sender;
    const std::optional<Address> to = intent.to;
    Bytes data = intent.data;
    const Amount value{0};
    auto gas = co_await parts_.adapter.simulate(from, to, std::move(data), value);
    if (!gas) {
        auto judged = judge(std::move(intent), gas.error());
        if (!judged) {
            co_return judged.as_failure();
        }
        co_return Sent::kNo;
    }
    refused_.erase(intent.id);
    auto quote = co_await parts_.adapter.fees();
    if (!quote) {
        co_return quote.as_failure();
    }
    const chains::FeeSettings& settings = parts_.adapter.settings().fees;
    auto fees = first_fees(quote.value(), settings);
    if (!fees) {
        auto waiting = put_off(std::move(intent), fees.error());
        if (!waiting) {
            co_return waiting.as_failure();
        }
        co_return Sent::kNo;
    }
    auto on_chain = co_await parts_.adapter.nonce(from);
    if (!on_chain) {
        co_return on_chain.as_failure();
    }
    auto nonce = next_nonce(on_chain.value());
    if (!nonce) {
        co_return nonce.as_failure();
    }
    intent.nonce = nonce.value();
    const std::uint64_t gas_limit = with_margin(gas.value());
    auto tried = co_await attempt(std::move(intent), fees.value(), gas_limit);
    if (!tried) {
        co_return tried.as_failure();
    }
    co_return Sent::kYes;
}

Result<void> Delivery::judge(store::Intent intent, const Error& error) {
    if (error.code != Errc::kReverted) {
        return put_off(std::move(intent), error);
    }
    switch (meaning_of(error.detail)) {
        case Refusal::kDone:
            return drop(std::move(intent), store::IntentState::kSuperseded, error.detail);
        case Refusal::kNever:
            return drop(std::move(intent), store::IntentState::kFailed, error.detail);
        case Refusal::kNotYet: return put_off(std::move(intent), error);
        case Refusal::kUnknown: break;
    }
    if (++refused_[intent.id] >= kRefusalsMax) {
        parts_.log.error(
            "delivery.given_up",
            {{"chain", intent.chain},
             {"kind", intent.kind},
             {"label", intent.label},
             {"reason", error}}
        );
        return drop(std::move(intent), store::IntentState::kFailed, error.detail);
    }
    return put_off(std::move(intent), error);
}

Result<std::uint64_t> Delivery::next_nonce(std::uint64_t on_chain) const {
    MARGRAVE_TRY(auto all, parts_.database.open_intents());
    std::uint64_t next = on_chain;
    for (const store::Intent& intent : all) {
        if (intent.chain == parts_.adapter.settings().chain && intent.nonce) {
            next = std::max(next, *intent.nonce + 1);
        }
    }
    return next;
}

Task<Result<void>> Delivery::attempt(
    store::Intent intent, chains::FeeQuote fees, std::uint64_t gas_limit
) {
    chains::TxnRequest request;
    request.nonce = *intent.nonce;
    request.max_fee = fees.base_fee;
    request.priority_fee = fees.priority_fee;
    request.gas_limit = gas_limit;
    request.to = intent.to;
    request.data = intent.data;
    auto signed_txn = parts_.adapter.sign(request, parts_.sign);
    if (!signed_txn) {
        co_return signed_txn.as_failure();
    }
    store::Attempt made;
    made.txn_hash = signed_txn.value().hash;
    made.raw = signed_txn.value().raw;
    made.max_fee = request.max_fee;
    made.priority_fee = request.priority_fee;
    made.sent_at = head();
    intent.attempts.push_back(std::move(made));
    intent.state = store::IntentState::kSent;
    intent.error.clear();
    auto stored = parts_.database.update_intent(intent, /*durable=*/true);
    if (!stored) {
        co_return stored.as_failure();
    }
    parts_.log.debug(
        "transaction.sent",
        {{"chain", intent.chain},
         {"kind", intent.kind},
         {"label", intent.label},
         {"nonce", *intent.nonce},
         {"txn", intent.attempts.back().txn_hash}}
    );
    co_return co_await broadcast(std::move(intent));
}

Task<Result<void>> Delivery::broadcast(store::Intent intent) {
    MARGRAVE_ASSERT(!intent.attempts.empty());
    Bytes raw = intent.attempts.back().raw;
    auto sent = co_await parts_.adapter.broadcast(std::move(raw));
    if (!sent) {
        // The bytes are on disk and are offered again at the next pass, whatever the reason.
        co_return put_off(std::move(intent), sent.error());
    }
    co_return ok();
}

Task<Result<void>> Delivery::replace(store::Intent intent) {
    auto quote = co_await parts_.adapter.fees();
    if (!quote) {
        co_return quote.as_failure();
    }
    const store::Attempt& last = intent.attempts.back();
    const chains::FeeSettings& settings = parts_.adapter.settings().fees;
    auto fees = raised_fees(last, quote.value(), settings);
    if (!fees) {
        // At the cap: keep offering what there is.
        co_return co_await broadcast(std::move(intent));
    }
    const Address from = parts_.sender;
    const std::optional<Address> to = intent.to;
    Bytes data = intent.data;
    const Amount value{0};
    auto gas = co_await parts_.adapter.simulate(from, to, std::move(data), value);
    if (!gas) {
        co_return ok();
    }
    const std::uint64_t gas_limit = with_margin(gas.value());
    co_return co_await attempt(std::move(intent), fees.value(), gas_limit);
}

}  // namespace margrave::relayer
