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

void Book::set(AccountHoldings holdings) {
    moved_ = true;
    accrue(std::move(holdings));
}

void Book::accrue(AccountHoldings holdings) {
    const bool empty = holdings.holdings.empty() && holdings.positions.empty();
    const auto it = rows_.find(holdings.account);
    if (it != rows_.end()) {
        totals_.remove(it->second.holdings);
    }
    totals_.add(holdings);
    if (empty) {
        if (it != rows_.end()) {
            if (it->second.number != kNoNumber) {
                gone_.push_back(it->second.number);
                by_number_[it->second.number] = nullptr;
            }
            rows_.erase(it);
            shape_changed_ = true;
        }
        return;
    }
    touch(holdings.account);
    if (it == rows_.end()) {
        const AccountId account = holdings.account;
        Row row;
        row.holdings = std::move(holdings);
        rows_.emplace(account, std::move(row));
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
            touch(account);
        }
    }
    provisional_ = std::move(accounts);
}

void Book::set_latched(std::set<AccountId> accounts) {
    latched_ = std::move(accounts);
    for (auto& [account, row] : rows_) {
        row.dirty = true;
        touch(account);
    }
}

Book::Conditions Book::conditions(const margin::PriceTable& prices, const margin::DeadChains& dead)
    const {
    Conditions out;
    out.prices.reserve(prices.size());
    for (const auto& [asset, row] : prices) {
        out.prices.push_back({row.price, row.confidence, row.verdict});
    }
    out.dead = dead;
    out.rules = parameters_;
    return out;
}

std::vector<UnixSeconds> Book::times(const margin::PriceTable& prices) const {
    std::vector<UnixSeconds> out;
    if (!parameters_.venues.empty()) {
        for (const auto& [asset, row] : prices) {
            out.push_back(row.published_at);
        }
    }
    return out;
}

void Book::touch(const AccountId& account) {
    if (table_) {
        touched_.push_back(account);
    }
}

void Book::set_state(Row& row, AccountState state) {
    status_changed_ = status_changed_ || state.status != row.state.status;
    if (row.number != kNoNumber) {
        statuses_[row.number] = state.status;
    }
    row.state = std::move(state);
}

bool Book::mark(const margin::PriceTable& prices, const margin::DeadChains& dead) {
    Conditions now = conditions(prices, dead);
    std::vector<UnixSeconds> published = times(prices);
    const bool all = !(now == marked_);
    const bool later = published != marked_times_;
    marked_ = std::move(now);
    marked_times_ = std::move(published);
    const margin::Market market(prices, parameters_, dead);

    std::vector<Row*> due;
    for (auto& [account, row] : rows_) {
        // An option is worth less with time though its underlying costs the same.
        const bool aged = later && !row.holdings.positions.empty();
        if (all || aged || row.dirty || row.looked) {
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

bool Book::look(const margin::PriceTable& prices, const margin::DeadChains& dead) {
    Conditions now = conditions(prices, dead);
    std::vector<UnixSeconds> published = times(prices);
    const bool all = !table_ || !(now == looked_) || published != looked_times_;
    looked_ = std::move(now);
    looked_times_ = std::move(published);
    const margin::Market market(prices, parameters_, dead);
    follow_table(market);
    if (all) {
        screen_all(market);
    }
    for (const AccountId& account : touched_) {
        if (const auto it = rows_.find(account); it != rows_.end()) {
            judge(it->second, market);
        }
    }
    touched_.clear();
    return status_changed_;
}

// The table's forms are those of the parameters, in their order.
void Book::follow_table(const margin::Market& market) {
    std::vector<AssetId> forms;
    for (const margin::Market::Form& form : market.forms()) {
        forms.push_back(form.on->asset);
    }
    constexpr std::size_t kSpare = 1'024;
    const bool too_many_gone = by_number_.size() > 2 * rows_.size() + kSpare;
    if (!table_ || forms != table_forms_ || too_many_gone) {
        table_.emplace(market);
        table_forms_ = std::move(forms);
        by_number_.clear();
        statuses_.clear();
        marks_ = {};
        for (auto& [account, row] : rows_) {
            row.number = kNoNumber;
            enter(account, row, market);
        }
        gone_.clear();
        return;
    }
    for (const std::uint32_t number : gone_) {
        table_->remove(number);
    }
    gone_.clear();
    for (const AccountId& account : touched_) {
        if (const auto it = rows_.find(account); it != rows_.end()) {
            enter(account, it->second, market);
        }
    }
}

void Book::enter(const AccountId& account, Row& row, const margin::Market& market) {
    const bool latched = latched_.contains(account);
    if (row.number != kNoNumber) {
        table_->set(row.number, row.holdings, market, latched);
        return;
    }
    row.number = table_->add(row.holdings, market, latched);
    by_number_.push_back(&row);
    statuses_.push_back(row.state.status);
}

void Book::judge(Row& row, const margin::Market& market) {
    const AccountId& account = row.holdings.account;
    set_state(
        row,
        margin::evaluate_state(
            row.holdings, market, latched_.contains(account), provisional_.contains(account)
        )
    );
    row.looked = true;
}

void Book::screen_all(const margin::Market& market) {
    const margin::Screen screen(market, *table_);
    marks_.equity.resize(table_->size());
    marks_.status.resize(table_->size());
    std::vector<std::uint32_t> undecided;
    screen.mark(0, table_->packets(), marks_, undecided);
    for (const std::uint32_t number : undecided) {
        // Which the screen never says.
        marks_.status[number] = Status::kUnattestable;
        judge(*by_number_[number], market);
    }
    for (std::size_t number = 0; number < statuses_.size(); ++number) {
        const Status status = marks_.status[number];
        const bool decided = status != Status::kUnattestable && by_number_[number] != nullptr;
        if (decided && (status != statuses_[number] || is_seizable(status))) {
            judge(*by_number_[number], market);
        }
    }
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
            if ((due[i]->looked || out.state != due[i]->state) && !shape_changed_) {
                out.leaf = attest::leaf_hash(out.state);
            }
        }
    });
    for (std::size_t i = 0; i < due.size(); ++i) {
        Row& row = *due[i];
        AccountState& state = outcomes[i].state;
        if ((row.looked || state != row.state) && !shape_changed_) {
            leaves.emplace_back(row.index, outcomes[i].leaf);
        }
        set_state(row, std::move(state));
        row.dirty = false;
        row.looked = false;
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
            touch(account);
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
