// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace margrave {

/// The only spelling of an awaitable. The daemon runs all its tasks on one io_context with one
/// thread, so tasks need no locks among themselves; work that blocks keeps every task waiting and
/// is therefore bounded by design (one store batch, one evaluation).
template <class T = void>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

}  // namespace margrave
