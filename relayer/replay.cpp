// SPDX-License-Identifier: Apache-2.0
#include "relayer/replay.hpp"

#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "margin/ramp.hpp"
#include "relayer/book.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/replay_step.hpp"
#include "relayer/round_facts.hpp"
#include "store/incidents.hpp"

#include <algorithm>
#include <set>

namespace margrave::relayer {

namespace {

Result<Canonical> document(const store::Database& database, const std::string& name) {
    const auto bytes = database.document(name);
    if (!bytes) {
        return fail(Errc::kNotFound, "the store has no document '" + name + "'");
    }
    return parse_canonical(as_text(*bytes));
}

Result<std::set<AccountId>> accounts_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto list, member(value, name));
    std::set<AccountId> out;
    const auto* items = std::get_if<Canonical::Array>(&list.value());
    if (items == nullptr) {
        return fail(Errc::kCorrupt, "'" + std::string(name) + "' is no array");
    }
    for (const Canonical& item : *items) {
        const auto* text = std::get_if<std::string>(&item.value());
        if (text == nullptr) {
            return fail(
                Errc::kCorrupt, "'" + std::string(name) + "' holds something else than text"
            );
        }
        MARGRAVE_TRY(auto account, parse_account(*text));
        out.insert(account);
    }
    return out;
}

Result<std::set<ChainId>> chains_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto list, member(value, name));
    const auto* items = std::get_if<Canonical::Array>(&list.value());
    if (items == nullptr) {
        return fail(Errc::kCorrupt, "'" + std::string(name) + "' is no array");
    }
    std::set<ChainId> out;
    for (const Canonical& item : *items) {
        const auto* text = std::get_if<std::string>(&item.value());
        MARGRAVE_TRY(auto chain, ChainId::parse(text == nullptr ? "" : *text));
        out.insert(std::move(chain));
    }
    return out;
}

Result<void> compare(std::string_view what, const Hash32& computed, const Hash32& signed_value) {
    if (computed == signed_value) {
        return ok();
    }
    return fail(
        Errc::kCheckFailed,
        std::string(what) + " computed again is " + to_hex(computed) + ", signed was " +
            to_hex(signed_value)
    );
}

/// What was read is input, whoever wrote it: the hashes below assert an order that it may not have.
Result<void> check_order(const RoundDraft& draft) {
    const auto& heads = draft.heads;
    for (std::size_t i = 1; i < heads.size(); ++i) {
        if (heads[i - 1].chain.key() >= heads[i].chain.key()) {
            return fail(Errc::kCheckFailed, "the stored heads do not ascend by chain");
        }
    }
    const auto& prices = draft.prices;
    for (std::size_t i = 1; i < prices.size(); ++i) {
        if (prices[i - 1].asset.key() >= prices[i].asset.key()) {
            return fail(Errc::kCheckFailed, "the stored prices do not ascend by asset");
        }
    }
    return ok();
}

/// The ledger stands on the very blocks that were attested. kNotFound where one lies in a run of
/// blocks that was read again after a restore: what it was is not kept.
Result<void> check_heads(const store::Ledger& ledger, const std::vector<Head>& heads) {
    for (const Head& head : heads) {
        const std::string name =
            "block " + std::to_string(head.number.value) + " of " + head.chain.text();
        const auto block = ledger.block_at(head.chain, head.number);
        if (!block) {
            const auto final = ledger.chain_state(head.chain).final;
            const bool is_inside = final && head.number < final->number;
            return fail(
                is_inside ? Errc::kNotFound : Errc::kCheckFailed,
                "the ledger has no " + name + ", which was attested" +
                    (is_inside ? ": it was filled in as part of a run" : "")
            );
        }
        MARGRAVE_TRY(compare(name, block->hash, head.hash));
        MARGRAVE_TRY(auto counts, ledger.accumulators_at(head.chain, head.number));
        MARGRAVE_TRY(compare("the accumulator at " + name, counts.first.hash, head.accumulator));
    }
    return ok();
}

/// The hub of the network's genesis document, which is the log's first leaf.
Result<ChainId> read_hub(const Hash32& network, const store::Database& database) {
    MARGRAVE_TRY(const Bytes bytes, database.leaf(0));
    MARGRAVE_TRY(const auto leaf, attest::read_leaf(network, bytes));
    MARGRAVE_TRY(const auto genesis, member(leaf.body, "genesis"));
    MARGRAVE_TRY(const auto hub, text_member(genesis, "hub"));
    return ChainId::parse(hub);
}

/// What the round says was halted, held against the stops that the store keeps with their leaves.
Result<std::set<ChainId>> read_halted(
    const store::Incidents& incidents, const Canonical& evidence, const RoundDraft& draft
) {
    std::set<ChainId> said;
    const auto* object = std::get_if<Canonical::Object>(&evidence.value());
    // Rounds that were signed before chains could be halted do not name any.
    if (object != nullptr && object->contains("halted")) {
        MARGRAVE_TRY(said, chains_member(evidence, "halted"));
    }
    const RoundNum round = draft.attestation.round;
    for (const Head& head : draft.heads) {
        MARGRAVE_TRY(const auto stops, incidents.stops(head.chain));
        const auto covers = [round](const store::ChainStop& stop) {
            return stop.must_cover(round);
        };
        const auto may = [round](const store::ChainStop& stop) {
            return stop.may_cover(round);
        };
        const bool is_said = said.contains(head.chain);
        if (is_said ? !std::ranges::any_of(stops, may) : std::ranges::any_of(stops, covers)) {
            return fail(
                Errc::kCheckFailed,
                "round " + std::to_string(round.value) + " counts " + head.chain.text() +
                    (is_said ? " as halted, which it was not" : " as running, but it was halted")
            );
        }
    }
    return said;
}

/// Which chains are dead in the round: halted, or with a head whose block time lies too far before
/// the time of issue. The ledger's block is the attested one, so its time is what was signed.
Result<margin::DeadChains> find_dead(
    const store::Ledger& ledger,
    const RoundDraft& draft,
    const margin::Parameters& parameters,
    const std::set<ChainId>& halted,
    const ChainId& hub
) {
    margin::DeadChains dead;
    for (const Head& head : draft.heads) {
        const auto block = ledger.block_at(head.chain, head.number);
        if (!block) {
            return fail(Errc::kCheckFailed, "the ledger lost a block of " + head.chain.text());
        }
        const std::uint64_t limit = parameters.head_age_limit(head.chain);
        if (halted.contains(head.chain) ||
            margin::is_head_too_old(block->time, draft.attestation.issued_at, limit)) {
            dead.add(head.chain, hub);
        }
    }
    return dead;
}

/// The round's evidence and what it says was signed.
Result<RoundDraft> read_draft(const Canonical& evidence, RoundNum round) {
    MARGRAVE_TRY(auto signed_draft, member(evidence, "signed"));
    MARGRAVE_TRY(auto draft, parse_round_message(signed_draft));
    if (round.value != 0 && draft.attestation.round != round) {
        return fail(
            Errc::kCheckFailed,
            "the store has round " + std::to_string(draft.attestation.round.value) +
                " in the place of round " + std::to_string(round.value)
        );
    }
    MARGRAVE_TRY(check_order(draft));
    MARGRAVE_TRY(
        compare("the snapshot", attest::snapshot_hash(draft.heads), draft.attestation.snapshot)
    );
    MARGRAVE_TRY(
        compare("the price root", attest::price_root(draft.prices), draft.attestation.prices)
    );
    return draft;
}

/// The parameters that were signed, as they were at the time of issue.
Result<margin::Parameters> read_parameters(
    const store::Database& database, const Attestation& attestation
) {
    MARGRAVE_TRY(const auto next, stored_parameters(database, attestation.parameters));
    MARGRAVE_TRY(const auto previous, previous_parameters(database, next));
    return previous ? margin::at_time(*previous, next, attestation.issued_at) : next;
}

/// What the guards remembered when the round was signed. Nothing where the document is not kept.
Result<oracle::Memory> read_memory(
    const store::Database& database, const Attestation& attestation
) {
    const auto bytes = price_document(database, attestation);
    if (!bytes) {
        return oracle::Memory{};
    }
    MARGRAVE_TRY(const auto document, parse_canonical(as_text(*bytes)));
    return oracle::memory_of(document);
}

Result<margin::RoundFacts> read_facts(
    const store::Database& database,
    const store::Ledger& ledger,
    const RoundDraft& draft,
    const margin::Parameters& parameters,
    const std::vector<AccountHoldings>& accounts
) {
    MARGRAVE_TRY(const auto memory, read_memory(database, draft.attestation));
    std::map<ChainId, UnixSeconds> head_times;
    for (const Head& head : draft.heads) {
        const auto block = ledger.block_at(head.chain, head.number);
        if (!block) {
            return fail(Errc::kCheckFailed, "the ledger lost a block of " + head.chain.text());
        }
        head_times.emplace(head.chain, block->time);
    }
    margin::Totals totals;
    for (const AccountHoldings& account : accounts) {
        totals.add(account);
    }
    return round_facts(
        parameters, memory, draft.attestation.issued_at, std::move(head_times), std::move(totals)
    );
}

/// The latch that the round leaves is that of its own states.
Result<void> check_latched_after(
    const Canonical& evidence,
    const std::vector<margin::Evaluation>& evaluations,
    const std::set<AccountId>& latched
) {
    MARGRAVE_TRY(const auto said, accounts_member(evidence, "latchedAfter"));
    std::set<AccountId> computed;
    for (const margin::Evaluation& row : evaluations) {
        const AccountState& state = row.state;
        const bool unknown = state.status == Status::kUnattestable;
        if (is_seizable(state.status) || (unknown && latched.contains(state.account))) {
            computed.insert(state.account);
        }
    }
    if (said != computed) {
        return fail(Errc::kCheckFailed, "the latch after the round is not that of its states");
    }
    return ok();
}

}  // namespace

Result<ReplayedRound> replay_round(
    const Hash32& network,
    const store::Database& database,
    const store::Ledger& ledger,
    RoundNum round
) {
    ReplayedRound out;
    const std::string name =
        round.value == 0 ? "round/last" : "round/" + std::to_string(round.value);
    MARGRAVE_TRY(auto evidence, document(database, name));
    MARGRAVE_TRY(auto draft, read_draft(evidence, round));
    out.attestation = draft.attestation;
    out.heads = draft.heads;
    out.digest = attest::digest_of(network, draft.attestation);
    for (const PriceRow& row : draft.prices) {
        out.prices.emplace(row.asset, row);
    }
    MARGRAVE_TRY(const auto parameters, read_parameters(database, draft.attestation));
    MARGRAVE_TRY(check_heads(ledger, out.heads));
    store::AsOf as_of;
    for (const Head& head : out.heads) {
        as_of[head.chain] = head.number;
    }
    store::Incidents incidents(database);
    MARGRAVE_TRY(const auto halted, read_halted(incidents, evidence, draft));
    MARGRAVE_TRY(const auto hub, read_hub(network, database));
    MARGRAVE_TRY(out.dead, find_dead(ledger, draft, parameters, halted, hub));
    MARGRAVE_TRY(auto latched, accounts_member(evidence, "latched"));
    MARGRAVE_TRY(auto provisional, accounts_member(evidence, "provisional"));
    MARGRAVE_TRY(auto accounts, ledger.all_holdings(as_of));
    MARGRAVE_TRY(out.facts, read_facts(database, ledger, draft, parameters, accounts));
    out.parameters = margin::in_force(parameters, out.prices, out.facts);
    const margin::Market market(out.prices, out.parameters, out.dead);
    std::vector<Hash32> leaves;
    for (const AccountHoldings& holdings : accounts) {
        out.evaluations.push_back(margin::evaluate(
            holdings,
            market,
            latched.contains(holdings.account),
            provisional.contains(holdings.account)
        ));
        leaves.push_back(attest::leaf_hash(out.evaluations.back().state));
    }
    out.tree = attest::MerkleTree(std::move(leaves));
    MARGRAVE_TRY(compare("the account root", out.tree.root(), draft.attestation.accounts));
    if (accounts.size() != draft.attestation.account_count) {
        return fail(
            Errc::kCheckFailed,
            "the ledger has " + std::to_string(accounts.size()) + " accounts, " +
                std::to_string(draft.attestation.account_count) + " were attested"
        );
    }
    MARGRAVE_TRY(check_latched_after(evidence, out.evaluations, latched));
    MARGRAVE_TRY(out.unable, check_step(database, evidence, draft));
    return out;
}

}  // namespace margrave::relayer
