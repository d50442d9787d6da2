// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/unit/store/fixture.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace margrave::store::test {

/// Accounts that the blocks of an author name: account(1) and on.
inline constexpr std::size_t kAuthorAccounts = 4;

using Random = std::mt19937_64;

inline std::uint64_t pick(Random& random, std::uint64_t below) {
    return random() % below;
}

/// Makes blocks that a vault could emit: releases of requests that are there, settlements of lots
/// that were seized.
class Author {
  public:
    explicit Author(Random& random)
        : random_(random) {}

    std::vector<Body> events(const TestChain& chain) {
        read(chain);
        std::vector<Body> out;
        const std::uint64_t count = pick(random_, 5);
        std::uint64_t vault_events = chain.vault_state().count;
        for (std::uint64_t i = 0; i < count; ++i) {
            Body body = one(chain, vault_events);
            vault_events += std::holds_alternative<Movement>(body) ? 1U : 0U;
            out.push_back(std::move(body));
        }
        return out;
    }

  private:
    struct Open {
        AccountId account;
        Address token;
        Amount amount;
        Hash32 id;
        std::uint64_t number{0};
    };

    // What the chain up to its head left open.
    void read(const TestChain& chain) {
        requests_.clear();
        lots_.clear();
        seizures_ = 0;
        for (const BlockData& block : chain.blocks()) {
            for (const ChainEvent& event : block.events) {
                if (const auto* m = std::get_if<Movement>(&event.body)) {
                    read(chain, *m);
                }
            }
        }
    }

    void read(const TestChain& chain, const Movement& m) {
        const auto same = [&](const Open& open) {
            return open.id == m.counterparty;
        };
        if (m.kind == MovementKind::kWithdrawalRequest || m.kind == MovementKind::kBorrowRequest) {
            requests_.push_back(
                {m.account, m.token, m.amount, chain.release_of(m.sequence), m.sequence}
            );
        } else if (m.kind == MovementKind::kRelease) {
            std::erase_if(requests_, same);
        } else if (m.kind == MovementKind::kSeizure) {
            lots_.push_back({m.account, m.token, m.amount, m.counterparty, 0});
            ++seizures_;
        } else if (m.kind == MovementKind::kProceeds) {
            std::erase_if(lots_, same);
        }
    }

    MappedEvent outside(const AccountId& who, std::uint64_t units) {
        if (pick(random_, 8) == 0) {
            return rate(token(), 1'000 * units);
        }
        if (pick(random_, 4) == 0) {
            return price(units, 1'000 + units, 1 + pick(random_, 2));
        }
        const auto kind = static_cast<MappedKind>(1 + pick(random_, 6));
        MappedEvent out = mapped(kind, who, token(), units, 1 + pick(random_, 2));
        std::get<MappedAmount>(out.what).is_read = out.source == word(2);
        return out;
    }

    Address token() { return pick(random_, 2) == 0 ? usd() : eth(); }

    Body one(const TestChain& chain, std::uint64_t& vault_events) {
        const AccountId who = account(1 + pick(random_, kAuthorAccounts));
        const std::uint64_t units = pick(random_, 50);
        switch (pick(random_, 16)) {
            case 0:
            case 1:
            case 2:
                return deposit(who, token(), units);
            case 3:
                return pick(random_, 4) == 0 ? withdrawal_request(kPoolItself, token(), units)
                                             : withdrawal_request(who, token(), units);
            case 4:
                return borrow_request(who, token(), units);
            case 5:
                return released(who, units);
            case 6:
                return settled(who, units);
            case 7: {
                const Hash32 id = seizure_id(who, 1 + seizures_, vault_events % 3);
                ++seizures_;
                return seizure(who, token(), units, id);
            }
            case 8:
                return repayment(who, token(), units);
            case 9:
                return pick(random_, 3) == 0 ? funding(token(), units) : exit(who, token(), units);
            case 10:
                return position(
                    who, pick(random_, 3), static_cast<std::int64_t>(pick(random_, 5)) - 2
                );
            case 11:
            case 12:
            case 13:
                return outside(who, units);
            case 14:
                return link(
                    who, account(1 + pick(random_, kAuthorAccounts)), pick(random_, 4) != 0
                );
            default:
                break;
        }
        return pick(random_, 5) == 0 ? deposit(who, stranger(), units)
                                     : deposit(who, token(), chain.head().number.value);
    }

    Body released(const AccountId& who, std::uint64_t units) {
        if (requests_.empty()) {
            return deposit(who, token(), units);
        }
        const std::size_t at = pick(random_, requests_.size());
        const Open open = requests_[at];
        requests_.erase(requests_.begin() + static_cast<std::ptrdiff_t>(at));
        Movement m = release(open.account, open.token, 0, open.id);
        m.amount = open.amount;
        return m;
    }

    Body settled(const AccountId& who, std::uint64_t units) {
        if (lots_.empty()) {
            return repayment(who, token(), units);
        }
        const std::size_t at = pick(random_, lots_.size());
        const Open open = lots_[at];
        lots_.erase(lots_.begin() + static_cast<std::ptrdiff_t>(at));
        Movement m = proceeds(open.account, token(), units, open.id);
        if (m.token == open.token && pick(random_, 3) != 0) {
            m.amount = open.amount;
        }
        return m;
    }

    Random& random_;
    std::vector<Open> requests_;
    std::vector<Open> lots_;
    std::uint64_t seizures_{0};
};

}  // namespace margrave::store::test
