// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/contracts.hpp"
#include "chains/evm/proof/bloom.hpp"
#include "chains/evm/proof/receipts.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::chains::evm {
namespace {

/// From this many blocks on, one range query is cheaper than a query for each block.
constexpr std::size_t kRangeFrom = 4;

// The slots of protocol.md section 4: the count, then the running hash.
std::vector<Hash32> accumulator_slots() {
    return {Amount(0).to_word(), Amount(1).to_word()};
}

// A contract that is not deployed at that block has an empty accumulator.
Result<Accumulator> accumulator_of(const ProvedAccount& proof, std::string_view contract) {
    MARGRAVE_ASSERT(proof.slots().size() == 2);
    Accumulator out;
    const Hash32 count = proof.slots()[0].value.to_word();
    MARGRAVE_TRY(out.count, answer_u64(count.view(), std::string(contract) + " slot 0"));
    out.hash = proof.slots()[1].value.to_word();
    return out;
}

// The transactions of a block with what their receipts say of them: who sent them, and whether they
// did what they say.
Result<std::vector<NodeTxn>> read_block_txns(
    const ProvedHeader& header, const nlohmann::json& block, const nlohmann::json& receipts
) {
    MARGRAVE_TRY(const ProvedTxns proved, prove_txns(header, block));
    MARGRAVE_TRY(const auto outcomes, read_receipts(receipts));
    const auto& listed = block.at("transactions");
    if (outcomes.size() != listed.size()) {
        return fail(Errc::kUnproved, "a block with another number of receipts than transactions");
    }
    std::vector<NodeTxn> out;
    for (std::size_t i = 0; i < listed.size(); ++i) {
        NodeTxn txn;
        txn.hash = proved.hashes()[i];
        MARGRAVE_TRY(txn.to, rpc::opt_address_at(listed[i], "to"));
        MARGRAVE_TRY(txn.value, rpc::amount_at(listed[i], "value"));
        const bool* succeeded = std::get_if<bool>(&outcomes[i].outcome);
        txn.succeeded = succeeded != nullptr && *succeeded;
        if (txn.succeeded && txn.to && !txn.value.is_zero()) {
            MARGRAVE_TRY(const Bytes encoded, encode_block_txn(listed[i]));
            MARGRAVE_TRY(txn.from, sender_of(encoded));
            out.push_back(std::move(txn));
        }
    }
    return out;
}

std::vector<WatchedLogs> watched_of(const ChainSettings& settings) {
    const std::vector<Hash32> topics{movement_topic(), position_topic()};
    std::vector<WatchedLogs> out;
    for (const Address& emitter : emitters_of(settings)) {
        out.emplace_back(emitter, topics);
    }
    return out;
}

}  // namespace

bool EvmAdapter::is_ours(const NodeLog& log) const {
    const bool ours = std::ranges::find(emitters_, log.address) != emitters_.end();
    return ours && !log.topics.empty() &&
           (log.topics[0] == movement_topic() || log.topics[0] == position_topic());
}

bool EvmAdapter::proves_nothing(const KnownBlock& block) const {
    return !mapping_.needs_txns() && proves_absence(*block.header, watched_of(settings_)) &&
           !may_touch(*block.header);
}

std::pair<std::vector<Address>, std::vector<Hash32>> EvmAdapter::followed() const {
    std::vector<Address> addresses = emitters_;
    std::vector<Hash32> topics;
    if (!emitters_.empty()) {
        topics = {movement_topic(), position_topic()};
    }
    addresses.insert(addresses.end(), mapping_.addresses().begin(), mapping_.addresses().end());
    topics.insert(topics.end(), mapping_.topics().begin(), mapping_.topics().end());
    return {std::move(addresses), std::move(topics)};
}

Task<Result<ProvedAccount>> EvmAdapter::ask_account(
    Readers& readers, const ProvedHeader& header, Address account, std::vector<Hash32> slots
) {
    rpc::RpcCall call = ask_proof(account, slots, header.block().hash);
    auto answer = co_await ask(readers, std::move(call));
    if (!answer) {
        const bool never = answer.error().kind == rpc::RpcClass::kMethodNotFound;
        if (never) {
            without_proofs_.insert(readers.told->name());
        }
        co_return never ? fail(Errc::kUnable, readers.told->name() + " has no eth_getProof")
                        : named(*readers.told, answer.error());
    }
    co_return prove_account(answer.value(), header, account, slots);
}

// What the contracts say at a block: proved against its state root where the node can, given alike
// by enough operators where it cannot.
Task<Result<Accumulators>> EvmAdapter::accumulators_at(Readers& readers, const KnownBlock& block) {
    // The genesis header of a development chain does not commit to the accounts it begins with.
    const bool may_prove = block.header && block.block.number.value > 0 &&
                           !without_proofs_.contains(readers.first->name());
    if (may_prove) {
        auto vault =
            co_await ask_account(readers, *block.header, settings_.vault, accumulator_slots());
        if (!vault && vault.error().code == Errc::kUnproved) {
            co_return refuted(*readers.told, "account", vault.error());
        }
        Accumulators out;
        bool proved = vault.has_value();
        if (proved) {
            auto read = accumulator_of(vault.value(), "vault");
            if (!read) {
                co_return read.as_failure();
            }
            out.vault = read.value();
        }
        if (proved && settings_.position_book) {
            auto book = co_await ask_account(
                readers, *block.header, *settings_.position_book, accumulator_slots()
            );
            if (!book && book.error().code == Errc::kUnproved) {
                co_return refuted(*readers.told, "account", book.error());
            }
            proved = book.has_value();
            if (proved) {
                auto read = accumulator_of(book.value(), "position book");
                if (!read) {
                    co_return read.as_failure();
                }
                out.positions = read.value();
            }
        }
        if (proved) {
            co_return out;
        }
    }
    std::vector<rpc::RpcCall> calls = ask_accumulators(settings_, block.block.hash);
    auto answers = co_await ask_common_bytes(std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    co_return read_accumulators(settings_, answers.value());
}

// What the ledger has folded so far. Before the first block that is nothing, and then the contracts
// must have said nothing either.
Task<Result<Accumulators>> EvmAdapter::accumulators_before(
    Readers& readers, const ChainView& view, BlockRef first
) {
    Accumulators known;
    known.vault = view.vault;
    known.positions = view.positions;
    if (view.head || first.number.value == 0 || emitters_.empty()) {
        co_return known;
    }
    const BlockNum before(first.number.value - 1);
    auto parent = co_await read_blocks(readers, before, before);
    if (!parent) {
        co_return parent.as_failure();
    }
    if (parent.value().front().block.hash != first.parent) {
        co_return fail(Errc::kReorg, settings_.chain.text() + ": the start block changed");
    }
    auto at_parent = co_await accumulators_at(readers, parent.value().front());
    if (!at_parent) {
        co_return at_parent.as_failure();
    }
    auto checked = check_start(settings_, known, at_parent.value());
    if (!checked) {
        co_return checked.as_failure();
    }
    co_return known;
}

Task<rpc::RpcResult<nlohmann::json>> EvmAdapter::ask_logs_of(
    Readers& readers, const std::vector<KnownBlock>& blocks
) {
    const std::vector<Address> emitters = emitters_of(settings_);
    if (blocks.size() >= kRangeFrom) {
        rpc::RpcCall call =
            ask_logs(emitters, blocks.front().block.number, blocks.back().block.number);
        auto answer = co_await ask(readers, std::move(call));
        co_return answer;
    }
    std::vector<rpc::RpcCall> calls;
    for (const KnownBlock& block : blocks) {
        calls.push_back(ask_logs(emitters, block.block.hash));
    }
    auto answers = co_await ask_all(readers, std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    Json logs = Json::array();
    for (auto& answer : answers.value()) {
        if (!answer) {
            co_return answer.as_failure();
        }
        if (!answer.value().is_array()) {
            co_return std::move(answer);
        }
        for (Json& log : answer.value()) {
            logs.push_back(std::move(log));
        }
    }
    co_return logs;
}

Task<Result<std::vector<BlockData>>> EvmAdapter::prove(
    Readers& readers, const ChainView& view, std::vector<KnownBlock> blocks
) {
    auto before = co_await accumulators_before(readers, view, blocks.front().block);
    if (!before) {
        co_return before.as_failure();
    }
    const Accumulators known = before.value();
    if (settings_.proof == ProofMode::kReceipts) {
        auto proved = co_await prove_by_receipts(readers, view, std::move(blocks), known);
        co_return proved;
    }
    if (settings_.proof == ProofMode::kAccumulator) {
        auto proved = co_await prove_by_accumulator(readers, std::move(blocks), known);
        co_return proved;
    }
    while (true) {
        std::vector<KnownBlock> some = blocks;
        auto proved = co_await prove_by_agreement(view, std::move(some), known);
        const bool too_large = !proved && proved.error().code == Errc::kLimit;
        if (!too_large) {
            co_return proved;
        }
        if (blocks.size() == 1) {
            // There is no less to ask for: too few give an answer that can be taken.
            co_return fail(Errc::kUnable, proved.error().detail);
        }
        range_ = (blocks.size() + 1) / 2;
        blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(range_), blocks.end());
    }
}

// Logs are asked for only when the accumulators moved: equal accumulators prove that there are
// none, whatever a node's log index says.
Task<Result<std::vector<BlockData>>> EvmAdapter::prove_by_accumulator(
    Readers& readers, std::vector<KnownBlock> blocks, Accumulators before
) {
    while (true) {
        auto claimed = co_await accumulators_at(readers, blocks.back());
        if (!claimed) {
            co_return claimed.as_failure();
        }
        std::vector<NodeLog> logs;
        if (claimed.value() != before) {
            auto answer = co_await ask_logs_of(readers, blocks);
            const bool too_large = !answer && answer.error().kind == rpc::RpcClass::kRangeTooLarge;
            if (too_large && blocks.size() > 1) {
                range_ = (blocks.size() + 1) / 2;
                blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(range_), blocks.end());
                continue;
            }
            if (!answer) {
                co_return named(*readers.told, answer.error());
            }
            auto read = read_logs(answer.value());
            if (!read) {
                co_return refuted(*readers.told, "logs", read.error());
            }
            logs = std::move(read).value();
        }
        auto proved = prove_events(settings_, refs_of(blocks), logs, before, claimed.value());
        if (!proved) {
            co_return refuted(*readers.told, "logs", proved.error());
        }
        co_return proved;
    }
}

std::vector<rpc::RpcCall> EvmAdapter::ask_content(const KnownBlock& block) const {
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_receipts(block.block.hash));
    if (mapping_.needs_txns()) {
        calls.push_back(ask_full_block(block.block.hash));
    }
    return calls;
}

Result<EvmAdapter::ProvedContent> EvmAdapter::read_content(
    const Node& node, const KnownBlock& block, std::span<const Json> answers
) {
    MARGRAVE_ASSERT(answers.size() == (mapping_.needs_txns() ? 2 : 1));
    const Json& receipts = answers.front();
    auto proved = prove_receipts(*block.header, receipts);
    if (!proved) {
        return refuted(node, "receipts", proved.error());
    }
    ProvedContent out;
    out.block = block.block;
    for (const NodeLog& log : proved.value().logs()) {
        if (is_ours(log) || is_watched(log)) {
            out.logs.push_back(log);
        }
    }
    if (mapping_.needs_txns()) {
        auto txns = read_block_txns(*block.header, answers.back(), receipts);
        if (!txns) {
            return refuted(node, "transactions", txns.error());
        }
        out.txns = std::move(txns).value();
    }
    return out;
}

Task<Result<EvmAdapter::ProvedContent>> EvmAdapter::open_block(
    Readers& readers, const KnownBlock& block
) {
    std::vector<rpc::RpcCall> calls = ask_content(block);
    auto answers = co_await ask_each(readers, std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    co_return read_content(*readers.told, block, answers.value());
}

// A bloom proves that there is nothing; receipts that give the header's root prove what there is.
Task<Result<std::vector<BlockData>>> EvmAdapter::prove_by_receipts(
    Readers& readers, const ChainView& view, std::vector<KnownBlock> blocks, Accumulators before
) {
    std::vector<ProvedContent> contents;
    std::vector<NodeLog> ours;
    for (const KnownBlock& block : blocks) {
        if (proves_nothing(block)) {
            continue;
        }
        auto content = co_await open_block(readers, block);
        if (!content) {
            co_return content.as_failure();
        }
        std::ranges::copy_if(
            content.value().logs,
            std::back_inserter(ours),
            [&](const NodeLog& log) { return is_ours(log); }
        );
        contents.push_back(std::move(content).value());
    }
    auto proved = prove_events(settings_, refs_of(blocks), ours, before, std::nullopt);
    if (!proved) {
        co_return proved;
    }
    auto all = co_await add_mapped(view, std::move(proved).value(), std::move(contents));
    co_return all;
}

// For chains whose headers nobody here can hash again: as many operators give the same logs as
// must agree on the block.
Task<Result<std::vector<BlockData>>> EvmAdapter::prove_by_agreement(
    const ChainView& view, std::vector<KnownBlock> blocks, Accumulators before
) {
    const auto filter = followed();
    std::vector<rpc::RpcCall> calls;
    for (const KnownBlock& block : blocks) {
        calls.push_back(ask_logs(filter.first, filter.second, block.block.hash));
    }
    auto answers = co_await ask_common(std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    std::vector<ProvedContent> contents;
    std::vector<NodeLog> ours;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const auto& answer = answers.value()[i];
        if (!answer) {
            co_return fail(
                answer.error().code, settings_.chain.text() + ": " + answer.error().detail
            );
        }
        auto read = read_logs(answer.value());
        if (!read) {
            co_return read.as_failure();
        }
        ProvedContent content;
        content.block = blocks[i].block;
        content.logs = std::move(read).value();
        std::ranges::copy_if(content.logs, std::back_inserter(ours), [&](const NodeLog& log) {
            return is_ours(log);
        });
        contents.push_back(std::move(content));
    }
    auto proved = prove_events(settings_, refs_of(blocks), ours, before, std::nullopt);
    if (!proved) {
        co_return proved;
    }
    auto all = co_await add_mapped(view, std::move(proved).value(), std::move(contents));
    co_return all;
}

// The balance of an account is part of the state: where a node can prove it, nobody is believed.
Task<Result<Amount>> EvmAdapter::native_custody_at(Hash32 block) {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Readers readers(*begun.value());
    const bool may_prove = settings_.proof != ProofMode::kAgreement &&
                           !without_proofs_.contains(readers.first->name());
    if (may_prove) {
        rpc::RpcCall call = ask_block_by_hash(block);
        auto answer = co_await ask(readers, std::move(call));
        auto header = answer ? prove_header(answer.value(), block)
                             : Result<ProvedHeader>(named(*readers.told, answer.error()));
        if (header) {
            std::vector<Hash32> none;
            auto vault =
                co_await ask_account(readers, header.value(), settings_.vault, std::move(none));
            if (vault) {
                co_return vault.value().state() ? vault.value().state()->balance : Amount{};
            }
            if (vault.error().code == Errc::kUnproved) {
                co_return refuted(*readers.told, "account", vault.error());
            }
        }
    }
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_balance(settings_.vault, block));
    auto answers = co_await ask_common(std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    const auto& answer = answers.value().front();
    if (!answer) {
        co_return fail(answer.error().code, settings_.chain.text() + ": " + answer.error().detail);
    }
    co_return rpc::amount_of(answer.value(), "eth_getBalance");
}

}  // namespace margrave::chains::evm
