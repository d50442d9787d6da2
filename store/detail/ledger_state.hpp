// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/database_impl.hpp"
#include "store/detail/keys.hpp"
#include "store/detail/records.hpp"
#include "store/detail/versions.hpp"
#include "store/ledger.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <future>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace margrave::store::detail {

/// Rows lie in the table itself, so that one is found with one miss of the cache. Every insertion
/// may move all of them.
template <class Key, class Row, class Hash>
using Table = boost::unordered_flat_map<Key, Row, Hash>;

struct BytesHash {
    using is_avalanching = void;

    std::size_t operator()(const Bytes& v) const noexcept {
        return mix_bytes(v, secret_of_tables());
    }
};

using SumKey = std::pair<LedgerId, AccountCode>;

/// I5: what the vault, the sales and the debtors hold is what is owed to somebody.
[[nodiscard]] bool is_balanced(const std::map<AccountCode, Amount>& totals);

}  // namespace margrave::store::detail

namespace margrave::store {

/// What the ledger keeps in memory: the small tables whole, and the rows that blocks touched last.
struct Ledger::State {
    /// Database::Impl::generation these were read at.
    std::uint64_t generation{0};
    /// What went wrong when they were read; every method that can says so.
    std::optional<Error> trouble;
    /// In order of id, from 1.
    std::vector<LedgerDefinition> ledgers;
    std::map<std::pair<detail::ChainTag, Address>, LedgerId> by_token;
    std::map<ChainId, detail::HeadRow> chains;
    std::map<detail::SumKey, Amount> sums;
    Seq last_seq;
    /// Tokens that a rate was ever told for, and perhaps some whose telling a reorg took back:
    /// loans in all others bear no interest.
    std::set<std::pair<detail::ChainTag, Address>> rated;

    /// Caches of the writer. Only what was written is in them.
    detail::Table<detail::AccountKey, detail::TotalsRow, detail::AccountKeyHash> accounts;
    /// Newest mirror of the vaults' books; the key's code is kCollateral.
    detail::Table<detail::AccountKey, Amount, detail::AccountKeyHash> books;
    detail::Table<Bytes, Bytes, detail::BytesHash> newest;

    Result<void> load(const Database::Impl& db);
    void drop_caches();
    /// Makes room in the caches. Not while a run is on its way: they alone know what it changed.
    void trim();

    /// The run that is on its way to the disk (Ledger::fill_ahead).
    std::future<Result<void>> writing;
    /// Waits for it. A failure is one of everything that follows.
    Result<void> wait_written();

    [[nodiscard]] const LedgerDefinition& definition(LedgerId id) const;
    [[nodiscard]] bool is_rated(LedgerId id) const;
    [[nodiscard]] std::optional<LedgerId> find(detail::ChainTag chain, const Address& token) const;
    [[nodiscard]] const detail::HeadRow* chain(const ChainId& id) const;
    /// The asset of a token, also of one that no ledger is defined for.
    [[nodiscard]] AssetId asset(const ChainId& chain, const Address& token) const;
    [[nodiscard]] std::map<AccountCode, Amount> sums_of(LedgerId ledger) const;
};

}  // namespace margrave::store
