// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"
#include "infra/strict_json.hpp"
#include "infra/url.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

// The reader of all JSON that others write, in each of its ways, and URLs. What is read is read
// from its own text again as the same.
namespace {

using namespace margrave;

void try_json(std::string_view text, bool floats, bool number_text) {
    infra::StrictLimits limits;
    limits.values = 20'000;
    limits.floats = floats;
    limits.number_text = number_text;
    const auto value = infra::parse_strict(text, limits);
    if (!value) {
        MARGRAVE_ASSERT(value.error().detail.size() < 2'000);
        return;
    }
    const auto again = infra::parse_strict(value.value().dump(), limits);
    MARGRAVE_ASSERT(again.has_value());
    MARGRAVE_ASSERT(again.value() == value.value());
}

void try_url(std::string_view text) {
    for (const auto& url : {infra::parse_url(text), infra::parse_ws_url(text)}) {
        if (url) {
            MARGRAVE_ASSERT(!url.value().host.empty());
            MARGRAVE_ASSERT(!url.value().port.empty());
            MARGRAVE_ASSERT(!url.value().target.empty());
            MARGRAVE_ASSERT(!url.value().host_header().empty());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(ByteView(data, size));
    try_json(text, false, false);
    try_json(text, true, false);
    try_json(text, false, true);
    try_url(text);
    (void)chains::rpc::parse_quantity(text);
    (void)chains::rpc::parse_data(text);
    return 0;
}
