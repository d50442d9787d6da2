// SPDX-License-Identifier: Apache-2.0
#include "store/detail/postings.hpp"

#include "core/assert.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/interest.hpp"

#include <algorithm>

namespace margrave::store::detail {
namespace {

// Locks are counted up one by one and a lock has a few legs, so a seizure id gives its numbers away
// to a short search. The bounds only limit the work on an id that we never made.
constexpr std::uint64_t kLocksToTry = 256;
constexpr std::uint64_t kLegsToTry = 32;

const AccountRef kVaultAccount{AccountCode::kVault, Hash32{}};
const AccountRef kSaleAccount{AccountCode::kSale, Hash32{}};
const AccountRef kPoolAccount{AccountCode::kPool, Hash32{}};
const AccountRef kInterestAccount{AccountCode::kInterest, Hash32{}};
const AccountRef kUnattributedAccount{AccountCode::kUnattributed, Hash32{}};
const AccountRef kPoolReceivable{AccountCode::kReceivable, Hash32{}};

AccountRef collateral(const Hash32& owner) {
    return {AccountCode::kCollateral, owner};
}

AccountRef receivable(const Hash32& owner) {
    return {AccountCode::kReceivable, owner};
}

std::string place(const BlockContext& block, const Movement& m) {
    return "event " + std::to_string(m.sequence) + " in block " +
           std::to_string(block.block.number.value) + " of " + block.chain.text();
}

ReleaseKind request_kind(const Movement& m) {
    if (m.kind == MovementKind::kBorrowRequest) {
        return ReleaseKind::kBorrow;
    }
    return is_pool(m.account) ? ReleaseKind::kPool : ReleaseKind::kWithdrawal;
}

}  // namespace

Postings::Postings(const Database::Impl& db, const Ledger::State& state, Books& books)
    : db_(db),
      state_(state),
      books_(books) {}

void Postings::begin_block() {
    for (const auto& [account, lock] : block_locks_) {
        std::uint64_t& newest = locks_.try_emplace(account, 1).first->second;
        newest = std::max(newest, lock);
    }
    block_locks_.clear();
}

Result<void> Postings::apply(const ChainEvent& event) {
    if (const auto* position = std::get_if<Position>(&event.body)) {
        return apply_position(*position);
    }
    if (const auto* mapped = std::get_if<MappedEvent>(&event.body)) {
        return apply_mapped(*mapped, event);
    }
    return apply_movement(std::get<Movement>(event.body), event);
}

Result<void> Postings::apply_position(const Position& p) {
    positions_.insert(p.account);
    const Bytes subject = subject::position(books_.block().tag, p.account, p.market);
    books_.put(subject, PositionRow{p.size, p.entry_price});
    return ok();
}

Result<void> Postings::apply_movement(const Movement& m, const ChainEvent& event) {
    books_.begin(Cause{m.kind, m.account, event.txn_hash, event.log_index, 0});
    const std::optional<LedgerId> ledger = state_.find(books_.block().tag, m.token);
    if (!ledger) {
        MARGRAVE_TRY(count_unknown(m.token));
    }
    const auto if_known = [&](Result<void> (Postings::*rule)(const Known&)) -> Result<void> {
        return ledger ? (this->*rule)(Known{m, *ledger, owner_of(m.account)}) : Result<void>(ok());
    };
    switch (m.kind) {
        case MovementKind::kDeposit:
            return if_known(&Postings::deposit);
        case MovementKind::kWithdrawalRequest:
        case MovementKind::kBorrowRequest:
            return request(m, event);
        case MovementKind::kRelease:
            return release(m, ledger);
        case MovementKind::kSeizure:
            return seizure(m, ledger);
        case MovementKind::kProceeds:
            return proceeds(m, ledger);
        case MovementKind::kRepayment:
            return if_known(&Postings::repayment);
        case MovementKind::kPoolFunding:
            return if_known(&Postings::pool_funding);
        case MovementKind::kExit:
            return if_known(&Postings::exit);
    }
    return ok();
}

Result<void> Postings::count_unknown(const Address& token) {
    unknown_.insert(token);
    const Bytes subject = subject::unknown(books_.block().tag, token);
    MARGRAVE_TRY(const auto before, books_.newest<NumberRow>(subject));
    books_.put(subject, NumberRow{(before ? before->number : 0) + 1});
    return ok();
}

Result<void> Postings::deposit(const Known& e) {
    MARGRAVE_TRY(books_.post(e.ledger, kVaultAccount, collateral(e.owner), e.m.amount));
    MARGRAVE_TRY(settle(e.ledger, AccountCode::kReceivable, e.owner, e.m.amount));
    return raise_book(e, e.m.amount);
}

Result<void> Postings::request(const Movement& m, const ChainEvent& event) {
    const BlockContext& block = books_.block();
    RequestRow row;
    row.vault = event.emitter;
    row.kind = request_kind(m);
    row.account = m.account;
    row.token = m.token;
    row.amount = m.amount;
    row.recipient = low_address(m.counterparty);
    row.block = block.block.number;
    row.time = block.block.time;
    row.release_id = release_id(block.chain.key(), event.emitter, m.sequence);
    books_.put(subject::request(block.tag, m.sequence), row);
    books_.put(subject::release(block.tag, row.release_id), NumberRow{m.sequence});
    requests_.push_back(m.sequence);
    return ok();
}

Result<void> Postings::release(const Movement& m, std::optional<LedgerId> ledger) {
    const BlockContext& block = books_.block();
    const Bytes index = subject::release(block.tag, m.counterparty);
    MARGRAVE_TRY(const auto number, books_.newest<NumberRow>(index));
    if (!number) {
        return fail(
            Errc::kUnproved,
            place(block, m) + " releases id " + to_hex(m.counterparty) + ", which no request has"
        );
    }
    const Bytes subject = subject::request(block.tag, number->number);
    MARGRAVE_TRY(auto row, books_.newest<RequestRow>(subject));
    if (!row) {
        return corrupt(Cf::kVersion, subject, "an index names it, but it is gone");
    }
    if (row->executed || row->account != m.account || row->token != m.token) {
        return fail(
            Errc::kUnproved,
            place(block, m) + " releases request " + std::to_string(number->number) +
                (row->executed ? " a second time" : " for another account or token")
        );
    }
    row->executed = true;
    books_.put(subject, *row);
    if (!ledger) {
        return ok();
    }
    return post_release(Known{m, *ledger, owner_of(m.account)}, row->kind);
}

Result<void> Postings::post_release(const Known& e, ReleaseKind kind) {
    const AccountRef withdraw{AccountCode::kWithdraw, e.owner};
    MARGRAVE_TRY(ensure_vault(e.ledger, e.m.amount));
    switch (kind) {
        case ReleaseKind::kWithdrawal: {
            MARGRAVE_TRY(take(e.ledger, e.owner, withdraw, e.m.amount));
            MARGRAVE_TRY(books_.post(e.ledger, withdraw, kVaultAccount, e.m.amount));
            MARGRAVE_TRY(lower_book(e));
            break;
        }
        case ReleaseKind::kBorrow: {
            const AccountRef loan{AccountCode::kLoan, e.owner};
            MARGRAVE_TRY(accrue(e.ledger, e.owner));
            MARGRAVE_TRY(books_.post(e.ledger, loan, withdraw, e.m.amount));
            MARGRAVE_TRY(books_.post(e.ledger, withdraw, kVaultAccount, e.m.amount));
            break;
        }
        case ReleaseKind::kPool: {
            MARGRAVE_TRY(const Amount pool, books_.net(e.ledger, kPoolAccount));
            MARGRAVE_TRY(const Amount interest, books_.net(e.ledger, kInterestAccount));
            const Amount from_pool = min(pool, e.m.amount);
            const Amount beyond = sub_or_zero(e.m.amount, from_pool);
            const Amount from_interest = min(interest, beyond);
            const Amount rest = sub_or_zero(beyond, from_interest);
            MARGRAVE_TRY(books_.post(e.ledger, kPoolAccount, kVaultAccount, from_pool));
            MARGRAVE_TRY(books_.post(e.ledger, kInterestAccount, kVaultAccount, from_interest));
            MARGRAVE_TRY(books_.post(e.ledger, kPoolReceivable, kVaultAccount, rest));
            break;
        }
    }
    MARGRAVE_TRY(const Amount left, books_.net(e.ledger, withdraw));
    MARGRAVE_ASSERT(left.is_zero());
    return ok();
}

Result<void> Postings::seizure(const Movement& m, std::optional<LedgerId> ledger) {
    const BlockContext& block = books_.block();
    const Bytes subject = subject::leg(block.tag, m.account, m.counterparty);
    MARGRAVE_TRY(const auto known, books_.newest<LegRow>(subject));
    if (known) {
        return fail(
            Errc::kUnproved,
            place(block, m) + " executes seizure " + to_hex(m.counterparty) + " a second time"
        );
    }
    LegRow row;
    row.token = m.token;
    row.amount = m.amount;
    row.block = block.block.number;
    MARGRAVE_TRY(const auto place_of, find_lock(m));
    row.lock = place_of.first;
    row.number = place_of.second;
    if (ledger) {
        const Known e{m, *ledger, owner_of(m.account)};
        MARGRAVE_TRY(ensure_vault(e.ledger, m.amount));
        MARGRAVE_TRY(take(e.ledger, e.owner, {AccountCode::kAuction, m.counterparty}, m.amount));
        MARGRAVE_TRY(books_.post(e.ledger, kSaleAccount, kVaultAccount, m.amount));
        MARGRAVE_TRY(row.book_taken, lower_book(e));
    }
    books_.put(subject, row);
    seized_.push_back({m.counterparty, m.account});
    block_locks_.emplace_back(m.account, row.lock);
    return ok();
}

Result<void> Postings::proceeds(const Movement& m, std::optional<LedgerId> ledger) {
    const BlockContext& block = books_.block();
    const Bytes subject = subject::leg(block.tag, m.account, m.counterparty);
    MARGRAVE_TRY(auto leg, books_.newest<LegRow>(subject));
    if (!leg || leg->state != LegState::kSeized) {
        return fail(
            Errc::kUnproved,
            place(block, m) + " settles seizure " + to_hex(m.counterparty) +
                (leg ? " a second time" : ", which did not happen")
        );
    }
    if (m.token == leg->token) {
        if (ledger) {
            MARGRAVE_TRY(returned(*leg, Known{m, *ledger, owner_of(m.account)}));
        }
        leg->state = LegState::kReturned;
    } else {
        MARGRAVE_TRY(sold(*leg, m, ledger));
        leg->state = LegState::kSold;
    }
    // I6: whatever came of it, nothing of the lot is left.
    if (const auto lot_ledger = state_.find(block.tag, leg->token)) {
        MARGRAVE_TRY(
            const Amount rest, books_.net(*lot_ledger, {AccountCode::kAuction, m.counterparty})
        );
        MARGRAVE_ASSERT(rest.is_zero());
    }
    leg->proceeds_token = m.token;
    leg->proceeds = m.amount;
    leg->block = block.block.number;
    books_.put(subject, *leg);
    return ok();
}

Result<void> Postings::sold(const LegRow& leg, const Movement& m, std::optional<LedgerId> ledger) {
    const std::optional<LedgerId> lot_ledger = state_.find(books_.block().tag, leg.token);
    if (lot_ledger) {
        const AccountRef lot{AccountCode::kAuction, m.counterparty};
        MARGRAVE_TRY(books_.post(*lot_ledger, lot, kSaleAccount, leg.amount));
    }
    if (!ledger) {
        return ok();
    }
    const Hash32 owner = owner_of(m.account);
    MARGRAVE_TRY(books_.post(*ledger, kVaultAccount, collateral(owner), m.amount));
    MARGRAVE_TRY(const Amount left, settle(*ledger, AccountCode::kReceivable, owner, m.amount));
    MARGRAVE_TRY(settle(*ledger, AccountCode::kLoan, owner, left));
    return ok();
}

// Comes back less than was seized (a token that takes a fee), the rest of the lot is gone with the
// sale; comes back more, the surplus is the account's.
Result<void> Postings::returned(const LegRow& leg, const Known& e) {
    const AccountRef lot{AccountCode::kAuction, e.m.counterparty};
    const Amount back = min(leg.amount, e.m.amount);
    MARGRAVE_TRY(books_.post(e.ledger, kVaultAccount, kSaleAccount, back));
    MARGRAVE_TRY(books_.post(e.ledger, lot, collateral(e.owner), back));
    MARGRAVE_TRY(books_.post(e.ledger, lot, kSaleAccount, sub_or_zero(leg.amount, back)));
    MARGRAVE_TRY(
        books_.post(e.ledger, kVaultAccount, collateral(e.owner), sub_or_zero(e.m.amount, back))
    );
    MARGRAVE_TRY(settle(e.ledger, AccountCode::kReceivable, e.owner, e.m.amount));
    return raise_book(e, leg.book_taken);
}

Result<void> Postings::repayment(const Known& e) {
    MARGRAVE_TRY(books_.post(e.ledger, kVaultAccount, collateral(e.owner), e.m.amount));
    MARGRAVE_TRY(const Amount left, settle(e.ledger, AccountCode::kLoan, e.owner, e.m.amount));
    MARGRAVE_TRY(settle(e.ledger, AccountCode::kReceivable, e.owner, left));
    return ok();
}

Result<void> Postings::pool_funding(const Known& e) {
    MARGRAVE_TRY(books_.post(e.ledger, kVaultAccount, kPoolAccount, e.m.amount));
    MARGRAVE_TRY(const Amount owed, books_.net(e.ledger, kPoolReceivable));
    MARGRAVE_TRY(const Amount pool, books_.net(e.ledger, kPoolAccount));
    return books_.post(e.ledger, kPoolAccount, kPoolReceivable, min(owed, pool));
}

Result<void> Postings::exit(const Known& e) {
    MARGRAVE_TRY(ensure_vault(e.ledger, e.m.amount));
    MARGRAVE_TRY(take(e.ledger, e.owner, kVaultAccount, e.m.amount));
    MARGRAVE_TRY(lower_book(e));
    return ok();
}

Result<Amount> Postings::settle(
    LedgerId ledger, AccountCode code, const Hash32& owner, const Amount& paid
) {
    if (books_.sum(ledger, code).is_zero()) {
        return paid;
    }
    if (code == AccountCode::kLoan) {
        MARGRAVE_TRY(accrue(ledger, owner));
    }
    MARGRAVE_TRY(const Amount owed, books_.net(ledger, {code, owner}));
    // What the account held before stays its own: only what this event brought pays.
    const Amount part = min(owed, paid);
    MARGRAVE_TRY(books_.post(ledger, collateral(owner), {code, owner}, part));
    return sub_or_zero(paid, part);
}

Result<void> Postings::accrue(LedgerId ledger, const Hash32& owner) {
    const Address token = state_.definition(ledger).asset.token();
    if (!state_.is_rated(ledger) && !rated_.contains(token)) {
        return ok();
    }
    const Bytes rate = subject::interest(books_.block().tag, token);
    MARGRAVE_TRY(const auto row, books_.newest<InterestRow>(rate));
    if (!row) {
        return ok();
    }
    const AccountRef loan{AccountCode::kLoan, owner};
    const Bytes subject = subject::mark(ledger, account_of_owner(owner));
    MARGRAVE_TRY(const auto mark, books_.newest<MarkRow>(subject));
    const Amount from = mark ? mark->index : index_one();
    const Amount to = index_at(row->told.index, books_.block().block.time);
    if (from == to) {
        return ok();
    }
    MARGRAVE_TRY(const Amount owed, books_.net(ledger, loan));
    MARGRAVE_TRY(const Amount grown, grown_loan(owed, {ledger, owner, from}, to));
    MARGRAVE_TRY(books_.post(ledger, loan, kInterestAccount, sub_or_zero(grown, owed)));
    books_.put(subject, MarkRow{to});
    return ok();
}

Result<void> Postings::take(
    LedgerId ledger, const Hash32& owner, const AccountRef& to, const Amount& amount
) {
    MARGRAVE_TRY(const Amount have, books_.net(ledger, collateral(owner)));
    const Amount covered = min(have, amount);
    MARGRAVE_TRY(books_.post(ledger, collateral(owner), to, covered));
    return books_.post(ledger, receivable(owner), to, sub_or_zero(amount, covered));
}

Result<void> Postings::ensure_vault(LedgerId ledger, const Amount& amount) {
    MARGRAVE_TRY(const Amount have, books_.net(ledger, kVaultAccount));
    return books_.post(ledger, kVaultAccount, kUnattributedAccount, sub_or_zero(amount, have));
}

Result<void> Postings::raise_book(const Known& e, const Amount& amount) {
    MARGRAVE_TRY(Amount* const book, books_.book(e.ledger, e.m.account));
    MARGRAVE_TRY(*book, add(*book, amount));
    return ok();
}

Result<Amount> Postings::lower_book(const Known& e) {
    MARGRAVE_TRY(Amount* const book, books_.book(e.ledger, e.m.account));
    const Amount before = *book;
    *book = sub_or_zero(before, e.m.amount);
    return sub_or_zero(before, *book);
}

Result<std::pair<std::uint64_t, std::uint64_t>> Postings::find_lock(const Movement& m) {
    using Numbers = std::pair<std::uint64_t, std::uint64_t>;
    const auto earlier = locks_.find(m.account);
    std::uint64_t newest = earlier == locks_.end() ? 1 : earlier->second;
    const auto visit = [&](ByteView subject, ByteView value) -> Result<void> {
        MARGRAVE_TRY(const auto row, Database::Impl::decode<LegRow>(Cf::kVersion, subject, value));
        newest = std::max(newest, row.lock);
        return ok();
    };
    const Bytes legs = subject::legs(books_.block().tag, m.account);
    MARGRAVE_TRY(books_.versions().each(legs, kHeadOfChain, visit));
    // Our own instruction saves the search. Outside its bounds it must not help: a replay without
    // our decisions has to write the same row.
    const Bytes place_key = decision_key::leg_place(m.counterparty);
    MARGRAVE_TRY(const auto instructed, db_.read<LegPlaceRow>(Cf::kDecision, place_key));
    if (instructed && instructed->account == m.account) {
        const bool in_bounds = instructed->lock >= newest &&
                               instructed->lock < newest + kLocksToTry &&
                               instructed->number < kLegsToTry;
        return in_bounds ? Numbers{instructed->lock, instructed->number} : Numbers{0, 0};
    }
    for (std::uint64_t lock = newest; lock < newest + kLocksToTry; ++lock) {
        for (std::uint64_t leg = 0; leg < kLegsToTry; ++leg) {
            if (seizure_id(m.account, lock, leg) == m.counterparty) {
                return Numbers{lock, leg};
            }
        }
    }
    return Numbers{0, 0};
}

}  // namespace margrave::store::detail
