// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// What head announcements are worth, decided without a socket or a clock: the text of a message
/// becomes a value, and a HeadWatch says whether a stream still announces what it should.
namespace margrave::chains::rpc {

/// "There is a new head": a reason to look, never data.
struct HeadHint {
    BlockNum number;
    Hash32 hash;
    bool operator==(const HeadHint&) const = default;
};

/// The node's answer to our eth_subscribe.
struct SubscribeAnswer {
    /// Empty when it was refused.
    std::string subscription;
    /// The error's code when it was refused. Its words may repeat a key, so they are not kept.
    std::int64_t error_code{0};
};

struct HeadNotice {
    std::string subscription;
    HeadHint head;
};

using StreamMessage = std::variant<SubscribeAnswer, HeadNotice>;

/// The one request a stream makes.
inline constexpr std::uint64_t kSubscribeId = 1;
std::string subscribe_request();

/// Strict: a JSON-RPC 2.0 answer to id 1, or an eth_subscription notice with number and hash.
/// Members beside these are not read, `removed` among them: a head is looked up before anything
/// comes of it. kInvalid, kLimit.
Result<StreamMessage> read_stream_message(std::string_view text);

struct HeadWatchLimits {
    /// How often it is asked whether the stream is silent.
    std::chrono::milliseconds check_every{8000};
    /// After the first sign of silence, how long a hint that is on its way may take.
    std::chrono::milliseconds confirm_after{2000};
    /// Hints count as fresh for so long after the stream last proved that it works.
    std::chrono::milliseconds fresh_for{30'000};
    /// Messages between two checks; more is a flood.
    std::uint64_t messages{400};
};

/// Judges one subscription. With the defaults and an HTTP deadline of 5 s a stream that falls
/// silent while its node moves on is found within 8 + 8 + 5 + 2 + 5 = 28 s of its last hint.
class HeadWatch {
  public:
    using Time = std::chrono::steady_clock::time_point;

    enum class Heard : std::uint8_t {
        kNew,        // look now
        kDuplicate,  // announced before
        kLate,       // new to us, but not above the highest: a reorg, or out of order; look now
    };

    enum class Verdict : std::uint8_t {
        kWorks,       // hints came, or there is nothing to announce
        kSuspicious,  // the node moved and the stream did not say so; ask again after confirm_after
        kSilent,      // it still does not
    };

    explicit HeadWatch(HeadWatchLimits limits, Time subscribed);

    /// kLimit: more messages than a chain can make.
    Result<Heard> note(const HeadHint& head, Time now);
    /// Any message, also one that is not for us. kLimit as above.
    Result<void> note_message();

    /// Whether hints have been coming since the last check, so that HTTP need not be asked.
    [[nodiscard]] bool heard_since_check() const { return heard_; }

    /// One check; `http` is the node's head over HTTP, absent when it did not answer, which says
    /// nothing of the stream.
    Verdict check(std::optional<HeadHint> http, Time now);

    /// When to check next.
    [[nodiscard]] std::chrono::milliseconds next_check() const;

    /// Whether the follower may poll slowly.
    [[nodiscard]] bool is_fresh(Time now) const;

    [[nodiscard]] const std::optional<HeadHint>& last() const { return last_; }

  private:
    [[nodiscard]] bool is_missing(const HeadHint& http) const;

    /// Enough to know a duplicate after a short reorg.
    static constexpr std::size_t kRemembered = 64;

    HeadWatchLimits limits_;
    std::deque<HeadHint> seen_;
    std::optional<HeadHint> last_;
    BlockNum highest_;
    /// The node's head at the last check without hints.
    std::optional<HeadHint> http_;
    Time proved_;
    bool heard_{false};
    bool suspicious_{false};
    std::uint64_t messages_{0};
};

}  // namespace margrave::chains::rpc
