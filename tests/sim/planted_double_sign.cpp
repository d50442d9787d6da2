// SPDX-License-Identifier: Apache-2.0
// A planted bug, in a program of its own: the signing guard is written after the decision that
// holds the signature and not before it. The linker gives this file the calls of two functions
// (--wrap, CMakeLists.txt) and the functions themselves under another name.
#include "store/database.hpp"
#include "store/guard.hpp"

#include <optional>
#include <utility>

namespace {

using margrave::Result;
using margrave::store::Database;
using margrave::store::Decision;
using margrave::store::GuardEntry;
using margrave::store::GuardVerdict;
using margrave::store::SigningGuard;

struct Late {
    SigningGuard* guard;
    GuardEntry entry;
};

std::optional<Late> late;

}  // namespace

// A member function is called as a function whose first argument is the object (Itanium C++ ABI).
Result<GuardVerdict> real_record(SigningGuard*, const GuardEntry&) asm(
    "__real__ZN8margrave5store12SigningGuard6recordERKNS0_10GuardEntryE"
);
Result<GuardVerdict> planted_record(SigningGuard* guard, const GuardEntry& entry) asm(
    "__wrap__ZN8margrave5store12SigningGuard6recordERKNS0_10GuardEntryE"
);
Result<void> real_commit(Database*, const Decision&) asm(
    "__real__ZN8margrave5store8Database6commitERKNS0_8DecisionE"
);
Result<void> planted_commit(Database* database, const Decision& decision) asm(
    "__wrap__ZN8margrave5store8Database6commitERKNS0_8DecisionE"
);

Result<GuardVerdict> planted_record(SigningGuard* guard, const GuardEntry& entry) {
    late.emplace(Late{guard, entry});
    return GuardVerdict::kNew;
}

Result<void> planted_commit(Database* database, const Decision& decision) {
    const std::optional<Late> waiting = std::exchange(late, std::nullopt);
    MARGRAVE_TRY(real_commit(database, decision));
    if (waiting) {
        MARGRAVE_TRY(real_record(waiting->guard, waiting->entry));
    }
    return margrave::ok();
}
