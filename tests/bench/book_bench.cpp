// SPDX-License-Identifier: Apache-2.0
#include "relayer/book.hpp"
#include "tests/bench/lenders.hpp"

#include <benchmark/benchmark.h>
#include <cstring>
#include <utility>

// What a pass of the daemon costs after a price moved: with a round and without.
namespace margrave::relayer {
namespace {

using margin::bench::lenders;
using margin::bench::prices;

Book filled(const margin::Parameters& parameters, std::int64_t count) {
    Book book(parameters);
    std::uint64_t number = 0;
    for (AccountHoldings& account : lenders(static_cast<std::size_t>(count))) {
        ++number;
        std::memcpy(account.account.data.data(), &number, sizeof number);
        book.set(std::move(account));
    }
    return book;
}

void BM_PassWithARound(benchmark::State& state) {
    const margin::Parameters p = margin::bench::parameters();
    Book book = filled(p, state.range(0));
    std::uint64_t tick = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(book.mark(prices(p, ++tick)));
    }
}

void BM_PassWithoutARound(benchmark::State& state) {
    const margin::Parameters p = margin::bench::parameters();
    Book book = filled(p, state.range(0));
    book.mark(prices(p, 0));
    book.look(prices(p, 0));
    std::uint64_t tick = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(book.look(prices(p, ++tick)));
    }
}

BENCHMARK(BM_PassWithARound)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_PassWithoutARound)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace margrave::relayer

BENCHMARK_MAIN();
