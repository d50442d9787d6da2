// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "core/bytes.hpp"
#include "margin/explain.hpp"

#include <cstddef>
#include <cstdint>

// Evidence of an account, as anybody may hand it over. Whatever it says, reading and checking it
// ends well, and no leaf of zeros is ever what it adds up to: its hash is not zero.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace margrave;
    const std::string_view text = as_text(ByteView(data, size));
    const auto read = margin::read_evidence(text);
    if (!read) {
        return 0;
    }
    for (const margin::Term& term : read.value().terms) {
        (void)margin::contribution_of(term);
    }
    AccountState leaf;
    const margin::Parameters parameters;
    MARGRAVE_ASSERT(!margin::check_evidence(text, read.value(), leaf, parameters).empty());
    leaf.status = Status::kUnattestable;
    MARGRAVE_ASSERT(!margin::check_evidence(text, read.value(), leaf, parameters).empty());
    return 0;
}
