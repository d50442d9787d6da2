// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/fast_json.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <string>

using namespace margrave;
namespace evm = margrave::chains::evm;

namespace {

bool same(const evm::NodeLog& a, const evm::NodeLog& b) {
    return a.number == b.number && a.block == b.block && a.txn == b.txn && a.index == b.index &&
           a.address == b.address && a.topics == b.topics && a.data == b.data;
}

}  // namespace

// The text of a result: what the fast reader of logs or headers takes, the strict one takes with
// the same values.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const chains::rpc::RawAnswer answer(std::string(as_text({data, size})));
    if (const auto fast = evm::detail::plain_logs(answer)) {
        const auto slow = evm::detail::strict_logs(answer);
        MARGRAVE_ASSERT(slow.has_value());
        MARGRAVE_ASSERT(std::ranges::equal(*fast, slow.value(), same));
    }
    if (const auto fast = evm::detail::plain_header(answer)) {
        const auto slow = evm::detail::strict_header(answer);
        MARGRAVE_ASSERT(slow.has_value() && slow.value().has_value());
        MARGRAVE_ASSERT(fast->block == slow.value()->block);
        MARGRAVE_ASSERT(fast->base_fee == slow.value()->base_fee);
    }
    if (const auto fast = evm::detail::plain_block(answer)) {
        const auto slow =
            evm::detail::strict_block(answer, chains::ProofMode::kReceipts, std::nullopt);
        MARGRAVE_ASSERT(slow.has_value() && slow.value().has_value());
        MARGRAVE_ASSERT(fast->block == slow.value()->block);
        MARGRAVE_ASSERT(fast->header->fields() == slow.value()->header->fields());
    }
    return 0;
}
