// SPDX-License-Identifier: Apache-2.0
// A planted bug, in a program of its own: the ledger forgets to book one event in a few hundred,
// though it folds it into the accumulators like every other. The linker gives this file the calls
// of the function (--wrap, CMakeLists.txt) and the function itself under another name.
#include "store/detail/postings.hpp"

#include <cstdint>

namespace {

using margrave::ChainEvent;
using margrave::Result;
using margrave::store::detail::Postings;

constexpr std::uint64_t kForgetsOneIn = 311;

std::uint64_t booked = 0;

}  // namespace

// A member function is called as a function whose first argument is the object (Itanium C++ ABI).
Result<void> real_apply(Postings*, const ChainEvent&) asm(
    "__real__ZN8margrave5store6detail8Postings5applyERKNS_10ChainEventE"
);
Result<void> planted_apply(Postings* postings, const ChainEvent& event) asm(
    "__wrap__ZN8margrave5store6detail8Postings5applyERKNS_10ChainEventE"
);

Result<void> planted_apply(Postings* postings, const ChainEvent& event) {
    const auto* movement = std::get_if<margrave::Movement>(&event.body);
    const bool deposit = movement != nullptr && movement->kind == margrave::MovementKind::kDeposit;
    if (++booked % kForgetsOneIn == 0 && deposit) {
        return margrave::ok();
    }
    return real_apply(postings, event);
}
