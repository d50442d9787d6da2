// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "store/database.hpp"
#include "store/detail/database_impl.hpp"
#include "store/guard.hpp"
#include "store/ledger.hpp"

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <memory>
#include <unistd.h>

// The ledger beside what it is built on, in one run: a block against RocksDB writing as many rows
// of the same bytes, a decision and a guard record against a bare fdatasync.
namespace margrave::store {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kAccounts = 10'000;
const Address kToken = low_address(keccak256("token"));

template <class T>
T must(Result<T> result) {
    if (!result) {
        std::cerr << result.error().detail << '\n';
        std::abort();
    }
    return std::move(result).value();
}

void must(const Result<void>& result) {
    if (!result) {
        std::cerr << result.error().detail << '\n';
        std::abort();
    }
}

// Of all threads of this process: what stays steady on a machine that others use too.
double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Dir {
    Dir() {
        std::string pattern = (fs::temp_directory_path() / "margrave-bench-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            std::abort();
        }
        path = pattern;
    }

    ~Dir() { fs::remove_all(path); }

    Dir(const Dir&) = delete;
    Dir& operator=(const Dir&) = delete;

    fs::path path;
};

struct Fixture {
    Fixture()
        : db(must(Database::open({dir.path, keccak256("bench")}))),
          ledger(*db) {
        must(ledger.define(AssetId::erc20(chain, kToken), 6));
    }

    // Deposits of accounts in turn: each touches an account, its book and the journal.
    BlockData next(std::size_t events) {
        BlockData block;
        block.block.number = BlockNum{++number};
        block.block.parent = head;
        block.block.hash = keccak256(std::to_string(number));
        block.block.time = UnixSeconds{number};
        for (std::uint32_t i = 0; i < events; ++i) {
            Movement m;
            m.sequence = vault.count + 1;
            m.account = account_of(low_address(Amount(next_account++ % kAccounts + 1).to_word()));
            m.token = kToken;
            m.amount = Amount(1'000'000 + i);
            vault = fold(vault, m);
            block.events.push_back({m, block.block.hash, i, Address{}});
        }
        block.vault = vault;
        head = block.block.hash;
        return block;
    }

    ApplySummary apply(BlockData block) {
        return must(ledger.apply(chain, BlockApplied{std::move(block)}));
    }

    Dir dir;
    std::unique_ptr<Database> db;
    Ledger ledger;
    ChainId chain = ChainId::evm(1);
    std::uint64_t number{0};
    std::uint64_t next_account{0};
    Hash32 head;
    Accumulator vault;
};

// Rows and bytes that the last batch put into the write-ahead log, read back from it.
struct Footprint : rocksdb::WriteBatch::Handler {
    rocksdb::Status PutCF(std::uint32_t family, const rocksdb::Slice& k, const rocksdb::Slice& v)
        override {
        rows.emplace_back(family, std::pair(k.ToString(), v.ToString()));
        bytes += k.size() + v.size();
        return rocksdb::Status::OK();
    }

    std::vector<std::pair<std::uint32_t, std::pair<std::string, std::string>>> rows;
    std::size_t bytes{0};
};

Footprint last_batch(rocksdb::DB& db, rocksdb::SequenceNumber since) {
    Footprint out;
    std::unique_ptr<rocksdb::TransactionLogIterator> it;
    if (!db.GetUpdatesSince(since, &it).ok()) {
        std::abort();
    }
    for (; it->Valid(); it->Next()) {
        rocksdb::BatchResult result = it->GetBatch();
        if (!result.writeBatchPtr->Iterate(&out).ok()) {
            std::abort();
        }
    }
    return out;
}

// Time per block, and the ratio to RocksDB writing the very rows of a block as one batch.
void apply_block(benchmark::State& state) {
    Fixture f;
    const auto events = static_cast<std::size_t>(state.range(0));
    for (std::size_t done = 0; done < kAccounts; done += 1000) {
        f.apply(f.next(1000));
    }
    double ours = 0;
    double bare = 0;
    std::size_t rows = 0;
    std::size_t bytes = 0;
    Dir bare_dir;
    const auto bare_db = must(Database::open({bare_dir.path, keccak256("bench")}));
    for (auto _ : state) {
        BlockData block = f.next(events);
        const rocksdb::SequenceNumber before = f.db->impl().db->GetLatestSequenceNumber();
        const auto start = Clock::now();
        f.apply(std::move(block));
        const double took = seconds_since(start);
        state.SetIterationTime(took);
        ours += took;
        const Footprint print = last_batch(*f.db->impl().db, before + 1);
        rows = print.rows.size();
        bytes = print.bytes;
        const auto bare_start = Clock::now();
        rocksdb::WriteBatch batch;
        for (const auto& [family, row] : print.rows) {
            batch.Put(bare_db->impl().families.at(family), row.first, row.second);
        }
        rocksdb::WriteOptions how;
        how.protection_bytes_per_key = 8;
        if (!bare_db->impl().db->Write(how, &batch).ok()) {
            std::abort();
        }
        bare += seconds_since(bare_start);
    }
    state.counters["rows"] = static_cast<double>(rows);
    state.counters["bytes"] = static_cast<double>(bytes);
    state.counters["bare_us"] = 1e6 * bare / static_cast<double>(state.iterations());
    state.counters["ratio"] = ours / bare;
}

BENCHMARK(apply_block)
    ->Arg(0)
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// Runs of final blocks of 100 events each, synced: how fast a ledger is filled. Events of 10,000
// accounts, of which a run of 20,000 events touches every one.
void fill_run(benchmark::State& state) {
    Fixture f;
    const auto events = static_cast<std::size_t>(state.range(0));
    std::size_t done = 0;
    double took = 0;
    double cpu = 0;
    for (auto _ : state) {
        BlocksFinal run;
        for (std::size_t i = 0; i < events; i += 100) {
            run.blocks.push_back(f.next(100));
        }
        const double cpu_before = cpu_seconds();
        const auto start = Clock::now();
        must(f.ledger.apply(f.chain, run));
        const double seconds = seconds_since(start);
        cpu += cpu_seconds() - cpu_before;
        state.SetIterationTime(seconds);
        took += seconds;
        done += events;
    }
    state.counters["events_per_s"] = static_cast<double>(done) / took;
    state.counters["events_per_cpu_s"] = static_cast<double>(done) / cpu;
}

BENCHMARK(fill_run)->Arg(1'000)->Arg(10'000)->Arg(50'000)->UseManualTime()->Unit(
    benchmark::kMillisecond
);

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

void commit_decision(benchmark::State& state) {
    Fixture f;
    BareFile file(f.dir.path / "bare");
    double ours = 0;
    double bare = 0;
    std::uint64_t n = 0;
    for (auto _ : state) {
        Decision decision;
        decision.leaves.emplace_back(2000, static_cast<std::uint8_t>(n));
        Intent intent;
        intent.id = keccak256(std::to_string(n++));
        intent.chain = f.chain;
        intent.kind = "attestation";
        intent.data = Bytes(600, 7);
        decision.intents.push_back(intent);
        const auto start = Clock::now();
        must(f.db->commit(decision));
        const double took = seconds_since(start);
        state.SetIterationTime(took);
        ours += took;
        bare += file.write(2900);
    }
    state.counters["fdatasync_us"] = 1e6 * bare / static_cast<double>(state.iterations());
    state.counters["ratio"] = ours / bare;
}

BENCHMARK(commit_decision)->UseManualTime()->Unit(benchmark::kMicrosecond);

void guard_record(benchmark::State& state) {
    const Dir dir;
    const auto guard = must(SigningGuard::open(dir.path / "g", dir.path / "m", keccak256("bench")));
    BareFile file(dir.path / "bare");
    double ours = 0;
    double bare = 0;
    GuardEntry entry;
    entry.message = Bytes(2000, 3);
    for (auto _ : state) {
        ++entry.epoch;
        entry.digest = Amount(entry.epoch).to_word();
        const auto start = Clock::now();
        must(guard->record(entry));
        const double took = seconds_since(start);
        state.SetIterationTime(took);
        ours += took;
        bare += file.write(2200);
    }
    state.counters["fdatasync_us"] = 1e6 * bare / static_cast<double>(state.iterations());
    state.counters["ratio"] = ours / bare;
}

BENCHMARK(guard_record)->UseManualTime()->Unit(benchmark::kMicrosecond);

// 10,000 accounts with `versions` versions each, read as of the middle of their history.
void read_all_as_of(benchmark::State& state) {
    Fixture f;
    const auto versions = static_cast<std::uint64_t>(state.range(0));
    for (std::uint64_t i = 0; i < kAccounts / 1000 * versions; ++i) {
        f.apply(f.next(1000));
    }
    const AsOf as_of{{f.chain, BlockNum{f.number - (f.number - kAccounts / 1000) / 2}}};
    std::size_t found = 0;
    for (auto _ : state) {
        found = must(f.ledger.all_holdings(as_of)).size();
    }
    state.counters["accounts"] = static_cast<double>(found);
}

BENCHMARK(read_all_as_of)->Arg(1)->Arg(10)->Arg(40)->Unit(benchmark::kMillisecond);

void read_one_at_head(benchmark::State& state) {
    Fixture f;
    for (int i = 0; i < 100; ++i) {
        f.apply(f.next(1000));
    }
    std::uint64_t n = 0;
    for (auto _ : state) {
        n = (n * 31 + 17) % kAccounts;
        const AccountId account = account_of(low_address(Amount(n + 1).to_word()));
        benchmark::DoNotOptimize(must(f.ledger.holdings_at_head(account)));
    }
}

BENCHMARK(read_one_at_head)->Unit(benchmark::kMicrosecond);

void revert_blocks(benchmark::State& state) {
    Fixture f;
    for (int i = 0; i < 10; ++i) {
        f.apply(f.next(1000));
    }
    const auto depth = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        const Hash32 head = f.head;
        const Accumulator vault = f.vault;
        const std::uint64_t number = f.number;
        for (std::size_t i = 0; i < depth; ++i) {
            f.apply(f.next(100));
        }
        const BlockRef ancestor = *f.ledger.block_at(f.chain, BlockNum{number});
        const auto start = Clock::now();
        must(f.ledger.apply(f.chain, BlocksReverted{ancestor}));
        state.SetIterationTime(seconds_since(start));
        f.head = head;
        f.vault = vault;
        f.number = number;
    }
}

BENCHMARK(revert_blocks)->Arg(1)->Arg(10)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace margrave::store

BENCHMARK_MAIN();
