// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/report.hpp"
#include "relayer/risk/stress.hpp"
#include "relayer/risk/svg.hpp"
#include "tests/unit/relayer/fixture.hpp"

namespace margrave::relayer::tests {
namespace {

std::size_t count_of(const std::string& text, std::string_view part) {
    std::size_t out = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++out;
    }
    return out;
}

class RiskReportTest : public WorldTest {};

TEST_F(RiskReportTest, ReportStandsAloneAndShowsEverything) {
    give_loan(account(1), 1, 1'000);
    const auto round =
        replay_round(world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{0});
    ASSERT_OK(round);
    ReportInput input{round.value(), "<op>", {}, true, {}};
    const margin::StressBook book = stress_book(round.value(), world.settings.genesis.hub);
    for (const margin::StressShock& shock :
         margin::built_in_shocks(round.value().parameters, round.value().prices)) {
        input.stress.push_back(
            margin::stress(book, round.value().parameters, shock, margin::built_in_depth()).value()
        );
    }
    const auto rounds = recent_rounds(*world.database, 1'000'000).value();
    input.history = make_history(rounds, round.value().parameters, 1).value();
    const std::string html = report_html(input);
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_EQ(html.find("http"), std::string::npos);
    EXPECT_EQ(html.find("url("), std::string::npos);
    EXPECT_NE(html.find("&lt;op&gt;"), std::string::npos);
    EXPECT_NE(html.find("prefers-color-scheme: dark"), std::string::npos);
    for (const char* part :
         {"Distribution of health",
          "Collateral by chain and asset",
          "Largest accounts",
          "Lowest health",
          "eth -80%",
          "Price of eth",
          "Price of usd",
          "eth on eip155:1"}) {
        EXPECT_NE(html.find(part), std::string::npos) << part;
    }
    EXPECT_EQ(count_of(html, "<svg"), count_of(html, "</svg>"));
    EXPECT_EQ(count_of(html, "<section"), count_of(html, "</section>"));
    EXPECT_EQ(count_of(html, "<div"), count_of(html, "</div>"));
    // 2000 x 0.85 over 1000 x 1.01.
    EXPECT_NEAR(health_factor(round.value().evaluations.front()), 1.683, 0.001);
}

TEST(RiskSvg, NumbersAndTimesAreShort) {
    EXPECT_EQ(short_number(0), "0");
    EXPECT_EQ(short_number(1'234'567), "1.23M");
    EXPECT_EQ(short_number(-12'345), "-12.3k");
    EXPECT_EQ(short_number(999), "999");
    EXPECT_EQ(short_number(1.5), "1.50");
    EXPECT_EQ(utc_text(0), "1970-01-01 00:00");
    EXPECT_EQ(utc_text(1'798'761'599), "2026-12-31 23:59");
    EXPECT_EQ(escaped_html("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
}

TEST(RiskSvg, ChartsOfNothingAndOfOnePointAreDrawn) {
    EXPECT_EQ(line_chart({"eth", 0, 1, {}}), "");
    EXPECT_NE(line_chart({"eth", 0, 1, {5}}).find("polyline"), std::string::npos);
    EXPECT_NE(bar_chart("t", {}).find("</svg>"), std::string::npos);
    EXPECT_EQ(column_chart("t", {{"a", 0, "", "series"}}).find("<rect"), std::string::npos);
    EXPECT_NE(bar_chart("t", {{"<x>", 2, "", "good"}}).find("&lt;x&gt;: 2"), std::string::npos);
}

TEST(RiskSvg, LongLinesKeepTheirExtremes) {
    std::vector<double> values(10'000, 10.0);
    values[4'321] = 1.0;
    values[7'000] = 20.0;
    const std::string svg = line_chart({"eth", 0, 60, values});
    // The floor and the top of the drawing are reached only by the two.
    EXPECT_NE(svg.find(",140.0"), std::string::npos);
    EXPECT_NE(svg.find(",14.0"), std::string::npos);
    EXPECT_LT(svg.size(), 20'000U);
}

}  // namespace
}  // namespace margrave::relayer::tests
