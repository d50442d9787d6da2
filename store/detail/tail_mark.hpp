// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace margrave::store::detail {

/// keccak of the kernel's id of this boot; zero where it has none. While it is the same, nothing
/// that any process wrote was lost, synced or not.
Hash32 this_boot();

/// How far the database has come, by RocksDB's sequence number, which counts every row ever
/// written. Followed after each write and synced at a start alone: so it costs a microsecond, and
/// tells the one thing that decisions.mark cannot, that blocks behind the last decision are gone.
/// Two slots in turn. One owner, one thread at a time.
class TailMark {
  public:
    struct Position {
        /// Every write up to here returned.
        std::uint64_t written{0};
        /// Every write up to here was synced.
        std::uint64_t synced{0};
        /// The boot in which `written` was said.
        Hash32 boot;
        /// Which of the slots is the newer one.
        std::uint64_t turn{0};
    };

    /// Made when it is missing. kCorrupt when neither slot checks.
    static Result<std::unique_ptr<TailMark>> open(const std::filesystem::path& file);
    ~TailMark();

    TailMark(const TailMark&) = delete;
    TailMark& operator=(const TailMark&) = delete;

    [[nodiscard]] const Position& position() const { return at_; }

    /// Does nothing when it says so already. kStore: what is on disk is unknown.
    Result<void> advance(std::uint64_t written, bool synced);
    /// To where the database is found after a power cut, which may be less than was said.
    Result<void> reset(std::uint64_t written);

  private:
    TailMark(std::filesystem::path file, int fd);
    static Result<std::unique_ptr<TailMark>> make(const std::filesystem::path& file);
    Result<void> load();
    Result<void> renew();
    Result<void> put(const Position& position);

    std::filesystem::path file_;
    int fd_;
    Position at_;
    const Hash32 boot_;
};

}  // namespace margrave::store::detail
