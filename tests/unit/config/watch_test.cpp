// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace margrave::config {
namespace {

using nlohmann::json;

constexpr const char* kUsdc = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48";
constexpr const char* kVault = "0x52908400098527886E0F7030069857D2E4169EE7";

json with_watch(json watch) {
    json document = good_config();
    document["chains"][0]["proof"] = "receipts";
    document["chains"][0]["watch"] = json::array({std::move(watch)});
    return document;
}

json custody() {
    return {
        {"name", "custody"}, {"preset", "erc20-custody"}, {"contract", kUsdc}, {"custody", kVault}};
}

json listed() {
    return json::parse(R"json({
      "name": "bank",
      "contract": "0x52908400098527886E0F7030069857D2E4169EE7",
      "token": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
      "events": [
        {"event": "event Put(address indexed owner, uint256 amount, bool counts)",
         "meaning": "deposit", "account": "owner", "amount": "amount",
         "where": [{"argument": "counts", "equals": "true"}]},
        {"event": "event Took(address indexed owner, uint256 amount)",
         "meaning": "withdraw", "account": "owner", "amount": "amount"}
      ],
      "calls": [{"call": "function debtOf(address who) view returns (uint256)", "gives": "debt"}]
})json");
}

TEST(Watches, APresetIsEnough) {
    const Loaded loaded = load_json(with_watch(custody()));
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const auto& watch = loaded.settings.chains.at(0).watch;
    ASSERT_EQ(watch.size(), 1U);
    EXPECT_EQ(watch[0].name, "custody");
    EXPECT_EQ(watch[0].preset, chains::WatchPreset::kErc20Custody);
    EXPECT_EQ(watch[0].custody, parse_address(kVault).value());
}

TEST(Watches, EventsAndCallsAreRead) {
    const Loaded loaded = load_json(with_watch(listed()));
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const chains::WatchSettings& watch = loaded.settings.chains.at(0).watch.at(0);
    ASSERT_EQ(watch.events.size(), 2U);
    EXPECT_EQ(watch.events[1].meaning, chains::Meaning::kWithdraw);
    EXPECT_EQ(watch.events[0].where.at(0).equals, "true");
    EXPECT_TRUE(watch.calls.at(0).is_debt);
}

TEST(Watches, EveryFaultIsReportedAtOnceWithItsPlaceAndTheNearestName) {
    json watch = listed();
    watch["events"][0]["account"] = "ownr";
    watch["events"][0]["where"][0]["equals"] = "maybe";
    watch["events"][1]["event"] = "event Took(address indexed owner, uint256 amount) anonymous";
    watch["calls"][0]["call"] = "function debtOf(address who, uint256 id) view returns (uint256)";
    const Loaded loaded = load_json(with_watch(watch));
    const std::string at = "/chains/0/watch/0";
    EXPECT_TRUE(has_problem(loaded.problems, at + "/events/0/account", "did you mean \"owner\"?"));
    EXPECT_TRUE(has_problem(loaded.problems, at + "/events/0/where/0/equals", "\"true\" or"));
    EXPECT_TRUE(has_problem(loaded.problems, at + "/events/1/event", "anonymous"));
    EXPECT_TRUE(has_problem(loaded.problems, at + "/calls/0/call", "the account alone"));
    EXPECT_EQ(loaded.problems.size(), 4U) << lines(loaded.problems);
}

TEST(Watches, ANameThatIsNearNoneIsAnsweredWithAllThereAre) {
    json watch = listed();
    watch["events"][1]["amount"] = "quantity";
    const Loaded loaded = load_json(with_watch(watch));
    EXPECT_TRUE(has_problem(
        loaded.problems,
        "/chains/0/watch/0/events/1/amount",
        "its arguments are owner, amount, e.g. \"owner\""
    )) << lines(loaded.problems);
}

TEST(Watches, MissingAndWrongPartsAreRefused) {
    const auto expect = [](const json& watch, const std::string& at, std::string_view words) {
        const Loaded loaded = load_json(with_watch(watch));
        EXPECT_TRUE(has_problem(loaded.problems, "/chains/0/watch/0" + at, words))
            << at << "\n"
            << lines(loaded.problems);
    };
    json watch = custody();
    watch.erase("custody");
    expect(watch, "/custody", "is missing");
    watch = custody();
    watch["preset"] = "erc-20";
    expect(watch, "/preset", "one of");
    watch = custody();
    watch.erase("preset");
    expect(watch, "/events", "give a preset");
    watch = custody();
    watch["events"] = listed()["events"];
    expect(watch, "/events", "no meaning here");
    watch = custody();
    watch["contract"] = kVault;
    expect(watch, "", "worth nothing");
    watch = listed();
    watch["events"][0]["meaning"] = "gift";
    expect(watch, "/events/0/meaning", "one of");
    watch = listed();
    watch["events"][0].erase("account");
    expect(watch, "/events/0/account", "is missing");
}

TEST(Watches, NeedAProofThatReachesThem) {
    json document = with_watch(custody());
    document["chains"][0]["proof"] = "agreement";
    EXPECT_TRUE(load_json(document).problems.empty());
    // What is not written is the accumulator.
    document["chains"][0].erase("proof");
    const Loaded loaded = load_json(document);
    EXPECT_TRUE(has_problem(loaded.problems, "/chains/0/proof", "our own contracts alone"));
    EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
}

TEST(Watches, TwoOfOneNameAreRefusedAndSoIsOurOwnVault) {
    json document = with_watch(custody());
    document["chains"][0]["watch"].push_back(custody());
    EXPECT_TRUE(has_problem(
        load_json(document).problems, "/chains/0/watch/1/name", "is already at /chains/0/watch/0"
    ));
    document = with_watch(listed());
    document["chains"][0]["contracts"]["vault"] = kVault;
    EXPECT_TRUE(
        has_problem(load_json(document).problems, "/chains/0/watch/0/contract", "our own contract")
    );
}

TEST(Watches, OperatorsWhoWriteThemInAnotherOrderAndSpellingSignTheSame) {
    json document = with_watch(custody());
    document["chains"][0]["watch"].push_back(listed());
    const Loaded one = load_json(document);
    ASSERT_TRUE(one.problems.empty()) << lines(one.problems);
    std::swap(document["chains"][0]["watch"][0], document["chains"][0]["watch"][1]);
    std::string lower = kVault;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    document["chains"][0]["watch"][1]["custody"] = lower;
    const Loaded other = load_json(document);
    EXPECT_EQ(one.settings.parameters.watches.size(), 2U);
    EXPECT_EQ(
        margin::canonical(one.settings.parameters).dump(),
        margin::canonical(other.settings.parameters).dump()
    );
    document["chains"][0]["watch"][0]["events"][0]["where"][0]["equals"] = "false";
    EXPECT_NE(
        margin::canonical(load_json(document).settings.parameters).dump(),
        margin::canonical(one.settings.parameters).dump()
    );
    EXPECT_TRUE(load_json(good_config()).settings.parameters.watches.empty());
}

/// A watch that hears a price, and ether's price by it.
json with_told_price() {
    json watch = json::parse(R"json({
      "name": "eth-usd",
      "contract": "0x7d4e742018fb52e48b08be73d041c18b21de6fb5",
      "events": [
        {"event": "event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)",
         "meaning": "price", "price": "current", "time": "updatedAt"}
      ]
})json");
    json document = with_watch(std::move(watch));
    document["assets"][1]["price"]["sources"][0] = json::parse(R"json({
      "name": "told", "quote": "USD",
      "event": {"chain": "eip155:1", "watch": "eth-usd", "decimals": 8,
                "address": "0x7d4e742018fb52e48b08be73d041c18b21de6fb5"}
})json");
    return document;
}

constexpr const char* kToldSource = "/assets/1/price/sources/0";

TEST(ToldPrices, AWatchAndASourceOfItsEventsAreRead) {
    const Loaded loaded = load_json(with_told_price());
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const chains::WatchEventSettings& event = loaded.settings.chains.at(0).watch.at(0).events.at(0);
    EXPECT_EQ(event.meaning, chains::Meaning::kPrice);
    EXPECT_EQ(event.price, "current");
    EXPECT_EQ(event.time, "updatedAt");
    const oracle::SourceSettings& source = loaded.settings.oracle.at(0).sources.at(0);
    EXPECT_EQ(source.kind, "event");
    EXPECT_EQ(
        source.settings.dump(),
        R"({"address":"0x7d4e742018fb52e48b08be73d041c18b21de6fb5","chain":"eip155:1",)"
        R"("decimals":"8","watch":"eth-usd"})"
    );
}

TEST(ToldPrices, EveryFaultIsReportedAtOnceWithItsPlace) {
    json document = with_told_price();
    json& event = document["chains"][0]["watch"][0]["events"][0];
    event["price"] = "curent";
    event["time"] = "current";
    event["account"] = "roundId";
    json& source = document["assets"][1]["price"]["sources"][0];
    source.erase("quote");
    source["event"]["watch"] = "eth-usdt";
    source["event"]["decimals"] = 77;
    const Loaded loaded = load_json(document);
    const std::string at = "/chains/0/watch/0/events/0";
    EXPECT_TRUE(has_problem(loaded.problems, at + "/price", "did you mean \"current\"?"));
    EXPECT_TRUE(has_problem(loaded.problems, at + "/time", "expected an unsigned integer"));
    EXPECT_TRUE(has_problem(loaded.problems, at + "/account", "no meaning here"));
    const std::string in = kToldSource;
    EXPECT_TRUE(has_problem(loaded.problems, in + "/quote", "is missing"));
    EXPECT_TRUE(has_problem(
        loaded.problems,
        in + "/event/watch",
        "\"eth-usdt\" is no watch of eip155:1, did you mean \"eth-usd\"?"
    ));
    EXPECT_TRUE(has_problem(loaded.problems, in + "/event/decimals", "36"));
    EXPECT_EQ(loaded.problems.size(), 6U) << lines(loaded.problems);
}

TEST(ToldPrices, ASourceNeedsAWatchInWhichItsContractTellsAPrice) {
    const auto expect = [](const json& document, const std::string& at, std::string_view words) {
        const Loaded loaded = load_json(document);
        EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
        EXPECT_TRUE(has_problem(loaded.problems, kToldSource + at, words))
            << lines(loaded.problems);
    };
    json document = with_told_price();
    document["chains"][0].erase("watch");
    expect(document, "/event/watch", "is no watch of eip155:1; it has none");
    document = with_told_price();
    document["assets"][1]["price"]["sources"][0]["event"]["address"] = kVault;
    expect(document, "/event/address", "told by 0x7d4e742018fb52e48b08be73d041c18b21de6fb5");
    document = with_told_price();
    document["chains"][0]["watch"][0] = custody();
    document["chains"][0]["watch"][0]["name"] = "eth-usd";
    expect(document, "/event/watch", "has the meaning \"price\"");
    document = with_told_price();
    document["assets"][1]["price"]["sources"][0]["event"].erase("decimals");
    expect(document, "/event/decimals", "is missing");
}

json with_told_rate() {
    return with_watch(json::parse(R"json({
      "name": "rates",
      "contract": "0x7d4e742018fb52e48b08be73d041c18b21de6fb5",
      "events": [
        {"event": "event Rate(address indexed token, uint256 perSecond)", "meaning": "rate",
         "token": "native", "rate": "perSecond", "rate_decimals": 18, "rate_per": "second",
         "from_block": "19000000"}
      ]
})json"));
}

TEST(ToldRates, AreReadAndPartOfWhatIsSigned) {
    const Loaded loaded = load_json(with_told_rate());
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const chains::WatchEventSettings& event = loaded.settings.chains.at(0).watch.at(0).events.at(0);
    EXPECT_EQ(event.meaning, chains::Meaning::kRate);
    EXPECT_EQ(event.rate, "perSecond");
    EXPECT_EQ(event.rate_decimals, 18U);
    EXPECT_EQ(event.rate_per_second, true);
    EXPECT_EQ(event.from_block, BlockNum{19'000'000});
    EXPECT_EQ(event.to_block, std::nullopt);
    // Two operators that read one event otherwise must not sign the same parameters.
    json yearly = with_told_rate();
    yearly["chains"][0]["watch"][0]["events"][0].erase("rate_per");
    json finer = with_told_rate();
    finer["chains"][0]["watch"][0]["events"][0].erase("rate_decimals");
    const auto signed_as = [](const json& document) {
        return Canonical(load_json(document).settings.parameters.watches).dump();
    };
    EXPECT_NE(signed_as(yearly), signed_as(with_told_rate()));
    EXPECT_NE(signed_as(finer), signed_as(with_told_rate()));
    json later = with_told_rate();
    later["chains"][0]["watch"][0]["events"][0]["from_block"] = "19000001";
    json ended = with_told_rate();
    ended["chains"][0]["watch"][0]["events"][0]["to_block"] = "19000001";
    EXPECT_NE(signed_as(later), signed_as(with_told_rate()));
    EXPECT_NE(signed_as(ended), signed_as(with_told_rate()));
    // What is left out means the same as what it stands for.
    json spelled = finer;
    spelled["chains"][0]["watch"][0]["events"][0]["rate_decimals"] = 27;
    EXPECT_EQ(signed_as(spelled), signed_as(finer));
}

TEST(ToldRates, CountFromABlockThatIsRead) {
    const std::string at = "/chains/0/watch/0/events/0/";
    json document = with_told_rate();
    document["chains"][0]["watch"][0]["events"][0].erase("from_block");
    Loaded loaded = load_json(document);
    EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.problems, at + "from_block", "is missing"));
    document = with_told_rate();
    document["chains"][0]["start_block"] = "19000001";
    loaded = load_json(document);
    EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(
        loaded.problems, at + "from_block", "below the first block that is read, 19000001"
    ));
    document["chains"][0]["start_block"] = "19000000";
    EXPECT_TRUE(load_json(document).problems.empty());
}

TEST(ToldRates, WhatSaysHowToReadOneIsRefusedElsewhere) {
    const std::string at = "/chains/0/watch/0/events/0/";
    json document = with_watch(listed());
    json& event = document["chains"][0]["watch"][0]["events"][0];
    event["rate_decimals"] = 27;
    event["rate_per"] = "second";
    event["from_block"] = "5";
    const Loaded loaded = load_json(document);
    EXPECT_EQ(loaded.problems.size(), 3U) << lines(loaded.problems);
    for (const char* member : {"rate_decimals", "rate_per", "from_block"}) {
        EXPECT_TRUE(has_problem(loaded.problems, at + member, "no meaning here"));
    }
}

TEST(ToldRates, NeedATokenOfOursAndATimeThatTheyAreFor) {
    json document = with_told_rate();
    document["chains"][0]["watch"][0]["events"][0]["token"] =
        "0x00000000000000000000000000000000000000aa";
    Loaded loaded = load_json(document);
    EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.problems, "/chains/0/watch/0", "which no asset of /assets has"));
    document = with_told_rate();
    document["chains"][0]["watch"][0]["events"][0]["rate_decimals"] = 37;
    document["chains"][0]["watch"][0]["events"][0]["rate_per"] = "month";
    loaded = load_json(document);
    EXPECT_EQ(loaded.problems.size(), 2U) << lines(loaded.problems);
}

}  // namespace
}  // namespace margrave::config
