// SPDX-License-Identifier: Apache-2.0
#include "infra/signals.hpp"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <unistd.h>

namespace margrave::infra {

namespace asio = boost::asio;

namespace {

extern "C" void stop_at_once(int /*number*/) {
    constexpr char kText[] = "margrave: second signal, stopping at once\n";
    const ssize_t ignored = ::write(STDERR_FILENO, kText, sizeof kText - 1);
    static_cast<void>(ignored);
    ::_exit(1);
}

}  // namespace

Task<int> wait_for_shutdown_signal() {
    Executor executor = co_await asio::this_coro::executor;
    asio::signal_set signals(executor, SIGINT, SIGTERM);
    const int number = co_await signals.async_wait(asio::use_awaitable);
    signals.clear();

    // Not through asio: it must work when the io_context is stuck.
    struct sigaction action {};

    action.sa_handler = &stop_at_once;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    co_return number;
}

}  // namespace margrave::infra
