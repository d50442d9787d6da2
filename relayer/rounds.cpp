// SPDX-License-Identifier: Apache-2.0
#include "relayer/rounds.hpp"

#include "attest/digest.hpp"
#include "attest/tree.hpp"
#include "core/assert.hpp"
#include "margin/ramp.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/grants.hpp"
#include "relayer/liquidations.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

constexpr const char* kLastRound = "round/last";
/// Holdings that moved are attested after this part of the interval: anybody can move some with
/// every block, and each round costs every chain a transaction.
constexpr std::uint64_t kMovedPart = 6;

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

// Since when each latched account has been so; nothing in rounds whose bonus does not grow.
Result<std::map<AccountId, UnixSeconds>> parse_since(const Canonical& document) {
    std::map<AccountId, UnixSeconds> out;
    const auto* round = std::get_if<Canonical::Object>(&document.value());
    MARGRAVE_ASSERT(round != nullptr);
    const auto found = round->find("underWaterSince");
    if (found == round->end()) {
        return out;
    }
    const auto* rows = std::get_if<Canonical::Object>(&found->second.value());
    if (rows == nullptr) {
        return fail(Errc::kCorrupt, "the last round's times under water are no object");
    }
    for (const auto& [name, time] : *rows) {
        MARGRAVE_TRY(auto account, parse_account(name));
        const auto* text = std::get_if<std::string>(&time.value());
        if (text == nullptr) {
            return fail(
                Errc::kCorrupt, "the last round's time under water of " + name + " is none"
            );
        }
        MARGRAVE_TRY(auto amount, Amount::parse(*text));
        MARGRAVE_TRY(auto seconds, amount.to_u64());
        out.emplace(account, UnixSeconds{seconds});
    }
    return out;
}

Canonical chain_list(const std::set<ChainId>& chains) {
    Canonical::Array out;
    for (const ChainId& chain : chains) {
        out.push_back(chain.text());
    }
    return out;
}

/// Something that a seizure could take.
bool has_lot(const AccountHoldings& holdings) {
    return std::any_of(
        holdings.holdings.begin(),
        holdings.holdings.end(),
        [](const Holding& holding) { return !holding.free().is_zero(); }
    );
}

}  // namespace

Rounds::Rounds(Parts parts)
    : parts_(std::move(parts)),
      settings_(parts_.settings),
      book_(settings_.parameters) {}

Result<void> Rounds::open() {
    opened_ = parts_.clock.now();
    MARGRAVE_TRY(load_previous_rules());
    MARGRAVE_TRY(load_last_round());
    return fill_book();
}

Result<bool> Rounds::open_restored() {
    opened_ = parts_.clock.now();
    firm_.clear();
    MARGRAVE_TRY(load_previous_rules());
    MARGRAVE_TRY(load_last_round());
    for (auto& [chain, number] : firm_) {
        const auto covered = covered_.find(chain);
        if (covered == covered_.end() || covered->second < number) {
            return false;
        }
        number = covered->second;
    }
    MARGRAVE_TRY(fill_book());
    return true;
}

Result<void> Rounds::fill_book() {
    MARGRAVE_TRY(auto accounts, parts_.ledger.all_holdings(firm_));
    for (AccountHoldings& holdings : accounts) {
        book_.set(std::move(holdings));
    }
    return ok();
}

Result<void> Rounds::load_previous_rules() {
    MARGRAVE_TRY(previous_rules_, previous_parameters(parts_.database, parts_.settings.parameters));
    return ok();
}

margin::Parameters Rounds::rules_at(UnixSeconds issued_at) const {
    const margin::Parameters& next = parts_.settings.parameters;
    return previous_rules_ ? margin::at_time(*previous_rules_, next, issued_at) : next;
}

Result<void> Rounds::load_last_round() {
    const auto bytes = parts_.database.document(kLastRound);
    if (!bytes) {
        return ok();
    }
    MARGRAVE_TRY(auto document, parse_canonical(as_text(*bytes)));
    MARGRAVE_TRY(auto latched, member(document, "latchedAfter"));
    MARGRAVE_TRY(auto accounts, parse_accounts(latched));
    book_.set_latched(std::move(accounts));
    MARGRAVE_TRY(auto since, parse_since(document));
    book_.set_since(std::move(since));
    MARGRAVE_TRY(auto statement, member(document, "signed"));
    MARGRAVE_TRY(auto draft, parse_round_message(statement));
    for (const Head& head : draft.heads) {
        firm_.emplace(head.chain, head.number);
    }
    return recall_prices(draft.attestation);
}

// What prices were before is judged by what was signed, so that whoever has the documents sees it.
Result<void> Rounds::recall_prices(const Attestation& attestation) {
    const auto bytes = price_document(parts_.database, attestation);
    if (!bytes) {
        return ok();
    }
    MARGRAVE_TRY(const auto document, parse_canonical(as_text(*bytes)));
    MARGRAVE_TRY(auto memory, oracle::memory_of(document));
    parts_.oracle.remember(std::move(memory));
    return ok();
}

std::optional<store::AsOf> Rounds::next_firm() {
    store::AsOf next = firm_;
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        const auto covered = covered_.find(chain.chain);
        if (covered != covered_.end()) {
            BlockNum& number = next[chain.chain];
            number = std::max(number, covered->second);
        } else if (!next.contains(chain.chain)) {
            const bool final = parts_.ledger.chain_state(chain.chain).final.has_value();
            waiting_for_ = chain.chain.text() + (final ? " was not compared with its vault yet"
                                                       : " has no final block yet");
            return std::nullopt;
        }
    }
    return next;
}

Result<bool> Rounds::follow_finality() {
    const auto next = next_firm();
    if (!next) {
        return false;
    }
    std::set<AccountId> touched;
    std::set<AccountId> accruing;
    for (const auto& [chain, number] : *next) {
        const auto it = firm_.find(chain);
        const BlockNum from = it == firm_.end() ? BlockNum{0} : it->second;
        if (from == number) {
            continue;
        }
        MARGRAVE_TRY(auto accounts, parts_.ledger.touched_between(chain, from, number));
        touched.merge(accounts);
        MARGRAVE_TRY(auto owing, parts_.ledger.accruing(chain, number));
        accruing.merge(owing);
    }
    std::erase_if(accruing, [&touched](const AccountId& account) {
        return touched.contains(account);
    });
    // All or nothing: a book half moved would be attested under heads it does not stand on.
    MARGRAVE_TRY(std::vector<AccountHoldings> moved, read_each(touched, *next));
    MARGRAVE_TRY(std::vector<AccountHoldings> grown, read_accruing(accruing, *next));
    firm_ = *next;
    for (AccountHoldings& holdings : moved) {
        book_.set(std::move(holdings));
    }
    for (AccountHoldings& holdings : grown) {
        book_.accrue(std::move(holdings));
    }
    return true;
}

Result<std::vector<AccountHoldings>> Rounds::read_each(
    const std::set<AccountId>& accounts, const store::AsOf& at
) const {
    std::vector<AccountHoldings> out;
    for (const AccountId& account : accounts) {
        MARGRAVE_TRY(auto holdings, parts_.ledger.holdings(account, at));
        out.push_back(std::move(holdings));
    }
    return out;
}

// Interest moves every debtor with every block. Where they are many, one reading of all accounts is
// cheaper than one of each. Who is there no more was named by an event.
Result<std::vector<AccountHoldings>> Rounds::read_accruing(
    const std::set<AccountId>& accruing, const store::AsOf& at
) const {
    constexpr std::size_t kPartOfAll = 8;
    if (accruing.size() <= book_.size() / kPartOfAll) {
        return read_each(accruing, at);
    }
    MARGRAVE_TRY(auto all, parts_.ledger.all_holdings(at));
    std::erase_if(all, [&accruing](const AccountHoldings& holdings) {
        return !accruing.contains(holdings.account);
    });
    return all;
}

Result<void> Rounds::follow_provisional() {
    std::set<AccountId> unfinal;
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        const store::ChainState state = parts_.ledger.chain_state(chain.chain);
        MARGRAVE_ASSERT(state.head.has_value());
        const BlockNum firm = firm_.at(chain.chain);
        if (state.head->number <= firm) {
            continue;
        }
        MARGRAVE_TRY(
            auto touched, parts_.ledger.touched_between(chain.chain, firm, state.head->number)
        );
        unfinal.merge(touched);
    }
    book_.set_provisional(std::move(unfinal));
    return ok();
}

// A store that failed finds nothing any more, which says nothing of what it holds.
Result<BlockRef> Rounds::final_block(const ChainId& chain, BlockNum number) const {
    const auto block = parts_.ledger.block_at(chain, number);
    if (!block) {
        MARGRAVE_TRY(parts_.database.check());
        return fail(
            Errc::kCorrupt,
            "the ledger has no block " + std::to_string(number.value) + " of " + chain.text() +
                ", which it calls final"
        );
    }
    return *block;
}

Result<std::vector<Head>> Rounds::final_heads() const {
    std::vector<Head> heads;
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        const BlockNum number = firm_.at(chain.chain);
        MARGRAVE_TRY(const BlockRef block, final_block(chain.chain, number));
        MARGRAVE_TRY(auto counts, parts_.ledger.accumulators_at(chain.chain, number));
        heads.push_back({chain.chain, number, block.hash, counts.first.count, counts.first.hash});
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
    std::map<ChainId, BlockRef> heads = price_heads();
    prices_ = co_await parts_.oracle.read(std::move(heads), read_at);
    std::vector<oracle::SequencerFeed> feeds = sequencers();
    if (!feeds.empty()) {
        std::map<ChainId, Hash32> blocks = firm_hashes();
        oracle::CallAt call_at = parts_.call_at;
        sequencer_holds_ = co_await oracle::read_sequencers(
            std::move(feeds), std::move(call_at), std::move(blocks), read_at
        );
    }
    // Time passed and blocks came while the feeds were read: the state is taken now, in one piece.
    auto still = follow_finality();
    if (!still) {
        co_return still.as_failure();
    }
    // The prices were judged at this time, so this is the time the round is issued at.
    co_return decide(read_at);
}

Result<bool> Rounds::decide(UnixSeconds now) {
    MARGRAVE_TRY(const bool known, judge_chains(now));
    if (!known) {
        return false;
    }
    MARGRAVE_TRY(follow_provisional());
    table_.clear();
    for (const PriceRow& row : prices_->rows) {
        table_.emplace(row.asset, row);
    }
    MARGRAVE_TRY(const auto known_facts, facts(now));
    const margin::Parameters rules = rules_at(issue_time(now));
    settings_.parameters = margin::in_force(rules, table_, known_facts);
    // Between rounds nobody needs more than statuses, and the amounts of who is under water.
    const bool status_changed = book_.look(table_, dead_);
    const bool due = is_due(status_changed, now);
    if (due) {
        book_.mark(table_, dead_);
        MARGRAVE_TRY(sign_round(now));
    }
    if (parts_.scribe.last().round.value != 0) {
        const DecisionParts parts{
            settings_,
            parts_.ledger,
            parts_.database,
            parts_.scribe,
            book_,
            table_,
            firm_,
            parts_.log,
            limiter_,
            dead_,
            sequencer_holds_,
            prices_->uses,
            rules,
            known_facts};
        MARGRAVE_TRY(expire_ended(parts, now));
        MARGRAVE_TRY(answer_requests(parts, now, cursor_));
        MARGRAVE_TRY(plan_liquidations(parts, now, parts_.clock, sweep_));
    }
    MARGRAVE_TRY(parts_.scribe.publish());
    return due;
}

Result<margin::RoundFacts> Rounds::facts(UnixSeconds now) const {
    std::map<ChainId, UnixSeconds> head_times;
    for (const auto& [chain, number] : firm_) {
        MARGRAVE_TRY(const BlockRef block, final_block(chain, number));
        head_times.emplace(chain, block.time);
    }
    return round_facts(
        rules_at(issue_time(now)),
        prices_->memory,
        issue_time(now),
        std::move(head_times),
        book_.totals()
    );
}

bool Rounds::is_due(bool status_changed, UnixSeconds now) const {
    const Attestation& last = parts_.scribe.last();
    const auto interval =
        std::chrono::duration_cast<std::chrono::seconds>(parts_.settings.attestation_interval);
    const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(interval.count(), 1));
    const std::uint64_t wait =
        book_.moved() ? std::max<std::uint64_t>(seconds / kMovedPart, 1) : seconds;
    return last.round.value == 0 || status_changed || now.value >= last.issued_at.value + wait;
}

Result<RoundDraft> Rounds::draft(UnixSeconds now) const {
    RoundDraft draft;
    MARGRAVE_TRY(draft.heads, final_heads());
    draft.prices = prices_->rows;
    Attestation& a = draft.attestation;
    const Attestation& last = parts_.scribe.last();
    a.round = RoundNum{last.round.value + 1};
    a.signer_epoch = 1;
    a.issued_at = issue_time(now);
    a.valid_until = UnixSeconds{a.issued_at.value + settings_.parameters.validity_s};
    a.previous = parts_.scribe.last_digest();
    a.parameters = parts_.scribe.parameters_hash();
    a.snapshot = attest::snapshot_hash(draft.heads);
    a.prices = attest::price_root(draft.prices);
    a.accounts = book_.root();
    a.account_count = book_.size();

    draft.undelivered = dead_.chains;
    for (const auto& [account, row] : book_.rows()) {
        if (is_seizable(row.state.status) && has_lot(row.holdings)) {
            const StoredProof stored{a.round, row.state, book_.proof(account)};
            draft.proofs.emplace_back(
                proof_document(account, a.round), to_bytes(proof_json(stored).dump())
            );
        }
    }
    MARGRAVE_TRY(const Canonical evidenced, evidence(draft));
    const Bytes bytes = to_bytes(evidenced.dump());
    draft.documents.emplace_back("round/" + std::to_string(a.round.value), bytes);
    draft.documents.emplace_back(kLastRound, bytes);
    draft.documents.emplace_back(price_document_name(a), to_bytes(prices_->document.dump()));
    return draft;
}

Result<Canonical> Rounds::evidence(const RoundDraft& draft) const {
    Canonical::Array times;
    for (const Head& head : draft.heads) {
        MARGRAVE_TRY(const BlockRef block, final_block(head.chain, head.number));
        times.push_back(Canonical::Object{
            {"chain", head.chain.text()},
            {"time", Canonical::integer(block.time.value)},
        });
    }
    Canonical::Object out{
        {"dead", chain_list(dead_.chains)},
        {"halted", chain_list(parts_.board.halted())},
        {"headTimes", std::move(times)},
        {"heads", heads_json(draft.heads)},
        {"latched", account_list(book_.latched())},
        {"latchedAfter", account_list(book_.latched_after())},
        {"prices", to_hex(draft.attestation.prices)},
        {"provisional", account_list(book_.provisional())},
        {"round", Canonical::integer(draft.attestation.round.value)},
        {"signed", round_message(draft)},
    };
    if (settings_.parameters.liquidation.bonus_ramp_s != 0) {
        Canonical::Object since;
        for (const auto& [account, time] : book_.since_after(draft.attestation.issued_at)) {
            since.emplace(to_hex(account), Canonical::integer(time.value));
        }
        out.emplace("underWaterSince", std::move(since));
    }
    return out;
}

Result<void> Rounds::sign_round(UnixSeconds now) {
    MARGRAVE_TRY(auto round, draft(now));
    MARGRAVE_TRY(parts_.scribe.attest(round, now));
    if (parts_.scribe.last() != round.attestation) {
        // What was recorded before some trouble was finished in place of this draft, and its latch
        // counts. The book has moved on since, so the next round is due at once.
        return load_last_round();
    }
    book_.attested(round.attestation.issued_at);
    if (settings_.parameters.liquidation.bonus_ramp_s == 0) {
        // Times that no document says would be others after a restart.
        book_.set_since({});
    }
    parts_.oracle.remember(prices_->memory);
    parts_.log.info(
        "attestation.signed",
        {{"round", round.attestation.round.value},
         {"accounts", round.attestation.account_count},
         {"root", to_hex(round.attestation.accounts)}}
    );
    return ok();
}

}  // namespace margrave::relayer
