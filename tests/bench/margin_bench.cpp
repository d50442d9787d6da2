// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "margin/liquidation.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Accounts as they will be: four collaterals on four chains and one debt.
namespace margrave::margin {
namespace {

constexpr std::size_t kAssets = 5;

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

AssetId token(std::uint64_t chain, std::uint64_t asset) {
    Address address;
    address.data[19] = static_cast<std::uint8_t>(asset + 1);
    return AssetId::erc20(ChainId::evm(chain), address);
}

Parameters parameters() {
    Parameters out;
    for (std::size_t i = 0; i < kAssets; ++i) {
        AssetParameters asset;
        asset.name = "asset" + std::to_string(i);
        asset.decimals = i == 0 ? 6 : 18;
        asset.collateral = {usd("0.75"), usd("0.8"), usd("0.85")};
        asset.debt = {usd("1.05"), usd("1.03"), usd("1.01")};
        asset.max_bonus = usd("1.05");
        asset.borrowable = true;
        asset.price_min = usd("0.01");
        asset.price_max = usd("1000000");
        for (std::uint64_t chain = 1; chain <= 4; ++chain) {
            const Money backing = chain == 4 ? usd("0.95") : usd("1");
            asset.on.push_back({.asset = token(chain, i), .backing = backing});
        }
        out.assets.push_back(asset);
    }
    out.liquidation = {
        .target_buffer = usd("0.02"),
        .close_factor = usd("0.5"),
        .close_all_below = usd("2000"),
        .dust = usd("50"),
        .deadline_s = 600};
    return out;
}

PriceTable prices(const Parameters& parameters, std::uint64_t tick) {
    PriceTable out;
    for (std::size_t i = 0; i < kAssets; ++i) {
        for (const AssetOnChain& form : parameters.assets[i].on) {
            PriceRow row;
            row.asset = form.asset;
            row.verdict = PriceVerdict::kUsable;
            row.price = i == 0 ? usd("1")
                               : add(usd("1800.123456789"),
                                     Money::from_e18(static_cast<std::int64_t>(tick * 1'000'003)))
                                     .value();
            out[form.asset] = row;
        }
    }
    return out;
}

AccountHoldings account(std::uint64_t seed, std::uint64_t debt_usdc) {
    AccountHoldings out;
    out.account.data[31] = static_cast<std::uint8_t>(seed);
    for (std::uint64_t i = 1; i < kAssets; ++i) {
        Holding row;
        row.asset = token(i, i);
        row.collateral = Amount{1'000'000'000'000'000'000U + seed * 7'919 + i};
        row.book = row.collateral;
        out.holdings.push_back(row);
    }
    Holding loan;
    loan.asset = token(1, 0);
    loan.debt = Amount{debt_usdc * 1'000'000 + seed};
    out.holdings.push_back(loan);
    std::ranges::sort(out.holdings, {}, &Holding::asset);
    return out;
}

std::vector<AccountHoldings> accounts(std::size_t count) {
    std::vector<AccountHoldings> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(account(i, 3'000));
    }
    return out;
}

void BM_EvaluateState(benchmark::State& state) {
    const Parameters p = parameters();
    const Market market(prices(p, 1), p);
    const AccountHoldings a = account(1, 3'000);
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
    const AccountHoldings a = account(1, 3'000);
    for (auto _ : state) {
        benchmark::DoNotOptimize(evaluate_state(a, table, p, false, false));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_EvaluateStateAlone);

void BM_EvaluateWithEvidence(benchmark::State& state) {
    const Parameters p = parameters();
    const Market market(prices(p, 1), p);
    const AccountHoldings a = account(1, 3'000);
    for (auto _ : state) {
        benchmark::DoNotOptimize(evaluate(a, market, false, false));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_EvaluateWithEvidence);

// One price tick over all accounts, the joining of the market included.
void BM_RemarkAccounts(benchmark::State& state) {
    const Parameters p = parameters();
    const auto all = accounts(static_cast<std::size_t>(state.range(0)));
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
    const AccountHoldings a = account(1, 5'800);
    for (auto _ : state) {
        benchmark::DoNotOptimize(plan_liquidation(a, market));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_PlanLiquidation);

}  // namespace
}  // namespace margrave::margin

BENCHMARK_MAIN();
