// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/head_watch.hpp"

#include "chains/rpc/codec.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::chains::rpc {

using nlohmann::json;

namespace {

// A header has some thirty members; withdrawals and transactions do not come with newHeads.
constexpr infra::StrictLimits kLimits{
    .bytes = std::size_t{1} << 20, .depth = 8, .values = 10'000, .floats = true};
constexpr std::size_t kSubscriptionMax = 128;

// A node's own identifier, kept and compared but never printed.
Result<std::string> subscription_of(const json& value) {
    if (!value.is_string() || value.get_ref<const std::string&>().empty() ||
        value.get_ref<const std::string&>().size() > kSubscriptionMax) {
        return fail(Errc::kInvalid, "a subscription id is no string of 1 to 128 bytes");
    }
    return value.get<std::string>();
}

Result<StreamMessage> read_answer(const json& message) {
    const json& id = message.at("id");
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() != kSubscribeId) {
        return fail(Errc::kInvalid, "an answer to a request that was not made");
    }
    if (message.contains("result") == message.contains("error")) {
        return fail(Errc::kInvalid, "an answer needs either a result or an error");
    }
    SubscribeAnswer answer;
    if (message.contains("result")) {
        MARGRAVE_TRY(answer.subscription, subscription_of(message.at("result")));
        return answer;
    }
    const json& error = message.at("error");
    if (!error.is_object() || !error.contains("code") || !error.at("code").is_number_integer()) {
        return fail(Errc::kInvalid, "an error without a code");
    }
    answer.error_code = error.at("code").get<std::int64_t>();
    return answer;
}

Result<StreamMessage> read_notice(const json& message) {
    const auto method = message.find("method");
    if (method == message.end() || *method != "eth_subscription") {
        return fail(Errc::kInvalid, "neither an answer nor an eth_subscription notice");
    }
    const auto params = message.find("params");
    if (params == message.end() || !params->is_object() || !params->contains("subscription") ||
        !params->contains("result") || !params->at("result").is_object()) {
        return fail(Errc::kInvalid, "a notice without subscription and head");
    }
    HeadNotice notice;
    MARGRAVE_TRY(notice.subscription, subscription_of(params->at("subscription")));
    const json& head = params->at("result");
    MARGRAVE_TRY(const std::uint64_t number, u64_at(head, "number"));
    notice.head.number = BlockNum{number};
    MARGRAVE_TRY(notice.head.hash, hash_at(head, "hash"));
    return notice;
}

}  // namespace

std::string subscribe_request() {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(kSubscribeId) +
           R"(,"method":"eth_subscribe","params":["newHeads"]})";
}

Result<StreamMessage> read_stream_message(std::string_view text) {
    MARGRAVE_TRY(const json message, infra::parse_strict(text, kLimits));
    if (!message.is_object() || !message.contains("jsonrpc") || message.at("jsonrpc") != "2.0") {
        return fail(Errc::kInvalid, "not a JSON-RPC 2.0 message");
    }
    return message.contains("id") ? read_answer(message) : read_notice(message);
}

HeadWatch::HeadWatch(HeadWatchLimits limits, Time subscribed)
    : limits_(limits),
      proved_(subscribed) {}

Result<void> HeadWatch::note_message() {
    if (++messages_ > limits_.messages) {
        return fail(
            Errc::kLimit,
            "more than " + std::to_string(limits_.messages) + " messages in " +
                std::to_string(limits_.check_every.count()) + " ms"
        );
    }
    return ok();
}

Result<HeadWatch::Heard> HeadWatch::note(const HeadHint& head, Time now) {
    MARGRAVE_TRY(note_message());
    if (std::ranges::find(seen_, head) != seen_.end()) {
        return Heard::kDuplicate;
    }
    seen_.push_back(head);
    if (seen_.size() > kRemembered) {
        seen_.pop_front();
    }
    const bool late = last_.has_value() && head.number <= highest_;
    last_ = head;
    highest_ = std::max(highest_, head.number);
    heard_ = true;
    suspicious_ = false;
    http_.reset();
    proved_ = now;
    return late ? Heard::kLate : Heard::kNew;
}

// A head above every hint should have been announced. A head that moved since the last check should
// have been too, also below a hint that claimed too much.
bool HeadWatch::is_missing(const HeadHint& http) const {
    if (std::ranges::find(seen_, http) != seen_.end()) {
        return false;
    }
    const bool above = last_.has_value() && http.number > highest_;
    const bool moved = http_.has_value() && http.number > http_->number;
    return above || moved;
}

HeadWatch::Verdict HeadWatch::check(std::optional<HeadHint> http, Time now) {
    const bool confirming = suspicious_;
    if (!confirming) {
        messages_ = 0;
    }
    if (heard_) {
        heard_ = false;
        return Verdict::kWorks;
    }
    if (!http) {
        return confirming ? Verdict::kSuspicious : Verdict::kWorks;
    }
    if (is_missing(*http)) {
        suspicious_ = true;
        return confirming ? Verdict::kSilent : Verdict::kSuspicious;
    }
    suspicious_ = false;
    http_ = http;
    proved_ = now;
    return Verdict::kWorks;
}

std::chrono::milliseconds HeadWatch::next_check() const {
    return suspicious_ ? limits_.confirm_after : limits_.check_every;
}

bool HeadWatch::is_fresh(Time now) const {
    return !suspicious_ && now - proved_ <= limits_.fresh_for;
}

}  // namespace margrave::chains::rpc
