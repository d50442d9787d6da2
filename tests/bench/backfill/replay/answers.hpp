// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/bench/backfill/replay/recording.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace margrave::replay {

/// A text in pieces: what is recorded stays where it is, what was made for this answer lives here.
class Text {
  public:
    /// `recorded` outlives this text.
    void refer(std::string_view recorded);
    void own(std::string made);

    [[nodiscard]] std::size_t size() const { return size_; }

    [[nodiscard]] const std::vector<std::string_view>& pieces() const { return pieces_; }

  private:
    // A deque never moves what it holds.
    std::deque<std::string> made_;
    std::vector<std::string_view> pieces_;
    std::size_t size_{0};
};

/// What a provider would allow; 0 is no limit.
struct Limits {
    std::uint64_t max_range{0};
    std::uint64_t max_results{0};
};

/// Answers JSON-RPC bodies from a recording: eth_blockNumber, eth_getBlockByNumber and -ByHash,
/// eth_getBlockReceipts, eth_getLogs, what is recorded as constant or about the state of a block,
/// and `replay_setHead [number]`, after which no later block is there. Refusals have the node's
/// words where it has some. What was not recorded is an error and is remembered. One thread.
class Answers {
  public:
    Answers(const Recording& recording, Limits limits)
        : recording_(recording),
          limits_(limits),
          head_(recording.last()) {}

    /// The body of the answer to `body`, one call or a batch.
    Text answer(std::string_view body);

    /// How often what was asked, by method.
    [[nodiscard]] const std::map<std::string, std::uint64_t>& asked() const { return asked_; }

    /// Questions that the recording could not answer; at most 100 different ones.
    [[nodiscard]] const std::map<std::string, std::uint64_t>& missing() const { return missing_; }

  private:
    struct Call {
        std::string_view id{"null"};
        std::string_view method;
        std::vector<std::string_view> params;
    };

    struct Refusal {
        int code{0};
        std::string message;
    };

    /// A recorded result, the logs between brackets, a made result, or no.
    using Outcome = std::variant<std::string_view, LogText, std::string, Refusal>;

    static std::optional<Call> read_call(std::string_view text);
    void answer_call(std::string_view text, Text& out);
    Outcome outcome_of(const Call& call);
    Outcome block_outcome(const Call& call) const;
    Outcome logs_outcome(const Call& call) const;
    Outcome state_outcome(const Call& call);
    Outcome set_head(const Call& call);

    /// A tag, a quantity, a hash or an object of EIP-1898. Absent for a block that is not there.
    [[nodiscard]] std::optional<std::uint64_t> block_at(std::string_view param) const;
    /// The same, but a number above the head stays what it is; `head_` when there is nothing.
    [[nodiscard]] std::uint64_t range_end(std::string_view param) const;

    const Recording& recording_;
    Limits limits_;
    std::uint64_t head_;
    std::map<std::string, std::uint64_t> asked_;
    std::map<std::string, std::uint64_t> missing_;
};

}  // namespace margrave::replay
