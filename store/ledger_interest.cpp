// SPDX-License-Identifier: Apache-2.0
#include "store/database.hpp"
#include "store/detail/interest.hpp"
#include "store/ledger.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

// What loans cost (docs/ledger.md section 2): postings book it where a loan changes, and whoever
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

Result<std::optional<InterestRow>> told_at(
    Versions& versions, const Ledger::State& state, LedgerId ledger, BlockNum at
) {
    if (!state.is_rated(ledger)) {
        return std::optional<InterestRow>{};
    }
    const AssetId& asset = state.definition(ledger).asset;
    return versions.read<InterestRow>(subject::interest(tag_of(asset.chain()), asset.token()), at);
}

/// Who ever had a loan in a ledger, with the totals of it.
using VisitLoan = std::function<Result<void>(const Hash32& owner, const TotalsRow& totals)>;

Result<void> each_loan(const Database::Impl& db, LedgerId ledger, const VisitLoan& visit) {
    const auto row = [&](ByteView key, ByteView value) -> Result<bool> {
        const auto account = ledger_key::parse_totals(key);
        if (!account) {
            return corrupt(Cf::kLedger, key, account.error().detail);
        }
        MARGRAVE_TRY(const auto totals, Database::Impl::decode<TotalsRow>(Cf::kLedger, key, value));
        MARGRAVE_TRY(visit(account.value().owner, totals));
        return true;
    };
    return db.scan(Cf::kLedger, ledger_key::totals_of(ledger, AccountCode::kLoan), row);
}

/// What rules hear up to a block: those that begin above it hear nothing, and an end that is not
/// reached is none.
std::vector<RateRule> heard(const std::vector<RateRule>& rules, BlockNum head) {
    std::vector<RateRule> out;
    for (RateRule rule : rules) {
        if (rule.from <= head) {
            rule.to = rule.to && *rule.to < head ? rule.to : std::nullopt;
            out.push_back(std::move(rule));
        }
    }
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
}

std::optional<RateRule> first_beside(
    const std::vector<RateRule>& rules, const std::vector<RateRule>& others
) {
    std::vector<RateRule> out;
    std::ranges::set_difference(rules, others, std::back_inserter(out));
    return out.empty() ? std::nullopt : std::optional(std::move(out.front()));
}

std::string words_of(const RateRule& rule) {
    return "\"" + rule.text + "\" from block " + std::to_string(rule.from.value) +
           (rule.to ? " to " + std::to_string(rule.to->value) : std::string{});
}

}  // namespace

Result<std::optional<InterestIndex>> interest_at(
    Versions& versions, const Ledger::State& state, LedgerId ledger, BlockNum at
) {
    MARGRAVE_TRY(const auto row, told_at(versions, state, ledger, at));
    if (!row) {
        return std::optional<InterestIndex>{};
    }
    const ChainId& chain = state.definition(ledger).asset.chain();
    MARGRAVE_TRY(const UnixSeconds time, time_of(versions.db(), state, chain, at));
    const InterestIndex& told = row->told.index;
    return std::optional(InterestIndex{index_at(told, time), told.rate, time});
}

Result<Amount> grown_loan(const Amount& loan, const LoanMark& mark, const Amount& index) {
    if (mark.index > index) {
        return corrupt(
            Cf::kVersion,
            subject::mark(mark.ledger, account_of_owner(mark.owner)),
            "is a mark of " + mark.index.to_string() + ", above the index, " + index.to_string()
        );
    }
    return with_interest(loan, mark.index, index);
}

}  // namespace detail

Result<void> Ledger::follow_rates(const ChainId& chain, std::vector<RateRule> rules) {
    const std::scoped_lock lock(mutex_);
    Database::Impl& db = db_.impl();
    MARGRAVE_TRY(db.check_writable());
    MARGRAVE_TRY(ready());
    const Bytes key = detail::chain_key::rate_rules(detail::tag_of(chain));
    MARGRAVE_TRY(const auto row, db.read<detail::RateRulesRow>(detail::Cf::kChain, key));
    const std::vector<RateRule> before = row ? row->rules : std::vector<RateRule>{};
    const detail::HeadRow* known = state_->chain(chain);
    if (known != nullptr && known->head) {
        const BlockNum head = known->head->number;
        const auto was = detail::heard(before, head);
        const auto is = detail::heard(rules, head);
        const std::string at =
            chain.text() + " was followed to block " + std::to_string(head.value);
        if (const auto added = detail::first_beside(is, was)) {
            return fail(
                Errc::kConflict,
                at + " without the rates of " + detail::words_of(*added) +
                    ", so loans lack interest. Begin above that block, and above that of every "
                    "other operator, or sync again into a fresh data directory"
            );
        }
        if (const auto gone = detail::first_beside(was, is)) {
            return fail(
                Errc::kConflict,
                at + " with the rates of " + detail::words_of(*gone) +
                    ", which loans have borne interest by. Leave the event in the config, with a "
                    "\"to_block\" above that block if it is to end, or sync again into a fresh "
                    "data directory"
            );
        }
    }
    if (rules == before) {
        return ok();
    }
    rocksdb::WriteBatch batch;
    db.put_row(batch, detail::Cf::kChain, key, detail::RateRulesRow{std::move(rules)});
    // A crash may lose it with all that came after it, never alone.
    return db.write(batch, /*sync=*/false);
}

Result<void> Ledger::check_readable(LedgerId ledger, BlockNum as_of) const {
    MARGRAVE_TRY(ready());
    if (ledger.value == 0 || ledger.value > state_->ledgers.size()) {
        return fail(Errc::kNotFound, "there is no ledger " + std::to_string(ledger.value));
    }
    return check_kept(state_->definition(ledger).asset.chain(), as_of);
}

Result<std::optional<InterestIndex>> Ledger::interest(LedgerId ledger, BlockNum as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(check_readable(ledger, as_of));
    detail::Versions versions(db_.impl());
    return detail::interest_at(versions, *state_, ledger, as_of);
}

Result<std::optional<ToldRate>> Ledger::told_rate(LedgerId ledger, BlockNum as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(check_readable(ledger, as_of));
    detail::Versions versions(db_.impl());
    MARGRAVE_TRY(const auto row, detail::told_at(versions, *state_, ledger, as_of));
    return row ? std::optional(row->told) : std::nullopt;
}

Result<Amount> Ledger::unbooked_interest(LedgerId ledger, BlockNum as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(check_readable(ledger, as_of));
    detail::Versions versions(db_.impl());
    MARGRAVE_TRY(const auto index, detail::interest_at(versions, *state_, ledger, as_of));
    Amount sum;
    const auto visit = [&](const Hash32& owner, const detail::TotalsRow&) -> Result<void> {
        const Bytes balance = detail::subject::balance({ledger, AccountCode::kLoan, owner});
        const Bytes place = detail::subject::mark(ledger, detail::account_of_owner(owner));
        MARGRAVE_TRY(const auto loan, versions.read<detail::AmountRow>(balance, as_of));
        if (!loan || loan->amount.is_zero()) {
            return ok();
        }
        MARGRAVE_TRY(const auto row, versions.read<detail::MarkRow>(place, as_of));
        const detail::LoanMark mark{ledger, owner, row ? row->index : index_one()};
        MARGRAVE_TRY(const Amount owed, detail::grown_loan(loan->amount, mark, index->value));
        MARGRAVE_TRY(sum, add(sum, sub_or_zero(owed, loan->amount)));
        return ok();
    };
    if (index) {
        MARGRAVE_TRY(detail::each_loan(db_.impl(), ledger, visit));
    }
    return sum;
}

// A loan that is gone at the head may still be there as of a block below it, but not if nothing
// moved it since.
Result<std::set<AccountId>> Ledger::accruing(const ChainId& chain, BlockNum as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const Database::Impl& db = db_.impl();
    const Bytes key = detail::chain_key::block(detail::tag_of(chain), as_of);
    MARGRAVE_TRY(const auto block, db.read<detail::BlockRow>(detail::Cf::kChain, key));
    const Seq settled = block ? block->last : Seq{};
    std::set<AccountId> out;
    const auto visit = [&](const Hash32& owner, const detail::TotalsRow& totals) -> Result<void> {
        if (totals.debits != totals.credits || totals.last > settled) {
            out.insert(detail::account_of_owner(owner));
        }
        return ok();
    };
    for (const LedgerDefinition& ledger : state_->ledgers) {
        if (ledger.asset.chain() == chain && state_->is_rated(ledger.id)) {
            MARGRAVE_TRY(detail::each_loan(db, ledger.id, visit));
        }
    }
    return out;
}

}  // namespace margrave::store
