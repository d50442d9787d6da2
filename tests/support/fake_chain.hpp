// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/tree.hpp"
#include "core/assert.hpp"
#include "core/events.hpp"
#include "core/keccak.hpp"
#include "core/statements.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace margrave::tests {

/// A transaction as the fake chain has it. `raw` holds the target and the data in full.
struct FakeTxn {
    std::uint64_t nonce{0};
    Amount max_fee;
    Amount priority_fee;
    std::uint64_t gas_limit{0};
    std::optional<Address> to;
    Bytes data;
    Hash32 hash;
    Bytes raw;
};

struct FakeReceipt {
    FakeTxn txn;
    bool succeeded{true};
    std::string reason;
};

/// A chain in memory with the state of Margrave's contracts after each block, so that a reorg takes
/// everything back. The contracts' rules are those that the daemon counts on and no more.
class FakeChain {
  public:
    using Body = std::variant<Movement, Position, MappedEvent>;

    struct Lot {
        Seizure seizure;
        UnixSeconds opened;
    };

    /// What the contracts and the sender's account hold after a block.
    struct State {
        Attestation attestation;
        Hash32 digest;
        std::set<Hash32> executed;
        std::map<Hash32, Lot> lots;
        std::map<Address, Amount> custody;
        std::uint64_t nonce{0};
    };

    struct Block {
        BlockData data;
        State after;
        std::vector<FakeReceipt> receipts;
    };

    FakeChain(ChainId id, Address vault, UnixSeconds start)
        : id_(std::move(id)),
          vault_(vault) {
        Block first;
        first.data.block.number = BlockNum{100};
        first.data.block.hash = keccak256("first block of " + id_.text());
        first.data.block.parent = keccak256("before " + id_.text());
        first.data.block.time = start;
        blocks_.push_back(std::move(first));
    }

    [[nodiscard]] const ChainId& id() const { return id_; }

    [[nodiscard]] const Address& vault() const { return vault_; }

    [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }

    [[nodiscard]] const BlockRef& head() const { return blocks_.back().data.block; }

    [[nodiscard]] const State& state() const { return blocks_.back().after; }

    [[nodiscard]] const Block* find(const Hash32& hash) const {
        for (const Block& block : blocks_) {
            if (block.data.block.hash == hash) {
                return &block;
            }
        }
        return nullptr;
    }

    [[nodiscard]] const Block* at(BlockNum number) const {
        const std::uint64_t first = blocks_.front().data.block.number.value;
        const bool there = number.value >= first && number.value - first < blocks_.size();
        return there ? &blocks_[number.value - first] : nullptr;
    }

    /// Starts a block; what is added until `close` is in it.
    void open(std::uint64_t seconds) {
        Block next;
        next.data.block.number = BlockNum{head().number.value + 1};
        next.data.block.parent = head().hash;
        next.data.block.time = UnixSeconds{head().time.value + seconds};
        next.data.vault = blocks_.back().data.vault;
        next.data.positions = blocks_.back().data.positions;
        next.after = state();
        open_ = std::move(next);
    }

    [[nodiscard]] Block& building() {
        MARGRAVE_ASSERT(open_.has_value());
        return *open_;
    }

    /// Who emits every mapped event.
    static Address watched() { return low_address(keccak256("watched")); }

    /// An event of the vault, the position book or the watched contract in the open block.
    void add(Body body) {
        Block& block = building();
        ChainEvent event;
        if (auto* movement = std::get_if<Movement>(&body)) {
            movement->sequence = block.data.vault.count + 1;
            block.data.vault = fold(block.data.vault, *movement);
            event.emitter = vault_;
            move_custody(block.after, *movement);
        } else if (auto* position = std::get_if<Position>(&body)) {
            position->sequence = block.data.positions.count + 1;
            block.data.positions = fold(block.data.positions, *position);
            event.emitter = low_address(keccak256("position book"));
        } else {
            event.emitter = watched();
        }
        std::visit([&event](auto& what) { event.body = std::move(what); }, body);
        event.log_index = static_cast<std::uint32_t>(block.data.events.size());
        event.txn_hash = keccak256("txn " + std::to_string(++made_));
        block.data.events.push_back(std::move(event));
    }

    void close() {
        Block& block = building();
        Bytes content = to_bytes("block");
        put_bytes(content, block.data.block.parent.view());
        put_u64(content, ++made_);
        block.data.block.hash = keccak256(content);
        blocks_.push_back(std::move(block));
        open_.reset();
    }

    /// Takes the newest `depth` blocks away and gives their transactions back.
    std::vector<FakeTxn> drop(std::size_t depth) {
        MARGRAVE_ASSERT(depth < blocks_.size());
        std::vector<FakeTxn> txns;
        for (std::size_t i = 0; i < depth; ++i) {
            for (const FakeReceipt& receipt : blocks_.back().receipts) {
                txns.push_back(receipt.txn);
            }
            blocks_.pop_back();
        }
        return txns;
    }

    /// Makes these blocks the chain again, as they were once: a fork that comes back.
    void restore(std::vector<Block> blocks) {
        MARGRAVE_ASSERT(!blocks.empty() && !open_);
        blocks_ = std::move(blocks);
    }

    /// Runs an instruction on `state` as the contracts would at `time`; the name of the error that
    /// refuses it, or empty. Events go to `out`.
    static std::string execute(
        const Instruction& instruction, State& state, UnixSeconds time, std::vector<Body>& out
    ) {
        return std::visit(Execution{state, time, out}, instruction);
    }

  private:
    struct Execution {
        State& state;
        UnixSeconds time;
        std::vector<Body>& out;

        std::string operator()(const SubmitAttestation& order) const {
            const Attestation& a = order.attestation;
            if (a.round <= state.attestation.round) {
                return "RoundNotNewer";
            }
            if (a.issued_at.value > time.value + 60) {
                return "IssuedInFuture";
            }
            if (a.valid_until <= time) {
                return "AttestationExpired";
            }
            state.attestation = a;
            return {};
        }

        std::string operator()(const ExecuteRelease& order) const {
            const Release& r = order.release;
            if (time >= r.deadline) {
                return "DeadlinePassed";
            }
            if (!state.executed.insert(r.id).second) {
                return "AlreadyExecuted";
            }
            move(MovementKind::kRelease, r.account, r.token, r.amount, r.id);
            return {};
        }

        std::string operator()(const ExecuteSeizure& order) const {
            const Seizure& s = order.seizure;
            if (time >= s.deadline) {
                return "DeadlinePassed";
            }
            const Hash32 leaf = attest::leaf_hash(order.leaf);
            if (!attest::verify_proof(state.attestation.accounts, leaf, order.proof)) {
                return "NotProved";
            }
            if (!state.executed.insert(s.id).second) {
                return "AlreadyExecuted";
            }
            state.lots.emplace(s.id, Lot{s, time});
            move(MovementKind::kSeizure, s.account, s.token, s.amount, s.id);
            return {};
        }

        std::string operator()(const CloseSale& order) const {
            const auto lot = state.lots.find(order.seizure);
            if (lot == state.lots.end()) {
                return "NoSuchLot";
            }
            const Seizure s = lot->second.seizure;
            state.lots.erase(lot);
            move(MovementKind::kProceeds, s.account, s.token, s.amount, s.id);
            return {};
        }

        void move(
            MovementKind kind,
            const AccountId& account,
            const Address& token,
            const Amount& amount,
            const Hash32& id
        ) const {
            Movement m;
            m.kind = kind;
            m.account = account;
            m.token = token;
            m.amount = amount;
            m.counterparty = id;
            out.emplace_back(m);
        }
    };

    static void move_custody(State& state, const Movement& m) {
        Amount& held = state.custody[m.token];
        switch (m.kind) {
            case MovementKind::kDeposit:
            case MovementKind::kProceeds:
            case MovementKind::kRepayment:
            case MovementKind::kPoolFunding:
                held = margrave::add(held, m.amount).value();
                return;
            case MovementKind::kRelease:
            case MovementKind::kSeizure:
            case MovementKind::kExit:
                held = sub_or_zero(held, m.amount);
                return;
            case MovementKind::kWithdrawalRequest:
            case MovementKind::kBorrowRequest:
                return;
        }
    }

    ChainId id_;
    Address vault_;
    std::vector<Block> blocks_;
    std::optional<Block> open_;
    std::uint64_t made_{0};
};

}  // namespace margrave::tests
