// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/ranges.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

namespace margrave::chains::evm {
namespace {

constexpr std::uint64_t kGrowth = 4;
/// Good answers at the ceiling after which twice as much is tried. Doubles with each refusal, so
/// that a limit of the node's own costs one question of a thousand.
constexpr std::uint64_t kPatience = 16;
constexpr std::uint64_t kPatienceMax = 256;
/// Words of a node that are looked at.
constexpr std::size_t kWordsMax = 400;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// A number in a text, hexadecimal where it says so, and where it begins.
struct Found {
    std::uint64_t value{0};
    std::size_t at{0};
    bool is_hex{false};
};

// "10,000" is one number; "[0x10, 0x1f]" are two.
std::vector<Found> numbers_in(std::string_view words) {
    std::vector<Found> out;
    std::size_t at = 0;
    while (at < words.size()) {
        if (!is_digit(words[at])) {
            ++at;
            continue;
        }
        Found found;
        found.at = at;
        found.is_hex = words.substr(at).starts_with("0x");
        std::string digits;
        at += found.is_hex ? 2 : 0;
        while (at < words.size()) {
            const bool groups = !found.is_hex && words[at] == ',' && at + 3 < words.size() &&
                                std::all_of(&words[at + 1], &words[at + 3] + 1, is_digit);
            const bool is_hex_digit = found.is_hex && words[at] >= 'a' && words[at] <= 'f';
            if (is_digit(words[at]) || is_hex_digit) {
                digits += words[at];
            } else if (!groups) {
                break;
            }
            ++at;
        }
        const auto [end, code] = std::from_chars(
            digits.data(), digits.data() + digits.size(), found.value, found.is_hex ? 16 : 10
        );
        if (code == std::errc{} && end == digits.data() + digits.size()) {
            out.push_back(found);
        }
    }
    return out;
}

// Two numbers behind "range" are the ends of one.
std::optional<std::uint64_t> suggested_ends(
    std::string_view text, const std::vector<Found>& numbers
) {
    for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
        const Found& low = numbers[i];
        const Found& high = numbers[i + 1];
        const std::size_t before = low.at > 24 ? low.at - 24 : 0;
        const std::string_view lead = text.substr(before, low.at - before);
        const bool names_range = lead.find("range") != std::string_view::npos ||
                                 lead.find("should work") != std::string_view::npos;
        const bool adjacent = high.at - low.at < 24;
        if (names_range && adjacent && low.is_hex == high.is_hex && high.value >= low.value) {
            return high.value - low.value + 1;
        }
    }
    return std::nullopt;
}

}  // namespace

RangeSize::RangeSize(RangeLimits limits)
    : limits_(limits),
      blocks_(
          std::clamp<std::uint64_t>(limits.start, 1, std::max<std::uint64_t>(limits.blocks_max, 1))
      ),
      ceiling_(std::max<std::uint64_t>(limits.blocks_max, 1)),
      patience_(kPatience) {}

void RangeSize::answered(std::uint64_t blocks, std::size_t bytes, std::size_t events) {
    if (refused_ != 0 && blocks >= refused_) {
        // What was refused is answered now: it was about what lay in those blocks.
        refused_ = 0;
        patience_ = kPatience;
    }
    if (blocks >= ceiling_ && ceiling_ < limits_.blocks_max && ++at_ceiling_ >= patience_) {
        at_ceiling_ = 0;
        ceiling_ = std::min(limits_.blocks_max, 2 * ceiling_);
    }
    // What the next question may weigh, in thousandths of this one.
    const auto room = [](std::size_t target, std::size_t got) {
        return got == 0 ? kGrowth * 1000 : std::uint64_t{1000} * target / got;
    };
    const std::uint64_t scale =
        std::min({room(limits_.bytes, bytes), room(limits_.events, events), kGrowth * 1000});
    const std::uint64_t wanted = std::max<std::uint64_t>(blocks * scale / 1000, 1);
    // A short rest of a stretch says nothing against larger questions.
    if (wanted > blocks_ || blocks >= blocks_) {
        blocks_ = std::min(wanted, ceiling_);
    }
}

void RangeSize::refused(std::uint64_t blocks, std::optional<std::uint64_t> suggested) {
    const std::uint64_t half = std::max<std::uint64_t>(blocks / 2, 1);
    const bool usable = suggested && *suggested > 0 && *suggested < blocks;
    const std::uint64_t next = usable ? *suggested : half;
    at_ceiling_ = 0;
    refused_ = blocks;
    patience_ = std::min(2 * patience_, kPatienceMax);
    ceiling_ = std::min(ceiling_, next);
    blocks_ = std::min(blocks_, ceiling_);
}

std::optional<std::uint64_t> suggested_blocks(std::string_view words) {
    std::string text(words.substr(0, kWordsMax));
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    const std::vector<Found> numbers = numbers_in(text);
    if (const auto ends = suggested_ends(text, numbers)) {
        return ends;
    }
    // Words that stand right before a number of blocks; a limit on results is none.
    constexpr std::array<std::string_view, 12> kLeads{
        "up to a ",
        "limited to a ",
        "limited to ",
        "maximum is set to ",
        "at most ",
        "max range: ",
        "maximum block range: ",
        "max block range ",
        "exceed maximum block range ",
        "number of requested blocks is ",
        "exceeds limit of ",
        "ranges over "};
    if (text.find("results") != std::string::npos ||
        text.find("logs matched") != std::string::npos) {
        return std::nullopt;
    }
    for (const Found& number : numbers) {
        const std::string_view before = std::string_view(text).substr(0, number.at);
        const bool leads = std::ranges::any_of(kLeads, [&](std::string_view lead) {
            return before.ends_with(lead);
        });
        if (leads && number.value > 0) {
            return number.value;
        }
    }
    return std::nullopt;
}

std::optional<BlockNum> RangePlan::lowest() const {
    if (!returned_.empty()) {
        return BlockNum(returned_.begin()->first);
    }
    return next_ < end_ ? std::optional(BlockNum(next_)) : std::nullopt;
}

std::optional<BlockRange> RangePlan::take(std::uint64_t blocks) {
    blocks = std::max<std::uint64_t>(blocks, 1);
    if (!returned_.empty()) {
        const auto first = returned_.begin();
        const BlockRange all{BlockNum(first->first), BlockNum(first->second)};
        returned_.erase(first);
        if (all.blocks() <= blocks) {
            return all;
        }
        const BlockRange part{all.from, BlockNum(all.from.value + blocks - 1)};
        give_back({BlockNum(part.to.value + 1), all.to});
        return part;
    }
    if (next_ >= end_) {
        return std::nullopt;
    }
    const std::uint64_t from = next_;
    next_ += std::min(blocks, end_ - next_);
    return BlockRange{BlockNum(from), BlockNum(next_ - 1)};
}

void RangePlan::give_back(BlockRange range) {
    MARGRAVE_ASSERT(range.from <= range.to);
    MARGRAVE_ASSERT(range.to.value < end_);
    const bool added = returned_.emplace(range.from.value, range.to.value).second;
    MARGRAVE_ASSERT(added);
}

}  // namespace margrave::chains::evm
