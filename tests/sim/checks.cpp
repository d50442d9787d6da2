// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/checks.hpp"

#include "attest/digest.hpp"
#include "core/interest.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/silence.hpp"

#include <algorithm>

namespace margrave::tests::sim {

namespace {

namespace users = relayer::tests;

/// What all events up to a block say that an account brought and took, in one token. A loan that is
/// paid out is taken, a repayment is brought: what is owned less what is owed is the difference,
/// less interest.
struct Flow {
    Amount in;
    Amount out;
    /// Each may have rounded interest once.
    std::uint64_t events{0};
};

bool brings(MovementKind kind) {
    switch (kind) {
        case MovementKind::kDeposit:
        case MovementKind::kProceeds:
        case MovementKind::kRepayment:
        case MovementKind::kPoolFunding:
            return true;
        case MovementKind::kWithdrawalRequest:
        case MovementKind::kBorrowRequest:
        case MovementKind::kRelease:
        case MovementKind::kSeizure:
        case MovementKind::kExit:
            return false;
    }
    return false;
}

bool is_request(MovementKind kind) {
    return kind == MovementKind::kWithdrawalRequest || kind == MovementKind::kBorrowRequest;
}

using Flows = std::map<std::pair<AccountId, Address>, Flow>;

Flows flows_up_to(const FakeChain& chain, BlockNum last) {
    Flows flows;
    for (const FakeChain::Block& block : chain.blocks()) {
        if (block.data.block.number > last) {
            break;
        }
        for (const ChainEvent& event : block.data.events) {
            const auto* movement = std::get_if<Movement>(&event.body);
            if (movement == nullptr || is_request(movement->kind)) {
                continue;
            }
            const Movement& m = *movement;
            Flow& flow = flows[{m.account, m.token}];
            ++flow.events;
            Amount& side = brings(m.kind) ? flow.in : flow.out;
            side = add(side, m.amount).value();
        }
    }
    return flows;
}

/// What dollars that were lent at the very beginning have become, by the rates that were told.
Amount index_up_to(const FakeChain& chain, const BlockRef& last) {
    InterestIndex index{index_one(), Amount{}, last.time};
    for (const FakeChain::Block& block : chain.blocks()) {
        if (block.data.block.number > last.number) {
            break;
        }
        for (const ChainEvent& event : block.data.events) {
            if (const auto* mapped = std::get_if<MappedEvent>(&event.body)) {
                const UnixSeconds now = block.data.block.time;
                const Amount rate = std::get<MappedRate>(mapped->what).rate;
                index = {index_at(index, now), rate, now};
            }
        }
    }
    return index_at(index, last.time);
}

/// The most interest that an account can owe that took so much.
Amount most_interest(const Flow& flow, const Amount& index) {
    if (index == index_one()) {
        return {};
    }
    const Amount grown = with_interest(flow.out, index_one(), index).value();
    return add(sub_or_zero(grown, flow.out), Amount(flow.events)).value();
}

}  // namespace

Checks::Checks(World& world, const Chains& chains)
    : world_(world),
      chains_(chains) {}

void Checks::check_digest(const std::string& subject, const Hash32& digest) {
    const auto [known, is_new] = digests_.emplace(subject, digest);
    if (!is_new && known->second != digest) {
        throw Finding(
            "two digests were signed for " + subject + ": " + to_hex(known->second) + " and " +
            to_hex(digest)
        );
    }
}

void Checks::check_release(std::size_t chain, const Release& release) {
    const auto& node = *world_.nodes[chain];
    for (const FakeChain::Block& block : node.chain.blocks()) {
        for (const ChainEvent& event : block.data.events) {
            const auto* movement = std::get_if<Movement>(&event.body);
            if (movement == nullptr || !is_request(movement->kind)) {
                continue;
            }
            const Movement& m = *movement;
            if (release_id(world_.id(chain).key(), release.vault, m.sequence) != release.id) {
                continue;
            }
            if (m.account != release.account || m.token != release.token ||
                m.amount != release.amount) {
                throw Finding(
                    "a release is not what request " + std::to_string(m.sequence) + " asked"
                );
            }
            if (block.data.block.number > node.final) {
                throw Finding(
                    "request " + std::to_string(m.sequence) + " is granted, but not final"
                );
            }
            return;
        }
    }
    throw Finding("a release answers no request of its chain");
}

void Checks::check_statement(std::size_t chain, const Instruction& instruction) {
    const Hash32 network = world_.settings.genesis.network();
    if (const auto* submit = std::get_if<SubmitAttestation>(&instruction)) {
        const std::string round = std::to_string(submit->attestation.round.value);
        check_digest("round " + round, attest::digest_of(network, submit->attestation));
    } else if (const auto* release = std::get_if<ExecuteRelease>(&instruction)) {
        const std::string subject = "release " + to_hex(release->release.id);
        const bool known = digests_.contains(subject);
        check_digest(subject, attest::digest_of(network, release->release));
        if (!known && !chains_.is_broken(chain)) {
            check_release(chain, release->release);
        }
    } else if (const auto* seizure = std::get_if<ExecuteSeizure>(&instruction)) {
        check_digest(
            "seizure " + to_hex(seizure->seizure.id), attest::digest_of(network, seizure->seizure)
        );
    }
}

void Checks::check_statements(std::size_t chain) {
    const auto& made = world_.nodes[chain]->instructions;
    if (made.size() == seen_[chain].size()) {
        return;
    }
    for (const auto& [name, instruction] : made) {
        if (seen_[chain].insert(name).second) {
            check_statement(chain, instruction);
        }
    }
}

// I4: heads are final blocks of the chains and never go back, usable prices are young enough.
void Checks::check_round() {
    const Attestation& last = world_.scribe->last();
    if (last.round == round_) {
        return;
    }
    if (last.round.value < round_.value) {
        throw Finding("the rounds went back from " + std::to_string(round_.value));
    }
    round_ = last.round;
    const auto bytes = world_.database->document("round/last");
    const auto document = parse_canonical(as_text(bytes.value()));
    const auto message = relayer::member(document.value(), "signed");
    const auto draft = relayer::parse_round_message(message.value()).value();
    for (const Head& head : draft.heads) {
        const std::size_t c = head.chain == world_.id(0) ? 0 : 1;
        const auto& node = *world_.nodes[c];
        BlockNum& before = attested_[head.chain];
        if (head.number < before) {
            throw Finding("the head of " + head.chain.text() + " in a round went back");
        }
        before = head.number;
        if (chains_.is_broken(c)) {
            continue;
        }
        const FakeChain::Block* block = node.chain.at(head.number);
        if (block == nullptr || block->data.block.hash != head.hash || head.number > node.final) {
            throw Finding(
                "a round stands on a block of " + head.chain.text() + " that is not final"
            );
        }
        if (block->data.vault.count != head.events || block->data.vault.hash != head.accumulator) {
            throw Finding("a round names other events of " + head.chain.text() + " than its vault");
        }
    }
    for (const PriceRow& row : draft.prices) {
        const auto* asset = world_.settings.parameters.find(row.asset);
        const bool old = row.published_at.value + asset->max_age_s < last.issued_at.value;
        // A time of issue never goes back, so a clock that was ahead makes it later than the
        // prices.
        if (row.verdict == PriceVerdict::kUsable && old && last.issued_at == world_.clock.now()) {
            throw Finding("a round uses a price of " + row.asset.text() + " that is too old");
        }
    }
}

// A registry never has what this directory does not know of.
void Checks::check_registry(std::size_t chain) {
    const Attestation& there = world_.nodes[chain]->chain.state().attestation;
    if (there.round.value == 0) {
        return;
    }
    const Hash32 digest = attest::digest_of(world_.settings.genesis.network(), there);
    const relayer::OwnRound own{world_.scribe->last().round, world_.scribe->last_digest()};
    const auto known = relayer::check_registry(world_.id(chain), there.round, digest, own);
    if (!known) {
        throw Finding(known.error().detail);
    }
}

// I1 and I2 by a sum of their own: what an account owns less what it owes is what came less what
// went, whatever it went through; and the vault of the ledger is that of the chain.
void Checks::check_balances(std::size_t chain) {
    const ChainId& id = world_.id(chain);
    const auto head = world_.ledger->chain_state(id).head;
    if (!head || head->hash == balanced_at_[chain]) {
        return;
    }
    const FakeChain& c = world_.nodes[chain]->chain;
    const FakeChain::Block* block = c.find(head->hash);
    if (block == nullptr) {
        return;
    }
    balanced_at_[chain] = head->hash;
    const Flows flows = flows_up_to(c, head->number);
    const Amount index = index_up_to(c, *head);
    const store::AsOf as_of{{id, head->number}};
    for (std::uint64_t a = 1; a <= kAccounts; ++a) {
        const auto holdings = world_.ledger->holdings(users::account(a), as_of).value();
        for (const Address& token : {users::coin(), users::dollar_token()}) {
            Amount own;
            Amount owed;
            for (const Holding& holding : holdings.holdings) {
                if (holding.asset.token() == token) {
                    // A lot that is not sold yet is still the account's, but not in the vault.
                    own = sub_or_zero(holding.collateral, holding.in_sale);
                    owed = holding.debt;
                }
            }
            const auto flow = flows.find({users::account(a), token});
            const Flow f = flow == flows.end() ? Flow{} : flow->second;
            const bool bears = token == users::dollar_token();
            const Amount interest = bears ? most_interest(f, index) : Amount{};
            const Amount took = add(own, f.out).value();
            const Amount brought = add(owed, f.in).value();
            if (brought < took || sub_or_zero(brought, took) > interest) {
                throw Finding(
                    "account " + std::to_string(a) + " at block " +
                    std::to_string(head->number.value) + " of " + id.text() + " has " +
                    own.to_string() + " and owes " + owed.to_string() + ", but brought " +
                    f.in.to_string() + " and took " + f.out.to_string() +
                    ", with interest of at most " + interest.to_string()
                );
            }
        }
    }
    for (const store::LedgerDefinition& ledger : world_.ledger->ledgers()) {
        if (ledger.asset.chain() != id) {
            continue;
        }
        auto trial = world_.ledger->trial_balance(ledger.id, head->number).value();
        const auto held = block->after.custody.find(ledger.asset.token());
        const Amount custody = held == block->after.custody.end() ? Amount{} : held->second;
        if (trial.totals[store::AccountCode::kVault] != custody) {
            throw Finding(
                "the ledger's vault of " + ledger.asset.text() + " is " +
                trial.totals[store::AccountCode::kVault].to_string() + ", the chain's " +
                custody.to_string()
            );
        }
    }
}

void Checks::note_leaves() {
    for (std::uint64_t i = leaves_.size(); i < world_.database->leaf_count(); ++i) {
        leaves_.push_back(keccak256(world_.database->leaf(i).value()));
    }
}

void Checks::after_step() {
    for (std::size_t c = 0; c < kChains; ++c) {
        check_statements(c);
        check_registry(c);
        check_balances(c);
    }
    check_round();
    note_leaves();
}

void Checks::after_start() {
    const std::uint64_t count = world_.database->leaf_count();
    if (count < leaves_.size()) {
        throw Finding(
            std::to_string(leaves_.size()) + " leaves were acknowledged, after a start there are " +
            std::to_string(count)
        );
    }
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
        if (keccak256(world_.database->leaf(i).value()) != leaves_[i]) {
            throw Finding("leaf " + std::to_string(i) + " is another one after a start");
        }
    }
    // What a fork or a loss of power took back is looked at again.
    balanced_at_ = {};
}

}  // namespace margrave::tests::sim
