// SPDX-License-Identifier: Apache-2.0
#include "store/detail/ledger_state.hpp"

#include "core/assert.hpp"

#include <algorithm>

namespace margrave::store {
namespace detail {

bool is_balanced(const std::map<AccountCode, Amount>& totals) {
    Amount held;
    Amount owed;
    for (const auto& [code, amount] : totals) {
        Amount& side = grows_by_debit(code) ? held : owed;
        const Result<Amount> sum = add(side, amount);
        if (!sum) {
            return false;
        }
        side = sum.value();
    }
    return held == owed;
}

}  // namespace detail

using detail::Cf;

namespace {

constexpr std::size_t kMaxCachedRows = 100'000;

Bytes tag_prefix(std::uint8_t tag) {
    return Bytes{tag};
}

Result<void> load_definitions(const Database::Impl& db, std::vector<LedgerDefinition>& out) {
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(
            const auto row, Database::Impl::decode<detail::DefinitionRow>(Cf::kLedger, key, value)
        );
        Result<AssetId> asset = AssetId::parse(row.asset);
        if (!asset) {
            return detail::corrupt(Cf::kLedger, key, asset.error().detail);
        }
        const LedgerId id{static_cast<std::uint32_t>(out.size() + 1)};
        if (!std::ranges::equal(key, detail::ledger_key::definition(id))) {
            return detail::corrupt(
                Cf::kLedger, key, "ledger " + std::to_string(id.value) + " is missing before it"
            );
        }
        out.push_back({id, asset.value(), row.decimals});
        return true;
    };
    return db.scan(Cf::kLedger, tag_prefix(detail::ledger_key::kDefinition), visit);
}

Result<void> load_chains(const Database::Impl& db, std::map<ChainId, detail::HeadRow>& out) {
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(auto row, Database::Impl::decode<detail::HeadRow>(Cf::kChain, key, value));
        const Result<ChainId> chain = ChainId::parse(row.chain);
        if (!chain ||
            !std::ranges::equal(key, detail::chain_key::head(detail::tag_of(chain.value())))) {
            return detail::corrupt(Cf::kChain, key, "head of chain " + row.chain);
        }
        out.emplace(chain.value(), std::move(row));
        return true;
    };
    return db.scan(Cf::kChain, tag_prefix(detail::chain_key::kHead), visit);
}

Result<void> load_rated(
    detail::Versions& versions, std::set<std::pair<detail::ChainTag, Address>>& out
) {
    const auto visit = [&](ByteView subject, ByteView) -> Result<void> {
        const auto token = detail::subject::parse_interest(subject);
        if (!token) {
            return detail::corrupt(Cf::kVersion, subject, token.error().detail);
        }
        out.insert(token.value());
        return ok();
    };
    return versions.each(detail::subject::interests(), detail::kHeadOfChain, visit);
}

}  // namespace

Result<void> Ledger::State::load(const Database::Impl& db) {
    State fresh;
    fresh.generation = db.generation;
    MARGRAVE_TRY(load_definitions(db, fresh.ledgers));
    MARGRAVE_TRY(load_chains(db, fresh.chains));
    MARGRAVE_TRY(
        const auto seq, db.read<detail::NumberRow>(Cf::kMeta, as_bytes(detail::meta::kSeq))
    );
    fresh.last_seq = Seq{seq ? seq->number : 0};
    detail::Versions versions(db);
    for (const LedgerDefinition& ledger : fresh.ledgers) {
        fresh.by_token.emplace(
            std::pair(detail::tag_of(ledger.asset.chain()), ledger.asset.token()), ledger.id
        );
        for (const AccountCode code : detail::kAllCodes) {
            const Bytes subject = detail::subject::sum(ledger.id, code);
            MARGRAVE_TRY(const auto sum, versions.read<detail::AmountRow>(subject));
            if (sum) {
                fresh.sums[{ledger.id, code}] = sum->amount;
            }
        }
        if (!detail::is_balanced(fresh.sums_of(ledger.id))) {
            return fail(
                Errc::kCorrupt,
                "the stored sums of ledger " + ledger.asset.text() + " do not balance"
            );
        }
    }
    MARGRAVE_TRY(load_rated(versions, fresh.rated));
    *this = std::move(fresh);
    return ok();
}

Result<void> Ledger::State::wait_written() {
    if (!writing.valid()) {
        return ok();
    }
    Result<void> done = writing.get();
    if (!done) {
        // What is on disk is unknown, so what is in memory may be wrong too.
        drop_caches();
        trouble = done.error();
    }
    return done;
}

void Ledger::State::drop_caches() {
    accounts.clear();
    books.clear();
    newest.clear();
}

void Ledger::State::trim() {
    if (accounts.size() > kMaxCachedRows) {
        accounts.clear();
    }
    if (books.size() > kMaxCachedRows) {
        books.clear();
    }
    if (newest.size() > kMaxCachedRows) {
        newest.clear();
    }
}

const LedgerDefinition& Ledger::State::definition(LedgerId id) const {
    MARGRAVE_ASSERT(id.value >= 1);
    MARGRAVE_ASSERT(id.value <= ledgers.size());
    return ledgers[id.value - 1];
}

bool Ledger::State::is_rated(LedgerId id) const {
    const AssetId& asset = definition(id).asset;
    return rated.contains({detail::tag_of(asset.chain()), asset.token()});
}

std::optional<LedgerId> Ledger::State::find(detail::ChainTag chain, const Address& token) const {
    const auto it = by_token.find({chain, token});
    return it == by_token.end() ? std::nullopt : std::optional<LedgerId>(it->second);
}

const detail::HeadRow* Ledger::State::chain(const ChainId& id) const {
    const auto it = chains.find(id);
    return it == chains.end() ? nullptr : &it->second;
}

AssetId Ledger::State::asset(const ChainId& chain_id, const Address& token) const {
    if (const std::optional<LedgerId> id = find(detail::tag_of(chain_id), token)) {
        return definition(*id).asset;
    }
    return token.is_zero() ? AssetId::native(chain_id) : AssetId::erc20(chain_id, token);
}

std::map<AccountCode, Amount> Ledger::State::sums_of(LedgerId ledger) const {
    std::map<AccountCode, Amount> out;
    for (const AccountCode code : detail::kAllCodes) {
        const auto it = sums.find({ledger, code});
        out[code] = it == sums.end() ? Amount{} : it->second;
    }
    return out;
}

}  // namespace margrave::store
