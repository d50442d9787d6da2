// SPDX-License-Identifier: Apache-2.0
// What is looked at once at the end of a seed.
#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "relayer/audit.hpp"
#include "relayer/replay.hpp"
#include "tests/sim/checks.hpp"

namespace margrave::tests::sim {

namespace {

Hash32 digest_of(const Hash32& network, const Instruction& instruction) {
    if (const auto* submit = std::get_if<SubmitAttestation>(&instruction)) {
        return attest::digest_of(network, submit->attestation);
    }
    if (const auto* release = std::get_if<ExecuteRelease>(&instruction)) {
        return attest::digest_of(network, release->release);
    }
    const auto* seizure = std::get_if<ExecuteSeizure>(&instruction);
    return seizure == nullptr ? Hash32{} : attest::digest_of(network, seizure->seizure);
}

/// Whose call data the transaction carries, if any.
const Instruction* instruction_of(const FakeAdapter::Node& node, const FakeTxn& txn) {
    constexpr std::size_t kCallSize = 4 + Hash32::kSize;
    if (!txn.to || txn.data.size() != kCallSize) {
        return nullptr;
    }
    ByteReader reader(ByteView(txn.data).subspan(4));
    const auto found = node.instructions.find(reader.hash32().value());
    return found == node.instructions.end() ? nullptr : &found->second;
}

void expect(bool holds, const std::string& what) {
    if (!holds) {
        throw Finding(what);
    }
}

/// The outbox of a chain and what its node waits for, for people.
std::string outbox_of(const World& world, std::size_t chain) {
    std::string out = "; the chain's next nonce is " +
                      std::to_string(world.nodes[chain]->chain.state().nonce) + ", the outbox:";
    const auto open = world.database->open_intents().value();
    for (const store::Intent& intent : open) {
        if (intent.chain == world.id(chain)) {
            out += " [" + intent.kind + " " + intent.label + " " +
                   std::string(store::to_string(intent.state)) +
                   (intent.nonce ? " nonce " + std::to_string(*intent.nonce) : "") + " " +
                   intent.error + "]";
        }
    }
    return out;
}

template <class T>
T value_of(Result<T> result, const std::string& what) {
    expect(result.has_value(), what + ": " + (result ? "" : result.error().detail));
    return std::move(result).value();
}

}  // namespace

// I6.
void Checks::check_caught_up() {
    for (std::size_t c = 0; c < kChains; ++c) {
        const auto& node = *world_.nodes[c];
        const store::ChainState state = world_.ledger->chain_state(world_.id(c));
        const std::string chain = world_.id(c).text();
        expect(
            state.head && state.head->hash == node.chain.head().hash, chain + " is not caught up"
        );
        expect(state.final && state.final->number == node.final, chain + " is not final");
        const Attestation& there = node.chain.state().attestation;
        expect(
            there.round == world_.scribe->last().round,
            "round " + std::to_string(world_.scribe->last().round.value) + " does not reach " +
                chain + ", which has " + std::to_string(there.round.value) + outbox_of(world_, c)
        );
    }
}

// I10, and that no nonce is spent for two intents.
void Checks::check_executions(std::size_t chain) {
    const auto& node = *world_.nodes[chain];
    std::set<std::pair<MovementKind, Hash32>> done;
    for (const FakeChain::Block& block : node.chain.blocks()) {
        for (const ChainEvent& event : block.data.events) {
            const auto* movement = std::get_if<Movement>(&event.body);
            if (movement == nullptr) {
                continue;
            }
            const Movement& m = *movement;
            const bool ours = m.kind == MovementKind::kRelease ||
                              m.kind == MovementKind::kSeizure || m.kind == MovementKind::kProceeds;
            expect(
                !ours || done.emplace(m.kind, m.counterparty).second,
                std::string(to_string(m.kind)) + " " + to_hex(m.counterparty) +
                    " was executed twice"
            );
        }
    }
}

// I8: an outsider reads the published log; it holds every statement that left.
void Checks::check_log() {
    const Hash32 network = world_.settings.genesis.network();
    const auto published = value_of(
        relayer::read_published(world_.settings.data_dir / "log", network), "the published log"
    );
    const std::vector<Bytes>& entries = published.log.entries;
    if (entries.size() < leaves_.size()) {
        const Bytes first = value_of(world_.database->leaf(entries.size()), "leaf");
        const std::string kind = value_of(attest::read_leaf(network, first), "leaf").kind;
        throw Finding(
            "the published log has " + std::to_string(entries.size()) + " of " +
            std::to_string(leaves_.size()) + " leaves; the next is a " + kind
        );
    }
    expect(entries.size() == leaves_.size(), "the published log has leaves that nobody wrote");
    const attest::AuditReport report =
        attest::audit(network, entries, published.signers, published.threshold);
    expect(
        report.findings.empty(),
        report.findings.empty() ? "" : "audit: " + report.findings.front().what
    );
    std::set<Hash32> logged;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        expect(keccak256(entries[i]) == leaves_[i], "the published log has another leaf");
        logged.insert(value_of(attest::read_leaf(network, entries[i]), "leaf").digest);
    }
    for (const auto& node : world_.nodes) {
        for (const FakeTxn& txn : node->seen) {
            const Instruction* order = instruction_of(*node, txn);
            const Hash32 digest = order == nullptr ? Hash32{} : digest_of(network, *order);
            expect(
                digest.is_zero() || logged.contains(digest),
                "a signature left that the log does not hold: " + to_hex(digest)
            );
        }
    }
}

// I3 by the guard's own word: it knows every round that was ever signed.
void Checks::check_guard() {
    const Hash32 network = world_.settings.genesis.network();
    std::set<Hash32> recorded;
    for (const store::GuardEntry& entry : value_of(world_.guard->entries(false), "the guard")) {
        recorded.insert(entry.digest);
    }
    for (const auto& [subject, digest] : digests_) {
        expect(recorded.contains(digest), "the guard does not know what was signed for " + subject);
    }
    expect(!network.is_zero(), "there is no network");
}

// I5: the ledger is that of a daemon which reads the canonical chains for the first time.
void Checks::check_replay() {
    const std::filesystem::path dir = world_.dir.path() / "replay";
    {
        const Hash32 network = world_.settings.genesis.network();
        auto database = value_of(store::Database::open({dir, network, false}), "the replay");
        store::Ledger clean(*database);
        store::AsOf as_of;
        for (const store::LedgerDefinition& ledger : world_.ledger->ledgers()) {
            value_of(clean.define(ledger.asset, ledger.decimals), "the replay");
        }
        for (std::size_t c = 0; c < kChains; ++c) {
            BlocksFinal all;
            for (const FakeChain::Block& block : world_.nodes[c]->chain.blocks()) {
                all.blocks.push_back(block.data);
            }
            value_of(clean.apply(world_.id(c), all), "the replay");
            as_of.emplace(world_.id(c), all.blocks.back().block.number);
        }
        const auto ours = value_of(world_.ledger->all_holdings(as_of), "holdings");
        expect(
            ours == value_of(clean.all_holdings(as_of), "holdings"), "holdings differ from a replay"
        );
        for (const store::LedgerDefinition& ledger : world_.ledger->ledgers()) {
            const BlockNum at = as_of.at(ledger.asset.chain());
            const auto trial = value_of(world_.ledger->trial_balance(ledger.id, at), "balance");
            const auto other = value_of(clean.trial_balance(ledger.id, at), "balance");
            expect(trial.totals == other.totals, "balances of " + ledger.asset.text() + " differ");
        }
        for (const auto& [chain, number] : as_of) {
            const auto have = value_of(world_.ledger->requests(chain, number, false), "requests");
            const auto want = value_of(clean.requests(chain, number, false), "requests");
            expect(have.size() == want.size(), "requests of " + chain.text() + " differ");
            for (std::size_t i = 0; i < have.size(); ++i) {
                const bool executed = have[i].state == store::RequestState::kExecuted;
                const bool also = want[i].state == store::RequestState::kExecuted;
                expect(
                    have[i].number == want[i].number && have[i].amount == want[i].amount &&
                        executed == also,
                    "request " + std::to_string(have[i].number) + " of " + chain.text() + " differs"
                );
            }
        }
    }
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
}

void Checks::check_last_round() {
    const auto replayed = relayer::replay_round(
        world_.settings.genesis.network(), *world_.database, *world_.ledger, RoundNum{0}
    );
    expect(replayed.has_value(), replayed ? "" : "the last round: " + replayed.error().detail);
    expect(
        replayed.value().digest == world_.scribe->last_digest(),
        "the last round comes out otherwise"
    );
}

void Checks::at_end(bool deep) {
    after_step();
    check_caught_up();
    for (std::size_t c = 0; c < kChains; ++c) {
        check_executions(c);
    }
    check_log();
    check_guard();
    check_replay();
    check_last_round();
    if (deep) {
        const Result<void> verified = world_.ledger->verify();
        expect(verified.has_value(), verified ? "" : "verify: " + verified.error().detail);
    }
}

}  // namespace margrave::tests::sim
