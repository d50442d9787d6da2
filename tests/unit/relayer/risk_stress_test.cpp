// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/scenarios.hpp"
#include "relayer/risk/stress.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <nlohmann/json.hpp>

namespace margrave::relayer::tests {
namespace {

using nlohmann::json;

class RiskStressTest : public WorldTest {
  protected:
    [[nodiscard]] ReplayedRound replay() const {
        return replay_round(
                   world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{0}
        )
            .value();
    }

    Scenarios parse(std::string_view text) {
        const ReplayedRound round = replay();
        problems.clear();
        return parse_scenarios(text, round.parameters, round.prices, problems);
    }

    std::vector<config::Problem> problems;
};

TEST_F(RiskStressTest, FileOfScenariosIsRead) {
    give_loan(account(1), 1, 1'000);
    const Scenarios out = parse(R"({
        "version": 1,
        "depth": {"otherwise": [{"sold": "1000", "impact": "0.5"}],
                  "eth": [{"sold": "5", "impact": "0.1"}, {"sold": "10", "impact": "0.2"}]},
        "scenarios": [{"name": "bad day", "prices": {"eth": "-40%", "usd": "0.9"},
                       "dead": ["optimism"], "stale": ["usd"]}, {"name": "nothing"}]})");
    ASSERT_TRUE(problems.empty()) << problems.front().pointer << problems.front().what;
    ASSERT_EQ(out.shocks.size(), 2U);
    EXPECT_EQ(out.shocks[0].prices.size(), 2U);
    EXPECT_EQ(out.shocks[0].dead.count(world.id(1)), 1U);
    EXPECT_EQ(out.shocks[0].stale, std::vector<std::string>{"usd"});
    ASSERT_TRUE(out.depth.has_value());
    EXPECT_EQ(out.depth->of.at("eth").size(), 2U);
    EXPECT_EQ(out.depth->otherwise.front().impact, usd("0.5"));
}

TEST_F(RiskStressTest, EveryProblemOfAFileIsNamedWithItsPointer) {
    give_loan(account(1), 1, 1'000);
    parse(R"({"version": 2, "scenarois": [],
        "depth": {"etc": [], "eth": [{"sold": "0", "impact": "1"}, {"sold": 5}]},
        "scenarios": [{"nmae": "x", "prices": {"gold": "-1%", "eth": 5}},
                      {"name": "x", "prices": {"eth": "-100%"}, "dead": ["nowhere", 4], "stale": ["gold"]},
                      {"name": "x", "dead": "eip155:1"}, 7]})");
    const std::vector<std::string> pointers = {
        "/scenarois",
        "/version",
        "/depth/etc",
        "/depth/etc",
        "/depth/eth/0/sold",
        "/depth/eth/0/impact",
        "/depth/eth/1/sold",
        "/depth/eth/1/impact",
        "/scenarios/0/nmae",
        "/scenarios/0/name",
        "/scenarios/0/prices/eth",
        "/scenarios/0/prices/gold",
        "/scenarios/1/prices/eth",
        "/scenarios/1/dead/0",
        "/scenarios/1/dead/1",
        "/scenarios/1/stale/0",
        "/scenarios/2/name",
        "/scenarios/2/dead",
        "/scenarios/3"};
    std::vector<std::string> seen;
    for (const config::Problem& problem : problems) {
        seen.push_back(problem.pointer);
        EXPECT_FALSE(problem.what.empty());
    }
    EXPECT_EQ(seen, pointers);
    parse("{\"version\": 1, \"version\": 1}");
    EXPECT_EQ(problems.size(), 1U);
    parse("{\"version\": 1}");
    EXPECT_EQ(problems.size(), 1U);
}

TEST_F(RiskStressTest, RoundIsStressedAndWritten) {
    give_loan(account(1), 1, 1'000);
    const ReplayedRound round = replay();
    const margin::StressBook book = stress_book(round, world.settings.genesis.hub);
    ASSERT_EQ(book.accounts.size(), 1U);
    std::vector<margin::StressResult> results;
    for (const margin::StressShock& shock :
         margin::built_in_shocks(round.parameters, round.prices)) {
        const auto result = margin::stress(book, round.parameters, shock, margin::built_in_depth());
        ASSERT_OK(result);
        results.push_back(result.value());
    }
    const json document = stress_json(results);
    ASSERT_EQ(document.size(), results.size());
    EXPECT_EQ(document[0]["name"], "as is");
    EXPECT_EQ(document[0]["settled"]["HEALTHY"], "1");
    const auto hit =
        std::ranges::find_if(document, [](const json& row) { return row["name"] == "eth -80%"; });
    ASSERT_NE(hit, document.end());
    EXPECT_EQ((*hit)["shocked"]["BANKRUPT"], "1");
    EXPECT_NE((*hit)["badDebt"], "0");
    EXPECT_EQ((*hit)["isSettled"], true);
    const std::string human = stress_text(results);
    EXPECT_NE(human.find("SCENARIO"), std::string::npos);
    EXPECT_NE(human.find("eth -80%"), std::string::npos);
    EXPECT_EQ(depth_json(margin::built_in_depth())["otherwise"].size(), 3U);
}

}  // namespace
}  // namespace margrave::relayer::tests
