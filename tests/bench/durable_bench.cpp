// SPDX-License-Identifier: Apache-2.0
#include "store/guard.hpp"
#include "tests/bench/store/fixture.hpp"

#include <atomic>
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/syscall.h>

// What is on the disk when it returns: a block of the ledger, a decision, a guard's record, a whole
// signature. Each beside one bare write and fdatasync of as many bytes, by turns, so that what else
// the machine does hurts both; and how many syncs it is.
namespace {

std::atomic<std::uint64_t> syncs_of_this_process{0};

}  // namespace

// In place of the C library's, also for RocksDB, which is a shared library: counted.
extern "C" int fdatasync(int fd) {
    ++syncs_of_this_process;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

extern "C" int fsync(int fd) {
    ++syncs_of_this_process;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace margrave::store {
namespace {

using namespace bench;

// What a decision and a guard's record put on a disk.
constexpr std::size_t kDecisionBytes = 2900;
constexpr std::size_t kGuardBytes = 2200;

// One write and one fdatasync of `size` bytes.
class BareFile {
  public:
    explicit BareFile(const fs::path& path)
        : fd_(::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)) {}

    ~BareFile() { ::close(fd_); }

    BareFile(const BareFile&) = delete;
    BareFile& operator=(const BareFile&) = delete;

    double write(std::size_t size) {
        const Bytes bytes(size, 1);
        const auto start = Clock::now();
        if (::write(fd_, bytes.data(), size) != static_cast<ssize_t>(size) ||
            ::fdatasync(fd_) != 0) {
            std::abort();
        }
        return seconds_since(start);
    }

  private:
    int fd_;
};

// Adds up what something durable took, its syncs, and what bare ones of as many bytes took.
class BesideBare {
  public:
    BesideBare(benchmark::State& state, const fs::path& path)
        : state_(state),
          file_(path) {}

    template <class Work>
    void time(const Work& work) {
        const std::uint64_t syncs = syncs_of_this_process;
        const auto start = Clock::now();
        work();
        const double took = seconds_since(start);
        syncs_ += syncs_of_this_process - syncs;
        state_.SetIterationTime(took);
        ours_ += took;
    }

    // After `time`, so many bytes in one write and one fdatasync.
    void bare(std::size_t bytes) { bare_ += file_.write(bytes); }

    void report() {
        const auto turns = static_cast<double>(state_.iterations());
        state_.counters["syncs"] = static_cast<double>(syncs_) / turns;
        state_.counters["fdatasync_us"] = 1e6 * bare_ / turns;
        state_.counters["ratio"] = ours_ / bare_;
    }

  private:
    benchmark::State& state_;
    BareFile file_;
    std::uint64_t syncs_{0};
    double ours_{0};
    double bare_{0};
};

// A block of so many events, booked and on the disk.
void durable_block(benchmark::State& state) {
    Fixture f;
    const auto events = static_cast<std::size_t>(state.range(0));
    for (std::size_t done = 0; done < kAccounts; done += 1000) {
        f.apply(f.next(1000));
    }
    must(f.db->sync());
    BesideBare beside(state, f.dir.path / "bare");
    std::size_t rows = 0;
    std::size_t bytes = 0;
    for (auto _ : state) {
        BlockData block = f.next(events);
        const rocksdb::SequenceNumber before = f.db->impl().db->GetLatestSequenceNumber();
        beside.time([&] {
            f.apply(std::move(block));
            must(f.db->sync());
        });
        const Footprint print = last_batch(*f.db->impl().db, before + 1);
        rows = print.rows.size();
        bytes = print.bytes;
        beside.bare(bytes);
    }
    beside.report();
    state.counters["rows"] = static_cast<double>(rows);
    state.counters["bytes"] = static_cast<double>(bytes);
}

BENCHMARK(durable_block)->Arg(1)->Arg(20)->Arg(100)->UseManualTime()->Unit(benchmark::kMicrosecond);

// What an attestation decides: its entry of the log and what is to be delivered.
Decision next_decision(const ChainId& chain, std::uint64_t n) {
    Decision out;
    out.leaves.emplace_back(2000, static_cast<std::uint8_t>(n));
    Intent intent;
    intent.id = keccak256(std::to_string(n));
    intent.chain = chain;
    intent.kind = "attestation";
    intent.data = Bytes(600, 7);
    out.intents.push_back(intent);
    return out;
}

void commit_decision(benchmark::State& state) {
    Fixture f;
    BesideBare beside(state, f.dir.path / "bare");
    std::uint64_t n = 0;
    for (auto _ : state) {
        const Decision decision = next_decision(f.chain, n++);
        beside.time([&] { must(f.db->commit(decision)); });
        beside.bare(kDecisionBytes);
    }
    beside.report();
}

BENCHMARK(commit_decision)->UseManualTime()->Unit(benchmark::kMicrosecond);

GuardEntry next_entry(std::uint64_t epoch) {
    GuardEntry out;
    out.message = Bytes(2000, 3);
    out.epoch = epoch;
    out.digest = Amount(epoch).to_word();
    return out;
}

void guard_record(benchmark::State& state) {
    const Dir dir;
    const auto guard = must(SigningGuard::open(dir.path / "g", dir.path / "m", keccak256("bench")));
    BesideBare beside(state, dir.path / "bare");
    std::uint64_t epoch = 0;
    for (auto _ : state) {
        const GuardEntry entry = next_entry(++epoch);
        beside.time([&] { must(guard->record(entry)); });
        beside.bare(kGuardBytes);
    }
    beside.report();
}

BENCHMARK(guard_record)->UseManualTime()->Unit(benchmark::kMicrosecond);

// All that one signature puts on a disk before it leaves the process: the guard's record and its
// mark, the decision with its log entry and its mark. `ratio` is to one bare sync of all the bytes.
void sign_durably(benchmark::State& state) {
    Fixture f;
    const auto guard =
        must(SigningGuard::open(f.dir.path / "g", f.dir.path / "m", keccak256("bench")));
    BesideBare beside(state, f.dir.path / "bare");
    std::uint64_t epoch = 0;
    for (auto _ : state) {
        const GuardEntry entry = next_entry(++epoch);
        const Decision decision = next_decision(f.chain, epoch);
        beside.time([&] {
            must(guard->record(entry));
            must(f.db->commit(decision));
        });
        beside.bare(kGuardBytes + kDecisionBytes);
    }
    beside.report();
}

BENCHMARK(sign_durably)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace margrave::store

BENCHMARK_MAIN();
