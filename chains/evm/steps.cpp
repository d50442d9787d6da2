// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::chains::evm {
namespace {

/// Headers of one batch.
constexpr std::uint64_t kHeaderBatch = 256;
/// Headers that the walk back looks at together.
constexpr std::uint64_t kBackBatch = 64;
/// From this many blocks on, one range query is cheaper than a query for each block.
constexpr std::size_t kRangeFrom = 4;

Error changed(const ChainSettings& settings, BlockNum number) {
    return fail(
        Errc::kReorg,
        settings.chain.text() + ": block " + std::to_string(number.value) +
            " changed while it was read"
    );
}

// Answers of eth_call that are all there.
Result<std::vector<Bytes>> bytes_of(const std::vector<rpc::RpcResult<nlohmann::json>>& answers) {
    std::vector<Bytes> out;
    for (const auto& answer : answers) {
        MARGRAVE_TRY(auto bytes, rpc::data_of(answer.value(), "eth_call"));
        out.push_back(std::move(bytes));
    }
    return out;
}

std::vector<ChainUpdate> updates_of(
    std::vector<BlockData> blocks, const std::optional<BlockRef>& final_block
) {
    std::vector<ChainUpdate> out;
    out.reserve(blocks.size() + 1);
    for (BlockData& block : blocks) {
        out.emplace_back(BlockApplied{std::move(block)});
    }
    if (final_block) {
        out.emplace_back(Finalized{*final_block});
    }
    return out;
}

}  // namespace

Task<Result<NodeHeads>> EvmAdapter::read_heads(Node& node, std::optional<BlockNum> at) {
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_block("latest"));
    if (at) {
        calls.push_back(ask_block(*at));
    }
    const auto tag = finality_tag();
    if (tag) {
        calls.push_back(ask_block(*tag));
    }
    auto answers = co_await ask_all(node, std::move(calls));
    if (!answers) {
        co_return named(node, answers.error());
    }
    NodeHeads out;
    std::size_t i = 0;
    for (auto& answer : answers.value()) {
        const bool is_latest = i == 0;
        const bool is_tag = tag && i + 1 == answers.value().size();
        ++i;
        // Before its first final block a node answers null or an error.
        if (!answer && is_tag && answer.error().kind == rpc::RpcClass::kBlockNotFound) {
            continue;
        }
        if (!answer) {
            co_return named(node, answer.error());
        }
        const bool by_number = !is_latest && !is_tag;
        auto header = by_number ? read_header(answer.value(), *at) : read_header(answer.value());
        if (!header) {
            co_return header.as_failure();
        }
        if (is_latest && !header.value()) {
            co_return fail(
                Errc::kUnproved, settings_.chain.text() + ": the node has no latest block"
            );
        }
        if (is_latest) {
            out.latest = header.value()->block;
        } else if (header.value()) {
            (is_tag ? out.tag : out.at_head) = header.value()->block;
        }
    }
    co_return out;
}

Task<Result<std::vector<BlockRef>>> EvmAdapter::read_blocks(
    Node& node, BlockNum from, BlockNum to
) {
    std::vector<BlockRef> out;
    std::uint64_t number = from.value;
    while (number <= to.value) {
        const std::uint64_t last = std::min(to.value, number + kHeaderBatch - 1);
        std::vector<rpc::RpcCall> calls;
        for (std::uint64_t n = number; n <= last; ++n) {
            calls.push_back(ask_block(BlockNum(n)));
        }
        auto answers = co_await ask_each(node, std::move(calls));
        if (!answers) {
            co_return answers.as_failure();
        }
        for (const Json& answer : answers.value()) {
            auto header = read_header(answer, BlockNum(number));
            if (!header) {
                co_return header.as_failure();
            }
            if (!header.value()) {
                co_return changed(settings_, BlockNum(number));
            }
            out.push_back(header.value()->block);
            ++number;
        }
    }
    co_return out;
}

Task<Result<Accumulators>> EvmAdapter::accumulators_at(Node& node, Hash32 block) {
    std::vector<rpc::RpcCall> calls = ask_accumulators(settings_, block);
    auto answers = co_await ask_all(node, std::move(calls));
    if (!answers) {
        co_return named(node, answers.error());
    }
    for (const auto& answer : answers.value()) {
        if (!answer && answer.error().kind == rpc::RpcClass::kPruned) {
            co_return fail(
                Errc::kRpc,
                settings_.chain.text() + " at " + node.name() +
                    ": the node no longer has the state of block " + to_hex(block) +
                    "; blocks that old need an archive endpoint"
            );
        }
        if (!answer) {
            co_return named(node, answer.error());
        }
    }
    auto bytes = bytes_of(answers.value());
    if (!bytes) {
        co_return bytes.as_failure();
    }
    co_return read_accumulators(settings_, bytes.value());
}

// What the ledger has folded so far. Before the first block that is nothing, and then the contracts
// must have said nothing either.
Task<Result<Accumulators>> EvmAdapter::accumulators_before(
    Node& node, const ChainView& view, BlockRef first
) {
    Accumulators known;
    known.vault = view.vault;
    known.positions = view.positions;
    if (view.head || first.number.value == 0) {
        co_return known;
    }
    auto at_parent = co_await accumulators_at(node, first.parent);
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
    Node& node, const std::vector<BlockRef>& blocks
) {
    const std::vector<Address> emitters = emitters_of(settings_);
    if (blocks.size() >= kRangeFrom) {
        rpc::RpcCall call = ask_logs(emitters, blocks.front().number, blocks.back().number);
        auto answer = co_await ask(node, std::move(call));
        co_return answer;
    }
    std::vector<rpc::RpcCall> calls;
    for (const BlockRef& block : blocks) {
        calls.push_back(ask_logs(emitters, block.hash));
    }
    auto answers = co_await ask_all(node, std::move(calls));
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

// Logs are asked for only when the accumulators moved: equal accumulators prove that there are
// none, whatever a node's log index says.
Task<Result<std::vector<BlockData>>> EvmAdapter::prove(
    Node& node, std::vector<BlockRef> blocks, Accumulators before
) {
    while (true) {
        auto claimed = co_await accumulators_at(node, blocks.back().hash);
        if (!claimed) {
            co_return claimed.as_failure();
        }
        std::vector<NodeLog> logs;
        if (claimed.value() != before) {
            auto answer = co_await ask_logs_of(node, blocks);
            const bool too_large = !answer && answer.error().kind == rpc::RpcClass::kRangeTooLarge;
            if (too_large && blocks.size() > 1) {
                range_ = (blocks.size() + 1) / 2;
                blocks.resize(range_);
                continue;
            }
            if (!answer) {
                co_return named(node, answer.error());
            }
            auto read = read_logs(answer.value());
            if (!read) {
                co_return read.as_failure();
            }
            logs = std::move(read).value();
        }
        co_return prove_events(settings_, blocks, logs, before, claimed.value());
    }
}

Task<Result<Updates>> EvmAdapter::forward(
    Node& node, const ChainView& view, const NodeHeads& heads, Step step
) {
    std::vector<BlockRef> blocks;
    if (step.kind == StepKind::kForward && step.from == heads.latest.number) {
        blocks.push_back(heads.latest);
    } else if (step.kind == StepKind::kForward) {
        auto read = co_await read_blocks(node, step.from, step.to);
        if (!read) {
            co_return read.as_failure();
        }
        blocks = std::move(read).value();
    }
    auto linked = check_links(view.head, blocks);
    if (!linked) {
        co_return linked.as_failure();
    }
    const bool reaches_latest = !blocks.empty() && blocks.back().number == heads.latest.number;
    if (reaches_latest && blocks.back().hash != heads.latest.hash) {
        co_return changed(settings_, heads.latest.number);
    }
    std::vector<BlockData> proved;
    if (!blocks.empty()) {
        auto before = co_await accumulators_before(node, view, blocks.front());
        if (!before) {
            co_return before.as_failure();
        }
        auto events = co_await prove(node, blocks, before.value());
        if (!events) {
            co_return events.as_failure();
        }
        proved = std::move(events).value();
        blocks.resize(proved.size());
    }
    auto final_block = newly_final(view, heads, settings_.finality, blocks);
    if (!final_block) {
        co_return final_block.as_failure();
    }
    Updates out;
    out.updates = updates_of(std::move(proved), final_block.value());
    out.lag.latest = heads.latest.number;
    out.lag.final = final_number(heads, settings_.finality);
    co_return out;
}

Task<Result<Updates>> EvmAdapter::back(Node& node, const ChainView& view, BlockNum to) {
    const BlockNum floor = view.final ? view.final->number : settings_.start_block;
    Updates out;
    out.lag.latest = to;
    BlockNum high = to;
    while (high >= floor) {
        const std::uint64_t span = std::min(high.value - floor.value, kBackBatch - 1);
        const BlockNum low(high.value - span);
        auto blocks = co_await read_blocks(node, low, high);
        if (!blocks) {
            co_return blocks.as_failure();
        }
        auto linked = check_links(std::nullopt, blocks.value());
        if (!linked) {
            co_return linked.as_failure();
        }
        auto ancestor = common_ancestor(view, blocks.value());
        if (!ancestor) {
            co_return ancestor.as_failure();
        }
        if (ancestor.value()) {
            out.updates.emplace_back(BlocksReverted{*ancestor.value()});
            co_return out;
        }
        if (low == floor) {
            break;
        }
        high = BlockNum(low.value - 1);
    }
    co_return fail(
        Errc::kUnproved,
        settings_.chain.text() + ": no applied block down to " + std::to_string(floor.value) +
            " is on the node's chain; is start_block on a fork that was abandoned?"
    );
}

Task<Result<Updates>> EvmAdapter::next(ChainView view) {
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    std::optional<BlockNum> at;
    if (view.head) {
        at = view.head->number;
    }
    auto heads = co_await read_heads(node, at);
    if (!heads) {
        co_return heads.as_failure();
    }
    auto step = plan_step(view, heads.value(), settings_.start_block, range_);
    if (!step) {
        co_return step.as_failure();
    }
    if (step.value().kind == StepKind::kBack) {
        auto reverted = co_await back(node, view, step.value().to);
        if (reverted) {
            reverted.value().lag.latest = heads.value().latest.number;
            reverted.value().lag.final = final_number(heads.value(), settings_.finality);
        }
        co_return reverted;
    }
    auto updates = co_await forward(node, view, heads.value(), step.value());
    if (updates) {
        range_ =
            std::min(std::max<std::uint64_t>(settings_.log_range, 1), range_ + range_ / 16 + 1);
    }
    co_return updates;
}

}  // namespace margrave::chains::evm
