// SPDX-License-Identifier: Apache-2.0
#include "relayer/book.hpp"

#include "core/assert.hpp"
#include "relayer/detail/on_cores.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

/// Accounts that are evaluated together: a bound on the memory of what comes out.
constexpr std::size_t kAtOnce = 16'384;

}  // namespace

bool is_seizable(Status status) {
    return status == Status::kLiquidatable || status == Status::kBankrupt;
}

void Book::set(AccountHoldings holdings) {
    moved_ = true;
    const bool empty = holdings.holdings.empty() && holdings.positions.empty();
    const auto it = rows_.find(holdings.account);
    if (it != rows_.end()) {
        totals_.remove(it->second.holdings);
    }
    totals_.add(holdings);
    if (empty) {
        if (it != rows_.end()) {
            rows_.erase(it);
            shape_changed_ = true;
        }
        return;
    }
    if (it == rows_.end()) {
        const AccountId account = holdings.account;
        rows_.emplace(account, Row{std::move(holdings), {}, true, 0});
        shape_changed_ = true;
        return;
    }
    it->second.holdings = std::move(holdings);
    it->second.dirty = true;
}

void Book::set_provisional(std::set<AccountId> accounts) {
    std::vector<AccountId> changed;
    std::set_symmetric_difference(
        provisional_.begin(),
        provisional_.end(),
        accounts.begin(),
        accounts.end(),
        std::back_inserter(changed)
    );
    for (const AccountId& account : changed) {
        const auto it = rows_.find(account);
        if (it != rows_.end()) {
            it->second.dirty = true;
        }
    }
    provisional_ = std::move(accounts);
}

void Book::set_latched(std::set<AccountId> accounts) {
    latched_ = std::move(accounts);
    for (auto& [account, row] : rows_) {
        row.dirty = true;
    }
}

bool Book::mark(const margin::PriceTable& prices, const margin::DeadChains& dead) {
    const bool by_confidence = std::ranges::any_of(parameters_.assets, [](const auto& asset) {
        return !asset.initial_price.confidence.is_zero();
    });
    std::vector<Marked> now;
    now.reserve(prices.size());
    std::vector<UnixSeconds> times;
    for (const auto& [asset, row] : prices) {
        now.push_back({row.price, by_confidence ? row.confidence : Money{}, row.verdict});
        if (!parameters_.venues.empty()) {
            times.push_back(row.published_at);
        }
    }
    const bool all = now != marked_at_ || dead != marked_dead_ || !(parameters_ == marked_by_);
    const bool later = times != marked_times_;
    marked_at_ = std::move(now);
    marked_times_ = std::move(times);
    marked_dead_ = dead;
    marked_by_ = parameters_;
    const margin::Market market(prices, parameters_, dead);

    std::vector<Row*> due;
    for (auto& [account, row] : rows_) {
        // An option is worth less with time though its underlying costs the same.
        const bool aged = later && !row.holdings.positions.empty();
        if (all || aged || row.dirty) {
            due.push_back(&row);
        }
    }
    std::vector<std::pair<std::size_t, Hash32>> leaves;
    for (std::size_t from = 0; from < due.size(); from += kAtOnce) {
        const std::span<Row*> some = std::span(due).subspan(from);
        evaluate(some.first(std::min(some.size(), kAtOnce)), market, leaves);
    }
    if (shape_changed_) {
        rebuild_tree();
    } else {
        tree_.replace(leaves);
    }
    return status_changed_;
}

// Each account by itself, so on all cores; what changed is then noted in order.
void Book::evaluate(
    std::span<Row* const> due,
    const margin::Market& market,
    std::vector<std::pair<std::size_t, Hash32>>& leaves
) {
    struct Outcome {
        AccountState state;
        Hash32 leaf;
    };

    std::vector<Outcome> outcomes(due.size());
    on_cores(due.size(), [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) {
            const AccountHoldings& holdings = due[i]->holdings;
            const bool latched = latched_.contains(holdings.account);
            const bool provisional = provisional_.contains(holdings.account);
            Outcome& out = outcomes[i];
            out.state = margin::evaluate(holdings, market, latched, provisional).state;
            if (out.state != due[i]->state && !shape_changed_) {
                out.leaf = attest::leaf_hash(out.state);
            }
        }
    });
    for (std::size_t i = 0; i < due.size(); ++i) {
        Row& row = *due[i];
        AccountState& state = outcomes[i].state;
        status_changed_ = status_changed_ || state.status != row.state.status;
        if (state != row.state && !shape_changed_) {
            leaves.emplace_back(row.index, outcomes[i].leaf);
        }
        row.state = std::move(state);
        row.dirty = false;
    }
}

void Book::rebuild_tree() {
    std::vector<const Row*> rows;
    rows.reserve(rows_.size());
    for (auto& [account, row] : rows_) {
        row.index = rows.size();
        rows.push_back(&row);
    }
    std::vector<Hash32> leaves(rows.size());
    on_cores(rows.size(), [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) {
            leaves[i] = attest::leaf_hash(rows[i]->state);
        }
    });
    tree_ = attest::MerkleTree(std::move(leaves));
    shape_changed_ = false;
}

std::set<AccountId> Book::latched_after() const {
    std::set<AccountId> latched;
    for (const auto& [account, row] : rows_) {
        const bool unknown = row.state.status == Status::kUnattestable;
        if (is_seizable(row.state.status) || (unknown && latched_.contains(account))) {
            latched.insert(account);
        }
    }
    return latched;
}

std::map<AccountId, UnixSeconds> Book::since_after(UnixSeconds issued_at) const {
    std::map<AccountId, UnixSeconds> since;
    for (const AccountId& account : latched_after()) {
        const auto known = since_.find(account);
        since.emplace(account, known == since_.end() ? issued_at : known->second);
    }
    return since;
}

void Book::attested(UnixSeconds issued_at) {
    moved_ = false;
    status_changed_ = false;
    since_ = since_after(issued_at);
    std::set<AccountId> latched = latched_after();
    for (auto& [account, row] : rows_) {
        // A latch that opened or closed changes what the same inputs mean in the next round.
        if (latched_.contains(account) != latched.contains(account)) {
            row.dirty = true;
        }
    }
    latched_ = std::move(latched);
}

const Book::Row* Book::find(const AccountId& account) const {
    const auto it = rows_.find(account);
    return it == rows_.end() ? nullptr : &it->second;
}

std::vector<Hash32> Book::proof(const AccountId& account) const {
    const Row* row = find(account);
    MARGRAVE_ASSERT(row != nullptr);
    MARGRAVE_ASSERT(!shape_changed_);
    return tree_.proof(row->index);
}

}  // namespace margrave::relayer
