// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/reconciliation.hpp"
#include "config/settings.hpp"
#include "core/canonical_json.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What readings of a vault make of its chain: plain functions, so that every rule of docs/ledger.md
// section 14 has a test without a node.
namespace margrave::relayer {

/// How one chain stands with its vault. Kept as a document of the store, with the leaf that changed
/// it.
struct CustodyStanding {
    attest::CustodyState state{attest::CustodyState::kClear};
    /// Readings, one after the other, that speak for leaving the state.
    std::uint64_t readings{0};
    /// The newest block whose reading counted.
    BlockNum block;
    /// The newest block that is done with as an anchor; absent before the first reading.
    std::optional<BlockNum> anchored;
    /// What is missing, while the state is not clear.
    std::string reason;
    /// The chain's stop (store::ChainStop::number) that this deficit made; 0 for none.
    std::uint64_t stop{0};
    /// By ledger: what the vault holds that no event explains. Nobody's, in no balance.
    std::map<AssetId, Amount> unattributed;
    /// The last reading was unable, and a leaf says so. Not kept.
    bool unable{false};

    bool operator==(const CustodyStanding&) const = default;
};

/// What the standing is after a reading. A block that is not above the last one that counted says
/// nothing new, and a reading that is unable says nothing at all: neither moves anything but
/// `unable`.
CustodyStanding judge_custody(
    const CustodyStanding& before,
    const attest::Reconciliation& reading,
    const config::ReconciliationSettings& rules
);

/// Whether the reading goes into the log. `anchor`: its block is one that every operator logs.
bool is_worth_a_leaf(
    const CustodyStanding& before,
    const CustodyStanding& after,
    const attest::Reconciliation& reading,
    bool anchor
);

/// Blocks that are read whatever they show, so that the logs of two operators can be compared: the
/// newest whose number `every` divides and the newest with an event of the vault, both at or below
/// the final block and above what is done. Ascending; the first reading ever has only `final`.
std::vector<BlockNum> custody_anchors(
    const CustodyStanding& standing,
    BlockNum final,
    std::optional<BlockNum> last_event,
    std::uint64_t every
);

/// Why nothing may be signed that stands on the chain; nothing while it is clear.
std::optional<std::string> doubt_of(
    const CustodyStanding& standing, const config::ReconciliationSettings& rules
);

Canonical standing_json(const CustodyStanding& standing);
/// kCorrupt names what is not right.
Result<CustodyStanding> parse_standing(const Canonical& document);

}  // namespace margrave::relayer
