// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ids.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace margrave::relayer {

/// How a long reading gets on, as one line every few seconds. Plain: time comes in as an argument.
class Progress {
  public:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::milliseconds kEvery{5000};

    struct Line {
        BlockNum block;
        BlockNum to;
        /// Of the blocks from the first of all to the last.
        std::uint64_t percent{0};
        /// Since the line before.
        std::uint64_t blocks_per_s{0};
        std::uint64_t events_per_s{0};
        /// Absent while nothing moves.
        std::optional<std::chrono::seconds> left;
    };

    /// Of a reading that begins at `first` as a whole, however often it was resumed.
    explicit Progress(BlockNum first)
        : first_(first) {}

    /// `block` is done, `events` so far, `to` is the end. A line when one is due; the first call
    /// only starts the clock.
    std::optional<Line> note(Time now, BlockNum block, BlockNum to, std::uint64_t events);

  private:
    struct Mark {
        Time at;
        BlockNum block;
        std::uint64_t events{0};
    };

    BlockNum first_;
    std::optional<Mark> mark_;
};

/// How work of a known size gets on: "120 of 400 paths, 30 %, 40 a second, 7 s left". The time left
/// is absent while nothing is done.
std::string pace_text(
    const std::string& what, std::uint64_t done, std::uint64_t all, std::chrono::milliseconds passed
);

}  // namespace margrave::relayer
