// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/keccak.hpp"
#include "core/words.hpp"
#include "margin/parameters.hpp"

#include <string>

// What the tests of equal bytes share. Several operators sign the same digest only because their
// builds compute the same bytes: each constant holds for every compiler and optimisation level
// (scripts/bytes), and a change of one is a change of the engine's meaning.
namespace margrave::margin::tests {

/// One hash over results that come one after another.
class RunningHash {
  public:
    /// `write` puts one result into the words.
    template <class Write>
    void add(Write&& write) {
        WordWriter words;
        words.word(hash_);
        write(words);
        hash_ = words.hash();
    }

    [[nodiscard]] std::string text() const { return to_hex(hash_); }

  private:
    Hash32 hash_;
};

inline Hash32 hash_of(const Parameters& parameters) {
    return keccak256(canonical(parameters).dump());
}

inline void put_state(WordWriter& out, const AccountState& state) {
    out.word(state.account)
        .money(state.equity)
        .money(state.initial)
        .money(state.liquidation_end)
        .money(state.maintenance)
        .uint(static_cast<std::uint64_t>(state.status))
        .uint(state.flags)
        .word(state.detail);
}

}  // namespace margrave::margin::tests
