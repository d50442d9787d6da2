// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "margin/health.hpp"
#include "relayer/risk/path_judge.hpp"
#include "tests/unit/relayer/forecast_fixture.hpp"

#include <algorithm>
#include <array>

// Forecasts where health is no sum of prices: the engine is asked, and linear sums agree with it
// wherever they are used.
namespace margrave::relayer::tests {
namespace {

constexpr std::uint64_t kNow = 1'700'000'000;

/// Random parameters, prices and accounts: four assets on two chains, the second form bridged.
struct Scene {
    margin::Parameters parameters;
    margin::StressBook book;
    PriceHistory history;
};

Money thousandths(std::uint64_t count) {
    return Money::from_e18(static_cast<std::int64_t>(count) * 1'000'000'000'000'000);
}

AssetId form_of(std::size_t asset, std::uint64_t chain) {
    return AssetId::erc20(
        ChainId::evm(chain), low_address(keccak256("asset " + std::to_string(asset)))
    );
}

constexpr std::array<double, 4> kPrices{2'000, 50'000, 1, 1};
constexpr std::array<unsigned, 4> kDecimals{18, 8, 6, 18};
constexpr std::array<std::uint64_t, 2> kChains{1, 10};

margin::AssetParameters asset_of(std::size_t i, PathRandom& random) {
    margin::AssetParameters out;
    out.name = std::array{"eth", "btc", "usd", "dai"}.at(i);
    out.decimals = kDecimals.at(i);
    const std::uint64_t most = 850 + random.below(100);
    out.collateral = {thousandths(most - 100), thousandths(most - 50), thousandths(most)};
    out.debt = {usd("1.2"), usd("1.15"), usd("1.1")};
    out.borrowable = true;
    out.max_bonus = usd("1.01");
    out.price_min = usd("0.01");
    out.price_max = usd("1000000");
    out.on = {
        {.asset = form_of(i, kChains[0]), .backing = usd("1")},
        {.asset = form_of(i, kChains[1]), .backing = usd("0.9")}};
    return out;
}

// What a sum of prices knows nothing of, each now and then.
void add_terms(margin::Parameters& parameters, PathRandom& random) {
    const auto chance = [&random] {
        return random.below(8) == 0;
    };
    for (std::size_t i = 0; i < parameters.assets.size(); ++i) {
        margin::AssetParameters& asset = parameters.assets[i];
        const double price = kPrices.at(i);
        asset.cap = chance() ? to_money(price * 2) : Money{};
        asset.now.aged = chance() ? usd("0.02") : Money{};
        asset.now.slow = chance() ? to_money(price * 1.02) : Money{};
        asset.initial_price.confidence = chance() ? usd("2") : Money{};
        for (margin::AssetOnChain& form : asset.on) {
            form.cap = chance() ? to_money(price * 1.5) : Money{};
            form.uncounted = chance() ? usd("0.2") : Money{};
        }
    }
    if (chance()) {
        parameters.risk.correlations = {
            {.name = "dollars", .assets = {"dai", "usd"}, .relief = usd("0.5")}};
    }
    if (chance()) {
        parameters.risk.correlations.push_back(
            {.name = "majors", .assets = {"btc", "eth"}, .relief = usd("0.4")}
        );
    }
}

AccountHoldings holdings_of(std::uint64_t number, PathRandom& random) {
    AccountHoldings out;
    out.account = account(number);
    const auto some = [&random](std::size_t asset, std::uint64_t dollars) {
        const auto worth = static_cast<double>(random.below(dollars));
        std::string digits = to_money(worth / kPrices.at(asset)).to_string_e18();
        const std::size_t cut = 18 - kDecimals.at(asset);
        digits.resize(digits.size() > cut ? digits.size() - cut : 0);
        return Amount::parse(digits.empty() ? "0" : digits).value();
    };
    for (std::size_t i = 0; i < kPrices.size(); ++i) {
        for (const std::uint64_t chain : kChains) {
            Holding row;
            row.asset = form_of(i, chain);
            row.collateral = random.below(4) == 0 ? some(i, 4'000) : Amount{};
            row.debt = random.below(5) == 0 ? some(i, 3'000) : Amount{};
            out.holdings.push_back(row);
        }
    }
    return out;
}

Scene scene(std::uint64_t seed, bool with_terms) {
    PathRandom random(seed);
    Scene out;
    for (std::size_t i = 0; i < kPrices.size(); ++i) {
        out.parameters.assets.push_back(asset_of(i, random));
        out.history.assets.push_back(out.parameters.assets.back().name);
    }
    if (with_terms) {
        add_terms(out.parameters, random);
    }
    std::vector<double> prices(kPrices.begin(), kPrices.end());
    out.history.step_s = 300;
    for (std::size_t t = 0; t <= 200; ++t) {
        out.history.prices.push_back(prices);
        for (std::size_t i = 0; i < prices.size(); ++i) {
            prices[i] *= std::exp((i < 2 ? 0.006 : 0.0005) * normal_number(random));
        }
    }
    for (std::size_t i = 0; i < kPrices.size(); ++i) {
        for (const std::uint64_t chain : kChains) {
            const Money price = to_money(out.history.prices.back()[i]);
            out.book.prices[form_of(i, chain)] = {
                .asset = form_of(i, chain),
                .price = price,
                .confidence = to_money(out.history.prices.back()[i] * 0.003),
                .published_at = UnixSeconds{kNow},
                .verdict = PriceVerdict::kUsable,
                .sources = {}};
        }
    }
    for (std::uint64_t number = 1; number <= 10; ++number) {
        out.book.accounts.push_back({holdings_of(number, random), false});
    }
    return out;
}

struct Sums {
    double initial{0};
    double maintenance{0};
    /// Of all parts, whatever their sign.
    double size{1};
};

Sums sums_of(const LinearHealth& health, const std::vector<double>& prices) {
    Sums out;
    for (const LinearHealth::Part& part : health.parts) {
        out.initial += part.initial * prices[part.asset];
        out.maintenance += part.maintenance * prices[part.asset];
        out.size += std::abs(part.initial) * prices[part.asset];
    }
    return out;
}

bool agrees(const LinearHealth& health, const std::vector<double>& prices, const AccountState& s) {
    const Sums sums = sums_of(health, prices);
    const double slack = 1e-9 * sums.size;
    return std::abs(sums.initial - to_real(s.initial)) < slack &&
           std::abs(sums.maintenance - to_real(s.maintenance)) < slack;
}

struct Tally {
    std::size_t linear{0};
    std::size_t by_engine{0};
    /// Accounts of the engine of which a sum without the terms would be wrong.
    std::size_t would_be_wrong{0};
};

// Every account of a scene at ten sets of prices.
void compare(const Scene& s, std::uint64_t seed, Tally& tally) {
    margin::Parameters plain = s.parameters;
    plain.risk = {};
    for (margin::AssetParameters& asset : plain.assets) {
        asset.cap = Money{};
        asset.now = {};
        asset.initial_price = {};
        for (margin::AssetOnChain& form : asset.on) {
            form.cap = Money{};
            form.uncounted = Money{};
        }
    }
    PathPrices prices(s.book.prices, s.parameters, s.history);
    PathRandom random(seed);
    for (const margin::StressAccount& row : s.book.accounts) {
        const auto linear = linear_health(row.holdings, s.parameters, s.history);
        const auto naive = linear_health(row.holdings, plain, s.history);
        ASSERT_TRUE(naive.has_value());
        bool is_wrong = false;
        for (int move = 0; move < 10; ++move) {
            std::vector<double> at = s.history.prices.back();
            for (double& price : at) {
                price *= std::exp(0.3 * normal_number(random));
            }
            const margin::Market market(prices.at(at, 300), s.parameters);
            const AccountState state = margin::evaluate_state(row.holdings, market, false, false);
            ASSERT_NE(state.status, Status::kUnattestable);
            if (linear) {
                EXPECT_TRUE(agrees(*linear, at, state)) << seed;
            }
            is_wrong = is_wrong || !agrees(*naive, at, state);
        }
        tally.linear += linear ? 1 : 0;
        tally.by_engine += linear ? 0 : 1;
        tally.would_be_wrong += is_wrong ? 1 : 0;
        EXPECT_FALSE(linear && is_wrong);
    }
}

TEST(ForecastByEngine, LinearSumsAreUsedExactlyWhereTheyAreRight) {
    Tally plain;
    Tally terms;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        compare(scene(seed, false), seed, plain);
        compare(scene(seed, true), seed, terms);
    }
    EXPECT_EQ(plain.by_engine, 0U);
    EXPECT_EQ(plain.would_be_wrong, 0U);
    // The fast way stays in use beside the terms, and most that leave it would have been wrong.
    EXPECT_GT(terms.linear, 10U);
    EXPECT_GT(terms.by_engine, 100U);
    EXPECT_GT(terms.would_be_wrong, terms.by_engine / 4);
}

// Whoever has initial health to spare owes dollars until little is left of it.
void bring_close(Scene& s) {
    const margin::Market market(s.book.prices, s.parameters);
    for (margin::StressAccount& row : s.book.accounts) {
        const AccountState state = margin::evaluate_state(row.holdings, market, false, false);
        const double spare = std::max(to_real(state.initial), 0.0) / 1.2 * 0.97;
        const auto units = static_cast<std::uint64_t>(spare * 1e6);
        Amount& debt = row.holdings.holdings[4].debt;
        debt = add(debt, Amount{units}).value();
    }
}

// Linear and by the engine on the same paths: the same passages to the last one, also where a price
// leaves its band and nobody can be judged.
TEST(ForecastByEngine, ProbabilitiesOfBothWaysAreTheSame) {
    std::size_t between = 0;
    for (const bool narrow : {false, true}) {
        for (std::uint64_t seed = 100; seed < 103; ++seed) {
            Scene s = scene(seed, false);
            bring_close(s);
            for (margin::AssetParameters& asset : s.parameters.assets) {
                const double last = to_real(s.book.prices.at(asset.on[0].asset).price);
                asset.price_max = narrow ? to_money(last * 1.03) : asset.price_max;
                asset.price_min = narrow ? to_money(last * 0.95) : asset.price_min;
            }
            ForecastBook book = forecast_book(s.book, s.parameters, s.history);
            ASSERT_EQ(book.accounts.size(), 10U);
            ForecastSettings settings;
            settings.paths = kPathsMin;
            settings.horizons_s = {3'600, 43'200};
            const auto fast = forecast(s.history, book, settings);
            ASSERT_OK(fast);
            for (ForecastAccount& account : book.accounts) {
                ASSERT_TRUE(account.linear.has_value());
                account.linear.reset();
            }
            const auto slow = forecast(s.history, book, settings);
            ASSERT_OK(slow);
            EXPECT_EQ(slow.value().engine.accounts, 10U);
            EXPECT_EQ(slow.value().engine.paths, kPathsMin);
            EXPECT_EQ(slow.value().engine.every, 1U);
            for (std::size_t i = 0; i < 10; ++i) {
                const AccountForecast& a = fast.value().accounts[i];
                const AccountForecast& b = slow.value().accounts[i];
                EXPECT_FALSE(a.by_engine);
                EXPECT_TRUE(b.by_engine);
                EXPECT_EQ(a.call, b.call) << seed;
                EXPECT_EQ(a.liquidation, b.liquidation) << seed;
                between += a.call[1] > 0.02 && a.call[1] < 0.98 ? 1 : 0;
            }
        }
    }
    EXPECT_GT(between, 10U);
}

/// One account of ten thousand dollars with positions on eth, whose price walks.
class ForecastPositions : public ::testing::Test {
  protected:
    ForecastPositions() {
        PathRandom random(1);
        rules_.assets = {asset_of(0, random), asset_of(2, random)};
        rules_.assets[1].collateral = {usd("1"), usd("1"), usd("1")};
        history_ = walk(4'000, kSigma, 11);
        for (std::size_t i = 0; i < 2; ++i) {
            for (const margin::AssetOnChain& form : rules_.assets[i].on) {
                all_.prices[form.asset] = {
                    .asset = form.asset,
                    .price = to_money(history_.prices.back()[i]),
                    .confidence = Money{},
                    .published_at = UnixSeconds{kNow},
                    .verdict = PriceVerdict::kUsable,
                    .sources = {}};
            }
        }
        margin::VenueParameters venue;
        venue.underlying = "eth";
        venue.profit_weight = usd("1");
        venue.profit_cap = usd("1000000");
        venue.options = margin::usual_isolated_rules();
        venue.perpetuals.push_back(
            {.market = kPerpetual,
             .name = "eth-perp",
             .fractions = {usd("0.1"), usd("0.08"), usd("0.05")}}
        );
        rules_.venues = {venue};
    }

    void hold(std::vector<VenuePosition> positions, std::uint64_t number = 1) {
        AccountHoldings out;
        out.account = account(number);
        Holding cash;
        cash.asset = rules_.assets[1].on[0].asset;
        cash.collateral = dollars(10'000);
        out.holdings.push_back(cash);
        out.positions = std::move(positions);
        all_.accounts.push_back({out, false});
    }

    static constexpr double kSigma = 0.002;
    const Hash32 kPerpetual = keccak256("eth-perp");
    margin::Parameters rules_;
    margin::StressBook all_;
    PriceHistory history_;
    ForecastSettings settings_;
};

TEST_F(ForecastPositions, FirstPassageOfAShortPerpetualIsFound) {
    // cash - size (p - entry) - 0.1 size p = 0 at p = (cash / size + entry) / 1.1, put so that the
    // barrier lies 3 % above the price.
    const double price = history_.prices.back()[0];
    const double entry = 1.1 * price * std::exp(0.03) - 1'000;
    hold({{.market = kPerpetual, .size = usd("-10"), .entry_price = to_money(entry)}});
    const ForecastBook book = forecast_book(all_, rules_, history_);
    ASSERT_EQ(book.accounts.size(), 1U);
    EXPECT_FALSE(book.accounts[0].linear.has_value());
    EXPECT_TRUE(book.accounts[0].has_debt);
    EXPECT_FALSE(book.accounts[0].now.call);
    settings_.paths = 2'000;
    settings_.shock = 0;
    settings_.memory = 0;
    settings_.horizons_s = {86'400};
    const auto out = forecast(history_, book, settings_);
    ASSERT_OK(out);
    EXPECT_TRUE(out.value().accounts[0].by_engine);
    EXPECT_EQ(out.value().engine.paths, 2'000U);
    // The same paths, looked at without any engine.
    const PathMaker maker(history_.prices, settings_);
    double hits = 0;
    for (std::size_t path = 0; path < settings_.paths; ++path) {
        PricePath along = maker.start(settings_.seed, path);
        bool has_hit = false;
        for (int step = 0; step < 288; ++step) {
            along.step();
            has_hit = has_hit || along.prices()[0] > price * std::exp(0.03);
        }
        hits += has_hit ? 1 : 0;
    }
    EXPECT_NEAR(out.value().accounts[0].call[0], hits / 2'000, 1e-9);
    // The reflection principle, the barrier a little farther since it is looked at in steps
    // (Broadie, Glasserman and Kou 1997).
    const double barrier = 0.03 + 0.5826 * kSigma;
    const double expected = std::erfc(barrier / (kSigma * std::sqrt(288.0)) / std::sqrt(2.0));
    EXPECT_NEAR(out.value().accounts[0].call[0], expected, 0.05);
    EXPECT_LT(out.value().accounts[0].liquidation[0], out.value().accounts[0].call[0]);
}

TEST_F(ForecastPositions, GridAndOptionsAreForecastAndAnUnknownMarketIsNot) {
    const double price = history_.prices.back()[0];
    margin::VenueParameters& venue = rules_.venues.front();
    venue.method = margin::VenueMethod::kGrid;
    venue.grid = margin::usual_grid_rules();
    venue.perpetuals.front().fractions = {};
    const Hash32 call = keccak256("call");
    venue.option_markets.push_back(
        {.market = call,
         .name = "eth-call",
         .is_call = true,
         .strike = to_money(price),
         .expiry = kNow + 21'600,
         .volatility = usd("0.7")}
    );
    // The most that may be sold without a call, and half of it.
    std::int64_t most = 1;
    for (bool is_called = false; !is_called; ++most) {
        hold({{.market = call, .size = Money::whole(-most - 1), .entry_price = Money{}}});
        is_called = forecast_book(all_, rules_, history_).accounts.at(0).now.call;
        all_.accounts.clear();
        ASSERT_LT(most, 1'000);
    }
    --most;
    hold({{.market = call, .size = Money::whole(-most / 2), .entry_price = Money{}}}, 1);
    hold({{.market = call, .size = Money::whole(-most), .entry_price = Money{}}}, 2);
    hold({{.market = call, .size = usd("10"), .entry_price = Money{}}}, 3);
    hold({{.market = keccak256("what"), .size = usd("1"), .entry_price = Money{}}}, 4);
    const ForecastBook book = forecast_book(all_, rules_, history_);
    ASSERT_EQ(book.accounts.size(), 3U);
    ASSERT_EQ(book.left_out.size(), 1U);
    EXPECT_EQ(book.left_out[0].account, account(4));
    EXPECT_NE(book.left_out[0].why.find("position"), std::string::npos) << book.left_out[0].why;
    // Each is dearer than a token, and the option's last hours are in every path.
    EXPECT_GT(book.accounts[0].cost, venue.grid.shocks.size());
    settings_.paths = kPathsMin;
    settings_.horizons_s = {3'600, 43'200};
    const auto out = forecast(history_, book, settings_);
    ASSERT_OK(out);
    const auto& rows = out.value().accounts;
    EXPECT_LE(rows[0].call[1], rows[1].call[1]);
    EXPECT_GT(rows[1].call[1], 0.05);
    EXPECT_EQ(rows[2].call[1], 0.0);
}

TEST_F(ForecastPositions, BacktestTakesThemToo) {
    const double price = history_.prices.back()[0];
    for (std::uint64_t i = 0; i < 5; ++i) {
        const double entry = price * (0.7 + 0.15 * static_cast<double>(i));
        hold({{.market = kPerpetual, .size = usd("-10"), .entry_price = to_money(entry)}}, i + 1);
    }
    history_.prices.erase(history_.prices.begin(), history_.prices.end() - 400);
    const ForecastBook book = forecast_book(all_, rules_, history_);
    settings_.horizons_s = {3'600};
    settings_.work = 7'000'000;
    const auto out = backtest(history_, book, settings_);
    ASSERT_OK(out);
    EXPECT_EQ(out.value().accounts, 5U);
    // So little work is fewer looks, alike in forecast and outcome.
    EXPECT_GT(out.value().every[0], 1U);
    EXPECT_GE(out.value().calls.scores[0].brier, 0);
    settings_.work = 1;
    EXPECT_EQ(backtest(history_, book, settings_).value().accounts, 0U);
}

}  // namespace
}  // namespace margrave::relayer::tests
