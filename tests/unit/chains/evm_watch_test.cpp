// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/watch.hpp"
#include "core/keccak.hpp"
#include "tests/unit/chains/watch_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::chains::evm {
namespace {

void expect_fault(const WatchSettings& settings, std::string_view at, std::string_view words) {
    const auto faults = compile(settings).faults;
    const bool found = std::ranges::any_of(faults, [&](const WatchFault& fault) {
        return fault.at == at && fault.what.find(words) != std::string::npos;
    });
    std::string all;
    for (const WatchFault& fault : faults) {
        all += fault.at + " " + fault.what + "\n";
    }
    EXPECT_TRUE(found) << "wanted " << at << " " << words << ", got\n" << all;
}

TEST(Watch, TheTopicIsThatOfTheEvent) {
    const auto compiled = compile(custody_watch());
    ASSERT_TRUE(compiled.faults.empty());
    ASSERT_EQ(compiled.watch.rules.size(), 2U);
    // EIP-20's Transfer, as every explorer shows it.
    EXPECT_EQ(
        to_hex(compiled.watch.rules[0].topic),
        "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    );
    EXPECT_EQ(compiled.watch.source, keccak256(std::string_view("custody")));
}

TEST(Watch, AnUnknownArgumentIsReportedWithTheNamesThatThereAre) {
    WatchEventSettings event = deposit_event();
    event.account = "whom";
    event.amount = "";
    const auto faults = compile(plain(event)).faults;
    ASSERT_EQ(faults.size(), 2U) << "every fault at once";
    EXPECT_EQ(faults[0].at, "/events/0/account");
    EXPECT_EQ(faults[0].given, "whom");
    EXPECT_EQ(faults[0].known, (std::vector<std::string>{"who", "much"}));
    EXPECT_EQ(faults[1].at, "/events/0/amount");
}

TEST(Watch, WhatCannotBeMatchedIsRefusedWhenItIsWritten) {
    expect_fault(
        plain(deposit_event("event Put(adress who, uint256 much)")), "/events/0/event", "adress"
    );
    expect_fault(
        plain(deposit_event("Put(address who, uint256 much)")),
        "/events/0/event",
        "must begin with \"event\""
    );
    expect_fault(
        plain(deposit_event("event Put(address who, uint256 much) anonymous")),
        "/events/0/event",
        "anonymous"
    );
    expect_fault(
        plain(deposit_event(
            "event Put(address indexed who, uint256 indexed much, uint8 indexed a, uint8 indexed b)"
        )),
        "/events/0/event",
        "4 indexed"
    );
    expect_fault(
        plain(deposit_event("event Put(address who, uint256 much, uint8 who)")),
        "/events/0/event",
        "two arguments"
    );
    expect_fault(
        plain(deposit_event("event Put(string indexed who, uint256 much)")),
        "/events/0/account",
        "only its hash"
    );
    expect_fault(
        plain(deposit_event("event Put(uint256 who, uint256 much)")),
        "/events/0/account",
        "is of type uint256"
    );
    expect_fault(
        plain(deposit_event("event Put(address who, int256 much)")),
        "/events/0/amount",
        "an unsigned integer"
    );
}

TEST(Watch, FiltersMustFitTheirArgument) {
    WatchEventSettings event =
        deposit_event("event Put(address who, uint256 much, bool ok, bytes4 tag)");
    const auto with = [&](std::string argument, std::string equals) {
        WatchEventSettings out = event;
        out.where.push_back({std::move(argument), std::move(equals)});
        return plain(out);
    };
    expect_fault(with("okay", "true"), "/events/0/where/0/argument", "no argument");
    expect_fault(with("ok", "yes"), "/events/0/where/0/equals", "\"true\" or \"false\"");
    expect_fault(with("who", "custody"), "/events/0/where/0/equals", "no \"custody\"");
    expect_fault(with("who", "0x12"), "/events/0/where/0/equals", "is no address");
    expect_fault(with("tag", "0x12345678"), "/events/0/where/0/equals", "cannot be compared");
    EXPECT_TRUE(compile(with("ok", "true")).faults.empty());
    EXPECT_TRUE(compile(with("much", "12")).faults.empty());
}

TEST(Watch, EachPresetSaysWhatItNeeds) {
    WatchSettings settings = custody_watch();
    settings.custody.reset();
    expect_fault(settings, "/custody", "is missing");
    settings = custody_watch();
    settings.preset = WatchPreset::kNativeCustody;
    expect_fault(settings, "/contract", "remove it");
    settings = custody_watch();
    settings.preset = WatchPreset::kAaveV3Pool;
    expect_fault(settings, "/balance_token", "aToken");
    expect_fault(settings, "/token", "is missing");
    settings = custody_watch();
    settings.events.push_back(deposit_event());
    expect_fault(settings, "/events", "no meaning");
    settings = WatchSettings{};
    settings.name = "empty";
    settings.contract = kToken;
    expect_fault(settings, "/events", "give a preset");
}

TEST(Watch, CallsTakeTheAccountAlone) {
    WatchSettings settings = plain(deposit_event());
    settings.calls.push_back(
        {"function balanceOf(address a, uint256 id) returns (uint256)", {}, false}
    );
    expect_fault(settings, "/calls/0/call", "must take the account alone");
    settings.calls[0].call = "balanceOf(address a)";
    expect_fault(settings, "/calls/0/call", "must begin with \"function\"");
    settings = plain(deposit_event("event Put(bytes32 who, uint256 much)"));
    settings.calls.push_back({"function balanceOf(address a) returns (uint256)", {}, false});
    expect_fault(settings, "/events/0/account", "take an address");
    WatchEventSettings touch = deposit_event();
    touch.meaning = Meaning::kTouch;
    touch.amount.clear();
    expect_fault(plain(touch), "/events/0/meaning", "no calls");
}

TEST(Watch, APriceHasAnAnswerPerhapsATimeAndNothingElse) {
    WatchEventSettings event;
    event.event = "event Told(int192 answer, int64 when, uint64 at, bytes32 id, address who)";
    event.meaning = Meaning::kPrice;
    event.price = "answer";
    event.time = "at";
    const auto compiled = compile(plain(event));
    ASSERT_TRUE(compiled.faults.empty());
    EXPECT_TRUE(compiled.watch.rules.at(0).price.has_value());
    EXPECT_TRUE(compiled.watch.rules.at(0).time.has_value());

    WatchEventSettings wrong = event;
    wrong.price = "id";
    wrong.time = "when";
    wrong.account = "who";
    wrong.amount = "answer";
    expect_fault(plain(wrong), "/events/0/price", "expected an integer");
    expect_fault(plain(wrong), "/events/0/time", "expected an unsigned integer");
    expect_fault(plain(wrong), "/events/0/account", "no meaning here");
    expect_fault(plain(wrong), "/events/0/amount", "no meaning here");
    EXPECT_EQ(compile(plain(wrong)).faults.size(), 4U) << "every fault at once";
    wrong = event;
    wrong.price = "";
    wrong.time = "wen";
    expect_fault(plain(wrong), "/events/0/price", "is missing");
    expect_fault(plain(wrong), "/events/0/time", "is no argument");

    WatchEventSettings deposit = deposit_event();
    deposit.price = "much";
    deposit.time = "much";
    expect_fault(plain(deposit), "/events/0/price", "no meaning here");
    expect_fault(plain(deposit), "/events/0/time", "no meaning here");
}

TEST(Watch, ARateHasATokenAndNoAccount) {
    WatchEventSettings event;
    event.event = "event Told(address token, uint256 rate, int256 change, address who)";
    event.meaning = Meaning::kRate;
    event.token = "token";
    event.rate = "rate";
    event.from_block = BlockNum{7};
    ASSERT_TRUE(compile(plain(event)).faults.empty());
    const Rule rule = compile(plain(event)).watch.rules.at(0);
    EXPECT_EQ(rule.rate_decimals, 27U);
    EXPECT_FALSE(rule.rate_per_second);
    EXPECT_EQ(rule.from_block, BlockNum{7});
    WatchEventSettings wrong = event;
    wrong.rate = "change";
    wrong.token = "tokn";
    wrong.account = "who";
    wrong.amount = "rate";
    wrong.price = "rate";
    expect_fault(plain(wrong), "/events/0/rate", "expected an unsigned integer");
    expect_fault(plain(wrong), "/events/0/token", "is no argument");
    expect_fault(plain(wrong), "/events/0/account", "no meaning here");
    expect_fault(plain(wrong), "/events/0/amount", "no meaning here");
    expect_fault(plain(wrong), "/events/0/price", "no meaning here");
    EXPECT_EQ(compile(plain(wrong)).faults.size(), 5U) << "every fault at once";
    wrong = event;
    wrong.rate = "";
    expect_fault(plain(wrong), "/events/0/rate", "is missing");
    wrong = event;
    wrong.from_block.reset();
    expect_fault(plain(wrong), "/events/0/from_block", "is missing");
    wrong = event;
    wrong.to_block = BlockNum{6};
    expect_fault(plain(wrong), "/events/0/to_block", "is below");
    wrong.to_block = BlockNum{7};
    EXPECT_TRUE(compile(plain(wrong)).faults.empty());
}

// They would change the bytes that are signed and mean nothing.
TEST(Watch, WhatSaysHowToReadARateIsRefusedElsewhere) {
    WatchEventSettings wrong = deposit_event();
    wrong.rate = "much";
    wrong.rate_decimals = 27;
    wrong.rate_per_second = false;
    wrong.from_block = BlockNum{1};
    wrong.to_block = BlockNum{2};
    for (const char* member : {"rate", "rate_decimals", "rate_per", "from_block", "to_block"}) {
        expect_fault(plain(wrong), std::string("/events/0/") + member, "no meaning here");
    }
    EXPECT_EQ(compile(plain(wrong)).faults.size(), 5U);
}

}  // namespace
}  // namespace margrave::chains::evm
