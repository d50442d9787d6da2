// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/digest.hpp"
#include "chains/adapter.hpp"
#include "tests/support/fake_node.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace margrave::tests {

/// A ChainAdapter over a FakeChain, without a network: what is asked is answered at once, or fails
/// as the test scripted it. The chain moves only when the test says so. Two adapters may share one
/// chain, as two runs of the daemon do.
class FakeAdapter final : public chains::ChainAdapter {
  public:
    using Node = FakeNode;

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

    void mine(std::vector<FakeChain::Body> events = {}, std::uint64_t seconds = 12) {
        node_->mine(std::move(events), seconds);
    }

    void mine_empty(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            mine();
        }
    }

    /// Every accepted transaction is in a block at once.
    void mine_after_broadcast() { instant_ = true; }

    void finalize() { node_->final = chain().head().number; }

    void reorg(std::size_t depth, bool forget = false) { node_->reorg(depth, forget); }

    void spend_nonce() { node_->spend_nonce(); }

    [[nodiscard]] const chains::ChainSettings& settings() const override { return settings_; }

    /// What the next calls of the same name give.
    std::vector<chains::SourceStatus> source_rows;
    chains::Agreement agreed{.needed = 1, .agreeing = 1, .lost = {}};
    std::vector<chains::Evidence> refuted;

    [[nodiscard]] std::vector<chains::SourceStatus> sources() const override { return source_rows; }

    [[nodiscard]] chains::Agreement agreement() const override { return agreed; }

    std::vector<chains::Evidence> take_evidence() override { return std::exchange(refuted, {}); }

    void forgive() override { source_rows.clear(); }

    Task<Result<void>> check_node() override { co_return node_->scripted("check_node"); }

    Task<Result<chains::ChainFacts>> probe() override {
        auto failed = node_->scripted("probe");
        if (!failed) {
            co_return failed.as_failure();
        }
        chains::ChainFacts facts;
        facts.client_version = "fake";
        facts.latest = chain().head();
        co_return facts;
    }

    Task<Result<chains::Updates>> next(chains::ChainView view) override {
        auto failed = node_->scripted("next");
        if (!failed) {
            co_return failed.as_failure();
        }
        if (history_run > 0 && view.takes_history && view.head &&
            view.head->number < node_->final) {
            chains::Updates out;
            out.lag = {chain().head().number, node_->final};
            out.history = node_->final;
            co_return out;
        }
        co_return updates_after(view);
    }

    /// Where it is not zero, final blocks are pointed to as history, and given in runs of so many.
    std::uint64_t history_run{0};

    Task<Result<void>> read_history(
        chains::HistorySink& sink, BlockNum to, std::chrono::milliseconds /*time*/
    ) override {
        std::uint64_t from = sink.view().head->number.value + 1;
        while (from <= to.value) {
            auto failed = node_->scripted("read_history");
            if (!failed) {
                co_return failed.as_failure();
            }
            std::vector<BlockData> run;
            for (; from <= to.value && run.size() < history_run; ++from) {
                run.push_back(chain().at(BlockNum{from})->data);
            }
            auto taken = co_await sink.take(std::move(run));
            if (!taken) {
                co_return taken.as_failure();
            }
        }
        co_return ok();
    }

    Task<Result<Bytes>> call_at(Address, Bytes, Hash32) override {
        auto failed = node_->scripted("call_at");
        co_return failed ? Result<Bytes>(Bytes{}) : Result<Bytes>(failed.error());
    }

    Task<Result<Amount>> custody_at(Address token, Hash32 block) override {
        auto failed = node_->scripted("custody_at");
        if (!failed) {
            co_return failed.as_failure();
        }
        const FakeChain::Block* found = chain().find(block);
        if (found == nullptr) {
            co_return fail(Errc::kReorg, "no such block");
        }
        const auto held = found->after.custody.find(token);
        const Amount amount = held == found->after.custody.end() ? Amount{} : held->second;
        const Amount all = add(amount, node_->extra[token]).value();
        co_return sub_or_zero(all, node_->missing[token]);
    }

    Task<Result<std::pair<RoundNum, Hash32>>> latest_round() override {
        auto failed = node_->scripted("latest_round");
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
        const Hash32 name = Node::name_of(instruction);
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

    Task<Result<std::uint64_t>> simulate(Address, std::optional<Address> to, Bytes data, Amount)
        override {
        auto failed = node_->scripted("simulate");
        if (!failed) {
            co_return failed.as_failure();
        }
        FakeChain::State copy = chain().state();
        std::vector<FakeChain::Body> events;
        const std::string reason = node_->run(to, data, copy, chain().head().time, events);
        if (!reason.empty()) {
            co_return fail(Errc::kReverted, reason + "()");
        }
        co_return std::uint64_t{data.empty() ? 21'000U : 100'000U};
    }

    Task<Result<chains::FeeQuote>> fees() override {
        auto failed = node_->scripted("fees");
        co_return failed ? Result<chains::FeeQuote>(node_->fees)
                         : Result<chains::FeeQuote>(failed.error());
    }

    Task<Result<std::uint64_t>> nonce(Address) override {
        auto failed = node_->scripted("nonce");
        co_return failed ? Result<std::uint64_t>(chain().state().nonce)
                         : Result<std::uint64_t>(failed.error());
    }

    Task<Result<Amount>> balance(Address) override {
        auto failed = node_->scripted("balance");
        co_return failed ? Result<Amount>(node_->balance) : Result<Amount>(failed.error());
    }

    Result<chains::SignedTxn> sign(const chains::TxnRequest& request, const SignDigest& signer)
        const override {
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
        auto failed = node_->scripted("broadcast");
        if (!failed) {
            co_return failed.as_failure();
        }
        const auto known = node_->made.find(keccak256(raw));
        if (known == node_->made.end()) {
            co_return fail(Errc::kRpc, "transaction of another process");
        }
        auto taken = node_->take(known->second);
        if (taken && instant_) {
            mine();
        }
        co_return taken;
    }

    Task<Result<std::optional<chains::TxnStatus>>> status(Hash32 txn_hash) override {
        auto failed = node_->scripted("status");
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

    chains::ChainSettings settings_;
    // Shared with the test, and with the adapter of a restarted daemon.
    std::shared_ptr<Node> node_;
    bool instant_{false};
};

}  // namespace margrave::tests
