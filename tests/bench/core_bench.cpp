// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"
#include "core/events.hpp"
#include "core/keccak.hpp"

#include <benchmark/benchmark.h>
#include <string>

namespace margrave {
namespace {

void bench_keccak(benchmark::State& state) {
    const Bytes data(static_cast<std::size_t>(state.range(0)), 0xa5);
    for (auto _ : state) {
        benchmark::DoNotOptimize(keccak256(data));
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(bench_keccak)->Name("keccak256")->Arg(64)->Arg(288);

void bench_keccak_pair(benchmark::State& state) {
    const Hash32 left = keccak256("left");
    Hash32 right = keccak256("right");
    for (auto _ : state) {
        right = keccak256(left, right);
        benchmark::DoNotOptimize(right);
    }
}

BENCHMARK(bench_keccak_pair)->Name("keccak256_pair");

void bench_mul_div(benchmark::State& state) {
    const Money a = Money::parse("123456.789").value();
    const Money b = Money::parse("-3000.000000000000000001").value();
    const Money c = Money::parse("1.05").value();
    for (auto _ : state) {
        benchmark::DoNotOptimize(mul_div(a, b, c, Round::kDown));
    }
}

BENCHMARK(bench_mul_div)->Name("mul_div");

void bench_add(benchmark::State& state) {
    const Money a = Money::parse("123456.789").value();
    const Money b = Money::parse("-3000.000000000000000001").value();
    for (auto _ : state) {
        benchmark::DoNotOptimize(add(a, b));
    }
}

BENCHMARK(bench_add)->Name("money_add");

void bench_value_of(benchmark::State& state) {
    const Amount amount = Amount::parse("1500000000000000000001").value();
    const Money price = Money::parse("3000.123456").value();
    for (auto _ : state) {
        benchmark::DoNotOptimize(value_of(amount, 18, price, Round::kDown));
    }
}

BENCHMARK(bench_value_of)->Name("value_of");

void bench_fold(benchmark::State& state) {
    Movement movement;
    movement.amount = Amount{1'000'000};
    Accumulator accumulator;
    for (auto _ : state) {
        ++movement.sequence;
        accumulator = fold(accumulator, movement);
        benchmark::DoNotOptimize(accumulator);
    }
}

BENCHMARK(bench_fold)->Name("fold_movement");

void bench_text(benchmark::State& state) {
    const Money a = Money::parse("123456.789").value();
    for (auto _ : state) {
        benchmark::DoNotOptimize(a.to_string_e18());
    }
}

BENCHMARK(bench_text)->Name("money_to_string_e18");

void bench_parse(benchmark::State& state) {
    const std::string text = "123456789000000000000000";
    for (auto _ : state) {
        benchmark::DoNotOptimize(Money::parse_e18(text));
    }
}

BENCHMARK(bench_parse)->Name("money_parse_e18");

}  // namespace
}  // namespace margrave

BENCHMARK_MAIN();
