// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/txn.hpp"
#include "core/assert.hpp"

#include <algorithm>

using namespace margrave;
namespace evm = margrave::chains::evm;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    for (const evm::Fork fork : {evm::Fork::kFrontier, evm::Fork::kPrague}) {
        const auto decoded = evm::decode_txn(input, 1, fork);
        if (decoded) {
            const auto& txn = decoded.value();
            const Bytes again = evm::signed_bytes(txn.txn, txn.signature);
            MARGRAVE_ASSERT(std::ranges::equal(again, input));
            MARGRAVE_ASSERT(evm::intrinsic_gas(txn.txn, fork) <= txn.txn.gas_limit);
        }
    }
    return 0;
}
