// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/detail/ledger_state.hpp"
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
    // kBalance and kBook
    LedgerId ledger;
    AccountCode code{AccountCode::kCollateral};
    // kLeg and kPosition
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
        case detail::subject::kBook: {
            MARGRAVE_TRY(out.ledger.value, in.u32());
            break;
        }
        case detail::subject::kLeg:
        case detail::subject::kPosition: {
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

// Collects the rows of one account after the other, in the order in which the keys lie.
class HoldingsReader {
  public:
    // No limits: the head.
    HoldingsReader(const Ledger::State& state, const AsOf* as_of);

    Result<void> read(detail::Versions& versions, ByteView prefix);

    std::vector<AccountHoldings> take() {
        close();
        return std::move(done_);
    }

  private:
    Result<std::optional<BlockNum>> limit(ByteView subject);
    Result<void> visit(ByteView subject, ByteView value);
    Result<void> visit_balance(const Bytes& subject, ByteView value);
    Result<void> visit_leg(const Bytes& subject, ByteView value);
    Holding& holding(LedgerId ledger);
    void close();

    const Ledger::State& state_;
    // Indexed by ledger id - 1.
    std::vector<std::optional<BlockNum>> by_ledger_;
    std::vector<std::pair<ChainTag, BlockNum>> by_chain_;
    // Rank of each ledger by the text of its asset.
    std::vector<std::uint32_t> rank_;
    AccountSubject at_;
    AccountHoldings current_;
    std::vector<std::pair<LedgerId, Holding>> rows_;
    std::vector<AccountHoldings> done_;
};

HoldingsReader::HoldingsReader(const Ledger::State& state, const AsOf* as_of)
    : state_(state) {
    for (const auto& [chain, head] : state.chains) {
        if (as_of == nullptr) {
            by_chain_.emplace_back(detail::tag_of(chain), detail::kHeadOfChain);
        } else if (const auto it = as_of->find(chain); it != as_of->end()) {
            by_chain_.emplace_back(detail::tag_of(chain), it->second);
        }
    }
    for (const LedgerDefinition& ledger : state.ledgers) {
        const ChainTag tag = detail::tag_of(ledger.asset.chain());
        const auto it = std::ranges::find(by_chain_, tag, &std::pair<ChainTag, BlockNum>::first);
        by_ledger_.push_back(
            it == by_chain_.end() ? std::nullopt : std::optional<BlockNum>(it->second)
        );
        rank_.push_back(static_cast<std::uint32_t>(std::ranges::count_if(
            state.ledgers, [&](const LedgerDefinition& other) { return other.asset < ledger.asset; }
        )));
    }
}

Result<void> HoldingsReader::read(detail::Versions& versions, ByteView prefix) {
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
    if (at_.kind == detail::subject::kBalance || at_.kind == detail::subject::kBook) {
        if (at_.ledger.value == 0 || at_.ledger.value > by_ledger_.size()) {
            return detail::corrupt(Cf::kVersion, subject, "is of a ledger that is not defined");
        }
        return by_ledger_[at_.ledger.value - 1];
    }
    const auto it = std::ranges::find(by_chain_, at_.chain, &std::pair<ChainTag, BlockNum>::first);
    return it == by_chain_.end() ? std::nullopt : std::optional<BlockNum>(it->second);
}

Holding& HoldingsReader::holding(LedgerId ledger) {
    for (auto& [id, row] : rows_) {
        if (id == ledger) {
            return row;
        }
    }
    rows_.emplace_back(ledger, Holding{});
    return rows_.back().second;
}

Result<void> HoldingsReader::visit(ByteView subject_view, ByteView value) {
    if (at_.account != current_.account) {
        close();
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
        case detail::subject::kLeg:
            return visit_leg(subject, value);
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
    Holding& h = holding(at_.ledger);
    Amount& side = at_.code == AccountCode::kCollateral ? h.collateral : h.debt;
    MARGRAVE_TRY(side, add(side, row.amount));
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

void HoldingsReader::close() {
    std::erase_if(rows_, [](const auto& row) {
        const Holding& h = row.second;
        return h.collateral.is_zero() && h.debt.is_zero() && h.book.is_zero();
    });
    std::ranges::sort(rows_, {}, [this](const auto& row) { return rank_[row.first.value - 1]; });
    for (auto& [ledger, row] : rows_) {
        row.asset = state_.definition(ledger).asset;
        current_.holdings.push_back(std::move(row));
    }
    std::ranges::sort(current_.positions, {}, &VenuePosition::market);
    // What is booked under the pool's name belongs to no account.
    const bool any = !current_.holdings.empty() || !current_.positions.empty();
    if (any && !is_pool(current_.account)) {
        done_.push_back(std::move(current_));
    }
    current_ = AccountHoldings{};
    rows_.clear();
}

Result<AccountHoldings> read_one(
    const Database::Impl& db,
    const Ledger::State& state,
    const AccountId& account,
    const AsOf* as_of
) {
    detail::Versions versions(db);
    HoldingsReader reader(state, as_of);
    MARGRAVE_TRY(reader.read(versions, detail::subject::account(account)));
    std::vector<AccountHoldings> found = reader.take();
    MARGRAVE_ASSERT(found.size() <= 1);
    if (found.empty()) {
        return AccountHoldings{account, {}, {}};
    }
    return std::move(found.front());
}

}  // namespace

Result<AccountHoldings> Ledger::holdings(const AccountId& account, const AsOf& as_of) const {
    MARGRAVE_TRY(ready());
    return read_one(db_.impl(), *state_, account, &as_of);
}

Result<AccountHoldings> Ledger::holdings_at_head(const AccountId& account) const {
    MARGRAVE_TRY(ready());
    return read_one(db_.impl(), *state_, account, nullptr);
}

Result<std::vector<AccountHoldings>> Ledger::all_holdings(const AsOf& as_of) const {
    MARGRAVE_TRY(ready());
    detail::Versions versions(db_.impl());
    HoldingsReader reader(*state_, &as_of);
    MARGRAVE_TRY(reader.read(versions, Bytes{detail::subject::kAccount}));
    return reader.take();
}

Result<TrialBalance> Ledger::trial_balance(LedgerId ledger, BlockNum as_of) const {
    MARGRAVE_TRY(ready());
    if (ledger.value == 0 || ledger.value > state_->ledgers.size()) {
        return fail(Errc::kNotFound, "there is no ledger " + std::to_string(ledger.value));
    }
    detail::Versions versions(db_.impl());
    TrialBalance out;
    out.ledger = state_->definition(ledger);
    for (const AccountCode code : detail::kAllCodes) {
        MARGRAVE_TRY(
            const auto sum, versions.read<AmountRow>(detail::subject::sum(ledger, code), as_of)
        );
        out.totals[code] = sum ? sum->amount : Amount{};
    }
    if (!detail::is_balanced(out.totals)) {
        return detail::corrupt(
            Cf::kVersion,
            detail::subject::sum(ledger, AccountCode::kVault),
            "and the other sums of ledger " + out.ledger.asset.text() +
                " do not balance at block " + std::to_string(as_of.value)
        );
    }
    return out;
}

}  // namespace margrave::store
