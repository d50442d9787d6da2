// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

/// How history is cut into questions: plain state machines that ask nobody. One thread.
namespace margrave::chains::evm {

/// Consecutive blocks, both ends included.
struct BlockRange {
    BlockNum from;
    BlockNum to;
    bool operator==(const BlockRange&) const = default;

    [[nodiscard]] std::uint64_t blocks() const { return to.value - from.value + 1; }
};

struct RangeLimits {
    /// What a question begins with and may grow to, in blocks.
    std::uint64_t start{4};
    std::uint64_t blocks_max{2000};
    /// What an answer should be like: text that fits a second-level cache, and so few events that
    /// no node refuses them (most refuse 10,000).
    std::size_t bytes{std::size_t{768} << 10U};
    std::size_t events{1500};
};

/// How many blocks one endpoint is asked for at once. Grows by what its answers weigh, at most four
/// times at a step; halves when it refuses, and what it refused is tried again only now and then.
class RangeSize {
  public:
    explicit RangeSize(RangeLimits limits);

    [[nodiscard]] std::uint64_t blocks() const { return blocks_; }

    /// An answer about `blocks` came, with so much in it.
    void answered(std::uint64_t blocks, std::size_t bytes, std::size_t events);
    /// A question about `blocks` was too large, or took too long. `suggested`: blocks that the node
    /// says it would answer for; believed only when it is less than what was asked.
    void refused(std::uint64_t blocks, std::optional<std::uint64_t> suggested);

  private:
    RangeLimits limits_;
    std::uint64_t blocks_;
    /// The most that may be asked for since something larger was refused.
    std::uint64_t ceiling_;
    /// Answers at the ceiling, and how many of them make it worth while to try more.
    std::uint64_t at_ceiling_{0};
    std::uint64_t patience_;
    std::uint64_t refused_{0};
};

/// How many blocks a node's words about a range that was too large suggest: of
/// "Try with this block range [0x10, 0x1f]", "retry with the range 16-31", "up to a 500 block
/// range", "maximum is set to 2048". Absent when they name none.
std::optional<std::uint64_t> suggested_blocks(std::string_view words);

/// Which blocks are still to be asked for. What is given back comes first, so that the lowest gap
/// is always the next question.
class RangePlan {
  public:
    RangePlan(BlockNum from, BlockNum to)
        : next_(from.value),
          end_(to.value + 1) {}

    /// The first block that nobody was asked for; absent when all were.
    [[nodiscard]] std::optional<BlockNum> lowest() const;
    /// Up to `blocks` from there, as far as they are consecutive.
    std::optional<BlockRange> take(std::uint64_t blocks);
    void give_back(BlockRange range);

  private:
    /// Ascending by first block; they do not overlap.
    std::map<std::uint64_t, std::uint64_t> returned_;
    std::uint64_t next_;
    std::uint64_t end_;
};

/// What bounds the answers that wait for those before them.
struct BacklogLimits {
    std::size_t bytes{std::size_t{8} << 20U};
    std::size_t events{16'384};
    std::size_t ranges{64};
};

/// Answers by first block, handed out in order. Holds what it is given: whoever asks looks at
/// `has_room` before, so it overflows by at most the answers that were under way.
template <class Answer>
class Backlog {
  public:
    Backlog(BlockNum next, BacklogLimits limits)
        : next_(next),
          limits_(limits) {}

    /// Whether to ask for blocks from `from` on. The next in order always may be: everything else
    /// waits for it.
    [[nodiscard]] bool has_room(BlockNum from) const {
        return from == next_ || (bytes_ < limits_.bytes && events_ < limits_.events &&
                                 waiting_.size() < limits_.ranges);
    }

    void put(BlockRange range, Answer answer, std::size_t bytes, std::size_t events) {
        bytes_ += bytes;
        events_ += events;
        waiting_.emplace(range.from, Entry{range, std::move(answer), bytes, events});
    }

    /// The answer about the next blocks in order; absent while it is not there.
    std::optional<Answer> pop() {
        const auto first = waiting_.begin();
        if (first == waiting_.end() || first->first != next_) {
            return std::nullopt;
        }
        Entry entry = std::move(first->second);
        waiting_.erase(first);
        bytes_ -= entry.bytes;
        events_ -= entry.events;
        next_ = BlockNum(entry.range.to.value + 1);
        return std::move(entry.answer);
    }

    /// The first block that was not handed out.
    [[nodiscard]] BlockNum next() const { return next_; }

    [[nodiscard]] std::size_t bytes() const { return bytes_; }

    [[nodiscard]] std::size_t events() const { return events_; }

  private:
    struct Entry {
        BlockRange range;
        Answer answer;
        std::size_t bytes{0};
        std::size_t events{0};
    };

    BlockNum next_;
    BacklogLimits limits_;
    std::map<BlockNum, Entry> waiting_;
    std::size_t bytes_{0};
    std::size_t events_{0};
};

}  // namespace margrave::chains::evm
