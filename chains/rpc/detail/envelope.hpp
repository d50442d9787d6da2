// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/client.hpp"
#include "infra/http_client.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::chains::rpc::detail {

/// How errors speak of an endpoint: its name, and the parts of its URL that must not be repeated
/// even when the node's own message does.
struct Speaker {
    std::string name;
    std::vector<std::string> secrets;

    Speaker(std::string endpoint_name, const infra::Url& url);

    /// A node's words: secrets struck out, escaped, cut at 300 bytes.
    [[nodiscard]] std::string quote(std::string_view words) const;
    /// The words with the secrets struck out, otherwise as they are.
    [[nodiscard]] std::string hide(std::string_view words) const;
};

template <class T>
using BatchOf = RpcResult<std::vector<RpcResult<T>>>;
using BatchResult = BatchOf<nlohmann::json>;
using RawBatchResult = BatchOf<RawAnswer>;

std::string encode_call(const RpcCall& call, std::uint64_t id);
/// Ids count up from first_id.
std::string encode_batch(std::span<const RpcCall> calls, std::uint64_t first_id);

/// The result of one call from an answer with any HTTP status.
RpcResult<nlohmann::json> decode_call(
    const Speaker& speaker, const infra::HttpResponse& answer, const RpcCall& call, std::uint64_t id
);
/// The same without reading the result; takes the body out of the answer. Anything but a plain
/// success is read by decode_call, so errors are the same.
RpcResult<RawAnswer> decode_raw(
    const Speaker& speaker, infra::HttpResponse& answer, const RpcCall& call, std::uint64_t id
);
/// Results in the order of the calls. kUnproved when an id is missing, repeated or none of ours.
BatchResult decode_batch(
    const Speaker& speaker,
    const infra::HttpResponse& answer,
    std::span<const RpcCall> calls,
    std::uint64_t first_id
);

/// The same without reading the results; takes the body out of the answer. Anything but plain
/// successes is read by decode_batch, so errors are the same.
RawBatchResult decode_raw_batch(
    const Speaker& speaker,
    infra::HttpResponse& answer,
    std::span<const RpcCall> calls,
    std::uint64_t first_id
);

/// Whether an error that answers a whole batch says that the node does not take (such) batches.
enum class BatchRefusal : std::uint8_t { kNone, kTooMany, kNever };
BatchRefusal batch_refusal(const RpcError& error);

}  // namespace margrave::chains::rpc::detail
