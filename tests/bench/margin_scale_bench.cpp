// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "margin/health.hpp"
#include "margin/screen.hpp"
#include "tests/bench/lenders.hpp"

#include <boost/multiprecision/cpp_int.hpp>

#include <algorithm>
#include <array>
#include <benchmark/benchmark.h>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// One price tick over as many accounts as there may ever be, beside what the memory of the machine
// gives in the same run.
namespace margrave::margin {
namespace {

using namespace bench;

constexpr std::uint64_t kDay = 86'400;

// Every byte of 256 MiB is read once a pass: what a tick that only read its columns would cost.
void BM_MemoryRead(benchmark::State& state) {
    const std::vector<std::uint64_t> memory(std::size_t{32} << 20U, 1);
    for (auto _ : state) {
        benchmark::DoNotOptimize(std::accumulate(memory.begin(), memory.end(), std::uint64_t{0}));
    }
    state.SetBytesProcessed(
        state.iterations() * static_cast<std::int64_t>(memory.size() * sizeof(std::uint64_t))
    );
}

BENCHMARK(BM_MemoryRead)->Unit(benchmark::kMillisecond);

// The checked engine, account by account.
void BM_TickExact(benchmark::State& state) {
    const Parameters p = parameters();
    const auto all = lenders(static_cast<std::size_t>(state.range(0)));
    std::uint64_t tick = 0;
    for (auto _ : state) {
        const PriceTable table = prices(p, ++tick);
        const Market market(table, p);
        for (const AccountHoldings& account : all) {
            benchmark::DoNotOptimize(evaluate_state(account, market, false, false));
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_TickExact)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// What a desk would write first: 256-bit integers of Boost, a quotient for every value and every
// weight, in rows that stand one after the other. It judges the initial level only.
void BM_TickUint256(benchmark::State& state) {
    using Wide = boost::multiprecision::uint256_t;

    struct Row {
        Wide amount;
        std::size_t asset{0};
        bool bridged{false};
        bool owed{false};
    };

    const Parameters p = parameters();
    std::vector<Row> rows;
    for (const AccountHoldings& account : lenders(static_cast<std::size_t>(state.range(0)))) {
        for (const Holding& holding : account.holdings) {
            const bool owed = !holding.debt.is_zero();
            const AssetParameters* asset = p.find(holding.asset);
            rows.push_back(
                {.amount = Wide((owed ? holding.debt : holding.collateral).to_string()),
                 .asset = static_cast<std::size_t>(asset - p.assets.data()),
                 .bridged = p.find_on(holding.asset)->backing != Money::whole(1),
                 .owed = owed}
            );
        }
    }
    const Wide one("1000000000000000000");
    const Wide backing("950000000000000000");
    const Wide collateral("750000000000000000");
    const Wide debt("1050000000000000000");
    std::uint64_t tick = 0;
    std::size_t called = 0;
    for (auto _ : state) {
        ++tick;
        std::array<Wide, kAssets> price;
        std::array<Wide, kAssets> unit;
        for (std::size_t i = 0; i < kAssets; ++i) {
            price[i] = i == 0 ? one : Wide("1800123456789000000000") + tick * 1'000'003;
            unit[i] = i == 0 ? Wide(1'000'000) : one;
        }
        Wide has = 0;
        Wide owes = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const Row& row = rows[i];
            Wide value = row.amount * price[row.asset] / unit[row.asset];
            if (row.owed) {
                owes += (value * debt + one - 1) / one;
            } else {
                value = row.bridged ? Wide(value * backing / one) : value;
                has += value * collateral / one;
            }
            if (i % 5 == 4) {
                called += has < owes ? 1U : 0U;
                has = 0;
                owes = 0;
            }
        }
        benchmark::DoNotOptimize(called);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_TickUint256)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// The columns, and the checked engine for whom they do not decide; status and equity are the same.
void run_screened(
    benchmark::State& state,
    const Parameters& p,
    const std::vector<AccountHoldings>& all,
    std::size_t parts,
    bool lanes
) {
    const PriceTable first = prices(p, 0);
    const Market joined(first, p);
    AccountTable columns(joined);
    for (const AccountHoldings& account : all) {
        columns.add(account, joined, false);
    }
    Screen::Marks marks = Screen(joined, columns).room();
    std::uint64_t tick = 0;
    std::size_t asked = 0;
    for (auto _ : state) {
        const PriceTable table = prices(p, ++tick);
        const Market market(table, p);
        Screen screen(market, columns);
        screen.use_lanes(lanes);
        std::vector<std::vector<std::uint32_t>> undecided(parts);
        std::vector<std::thread> threads;
        for (std::size_t part = 0; part < parts; ++part) {
            threads.emplace_back([&, part] {
                const std::size_t from = columns.packets() * part / parts;
                const std::size_t to = columns.packets() * (part + 1) / parts;
                screen.mark(from, to, marks, undecided[part]);
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        for (const auto& part : undecided) {
            asked += part.size();
            for (const std::uint32_t account : part) {
                benchmark::DoNotOptimize(evaluate_state(all[account], market, false, false));
            }
        }
        benchmark::DoNotOptimize(marks.equity.data());
    }
    state.counters["asked"] = static_cast<double>(asked);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(all.size()));
}

// The second argument is the number of threads, the third whether the vector unit is used.
void BM_TickScreened(benchmark::State& state) {
    const auto all = lenders(static_cast<std::size_t>(state.range(0)));
    run_screened(
        state, parameters(), all, static_cast<std::size_t>(state.range(1)), state.range(2) != 0
    );
}

BENCHMARK(BM_TickScreened)
    ->Args({1'000'000, 1, 1})
    ->Args({1'000'000, 2, 1})
    ->Args({1'000'000, 1, 0})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// The same where nothing counts in full at the initial level: prices an hour old and unsure, a
// bridge, a lag.
void BM_TickScreenedHaircuts(benchmark::State& state) {
    Parameters p = parameters();
    for (AssetParameters& asset : p.assets) {
        asset.initial_price.confidence = usd("1");
        asset.now.aged = usd("0.005");
        asset.now.slow = usd("1795.25");
        for (AssetOnChain& on : asset.on) {
            on.uncounted = on.backing == usd("1") ? usd("0.01") : usd("0.1");
        }
    }
    p.assets[0].now.slow = usd("1");
    run_screened(state, p, lenders(static_cast<std::size_t>(state.range(0))), 1, true);
}

BENCHMARK(BM_TickScreenedHaircuts)
    ->Arg(1'000'000)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// The same with four of forty forms and a debt drawn for every account alone: the case in which the
// columns help least, since hardly two accounts have the same forms.
void BM_TickScreenedScattered(benchmark::State& state) {
    std::vector<AccountHoldings> all = lenders(static_cast<std::size_t>(state.range(0)));
    std::uint64_t random = 1;
    for (AccountHoldings& account : all) {
        std::array<std::uint64_t, 4> forms{};
        for (std::uint64_t& form : forms) {
            random = random * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
            form = (random >> 33U) % (4 * (kAssets - 1));
        }
        std::size_t next = 0;
        for (Holding& holding : account.holdings) {
            if (holding.debt.is_zero()) {
                const std::uint64_t form = forms[next++];
                holding.asset = token(1 + form % 4, 1 + form / 4);
            }
        }
        std::ranges::sort(account.holdings, {}, &Holding::asset);
    }
    run_screened(state, parameters(), all, 1, true);
}

BENCHMARK(BM_TickScreenedScattered)
    ->Arg(1'000'000)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void deposit(AccountHoldings& account, std::uint64_t count) {
    const auto row = std::ranges::find_if(account.holdings, [](const Holding& holding) {
        return !holding.collateral.is_zero();
    });
    row->collateral = Amount{1'000'000'000'000'000'000U + count};
}

// A deposit of one account of a table of so many: its columns and its status.
void BM_OneDeposit(benchmark::State& state) {
    const Parameters p = parameters();
    const PriceTable table = prices(p, 0);
    const Market market(table, p);
    std::vector<AccountHoldings> all = lenders(static_cast<std::size_t>(state.range(0)));
    AccountTable columns(market);
    for (const AccountHoldings& account : all) {
        columns.add(account, market, false);
    }
    const Screen screen(market, columns);
    std::size_t next = 0;
    std::uint64_t count = 0;
    for (auto _ : state) {
        next = (next + 7'919) % all.size();
        deposit(all[next], ++count);
        const auto number = static_cast<std::uint32_t>(next);
        columns.set(number, all[next], market, false);
        benchmark::DoNotOptimize(screen.mark_one(number));
    }
}

BENCHMARK(BM_OneDeposit)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kNanosecond);

// The same by the checked engine, which signs: all four amounts.
void BM_OneDepositExact(benchmark::State& state) {
    const Parameters p = parameters();
    const PriceTable table = prices(p, 0);
    const Market market(table, p);
    std::vector<AccountHoldings> all = lenders(static_cast<std::size_t>(state.range(0)));
    std::size_t next = 0;
    std::uint64_t count = 0;
    for (auto _ : state) {
        next = (next + 7'919) % all.size();
        deposit(all[next], ++count);
        benchmark::DoNotOptimize(evaluate_state(all[next], market, false, false));
    }
}

BENCHMARK(BM_OneDepositExact)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kNanosecond);

// Ten perpetuals on ten underlyings.
void BM_TickPerpetuals(benchmark::State& state) {
    Parameters p = parameters();
    for (std::size_t i = 0; i < kAssets; ++i) {
        VenueParameters venue;
        venue.underlying = name_of(i);
        venue.profit_weight = usd("1");
        venue.profit_cap = usd("100");
        venue.options = usual_isolated_rules();
        venue.perpetuals.push_back(
            {.market = keccak256(venue.underlying),
             .name = venue.underlying + "-perp",
             .fractions = {usd("0.1"), usd("0.08"), usd("0.05")}}
        );
        p.venues.push_back(venue);
    }
    std::vector<AccountHoldings> all = lenders(static_cast<std::size_t>(state.range(0)));
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (const VenueParameters& venue : p.venues) {
            const auto size = static_cast<std::int64_t>(i % 7) - 3;
            all[i].positions.push_back(
                {.market = venue.perpetuals[0].market,
                 .size = Money::from_e18(size * 100'000'000'000'000'003),
                 .entry_price = usd("1799.5")}
            );
        }
    }
    std::uint64_t tick = 0;
    for (auto _ : state) {
        const PriceTable table = prices(p, ++tick);
        const Market market(table, p);
        for (const AccountHoldings& account : all) {
            benchmark::DoNotOptimize(evaluate_state(account, market, false, false));
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_TickPerpetuals)->Arg(100'000)->Unit(benchmark::kMillisecond);

// Fifty options of one underlying over five expiries, and a perpetual, on the usual grid.
void BM_TickOptionPortfolios(benchmark::State& state) {
    Parameters p = parameters();
    VenueParameters venue;
    venue.underlying = name_of(1);
    venue.method = VenueMethod::kGrid;
    venue.rate = usd("0.05");
    venue.grid = usual_grid_rules();
    venue.perpetuals.push_back({.market = keccak256("perp"), .name = "perp", .fractions = {}});
    for (std::uint64_t i = 0; i < 50; ++i) {
        venue.option_markets.push_back(
            {.market = keccak256("option" + std::to_string(i)),
             .name = "option" + std::to_string(i),
             .is_call = i % 2 == 0,
             .strike = Money::whole(static_cast<std::int64_t>(1'000 + 40 * i)),
             .expiry = kPricedAt + (i % 5 + 1) * 20 * kDay,
             .volatility = usd("0.7")}
        );
    }
    p.venues.push_back(venue);
    std::vector<AccountHoldings> all = lenders(static_cast<std::size_t>(state.range(0)));
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto position = [&](const Hash32& market, std::int64_t size) {
            all[i].positions.push_back(
                {.market = market, .size = Money::whole(size), .entry_price = usd("1800")}
            );
        };
        position(p.venues[0].perpetuals[0].market, -3);
        for (const OptionMarket& market : p.venues[0].option_markets) {
            position(market.market, static_cast<std::int64_t>((i + market.expiry / kDay) % 5) - 2);
        }
    }
    std::uint64_t tick = 0;
    for (auto _ : state) {
        const PriceTable table = prices(p, ++tick);
        const Market market(table, p);
        for (const AccountHoldings& account : all) {
            benchmark::DoNotOptimize(evaluate_state(account, market, false, false));
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_TickOptionPortfolios)->Arg(1'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace margrave::margin

BENCHMARK_MAIN();
