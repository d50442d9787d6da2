// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "core/canonical_json.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// A text that parses is the one text of its value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = margrave::as_text({data, size});
    if (const auto value = margrave::parse_canonical(text)) {
        MARGRAVE_ASSERT(value.value().dump() == text);
    }
    return 0;
}
