// SPDX-License-Identifier: Apache-2.0
#include "core/disk_seam.hpp"
#include "tests/crash/child.hpp"
#include "tests/crash/runs.hpp"
#include "tests/support/fault_file_system.hpp"

#include <cstdio>

namespace margrave::crash {
namespace {

using tests::DiskFault;
using tests::FaultDisk;

constexpr std::uint64_t kBlocks = 100;
constexpr std::uint64_t kRounds = 6;

// From the first start of all on, so that the faults come upon what a start makes as well. Opened
// twice, so that there is something to recover.
int work(const Pipe& pipe, const History& history, const fs::path& dir, FaultDisk& disk) {
    const std::unique_ptr<rocksdb::Env> env = tests::make_fault_env(disk);
    const auto tell = [&](const Told& one) {
        pipe.told(one);
    };
    for (int start = 0; start < 2; ++start) {
        Firm firm(history, dir, fresh_salt(), env.get());
        firm.on_signed = [&](const Told& one) {
            pipe.signed_round(one);
        };
        const auto opened = firm.open();
        if (!opened) {
            pipe.say(opened.error().detail);
            return kRefused;
        }
        for (std::uint64_t i = 0; i < kRounds; ++i) {
            const auto done = firm.step(tell);
            if (done) {
                continue;
            }
            // The outcome of a failed write is unknown: from then on everything must fail. Files of
            // the published log are made again from the store, so writing them may be tried again.
            if (done.error().code != Errc::kIo && !firm.is_stopped()) {
                pipe.say("went on after: " + done.error().detail);
                return kBad;
            }
            pipe.say(done.error().detail);
            return kRefused;
        }
        firm.close();
    }
    return disk.hit() ? kRefused : kFine;
}

bool complain(
    DiskFault fault, std::uint64_t n, const char* when, const Outcome& before, const Outcome& after
) {
    std::printf(
        "FAILED: %s at operation %llu, %s\n",
        tests::to_string(fault),
        static_cast<unsigned long long>(n),
        when
    );
    for (const Outcome* outcome : {&before, &after}) {
        std::printf("  code %d, signal %d\n", outcome->code, outcome->signal);
        for (const std::string& words : outcome->words) {
            std::printf("  %s\n", words.c_str());
        }
    }
    return false;
}

enum class Verdict { kHeld, kPassedWithout, kFailed };

Verdict one_fault(
    const History& history,
    const fs::path& dir,
    DiskFault fault,
    std::uint64_t n,
    std::uint64_t seed
) {
    Record record;
    const Outcome before = run_child([&](const Pipe& pipe) {
        static FaultDisk disk;
        disk.arm(fault, n, seed + n);
        disk.install();
        return work(pipe, history, dir, disk);
    });
    const std::string contradiction = record.add(before);
    const bool ended = before.code == kFine || before.code == kRefused || before.killed;
    if (!ended || !contradiction.empty() || (before.signal != 0 && !before.killed)) {
        complain(fault, n, contradiction.c_str(), before, {});
        return Verdict::kFailed;
    }
    const Outcome after = run_child([&](const Pipe& pipe) {
        disk_seam.boot = fault == DiskFault::kPowerCut ? "another boot" : nullptr;
        return go_on(pipe, history, dir, record.told(), 2, true);
    });
    if (after.code != kFine || after.signal != 0 || !record.add(after).empty()) {
        complain(fault, n, "opened again", before, after);
        return Verdict::kFailed;
    }
    fs::remove_all(dir);
    return before.code == kFine && !before.killed ? Verdict::kPassedWithout : Verdict::kHeld;
}

}  // namespace

int run_faults(const Run& run) {
    const History history(kBlocks);
    std::uint64_t total = 0;
    for (const DiskFault fault :
         {DiskFault::kTornWrite,
          DiskFault::kSyncError,
          DiskFault::kIoError,
          DiskFault::kFull,
          DiskFault::kReadOnly,
          DiskFault::kKill,
          DiskFault::kPowerCut}) {
        if (!run.only.empty() && run.only != tests::to_string(fault)) {
            continue;
        }
        std::uint64_t n = 1;
        std::uint64_t runs = 0;
        while (true) {
            const Verdict verdict = one_fault(history, run.dir / "faults", fault, n, run.seed);
            if (verdict == Verdict::kFailed) {
                return 1;
            }
            if (verdict == Verdict::kPassedWithout) {
                break;
            }
            ++runs;
            n += run.count;
        }
        total += runs;
        std::printf(
            "%s: held at %llu operations, the last of them %llu\n",
            tests::to_string(fault),
            static_cast<unsigned long long>(runs),
            static_cast<unsigned long long>(n - run.count)
        );
    }
    std::printf(
        "%llu faults: 0 lost, 0 duplicated, 0 conflicting\n", static_cast<unsigned long long>(total)
    );
    return 0;
}

}  // namespace margrave::crash
