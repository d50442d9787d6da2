// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/early.hpp"
#include "margin/early.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <string_view>
#include <vector>

/// Collateral that counts for grants before it is final: what an account may use of it, and what
/// releases stand on (docs/margin.md section 2). Plain functions; nothing is kept in memory.
namespace margrave::relayer {

/// An account with what was released to it stands on its final value and, as of `head`, on this
/// much more. It takes room from the form's total until that block is final or the account stands
/// on final value alone.
struct EarlyStand {
    AccountId account;
    AssetId asset;
    Amount amount;
    /// The release that was signed last.
    Hash32 release;
    BlockNum head;
    Hash32 head_hash;
    bool operator==(const EarlyStand&) const = default;
};

/// Name of the document that holds all of them; written with the decision that changes them.
inline constexpr std::string_view kEarlyStands = "early/stands";

Result<std::vector<EarlyStand>> read_stands(const store::Database& database);
Bytes stands_document(const std::vector<EarlyStand>& stands);

/// Most rows of that document: a pass reads all of them, and evaluates the account of each. From
/// then on only who has a stand already may use more.
inline constexpr std::size_t kStandsMax = 1'024;
/// Most forms that one release stands on.
inline constexpr std::size_t kOffersMax = 16;

/// The stands once a release of `account` is signed that stands on `uses`: those replace what the
/// account stood on, because its whole state was judged with them.
std::vector<EarlyStand> with_release(
    std::vector<EarlyStand> stands,
    const AccountId& account,
    const Hash32& release,
    const std::vector<attest::EarlyUse>& uses
);

/// What a release that stands on `uses` adds to its decision: the stands after it, where they
/// change, and the states it was judged with, so that these can be read for ever.
Result<void> add_uses(
    const store::Database& database,
    const AccountId& account,
    const Hash32& release,
    const std::vector<attest::EarlyUse>& uses,
    store::Decision& decision
);

/// Where an account is looked at.
struct EarlyView {
    const store::Ledger& ledger;
    const margin::Parameters& parameters;
    const store::AsOf& firm;
    const std::vector<EarlyStand>& stands;
};

/// What the account may use now, ascending by asset: `amount` is all of it, within the tier and
/// what is left of the total. Forms in which that is nothing are left out; all of them are when the
/// stands are too many already.
Result<std::vector<attest::EarlyUse>> early_offers(const EarlyView& view, const AccountId& account);

/// Whether the block that it stands on is final.
bool is_final(const EarlyView& view, const EarlyStand& stand);

std::vector<margin::EarlyPart> early_parts(const std::vector<attest::EarlyUse>& uses);

}  // namespace margrave::relayer
