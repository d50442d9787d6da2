// SPDX-License-Identifier: Apache-2.0
// How an intent becomes a transaction, and a transaction one with a higher fee.
#include "core/assert.hpp"
#include "core/disk_seam.hpp"
#include "relayer/delivery.hpp"
#include "relayer/detail/delivery_rules.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

/// Passes after which an intent whose simulation failed is tried again: 2, 4, ... 32.
constexpr unsigned kWaitDoublingsMax = 5;

}  // namespace

Result<Bytes> Delivery::call_data(const store::Intent& intent) const {
    if (intent.kind != "seizure") {
        return intent.data;
    }
    return parts_.complete_seizure(intent, registry_round_);
}

chains::TxnRequest Delivery::request_of(
    const store::Intent& intent, std::uint64_t gas_limit, const chains::FeeQuote& fees
) const {
    MARGRAVE_ASSERT(intent.nonce.has_value());
    chains::TxnRequest request;
    request.nonce = *intent.nonce;
    request.max_fee = fees.base_fee;
    request.priority_fee = fees.priority_fee;
    request.gas_limit = gas_limit;
    request.to = intent.to;
    request.data = intent.data;
    return request;
}

Result<void> Delivery::check_funds(std::uint64_t gas_limit, const Amount& max_fee) const {
    MARGRAVE_TRY(auto cost, times(max_fee, gas_limit));
    if (!balance_ || *balance_ >= cost) {
        return ok();
    }
    return fail(
        Errc::kLimit,
        "the sender " + to_checksum(parts_.sender) + " has " + balance_->to_string() +
            " wei, the transaction may cost " + cost.to_string() + " wei: fund it"
    );
}

Task<Result<Delivery::Sent>> Delivery::send(store::Intent intent) {
    auto completed = call_data(intent);
    if (!completed) {
        if (completed.error().code == Errc::kNotFound) {
            waits_[intent.id].not_in_round = registry_round_;
            co_return Sent::kNo;
        }
        co_return completed.as_failure();
    }
    intent.data = std::move(completed.value());
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
    auto quote = co_await parts_.adapter.fees();
    if (!quote) {
        co_return quote.as_failure();
    }
    const std::uint64_t gas_limit = with_margin(gas.value());
    auto fees = first_fees(quote.value(), parts_.adapter.settings().fees);
    Result<void> affordable =
        fees ? check_funds(gas_limit, fees.value().base_fee) : Result<void>(fees.error());
    if (!affordable) {
        auto waiting = put_off(std::move(intent), affordable.error());
        if (!waiting) {
            co_return waiting.as_failure();
        }
        co_return Sent::kNo;
    }
    auto spent = co_await spend(std::move(intent), gas_limit, fees.value());
    if (!spent) {
        co_return spent.as_failure();
    }
    co_return Sent::kYes;
}

Task<Result<void>> Delivery::spend(
    store::Intent intent, std::uint64_t gas_limit, chains::FeeQuote fees
) {
    const Address from = parts_.sender;
    auto on_chain = co_await parts_.adapter.nonce(from);
    if (!on_chain) {
        co_return on_chain.as_failure();
    }
    auto nonce = next_nonce(on_chain.value());
    if (!nonce) {
        co_return nonce.as_failure();
    }
    intent.nonce = nonce.value();
    waits_.erase(intent.id);
    chains::TxnRequest request = request_of(intent, gas_limit, fees);
    co_return co_await attempt(std::move(intent), std::move(request));
}

Result<void> Delivery::judge(store::Intent intent, const Error& error) {
    const Refusal meaning =
        error.code == Errc::kReverted ? meaning_of(error.detail) : Refusal::kNotYet;
    if (meaning == Refusal::kDone) {
        return drop(std::move(intent), store::IntentState::kSuperseded, error.detail);
    }
    if (meaning == Refusal::kNever) {
        return drop(std::move(intent), store::IntentState::kFailed, error.detail);
    }
    Wait& wait = waits_[intent.id];
    ++wait.failures;
    if (meaning == Refusal::kUnknown && intent.expires.value != 0 &&
        wait.failures >= kRefusalsMax) {
        parts_.log.error(
            "delivery.given_up",
            {{"chain", intent.chain},
             {"kind", intent.kind},
             {"label", intent.label},
             {"reason", error}}
        );
        return drop(std::move(intent), store::IntentState::kFailed, error.detail);
    }
    if (intent.kind != "attestation") {
        wait.until_pass =
            passes_ + (std::uint64_t{1} << std::min(wait.failures, kWaitDoublingsMax));
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

Task<Result<void>> Delivery::attempt(store::Intent intent, chains::TxnRequest request) {
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
    disk_moment("delivery.kept");
    auto sent = co_await parts_.adapter.broadcast(std::move(raw));
    disk_moment("delivery.sent");
    if (!sent) {
        // The bytes are on disk and are offered again at the next block, whatever the reason.
        co_return put_off(std::move(intent), sent.error());
    }
    co_return ok();
}

Task<Result<void>> Delivery::replace(store::Intent intent) {
    auto quote = co_await parts_.adapter.fees();
    if (!quote) {
        co_return quote.as_failure();
    }
    const chains::FeeSettings& settings = parts_.adapter.settings().fees;
    auto fees = raised_fees(intent.attempts.back(), quote.value(), settings);
    if (!fees) {
        // At the cap: keep offering what there is.
        co_return co_await broadcast(std::move(intent));
    }
    if (is_cancel(intent, intent.attempts.back())) {
        co_return co_await cancel_at(std::move(intent), fees.value());
    }
    // The registry may have moved on since the seizure was sent; its proof then is another one.
    auto fresh = call_data(intent);
    if (fresh) {
        intent.data = std::move(fresh.value());
    }
    const Address from = parts_.sender;
    const std::optional<Address> to = intent.to;
    Bytes data = intent.data;
    const Amount value{0};
    auto gas = co_await parts_.adapter.simulate(from, to, std::move(data), value);
    if (!gas && gas.error().code == Errc::kReverted) {
        // It would only fail, and until it does nothing behind it can be included.
        co_return co_await cancel_at(std::move(intent), fees.value());
    }
    if (!gas) {
        co_return put_off(std::move(intent), gas.error());
    }
    const std::uint64_t gas_limit = with_margin(gas.value());
    chains::TxnRequest request = request_of(intent, gas_limit, fees.value());
    co_return co_await attempt(std::move(intent), std::move(request));
}

Task<Result<void>> Delivery::cancel(store::Intent intent) {
    auto quote = co_await parts_.adapter.fees();
    if (!quote) {
        co_return quote.as_failure();
    }
    const chains::FeeSettings& settings = parts_.adapter.settings().fees;
    auto fees = raised_fees(intent.attempts.back(), quote.value(), settings);
    if (!fees) {
        co_return co_await broadcast(std::move(intent));
    }
    co_return co_await cancel_at(std::move(intent), fees.value());
}

Task<Result<void>> Delivery::cancel_at(store::Intent intent, chains::FeeQuote fees) {
    const Address self = parts_.sender;
    const std::optional<Address> to = self;
    Bytes nothing;
    const Amount value{0};
    auto gas = co_await parts_.adapter.simulate(self, to, std::move(nothing), value);
    if (!gas) {
        co_return put_off(std::move(intent), gas.error());
    }
    chains::TxnRequest request = request_of(intent, with_margin(gas.value()), fees);
    request.to = self;
    request.data.clear();
    co_return co_await attempt(std::move(intent), std::move(request));
}

}  // namespace margrave::relayer
