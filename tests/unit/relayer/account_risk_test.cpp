// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "relayer/replay.hpp"
#include "relayer/risk/explain.hpp"
#include "relayer/risk/shares.hpp"
#include "relayer/risk/what_if.hpp"
#include "relayer/risk/words.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <nlohmann/json.hpp>

namespace margrave::relayer::tests {
namespace {

using margin::MoveKind;
using nlohmann::json;

class AccountRiskTest : public WorldTest {
  protected:
    [[nodiscard]] ReplayedRound replay() const {
        return replay_round(
                   world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{0}
        )
            .value();
    }

    [[nodiscard]] ParsedWhatIf parse(const WhatIfText& text) const {
        const ReplayedRound round = replay();
        return parse_what_if(
            text, round.evaluations.front().holdings, round.prices, round.parameters
        );
    }
};

TEST_F(AccountRiskTest, ExplainedAccountAddsUpToTheSignedLeaf) {
    give_loan(account(1), 1, 1'000);
    const ReplayedRound round = replay();
    const margin::Evaluation& e = round.evaluations.front();
    const auto out = explain_account(round, e.state, e.evidence_text());
    ASSERT_OK(out);
    const json& document = *out.value().document;
    EXPECT_EQ(document["ok"], true);
    EXPECT_EQ(document["terms"].size(), 2U);
    EXPECT_EQ(document["terms"][0]["asset"], "eth");
    EXPECT_EQ(document["terms"][0]["parts"][0]["chain"], "eip155:1");
    Money initial;
    for (const json& term : document["terms"]) {
        const auto part = Money::parse_e18(term["contribution"]["initial"].get<std::string>());
        initial = add(initial, part.value()).value();
    }
    EXPECT_EQ(initial, e.state.initial);
    EXPECT_EQ(document["health"]["initial"], e.state.initial.to_string_e18());
    EXPECT_NE(out.value().human.find("checked:"), std::string::npos) << out.value().human;
}

TEST_F(AccountRiskTest, LeafThatItsTermsDoNotAddUpToIsAFinding) {
    give_loan(account(1), 1, 1'000);
    const ReplayedRound round = replay();
    AccountState leaf = round.evaluations.front().state;
    leaf.maintenance = add(leaf.maintenance, Money::from_e18(1)).value();
    const auto out = explain_account(round, leaf, round.evaluations.front().evidence_text());
    ASSERT_OK(out);
    EXPECT_EQ((*out.value().document)["ok"], false);
    EXPECT_FALSE(out.value().findings.empty());
    EXPECT_NE(out.value().human.find("WRONG: maintenance health"), std::string::npos);
    EXPECT_EQ(out.value().human.find("checked:"), std::string::npos);
}

TEST_F(AccountRiskTest, WhatEachPartDoesIsWrittenForPeopleAndPrograms) {
    give_loan(account(1), 2, 1'000);
    const ReplayedRound round = replay();
    margin::Parameters rules = round.parameters;
    margin::VenueParameters venue;
    venue.underlying = "eth";
    venue.method = margin::VenueMethod::kGrid;
    venue.grid = margin::usual_grid_rules();
    venue.perpetuals.push_back({.market = keccak256("perp"), .name = "eth-perp", .fractions = {}});
    const std::uint64_t priced_at = round.prices.at(eth_on(world.id(0))).published_at.value;
    venue.option_markets.push_back(
        {.market = keccak256("put"),
         .name = "eth-put",
         .is_call = false,
         .strike = usd("1900"),
         .expiry = priced_at + 30 * 86'400,
         .volatility = usd("0.7")}
    );
    rules.venues.push_back(venue);
    AccountHoldings holdings = round.evaluations.front().holdings;
    holdings.positions = {
        {.market = keccak256("perp"), .size = usd("1"), .entry_price = usd("2000")},
        {.market = keccak256("put"), .size = usd("1"), .entry_price = Money{}}};
    const margin::Market market(round.prices, rules);
    const auto shares = margin::shares_of(holdings, market);
    ASSERT_OK(shares);
    const json document = shares_json(shares.value());
    EXPECT_EQ(document["method"], "leave one out");
    ASSERT_EQ(document["assets"].size(), 2U);
    EXPECT_EQ(document["assets"][0]["asset"], "eth");
    EXPECT_TRUE(document["assets"][0]["health"].contains("liquidationEnd"));
    const json& row = document["venues"][0];
    EXPECT_EQ(row["worst"]["kind"], "shock");
    EXPECT_EQ(row["positions"].size(), 2U);
    EXPECT_TRUE(row["positions"][0].contains("worstPnl"));
    const std::string human = shares_text(shares.value());
    for (const std::string words :
         {"what each part does", "eth-perp", "eth-put", "worst scenario: price x", "THETA/DAY"}) {
        EXPECT_NE(human.find(words), std::string::npos) << human;
    }
    EXPECT_EQ(shares_text(margin::Shares{}), "");
    EXPECT_FALSE(row.contains("tail"));
    rules.venues.front().grid.tail_level = usd("0.8");
    const margin::Market tails(round.prices, rules);
    const auto with_tail = margin::shares_of(holdings, tails);
    ASSERT_OK(with_tail);
    const json tail = shares_json(with_tail.value())["venues"][0]["tail"];
    EXPECT_EQ(tail["level"], "0.8");
    EXPECT_EQ(tail["worst"], std::to_string((venue.grid.shocks.size() + 4) / 5));
    EXPECT_GE(
        Money::parse_e18(tail["expectedShortfall"].get<std::string>()).value(),
        Money::parse_e18(tail["valueAtRisk"].get<std::string>()).value()
    );
    EXPECT_NE(shares_text(with_tail.value()).find("at 80.00%: value at risk"), std::string::npos);
}

TEST_F(AccountRiskTest, MovesAreReadInEveryForm) {
    give_loan(account(1), 2, 1'000);
    const margin::Parameters& rules = world.settings.parameters;
    const auto named = parse_move(MoveKind::kDeposit, "ethereum:eth=1.5", rules);
    ASSERT_OK(named);
    EXPECT_EQ(named.value().asset, eth_on(world.id(0)));
    EXPECT_EQ(named.value().amount.to_string(), "1500000000000000000");
    EXPECT_EQ(
        parse_move(MoveKind::kRepay, "eip155:10:usd=2", rules).value().asset, usd_on(world.id(1))
    );
    const std::string caip = usd_on(world.id(0)).text();
    EXPECT_EQ(
        parse_move(MoveKind::kBorrow, caip + "=0.000001", rules).value().amount.to_string(), "1"
    );
    EXPECT_EQ(parse_price_move("eth=-30%", rules).value().value, usd("0.7"));
    EXPECT_EQ(parse_price_move("eth=+5%", rules).value().value, usd("1.05"));
    EXPECT_FALSE(parse_price_move("eth=1800", rules).value().is_factor);
}

TEST_F(AccountRiskTest, EveryBadOptionIsNamedAtOnce) {
    give_loan(account(1), 2, 1'000);
    WhatIfText text;
    text.deposits = {"ethereum:eth", "eth=1", "nowhere:eth=1", "ethereum:etc=1"};
    text.repayments = {"ethereum:usd=0.0000001", "ethereum:usd=-1"};
    text.withdrawals = {"ethereum:eth=3"};
    text.borrows = {"ethereum:eth=1"};
    text.prices = {"eth", "eth=30%", "eth=-100%", "gold=5", "eth=-5"};
    const std::vector<config::Problem> problems = parse(text).problems;
    const std::vector<std::string> words = {
        "has no amount",
        "does not say on which chain",
        "names no chain",
        "known names are eth, usd",
        "this asset has 6 decimals",
        "no amount above zero",
        "are free",
        "cannot be borrowed",
        "has no price",
        "percentage with a sign",
        "no price above zero",
        "names no asset",
        "has no price in USD"};
    ASSERT_EQ(problems.size(), words.size());
    EXPECT_EQ(problems[0].pointer, "--deposit");
    EXPECT_EQ(problems[6].pointer, "--withdraw");
    EXPECT_EQ(problems.back().pointer, "--price");
    for (std::size_t i = 0; i < words.size(); ++i) {
        EXPECT_NE(problems[i].what.find(words[i]), std::string::npos) << problems[i].what;
    }
    EXPECT_NE(problems[0].what.find("e.g. \"ethereum:eth=1.5\""), std::string::npos);
}

// The world's parameters with a perpetual and an option on eth.
margin::Parameters with_markets(margin::Parameters rules) {
    margin::VenueParameters venue;
    venue.underlying = "eth";
    venue.method = margin::VenueMethod::kGrid;
    venue.grid = margin::usual_grid_rules();
    venue.perpetuals.push_back({.market = keccak256("perp"), .name = "eth-perp", .fractions = {}});
    venue.option_markets.push_back(
        {.market = keccak256("put"),
         .name = "eth-put",
         .is_call = false,
         .strike = usd("1900"),
         .expiry = 4'000'000'000,
         .volatility = usd("0.7")}
    );
    rules.venues = {venue};
    return rules;
}

TEST_F(AccountRiskTest, TradesAreReadInEveryForm) {
    give_loan(account(1), 2, 1'000);
    const ReplayedRound round = replay();
    const margin::Parameters rules = with_markets(round.parameters);
    const margin::Market market(round.prices, rules);
    const AssetId eth = eth_on(world.id(0));
    const AssetId dollar = usd_on(world.id(0));
    const auto now = parse_swap("ethereum:eth=0.5:usd", market);
    ASSERT_OK(now);
    EXPECT_EQ(now.value().sold, eth);
    EXPECT_EQ(now.value().amount.to_string(), "500000000000000000");
    EXPECT_EQ(now.value().bought, dollar);
    const Money value = round.prices.at(eth).price;
    EXPECT_EQ(
        now.value().received,
        units_for(mul(value, usd("0.5"), Round::kDown).value(), 6, usd("1"), Round::kDown).value()
    );
    EXPECT_EQ(
        parse_swap("ethereum:eth=0.5:usd@1990", market).value().received.to_string(), "995000000"
    );
    EXPECT_EQ(
        parse_swap(eth.text() + "=0.5:" + dollar.text() + "=994.5", market)
            .value()
            .received.to_string(),
        "994500000"
    );
    const auto bought = parse_position("eth-perp=+10@2000.5", market);
    ASSERT_OK(bought);
    EXPECT_EQ(bought.value().name, "eth-perp");
    EXPECT_EQ(bought.value().trade.market, keccak256("perp"));
    EXPECT_EQ(bought.value().trade.size, usd("10"));
    EXPECT_EQ(bought.value().trade.price, usd("2000.5"));
    const auto sold = parse_position(to_hex(keccak256("perp")) + "=-0.5", market);
    ASSERT_OK(sold);
    EXPECT_EQ(sold.value().trade.size, usd("-0.5"));
    EXPECT_EQ(sold.value().trade.price, value);
    EXPECT_TRUE(parse_position("eth-put=-1@0", market).value().trade.price.is_zero());
}

TEST_F(AccountRiskTest, EveryBadTradeIsNamedAtOnce) {
    give_loan(account(1), 2, 1'000);
    const ReplayedRound round = replay();
    const margin::Parameters rules = with_markets(round.parameters);
    const margin::PriceTable prices = margin::make_stale(round.prices, rules, "usd").value();
    WhatIfText text;
    text.positions = {
        "eth-perp",
        "btc-perp=+1@1",
        "eth-perp=1@1",
        "eth-perp=+0@1",
        "eth-perp=+1@0",
        "eth-put=+1",
        "eth-perp=+99999999999@1"};
    text.swaps = {
        "ethereum:eth",
        "ethereum:eth=1",
        "ethereum:eth=0:usd@1",
        "ethereum:eth=1:gold",
        "ethereum:eth=1:eth@1",
        "ethereum:eth=1:" + usd_on(world.id(1)).text() + "@1",
        "ethereum:eth=1:usd@x",
        "ethereum:eth=1:usd=0",
        "ethereum:eth=1:usd",
        "ethereum:eth=0.000000000000000001:usd@1",
        "ethereum:eth=3:usd@1"};
    const AccountHoldings& holdings = round.evaluations.front().holdings;
    const std::vector<config::Problem> problems =
        parse_what_if(text, holdings, prices, rules).problems;
    const std::vector<std::string> words = {
        "has no size",
        "known names are eth-perp, eth-put",
        "has no size with a sign",
        "has no size with a sign",
        "has no price in USD above zero behind @",
        "needs its premium behind @",
        "2^96",
        "has no amount",
        "does not say what is bought",
        "has no amount above zero",
        "known names are eth, usd",
        "buys what it sells",
        "a trade is on one chain",
        "has no rate above zero behind @",
        "has no amount above zero",
        "price too old; state what is received behind @ or =",
        "less than one raw unit",
        "are free"};
    ASSERT_EQ(problems.size(), words.size());
    EXPECT_EQ(problems[0].pointer, "--position");
    EXPECT_EQ(problems.back().pointer, "--trade");
    for (std::size_t i = 0; i < words.size(); ++i) {
        EXPECT_NE(problems[i].what.find(words[i]), std::string::npos)
            << words[i] << ": " << problems[i].what;
    }
    text = {};
    text.positions = {"eth-perp=+1@1"};
    const auto without = parse_what_if(text, holdings, round.prices, round.parameters).problems;
    ASSERT_EQ(without.size(), 1U);
    EXPECT_NE(without[0].what.find("/markets"), std::string::npos);
}

TEST_F(AccountRiskTest, TradesAreWrittenForPeopleAndPrograms) {
    give_loan(account(1), 2, 1'000);
    const ReplayedRound round = replay();
    const margin::Parameters rules = with_markets(round.parameters);
    WhatIfText text;
    text.positions = {"eth-perp=+0.1@2000", "eth-put=+1@20", "eth-perp=-0.2@2100"};
    text.swaps = {"ethereum:eth=0.1:usd@1990"};
    margin::WhatIfQuestion question;
    question.firm = round.evaluations.front().holdings;
    question.worst = question.firm;
    question.prices = round.prices;
    const ParsedWhatIf asked = parse_what_if(text, question.firm, question.prices, rules);
    ASSERT_TRUE(asked.problems.empty()) << asked.problems[0].what;
    std::vector<margin::PositionTrade> trades;
    for (const NamedTrade& position : asked.positions) {
        trades.push_back(position.trade);
    }
    question.trades = trades;
    question.moves = asked.moves;
    const auto answer = margin::what_if(question, rules);
    ASSERT_OK(answer);
    const json document = what_if_json(answer.value(), asked, rules);
    ASSERT_EQ(document["positions"].size(), 3U);
    EXPECT_EQ(document["positions"][0]["name"], "eth-perp");
    EXPECT_TRUE(document["positions"][0]["before"].is_null());
    EXPECT_EQ(document["positions"][1]["settled"], "-20000000000000000000");
    EXPECT_EQ(document["positions"][2]["settled"], "10000000000000000000");
    EXPECT_EQ(document["positions"][2]["after"]["size"], "-100000000000000000");
    EXPECT_EQ(document["positions"][2]["after"]["entryPrice"], "2100000000000000000000");
    ASSERT_EQ(document["trades"].size(), 1U);
    EXPECT_EQ(document["trades"][0]["received"], "199000000");
    EXPECT_EQ(document["trades"][0]["granted"], true);
    ASSERT_EQ(document["moves"].size(), 2U);
    EXPECT_EQ(document["moves"][0]["kind"], "withdraw");
    EXPECT_EQ(document["moves"][1]["kind"], "deposit");
    const std::string human = what_if_text(answer.value(), asked, rules);
    for (const std::string words :
         {"position eth-put: 1 at 20 USD; it was none and ends as 1 at 20",
          "the venue takes 20.00 USD",
          "the venue pays 10.00 USD",
          "trade: 0.1 of ",
          "199 of "}) {
        EXPECT_NE(human.find(words), std::string::npos) << words << "\n" << human;
    }
}

TEST_F(AccountRiskTest, WhatIfIsWrittenForPeopleAndPrograms) {
    give_loan(account(1), 2, 1'000);
    const ReplayedRound round = replay();
    WhatIfText text;
    text.withdrawals = {"ethereum:eth=1"};
    text.prices = {"eth=-65%"};
    const ParsedWhatIf asked = parse(text);
    ASSERT_TRUE(asked.problems.empty());
    margin::WhatIfQuestion question;
    question.firm = round.evaluations.front().holdings;
    question.worst = question.firm;
    question.prices = round.prices;
    question.moves = asked.moves;
    question.price_moves = asked.prices;
    const auto answer = margin::what_if(question, round.parameters);
    ASSERT_OK(answer);
    const json document = what_if_json(answer.value(), asked, round.parameters);
    EXPECT_EQ(document["before"]["status"], "HEALTHY");
    EXPECT_EQ(document["moves"][0]["granted"], false);
    EXPECT_EQ(document["prices"][0]["factor"], "350000000000000000");
    EXPECT_NE(document["after"]["status"], "HEALTHY");
    EXPECT_NE(document["noRoom"], "");
    const std::string human = what_if_text(answer.value(), asked, round.parameters);
    EXPECT_NE(human.find("would be refused"), std::string::npos) << human;
    EXPECT_NE(human.find("liquidation sells"), std::string::npos) << human;
}

TEST(RiskWords, TokensAreExactAndShort) {
    EXPECT_EQ(in_tokens(Amount(1'500'000), 6), "1.5");
    EXPECT_EQ(in_tokens(Amount(1), 18), "0.000000000000000001");
    EXPECT_EQ(in_tokens(Amount(7), 0), "7");
    EXPECT_EQ(in_tokens(Amount(0), 6), "0");
    EXPECT_EQ(in_percent(usd("-0.3")), "-30.00%");
    EXPECT_EQ(in_short("0x0123456789abcdef0123456789abcdef"), "0x012345...89abcdef");
    EXPECT_EQ(columns({"A", "B"}, {{"x", "1"}, {"yy", "10"}}, 1), "A    B\nx    1\nyy  10\n");
}

}  // namespace
}  // namespace margrave::relayer::tests
