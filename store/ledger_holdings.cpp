// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/detail/interest.hpp"
#include "store/detail/ledger_state.hpp"
#include "store/detail/links.hpp"
#include "store/detail/prune.hpp"
#include "store/ledger.hpp"

#include <algorithm>

namespace margrave::store {

using detail::AmountRow;
using detail::Cf;
using detail::ChainTag;

namespace {

// What a subject under subject::kAccount is about.
struct AccountSubject {
    AccountId account;
    std::uint8_t kind{0};
    // kBalance, kBook, kMark and kSource
    LedgerId ledger;
    AccountCode code{AccountCode::kCollateral};
    // kLeg, kPosition, kLink and kArrival
    ChainTag chain;
    Hash32 name;
};

Result<AccountSubject> parse_subject(ByteView subject) {
    ByteReader in(subject);
    AccountSubject out;
    MARGRAVE_TRY(in.u8());
    MARGRAVE_TRY(const Hash32 owner, in.hash32());
    out.account = detail::account_of_owner(owner);
    MARGRAVE_TRY(out.kind, in.u8());
    switch (out.kind) {
        case detail::subject::kBalance: {
            MARGRAVE_TRY(out.ledger.value, in.u32());
            MARGRAVE_TRY(const std::uint16_t code, in.u16());
            out.code = static_cast<AccountCode>(code);
            break;
        }
        case detail::subject::kBook:
        case detail::subject::kMark: {
            MARGRAVE_TRY(out.ledger.value, in.u32());
            break;
        }
        case detail::subject::kSource: {
            MARGRAVE_TRY(out.ledger.value, in.u32());
            MARGRAVE_TRY(out.name, in.hash32());
            break;
        }
        case detail::subject::kLeg:
        case detail::subject::kPosition:
        case detail::subject::kLink:
        case detail::subject::kArrival: {
            MARGRAVE_TRY(out.chain.value, in.u64());
            MARGRAVE_TRY(out.name, in.hash32());
            break;
        }
        default:
            return fail(Errc::kCorrupt, "kind of row " + std::to_string(out.kind) + " is unknown");
    }
    MARGRAVE_TRY(in.finish());
    return out;
}

// No `as_of`: the head.
detail::ChainLimits limits_of(const Ledger::State& state, const AsOf* as_of) {
    detail::ChainLimits out;
    for (const auto& [chain, head] : state.chains) {
        if (as_of == nullptr) {
            out.emplace_back(detail::tag_of(chain), detail::kHeadOfChain);
        } else if (const auto it = as_of->find(chain); it != as_of->end()) {
            out.emplace_back(detail::tag_of(chain), it->second);
        }
    }
    return out;
}

// Collects the rows of one account after the other, in the order in which the keys lie. Each has
// its own, as if there were no links.
class HoldingsReader {
  public:
    // Interest counts up to `grown_to`.
    HoldingsReader(
        const Ledger::State& state,
        const detail::ChainLimits& limits,
        const detail::ChainLimits& grown_to
    );

    Result<void> read(detail::Versions& versions, ByteView prefix);

    Result<std::vector<AccountHoldings>> take() {
        MARGRAVE_TRY(close());
        return std::move(done_);
    }

    // Who is linked to whom.
    [[nodiscard]] const std::map<AccountId, AccountId>& links() const { return links_; }

  private:
    struct Row {
        LedgerId ledger;
        Holding holding;
        Amount loan;
        // Where the index stood when the loan last changed.
        Amount mark{index_one()};
    };

    Result<void> load_indexes(detail::Versions& versions);
    Result<std::optional<BlockNum>> limit(ByteView subject);
    Result<void> visit(ByteView subject, ByteView value);
    Result<void> visit_balance(const Bytes& subject, ByteView value);
    Result<void> visit_leg(const Bytes& subject, ByteView value);
    Row& row_of(LedgerId ledger);

    Holding& holding(LedgerId ledger) { return row_of(ledger).holding; }

    Result<void> add_interest(Row& row) const;
    Result<void> close();

    const Ledger::State& state_;
    // Indexed by ledger id - 1.
    std::vector<std::optional<BlockNum>> by_ledger_;
    const detail::ChainLimits& by_chain_;
    // Rank of each ledger by the text of its asset.
    std::vector<std::uint32_t> rank_;
    AccountSubject at_;
    AccountHoldings current_;
    std::vector<Row> rows_;

    // Of a ledger whose loans bear interest.
    struct Indexes {
        Amount now;
        // Up to where interest counts; not above the other.
        Amount counted;
    };

    const detail::ChainLimits& grown_to_;
    std::map<LedgerId, Indexes> indexes_;
    std::vector<AccountHoldings> done_;
    std::map<AccountId, AccountId> links_;
};

HoldingsReader::HoldingsReader(
    const Ledger::State& state,
    const detail::ChainLimits& limits,
    const detail::ChainLimits& grown_to
)
    : state_(state),
      by_chain_(limits),
      grown_to_(grown_to) {
    for (const LedgerDefinition& ledger : state.ledgers) {
        by_ledger_.push_back(detail::limit_of(limits, detail::tag_of(ledger.asset.chain())));
        rank_.push_back(static_cast<std::uint32_t>(std::ranges::count_if(
            state.ledgers, [&](const LedgerDefinition& other) { return other.asset < ledger.asset; }
        )));
    }
}

Result<void> HoldingsReader::load_indexes(detail::Versions& versions) {
    for (const LedgerDefinition& ledger : state_.ledgers) {
        const auto& at = by_ledger_[ledger.id.value - 1];
        if (!at || !state_.is_rated(ledger.id)) {
            continue;
        }
        MARGRAVE_TRY(const auto now, detail::interest_at(versions, state_, ledger.id, *at));
        if (!now) {
            continue;
        }
        Indexes both{now->value, now->value};
        const auto to = detail::limit_of(grown_to_, detail::tag_of(ledger.asset.chain()));
        if (to != at) {
            both.counted = index_one();
            if (to) {
                MARGRAVE_TRY(
                    const auto then, detail::interest_at(versions, state_, ledger.id, *to)
                );
                both.counted = then ? then->value : index_one();
            }
        }
        indexes_.emplace(ledger.id, both);
    }
    return ok();
}

Result<void> HoldingsReader::read(detail::Versions& versions, ByteView prefix) {
    MARGRAVE_TRY(load_indexes(versions));
    return versions.each(
        prefix,
        [this](ByteView subject) { return limit(subject); },
        [this](ByteView subject, ByteView value) { return visit(subject, value); }
    );
}

// Called for each subject before its visit; leaves what it is about in at_.
Result<std::optional<BlockNum>> HoldingsReader::limit(ByteView subject) {
    const Result<AccountSubject> parsed = parse_subject(subject);
    if (!parsed) {
        return detail::corrupt(Cf::kVersion, subject, parsed.error().detail);
    }
    at_ = parsed.value();
    if (at_.kind == detail::subject::kBalance || at_.kind == detail::subject::kBook ||
        at_.kind == detail::subject::kMark) {
        if (at_.ledger.value == 0 || at_.ledger.value > by_ledger_.size()) {
            return detail::corrupt(Cf::kVersion, subject, "is of a ledger that is not defined");
        }
        return by_ledger_[at_.ledger.value - 1];
    }
    // What the balances are sums of, and where links come from, is no part of holdings.
    if (at_.kind == detail::subject::kSource || at_.kind == detail::subject::kArrival) {
        return std::optional<BlockNum>{};
    }
    return detail::limit_of(by_chain_, at_.chain);
}

HoldingsReader::Row& HoldingsReader::row_of(LedgerId ledger) {
    for (Row& row : rows_) {
        if (row.ledger == ledger) {
            return row;
        }
    }
    Row& row = rows_.emplace_back();
    row.ledger = ledger;
    return row;
}

Result<void> HoldingsReader::visit(ByteView subject_view, ByteView value) {
    if (at_.account != current_.account) {
        MARGRAVE_TRY(close());
        current_.account = at_.account;
    }
    const Bytes subject(subject_view.begin(), subject_view.end());
    switch (at_.kind) {
        case detail::subject::kBalance:
            return visit_balance(subject, value);
        case detail::subject::kBook: {
            MARGRAVE_TRY(
                const auto row, Database::Impl::decode<AmountRow>(Cf::kVersion, subject, value)
            );
            holding(at_.ledger).book = row.amount;
            return ok();
        }
        case detail::subject::kMark: {
            MARGRAVE_TRY(
                const auto row,
                Database::Impl::decode<detail::MarkRow>(Cf::kVersion, subject, value)
            );
            row_of(at_.ledger).mark = row.index;
            return ok();
        }
        case detail::subject::kLeg:
            return visit_leg(subject, value);
        case detail::subject::kLink: {
            MARGRAVE_TRY(
                const auto row,
                Database::Impl::decode<detail::LinkRow>(Cf::kVersion, subject, value)
            );
            if (row.active) {
                // Keys ascend by chain: the first decides.
                links_.emplace(at_.account, detail::account_of_owner(at_.name));
            }
            return ok();
        }
        default:
            break;
    }
    MARGRAVE_TRY(
        const auto row, Database::Impl::decode<detail::PositionRow>(Cf::kVersion, subject, value)
    );
    if (!row.size.is_zero()) {
        current_.positions.push_back({at_.name, row.size, row.entry_price});
    }
    return ok();
}

Result<void> HoldingsReader::visit_balance(const Bytes& subject, ByteView value) {
    MARGRAVE_TRY(const auto row, Database::Impl::decode<AmountRow>(Cf::kVersion, subject, value));
    Row& at = row_of(at_.ledger);
    Holding& h = at.holding;
    const bool is_owned = at_.code == AccountCode::kCollateral || at_.code == AccountCode::kMapped;
    Amount& side = is_owned ? h.collateral : h.debt;
    MARGRAVE_TRY(side, add(side, row.amount));
    if (at_.code == AccountCode::kMapped) {
        h.mapped = row.amount;
    } else if (at_.code == AccountCode::kOwed) {
        h.mapped_debt = row.amount;
    } else if (at_.code == AccountCode::kLoan) {
        at.loan = row.amount;
    }
    return ok();
}

Result<void> HoldingsReader::visit_leg(const Bytes& subject, ByteView value) {
    MARGRAVE_TRY(
        const auto row, Database::Impl::decode<detail::LegRow>(Cf::kVersion, subject, value)
    );
    const std::optional<LedgerId> ledger = state_.find(at_.chain, row.token);
    if (row.state != LegState::kSeized || !ledger) {
        return ok();
    }
    Holding& h = holding(*ledger);
    MARGRAVE_TRY(h.in_sale, add(h.in_sale, row.amount));
    MARGRAVE_TRY(h.collateral, add(h.collateral, row.amount));
    return ok();
}

Result<void> HoldingsReader::add_interest(Row& row) const {
    if (row.loan.is_zero()) {
        return ok();
    }
    const auto found = indexes_.find(row.ledger);
    const Indexes indexes =
        found == indexes_.end() ? Indexes{index_one(), index_one()} : found->second;
    const detail::LoanMark mark{row.ledger, detail::owner_of(current_.account), row.mark};
    // With what it gathered up to now, so that a mark that cannot be is found.
    MARGRAVE_TRY(Amount grown, detail::grown_loan(row.loan, mark, indexes.now));
    if (indexes.counted < indexes.now) {
        MARGRAVE_TRY(grown, with_interest(row.loan, row.mark, std::max(row.mark, indexes.counted)));
    }
    MARGRAVE_TRY(row.holding.debt, add(row.holding.debt, sub_or_zero(grown, row.loan)));
    return ok();
}

Result<void> HoldingsReader::close() {
    std::erase_if(rows_, [](const Row& row) {
        const Holding& h = row.holding;
        return h.collateral.is_zero() && h.debt.is_zero() && h.book.is_zero();
    });
    std::ranges::sort(rows_, {}, [this](const Row& row) { return rank_[row.ledger.value - 1]; });
    for (Row& row : rows_) {
        MARGRAVE_TRY(add_interest(row));
        row.holding.asset = state_.definition(row.ledger).asset;
        current_.holdings.push_back(std::move(row.holding));
    }
    std::ranges::sort(current_.positions, {}, &VenuePosition::market);
    // What is booked under the pool's name belongs to no account.
    const bool any = !current_.holdings.empty() || !current_.positions.empty();
    if (any && !is_pool(current_.account)) {
        done_.push_back(std::move(current_));
    }
    current_ = AccountHoldings{};
    rows_.clear();
    return ok();
}

Result<AccountHoldings> read_unlinked(
    detail::Versions& versions,
    const Ledger::State& state,
    const AccountId& account,
    const detail::ChainLimits& limits,
    const detail::ChainLimits& grown_to
) {
    HoldingsReader reader(state, limits, grown_to);
    MARGRAVE_TRY(reader.read(versions, detail::subject::account(account)));
    MARGRAVE_TRY(std::vector<AccountHoldings> found, reader.take());
    MARGRAVE_ASSERT(found.size() <= 1);
    if (found.empty()) {
        return AccountHoldings{account, {}, {}};
    }
    return std::move(found.front());
}

Result<AccountHoldings> read_one(
    const Database::Impl& db,
    const Ledger::State& state,
    const AccountId& account,
    const AsOf* as_of,
    const AsOf* grown_to
) {
    detail::Versions versions(db);
    const detail::ChainLimits limits = limits_of(state, as_of);
    const detail::ChainLimits grown = limits_of(state, grown_to);
    MARGRAVE_TRY(AccountHoldings out, read_unlinked(versions, state, account, limits, grown));
    detail::Links links(versions, limits);
    MARGRAVE_TRY(const AccountId end, links.end(account));
    if (end != account) {
        detail::take_mapped(out);
        return out;
    }
    MARGRAVE_TRY(const auto others, links.led_to(account));
    for (const AccountId& other : others) {
        MARGRAVE_TRY(AccountHoldings theirs, read_unlinked(versions, state, other, limits, grown));
        MARGRAVE_TRY(detail::merge(out, detail::take_mapped(theirs)));
    }
    return out;
}

// Moves what is outside our vault to where links lead.
Result<std::vector<AccountHoldings>> follow_links(
    std::vector<AccountHoldings> all, const std::map<AccountId, AccountId>& links
) {
    const auto next = [&links](const AccountId& at) -> Result<std::optional<AccountId>> {
        const auto it = links.find(at);
        return it == links.end() ? std::optional<AccountId>{} : std::optional(it->second);
    };
    std::map<AccountId, AccountHoldings> moved;
    for (AccountHoldings& row : all) {
        MARGRAVE_TRY(const AccountId end, detail::end_of_links(row.account, next));
        if (end != row.account) {
            MARGRAVE_TRY(detail::merge(moved[end], detail::take_mapped(row)));
        }
    }
    for (auto& [account, part] : moved) {
        auto at = std::ranges::lower_bound(all, account, {}, &AccountHoldings::account);
        if (at == all.end() || at->account != account) {
            at = all.insert(at, AccountHoldings{account, {}, {}});
        }
        MARGRAVE_TRY(detail::merge(*at, std::move(part)));
    }
    std::erase_if(all, [](const AccountHoldings& row) {
        return row.holdings.empty() && row.positions.empty();
    });
    return all;
}

}  // namespace

Result<AccountHoldings> Ledger::holdings(const AccountId& account, const AsOf& as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    MARGRAVE_TRY(check_kept(as_of));
    return read_one(db_.impl(), *state_, account, &as_of, &as_of);
}

Result<AccountHoldings> Ledger::holdings_at_head(const AccountId& account) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    return read_one(db_.impl(), *state_, account, nullptr, nullptr);
}

Result<AccountHoldings> Ledger::holdings_at_head(const AccountId& account, const AsOf& grown_to)
    const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    MARGRAVE_TRY(check_kept(grown_to));
    return read_one(db_.impl(), *state_, account, nullptr, &grown_to);
}

Result<AccountHoldings> Ledger::holdings_at_final(const AccountId& account, const AsOf& grown_to)
    const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    MARGRAVE_TRY(check_kept(grown_to));
    AsOf finals;
    for (const auto& [chain, state] : state_->chains) {
        if (state.final) {
            finals.emplace(chain, state.final->number);
        }
    }
    return read_one(db_.impl(), *state_, account, &finals, &grown_to);
}

Result<std::vector<AccountHoldings>> Ledger::all_holdings(const AsOf& as_of) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    MARGRAVE_TRY(check_kept(as_of));
    detail::Versions versions(db_.impl());
    const detail::ChainLimits limits = limits_of(*state_, &as_of);
    HoldingsReader reader(*state_, limits, limits);
    MARGRAVE_TRY(reader.read(versions, Bytes{detail::subject::kAccount}));
    MARGRAVE_TRY(std::vector<AccountHoldings> all, reader.take());
    if (reader.links().empty()) {
        return all;
    }
    return follow_links(std::move(all), reader.links());
}

}  // namespace margrave::store
