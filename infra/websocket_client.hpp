// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "infra/task.hpp"
#include "infra/url.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace margrave::infra {

struct WsLimits {
    /// One message, however many frames it came in.
    std::size_t message_bytes{std::size_t{1} << 20};
    /// For each address of the host, upgrade and all, inside the deadline of `open`.
    std::chrono::milliseconds connect_timeout{3000};
    /// A peer that sent nothing for half of this is pinged; one that sent nothing at all for the
    /// whole, no pong either, is silent and its connection ends. Also the most that a peer may take
    /// to answer a close.
    std::chrono::milliseconds idle{20'000};
    /// PEM file of certificate authorities; empty: the system's.
    std::string ca_file;
    std::string user_agent{"margrave"};
};

/// Text messages both ways: a WebSocket, or a script in a test. One task receives and one sends at
/// a time. Any error ends the connection: what failed once is not used again, and every later call
/// fails with kIo. Owned by whoever talks; outlives its tasks, apart from tasks destroyed with
/// their io_context.
class MessageStream {
  public:
    virtual ~MessageStream() = default;

    /// kTimeout when the peer did not take all of it in time.
    virtual Task<Result<void>> send(std::string text, std::chrono::milliseconds deadline) = 0;
    /// The next whole message. Pings are answered and the peer is kept an eye on only while a task
    /// receives, so a reader always goes back to reading. kTimeout without a message in time,
    /// kLimit for one above the bound, kIo for anything that is no text message.
    virtual Task<Result<std::string>> receive(std::chrono::milliseconds deadline) = 0;
    /// Says goodbye, waits for the answer at most so long, and ends the connection either way. Not
    /// while a task receives: cancel that one first, which ends the connection too.
    virtual Task<void> close(std::chrono::milliseconds deadline) = 0;
};

/// Opens WebSockets (RFC 6455) to one endpoint, over TLS for wss. Redirects are not followed and no
/// compression is offered. Errors (kIo, kTimeout, kLimit) speak of the endpoint by `name` and never
/// repeat its URL or what the peer says in words. Lives on the executor.
class WsClient {
  public:
    /// `url` is what parse_ws_url gave.
    WsClient(Executor executor, std::string name, Url url, WsLimits limits);
    ~WsClient();
    WsClient(const WsClient&) = delete;
    WsClient& operator=(const WsClient&) = delete;

    /// The deadline covers the lookup, connecting, TLS and the upgrade. The stream may outlive this
    /// client.
    Task<Result<std::unique_ptr<MessageStream>>> open(std::chrono::milliseconds deadline);

    [[nodiscard]] const std::string& name() const;

  private:
    struct Endpoint;
    class Opening;
    template <class Layer>
    class Connection;
    // Shared with the streams that were opened, which use its TLS context and limits.
    std::shared_ptr<const Endpoint> endpoint_;
    Executor executor_;
};

}  // namespace margrave::infra
