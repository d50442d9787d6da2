// SPDX-License-Identifier: Apache-2.0
#include "store/database.hpp"
#include "store/detail/interest.hpp"
#include "store/ledger.hpp"

// What loans cost (docs/ledger.md section 3): postings book it where a loan changes, and whoever
// reads one counts it up to the block that is read.
namespace margrave::store {
namespace detail {
namespace {

Result<UnixSeconds> time_of(
    const Database::Impl& db, const Ledger::State& state, const ChainId& chain, BlockNum at
) {
    const HeadRow* head = state.chain(chain);
    if (head != nullptr && head->head && at >= head->head->number) {
        return head->head->time;
    }
    const Bytes key = chain_key::block(tag_of(chain), at);
    MARGRAVE_TRY(const auto row, db.read<BlockRow>(Cf::kChain, key));
    if (!row) {
        return fail(
            Errc::kNotFound,
            "loans on " + chain.text() + " bear interest, and block " + std::to_string(at.value) +
                ", up to whose time it is asked for, was not applied"
        );
    }
    return row->block.time;
}

}  // namespace

Result<std::optional<InterestIndex>> interest_at(
    Versions& versions, const Ledger::State& state, LedgerId ledger, BlockNum at
) {
    if (!state.rated.contains(ledger)) {
        return std::optional<InterestIndex>{};
    }
    MARGRAVE_TRY(const auto row, versions.read<InterestRow>(subject::interest(ledger), at));
    if (!row) {
        return std::optional<InterestIndex>{};
    }
    const ChainId& chain = state.definition(ledger).asset.chain();
    MARGRAVE_TRY(const UnixSeconds time, time_of(versions.db(), state, chain, at));
    return std::optional(InterestIndex{index_at(row->index, time), row->index.rate, time});
}

}  // namespace detail

Result<std::optional<InterestIndex>> Ledger::interest(LedgerId ledger, BlockNum as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    if (ledger.value == 0 || ledger.value > state_->ledgers.size()) {
        return fail(Errc::kNotFound, "there is no ledger " + std::to_string(ledger.value));
    }
    MARGRAVE_TRY(check_kept(state_->definition(ledger).asset.chain(), as_of));
    detail::Versions versions(db_.impl());
    return detail::interest_at(versions, *state_, ledger, as_of);
}

Result<std::set<AccountId>> Ledger::accruing(const ChainId& chain) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    std::set<AccountId> out;
    const auto visit = [&](ByteView key, ByteView) -> Result<bool> {
        const auto account = detail::ledger_key::parse_totals(key);
        if (!account) {
            return detail::corrupt(detail::Cf::kLedger, key, account.error().detail);
        }
        out.insert(detail::account_of_owner(account.value().owner));
        return true;
    };
    for (const LedgerId ledger : state_->rated) {
        if (state_->definition(ledger).asset.chain() == chain) {
            const Bytes loans = detail::ledger_key::totals_of(ledger, AccountCode::kLoan);
            MARGRAVE_TRY(db_.impl().scan(detail::Cf::kLedger, loans, visit));
        }
    }
    return out;
}

}  // namespace margrave::store
