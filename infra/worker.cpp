// SPDX-License-Identifier: Apache-2.0
#include "infra/worker.hpp"

#include <boost/asio/thread_pool.hpp>

namespace margrave::infra {

struct Worker::Thread {
    boost::asio::thread_pool pool{1};
};

Worker::Worker()
    : thread_(std::make_unique<Thread>()) {}

Worker::~Worker() {
    thread_->pool.join();
}

void Worker::post(std::function<void()> body) {
    boost::asio::post(thread_->pool, std::move(body));
}

Task<bool> Worker::wait_a_while(Notifier& done) {
    constexpr std::chrono::milliseconds kLook{1000};
    try {
        co_await done.wait_for(kLook);
    } catch (const boost::system::system_error& error) {
        if (error.code() != boost::asio::error::operation_aborted) {
            throw;
        }
        co_return true;
    }
    co_return false;
}

}  // namespace margrave::infra
