// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/agreement.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace margrave::chains::evm {
namespace {

constexpr std::size_t kCandidatesMax = 4;
/// Of a sentence that lists operators.
constexpr std::size_t kSentenceMax = 900;

std::optional<BlockNum> nth_highest(std::vector<BlockNum> numbers, std::uint64_t n) {
    if (n == 0 || numbers.size() < n) {
        return std::nullopt;
    }
    std::ranges::sort(numbers, std::greater<>{});
    return numbers[n - 1];
}

std::string cut(std::string text) {
    if (text.size() > kSentenceMax) {
        text.resize(kSentenceMax);
        text += "...";
    }
    return text;
}

std::string silences(const Survey& survey) {
    std::string out;
    for (const Silence& silence : survey.silent) {
        out += (out.empty() ? "" : "; ") + silence.operator_name + ": " + silence.why;
    }
    return out;
}

std::string operators(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " operator" : " operators");
}

}  // namespace

const BlockRef* Voice::at(BlockNum number) const {
    const auto found = blocks.find(number);
    return found == blocks.end() ? nullptr : &found->second;
}

Ballot vote(const Survey& survey, BlockNum number) {
    std::map<Hash32, std::pair<std::uint64_t, const BlockRef*>> parties;
    Ballot out;
    out.number = number;
    for (const Voice& voice : survey.voices) {
        if (const BlockRef* block = voice.at(number)) {
            ++out.answers;
            auto& party = parties[block->hash];
            ++party.first;
            party.second = block;
        }
    }
    std::uint64_t large_enough = 0;
    for (const auto& [hash, party] : parties) {
        out.agreeing = std::max(out.agreeing, party.first);
        if (party.first >= survey.needed) {
            ++large_enough;
            out.agreed = *party.second;
        }
    }
    if (large_enough != 1) {
        out.agreed.reset();
    }
    return out;
}

std::optional<BlockNum> common_latest(const Survey& survey) {
    std::vector<BlockNum> numbers;
    for (const Voice& voice : survey.voices) {
        numbers.push_back(voice.latest.number);
    }
    return nth_highest(std::move(numbers), survey.needed);
}

std::optional<BlockNum> common_tag(const Survey& survey) {
    std::vector<BlockNum> numbers;
    for (const Voice& voice : survey.voices) {
        if (voice.tag) {
            numbers.push_back(voice.tag->number);
        }
    }
    return nth_highest(std::move(numbers), survey.needed);
}

std::vector<BlockNum> candidates(const Survey& survey, BlockNum top) {
    std::set<BlockNum, std::greater<>> numbers{top};
    for (const Voice& voice : survey.voices) {
        if (voice.latest.number < top) {
            numbers.insert(voice.latest.number);
        }
    }
    std::vector<BlockNum> out(numbers.begin(), numbers.end());
    out.resize(std::min(out.size(), kCandidatesMax));
    return out;
}

std::string disagreement(const Survey& survey, BlockNum number) {
    const Ballot ballot = vote(survey, number);
    std::string out = std::to_string(ballot.agreeing) + " of " + operators(survey.needed) +
                      " that must agree give the same block " + std::to_string(number.value);
    std::string parties;
    for (const Voice& voice : survey.voices) {
        const BlockRef* block = voice.at(number);
        parties += (parties.empty() ? "" : ", ") + voice.operator_name +
                   (block != nullptr ? " " + to_hex(block->hash) : " none");
    }
    out += ": " + parties;
    if (!survey.silent.empty()) {
        out += "; silent are " + silences(survey);
    }
    return cut(std::move(out));
}

std::string too_few(const Survey& survey) {
    const std::string missing = silences(survey);
    return cut(
        std::to_string(survey.voices.size()) + " of " + operators(survey.needed) +
        " that must agree answered" + (missing.empty() ? "" : "; " + missing)
    );
}

std::vector<Evidence> dissent(
    const Survey& survey, const BlockRef& believed, std::string_view kind
) {
    std::vector<Evidence> out;
    for (const Voice& voice : survey.voices) {
        const BlockRef* block = voice.at(believed.number);
        if (block == nullptr || block->hash == believed.hash) {
            continue;
        }
        Evidence evidence;
        evidence.endpoint = voice.endpoint;
        evidence.operator_name = voice.operator_name;
        evidence.kind = kind;
        evidence.detail = "says that block " + std::to_string(believed.number.value) + " is " +
                          to_hex(block->hash) + "; " +
                          operators(vote(survey, believed.number).agreeing) + " say " +
                          to_hex(believed.hash);
        out.push_back(std::move(evidence));
    }
    return out;
}

}  // namespace margrave::chains::evm
