// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "core/ids.hpp"
#include "core/statements.hpp"

#include <cstdint>
#include <vector>

/// What a release stands on that was not final when it was signed, as its leaf says it, so that
/// whoever has the log and the chains can read blocks and balances again (docs/protocol.md
/// section 6). `others` and `amount` are the signer's word: they depend on all accounts' stands at
/// that moment and on prices that no round signed.
namespace margrave::attest {

/// One form of an asset in which the account's collateral counted early. Raw units.
struct EarlyUse {
    AssetId asset;
    /// What was needed of it, and is taken from the form's `early_total` until `head` is final.
    Amount amount;
    /// The account's collateral at the firm block, and the lesser of that at the tier's block and
    /// at the head.
    Amount firm;
    Amount ahead;
    /// What releases of other accounts stood on at that time.
    Amount others;
    BlockNum firm_block;
    Hash32 firm_hash;
    /// `blocks` of the tier lie between this one and the head.
    BlockNum depth_block;
    Hash32 depth_hash;
    BlockNum head;
    Hash32 head_hash;
    bool operator==(const EarlyUse&) const = default;
};

Canonical canonical(const std::vector<EarlyUse>& uses);
/// kInvalid for another form, or rows that contradict themselves: blocks that do not ascend, more
/// counted than there is, an asset that is not above the one before.
Result<std::vector<EarlyUse>> parse_early(const Canonical& rows);

}  // namespace margrave::attest
