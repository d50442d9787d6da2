// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/digest.hpp"
#include "chains/adapter.hpp"
#include "tests/support/fake_chain.hpp"

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace margrave::tests {

/// A node of a FakeChain with its mempool, and what a test scripted for it. Outlives the daemon's
/// adapters, as a node does.
class FakeNode {
  public:
    explicit FakeNode(FakeChain c)
        : chain(std::move(c)) {}

    /// One block with these events and whatever of the mempool pays the base fee.
    void mine(std::vector<FakeChain::Body> events = {}, std::uint64_t seconds = 12) {
        chain.open(seconds);
        for (FakeChain::Body& body : events) {
            chain.add(std::move(body));
        }
        auto next = mempool.find(chain.building().after.nonce);
        while (next != mempool.end() && next->second.max_fee >= fees.base_fee) {
            include(next->second);
            mempool.erase(next);
            next = mempool.find(chain.building().after.nonce);
        }
        chain.close();
    }

    /// Replaces the newest `depth` blocks by one more empty ones. Their transactions wait again
    /// unless `forget` loses them.
    void reorg(std::size_t depth, bool forget = false) {
        std::vector<FakeTxn> txns = chain.drop(depth);
        for (std::size_t i = 0; i <= depth; ++i) {
            chain.open(12);
            chain.close();
        }
        for (FakeTxn& txn : txns) {
            if (!forget) {
                mempool.emplace(txn.nonce, std::move(txn));
            }
        }
    }

    /// A transaction of the sender that is none of ours takes the next nonce.
    void spend_nonce() {
        chain.open(12);
        ++chain.building().after.nonce;
        mempool.erase(chain.building().after.nonce - 1);
        chain.close();
    }

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
        ++calls[method];
        if (cut_off) {
            return fail(Errc::kTimeout, method + " has no answer");
        }
        const auto limit = fail_after.find(method);
        if (limit != fail_after.end() && limit->second == 0) {
            return fail(Errc::kTimeout, method + " has no answer");
        }
        if (limit != fail_after.end()) {
            --limit->second;
        }
        auto& queue = failures[method];
        if (queue.empty()) {
            return ok();
        }
        const Error error = queue.front();
        queue.pop_front();
        return error;
    }

    std::string run(
        const std::optional<Address>& to,
        const Bytes& data,
        FakeChain::State& state,
        UnixSeconds time,
        std::vector<FakeChain::Body>& events
    ) {
        const auto refusal = to ? refusals.find(*to) : refusals.end();
        if (refusal != refusals.end()) {
            return refusal->second;
        }
        constexpr std::size_t kCallSize = 4 + Hash32::kSize;
        if (!to || data.size() != kCallSize) {
            return {};
        }
        ByteReader reader(ByteView(data).subspan(4));
        const Hash32 name = reader.hash32().value();
        return FakeChain::execute(instructions.at(name), state, time, events);
    }

    void include(const FakeTxn& txn) {
        FakeChain::Block& block = chain.building();
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
            creations.push_back(txn.hash);
        }
        ++block.after.nonce;
        for (FakeChain::Body& event : events) {
            if (receipt.succeeded) {
                chain.add(std::move(event));
            }
        }
        block.receipts.push_back(std::move(receipt));
    }

    Result<void> take(const FakeTxn& txn) {
        if (txn.nonce < chain.state().nonce) {
            return fail(Errc::kRpc, "nonce too low");
        }
        const Amount cost{txn.max_fee.to_u64().value() * txn.gas_limit};
        if (balance < cost) {
            return fail(Errc::kRpc, "insufficient funds for gas * price + value");
        }
        const auto there = mempool.find(txn.nonce);
        if (there != mempool.end() && there->second.hash == txn.hash) {
            return ok();
        }
        if (there != mempool.end() && !outbids(txn, there->second)) {
            return fail(Errc::kRpc, "replacement transaction underpriced");
        }
        mempool[txn.nonce] = txn;
        seen.push_back(txn);
        return ok();
    }

    static bool outbids(const FakeTxn& txn, const FakeTxn& old) {
        const auto enough = [](const Amount& now, const Amount& before) {
            return now.to_u64().value() * 10 >= before.to_u64().value() * 11;
        };
        return enough(txn.max_fee, old.max_fee) && enough(txn.priority_fee, old.priority_fee);
    }

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
    /// What its vault holds that no event explains.
    std::map<Address, Amount> extra;
    /// Every transaction that was signed, by hash: what its bytes mean.
    std::map<Hash32, FakeTxn> made;
    /// Every transaction that was ever accepted, in order.
    std::vector<FakeTxn> seen;
    std::map<std::string, std::deque<Error>> failures;
    std::map<std::string, unsigned> calls;
    /// Calls of a method beyond this many all fail: the node, or the daemon, went away.
    std::map<std::string, std::size_t> fail_after;
    /// Nothing reaches it any more: no method has an answer.
    bool cut_off{false};
    /// Most blocks that one `next` gives.
    std::uint64_t blocks_a_step{1'000};
    /// Addresses at which contracts were created.
    std::vector<Hash32> creations;
};

}  // namespace margrave::tests
