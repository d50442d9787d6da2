// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/head_watch.hpp"
#include "chains/settings.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"
#include "infra/websocket_client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace margrave::chains::rpc {

struct HeadStreamLimits {
    HeadWatchLimits watch;
    /// To open the stream, and for the answer to the subscription.
    std::chrono::milliseconds open_timeout{10'000};
    /// For the head over HTTP.
    std::chrono::milliseconds http_timeout{5000};
    /// A subscription that said nothing for so long is opened anew, though the node did not move.
    std::chrono::milliseconds quiet_max{600'000};
    /// Before the second attempt to open; doubles up to the most, with up to half as much again.
    std::chrono::milliseconds backoff{1000};
    std::chrono::milliseconds backoff_max{60'000};
    /// A subscription that worked for so long begins again with the least pause.
    std::chrono::milliseconds steady{60'000};
};

enum class HeadStreamState : std::uint8_t {
    kOpening,  // connecting or subscribing
    kLive,     // subscribed
    kSilent,   // subscribed, but the node moved and the stream did not say so
    kWaiting,  // ended; opened again after a pause
};

/// "opening", "live", "silent", "waiting".
std::string_view to_string(HeadStreamState state);

/// Counted since the start.
struct HeadStreamStatus {
    HeadStreamState state{HeadStreamState::kOpening};
    /// Why it is not live; empty when it is. Names the endpoint, never its URL.
    std::string reason;
    std::optional<HeadHint> last;
    std::uint64_t opened{0};
    std::uint64_t hints{0};
    std::uint64_t duplicates{0};
    std::uint64_t late{0};
    /// Notices of a subscription that is not ours.
    std::uint64_t foreign{0};
    /// Times that it was closed for being silent, and for what no node may send.
    std::uint64_t silences{0};
    std::uint64_t refusals{0};
};

/// `eth_subscribe newHeads` at one endpoint: hints that wake the chain's follower. What a stream
/// says is never data, so a false one costs requests and a silent or repeating one costs freshness,
/// at most until the follower looks by itself; neither costs an event. One instance an endpoint,
/// owned by relayer/head_hints; lives on the executor and outlives the task of `run`.
class HeadStream {
  public:
    struct Parts {
        /// How the endpoint is called in reasons and logs.
        std::string name;
        std::function<Task<Result<std::unique_ptr<infra::MessageStream>>>(std::chrono::milliseconds
        )>
            open;
        /// The same node's latest block over HTTP.
        std::function<Task<Result<HeadHint>>()> ask_head;
        /// Called for every hint that is not a duplicate.
        std::function<void(const HeadHint&)> on_hint;
        infra::Logger log;
    };

    HeadStream(Parts parts, HeadStreamLimits limits);
    HeadStream(const HeadStream&) = delete;
    HeadStream& operator=(const HeadStream&) = delete;

    /// Over WebSocket and HTTP of one endpoint. kConfig when a URL is none; the detail has the
    /// endpoint's name only.
    static Result<std::unique_ptr<HeadStream>> make(
        Executor executor,
        const EndpointSettings& endpoint,
        std::function<void(const HeadHint&)> on_hint,
        infra::Logger log,
        HeadStreamLimits limits
    );

    /// Subscribes, listens, and opens again what ended, until cancelled.
    Task<void> run();

    [[nodiscard]] const std::string& name() const { return parts_.name; }

    [[nodiscard]] const HeadStreamStatus& status() const { return status_; }

    /// Whether heads are announced now, so that the follower may poll slowly.
    [[nodiscard]] bool is_fresh() const;

  private:
    struct Session;

    Task<Error> session();
    Task<Result<std::string>> subscribe(infra::MessageStream* stream);
    Task<void> listen(Session* session);
    Task<void> watch(Session* session);
    Result<void> take(Session& session, std::string_view text);
    Result<void> note(const HeadHint& head);
    void end(Session& session, Error why);

    Parts parts_;
    HeadStreamLimits limits_;
    HeadStreamStatus status_;
    /// Of the subscription that stands.
    std::optional<HeadWatch> watch_;
};

/// The pause before attempt `failures` + 1: doubles from `least`, never above `most`, and
/// `jitter` of [0, 1000) adds up to half as much again.
std::chrono::milliseconds reopen_pause(
    std::chrono::milliseconds least,
    std::chrono::milliseconds most,
    std::uint64_t failures,
    std::uint64_t jitter
);

}  // namespace margrave::chains::rpc
