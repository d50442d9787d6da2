// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/books.hpp"

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace margrave::store::detail {

/// The rules by which a proved event becomes transfers and versioned rows (docs/ledger.md has the
/// table). Facts are never refused for their amounts: what an account lacks becomes a receivable,
/// what the vault lacks was there without an event. Lives for one call of apply.
class Postings {
  public:
    Postings(const Database::Impl& db, const Ledger::State& state, Books& books);

    /// Before the events of each block.
    void begin_block();
    /// kUnproved for what no vault of ours can emit: a release of an unknown request, a second
    /// seizure under one id.
    Result<void> apply(const ChainEvent& event);

    /// Seizures seen in these blocks; each needs a place among the open legs.
    struct Seized {
        Hash32 seizure;
        AccountId account;
    };

    [[nodiscard]] const std::vector<Seized>& seized() const { return seized_; }

    /// Numbers of the requests seen in these blocks.
    [[nodiscard]] const std::vector<std::uint64_t>& requests() const { return requests_; }

    [[nodiscard]] const std::set<Address>& unknown_assets() const { return unknown_; }

    /// Accounts whose venue positions or links changed.
    [[nodiscard]] const std::set<AccountId>& moved_positions() const { return positions_; }

  private:
    /// A movement in a token that a ledger is defined for.
    struct Known {
        const Movement& m;
        LedgerId ledger;
        Hash32 owner;
    };

    Result<void> apply_movement(const Movement& m, const ChainEvent& event);
    Result<void> apply_position(const Position& p);

    // postings_mapped.cpp
    /// An account's part of one watch, in one ledger.
    struct AtSource {
        const MappedAmount& what;
        LedgerId ledger;
        AccountRef custody;
        AccountRef mapped;
        AccountRef owed;
        SourceRow row;
    };

    Result<void> apply_mapped(const MappedEvent& m, const ChainEvent& event);
    Result<void> apply_amount(const MappedEvent& m, const MappedAmount& what);
    void apply_price(const MappedEvent& m, const MappedPrice& price, const ChainEvent& event);
    Result<void> apply_rate(const MappedEvent& m, const MappedRate& rate, const ChainEvent& event);
    Result<void> apply_link(const AccountId& from, const MappedLink& link);
    Result<void> post_mapped(AtSource& at);
    Result<void> mapped_withdraw(AtSource& at);
    Result<void> mapped_repay(AtSource& at);
    Result<void> set_mapped(AtSource& at, const Amount& target);
    Result<void> set_owed(AtSource& at, const Amount& target);
    /// Before tokens leave a watched contract: what events do not explain was there all the same.
    Result<void> ensure_custody(const AtSource& at, const Amount& amount);

    Result<void> deposit(const Known& e);
    Result<void> request(const Movement& m, const ChainEvent& event);
    Result<void> release(const Movement& m, std::optional<LedgerId> ledger);
    Result<void> post_release(const Known& e, ReleaseKind kind);
    Result<void> seizure(const Movement& m, std::optional<LedgerId> ledger);
    Result<void> proceeds(const Movement& m, std::optional<LedgerId> ledger);
    Result<void> sold(const LegRow& leg, const Movement& m, std::optional<LedgerId> ledger);
    Result<void> returned(const LegRow& leg, const Known& e);
    Result<void> repayment(const Known& e);
    Result<void> pool_funding(const Known& e);
    Result<void> exit(const Known& e);
    Result<void> count_unknown(const Address& token);

    /// `paid`, just posted to the collateral, pays what is owed on `code`; what is left of it.
    Result<Amount> settle(
        LedgerId ledger, AccountCode code, const Hash32& owner, const Amount& paid
    );
    /// Books what interest an account's loan has gathered up to this block. Before the loan
    /// changes.
    Result<void> accrue(LedgerId ledger, const Hash32& owner);
    /// Takes `amount` from an account's collateral, the rest from its receivable.
    Result<void> take(
        LedgerId ledger, const Hash32& owner, const AccountRef& to, const Amount& amount
    );
    /// Before tokens leave the vault: what events do not explain was there all the same.
    Result<void> ensure_vault(LedgerId ledger, const Amount& amount);
    Result<void> raise_book(const Known& e, const Amount& amount);
    /// What the book really lost: it stops at zero, as the contract's does.
    Result<Amount> lower_book(const Known& e);
    /// Lock and leg number behind a seizure id.
    Result<std::pair<std::uint64_t, std::uint64_t>> find_lock(const Movement& m);

    const Database::Impl& db_;
    const Ledger::State& state_;
    Books& books_;
    std::vector<Seized> seized_;
    std::vector<std::uint64_t> requests_;
    std::set<AccountId> positions_;
    std::set<Address> unknown_;
    /// Tokens that a rate was told for in these blocks.
    std::set<Address> rated_;
    /// Newest lock of an account among the seizures of the blocks before this one, which no version
    /// row shows yet; and those of this block. A seizure's numbers are searched from the newest
    /// lock of the blocks before it, whether they were applied one by one or in one run.
    std::unordered_map<AccountId, std::uint64_t> locks_;
    std::vector<std::pair<AccountId, std::uint64_t>> block_locks_;
};

}  // namespace margrave::store::detail
