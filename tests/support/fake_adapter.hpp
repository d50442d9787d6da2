// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "attest/digest.hpp"
#include "chains/adapter.hpp"
#include "tests/support/fake_chain.hpp"

namespace margrave::tests {

/// A ChainAdapter over a FakeChain, without a network: what is asked is answered at once, or fails
/// as the test scripted it. The chain moves only when the test says so. Two adapters may share one
/// chain, as two runs of the daemon do.
class FakeAdapter final : public chains::ChainAdapter {
  public:
    /// What the node, rather than the daemon, remembers.
    struct Node {
        explicit Node(FakeChain c) : chain(std::move(c)) {}

        FakeChain chain;
        std::map<std::uint64_t, FakeTxn> mempool;
        /// What call data stands for.
        std::map<Hash32, Instruction> instructions;
        BlockNum final{100};
        chains::FeeQuote fees{Amount{10}, Amount{2}};
        Amount balance{1'000'000'000'000'000'000};
        /// Reasons by which a target refuses every call.
        std::map<Address, std::string> refusals;
        /// Tokens the vault lost without an event.
        std::map<Address, Amount> missing;
        /// Every transaction that was signed, by hash: what its bytes mean.
        std::map<Hash32, FakeTxn> made;
        /// Every transaction that was ever accepted, in order.
        std::vector<FakeTxn> seen;
        std::map<std::string, std::deque<Error>> failures;
        std::map<std::string, unsigned> calls;
        /// Calls of a method beyond this many all fail: the node, or the daemon, went away.
        std::map<std::string, std::size_t> fail_after;
        /// Most blocks that one `next` gives.
        std::uint64_t blocks_a_step{1'000};
        /// Addresses at which contracts were created.
        std::vector<Hash32> creations;
    };

    FakeAdapter(chains::ChainSettings settings, std::shared_ptr<Node> node)
        : settings_(std::move(settings)),
          node_(std::move(node)) {}

    static std::shared_ptr<Node> make_node(
        const chains::ChainSettings& settings, UnixSeconds start
    ) {
        return std::make_shared<Node>(FakeChain(settings.chain, settings.vault, start));
    }

    [[nodiscard]] Node& node() { return *node_; }
    [[nodiscard]] FakeChain& chain() { return node_->chain; }

    /// The next call of `method` fails with this; several queue up.
    void fail_next(const std::string& method, Errc code, std::string detail) {
        node_->failures[method].emplace_back(code, std::move(detail));
    }

    /// One block with these events and whatever of the mempool pays the base fee.
    void mine(std::vector<FakeChain::Body> events = {}, std::uint64_t seconds = 12) {
        FakeChain& chain = node_->chain;
        chain.open(seconds);
        for (FakeChain::Body& body : events) {
            chain.add(std::move(body));
        }
        auto next = node_->mempool.find(chain.building().after.nonce);
        while (next != node_->mempool.end() && next->second.max_fee >= node_->fees.base_fee) {
            include(next->second);
            node_->mempool.erase(next);
            next = node_->mempool.find(chain.building().after.nonce);
        }
        chain.close();
    }

    void mine_empty(std::size_t count, std::uint64_t seconds = 12) {
        for (std::size_t i = 0; i < count; ++i) {
            mine({}, seconds);
        }
    }

    /// Every accepted transaction is in a block at once.
    void mine_after_broadcast() { instant_ = true; }

    void finalize() { node_->final = chain().head().number; }

    /// Replaces the newest `depth` blocks by one more empty ones. Their transactions wait again
    /// unless `forget` loses them.
    void reorg(std::size_t depth, bool forget = false) {
        std::vector<FakeTxn> txns = chain().drop(depth);
        for (std::size_t i = 0; i <= depth; ++i) {
            chain().open(12);
            chain().close();
        }
        for (FakeTxn& txn : txns) {
            if (!forget) {
                node_->mempool.emplace(txn.nonce, std::move(txn));
            }
        }
    }

    /// A transaction of the sender that is none of ours takes the next nonce.
    void spend_nonce() {
        chain().open(12);
        ++chain().building().after.nonce;
        node_->mempool.erase(chain().building().after.nonce - 1);
        chain().close();
    }

    [[nodiscard]] const chains::ChainSettings& settings() const override { return settings_; }

    Task<Result<void>> check_node() override { co_return scripted("check_node"); }

    Task<Result<chains::ChainFacts>> probe() override {
        auto failed = scripted("probe");
        if (!failed) {
            co_return failed.as_failure();
        }
        chains::ChainFacts facts;
        facts.client_version = "fake";
        facts.latest = chain().head();
        co_return facts;
    }

    Task<Result<chains::Updates>> next(chains::ChainView view) override {
        auto failed = scripted("next");
        if (!failed) {
            co_return failed.as_failure();
        }
        co_return updates_after(view);
    }

    Task<Result<Bytes>> call_at(Address, Bytes, Hash32) override {
        auto failed = scripted("call_at");
        co_return failed ? Result<Bytes>(Bytes{}) : Result<Bytes>(failed.error());
    }

    Task<Result<Amount>> custody_at(Address token, Hash32 block) override {
        auto failed = scripted("custody_at");
        if (!failed) {
            co_return failed.as_failure();
        }
        const FakeChain::Block* found = chain().find(block);
        if (found == nullptr) {
            co_return fail(Errc::kReorg, "no such block");
        }
        const auto held = found->after.custody.find(token);
        const Amount amount = held == found->after.custody.end() ? Amount{} : held->second;
        co_return sub_or_zero(amount, node_->missing[token]);
    }

    Task<Result<std::pair<RoundNum, Hash32>>> latest_round() override {
        auto failed = scripted("latest_round");
        if (!failed) {
            co_return failed.as_failure();
        }
        const Attestation& a = chain().state().attestation;
        const Hash32 digest =
            a.round.value == 0 ? Hash32{} : attest::digest_of(settings_.network, a);
        co_return std::pair{a.round, digest};
    }

    /// The data names the instruction; the node runs it when the transaction is included.
    Result<std::pair<Address, Bytes>> encode(const Instruction& instruction) const override {
        const Hash32 name = name_of(instruction);
        node_->instructions.insert_or_assign(name, instruction);
        Bytes data = to_bytes("call");
        put_bytes(data, name.view());
        Address to = settings_.vault;
        if (std::holds_alternative<SubmitAttestation>(instruction)) {
            to = settings_.registry;
        } else if (std::holds_alternative<CloseSale>(instruction)) {
            to = settings_.sale;
        }
        return std::pair{to, std::move(data)};
    }

    Task<Result<std::uint64_t>> simulate(
        Address, std::optional<Address> to, Bytes data, Amount
    ) override {
        auto failed = scripted("simulate");
        if (!failed) {
            co_return failed.as_failure();
        }
        FakeChain::State copy = chain().state();
        std::vector<FakeChain::Body> events;
        const std::string reason = run(to, data, copy, chain().head().time, events);
        if (!reason.empty()) {
            co_return fail(Errc::kReverted, reason + "()");
        }
        co_return std::uint64_t{data.empty() ? 21'000U : 100'000U};
    }

    Task<Result<chains::FeeQuote>> fees() override {
        auto failed = scripted("fees");
        co_return failed ? Result<chains::FeeQuote>(node_->fees)
                         : Result<chains::FeeQuote>(failed.error());
    }

    Task<Result<std::uint64_t>> nonce(Address) override {
        auto failed = scripted("nonce");
        co_return failed ? Result<std::uint64_t>(chain().state().nonce)
                         : Result<std::uint64_t>(failed.error());
    }

    Task<Result<Amount>> balance(Address) override {
        auto failed = scripted("balance");
        co_return failed ? Result<Amount>(node_->balance) : Result<Amount>(failed.error());
    }

    Result<chains::SignedTxn> sign(
        const chains::TxnRequest& request, const SignDigest& signer
    ) const override {
        FakeTxn txn;
        txn.nonce = request.nonce;
        txn.max_fee = request.max_fee;
        txn.priority_fee = request.priority_fee;
        txn.gas_limit = request.gas_limit;
        txn.to = request.to;
        txn.data = request.data;
        put_u64(txn.raw, request.nonce);
        put_bytes(txn.raw, request.max_fee.to_word().view());
        put_bytes(txn.raw, request.priority_fee.to_word().view());
        put_u64(txn.raw, request.gas_limit);
        put_bytes(txn.raw, request.to.value_or(Address{}).view());
        put_bytes(txn.raw, request.data);
        MARGRAVE_TRY(auto signature, signer(keccak256(txn.raw)));
        put_bytes(txn.raw, signature);
        txn.hash = keccak256(txn.raw);
        node_->made[txn.hash] = txn;
        return chains::SignedTxn{txn.hash, txn.raw};
    }

    Task<Result<void>> broadcast(Bytes raw) override {
        auto failed = scripted("broadcast");
        if (!failed) {
            co_return failed.as_failure();
        }
        const auto known = node_->made.find(keccak256(raw));
        if (known == node_->made.end()) {
            co_return fail(Errc::kRpc, "transaction of another process");
        }
        auto taken = take(known->second);
        if (taken && instant_) {
            mine();
        }
        co_return taken;
    }

    Task<Result<std::optional<chains::TxnStatus>>> status(Hash32 txn_hash) override {
        auto failed = scripted("status");
        if (!failed) {
            co_return failed.as_failure();
        }
        for (const FakeChain::Block& block : chain().blocks()) {
            for (const FakeReceipt& receipt : block.receipts) {
                if (receipt.txn.hash == txn_hash) {
                    chains::TxnStatus found;
                    found.txn_hash = txn_hash;
                    found.block = block.data.block;
                    found.succeeded = receipt.succeeded;
                    found.gas_used = receipt.txn.data.empty() ? 21'000 : 90'000;
                    co_return std::optional<chains::TxnStatus>{found};
                }
            }
        }
        co_return std::optional<chains::TxnStatus>{};
    }

  private:
    /// Equal for equal instructions, as call data is.
    static Hash32 name_of(const Instruction& instruction) {
        Bytes text;
        if (const auto* submit = std::get_if<SubmitAttestation>(&instruction)) {
            put_bytes(text, attest::struct_hash(submit->attestation).view());
        } else if (const auto* release = std::get_if<ExecuteRelease>(&instruction)) {
            put_bytes(text, attest::struct_hash(release->release).view());
        } else if (const auto* seizure = std::get_if<ExecuteSeizure>(&instruction)) {
            put_bytes(text, attest::struct_hash(seizure->seizure).view());
            put_bytes(text, attest::leaf_hash(seizure->leaf).view());
            for (const Hash32& node : seizure->proof) {
                put_bytes(text, node.view());
            }
        } else {
            put_bytes(text, std::get<CloseSale>(instruction).seizure.view());
        }
        return keccak256(text);
    }

    Result<void> scripted(const std::string& method) {
        ++node_->calls[method];
        const auto limit = node_->fail_after.find(method);
        if (limit != node_->fail_after.end() && limit->second == 0) {
            return fail(Errc::kTimeout, method + " has no answer");
        }
        if (limit != node_->fail_after.end()) {
            --limit->second;
        }
        auto& queue = node_->failures[method];
        if (queue.empty()) {
            return ok();
        }
        const Error error = queue.front();
        queue.pop_front();
        return error;
    }

    chains::Updates updates_after(const chains::ChainView& view) {
        chains::Updates out;
        out.lag = {chain().head().number, node_->final};
        std::uint64_t from = chain().blocks().front().data.block.number.value;
        if (view.head) {
            BlockRef ancestor = *view.head;
            while (chain().find(ancestor.hash) == nullptr) {
                const auto below = view.block_at(BlockNum{ancestor.number.value - 1});
                MARGRAVE_ASSERT(below.has_value());
                ancestor = *below;
            }
            if (ancestor.hash != view.head->hash) {
                out.updates.emplace_back(BlocksReverted{ancestor});
            }
            from = ancestor.number.value + 1;
        }
        const std::uint64_t last =
            std::min(chain().head().number.value, from + node_->blocks_a_step - 1);
        for (; from <= last; ++from) {
            out.updates.emplace_back(BlockApplied{chain().at(BlockNum{from})->data});
        }
        const BlockNum final{std::min(node_->final.value, last)};
        if (!view.final || view.final->number < final) {
            out.updates.emplace_back(Finalized{chain().at(final)->data.block});
        }
        return out;
    }

    std::string run(
        const std::optional<Address>& to,
        const Bytes& data,
        FakeChain::State& state,
        UnixSeconds time,
        std::vector<FakeChain::Body>& events
    ) {
        const auto refusal = to ? node_->refusals.find(*to) : node_->refusals.end();
        if (refusal != node_->refusals.end()) {
            return refusal->second;
        }
        constexpr std::size_t kCallSize = 4 + Hash32::kSize;
        if (!to || data.size() != kCallSize) {
            return {};
        }
        ByteReader reader(ByteView(data).subspan(4));
        const Hash32 name = reader.hash32().value();
        return FakeChain::execute(node_->instructions.at(name), state, time, events);
    }

    void include(const FakeTxn& txn) {
        FakeChain::Block& block = chain().building();
        std::vector<FakeChain::Body> events;
        FakeReceipt receipt;
        receipt.txn = txn;
        FakeChain::State copy = block.after;
        receipt.reason = run(txn.to, txn.data, copy, block.data.block.time, events);
        receipt.succeeded = receipt.reason.empty();
        if (receipt.succeeded) {
            block.after = copy;
        }
        if (!txn.to) {
            node_->creations.push_back(txn.hash);
        }
        ++block.after.nonce;
        for (FakeChain::Body& event : events) {
            if (receipt.succeeded) {
                chain().add(std::move(event));
            }
        }
        block.receipts.push_back(std::move(receipt));
    }

    Result<void> take(const FakeTxn& txn) {
        if (txn.nonce < chain().state().nonce) {
            return fail(Errc::kRpc, "nonce too low");
        }
        const Amount cost{txn.max_fee.to_u64().value() * txn.gas_limit};
        if (node_->balance < cost) {
            return fail(Errc::kRpc, "insufficient funds for gas * price + value");
        }
        const auto there = node_->mempool.find(txn.nonce);
        if (there != node_->mempool.end() && there->second.hash == txn.hash) {
            return ok();
        }
        if (there != node_->mempool.end() && !outbids(txn, there->second)) {
            return fail(Errc::kRpc, "replacement transaction underpriced");
        }
        node_->mempool[txn.nonce] = txn;
        node_->seen.push_back(txn);
        return ok();
    }

    static bool outbids(const FakeTxn& txn, const FakeTxn& old) {
        const auto enough = [](const Amount& now, const Amount& before) {
            return now.to_u64().value() * 10 >= before.to_u64().value() * 11;
        };
        return enough(txn.max_fee, old.max_fee) && enough(txn.priority_fee, old.priority_fee);
    }

    chains::ChainSettings settings_;
    // Shared with the test, and with the adapter of a restarted daemon.
    std::shared_ptr<Node> node_;
    bool instant_{false};
};

}  // namespace margrave::tests
