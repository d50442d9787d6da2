// SPDX-License-Identifier: Apache-2.0
#include "store/detail/links.hpp"

#include <algorithm>
#include <tuple>

namespace margrave::store::detail {
namespace {

// The account that a link or arrival row names ends its subject.
Result<std::pair<ChainTag, AccountId>> end_of_subject(ByteView subject) {
    ByteReader in(subject);
    std::pair<ChainTag, AccountId> out;
    MARGRAVE_TRY(in.u8());
    MARGRAVE_TRY(in.hash32());
    MARGRAVE_TRY(in.u8());
    MARGRAVE_TRY(out.first.value, in.u64());
    MARGRAVE_TRY(const Hash32 account, in.hash32());
    MARGRAVE_TRY(in.finish());
    out.second = account_of_owner(account);
    return out;
}

bool is_nothing(const Holding& row) {
    return row.collateral.is_zero() && row.debt.is_zero() && row.book.is_zero();
}

bool by_market(const VenuePosition& a, const VenuePosition& b) {
    return std::tie(a.market, a.size, a.entry_price) < std::tie(b.market, b.size, b.entry_price);
}

}  // namespace

std::optional<BlockNum> limit_of(const ChainLimits& limits, ChainTag chain) {
    const auto it = std::ranges::find(limits, chain, &ChainLimits::value_type::first);
    return it == limits.end() ? std::nullopt : std::optional<BlockNum>(it->second);
}

Result<AccountId> end_of_links(const AccountId& from, const NextLink& next) {
    AccountId at = from;
    for (std::size_t hop = 0; hop <= kLinkHops; ++hop) {
        MARGRAVE_TRY(const auto to, next(at));
        if (!to) {
            return at;
        }
        at = *to;
    }
    return from;
}

Result<std::optional<AccountId>> Links::next(const AccountId& from) {
    std::optional<AccountId> out;
    const auto limit = [this](ByteView subject) -> Result<std::optional<BlockNum>> {
        MARGRAVE_TRY(const auto end, end_of_subject(subject));
        return limit_of(limits_, end.first);
    };
    const auto visit = [&out](ByteView subject, ByteView value) -> Result<void> {
        MARGRAVE_TRY(const auto end, end_of_subject(subject));
        MARGRAVE_TRY(const auto row, Database::Impl::decode<LinkRow>(Cf::kVersion, subject, value));
        if (row.active && !out) {
            out = end.second;
        }
        return ok();
    };
    MARGRAVE_TRY(versions_.each(subject::links(from), limit, visit));
    return out;
}

Result<AccountId> Links::end(const AccountId& from) {
    return end_of_links(from, [this](const AccountId& at) { return next(at); });
}

// Arrivals are never taken back but by a reorg, so each is asked whether it still leads here.
Result<std::set<AccountId>> Links::led_in_one(const AccountId& into) {
    std::set<AccountId> known;
    const auto visit = [&known](ByteView subject, ByteView) -> Result<void> {
        MARGRAVE_TRY(const auto end, end_of_subject(subject));
        known.insert(end.second);
        return ok();
    };
    MARGRAVE_TRY(versions_.each(subject::arrivals(into), kHeadOfChain, visit));
    std::set<AccountId> out;
    for (const AccountId& from : known) {
        MARGRAVE_TRY(const auto to, next(from));
        if (to == into) {
            out.insert(from);
        }
    }
    return out;
}

Result<std::set<AccountId>> Links::led_to(const AccountId& into) {
    std::set<AccountId> out;
    // Who is linked on is no end.
    MARGRAVE_TRY(const auto away, next(into));
    if (away) {
        return out;
    }
    std::set<AccountId> last{into};
    for (std::size_t hop = 0; hop < kLinkHops; ++hop) {
        std::set<AccountId> found;
        for (const AccountId& at : last) {
            MARGRAVE_TRY(const auto more, led_in_one(at));
            found.insert(more.begin(), more.end());
        }
        out.insert(found.begin(), found.end());
        last = std::move(found);
    }
    return out;
}

Result<void> add_linked(Versions& versions, std::set<AccountId>& accounts) {
    std::set<AccountId> last = accounts;
    for (std::size_t hop = 0; hop < kLinkHops; ++hop) {
        std::set<AccountId> found;
        const auto visit = [&found](ByteView subject, ByteView) -> Result<void> {
            MARGRAVE_TRY(const auto end, end_of_subject(subject));
            found.insert(end.second);
            return ok();
        };
        for (const AccountId& account : last) {
            MARGRAVE_TRY(versions.each(subject::links(account), kHeadOfChain, visit));
        }
        accounts.insert(found.begin(), found.end());
        last = std::move(found);
    }
    return ok();
}

AccountHoldings take_mapped(AccountHoldings& from) {
    AccountHoldings out;
    for (Holding& row : from.holdings) {
        if (row.mapped.is_zero() && row.mapped_debt.is_zero()) {
            continue;
        }
        Holding part;
        part.asset = row.asset;
        part.collateral = row.mapped;
        part.debt = row.mapped_debt;
        part.mapped = row.mapped;
        part.mapped_debt = row.mapped_debt;
        row.collateral = row.own();
        row.debt = row.own_debt();
        row.mapped = Amount{};
        row.mapped_debt = Amount{};
        out.holdings.push_back(std::move(part));
    }
    std::erase_if(from.holdings, is_nothing);
    out.positions = std::move(from.positions);
    from.positions.clear();
    return out;
}

Result<void> merge(AccountHoldings& into, AccountHoldings part) {
    for (const Holding& row : part.holdings) {
        auto at = std::ranges::lower_bound(into.holdings, row.asset, {}, &Holding::asset);
        if (at == into.holdings.end() || at->asset != row.asset) {
            into.holdings.insert(at, row);
            continue;
        }
        MARGRAVE_TRY(at->collateral, add(at->collateral, row.collateral));
        MARGRAVE_TRY(at->debt, add(at->debt, row.debt));
        MARGRAVE_TRY(at->mapped, add(at->mapped, row.mapped));
        MARGRAVE_TRY(at->mapped_debt, add(at->mapped_debt, row.mapped_debt));
    }
    into.positions.insert(into.positions.end(), part.positions.begin(), part.positions.end());
    std::ranges::sort(into.positions, by_market);
    return ok();
}

}  // namespace margrave::store::detail
