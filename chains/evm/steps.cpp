// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "core/assert.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::chains::evm {
namespace {

/// Headers of one batch.
constexpr std::uint64_t kHeaderBatch = 256;
/// Final blocks that make a stretch of history.
constexpr std::uint64_t kHistoryFrom = 32;
/// Headers that the walk back looks at together.
constexpr std::uint64_t kBackBatch = 64;

Error changed(const ChainSettings& settings, BlockNum number) {
    return fail(
        Errc::kReorg,
        settings.chain.text() + ": block " + std::to_string(number.value) +
            " changed while it was read"
    );
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

/// Whether so many final blocks come next that it pays to ask for several ranges at once.
bool is_history(const Step& step) {
    return step.kind == StepKind::kForward && step.final &&
           step.final->number.value + 1 >= step.from.value + kHistoryFrom;
}

}  // namespace

FollowRules EvmAdapter::rules() const {
    return {settings_.finality, settings_.start_block, range_};
}

ChainLag EvmAdapter::lag_of(const Survey& survey, const Step& step) const {
    ChainLag out;
    out.latest = common_latest(survey).value_or(BlockNum{});
    out.final = step.final ? step.final->number : BlockNum{};
    return out;
}

Task<Result<std::vector<KnownBlock>>> EvmAdapter::read_blocks(
    Readers& readers, BlockNum from, BlockNum to
) {
    std::vector<KnownBlock> out;
    std::uint64_t number = from.value;
    while (number <= to.value) {
        const std::uint64_t last = std::min(to.value, number + kHeaderBatch - 1);
        std::vector<rpc::RpcCall> calls;
        for (std::uint64_t n = number; n <= last; ++n) {
            calls.push_back(ask_block(BlockNum(n)));
        }
        auto answers = co_await ask_each(readers, std::move(calls));
        if (!answers) {
            co_return answers.as_failure();
        }
        for (const Json& answer : answers.value()) {
            auto block = read_block(answer, settings_.proof, BlockNum(number));
            if (!block) {
                co_return refuted(*readers.told, "header", block.error());
            }
            if (!block.value()) {
                co_return changed(settings_, BlockNum(number));
            }
            out.push_back(std::move(*block.value()));
            ++number;
        }
    }
    co_return out;
}

// The last block read is the agreed one, and every other is its ancestor by parent hash: so all of
// them are agreed, whoever gave them.
Task<Result<Updates>> EvmAdapter::forward(
    Readers& readers, const ChainView& view, const Survey& survey, const Step& step
) {
    std::vector<KnownBlock> blocks;
    if (step.kind == StepKind::kForward) {
        auto read = co_await read_blocks(readers, step.from, step.to.number);
        if (!read) {
            co_return read.as_failure();
        }
        blocks = std::move(read).value();
        if (blocks.back().block.hash != step.to.hash) {
            co_return changed(settings_, step.to.number);
        }
        auto linked = check_links(view.head, refs_of(blocks));
        if (!linked) {
            co_return refuted(*readers.told, "header", linked.error());
        }
    }
    std::vector<BlockData> proved;
    std::vector<BlockRef> applied;
    if (!blocks.empty()) {
        auto events = co_await prove(readers, view, std::move(blocks));
        if (!events) {
            co_return events.as_failure();
        }
        proved = std::move(events).value();
        for (const BlockData& block : proved) {
            applied.push_back(block.block);
        }
    }
    auto final_block = newly_final(view, step.final, applied);
    if (!final_block) {
        co_return final_block.as_failure();
    }
    Updates out;
    out.updates = updates_of(std::move(proved), final_block.value());
    out.lag = lag_of(survey, step);
    co_return out;
}

Task<Result<Updates>> EvmAdapter::back(Readers& readers, const ChainView& view, const Step& step) {
    const BlockNum floor = view.final ? view.final->number : settings_.start_block;
    Updates out;
    BlockNum high = step.to.number;
    Hash32 expected = step.to.hash;
    while (high >= floor) {
        const std::uint64_t span = std::min(high.value - floor.value, kBackBatch - 1);
        const BlockNum low(high.value - span);
        auto read = co_await read_blocks(readers, low, high);
        if (!read) {
            co_return read.as_failure();
        }
        const std::vector<BlockRef> blocks = refs_of(read.value());
        if (blocks.back().hash != expected) {
            co_return changed(settings_, high);
        }
        auto linked = check_links(std::nullopt, blocks);
        if (!linked) {
            co_return refuted(*readers.told, "header", linked.error());
        }
        auto ancestor = common_ancestor(view, blocks);
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
        expected = blocks.front().parent;
        high = BlockNum(low.value - 1);
    }
    co_return fail(
        Errc::kUnproved,
        settings_.chain.text() + ": no applied block down to " + std::to_string(floor.value) +
            " is on the node's chain; is start_block on a fork that was abandoned?"
    );
}

Task<Result<Updates>> EvmAdapter::next(ChainView view) {
    std::optional<BlockNum> head;
    if (view.head) {
        head = view.head->number;
    }
    Survey survey = co_await listen(head);
    std::vector<BlockNum> numbers = questions(view, survey, rules());
    co_await listen_more(&survey, std::move(numbers));
    auto planned = plan_step(view, survey, rules());
    if (!planned) {
        co_return not_agreed(view, survey, planned.error());
    }
    const Step step = planned.value();
    note_agreement(view, survey, step);
    if (view.takes_history && is_history(step)) {
        Updates out;
        out.lag = lag_of(survey, step);
        out.history = step.final->number;
        co_return out;
    }
    std::optional<Readers> readers;
    if (step.kind != StepKind::kWait) {
        readers = agreeing(survey, step.to);
    }
    if (step.kind != StepKind::kWait && !readers) {
        co_return changed(settings_, step.to.number);
    }
    if (step.kind == StepKind::kBack) {
        auto reverted = co_await back(*readers, view, step);
        if (reverted) {
            reverted.value().lag = lag_of(survey, step);
        }
        co_return reverted;
    }
    if (!readers) {
        readers.emplace(*pool_->endpoints().front());
    }
    auto updates = co_await forward(*readers, view, survey, step);
    if (!updates) {
        co_return updates;
    }
    if (step.kind == StepKind::kForward) {
        doubts_.erase(readers->told->name());
        avoid_.clear();
        range_ =
            std::min(std::max<std::uint64_t>(settings_.log_range, 1), range_ + range_ / 16 + 1);
    }
    co_return updates;
}

// Who alone or with too few contradicts what enough others say, or what the ledger holds as final.
void EvmAdapter::note_agreement(const ChainView& view, const Survey& survey, const Step& step) {
    agreement_.lost.clear();
    agreement_.agreeing = survey.voices.size();
    if (step.final) {
        agreement_.agreeing = vote(survey, step.final->number).agreeing;
    }
    for (Evidence& evidence : contradictions(view, survey, step.final)) {
        refute(std::move(evidence));
    }
}

Error EvmAdapter::not_agreed(const ChainView& view, const Survey& survey, const Error& error) {
    Error out = fail(error.code, settings_.chain.text() + ": " + error.detail);
    if (error.code != Errc::kUnable) {
        return out;
    }
    agreement_.lost = error.detail;
    agreement_.agreeing = 0;
    if (const auto top = common_latest(survey)) {
        agreement_.agreeing = vote(survey, *top).agreeing;
    }
    // Nobody is right when nothing is agreed, but what is final stays what it is.
    for (Evidence& evidence : contradictions(view, survey, std::nullopt)) {
        refute(std::move(evidence));
    }
    // A node of another chain is a matter of the config, and says so.
    const std::vector<Node*> all = pool_->endpoints();
    const bool wrong = std::ranges::all_of(all, [](const Node* node) {
        return node->state() == rpc::EndpointState::kWrongChain;
    });
    return wrong ? fail(Errc::kWrongChain, all.front()->reason()) : out;
}

}  // namespace margrave::chains::evm
