// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "core/events.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::attest {

/// Whether custody is what the ledger says. Unable is neither: nobody knows.
enum class CustodyVerdict : std::uint8_t { kMatch, kDiffers, kUnable };
std::string_view to_string(CustodyVerdict verdict);

/// One ledger at one block: what the vault holds beside what the events say it holds. Raw units.
struct CustodyRow {
    AssetId asset;
    /// The ledger's account `vault`.
    Amount booked;
    /// Absent when nobody could say; then `why` tells.
    std::optional<Amount> held;
    std::string why;

    [[nodiscard]] CustodyVerdict verdict() const;
    /// What the vault lacks; zero unless it holds less than was booked.
    [[nodiscard]] Amount missing() const;
    /// What no event explains; zero unless it holds more. Nobody's: it is never credited.
    [[nodiscard]] Amount unattributed() const;
    bool operator==(const CustodyRow&) const = default;
};

/// How a chain stands after a reading: suspected until enough readings confirm a deficit, then a
/// deficit until enough readings clear it.
enum class CustodyState : std::uint8_t { kClear, kSuspected, kDeficit };
std::string_view to_string(CustodyState state);

/// All ledgers of one chain at one block, by its hash: a `reconciliation` leaf.
struct Reconciliation {
    ChainId chain;
    BlockRef block;
    /// Last round in the log before it.
    RoundNum after;
    /// At most kRowsMax, ascending by asset, each once. A chain with more has several leaves for a
    /// block.
    std::vector<CustodyRow> rows;
    CustodyState state{CustodyState::kClear};
    /// Readings at different blocks, one after the other, that speak for leaving the state.
    std::uint64_t readings{0};

    static constexpr std::size_t kRowsMax = 100;
    static constexpr std::size_t kWhyMax = 200;

    /// A deficit in one ledger is a deficit, whatever the others say; else one that nobody knows
    /// makes all of it unable. A surplus makes up for nothing.
    [[nodiscard]] bool has_deficit() const;
    [[nodiscard]] CustodyVerdict verdict() const;
    /// One sentence: the first ledger that lacks something, or that is not known, or "match".
    [[nodiscard]] std::string reason() const;
    bool operator==(const Reconciliation&) const = default;
};

/// The whole leaf. What follows from the numbers (verdicts, missing, unattributed, reason) is
/// written by it and by nobody else. The parent of the block is not in it.
Bytes reconciliation_leaf(const Reconciliation& reading);

/// From the body of a leaf. kCheckFailed names the member that is missing or of a wrong form; what
/// follows from the numbers is not read, so a reader writes the leaf again and compares.
Result<Reconciliation> parse_reconciliation(const Canonical& body);

}  // namespace margrave::attest
