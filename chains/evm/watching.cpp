// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/proof/bloom.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace margrave::chains::evm {
namespace {

/// Accounts of a ledger that are looked at together.
constexpr std::size_t kPage = 1'000;
/// An account's balances are read again every so many blocks: interest makes no event. Which block
/// is the account's own follows from its bytes, so all operators read at the same ones.
constexpr std::uint64_t kReadingPeriod = 256;
/// Calls of one request.
constexpr std::size_t kReadingsMax = 1'000;

std::uint64_t bucket_of(const AccountId& account) {
    return account.data.back() % kReadingPeriod;
}

// In log order: what a transaction without a log did comes after the logs, and the sort keeps the
// order of several meanings of one log.
void put_in_order(std::vector<ChainEvent>& events) {
    // Mostly they are, and events are large.
    if (!std::ranges::is_sorted(events, {}, &ChainEvent::log_index)) {
        std::ranges::stable_sort(events, {}, &ChainEvent::log_index);
    }
}

}  // namespace

bool EvmAdapter::is_watched(const NodeLog& log) const {
    return !log.topics.empty() && mapping_.find(log.address, log.topics.front()) != nullptr;
}

bool EvmAdapter::may_touch(const ProvedHeader& header) const {
    return mapping_.may_touch([&header](ByteView item) {
        return may_have(header.logs_bloom(), BloomBits(item));
    });
}

// Answers of views are no part of the state that a root proves: as many operators as agree on the
// block must give them alike.
Task<Result<std::vector<ChainEvent>>> EvmAdapter::read_touched(
    Hash32 block, std::set<Touch> touched
) {
    const std::vector<ReadingCall> readings = due_readings(mapping_, touched);
    std::vector<Bytes> answers;
    for (std::size_t i = 0; i < readings.size(); i += kReadingsMax) {
        std::vector<rpc::RpcCall> calls;
        for (std::size_t j = i; j < std::min(i + kReadingsMax, readings.size()); ++j) {
            calls.push_back(ask_call(readings[j].to, readings[j].data, block));
        }
        auto part = co_await ask_common_bytes(std::move(calls));
        if (!part) {
            co_return part.as_failure();
        }
        std::ranges::move(part.value(), std::back_inserter(answers));
    }
    co_return read_balances(readings, answers);
}

Task<Result<std::vector<BlockData>>> EvmAdapter::add_mapped(
    const ChainView& view, std::vector<BlockData> blocks, std::vector<ProvedContent> contents
) {
    auto known = accounts_to_read(view);
    if (!known) {
        co_return known.as_failure();
    }
    auto all = co_await add_mapped(&known.value(), std::move(blocks), std::move(contents));
    co_return all;
}

Task<Result<std::vector<BlockData>>> EvmAdapter::add_mapped(
    std::set<Touch>* known, std::vector<BlockData> blocks, std::vector<ProvedContent> contents
) {
    if (mapping_.empty()) {
        co_return blocks;
    }
    auto content = contents.begin();
    for (BlockData& block : blocks) {
        MappedBlock mapped;
        if (content != contents.end() && content->block == block.block) {
            auto read = map_logs(mapping_, block.block, content->logs);
            if (!read) {
                co_return fail(
                    read.error().code, settings_.chain.text() + ": " + read.error().detail
                );
            }
            mapped = std::move(read).value();
            MappedBlock sent = map_txns(mapping_, content->txns);
            std::ranges::move(sent.events, std::back_inserter(mapped.events));
            mapped.touched.merge(sent.touched);
            ++content;
        }
        std::ranges::move(mapped.events, std::back_inserter(block.events));
        put_in_order(block.events);
        for (const Touch& touch : *known) {
            if (bucket_of(touch.account) == block.block.number.value % kReadingPeriod) {
                mapped.touched.insert(touch);
            }
        }
        for (const Touch& touch : mapped.touched) {
            known->insert(touch);
        }
        if (mapped.touched.empty()) {
            continue;
        }
        const Hash32 hash = block.block.hash;
        auto balances = co_await read_touched(hash, std::move(mapped.touched));
        if (!balances) {
            co_return balances.as_failure();
        }
        std::ranges::move(balances.value(), std::back_inserter(block.events));
    }
    co_return blocks;
}

Result<std::set<Touch>> EvmAdapter::accounts_to_read(const ChainView& view) const {
    std::set<Touch> out;
    const bool reads = std::ranges::any_of(mapping_.watches(), [](const Watch& watch) {
        return !watch.readings.empty();
    });
    std::optional<ChainView::MappedPlace> after;
    while (reads && view.mapped_accounts) {
        MARGRAVE_TRY(const auto page, view.mapped_accounts(after, kPage));
        for (const auto& [source, account] : page) {
            out.insert({source, account});
        }
        if (page.size() < kPage) {
            break;
        }
        after = page.back();
    }
    return out;
}

}  // namespace margrave::chains::evm
