// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/firm.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace margrave::crash {

/// How a child says what it does; every word is whole and at the parent's when the call returns.
class Pipe {
  public:
    explicit Pipe(int fd)
        : fd_(fd) {}

    void told(const Told& told) const { put('t', &told, sizeof told); }

    /// A signature was made.
    void signed_round(const Told& told) const { put('s', &told, sizeof told); }

    void say(const std::string& words) const { put('w', words.data(), words.size()); }

    /// That everything is open: from here on it works.
    void ready() const { put('r', nullptr, 0); }

    /// A named moment that was passed.
    void moment(std::string_view name) const { put('m', name.data(), name.size()); }

  private:
    void put(char kind, const void* bytes, std::size_t size) const;

    int fd_;
};

/// What a child left behind.
struct Outcome {
    bool killed{false};
    /// Exit code, or the number of the signal when that was not the one asked for.
    int code{0};
    int signal{0};
    std::vector<Told> told;
    std::vector<Told> signed_rounds;
    std::vector<std::string> words;
    std::vector<std::string> moments;
};

/// When to send SIGKILL: so long after the fork, or after so many rounds were told.
struct KillAfter {
    std::chrono::microseconds time{0};
    std::optional<std::size_t> rounds;
};

/// Runs `work` in a child and returns its code. The parent opens no database ever, so that a child
/// begins without threads and without a trace of others.
Outcome run_child(
    const std::function<int(const Pipe&)>& work, const std::optional<KillAfter>& kill = {}
);

/// Codes of children.
inline constexpr int kFine = 0;
/// An error that is the right answer to what the test did.
inline constexpr int kRefused = 10;
/// Something is lost, doubled or contradicted; or an error where none may be.
inline constexpr int kBad = 11;

/// A child's work: opens the firm at `dir`, checks it and goes on for so many rounds; then checks
/// it all when `full`.
int go_on(
    const Pipe& pipe,
    const History& history,
    const fs::path& dir,
    const std::vector<Told>& told,
    std::uint64_t rounds,
    bool full
);

/// All that was signed and told by the firms of one directory.
class Record {
  public:
    /// What is contradicted by what came before: one round with two digests. Empty when nothing.
    std::string add(const Outcome& outcome);

    [[nodiscard]] const std::vector<Told>& told() const { return told_; }

  private:
    std::vector<Told> told_;
    std::map<std::uint64_t, Hash32> signed_;
};

/// A number that no other run has, for messages.
std::uint64_t fresh_salt();

}  // namespace margrave::crash
