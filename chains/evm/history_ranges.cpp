// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/detail/history.hpp"
#include "chains/evm/fast_json.hpp"
#include "infra/log.hpp"
#include "infra/task_group.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <iterator>

// One range of history: its headers, that enough operators have its last block, and its events by
// the chain's proof mode.
namespace margrave::chains::evm {
namespace {

/// Headers of one request.
constexpr std::uint64_t kHeaderBatch = 100;
/// Largest answer about several blocks. One about a single block may be as large as any.
constexpr std::size_t kAnswerMax = std::size_t{8} << 20U;
/// What one range may bring in receipts; the rest of it is asked for again.
constexpr std::size_t kPartEvents = 8'192;
/// Receipts of several blocks are asked for together while they are likely to be no more than this.
constexpr std::uint64_t kReceiptsBytes = std::uint64_t{512} << 10U;

// As JSON, without data: a log, and a header with its bloom.
constexpr std::size_t kTextOfLog = 570;
constexpr std::size_t kTextOfHeader = 1'800;

// A transaction takes 21,000 gas at least (EIP-2), and its receipt about so many bytes of text.
std::uint64_t likely_receipts_bytes(const KnownBlock& block) {
    constexpr std::uint64_t kGasOfTxn = 21'000;
    constexpr std::uint64_t kBytesOfReceipt = 1'600;
    return (block.header->gas_used() / kGasOfTxn + 1) * kBytesOfReceipt;
}

std::size_t text_size(const std::vector<NodeLog>& logs) {
    std::size_t out = logs.size() * kTextOfLog;
    for (const NodeLog& log : logs) {
        out += 2 * log.data.size();
    }
    return out;
}

BlockRange range_of(const std::vector<KnownBlock>& blocks) {
    return {blocks.front().block.number, blocks.back().block.number};
}

Survey hear_block(
    std::span<const rpc::OperatorAnswer> answers, BlockNum number, const ChainSettings& settings
) {
    Survey out;
    out.needed = settings.agreement;
    for (const rpc::OperatorAnswer& answer : answers) {
        Voice voice;
        voice.operator_name = answer.operator_name;
        voice.endpoint = answer.endpoint->name();
        out.voices.push_back(std::move(voice));
        const std::array<BlockNum, 1> numbers{number};
        hear_more(out, answer, numbers, settings.proof);
        if (out.voices.back().at(number) == nullptr) {
            out.voices.pop_back();
            const std::string why = answer.answers ? "gave no block " + std::to_string(number.value)
                                                   : answer.answers.error().detail;
            out.silent.push_back({answer.operator_name, why});
        }
    }
    return out;
}

/// What operators gave as the logs of one range.
struct SaidLogs {
    rpc::Endpoint* node{nullptr};
    std::vector<NodeLog> logs;
};

/// The first whose logs `needed` of them give alike; null when there is none.
SaidLogs* common_logs(std::vector<SaidLogs>& said, std::uint64_t needed) {
    for (SaidLogs& one : said) {
        const auto alike = std::ranges::count(said, one.logs, &SaidLogs::logs);
        if (static_cast<std::uint64_t>(alike) >= needed) {
            return &one;
        }
    }
    return nullptr;
}

std::string range_text(BlockRange range) {
    return "the logs of blocks " + std::to_string(range.from.value) + " to " +
           std::to_string(range.to.value);
}

Error differing_logs(BlockRange range) {
    return fail(Errc::kUnproved, "gave " + range_text(range) + " otherwise than enough others do");
}

// One sentence: who says how many, and what is the matter with the others.
std::string logs_disagreement(
    const std::vector<SaidLogs>& said, BlockRange range, const std::string& trouble
) {
    constexpr std::size_t kWordsMax = 160;
    std::string out = "too few operators give " + range_text(range) + " alike:";
    for (const SaidLogs& one : said) {
        out += " " + one.node->operator_name() + " " + std::to_string(one.logs.size()) + " logs;";
    }
    return out + " " +
           (trouble.empty() ? "nobody else is there" : infra::printable(trouble, kWordsMax));
}

}  // namespace

RangeSize& EvmAdapter::size_of(const Node& node) {
    RangeLimits limits;
    limits.blocks_max = std::max<std::uint64_t>(settings_.log_range, 1);
    return sizes_.try_emplace(node.name(), limits).first->second;
}

EvmAdapter::Setback EvmAdapter::setback(
    const Node& node, const rpc::RpcError& error, BlockRange range
) {
    using rpc::RpcClass;
    const bool slow = error.kind == RpcClass::kTransport && error.code == Errc::kTimeout;
    const bool may_be_size =
        slow || error.kind == RpcClass::kRangeTooLarge || error.kind == RpcClass::kOther;
    Setback out{Setback::Cure::kElsewhere, named(node, error)};
    if (may_be_size && range.blocks() > 1) {
        size_of(node).refused(range.blocks(), suggested_blocks(error.detail));
        out.cure = Setback::Cure::kSmaller;
    }
    return out;
}

Task<EvmAdapter::Brought<EvmAdapter::HistoryPart>> EvmAdapter::bring(
    Node& node, BlockRange range, History* history
) {
    auto read = co_await bring_blocks(node, range);
    if (auto* trouble = std::get_if<Setback>(&read)) {
        co_return std::move(*trouble);
    }
    const auto& blocks = std::get<std::vector<KnownBlock>>(read);
    auto other = co_await agree_on(node, blocks.back());
    if (other) {
        co_return std::move(*other);
    }
    HistoryPart part;
    part.node = &node;
    part.blocks = refs_of(blocks);
    auto trouble = co_await bring_events(node, blocks, &part, history);
    if (trouble) {
        co_return std::move(*trouble);
    }
    co_return part;
}

// Every header of the range, linked to the last by parent hashes.
Task<EvmAdapter::Brought<std::vector<KnownBlock>>> EvmAdapter::bring_blocks(
    Node& node, BlockRange range
) {
    const std::uint64_t rate = node.settings().rate.per_second;
    const std::uint64_t batch =
        rate == 0 ? kHeaderBatch : std::clamp<std::uint64_t>(rate / 4, 1, kHeaderBatch);
    std::vector<KnownBlock> out;
    out.reserve(range.blocks());
    std::uint64_t number = range.from.value;
    while (number <= range.to.value) {
        std::vector<rpc::RpcCall> calls;
        const std::uint64_t last = std::min(range.to.value, number + batch - 1);
        for (std::uint64_t n = number; n <= last; ++n) {
            calls.push_back(ask_block(BlockNum(n)));
        }
        auto answers = co_await node.ask_all_raw(std::move(calls), settings_.rpc_timeout);
        if (!answers) {
            co_return setback(node, answers.error(), range);
        }
        for (const auto& answer : answers.value()) {
            if (!answer) {
                co_return setback(node, answer.error(), range);
            }
            auto block = read_block(answer.value(), settings_.proof, BlockNum(number));
            if (!block) {
                co_return Setback{
                    Setback::Cure::kElsewhere, refuted(node, "header", block.error())};
            }
            if (!block.value()) {
                co_return Setback{
                    Setback::Cure::kElsewhere,
                    fail(
                        Errc::kUnable,
                        settings_.chain.text() + ": " + node.name() + " has no block " +
                            std::to_string(number) + ", which is final"
                    )};
            }
            out.push_back(std::move(*block.value()));
            ++number;
        }
    }
    auto linked = check_links(std::nullopt, refs_of(out));
    if (!linked) {
        co_return Setback{Setback::Cure::kElsewhere, refuted(node, "header", linked.error())};
    }
    co_return out;
}

Task<std::optional<EvmAdapter::Setback>> EvmAdapter::agree_on(Node& node, const KnownBlock& block) {
    const std::size_t operators = pool_->one_per_operator().size();
    if (operators <= 1 && settings_.agreement <= 1) {
        co_return std::nullopt;
    }
    const BlockNum number = block.block.number;
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_block(number));
    auto answers =
        co_await pool_->ask_operators(std::move(calls), settings_.rpc_timeout, settings_.agreement);
    const Survey survey = hear_block(answers, number, settings_);
    const Ballot ballot = vote(survey, number);
    agreement_.agreeing = ballot.agreeing;
    agreement_.lost.clear();
    if (!ballot.agreed) {
        agreement_.lost = disagreement(survey, number);
        co_return Setback{
            Setback::Cure::kNone,
            fail(Errc::kUnable, settings_.chain.text() + ": " + agreement_.lost)};
    }
    for (Evidence& evidence : dissent(survey, *ballot.agreed, "final-block")) {
        refute(std::move(evidence));
    }
    if (ballot.agreed->hash != block.block.hash) {
        co_return Setback{
            Setback::Cure::kElsewhere,
            fail(
                Errc::kReorg,
                settings_.chain.text() + ": " + node.name() + " gave block " +
                    std::to_string(number.value) + " (" + to_hex(block.block.hash) +
                    "), the operators agree on " + to_hex(ballot.agreed->hash)
            )};
    }
    co_return std::nullopt;
}

Task<std::optional<EvmAdapter::Setback>> EvmAdapter::bring_events(
    Node& node, const std::vector<KnownBlock>& blocks, HistoryPart* part, History* history
) {
    switch (settings_.proof) {
        case ProofMode::kAccumulator:
            return bring_by_accumulator(node, blocks, part, history);
        case ProofMode::kReceipts:
            return bring_by_receipts(node, blocks, part);
        case ProofMode::kAgreement:
            break;
    }
    return bring_by_agreement(node, blocks, part);
}

Task<EvmAdapter::Brought<std::vector<NodeLog>>> EvmAdapter::bring_logs(
    Node& node, BlockRange range
) {
    const auto filter = followed();
    rpc::RpcCall call = ask_logs(filter.first, filter.second, range.from, range.to);
    call.answer_max = range.blocks() > 1 ? kAnswerMax : 0;
    auto answer = co_await node.ask_raw(std::move(call), settings_.rpc_timeout);
    if (!answer) {
        co_return setback(node, answer.error(), range);
    }
    auto logs = read_logs(answer.value());
    if (!logs) {
        co_return Setback{Setback::Cure::kElsewhere, refuted(node, "logs", logs.error())};
    }
    co_return std::move(logs).value();
}

// The fold over them is compared when they are delivered, since it stands on those before. A proof
// costs a node more than logs do, and one behind many ranges says as much as one behind each.
Task<std::optional<EvmAdapter::Setback>> EvmAdapter::bring_by_accumulator(
    Node& node, const std::vector<KnownBlock>& blocks, HistoryPart* part, History* history
) {
    auto logs = co_await bring_logs(node, range_of(blocks));
    if (auto* trouble = std::get_if<Setback>(&logs)) {
        co_return std::move(*trouble);
    }
    part->logs = std::move(std::get<std::vector<NodeLog>>(logs));
    part->bytes = text_size(part->logs) + blocks.size() * kTextOfHeader;
    if (!history->claims(*part, proves_each_)) {
        co_return std::nullopt;
    }
    Readers readers(node);
    auto claimed = co_await accumulators_at(readers, blocks.back());
    if (!claimed) {
        // The next range asks instead.
        history->unclaimed = history->claim_size;
        co_return Setback{Setback::Cure::kElsewhere, claimed.error()};
    }
    part->claimed = claimed.value();
    co_return std::nullopt;
}

Task<std::optional<EvmAdapter::Setback>> EvmAdapter::bring_by_receipts(
    Node& node, const std::vector<KnownBlock>& blocks, HistoryPart* part
) {
    Readers readers(node);
    std::size_t events = 0;
    std::size_t at = 0;
    while (at < blocks.size() && events < kPartEvents) {
        std::vector<rpc::RpcCall> calls;
        std::vector<const KnownBlock*> opened;
        std::uint64_t weight = 0;
        for (; at < blocks.size() && weight < kReceiptsBytes; ++at) {
            if (proves_nothing(blocks[at])) {
                continue;
            }
            weight += likely_receipts_bytes(blocks[at]);
            std::ranges::move(ask_content(blocks[at]), std::back_inserter(calls));
            opened.push_back(&blocks[at]);
        }
        if (opened.empty()) {
            continue;
        }
        part->bytes += weight;
        const std::size_t each = calls.size() / opened.size();
        auto answers = co_await ask_each(readers, std::move(calls));
        if (!answers) {
            co_return Setback{Setback::Cure::kElsewhere, answers.error()};
        }
        for (std::size_t i = 0; i < opened.size(); ++i) {
            const std::span<const Json> given(&answers.value()[i * each], each);
            auto content = read_content(node, *opened[i], given);
            if (!content) {
                co_return Setback{Setback::Cure::kElsewhere, content.error()};
            }
            events += content.value().logs.size();
            part->contents.push_back(std::move(content).value());
        }
    }
    part->blocks.resize(at);
    part->bytes += at * kTextOfHeader;
    co_return std::nullopt;
}

// Each operator is asked for the same logs, no more of them than must agree unless they differ.
Task<EvmAdapter::Brought<std::vector<NodeLog>>> EvmAdapter::bring_common_logs(
    Node& node, BlockRange range
) {
    std::vector<Node*> others = pool_->one_per_operator();
    std::ranges::stable_partition(others, [](const Node* other) { return other->is_ready(); });
    std::erase_if(others, [&](const Node* other) {
        return other->operator_name() == node.operator_name();
    });
    others.insert(others.begin(), &node);
    std::vector<SaidLogs> said;
    std::optional<Setback> trouble;
    std::size_t asked = 0;
    SaidLogs* common = nullptr;
    while (common == nullptr && asked < others.size()) {
        const std::size_t missing =
            said.size() < settings_.agreement ? settings_.agreement - said.size() : 1;
        const std::size_t last = std::min(others.size(), asked + missing);
        std::vector<Task<Brought<std::vector<NodeLog>>>> questions;
        for (std::size_t i = asked; i < last; ++i) {
            questions.push_back(bring_logs(*others[i], range));
        }
        auto answers = co_await infra::gather(std::move(questions));
        for (auto& answer : answers) {
            Node* from = others[asked++];
            if (auto* logs = std::get_if<std::vector<NodeLog>>(&answer)) {
                said.push_back({from, std::move(*logs)});
            } else {
                trouble = std::move(std::get<Setback>(answer));
            }
        }
        if (trouble && trouble->cure == Setback::Cure::kSmaller) {
            co_return std::move(*trouble);
        }
        common = common_logs(said, settings_.agreement);
    }
    if (common == nullptr) {
        agreement_.lost =
            logs_disagreement(said, range, trouble ? trouble->error.detail : std::string());
        co_return Setback{
            Setback::Cure::kNone,
            fail(Errc::kUnable, settings_.chain.text() + ": " + agreement_.lost)};
    }
    for (const SaidLogs& one : said) {
        if (one.logs != common->logs) {
            refuted(*one.node, "logs", differing_logs(range));
        }
    }
    co_return std::move(common->logs);
}

Task<std::optional<EvmAdapter::Setback>> EvmAdapter::bring_by_agreement(
    Node& node, const std::vector<KnownBlock>& blocks, HistoryPart* part
) {
    auto brought = co_await bring_common_logs(node, range_of(blocks));
    if (auto* trouble = std::get_if<Setback>(&brought)) {
        co_return std::move(*trouble);
    }
    auto& logs = std::get<std::vector<NodeLog>>(brought);
    part->bytes = text_size(logs) + blocks.size() * kTextOfHeader;
    auto next = logs.begin();
    for (const KnownBlock& block : blocks) {
        ProvedContent content;
        content.block = block.block;
        while (next != logs.end() && next->block == block.block.hash) {
            content.logs.push_back(std::move(*next));
            ++next;
        }
        if (!content.logs.empty()) {
            part->contents.push_back(std::move(content));
        }
    }
    if (next != logs.end()) {
        const Error foreign = fail(
            Errc::kUnproved,
            settings_.chain.text() + ": log " + std::to_string(next->index) + " of block " +
                std::to_string(next->number.value) + " (" + to_hex(next->block) +
                ") is of no block that was asked for, or out of order"
        );
        co_return Setback{Setback::Cure::kElsewhere, refuted(node, "logs", foreign)};
    }
    co_return std::nullopt;
}

}  // namespace margrave::chains::evm
