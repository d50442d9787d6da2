// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/detail/postings.hpp"

#include <algorithm>

// What events of watched contracts do to the books (docs/ledger.md section 2). Their tokens have
// accounts of their own: what lies outside can neither pay for, nor be taken by, what our vault
// does.
namespace margrave::store::detail {
namespace {

// Links that one account may ever have from one chain, and that one account may be led to by. What
// comes later is kept as an event and does not count.
constexpr std::size_t kLinksEach = 64;
// Meanings of one log: transfers of each have numbers of their own (Books::begin).
constexpr std::uint16_t kPartsMax = 1024;

const AccountRef kUnattributedAccount{AccountCode::kUnattributed, Hash32{}};

// A reading gives the balance, whatever the changes of its block gave; the others are its causes.
Cause cause_of(const MappedEvent& m, const ChainEvent& event, MappedKind kind) {
    return Cause{kind, m.account, event.txn_hash, event.log_index, m.part};
}

}  // namespace

Result<void> Postings::apply_mapped(const MappedEvent& m, const ChainEvent& event) {
    const auto* price = std::get_if<MappedPrice>(&m.what);
    const auto* rate = std::get_if<MappedRate>(&m.what);
    const bool is_nobody = is_pool(m.account);
    if (is_nobody != (price != nullptr || rate != nullptr) || m.part >= kPartsMax) {
        std::string what = " is part " + std::to_string(m.part) + " of its log";
        if (m.part < kPartsMax) {
            what =
                is_nobody ? " names account zero" : " tells a price or rate and names an account";
        }
        return fail(
            Errc::kUnproved,
            "a mapped event in block " + std::to_string(books_.block().block.number.value) +
                " of " + books_.block().chain.text() + what
        );
    }
    if (price != nullptr) {
        apply_price(m, *price, event);
        return ok();
    }
    if (rate != nullptr) {
        return apply_rate(m, *rate, event);
    }
    if (const auto* position = std::get_if<MappedPosition>(&m.what)) {
        positions_.insert(m.account);
        const Bytes subject = subject::position(books_.block().tag, m.account, position->market);
        books_.put(subject, PositionRow{position->size, position->entry_price});
        return ok();
    }
    if (const auto* link = std::get_if<MappedLink>(&m.what)) {
        return apply_link(m.account, *link);
    }
    const auto& what = std::get<MappedAmount>(m.what);
    books_.begin(cause_of(m, event, what.kind));
    return apply_amount(m, what);
}

Result<void> Postings::apply_amount(const MappedEvent& m, const MappedAmount& what) {
    const std::optional<LedgerId> ledger = state_.find(books_.block().tag, what.token);
    if (!ledger) {
        return count_unknown(what.token);
    }
    const Hash32 owner = owner_of(m.account);
    const Bytes subject = subject::source(*ledger, m.account, m.source);
    MARGRAVE_TRY(const auto before, books_.newest<SourceRow>(subject));
    AtSource at{
        what,
        *ledger,
        {AccountCode::kCustody, m.source},
        {AccountCode::kMapped, owner},
        {AccountCode::kOwed, owner},
        before.value_or(SourceRow{})};
    MARGRAVE_TRY(post_mapped(at));
    // The balances are sums over all watches, so none is below the part of one.
    MARGRAVE_TRY(const Amount mapped, books_.net(*ledger, at.mapped));
    MARGRAVE_TRY(const Amount owed, books_.net(*ledger, at.owed));
    MARGRAVE_ASSERT(mapped >= at.row.mapped);
    MARGRAVE_ASSERT(owed >= at.row.owed);
    if (!before || before->mapped != at.row.mapped || before->owed != at.row.owed) {
        books_.put(subject, at.row);
    }
    if (!before) {
        books_.put(subject::holder(books_.block().tag, m.source, m.account), LinkRow{true});
    }
    return ok();
}

Result<void> Postings::post_mapped(AtSource& at) {
    const Amount& amount = at.what.amount;
    switch (at.what.kind) {
        case MappedKind::kDeposit: {
            MARGRAVE_TRY(const Amount after, add(at.row.mapped, amount));
            return set_mapped(at, after);
        }
        case MappedKind::kWithdraw:
            return mapped_withdraw(at);
        case MappedKind::kBorrow: {
            const AccountRef withdraw{AccountCode::kWithdraw, at.owed.owner};
            MARGRAVE_TRY(ensure_custody(at, amount));
            MARGRAVE_TRY(books_.post(at.ledger, at.owed, withdraw, amount));
            MARGRAVE_TRY(books_.post(at.ledger, withdraw, at.custody, amount));
            MARGRAVE_TRY(at.row.owed, add(at.row.owed, amount));
            return ok();
        }
        case MappedKind::kRepay:
            return mapped_repay(at);
        case MappedKind::kBalance:
            return set_mapped(at, amount);
        case MappedKind::kDebt:
            return set_owed(at, amount);
    }
    return ok();
}

// More went out than the ledger has: interest if a reading tells the balance, else the contract
// paid what belongs to others and the account owes it there.
Result<void> Postings::mapped_withdraw(AtSource& at) {
    const Amount& amount = at.what.amount;
    const Amount missing = sub_or_zero(amount, at.row.mapped);
    if (at.what.is_read) {
        MARGRAVE_TRY(const Amount grown, add(at.row.mapped, missing));
        MARGRAVE_TRY(set_mapped(at, grown));
    } else {
        MARGRAVE_TRY(const Amount owed, add(at.row.owed, missing));
        MARGRAVE_TRY(set_owed(at, owed));
    }
    return set_mapped(at, sub_or_zero(at.row.mapped, amount));
}

// More came in than was owed: interest if a reading tells the debt, else the rest stays the
// account's own.
Result<void> Postings::mapped_repay(AtSource& at) {
    const Amount& amount = at.what.amount;
    if (at.what.is_read && at.row.owed < amount) {
        MARGRAVE_TRY(set_owed(at, amount));
    }
    const Amount paid = min(amount, at.row.owed);
    MARGRAVE_TRY(books_.post(at.ledger, at.custody, at.mapped, amount));
    MARGRAVE_TRY(books_.post(at.ledger, at.mapped, at.owed, paid));
    at.row.owed = sub_or_zero(at.row.owed, paid);
    MARGRAVE_TRY(at.row.mapped, add(at.row.mapped, sub_or_zero(amount, paid)));
    return ok();
}

Result<void> Postings::set_mapped(AtSource& at, const Amount& target) {
    const Amount up = sub_or_zero(target, at.row.mapped);
    const Amount down = sub_or_zero(at.row.mapped, target);
    MARGRAVE_TRY(books_.post(at.ledger, at.custody, at.mapped, up));
    MARGRAVE_TRY(ensure_custody(at, down));
    MARGRAVE_TRY(books_.post(at.ledger, at.mapped, at.custody, down));
    at.row.mapped = target;
    return ok();
}

Result<void> Postings::set_owed(AtSource& at, const Amount& target) {
    const Amount up = sub_or_zero(target, at.row.owed);
    const Amount down = sub_or_zero(at.row.owed, target);
    MARGRAVE_TRY(books_.post(at.ledger, at.custody, at.owed, down));
    MARGRAVE_TRY(ensure_custody(at, up));
    MARGRAVE_TRY(books_.post(at.ledger, at.owed, at.custody, up));
    at.row.owed = target;
    return ok();
}

Result<void> Postings::ensure_custody(const AtSource& at, const Amount& amount) {
    MARGRAVE_TRY(const Amount have, books_.net(at.ledger, at.custody));
    return books_.post(at.ledger, at.custody, kUnattributedAccount, sub_or_zero(amount, have));
}

// The last in the order of the chain counts, whatever time it gives itself.
void Postings::apply_price(
    const MappedEvent& m, const MappedPrice& price, const ChainEvent& event
) {
    const BlockContext& at = books_.block();
    ToldPriceRow row;
    row.told.price = price;
    row.told.block = at.block.number;
    row.told.block_hash = at.block.hash;
    row.told.txn_hash = event.txn_hash;
    row.told.log_index = event.log_index;
    books_.put(subject::price(at.tag, m.source, event.emitter), row);
}

// Up to here the index grew by the rate before. The first rate of a token starts it at one, so what
// was owed before has borne no interest. The token may have no ledger yet: what its loans cost must
// not depend on when an operator defines one.
Result<void> Postings::apply_rate(
    const MappedEvent& m, const MappedRate& rate, const ChainEvent& event
) {
    const BlockContext& at = books_.block();
    const Bytes subject = subject::interest(at.tag, rate.token);
    MARGRAVE_TRY(const auto row, books_.newest<InterestRow>(subject));
    const UnixSeconds since = row ? row->told.index.since : at.block.time;
    // A block that were older than the telling before would let its seconds count twice.
    const UnixSeconds now = std::max(at.block.time, since);
    ToldRate told;
    told.index.value = row ? index_at(row->told.index, now) : index_one();
    told.index.rate = min(rate.rate, max_rate());
    told.index.since = now;
    told.source = m.source;
    told.emitter = event.emitter;
    told.block = at.block.number;
    told.txn_hash = event.txn_hash;
    told.log_index = event.log_index;
    books_.put(subject, InterestRow{told});
    rated_.insert(rate.token);
    return ok();
}

// One chain leads an account to one other at most: a new link ends the one before. Loops and chains
// that are too long are seen when holdings are read, since their parts may lie on several chains.
Result<void> Postings::apply_link(const AccountId& from, const MappedLink& link) {
    if (is_pool(link.into) || link.into == from) {
        return ok();
    }
    const ChainTag tag = books_.block().tag;
    const Bytes target = subject::link(tag, from, link.into);
    MARGRAVE_TRY(const auto links, books_.newest_under(subject::links(tag, from)));
    if (!links.contains(target)) {
        MARGRAVE_TRY(const auto arrivals, books_.newest_under(subject::arrivals(tag, link.into)));
        if (!link.active || links.size() >= kLinksEach || arrivals.size() >= kLinksEach) {
            return ok();
        }
        books_.put(subject::arrival(tag, link.into, from), LinkRow{true});
    }
    if (link.active) {
        for (const auto& [subject, value] : links) {
            MARGRAVE_TRY(
                const auto row, Database::Impl::decode<LinkRow>(Cf::kVersion, subject, value)
            );
            if (row.active) {
                books_.put(subject, LinkRow{false});
            }
        }
    }
    books_.put(target, LinkRow{link.active});
    positions_.insert(from);
    positions_.insert(link.into);
    return ok();
}

}  // namespace margrave::store::detail
