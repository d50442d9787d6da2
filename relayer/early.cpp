// SPDX-License-Identifier: Apache-2.0
#include "relayer/early.hpp"

#include "relayer/detail/messages.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace margrave::relayer {

namespace {

Result<EarlyStand> parse_stand(const Canonical& row) {
    EarlyStand out;
    MARGRAVE_TRY(const auto account, text_member(row, "account"));
    MARGRAVE_TRY(out.account, parse_account(account));
    MARGRAVE_TRY(const auto asset, text_member(row, "asset"));
    MARGRAVE_TRY(out.asset, AssetId::parse(asset));
    MARGRAVE_TRY(const auto amount, text_member(row, "amount"));
    MARGRAVE_TRY(out.amount, Amount::parse(amount));
    MARGRAVE_TRY(const auto release, text_member(row, "release"));
    MARGRAVE_TRY(out.release, parse_hash32(release));
    MARGRAVE_TRY(const auto head, integer_member(row, "head"));
    out.head = BlockNum{head};
    MARGRAVE_TRY(const auto hash, text_member(row, "headHash"));
    MARGRAVE_TRY(out.head_hash, parse_hash32(hash));
    return out;
}

Amount collateral_of(const AccountHoldings& holdings, const AssetId& asset) {
    const auto row = std::ranges::find(holdings.holdings, asset, &Holding::asset);
    return row == holdings.holdings.end() ? Amount{} : row->collateral;
}

// What the account has in one form, at firm blocks everywhere but on the form's own chain.
Result<std::optional<Amount>> collateral_at(
    const EarlyView& view, const AccountId& account, const AssetId& asset, BlockNum block
) {
    store::AsOf as_of = view.firm;
    as_of[asset.chain()] = block;
    auto holdings = view.ledger.holdings(account, as_of);
    if (!holdings && holdings.error().code == Errc::kNotFound) {
        // A state that was not kept gives no credit.
        return std::optional<Amount>{};
    }
    if (!holdings) {
        return holdings.as_failure();
    }
    return std::optional(collateral_of(holdings.value(), asset));
}

Result<Amount> taken_by_others(
    const EarlyView& view, const AccountId& account, const AssetId& asset
) {
    Amount sum;
    for (const EarlyStand& stand : view.stands) {
        if (stand.asset == asset && stand.account != account) {
            MARGRAVE_TRY(sum, add(sum, stand.amount));
        }
    }
    return sum;
}

// The block of a tier; absent where firm state reaches as far.
std::optional<BlockNum> tier_block(const margin::EarlyTier& tier, BlockNum head, BlockNum firm) {
    if (head.value < tier.blocks || head.value - tier.blocks <= firm.value) {
        return std::nullopt;
    }
    return BlockNum{head.value - tier.blocks};
}

Result<attest::EarlyUse> offer_of(
    const EarlyView& view, const AccountId& account, const margin::AssetOnChain& form
) {
    attest::EarlyUse out;
    out.asset = form.asset;
    const ChainId& chain = form.asset.chain();
    const auto head = view.ledger.chain_state(chain).head;
    const auto firm = view.firm.find(chain);
    if (!head || firm == view.firm.end() ||
        !tier_block(form.early.front(), head->number, firm->second)) {
        return out;
    }
    out.firm_block = firm->second;
    out.head = head->number;
    out.head_hash = head->hash;
    margin::EarlySight sight;
    MARGRAVE_TRY(const auto at_firm, collateral_at(view, account, form.asset, out.firm_block));
    MARGRAVE_TRY(const auto at_head, collateral_at(view, account, form.asset, out.head));
    if (!at_firm || !at_head || !(*at_firm < *at_head)) {
        return out;
    }
    sight.firm = *at_firm;
    sight.head = *at_head;
    for (const margin::EarlyTier& tier : form.early) {
        const auto block = tier_block(tier, out.head, out.firm_block);
        std::optional<Amount> seen;
        if (block) {
            MARGRAVE_TRY(seen, collateral_at(view, account, form.asset, *block));
        }
        sight.at_depth.push_back(seen);
    }
    const margin::EarlyCredit credit = margin::early_credit(form.early, sight);
    if (credit.amount.is_zero()) {
        return out;
    }
    MARGRAVE_TRY(out.others, taken_by_others(view, account, form.asset));
    out.depth_block = *tier_block(form.early[credit.tier], out.head, out.firm_block);
    const auto firm_ref = view.ledger.block_at(chain, out.firm_block);
    const auto depth_ref = view.ledger.block_at(chain, out.depth_block);
    if (!firm_ref || !depth_ref) {
        return out;
    }
    out.firm_hash = firm_ref->hash;
    out.depth_hash = depth_ref->hash;
    out.firm = sight.firm;
    out.ahead = min(*sight.at_depth[credit.tier], sight.head);
    out.amount = min(credit.amount, sub_or_zero(form.early_total, out.others));
    return out;
}

}  // namespace

Result<std::vector<EarlyStand>> read_stands(const store::Database& database) {
    const auto bytes = database.document(std::string(kEarlyStands));
    std::vector<EarlyStand> out;
    if (!bytes) {
        return out;
    }
    MARGRAVE_TRY(const auto document, parse_canonical(as_text(*bytes)));
    const auto* rows = std::get_if<Canonical::Array>(&document.value());
    if (rows == nullptr) {
        return fail(Errc::kCorrupt, "the document " + std::string(kEarlyStands) + " is no array");
    }
    for (const Canonical& row : *rows) {
        MARGRAVE_TRY(EarlyStand stand, parse_stand(row));
        out.push_back(std::move(stand));
    }
    return out;
}

Bytes stands_document(const std::vector<EarlyStand>& stands) {
    Canonical::Array rows;
    for (const EarlyStand& stand : stands) {
        rows.push_back(Canonical::Object{
            {"account", to_hex(stand.account)},
            {"amount", stand.amount.to_string()},
            {"asset", stand.asset.text()},
            {"head", Canonical::integer(stand.head.value)},
            {"headHash", to_hex(stand.head_hash)},
            {"release", to_hex(stand.release)},
        });
    }
    return to_bytes(Canonical(std::move(rows)).dump());
}

std::vector<EarlyStand> with_release(
    std::vector<EarlyStand> stands,
    const AccountId& account,
    const Hash32& release,
    const std::vector<attest::EarlyUse>& uses
) {
    std::erase_if(stands, [&account](const EarlyStand& row) { return row.account == account; });
    for (const attest::EarlyUse& use : uses) {
        stands.push_back({account, use.asset, use.amount, release, use.head, use.head_hash});
    }
    return stands;
}

Result<void> add_uses(
    const store::Database& database,
    const AccountId& account,
    const Hash32& release,
    const std::vector<attest::EarlyUse>& uses,
    store::Decision& decision
) {
    MARGRAVE_TRY(const auto before, read_stands(database));
    const auto after = with_release(before, account, release, uses);
    if (after != before) {
        decision.documents.emplace_back(kEarlyStands, stands_document(after));
    }
    for (const attest::EarlyUse& use : uses) {
        for (const BlockNum block : {use.firm_block, use.depth_block, use.head}) {
            decision.names.emplace_back(use.asset.chain(), block);
        }
    }
    return ok();
}

Result<std::vector<attest::EarlyUse>> early_offers(
    const EarlyView& view, const AccountId& account
) {
    std::vector<attest::EarlyUse> out;
    if (view.stands.size() >= kStandsMax &&
        std::ranges::find(view.stands, account, &EarlyStand::account) == view.stands.end()) {
        return out;
    }
    for (const margin::AssetParameters& asset : view.parameters.assets) {
        for (const margin::AssetOnChain& form : asset.on) {
            if (form.early.empty()) {
                continue;
            }
            MARGRAVE_TRY(attest::EarlyUse offer, offer_of(view, account, form));
            if (!offer.amount.is_zero()) {
                out.push_back(std::move(offer));
            }
        }
    }
    std::ranges::sort(out, {}, &attest::EarlyUse::asset);
    return out;
}

bool is_final(const EarlyView& view, const EarlyStand& stand) {
    const auto firm = view.firm.find(stand.asset.chain());
    if (firm == view.firm.end() || firm->second < stand.head) {
        return false;
    }
    const auto block = view.ledger.block_at(stand.asset.chain(), stand.head);
    return block && block->hash == stand.head_hash;
}

std::vector<margin::EarlyPart> early_parts(const std::vector<attest::EarlyUse>& uses) {
    std::vector<margin::EarlyPart> out;
    for (const attest::EarlyUse& use : uses) {
        out.push_back({use.asset, use.amount});
    }
    return out;
}

}  // namespace margrave::relayer
