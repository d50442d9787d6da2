// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/detail/envelope.hpp"
#include "core/assert.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace margrave;
namespace rpc = margrave::chains::rpc;

namespace {

void check_error(const rpc::RpcError& error) {
    MARGRAVE_ASSERT(error.detail.size() < 2'000);
    // One line: other scripts may be in a node's words, controls not.
    const auto shown = [](char c) {
        const auto byte = static_cast<std::uint8_t>(c);
        return byte >= 0x20 && byte != 0x7f;
    };
    MARGRAVE_ASSERT(std::ranges::all_of(error.detail, shown));
    MARGRAVE_ASSERT(error.detail.find("sekret-token") == std::string::npos);
}

// What the reader of texts takes as a batch, and whose results are JSON, the other reader takes
// with the same values.
void check_raw_batch(
    const rpc::detail::Speaker& speaker,
    infra::HttpResponse answer,
    const std::vector<rpc::RpcCall>& calls,
    const rpc::detail::BatchResult& slow
) {
    const auto raw = rpc::detail::decode_raw_batch(speaker, answer, calls, 1);
    if (!raw) {
        MARGRAVE_ASSERT(!slow);
        return;
    }
    MARGRAVE_ASSERT(raw.value().size() == calls.size());
    infra::StrictLimits limits;
    limits.floats = true;
    // An envelope and a list are around each.
    limits.depth -= 2;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (!raw.value()[i]) {
            continue;
        }
        const auto value = infra::parse_strict(raw.value()[i].value().result(), limits);
        if (!value) {
            return;
        }
        MARGRAVE_ASSERT(!slow || (slow.value()[i] && slow.value()[i].value() == value.value()));
    }
}

}  // namespace

// Two bytes: the HTTP status and whether it answers one call or a batch; then the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    constexpr std::array<unsigned, 8> kStatus{200, 200, 200, 400, 403, 429, 500, 503};
    static const infra::Url url = infra::parse_url("https://node.example/v2/sekret-token").value();
    static const rpc::detail::Speaker speaker("node", url);
    infra::HttpResponse answer;
    answer.status = kStatus[data[0] % kStatus.size()];
    answer.body.assign(data + 2, data + size);
    const std::vector<rpc::RpcCall> calls{
        {"eth_getBlockByNumber", nlohmann::json::array()},
        {"eth_feeHistory", nlohmann::json::array()}};
    if (data[1] % 2 == 0) {
        const auto result = rpc::detail::decode_call(speaker, answer, calls[0], 1);
        if (!result) {
            check_error(result.error());
        }
        MARGRAVE_ASSERT(!result || answer.status == 200);
        return 0;
    }
    const auto results = rpc::detail::decode_batch(speaker, answer, calls, 1);
    check_raw_batch(speaker, answer, calls, results);
    if (!results) {
        check_error(results.error());
        return 0;
    }
    MARGRAVE_ASSERT(results.value().size() == calls.size());
    for (const auto& result : results.value()) {
        if (!result) {
            check_error(result.error());
        }
    }
    return 0;
}
