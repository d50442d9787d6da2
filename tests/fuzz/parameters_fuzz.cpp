// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "core/bytes.hpp"
#include "margin/parameters.hpp"

#include <cstddef>
#include <cstdint>

// Risk parameters as an auditor gets them. Text that is read is the one text of its parameters,
// and every rule can be checked of any.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace margrave;
    const std::string_view text = as_text(ByteView(data, size));
    if (const auto parameters = margin::parse_parameters(text)) {
        MARGRAVE_ASSERT(margin::canonical(parameters.value()).dump() == text);
        (void)margin::check(parameters.value());
    }
    return 0;
}
