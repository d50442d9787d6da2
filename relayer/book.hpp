// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/tree.hpp"
#include "core/holdings.hpp"
#include "margin/health.hpp"
#include "margin/parameters.hpp"
#include "margin/screen.hpp"
#include "margin/totals.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace margrave::relayer {

/// All accounts at the firm state, marked at one price set, with the tree an attestation commits
/// to. Kept in memory so that a block costs its touched accounts and not all of them; rebuilt from
/// the ledger at start. On the daemon's thread, which has many accounts evaluated on all cores and
/// waits; owned by Rounds.
class Book {
  public:
    /// `parameters` as they are in force; they may change between two marks.
    explicit Book(const margin::Parameters& parameters)
        : parameters_(parameters) {}

    /// Replaces an account's firm holdings; empty ones take it out.
    void set(AccountHoldings holdings);
    /// The same where nothing but time made its loans larger: that alone is not said to have moved.
    void accrue(AccountHoldings holdings);
    /// Accounts whose unfinal events make the provisional equity another than the firm one.
    void set_provisional(std::set<AccountId> accounts);
    /// Accounts that the last attestation called LIQUIDATABLE or BANKRUPT: the latch.
    void set_latched(std::set<AccountId> accounts);

    /// When each of them came under water, as the last attestation left it.
    void set_since(std::map<AccountId, UnixSeconds> since) { since_ = std::move(since); }

    /// Evaluates what changed since the last call, everything when a price, its confidence, a
    /// verdict, the set of dead chains or the parameters moved, and brings the tree up to date.
    /// True when the status of an account changed since the last `attested`, however many calls
    /// ago; a new account counts as one that was healthy.
    bool mark(const margin::PriceTable& prices, const margin::DeadChains& dead);

    bool mark(const margin::PriceTable& prices) { return mark(prices, margin::DeadChains{}); }

    /// Says what `mark` would say, at the price of a glance: margin/screen.hpp tells whose status
    /// is what it was, and everybody else is asked of the checked engine. Afterwards every row's
    /// status is that of these prices, and so are the amounts of who is LIQUIDATABLE or BANKRUPT or
    /// was set since the last look; all other amounts, details and the tree may be older.
    bool look(const margin::PriceTable& prices, const margin::DeadChains& dead);

    bool look(const margin::PriceTable& prices) { return look(prices, margin::DeadChains{}); }

    /// What all accounts have, owe and hold open.
    [[nodiscard]] const margin::Totals& totals() const { return totals_; }

    [[nodiscard]] Hash32 root() const { return tree_.root(); }

    [[nodiscard]] std::size_t size() const { return rows_.size(); }

    /// True when holdings were set since the last `attested`.
    [[nodiscard]] bool moved() const { return moved_; }

    /// The marked state was attested by a round of that time: its latch holds from now on.
    void attested(UnixSeconds issued_at = UnixSeconds{});

    struct Row {
        AccountHoldings holdings;
        AccountState state;
        bool dirty{true};
        std::size_t index{0};
        /// The state was looked at since the last mark: it is not that of the tree.
        bool looked{false};
        /// In the table of `look`.
        std::uint32_t number{kNoNumber};
    };

    [[nodiscard]] const std::map<AccountId, Row>& rows() const { return rows_; }

    [[nodiscard]] const Row* find(const AccountId& account) const;
    [[nodiscard]] std::vector<Hash32> proof(const AccountId& account) const;

    [[nodiscard]] const std::set<AccountId>& provisional() const { return provisional_; }

    [[nodiscard]] const std::set<AccountId>& latched() const { return latched_; }

    /// The latch once the marked state is attested. An account that cannot be valued keeps the
    /// latch of its last attestable status.
    [[nodiscard]] std::set<AccountId> latched_after() const;

    /// For each of those, the time of the first round since which it has been latched without a
    /// break, if the marked state is attested by a round of that time. What a bonus grows with.
    [[nodiscard]] std::map<AccountId, UnixSeconds> since_after(UnixSeconds issued_at) const;

    [[nodiscard]] const std::map<AccountId, UnixSeconds>& since() const { return since_; }

  private:
    static constexpr std::uint32_t kNoNumber = std::numeric_limits<std::uint32_t>::max();

    // What of a price moves an account: initial prices, grids and what is told beyond a band count
    // the confidence too.
    struct Marked {
        Money price;
        Money confidence;
        PriceVerdict verdict{PriceVerdict::kMissing};
        bool operator==(const Marked&) const = default;
    };

    // What accounts are judged by beside their holdings.
    struct Conditions {
        std::vector<Marked> prices;
        margin::DeadChains dead;
        margin::Parameters rules;
        bool operator==(const Conditions&) const = default;
    };

    [[nodiscard]] Conditions conditions(
        const margin::PriceTable& prices, const margin::DeadChains& dead
    ) const;
    // When the prices were published: what positions are valued as of.
    [[nodiscard]] std::vector<UnixSeconds> times(const margin::PriceTable& prices) const;
    void touch(const AccountId& account);
    void set_state(Row& row, AccountState state);
    void evaluate(
        std::span<Row* const> due,
        const margin::Market& market,
        std::vector<std::pair<std::size_t, Hash32>>& leaves
    );
    void rebuild_tree();
    void follow_table(const margin::Market& market);
    void enter(const AccountId& account, Row& row, const margin::Market& market);
    void judge(Row& row, const margin::Market& market);
    void screen_all(const margin::Market& market);

    const margin::Parameters& parameters_;
    margin::Totals totals_;
    std::map<AccountId, Row> rows_;
    std::set<AccountId> provisional_;
    std::set<AccountId> latched_;
    std::map<AccountId, UnixSeconds> since_;

    Conditions marked_;
    std::vector<UnixSeconds> marked_times_;
    attest::MerkleTree tree_;
    bool shape_changed_{true};
    bool moved_{false};
    bool status_changed_{false};

    // Of `look`: the columns, whose they are, and the status of each row.
    std::optional<margin::AccountTable> table_;
    std::vector<AssetId> table_forms_;
    std::vector<Row*> by_number_;
    std::vector<Status> statuses_;
    margin::Screen::Marks marks_;
    Conditions looked_;
    std::vector<UnixSeconds> looked_times_;
    // Since the last look: whose holdings, latch or flag is another, and numbers of who is gone.
    std::vector<AccountId> touched_;
    std::vector<std::uint32_t> gone_;
};

/// What a seizure needs and the latch remembers.
using margin::is_seizable;

}  // namespace margrave::relayer
