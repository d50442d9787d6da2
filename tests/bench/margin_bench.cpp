// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "margin/liquidation.hpp"
#include "margin/numeric.hpp"
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

// What an owner can put together to make a plan long: so many assets owned and as many owed, all on
// one chain and each worth a leg, correlated or not.
void BM_PlanManyAssets(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    Parameters p = parameters();
    const AssetParameters like = p.assets.at(1);
    p.assets.clear();
    AccountHoldings a;
    for (std::size_t i = 0; i < 2 * count; ++i) {
        AssetParameters asset = like;
        asset.name = bench::name_of(i);
        asset.on = {{.asset = bench::token(1, i), .backing = usd("1")}};
        // No two heal alike.
        const Money less = Money::from_e18(static_cast<std::int64_t>(i) * 1'000'000'000'000);
        asset.collateral.liquidation_end = asset.collateral.liquidation_end - less;
        p.assets.push_back(asset);
        Holding row;
        row.asset = asset.on[0].asset;
        (i % 2 == 0 ? row.collateral : row.debt) = Amount{1'000'000'000'000'000'000U + i};
        row.book = row.collateral;
        a.holdings.push_back(row);
    }
    if (state.range(1) != 0) {
        Correlation all{.name = "all", .assets = {}, .relief = usd("0.2")};
        for (const AssetParameters& asset : p.assets) {
            all.assets.push_back(asset.name);
        }
        p.risk.correlations.push_back(std::move(all));
    }
    PriceTable table;
    for (const AssetParameters& asset : p.assets) {
        PriceRow row;
        row.asset = asset.on[0].asset;
        row.verdict = PriceVerdict::kUsable;
        row.published_at = UnixSeconds{bench::kPricedAt};
        row.price = usd("1800");
        table[row.asset] = row;
    }
    const Market market(table, p);
    std::size_t legs = 0;
    for (auto _ : state) {
        legs = plan_liquidation(a, market).value().legs.size();
    }
    state.counters["legs"] = static_cast<double>(legs);
}

BENCHMARK(BM_PlanManyAssets)
    ->ArgsProduct({{4, 8, 16, 24}, {0, 1}})
    ->ArgNames({"assets a side", "correlated"})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace margrave::margin

BENCHMARK_MAIN();
