// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/assert.hpp"
#include "core/result.hpp"
#include "infra/task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace margrave::relayer {

/// Runs one task and everything it starts on `io` until it ends; what a command's main does.
/// Rethrows what the task threw.
template <class T>
Result<T> run_to_end(boost::asio::io_context& io, Task<Result<T>> task) {
    std::optional<Result<T>> result;
    std::exception_ptr thrown;
    auto keep = [&io, &result, &thrown](std::exception_ptr error, std::optional<Result<T>> value) {
        thrown = error;
        result = std::move(value);
        io.stop();
    };
    // Asio wants a value that can be made from nothing, which a Result on purpose cannot.
    auto wrapped = [](Task<Result<T>> inner) -> Task<std::optional<Result<T>>> {
        Result<T> value = co_await std::move(inner);
        co_return std::optional<Result<T>>(std::move(value));
    };
    boost::asio::co_spawn(io, wrapped(std::move(task)), std::move(keep));
    io.run();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    MARGRAVE_ASSERT(result.has_value());
    return std::move(*result);
}

}  // namespace margrave::relayer
