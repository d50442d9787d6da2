// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace margrave::replay {

/// One block in the node's words.
struct Block {
    std::string_view hash;
    /// eth_getBlockByNumber with hashes, and with whole transactions.
    std::string_view header;
    std::string_view full;
    std::string_view receipts;
};

/// What eth_getLogs asks for, as canonical (lower-case) hex. An empty list at a place is anything.
struct LogFilter {
    std::uint64_t from{0};
    std::uint64_t to{0};
    std::vector<std::string_view> addresses;
    std::vector<std::vector<std::string_view>> topics;
};

/// Logs as text: joined by commas they are the inside of the node's answer.
struct LogText {
    std::vector<std::string_view> pieces;
    std::size_t count{0};
};

/// A recorded chain. The file is the line `margrave-recording 1` and frames of
///
///     <kind> <number> <bytes>\n<so many bytes>\n
///
/// | kind | number | bytes |
/// |---|---|---|
/// | block, full, logs, receipts | the block | the answer's result; of all logs |
/// | constant | 0 | `method params\n` and the result, the same for ever |
/// | since | the block | the same with "@" for the block: true of its state until the next such
/// frame | | lag | 0 | two numbers: by how much `safe` and `finalized` are behind `latest` |
///
/// Blocks ascend by one from 0. Immutable once loaded; every view is into it.
class Recording {
  public:
    /// kIo, or kInvalid with the frame that is broken.
    static Result<Recording> load(const std::filesystem::path& file);

    Recording(Recording&&) = default;
    Recording& operator=(Recording&&) = default;
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    ~Recording() = default;

    [[nodiscard]] std::uint64_t last() const { return blocks_.size() - 1; }

    [[nodiscard]] std::uint64_t safe_lag() const { return safe_lag_; }

    [[nodiscard]] std::uint64_t final_lag() const { return final_lag_; }

    [[nodiscard]] std::size_t logs() const { return log_count_; }

    /// Null for a block that is not there.
    [[nodiscard]] const Block* block(std::uint64_t number) const;
    [[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view hash) const;
    /// `question` is the method, a blank and the canonical parameters.
    [[nodiscard]] std::optional<std::string_view> constant(const std::string& question) const;
    [[nodiscard]] std::optional<std::string_view> since(
        const std::string& question, std::uint64_t number
    ) const;
    [[nodiscard]] LogText find_logs(const LogFilter& filter) const;

  private:
    Recording() = default;

    struct Entry {
        std::uint64_t block{0};
        /// Among all logs of the chain.
        std::size_t ordinal{0};
        std::size_t begin{0};
        std::size_t end{0};
    };

    /// The logs of one contract and one first topic in one piece of text, so that the usual
    /// question is answered by one slice of it.
    struct Stream {
        std::string text;
        std::vector<Entry> entries;
    };

    /// Entries of one stream that a question is about.
    struct Part {
        const Stream* stream;
        std::size_t next;
        std::size_t end;
    };

    struct Frame {
        std::string_view kind;
        std::uint64_t number{0};
        std::string_view payload;
    };

    Result<void> add(const Frame& frame);
    Result<void> add_logs(std::uint64_t number, std::string_view list);
    void add_log(std::uint64_t number, std::string_view log);
    static void gather(std::vector<Part> parts, const LogFilter& filter, LogText& out);

    std::string file_;
    std::vector<Block> blocks_;
    std::unordered_map<std::string_view, std::uint64_t> by_hash_;
    std::unordered_map<std::string, std::string_view> constants_;
    std::unordered_map<std::string, std::map<std::uint64_t, std::string_view>> states_;
    std::map<std::pair<std::string, std::string>, Stream> streams_;
    std::size_t log_count_{0};
    std::uint64_t safe_lag_{0};
    std::uint64_t final_lag_{0};
};

}  // namespace margrave::replay
