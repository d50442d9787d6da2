// SPDX-License-Identifier: Apache-2.0
#include "store/database.hpp"
#include "store/detail/ledger_state.hpp"
#include "store/detail/prune.hpp"
#include "store/ledger.hpp"

// What the ledger says beside the holdings of accounts: who a watch moved, what it holds, and the
// sums of a ledger.
namespace margrave::store {

Result<std::vector<Ledger::MappedPlace>> Ledger::mapped_accounts(
    const ChainId& chain, const std::optional<MappedPlace>& after, std::size_t limit
) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const detail::ChainTag tag = detail::tag_of(chain);
    const Bytes prefix = detail::subject::holders(tag);
    Bytes start = prefix;
    if (after) {
        start = detail::subject::holder(tag, after->first, after->second);
        // Behind every version of it.
        start.insert(start.end(), detail::subject::kSuffix + 1, 0xff);
    }
    std::vector<MappedPlace> out;
    const auto visit = [&](ByteView key, ByteView) -> Result<bool> {
        ByteReader in(key.subspan(prefix.size()));
        MARGRAVE_TRY(const Hash32 source, in.hash32());
        MARGRAVE_TRY(const Hash32 account, in.hash32());
        const MappedPlace place{source, detail::account_of_owner(account)};
        if (!out.empty() && out.back() == place) {
            return true;
        }
        if (out.size() >= limit) {
            return false;
        }
        out.push_back(place);
        return true;
    };
    MARGRAVE_TRY(db_.impl().scan(detail::Cf::kVersion, prefix, start, visit));
    return out;
}

Result<Amount> Ledger::custody_at(LedgerId ledger, const Hash32& source, BlockNum as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    if (ledger.value > 0 && ledger.value <= state_->ledgers.size()) {
        const ChainId& chain = state_->definition(ledger).asset.chain();
        MARGRAVE_TRY(detail::check_not_pruned(db_.impl(), chain, as_of));
    }
    detail::Versions versions(db_.impl());
    const Bytes subject = detail::subject::balance({ledger, AccountCode::kCustody, source});
    MARGRAVE_TRY(const auto row, versions.read<detail::AmountRow>(subject, as_of));
    return row ? row->amount : Amount{};
}

Result<TrialBalance> Ledger::trial_balance(LedgerId ledger, BlockNum as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    if (ledger.value == 0 || ledger.value > state_->ledgers.size()) {
        return fail(Errc::kNotFound, "there is no ledger " + std::to_string(ledger.value));
    }
    MARGRAVE_TRY(check_kept(state_->definition(ledger).asset.chain(), as_of));
    detail::Versions versions(db_.impl());
    TrialBalance out;
    out.ledger = state_->definition(ledger);
    for (const AccountCode code : detail::kAllCodes) {
        MARGRAVE_TRY(
            const auto sum,
            versions.read<detail::AmountRow>(detail::subject::sum(ledger, code), as_of)
        );
        out.totals[code] = sum ? sum->amount : Amount{};
    }
    if (!detail::is_balanced(out.totals)) {
        return detail::corrupt(
            detail::Cf::kVersion,
            detail::subject::sum(ledger, AccountCode::kVault),
            "and the other sums of ledger " + out.ledger.asset.text() +
                " do not balance at block " + std::to_string(as_of.value)
        );
    }
    return out;
}

}  // namespace margrave::store
