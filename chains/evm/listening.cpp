// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::chains::evm {
namespace {

constexpr std::size_t kEvidenceMax = 256;
/// Doubt that makes an endpoint count as lying: three refutations in a row. A node that is merely
/// confused for a moment is right again at the next step.
constexpr unsigned kDoubtMax = 30;
constexpr unsigned kDoubt = 10;
/// Logs that are not the whole truth are mostly those of an index that lags behind its chain.
constexpr unsigned kDoubtOfLogs = 1;

}  // namespace

Task<Survey> EvmAdapter::listen(std::optional<BlockNum> head) {
    co_await dial(kDialInterval);
    Survey survey;
    survey.needed = settings_.agreement;
    const FirstQuestion question = first_question(head, finality_tag());
    std::vector<rpc::RpcCall> calls = question.calls;
    auto answers =
        co_await pool_->ask_operators(std::move(calls), settings_.rpc_timeout, settings_.agreement);
    std::set<std::string> asked;
    for (const rpc::OperatorAnswer& answer : answers) {
        asked.insert(answer.operator_name);
        hear_one(survey, answer, question);
    }
    for (const Node* node : pool_->endpoints()) {
        if (asked.insert(node->operator_name()).second) {
            survey.silent.push_back({node->operator_name(), node->reason()});
        }
    }
    std::vector<rpc::EndpointHead> heads;
    for (const Voice& voice : survey.voices) {
        heads.push_back({endpoint_named(voice.endpoint), voice.latest.number});
    }
    pool_->note_heads(heads, settings_.agreement);
    co_return survey;
}

void EvmAdapter::hear_one(
    Survey& survey, const rpc::OperatorAnswer& answer, const FirstQuestion& question
) {
    Heard heard = hear(answer, question, settings_.proof, chain_id_);
    if (heard.other_chain) {
        answer.endpoint->mark_wrong_chain(
            "endpoint " + answer.endpoint->name() + " serves chain id " +
            std::to_string(*heard.other_chain) + ", not " + settings_.chain.text()
        );
    }
    if (heard.disproof) {
        refute(std::move(*heard.disproof));
    }
    if (heard.voice) {
        survey.voices.push_back(std::move(*heard.voice));
    } else {
        survey.silent.push_back({answer.operator_name, std::move(heard.silence)});
    }
}

Task<void> EvmAdapter::listen_more(Survey* survey, std::vector<BlockNum> numbers) {
    if (numbers.empty()) {
        co_return;
    }
    std::vector<rpc::RpcCall> calls;
    for (const BlockNum number : numbers) {
        calls.push_back(ask_block(number));
    }
    auto answers =
        co_await pool_->ask_operators(std::move(calls), settings_.rpc_timeout, settings_.agreement);
    for (const rpc::OperatorAnswer& answer : answers) {
        hear_more(*survey, answer, numbers, settings_.proof);
    }
}

// The highest block that enough operators have now, whatever the ledger knows.
Task<Result<BlockRef>> EvmAdapter::agreed_head() {
    Survey survey = co_await listen(std::nullopt);
    auto head = co_await agree_on_head(&survey);
    co_return head;
}

Task<Result<BlockRef>> EvmAdapter::agree_on_head(Survey* survey) {
    const ChainView nothing;
    const auto top = common_latest(*survey);
    if (!top) {
        co_return not_agreed(nothing, *survey, fail(Errc::kUnable, too_few(*survey)));
    }
    const std::vector<BlockNum> numbers = candidates(*survey, *top);
    co_await listen_more(survey, numbers);
    for (const BlockNum number : numbers) {
        if (const auto agreed = vote(*survey, number).agreed) {
            co_return *agreed;
        }
    }
    co_return not_agreed(nothing, *survey, fail(Errc::kUnable, disagreement(*survey, *top)));
}

rpc::Endpoint* EvmAdapter::endpoint_named(std::string_view name) const {
    for (Node* node : pool_->endpoints()) {
        if (node->name() == name) {
            return node;
        }
    }
    return nullptr;
}

std::optional<EvmAdapter::Readers> EvmAdapter::agreeing(const Survey& survey, const BlockRef& block)
    const {
    Node* fallback = nullptr;
    std::optional<Readers> out;
    for (Node* node : pool_->best_first()) {
        const bool agrees = std::ranges::any_of(survey.voices, [&](const Voice& voice) {
            const BlockRef* said = voice.at(block.number);
            return voice.endpoint == node->name() && said != nullptr && said->hash == block.hash;
        });
        if (agrees && node->name() != avoid_) {
            if (out) {
                out->second = node;
                return out;
            }
            out.emplace(*node);
        }
        fallback = agrees ? node : fallback;
    }
    if (!out && fallback != nullptr) {
        out.emplace(*fallback);
    }
    return out;
}

void EvmAdapter::refute(Evidence evidence) {
    log_.debug(
        "source.refuted",
        {{"chain", settings_.chain}, {"endpoint", evidence.endpoint}, {"detail", evidence.detail}}
    );
    unsigned& doubt = doubts_[evidence.endpoint];
    doubt += evidence.kind == "logs" ? kDoubtOfLogs : kDoubt;
    if (doubt >= kDoubtMax) {
        doubt = 0;
        if (Node* node = endpoint_named(evidence.endpoint)) {
            node->mark_lying(evidence.detail);
        }
    }
    evidence_.push_back(std::move(evidence));
    if (evidence_.size() > kEvidenceMax) {
        evidence_.pop_front();
    }
}

Error EvmAdapter::refuted(const Node& node, std::string_view kind, Error error) {
    if (error.code == Errc::kUnproved) {
        avoid_ = node.name();
        Evidence evidence;
        evidence.endpoint = node.name();
        evidence.operator_name = node.operator_name();
        evidence.kind = kind;
        evidence.detail = error.detail;
        refute(std::move(evidence));
    }
    return error;
}

std::vector<SourceStatus> EvmAdapter::sources() const {
    return pool_->status();
}

Agreement EvmAdapter::agreement() const {
    return agreement_;
}

std::vector<Evidence> EvmAdapter::take_evidence() {
    std::vector<Evidence> out(
        std::make_move_iterator(evidence_.begin()), std::make_move_iterator(evidence_.end())
    );
    evidence_.clear();
    return out;
}

void EvmAdapter::forgive() {
    doubts_.clear();
    avoid_.clear();
    pool_->forgive();
}

}  // namespace margrave::chains::evm
