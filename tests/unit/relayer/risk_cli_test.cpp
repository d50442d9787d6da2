// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"
#include "tests/unit/relayer/forecast_fixture.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>

// The commands that read the kept prices, as an operator runs them, beside a store that signed
// rounds over a simulated market left.
namespace margrave::relayer::tests {
namespace {

using nlohmann::json;
using test::ProcessResult;

json levels(const char* initial, const char* end, const char* maintenance) {
    return {{"initial", initial}, {"liquidation_end", end}, {"maintenance", maintenance}};
}

class RiskCli : public WorldTest {
  protected:
    RiskCli() { write_config("margrave.json", json::array()); }

    // The same network as the world's, so that the store is its own.
    void write_config(const std::string& name, const json& markets) const {
        json document = json::parse(
            std::ifstream(std::filesystem::path(MARGRAVE_SOURCE_DIR) / "config/examples/local.json")
        );
        document.erase("$schema");
        const auto& genesis = world.settings.genesis;
        document["network"] = {
            {"name", genesis.name},
            {"hub", genesis.hub.text()},
            {"signers", {to_checksum(genesis.signers.front())}},
            {"threshold", 1},
            {"guardian", to_checksum(genesis.guardian)},
            {"exit_silence", std::to_string(genesis.exit_silence_s) + "s"}};
        json on = json::array();
        for (std::size_t i = 0; i < world.settings.chains.size(); ++i) {
            document["chains"][i]["id"] = world.id(i).text();
            on.push_back({{"asset", eth_on(world.id(i)).text()}});
        }
        document["assets"][0]["on"] = on;
        document["assets"][0]["collateral"] = levels("0.75", "0.8", "0.85");
        if (!markets.empty()) {
            document["markets"] = markets;
        }
        std::ofstream(world.dir.path() / name) << document.dump();
    }

    [[nodiscard]] ProcessResult run(std::vector<std::string> arguments) const {
        test::ProcessOptions options;
        options.arguments = std::move(arguments);
        options.directory = world.dir.path();
        options.timeout = std::chrono::seconds(900);
        return test::run_process(MARGRAVE_BINARY, options);
    }

    [[nodiscard]] json run_json(std::vector<std::string> arguments, int exit_code = 0) const {
        arguments.insert(arguments.begin(), {"--output", "json"});
        const ProcessResult done = run(std::move(arguments));
        EXPECT_EQ(done.exit_code, exit_code) << done.out << done.err;
        return json::parse(done.out);
    }

    // So many rounds, one each `step_s`, over a price whose volatility comes and goes: a
    // GARCH(1,1) of `sigma` a step, and every five hundredth step a jump of five times that.
    void live(std::size_t rounds, std::uint64_t step_s, double sigma) {
        PathRandom random(20);
        double variance = sigma * sigma;
        double price = to_real(world.eth_price);
        for (std::size_t i = 0; i < rounds; ++i) {
            const double jump = random.below(500) == 0 ? 5 : 1;
            const double change = std::sqrt(variance) * normal_number(random) * jump;
            variance = 0.03 * sigma * sigma + 0.07 * change * change + 0.9 * variance;
            price *= std::exp(change);
            std::array<char, 32> text{};
            std::snprintf(text.data(), text.size(), "%.4f", price);
            world.eth_price = usd(text.data());
            world.wait(step_s);
            world.step();
        }
    }
};

TEST_F(RiskCli, ScenariosOfTheKeptPricesAreAGridThatTheConfigTakes) {
    give_loan(account(1), 1, 1'000);
    live(50, 3'600, 0.01);
    const ProcessResult shown = run({"-q", "risk", "scenarios", "--asset", "eth", "--step", "1h"});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    const json grid = json::parse(shown.out);
    EXPECT_EQ(grid["tail_level"], "0.975");
    const json document =
        run_json({"risk", "scenarios", "--asset", "eth", "--step", "1h", "--level", "0.9"});
    EXPECT_EQ(document["grid"]["shocks"], grid["shocks"]);
    EXPECT_EQ(document["grid"]["tail_level"], "0.9");
    EXPECT_EQ(document["moves"], std::to_string(grid["shocks"].size()));
    EXPECT_GE(grid["shocks"].size(), 49U);
    // The product of all moves is the price's whole way, but for six decimals each.
    double product = 1;
    for (const json& shock : grid["shocks"]) {
        product *= std::stod(shock["spot"].get<std::string>());
    }
    const auto rounds = recent_rounds(*world.database, 30 * 86'400);
    const PriceHistory history =
        make_history(rounds.value(), world.settings.parameters, 3'600).value();
    EXPECT_NEAR(product, history.prices.back()[0] / history.prices.front()[0], 1e-4);
    // And the config takes it as it is.
    const json market = {
        {"underlying", "eth"},
        {"method", "grid"},
        {"grid", grid},
        {"perpetuals", {{{"market", "0x" + std::string(64, '1')}, {"name", "eth-perp"}}}}};
    write_config("with-markets.json", json::array({market}));
    const ProcessResult checked = run({"-c", "with-markets.json", "config", "check"});
    EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

TEST_F(RiskCli, ScenariosThatCannotBeSayWhatIsMissing) {
    give_loan(account(1), 1, 1'000);
    live(20, 3'600, 0.01);
    const auto refused = [this](std::vector<std::string> more, int exit_code) {
        std::vector<std::string> arguments{"risk", "scenarios"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const json out = run_json(arguments, exit_code);
        return out["error"]["message"].get<std::string>();
    };
    const auto expect_words = [](const std::string& said, std::string_view words) {
        EXPECT_NE(said.find(words), std::string::npos) << said;
    };
    expect_words(refused({"--asset", "gold"}, 2), "known names are eth, usd");
    expect_words(
        refused({"--asset", "eth"}, 1), "hold 0 steps of 86400 s in which eth has a price"
    );
    expect_words(refused({"--asset", "eth", "--step", "1m"}, 2), "a grid takes 1000 shocks");
    expect_words(refused({"--asset", "usd", "--step", "1h"}, 2), "the price of usd never moved");
    expect_words(refused({"--asset", "eth", "--level", "1"}, 2), "is no confidence");
    expect_words(refused({"--asset", "eth", "--step", "1w"}, 2), "is no span of time");
}

TEST_F(RiskCli, ExplainSaysValueAtRiskByTheKeptPrices) {
    give_loan(account(1), 2, 1'000);
    live(40, 3'600, 0.01);
    const std::string who = to_hex(account(1));
    const std::vector<std::string> ask{
        "account", "explain", who, "--history", "30d", "--step", "1h", "--level", "0.9"};
    const json tail = run_json(ask)["tail"];
    // Two ether: each move of the price is a loss of twice that of one.
    const auto rounds = recent_rounds(*world.database, 30 * 86'400);
    const PriceHistory history =
        make_history(rounds.value(), world.settings.parameters, 3'600).value();
    std::vector<double> losses;
    for (std::size_t t = 1; t < history.prices.size(); ++t) {
        const double last = history.prices.back()[0];
        losses.push_back(2 * last * (1 - history.prices[t][0] / history.prices[t - 1][0]));
    }
    std::ranges::sort(losses, std::greater<>());
    const auto count =
        static_cast<std::size_t>(std::ceil(0.1 * static_cast<double>(losses.size()) - 1e-9));
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += losses[i] / static_cast<double>(count);
    }
    EXPECT_EQ(tail["moves"], std::to_string(losses.size()));
    EXPECT_EQ(tail["worst"], std::to_string(count));
    EXPECT_EQ(tail["unvalued"], "0");
    const auto dollars_of = [&tail](const char* name) {
        return std::stod(tail[name].get<std::string>()) / 1e18;
    };
    EXPECT_NEAR(dollars_of("valueAtRisk"), losses[count - 1], 1e-4);
    EXPECT_NEAR(dollars_of("expectedShortfall"), sum, 1e-4);
    EXPECT_GT(dollars_of("expectedShortfall"), dollars_of("valueAtRisk"));
    EXPECT_NE(run(ask).out.find("expected shortfall"), std::string::npos);
    EXPECT_FALSE(run_json({"account", "explain", who}).contains("tail"));
    const json short_one = run_json({"account", "explain", who, "--history", "1h"}, 1);
    EXPECT_NE(
        short_one["error"]["message"].get<std::string>().find("at least 2 are needed"),
        std::string::npos
    );
}

// MARGRAVE_BACKTEST_MONTH=1: thirty days of rounds every five minutes, and the table on stdout.
// Else a day.
TEST_F(RiskCli, BacktestOfASimulatedMonth) {
    const bool is_long = std::getenv("MARGRAVE_BACKTEST_MONTH") != nullptr;
    for (std::uint64_t i = 0; i < 8; ++i) {
        give_loan(account(i + 1), 1, 1'000 + 50 * i);
    }
    live(is_long ? 30 * 288 : 300, 300, 0.00177);
    const json said = run_json({"risk", "forecast", "--backtest", "--paths", "200"});
    ASSERT_EQ(said["accounts"].size(), 8U);
    EXPECT_EQ(said["accounts"][0]["by"], "linear");
    EXPECT_EQ(said["linear"]["accounts"], "8");
    EXPECT_EQ(said["leftOut"], json::array());
    const json& tested = said["backtest"];
    ASSERT_FALSE(tested["quantiles"].empty());
    for (const json& row : tested["quantiles"]) {
        EXPECT_EQ(row["asset"], "eth");
        EXPECT_EQ(row["coverage"]["test"], "proportion of failures");
        // Only of an hour are there enough times apart from each other to tell a wrong forecast
        // from a path that happened to fall.
        const double p = std::stod(row["coverage"]["p"].get<std::string>());
        EXPECT_GE(p, row["horizon"] == "3600" ? 0.01 : 0.0) << row.dump();
        EXPECT_LE(p, 1.0);
    }
    for (const char* member : {"calls", "liquidations", "brier", "brierOfConstant"}) {
        EXPECT_TRUE(tested.contains(member)) << member;
    }
    EXPECT_EQ(tested["everySteps"]["3600"], "1");
    const ProcessResult shown = run({"risk", "forecast", "--backtest"});
    EXPECT_NE(shown.out.find("COVERAGE (KUPIEC)"), std::string::npos) << shown.out;
    if (is_long) {
        std::cout << shown.out << shown.err;
    }
}

}  // namespace
}  // namespace margrave::relayer::tests
