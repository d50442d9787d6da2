// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace margrave::chains::rpc {

/// What a caller can do about a failed call.
enum class RpcClass : std::uint8_t {
    // There was no answer to trust.
    kTransport,   // connection, deadline or HTTP status; a read may be tried again
    kUnproved,    // broken JSON, wrong id, an envelope against the protocol
    kOverloaded,  // our own queue to the endpoint is full
    // The node answers for itself.
    kRateLimited,     // try later, see retry_after
    kRefused,         // quota used up, key refused, payment required: park the endpoint
    kNodeTrouble,     // internal error, no healthy backend, node-side timeout
    kMethodNotFound,  // the node does not offer the method
    // About the question.
    kRangeTooLarge,  // ask for fewer blocks or fewer results
    kBlockNotFound,  // not there (yet), or not canonical on that node
    kPruned,         // the node no longer keeps that history
    kReverted,       // execution reverted, see revert_data
    // About a transaction we sent.
    kAlreadyKnown,  // counts as success
    kNonceTooLow,
    kNonceTooHigh,
    kUnderpriced,  // new or replacement transaction pays too little
    kInsufficientFunds,
    kPoolFull,    // back off; another endpoint has the same pool
    kTxnInvalid,  // can never be included as it is
    kOther,
};

/// Stable lower-case name ("range_too_large"), for logs and metrics.
std::string_view to_string(RpcClass kind);

/// An Error that also says what kind of RPC trouble it is. It slices to Error, so an RpcResult
/// passes through MARGRAVE_TRY and `as_failure()` into a Result.
struct RpcError : Error {
    RpcClass kind{RpcClass::kOther};
    /// JSON-RPC error code; zero when the node sent none.
    std::int64_t rpc_code{0};
    /// What a revert carries, decoded from the error's data; empty when none.
    Bytes revert_data;
    /// From HTTP 429 or 503, already capped.
    std::optional<std::chrono::seconds> retry_after;

    RpcError(RpcClass k, std::string detail_text);

    RpcError(RpcClass k, Errc errc, std::string detail_text)
        : Error(errc, std::move(detail_text)),
          kind(k) {}
};

template <class T>
using RpcResult =
    boost::outcome_v2::basic_result<T, RpcError, boost::outcome_v2::policy::terminate>;

/// One row of the table: matches when `code` is absent or equal and `text` (lower case) occurs in
/// the lower-cased message. An empty text matches every message of that code.
struct ErrorRule {
    std::optional<std::int64_t> code;
    std::string_view text;
    RpcClass kind;
};

/// The table, first match wins: texts before bare codes, because codes collide between clients.
std::span<const ErrorRule> error_rules();

RpcClass classify(std::int64_t code, std::string_view message);

}  // namespace margrave::chains::rpc
