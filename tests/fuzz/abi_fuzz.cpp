// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/abi.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <string>

using namespace margrave;
namespace abi = margrave::chains::evm::abi;

// A line with a type, then the data to decode as it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    const auto line_end = std::ranges::find(input, std::uint8_t{'\n'});
    if (line_end == input.end()) {
        return 0;
    }
    const auto length = static_cast<std::size_t>(line_end - input.begin());
    const auto type = abi::parse_type(as_text(input.first(length)));
    if (!type) {
        return 0;
    }
    const std::string name = abi::canonical(type.value());
    MARGRAVE_ASSERT(abi::canonical(abi::parse_type(name).value()) == name);

    const ByteView encoded = input.subspan(length + 1);
    const abi::DecodeOptions strict{.strict = true, .values_max = 5000, .bytes_max = 100'000};
    const abi::DecodeOptions lenient{.strict = false, .values_max = 5000, .bytes_max = 100'000};
    const auto exact = abi::decode(type.value(), encoded, strict);
    const auto value = abi::decode(type.value(), encoded, lenient);
    MARGRAVE_ASSERT(!exact || value);
    if (value) {
        const auto again = abi::encode(type.value(), value.value());
        MARGRAVE_ASSERT(again.has_value());
        MARGRAVE_ASSERT(abi::decode(type.value(), again.value(), strict).value() == value.value());
        MARGRAVE_ASSERT(abi::to_text(type.value(), value.value(), 100).size() <= 103);
    }
    return 0;
}
