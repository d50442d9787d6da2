// SPDX-License-Identifier: Apache-2.0
#include "core/disk_seam.hpp"
#include "tests/crash/child.hpp"
#include "tests/crash/runs.hpp"

#include <csignal>
#include <cstdio>
#include <fstream>
#include <random>
#include <set>
#include <unistd.h>

namespace margrave::crash {
namespace {

constexpr std::uint64_t kBlocks = 3'000;
// So many that each moment comes kPassings times; tiles are published in each fourth.
constexpr std::uint64_t kRounds = 28;
/// A moment is passed so often at most before it kills.
constexpr std::uint64_t kPassings = 6;
/// Deaths after which a new directory begins.
constexpr std::uint64_t kDeathsOfDir = 50;
constexpr const char* kTailCut = "guard.tail_cut";

/// Every moment that the work of a firm passes. One that is missing was taken out of the code, and
/// one that is not listed was put in: both are to be looked at.
const std::set<std::string> kMoments{
    "file.renamed",
    "file.synced",
    "file.written",
    "firm.committed",
    "firm.guarded",
    "firm.intent_closed",
    "firm.intent_kept",
    "firm.signed",
    "firm.told",
    "guard.before_record",
    "guard.header_written",
    "guard.record_synced",
    "guard.record_written",
    "log.before_bundles",
    "log.bundles_written",
    "log.checkpoint_written",
    "log.tiles_written",
    "mark.named",
    "mark.synced",
    "mark.unnamed",
    "mark.written",
    "store.batch_written",
    "store.before_batch",
    "store.before_synced_batch",
    "store.decision_marked",
    "store.decision_written",
    "store.synced_batch_written",
};

// The child's: which moment kills it, and how often it is passed before.
std::string deadly;
std::uint64_t passings = 0;
const Pipe* reported_to = nullptr;
std::set<std::string>* seen = nullptr;

void note_moment(std::string_view name) {
    if (seen->insert(std::string(name)).second) {
        reported_to->moment(name);
    }
}

void die_at_moment(std::string_view name) {
    if (name == deadly && --passings == 0) {
        ::kill(::getpid(), SIGKILL);
    }
}

std::set<std::string> moments_of(const History& history, const fs::path& dir) {
    const Outcome outcome = run_child([&](const Pipe& pipe) {
        std::set<std::string> mine;
        seen = &mine;
        reported_to = &pipe;
        disk_seam.moment = note_moment;
        return go_on(pipe, history, dir, {}, kRounds, false);
    });
    return {outcome.moments.begin(), outcome.moments.end()};
}

bool complain(const std::string& point, const std::string& what, const Outcome& outcome) {
    std::printf(
        "FAILED: %s, %s (code %d, signal %d)\n",
        point.c_str(),
        what.c_str(),
        outcome.code,
        outcome.signal
    );
    for (const std::string& words : outcome.words) {
        std::printf("  %s\n", words.c_str());
    }
    return false;
}

// As a crash in the middle of a record leaves it.
void tear_guard(const fs::path& dir) {
    std::ofstream log(dir / "guard" / "log", std::ios::binary | std::ios::app);
    log << "torn";
}

/// Deaths at one moment.
class Deaths {
  public:
    Deaths(const Run& run, const History& history, std::string point, bool only_at_first)
        : run_(run),
          history_(history),
          point_(std::move(point)),
          only_at_first_(only_at_first),
          random_(run.seed) {}

    bool all() {
        while (deaths_ < run_.count) {
            const fs::path dir = run_.dir / (point_ + "-" + std::to_string(dirs_++));
            if (!one_dir(dir)) {
                return false;
            }
            fs::remove_all(dir);
        }
        return true;
    }

    [[nodiscard]] std::uint64_t deaths() const { return deaths_; }

  private:
    bool one_dir(const fs::path& dir) {
        Record record;
        const std::uint64_t here = only_at_first_ ? 1 : kDeathsOfDir;
        if (point_ == kTailCut && !live(dir, record, 1)) {
            return false;
        }
        for (std::uint64_t i = 0; i < here && deaths_ < run_.count; ++i) {
            if (!die(dir, record)) {
                return false;
            }
        }
        return live(dir, record, 2);
    }

    bool die(const fs::path& dir, Record& record) {
        if (point_ == kTailCut) {
            tear_guard(dir);
        }
        const std::uint64_t passes = is_once() ? 1 : 1 + random_() % kPassings;
        const Outcome outcome = run_child([&](const Pipe& pipe) {
            deadly = point_;
            passings = passes;
            disk_seam.moment = die_at_moment;
            return go_on(pipe, history_, dir, record.told(), kRounds, false);
        });
        const std::string contradiction = record.add(outcome);
        if (!contradiction.empty()) {
            return complain(point_, contradiction, outcome);
        }
        if (!outcome.killed) {
            return complain(point_, "the child lived", outcome);
        }
        ++deaths_;
        return true;
    }

    [[nodiscard]] bool is_once() const { return only_at_first_ || point_ == kTailCut; }

    // Everything is read after the deaths, and work goes on.
    bool live(const fs::path& dir, Record& record, std::uint64_t rounds) {
        const Outcome outcome = run_child([&](const Pipe& pipe) {
            return go_on(pipe, history_, dir, record.told(), rounds, true);
        });
        const std::string contradiction = record.add(outcome);
        if (outcome.code != kFine || outcome.signal != 0 || !contradiction.empty()) {
            return complain(point_, "afterwards " + contradiction, outcome);
        }
        return true;
    }

    const Run& run_;
    const History& history_;
    std::string point_;
    bool only_at_first_;
    std::mt19937_64 random_;
    std::uint64_t deaths_{0};
    std::uint64_t dirs_{0};
};

}  // namespace

int run_points(const Run& run) {
    const History history(kBlocks);
    const fs::path dir = run.dir / "moments";
    const std::set<std::string> first = moments_of(history, dir);
    const std::set<std::string> later = moments_of(history, dir);
    if (first != kMoments) {
        for (const std::string& name : first) {
            std::printf("passed: %s%s\n", name.c_str(), kMoments.contains(name) ? "" : " (new)");
        }
        std::printf("FAILED: the moments are not those that are known\n");
        return 1;
    }
    std::set<std::string> points = first;
    points.insert(kTailCut);
    std::uint64_t deaths = 0;
    std::size_t tried = 0;
    for (const std::string& point : points) {
        if (!run.only.empty() && run.only != point) {
            continue;
        }
        Deaths one(run, history, point, !later.contains(point) && point != kTailCut);
        if (!one.all()) {
            return 1;
        }
        deaths += one.deaths();
        ++tried;
    }
    std::printf(
        "%zu moments, %llu deaths, seed %llu: 0 lost, 0 duplicated, 0 conflicting\n",
        tried,
        static_cast<unsigned long long>(deaths),
        static_cast<unsigned long long>(run.seed)
    );
    return 0;
}

}  // namespace margrave::crash
