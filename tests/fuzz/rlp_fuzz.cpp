// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/rlp.hpp"
#include "core/assert.hpp"

#include <algorithm>

using namespace margrave;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    const auto item = chains::evm::rlp::decode(input);
    if (item) {
        // One value has one form, so what was accepted must come back to the byte.
        const Bytes again = chains::evm::rlp::encode(item.value());
        MARGRAVE_ASSERT(std::ranges::equal(again, input));
    }
    return 0;
}
