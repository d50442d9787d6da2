// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "margin/liquidation.hpp"
#include "tests/bench/lenders.hpp"

#include <benchmark/benchmark.h>
#include <cstdint>

// Accounts as they will be (lenders.hpp); the first is below maintenance.
namespace margrave::margin {
namespace {

using bench::lender;
using bench::lenders;
using bench::prices;
using bench::usd;

Parameters parameters() {
    Parameters out = bench::parameters();
    for (AssetParameters& asset : out.assets) {
        asset.borrowable = true;
    }
    out.liquidation = {
        .target_buffer = usd("0.02"),
        .close_factor = usd("0.5"),
        .close_all_below = usd("2000"),
        .dust = usd("50"),
        .deadline_s = 600};
    return out;
}

void BM_EvaluateState(benchmark::State& state) {
    const Parameters p = parameters();
    const Market market(prices(p, 1), p);
    const AccountHoldings a = lender(1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(evaluate_state(a, market, false, false));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_EvaluateState);

// The market is joined anew for every account: what a single question costs.
void BM_EvaluateStateAlone(benchmark::State& state) {
    const Parameters p = parameters();
    const PriceTable table = prices(p, 1);
    const AccountHoldings a = lender(1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(evaluate_state(a, table, p, false, false));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_EvaluateStateAlone);

void BM_EvaluateWithEvidence(benchmark::State& state) {
    const Parameters p = parameters();
    const Market market(prices(p, 1), p);
    const AccountHoldings a = lender(1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(evaluate(a, market, false, false));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_EvaluateWithEvidence);

// One price tick over all accounts, the joining of the market included.
void BM_RemarkAccounts(benchmark::State& state) {
    const Parameters p = parameters();
    const auto all = lenders(static_cast<std::size_t>(state.range(0)));
    std::uint64_t tick = 0;
    for (auto _ : state) {
        const Market market(prices(p, ++tick), p);
        for (const AccountHoldings& a : all) {
            benchmark::DoNotOptimize(evaluate_state(a, market, false, false));
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_RemarkAccounts)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void BM_PlanLiquidation(benchmark::State& state) {
    const Parameters p = parameters();
    const Market market(prices(p, 1), p);
    const AccountHoldings a = lender(0);
    for (auto _ : state) {
        benchmark::DoNotOptimize(plan_liquidation(a, market));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_PlanLiquidation);

}  // namespace
}  // namespace margrave::margin

BENCHMARK_MAIN();
