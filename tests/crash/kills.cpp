// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/child.hpp"
#include "tests/crash/runs.hpp"

#include <cstdio>
#include <random>

namespace margrave::crash {
namespace {

constexpr std::uint64_t kBlocks = 4'000;
/// After so many cycles everything is read, and a new directory begins.
constexpr std::uint64_t kCyclesOfDir = 250;
constexpr std::uint64_t kForEver = ~std::uint64_t{0};

struct Totals {
    std::uint64_t cycles{0};
    std::uint64_t in_start{0};
    std::uint64_t rounds{0};
    std::uint64_t dirs{0};
};

bool complain(const Outcome& outcome, const std::string& more) {
    std::printf("FAILED: %s (code %d, signal %d)\n", more.c_str(), outcome.code, outcome.signal);
    for (const std::string& words : outcome.words) {
        std::printf("  %s\n", words.c_str());
    }
    return false;
}

// Half of the kills come upon the start or soon after it, however fast the machine is; the others
// upon the work.
KillAfter dice(std::mt19937_64& random) {
    constexpr std::uint64_t kStart = 40'000;
    constexpr std::uint64_t kWork = 3'000;
    constexpr std::uint64_t kRounds = 12;
    if (random() % 2 == 0) {
        return {std::chrono::microseconds(random() % kStart), {}};
    }
    const std::uint64_t rounds = random() % kRounds;
    return {std::chrono::microseconds(random() % kWork), rounds};
}

// Cycles in one directory, ended by a look at all of it.
bool one_dir(
    const History& history,
    const fs::path& dir,
    std::uint64_t cycles,
    std::mt19937_64& random,
    Totals& totals
) {
    Record record;
    for (std::uint64_t i = 0; i < cycles; ++i) {
        const Outcome outcome = run_child(
            [&](const Pipe& pipe) {
                return go_on(pipe, history, dir, record.told(), kForEver, false);
            },
            dice(random)
        );
        const std::string contradiction = record.add(outcome);
        if (!contradiction.empty()) {
            return complain(outcome, contradiction);
        }
        if (!outcome.killed && outcome.code != kFine) {
            return complain(outcome, "cycle " + std::to_string(totals.cycles));
        }
        ++totals.cycles;
        totals.in_start += outcome.told.empty() ? 1U : 0U;
        totals.rounds += outcome.told.size();
    }
    const Outcome last = run_child([&](const Pipe& pipe) {
        return go_on(pipe, history, dir, record.told(), 2, true);
    });
    const std::string contradiction = record.add(last);
    if (!contradiction.empty()) {
        return complain(last, contradiction);
    }
    if (last.code != kFine || last.killed || last.signal != 0) {
        return complain(last, "after " + std::to_string(totals.cycles) + " cycles");
    }
    ++totals.dirs;
    return true;
}

}  // namespace

int run_kills(const Run& run) {
    const History history(kBlocks);
    std::mt19937_64 random(run.seed);
    Totals totals;
    const auto begun = std::chrono::steady_clock::now();
    while (totals.cycles < run.count) {
        const fs::path dir = run.dir / ("kills-" + std::to_string(totals.dirs));
        const std::uint64_t cycles = std::min(kCyclesOfDir, run.count - totals.cycles);
        if (!one_dir(history, dir, cycles, random, totals)) {
            return 1;
        }
        fs::remove_all(dir);
    }
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - begun
    )
                        .count();
    std::printf(
        "%llu kills, %llu of them before a round was told, %llu rounds told in %llu directories, "
        "seed %llu, %lld s: 0 lost, 0 duplicated, 0 conflicting\n",
        static_cast<unsigned long long>(totals.cycles),
        static_cast<unsigned long long>(totals.in_start),
        static_cast<unsigned long long>(totals.rounds),
        static_cast<unsigned long long>(totals.dirs),
        static_cast<unsigned long long>(run.seed),
        static_cast<long long>(ms / 1000)
    );
    return 0;
}

}  // namespace margrave::crash
