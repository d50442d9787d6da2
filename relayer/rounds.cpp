// SPDX-License-Identifier: Apache-2.0
#include "relayer/rounds.hpp"

#include <algorithm>

#include "attest/digest.hpp"
#include "attest/tree.hpp"
#include "core/assert.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/grants.hpp"
#include "relayer/liquidations.hpp"

namespace margrave::relayer {

namespace {

constexpr const char* kLastRound = "round/last";

Canonical account_list(const std::set<AccountId>& accounts) {
    Canonical::Array out;
    for (const AccountId& account : accounts) {
        out.push_back(to_hex(account));
    }
    return out;
}

Result<std::set<AccountId>> parse_accounts(const Canonical& list) {
    std::set<AccountId> out;
    const auto* items = std::get_if<Canonical::Array>(&list.value());
    if (items == nullptr) {
        return fail(Errc::kCorrupt, "the last round's list of latched accounts is no array");
    }
    for (const Canonical& item : *items) {
        const auto* text = std::get_if<std::string>(&item.value());
        if (text == nullptr) {
            return fail(Errc::kCorrupt, "the last round's list of latched accounts has a non-text");
        }
        MARGRAVE_TRY(auto account, parse_account(*text));
        out.insert(account);
    }
    return out;
}

}  // namespace

Rounds::Rounds(Parts parts) : parts_(std::move(parts)), book_(parts_.settings.parameters) {}

Result<void> Rounds::open() {
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        const store::ChainState state = parts_.ledger.chain_state(chain.chain);
        if (state.final) {
            firm_[chain.chain] = state.final->number;
        }
    }
    MARGRAVE_TRY(auto accounts, parts_.ledger.all_holdings(firm_));
    for (AccountHoldings& holdings : accounts) {
        book_.set(std::move(holdings));
    }
    if (const auto bytes = parts_.database.document(kLastRound)) {
        MARGRAVE_TRY(auto document, parse_canonical(as_text(*bytes)));
        MARGRAVE_TRY(auto latched, member(document, "latchedAfter"));
        MARGRAVE_TRY(auto accounts_latched, parse_accounts(latched));
        book_.set_latched(std::move(accounts_latched));
    }
    return ok();
}

Result<bool> Rounds::follow_finality() {
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        const store::ChainState state = parts_.ledger.chain_state(chain.chain);
        if (!state.final) {
            waiting_for_ = chain.chain.text() + " has no final block yet";
            return false;
        }
        const auto it = firm_.find(chain.chain);
        const bool first = it == firm_.end();
        if (!first && it->second == state.final->number) {
            continue;
        }
        const BlockNum from = first ? BlockNum{0} : it->second;
        MARGRAVE_TRY(
            auto touched, parts_.ledger.touched_between(chain.chain, from, state.final->number)
        );
        firm_[chain.chain] = state.final->number;
        for (const AccountId& account : touched) {
            MARGRAVE_TRY(auto holdings, parts_.ledger.holdings(account, firm_));
            book_.set(std::move(holdings));
        }
    }
    return true;
}

Result<void> Rounds::follow_provisional() {
    std::set<AccountId> unfinal;
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        const store::ChainState state = parts_.ledger.chain_state(chain.chain);
        MARGRAVE_ASSERT(state.head && state.final);
        if (state.head->number == state.final->number) {
            continue;
        }
        MARGRAVE_TRY(
            auto touched,
            parts_.ledger.touched_between(chain.chain, state.final->number, state.head->number)
        );
        unfinal.merge(touched);
    }
    book_.set_provisional(std::move(unfinal));
    return ok();
}

std::map<ChainId, Hash32> Rounds::head_hashes() const {
    std::map<ChainId, Hash32> heads;
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        const store::ChainState state = parts_.ledger.chain_state(chain.chain);
        if (state.head) {
            heads.emplace(chain.chain, state.head->hash);
        }
    }
    return heads;
}

Result<std::vector<Head>> Rounds::final_heads() const {
    std::vector<Head> heads;
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        const BlockNum number = firm_.at(chain.chain);
        const auto block = parts_.ledger.block_at(chain.chain, number);
        if (!block) {
            return fail(
                Errc::kCorrupt,
                "the ledger has no block " + std::to_string(number.value) + " of " +
                    chain.chain.text() + ", which it calls final"
            );
        }
        MARGRAVE_TRY(auto counts, parts_.ledger.accumulators_at(chain.chain, number));
        heads.push_back({chain.chain, number, block->hash, counts.first.count, counts.first.hash});
    }
    std::sort(heads.begin(), heads.end(), [](const Head& a, const Head& b) {
        return a.chain.key() < b.chain.key();
    });
    return heads;
}

Task<Result<bool>> Rounds::pass() {
    waiting_for_.clear();
    auto ready = follow_finality();
    if (!ready) {
        co_return ready.as_failure();
    }
    if (!ready.value()) {
        co_return false;
    }
    const UnixSeconds read_at = parts_.clock.now();
    std::map<ChainId, Hash32> heads = head_hashes();
    prices_ = co_await parts_.oracle.read(std::move(heads), read_at);
    // Time passed and blocks came while the feeds were read: the state is taken now, in one piece.
    auto still = follow_finality();
    if (!still) {
        co_return still.as_failure();
    }
    co_return decide();
}

Result<bool> Rounds::decide() {
    if (!deficits_.empty()) {
        waiting_for_ = deficits_.begin()->second;
        return false;
    }
    MARGRAVE_TRY(follow_provisional());
    table_.clear();
    for (const PriceRow& row : prices_->rows) {
        table_.emplace(row.asset, row);
    }
    const UnixSeconds now = parts_.clock.now();
    const bool status_changed = book_.mark(table_);
    const bool due = is_due(status_changed, now);
    if (due) {
        MARGRAVE_TRY(sign_round(now));
    }
    if (parts_.scribe.last().round.value != 0) {
        const DecisionParts parts{
            parts_.settings, parts_.ledger, parts_.scribe, book_, table_, firm_, parts_.log
        };
        MARGRAVE_TRY(expire_ended(parts, now));
        MARGRAVE_TRY(answer_requests(parts, now));
        MARGRAVE_TRY(plan_liquidations(parts, now));
    }
    MARGRAVE_TRY(parts_.scribe.publish());
    return due;
}

bool Rounds::is_due(bool status_changed, UnixSeconds now) const {
    const Attestation& last = parts_.scribe.last();
    const auto interval = std::chrono::duration_cast<std::chrono::seconds>(
        parts_.settings.attestation_interval
    );
    const auto wait = static_cast<std::uint64_t>(std::max<std::int64_t>(interval.count(), 1));
    return last.round.value == 0 || status_changed || book_.moved() ||
           now.value >= last.issued_at.value + wait;
}

Result<RoundDraft> Rounds::draft(UnixSeconds now) const {
    RoundDraft draft;
    MARGRAVE_TRY(draft.heads, final_heads());
    draft.prices = prices_->rows;
    Attestation& a = draft.attestation;
    const Attestation& last = parts_.scribe.last();
    a.round = RoundNum{last.round.value + 1};
    a.signer_epoch = 1;
    a.issued_at = std::max(now, last.issued_at);
    a.valid_until = UnixSeconds{a.issued_at.value + parts_.settings.parameters.validity_s};
    a.previous = parts_.scribe.last_digest();
    a.parameters = parts_.scribe.parameters_hash();
    a.snapshot = attest::snapshot_hash(draft.heads);
    a.prices = attest::price_root(draft.prices);
    a.accounts = book_.root();
    a.account_count = book_.size();

    const Canonical statement = round_message(draft);
    std::set<AccountId> latched_after;
    for (const auto& [account, row] : book_.rows()) {
        if (!is_seizable(row.state.status)) {
            continue;
        }
        latched_after.insert(account);
        draft.documents.emplace_back(
            "proof/" + std::to_string(a.round.value) + "/" + to_hex(account),
            to_bytes(proof_json(row.state, book_.proof(account)).dump())
        );
    }
    const Canonical evidence = Canonical::Object{
        {"heads", heads_json(draft.heads)},
        {"latched", account_list(book_.latched())},
        {"latchedAfter", account_list(latched_after)},
        {"prices", to_hex(a.prices)},
        {"provisional", account_list(book_.provisional())},
        {"round", Canonical::integer(a.round.value)},
        {"signed", statement},
    };
    const Bytes bytes = to_bytes(evidence.dump());
    draft.documents.emplace_back("round/" + std::to_string(a.round.value), bytes);
    draft.documents.emplace_back(kLastRound, bytes);
    draft.documents.emplace_back("prices/" + to_hex(a.prices), to_bytes(prices_->document.dump()));
    return draft;
}

Result<void> Rounds::sign_round(UnixSeconds now) {
    MARGRAVE_TRY(auto round, draft(now));
    MARGRAVE_TRY(parts_.scribe.attest(round, now));
    book_.attested();
    parts_.log.info(
        "attestation.signed",
        {{"round", round.attestation.round.value},
         {"accounts", round.attestation.account_count},
         {"root", to_hex(round.attestation.accounts)}}
    );
    return ok();
}

void Rounds::set_deficit(const ChainId& chain, std::optional<std::string> reason) {
    if (reason) {
        deficits_[chain] = std::move(*reason);
    } else {
        deficits_.erase(chain);
    }
}

}  // namespace margrave::relayer
