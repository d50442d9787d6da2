// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/store/fixture.hpp"

#include <benchmark/benchmark.h>

// The ledger beside what it is built on, in one run: a block against RocksDB writing as many rows
// of the same bytes.
namespace margrave::store {
namespace {

using namespace bench;

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
