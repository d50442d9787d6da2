// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/survey.hpp"

#include "chains/evm/requests.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"
#include "infra/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using rpc::RpcClass;

/// Of one node's words inside a sentence.
constexpr std::size_t kWordsMax = 160;

std::string claim_of(const json& answer) {
    std::string text = answer.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
    text.resize(std::min(text.size(), Evidence::kClaimMax));
    return text;
}

Evidence evidence_of(
    const rpc::OperatorAnswer& answer, std::string_view kind, std::string detail, const json& claim
) {
    Evidence out;
    out.endpoint = answer.endpoint->name();
    out.operator_name = answer.operator_name;
    out.kind = kind;
    out.detail = std::move(detail);
    out.claim = claim_of(claim);
    return out;
}

Heard silent(std::string_view why) {
    Heard out;
    out.silence = infra::printable(why, kWordsMax);
    return out;
}

/// A block of the first answers, or why the node is silent.
struct FirstBlock {
    std::optional<BlockRef> block;
    std::optional<Heard> trouble;
};

FirstBlock first_block(
    const rpc::OperatorAnswer& answer,
    const rpc::RpcResult<json>& given,
    ProofMode proof,
    std::optional<BlockNum> asked,
    bool may_be_missing
) {
    FirstBlock out;
    if (!given && may_be_missing && given.error().kind == RpcClass::kBlockNotFound) {
        return out;
    }
    if (!given) {
        out.trouble = silent(given.error().detail);
        return out;
    }
    const auto block = read_block(given.value(), proof, asked);
    if (!block) {
        out.trouble = silent(block.error().detail);
        if (block.error().code == Errc::kUnproved) {
            out.trouble->disproof =
                evidence_of(answer, "header", block.error().detail, given.value());
        }
        return out;
    }
    if (block.value()) {
        out.block = block.value()->block;
    } else if (!may_be_missing) {
        out.trouble = silent("has no latest block");
    }
    return out;
}

/// What a node states in answer to a call, as text that equal statements share; empty for none.
std::string statement(const rpc::RpcResult<json>& answer) {
    if (answer) {
        return "v" + answer.value().dump();
    }
    return answer.error().kind == RpcClass::kReverted ? "r" + to_hex(answer.error().revert_data)
                                                      : std::string();
}

const rpc::RpcResult<json>* answer_at(const rpc::OperatorAnswer& answer, std::size_t call) {
    return answer.answers ? &answer.answers.value()[call] : nullptr;
}

std::string differences(
    std::span<const rpc::OperatorAnswer> answers, const rpc::RpcCall& call, std::size_t place
) {
    std::string out = call.method + ": ";
    bool first = true;
    for (const rpc::OperatorAnswer& answer : answers) {
        const rpc::RpcResult<json>* given = answer_at(answer, place);
        const rpc::RpcError* error = given == nullptr ? &answer.answers.error()
                                     : *given         ? nullptr
                                                      : &given->error();
        const std::string said = error != nullptr ? error->detail : given->value().dump();
        out +=
            (first ? "" : "; ") + answer.operator_name + ": " + infra::printable(said, kWordsMax);
        first = false;
        if (out.size() > 5 * kWordsMax) {
            return out + "; ...";
        }
    }
    return out;
}

/// The answer that enough operators give to one call; null when there is none.
const rpc::RpcResult<json>* common_answer(
    std::span<const rpc::OperatorAnswer> answers, std::size_t place, std::uint64_t needed
) {
    std::map<std::string, std::pair<std::uint64_t, const rpc::RpcResult<json>*>> parties;
    std::map<RpcClass, std::pair<std::uint64_t, const rpc::RpcResult<json>*>> errors;
    for (const rpc::OperatorAnswer& answer : answers) {
        const rpc::RpcResult<json>* given = answer_at(answer, place);
        if (given == nullptr) {
            continue;
        }
        const std::string stated = statement(*given);
        auto& party = stated.empty() ? errors[given->error().kind] : parties[stated];
        ++party.first;
        party.second = given;
    }
    const rpc::RpcResult<json>* out = nullptr;
    for (const auto& [stated, party] : parties) {
        if (party.first >= needed && out != nullptr) {
            return nullptr;
        }
        out = party.first >= needed ? party.second : out;
    }
    for (const auto& [kind, party] : errors) {
        out = out == nullptr && party.first >= needed ? party.second : out;
    }
    return out;
}

}  // namespace

std::vector<BlockRef> refs_of(const std::vector<KnownBlock>& blocks) {
    std::vector<BlockRef> out;
    out.reserve(blocks.size());
    for (const KnownBlock& block : blocks) {
        out.push_back(block.block);
    }
    return out;
}

Result<std::optional<KnownBlock>> read_block(
    const json& answer, ProofMode proof, std::optional<BlockNum> asked
) {
    std::optional<KnownBlock> out;
    if (answer.is_null()) {
        return out;
    }
    if (proof == ProofMode::kAgreement) {
        MARGRAVE_TRY(const auto header, read_header(answer));
        out.emplace(KnownBlock{header->block, std::nullopt});
    } else {
        MARGRAVE_TRY(auto header, prove_header(answer));
        const BlockRef block = header.block();
        out.emplace(KnownBlock{block, std::move(header)});
    }
    if (asked && out->block.number != *asked) {
        return fail(
            Errc::kUnproved,
            "asked for block " + std::to_string(asked->value) + ", the node answered with block " +
                std::to_string(out->block.number.value)
        );
    }
    return out;
}

FirstQuestion first_question(std::optional<BlockNum> head, std::optional<std::string_view> tag) {
    FirstQuestion out;
    out.calls.push_back(ask_chain_id());
    out.calls.push_back(ask_block("latest"));
    out.head = head;
    if (head) {
        out.calls.push_back(ask_block(*head));
    }
    out.has_tag = tag.has_value();
    if (tag) {
        out.calls.push_back(ask_block(*tag));
    }
    return out;
}

Heard hear(
    const rpc::OperatorAnswer& answer,
    const FirstQuestion& question,
    ProofMode proof,
    std::uint64_t chain_id
) {
    if (!answer.answers) {
        return silent(answer.answers.error().detail);
    }
    const auto& given = answer.answers.value();
    MARGRAVE_ASSERT(given.size() == question.calls.size());
    if (!given[0]) {
        return silent(given[0].error().detail);
    }
    const auto id = rpc::u64_of(given[0].value(), "eth_chainId");
    if (!id) {
        return silent(id.error().detail);
    }
    if (id.value() != chain_id) {
        Heard out = silent("serves chain id " + std::to_string(id.value()));
        out.other_chain = id.value();
        return out;
    }
    Voice voice;
    voice.operator_name = answer.operator_name;
    voice.endpoint = answer.endpoint->name();
    auto latest = first_block(answer, given[1], proof, std::nullopt, /*may_be_missing=*/false);
    if (latest.trouble) {
        return std::move(*latest.trouble);
    }
    voice.latest = *latest.block;
    if (question.head) {
        auto at_head = first_block(answer, given[2], proof, question.head, true);
        if (at_head.trouble) {
            return std::move(*at_head.trouble);
        }
        if (at_head.block) {
            voice.add(*at_head.block);
        }
    }
    if (question.has_tag) {
        auto tag = first_block(answer, given.back(), proof, std::nullopt, true);
        if (tag.trouble) {
            return std::move(*tag.trouble);
        }
        voice.tag = tag.block;
    }
    if (voice.tag && voice.tag->number > voice.latest.number) {
        return silent(
            "its final block " + std::to_string(voice.tag->number.value) +
            " is above its latest block " + std::to_string(voice.latest.number.value)
        );
    }
    if (voice.tag) {
        voice.add(*voice.tag);
    }
    voice.add(voice.latest);
    Heard out;
    out.voice = std::move(voice);
    return out;
}

void hear_more(
    Survey& survey,
    const rpc::OperatorAnswer& answer,
    std::span<const BlockNum> numbers,
    ProofMode proof
) {
    if (!answer.answers) {
        return;
    }
    MARGRAVE_ASSERT(answer.answers.value().size() == numbers.size());
    for (Voice& voice : survey.voices) {
        if (voice.operator_name != answer.operator_name) {
            continue;
        }
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            const auto& given = answer.answers.value()[i];
            if (!given) {
                continue;
            }
            const auto block = read_block(given.value(), proof, numbers[i]);
            if (block && block.value()) {
                voice.add(block.value()->block);
            }
        }
    }
}

Result<CommonAnswers> common_answers(
    std::span<const rpc::OperatorAnswer> answers,
    std::span<const rpc::RpcCall> calls,
    std::uint64_t needed
) {
    if (answers.size() == 1 && !answers.front().answers) {
        return Error(answers.front().answers.error());
    }
    // Then it helps to ask for less.
    const bool too_large = std::ranges::any_of(answers, [](const rpc::OperatorAnswer& answer) {
        return !answer.answers && answer.answers.error().code == Errc::kLimit;
    });
    CommonAnswers out;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const rpc::RpcResult<json>* common = common_answer(answers, i, needed);
        if (common == nullptr) {
            return fail(
                too_large ? Errc::kLimit : Errc::kUnable,
                "no " + std::to_string(needed) + (needed == 1 ? " operator" : " operators") +
                    " give one answer to " + differences(answers, calls[i], i)
            );
        }
        out.push_back(*common);
    }
    return out;
}

std::vector<Evidence> differing(
    std::span<const rpc::OperatorAnswer> answers,
    std::span<const rpc::RpcCall> calls,
    const CommonAnswers& common
) {
    std::vector<Evidence> out;
    for (const rpc::OperatorAnswer& answer : answers) {
        for (std::size_t i = 0; i < calls.size(); ++i) {
            const rpc::RpcResult<json>* given = answer_at(answer, i);
            const std::string stated = given == nullptr ? "" : statement(*given);
            const std::string agreed = statement(common[i]);
            if (stated.empty() || agreed.empty() || stated == agreed) {
                continue;
            }
            const json claim = *given ? given->value() : json(given->error().detail);
            out.push_back(evidence_of(
                answer,
                "call",
                "answers " + calls[i].method + " " + infra::printable(calls[i].params, kWordsMax) +
                    " otherwise than the others, who say " +
                    infra::printable(agreed.substr(1), kWordsMax),
                claim
            ));
            break;
        }
    }
    return out;
}

}  // namespace margrave::chains::evm
