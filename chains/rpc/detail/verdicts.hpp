// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/client.hpp"

#include <cstddef>
#include <optional>

namespace margrave::chains::rpc::detail {

/// Whether the same question may get its answer elsewhere: trouble, a method or history that this
/// node does not offer, words that nobody knows. "Not there yet" is an answer.
bool is_no_answer(RpcClass kind);

/// Keeps which of two errors to tell: what is about the transaction or the question first, and of
/// those what needs somebody to act; then what a node says of itself; then silence.
void keep_telling(std::optional<RpcError>& best, RpcError error);

/// None of so many endpoints may be asked.
RpcError nobody(std::size_t endpoints);

}  // namespace margrave::chains::rpc::detail
