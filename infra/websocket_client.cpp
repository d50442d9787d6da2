// SPDX-License-Identifier: Apache-2.0
#include "infra/websocket_client.hpp"

#include "infra/detail/dial.hpp"
#include "infra/detail/http_text.hpp"
#include "infra/timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace margrave::infra {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

/// How to speak to the endpoint.
struct WsClient::Endpoint {
    std::string name;
    Url url;
    WsLimits limits;
    // Beast and asio take it by a reference that is not const, and only read it.
    mutable std::optional<ssl::context> tls;
    error_code tls_ec;
};

namespace {

/// Every operation reports its error_code as a value; `check_alive` throws a cancellation on.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// A socket with a teardown of its own: Beast's waits for the peer to close after what the peer
/// sent was refused, and a refused peer has no say in how long that takes.
class Socket : public tcp::socket {
  public:
    using tcp::socket::socket;
};

using PlainLayer = Socket;
using TlsLayer = ssl::stream<Socket>;

template <class Handler>
void end_now(Socket& socket, Handler&& handler) {
    error_code ignored;
    socket.close(ignored);
    asio::post(
        socket.get_executor(),
        beast::bind_front_handler(std::forward<Handler>(handler), error_code{})
    );
}

// Found by Beast through their argument (its "Teardown" page).

template <class Handler>
void async_teardown(beast::role_type /*role*/, Socket& socket, Handler&& handler) {
    end_now(socket, std::forward<Handler>(handler));
}

template <class Handler>
void async_teardown(beast::role_type /*role*/, TlsLayer& stream, Handler&& handler) {
    end_now(stream.next_layer(), std::forward<Handler>(handler));
}

bool is_closed(const error_code& ec) {
    return ec == websocket::error::closed || ec == asio::error::eof ||
           ec == asio::error::connection_reset || ec == asio::error::connection_aborted ||
           ec == asio::error::broken_pipe || ec == ssl::error::stream_truncated;
}

Error to_error(
    const std::string& name, const WsLimits& limits, const error_code& ec, unsigned close_code
) {
    if (ec == websocket::error::message_too_big || ec == websocket::error::buffer_overflow) {
        const std::string bytes = std::to_string(limits.message_bytes);
        return fail(Errc::kLimit, name + " sent a message of more than " + bytes + " bytes");
    }
    if (ec == beast::error::timeout) {
        const std::string time = std::to_string(limits.idle.count());
        return fail(Errc::kTimeout, name + " was silent for " + time + " ms, to a ping too");
    }
    if (ec == websocket::error::closed && close_code != 0) {
        return fail(
            Errc::kIo, name + " closed the WebSocket with code " + std::to_string(close_code)
        );
    }
    if (is_closed(ec)) {
        return fail(Errc::kIo, name + " closed the WebSocket without saying so");
    }
    if (ec == websocket::error::bad_frame_payload) {
        return fail(Errc::kIo, name + " sent text that is not UTF-8, or a bad close reason");
    }
    if (ec == websocket::condition::protocol_violation) {
        return fail(Errc::kIo, name + " broke the WebSocket protocol: " + ec.message());
    }
    return fail(Errc::kIo, "talking to " + name + " failed: " + ec.message());
}

Error handshake_error(const std::string& name, const error_code& ec, unsigned status) {
    if (ec == websocket::error::upgrade_declined && status != 0) {
        return fail(
            Errc::kIo, name + " answered the WebSocket upgrade with HTTP " + std::to_string(status)
        );
    }
    return fail(Errc::kIo, "WebSocket upgrade with " + name + " failed: " + ec.message());
}

}  // namespace

template <class Layer>
class WsClient::Connection final : public MessageStream {
  public:
    using EndpointRef = std::shared_ptr<const Endpoint>;

    Connection(const Executor& executor, EndpointRef endpoint)
        : state_(std::make_shared<State>(executor, std::move(endpoint))) {}

    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    ~Connection() override { state_->drop(); }

    Task<Result<void>> connect(tcp::endpoint to) { return dial(state_, to); }

    Task<Result<void>> send(std::string text, milliseconds deadline) override;
    Task<Result<std::string>> receive(milliseconds deadline) override;
    Task<void> close(milliseconds deadline) override;

  private:
    /// Held by every task of this connection: frames that are destroyed with their io_context, or
    /// after the connection, find it alive.
    struct State {
        State(const Executor& executor, EndpointRef e)
            : endpoint(std::move(e)),
              ws(make(executor, *endpoint)) {}

        static websocket::stream<Layer> make(const Executor& executor, const Endpoint& endpoint) {
            if constexpr (std::is_same_v<Layer, TlsLayer>) {
                return websocket::stream<Layer>(Socket(executor), *endpoint.tls);
            } else {
                return websocket::stream<Layer>(executor);
            }
        }

        Socket& socket() { return beast::get_lowest_layer(ws); }

        void drop() {
            error_code ignored;
            socket().close(ignored);
            open = false;
        }

        [[nodiscard]] Error closed() const {
            return fail(Errc::kIo, "the WebSocket to " + endpoint->name + " is closed");
        }

        Error failed(const error_code& ec) {
            return to_error(
                endpoint->name, endpoint->limits, ec, static_cast<unsigned>(ws.reason().code)
            );
        }

        EndpointRef endpoint;
        websocket::stream<Layer> ws;
        beast::flat_buffer buffer;
        bool open{false};
    };

    using StateRef = std::shared_ptr<State>;

    /// Ends the connection unless its step came to its end: a read or a write that was cancelled in
    /// the middle leaves a stream nobody can go on with.
    class Step {
      public:
        explicit Step(State& state)
            : state_(state) {}

        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;

        ~Step() {
            if (!whole_) {
                state_.drop();
            }
        }

        void finish() { whole_ = true; }

      private:
        State& state_;
        bool whole_{false};
    };

    static void check_alive(const error_code& ec) {
        if (ec == asio::error::operation_aborted) {
            throw boost::system::system_error(ec);
        }
    }

    static Task<Result<void>> dial(StateRef state, tcp::endpoint to);
    static Task<Result<void>> upgrade(StateRef state);
    static Task<Result<void>> write(StateRef state, std::string text);
    static Task<Result<std::string>> read(StateRef state);
    static Task<Result<void>> say_goodbye(StateRef state);

    StateRef state_;
};

template <class Layer>
Task<Result<void>> WsClient::Connection<Layer>::dial(StateRef state, tcp::endpoint to) {
    const std::string& name = state->endpoint->name;
    Step step(*state);
    const auto [connect_ec] = co_await state->socket().async_connect(to, kAwait);
    check_alive(connect_ec);
    if (connect_ec) {
        co_return fail(Errc::kIo, "cannot connect to " + name + ": " + connect_ec.message());
    }
    error_code ignored;
    state->socket().set_option(tcp::no_delay(true), ignored);
    state->socket().set_option(asio::socket_base::keep_alive(true), ignored);
    if constexpr (std::is_same_v<Layer, TlsLayer>) {
        TlsLayer& tls = state->ws.next_layer();
        detail::expect_host(tls, state->endpoint->url.host);
        const auto [tls_ec] = co_await tls.async_handshake(ssl::stream_base::client, kAwait);
        check_alive(tls_ec);
        if (tls_ec) {
            co_return fail(
                Errc::kIo, "TLS handshake with " + name + " failed: " + tls_ec.message()
            );
        }
    }
    const Result<void> upgraded = co_await upgrade(state);
    if (upgraded) {
        step.finish();
    }
    co_return upgraded;
}

template <class Layer>
Task<Result<void>> WsClient::Connection<Layer>::upgrade(StateRef state) {
    const WsLimits& limits = state->endpoint->limits;
    const Url& url = state->endpoint->url;
    websocket::stream<Layer>& ws = state->ws;
    websocket::stream_base::timeout patience{};
    patience.handshake_timeout = limits.idle;
    patience.idle_timeout = limits.idle;
    patience.keep_alive_pings = true;
    ws.set_option(patience);
    ws.read_message_max(limits.message_bytes);
    std::string authorization;
    if (!url.userinfo.empty()) {
        authorization = "Basic " + detail::base64(url.userinfo);
    }
    ws.set_option(websocket::stream_base::decorator(
        [agent = limits.user_agent, authorization](websocket::request_type& request) {
            if (!agent.empty()) {
                request.set(http::field::user_agent, agent);
            }
            if (!authorization.empty()) {
                request.set(http::field::authorization, authorization);
            }
        }
    ));
    websocket::response_type answer;
    const std::string host = url.host_header();
    const auto [ec] = co_await ws.async_handshake(answer, host, url.target, kAwait);
    check_alive(ec);
    if (ec) {
        co_return handshake_error(state->endpoint->name, ec, answer.result_int());
    }
    ws.text(true);
    ws.auto_fragment(false);
    state->open = true;
    co_return ok();
}

template <class Layer>
Task<Result<void>> WsClient::Connection<Layer>::write(StateRef state, std::string text) {
    Step step(*state);
    const auto bytes = asio::buffer(text);
    const auto [ec, written] = co_await state->ws.async_write(bytes, kAwait);
    check_alive(ec);
    if (ec) {
        co_return state->failed(ec);
    }
    step.finish();
    co_return ok();
}

template <class Layer>
Task<Result<std::string>> WsClient::Connection<Layer>::read(StateRef state) {
    Step step(*state);
    state->buffer.clear();
    const auto [ec, got] = co_await state->ws.async_read(state->buffer, kAwait);
    check_alive(ec);
    if (ec) {
        co_return state->failed(ec);
    }
    if (!state->ws.got_text()) {
        co_return fail(Errc::kIo, state->endpoint->name + " sent a binary message");
    }
    step.finish();
    co_return beast::buffers_to_string(state->buffer.cdata());
}

template <class Layer>
Task<Result<void>> WsClient::Connection<Layer>::say_goodbye(StateRef state) {
    const websocket::close_reason reason(websocket::close_code::normal);
    const auto [ec] = co_await state->ws.async_close(reason, kAwait);
    check_alive(ec);
    co_return ok();
}

template <class Layer>
Task<Result<void>> WsClient::Connection<Layer>::send(std::string text, milliseconds deadline) {
    const StateRef state = state_;
    if (!state->open) {
        co_return state->closed();
    }
    std::string what = "sending to " + state->endpoint->name;
    Task<Result<void>> work = write(state, std::move(text));
    Result<void> sent = co_await with_timeout(std::move(work), deadline, std::move(what));
    co_return sent;
}

template <class Layer>
Task<Result<std::string>> WsClient::Connection<Layer>::receive(milliseconds deadline) {
    const StateRef state = state_;
    if (!state->open) {
        co_return state->closed();
    }
    std::string what = "waiting for a message of " + state->endpoint->name;
    Task<Result<std::string>> work = read(state);
    Result<std::string> got = co_await with_timeout(std::move(work), deadline, std::move(what));
    co_return got;
}

template <class Layer>
Task<void> WsClient::Connection<Layer>::close(milliseconds deadline) {
    const StateRef state = state_;
    if (!state->open) {
        co_return;
    }
    const Step step(*state);
    Task<Result<void>> work = say_goodbye(state);
    // How it went makes no difference: the connection ends here.
    const Result<void> said = co_await with_timeout(std::move(work), deadline, std::string());
    static_cast<void>(said);
}

/// One attempt to open a stream.
class WsClient::Opening {
  public:
    using EndpointRef = std::shared_ptr<const Endpoint>;
    using Opened = Result<std::unique_ptr<MessageStream>>;

    static Task<Opened> run(Executor executor, EndpointRef endpoint) {
        const std::string& name = endpoint->name;
        if (endpoint->tls_ec) {
            co_return fail(
                Errc::kIo,
                "no certificate authorities for " + name + ": " + endpoint->tls_ec.message()
            );
        }
        const auto found = co_await detail::resolve(executor, name, endpoint->url);
        if (!found) {
            co_return found.as_failure();
        }
        Error last = fail(Errc::kIo, name + " has no address");
        for (const tcp::endpoint& address : found.value()) {
            Task<Opened> trying = endpoint->tls ? attempt<TlsLayer>(executor, endpoint, address)
                                                : attempt<PlainLayer>(executor, endpoint, address);
            Opened opened = co_await std::move(trying);
            if (opened) {
                co_return opened;
            }
            last = opened.error();
        }
        co_return last;
    }

  private:
    template <class Layer>
    static Task<Opened> attempt(Executor executor, EndpointRef endpoint, tcp::endpoint address) {
        auto made = std::make_unique<Connection<Layer>>(executor, endpoint);
        Task<Result<void>> connecting = made->connect(address);
        std::string what = "connecting to " + endpoint->name;
        const milliseconds limit = endpoint->limits.connect_timeout;
        const Result<void> connected =
            co_await with_timeout(std::move(connecting), limit, std::move(what));
        if (!connected) {
            co_return connected.as_failure();
        }
        co_return std::unique_ptr<MessageStream>(std::move(made));
    }
};

WsClient::WsClient(Executor executor, std::string name, Url url, WsLimits limits)
    : executor_(std::move(executor)) {
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->name = std::move(name);
    endpoint->url = std::move(url);
    endpoint->limits = std::move(limits);
    if (endpoint->url.tls) {
        endpoint->tls.emplace(detail::make_tls(endpoint->limits.ca_file, endpoint->tls_ec));
    }
    endpoint_ = std::move(endpoint);
}

WsClient::~WsClient() = default;

Task<Result<std::unique_ptr<MessageStream>>> WsClient::open(milliseconds deadline) {
    const std::shared_ptr<const Endpoint> endpoint = endpoint_;
    std::string what = "opening a WebSocket to " + endpoint->name;
    Task<Opening::Opened> work = Opening::run(executor_, endpoint);
    Opening::Opened opened = co_await with_timeout(std::move(work), deadline, std::move(what));
    co_return opened;
}

const std::string& WsClient::name() const {
    return endpoint_->name;
}

}  // namespace margrave::infra
