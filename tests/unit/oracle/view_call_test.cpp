// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/view_call.hpp"

#include "core/keccak.hpp"
#include "oracle/kinds.hpp"
#include "tests/unit/oracle/source_probe.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace margrave::oracle::views {
namespace {

constexpr std::string_view kWeth = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2";

std::string call_data(std::string_view text) {
    const auto view = parse_view(text);
    return view ? to_hex(ByteView(view.value().data)) : view.error().detail;
}

std::string why(std::string_view text) {
    const auto view = parse_view(text);
    return view ? "taken as " + view.value().signature : view.error().detail;
}

Task<Result<Bytes>> answered(Bytes words) {
    co_return words;
}

// Selectors by `cast sig`.
TEST(ViewCall, WithoutArgumentsIsItsSelector) {
    EXPECT_EQ(call_data("getRate()"), "0x679aefce");
    EXPECT_EQ(call_data("getRate( )"), "0x679aefce");
    EXPECT_EQ(parse_view("getRate()").value().signature, "getRate()");
}

TEST(ViewCall, ArgumentsAreWordsBehindTheSelectorOfTheirTypes) {
    EXPECT_EQ(
        call_data("getAssetPrice(address " + std::string(kWeth) + ")"),
        "0xb3596f07000000000000000000000000c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
    );
    EXPECT_EQ(call_data("price_oracle(uint256 258)"), "0x68727653" + std::string(61, '0') + "102");
    const auto three = parse_view("f(bool true, int8 -2 ,uint8 255)").value();
    EXPECT_EQ(three.signature, "f(bool,int8,uint8)");
    EXPECT_EQ(
        to_hex(ByteView(three.data).subspan(4)),
        "0x" + std::string(63, '0') + "1" + std::string(63, 'f') + "e" + std::string(62, '0') + "ff"
    );
    const std::string hash(64, 'a');
    EXPECT_TRUE(call_data("f(bytes32 0x" + hash + ")").ends_with(hash));
}

TEST(ViewCall, IntegersStayInTheirWidth) {
    EXPECT_EQ(why("f(uint8 255)"), "taken as f(uint8)");
    EXPECT_NE(why("f(uint8 256)").find("does not fit 8 bits"), std::string::npos);
    EXPECT_EQ(why("f(int8 127)"), "taken as f(int8)");
    EXPECT_EQ(why("f(int8 -128)"), "taken as f(int8)");
    EXPECT_NE(why("f(int8 128)").find("does not fit 8 bits"), std::string::npos);
    EXPECT_NE(why("f(int8 -129)").find("does not fit 8 bits"), std::string::npos);
    EXPECT_EQ(why("f(uint256 " + Amount::max().to_string() + ")"), "taken as f(uint256)");
    EXPECT_EQ(why("f(int256 -1)"), "taken as f(int256)");
}

TEST(ViewCall, WhatIsNoneIsRefusedWithItsReason) {
    for (const std::string_view text :
         {"",
          "getRate",
          "()",
          "get rate()",
          "getRate())",
          "getRate()(uint256)",
          "f(uint256)",
          "f(5)",
          "f(uint 5)",
          "f(uint7 5)",
          "f(uint264 5)",
          "f(uint08 5)",
          "f(uint256 -5)",
          "f(uint256 05)",
          "f(uint256 5 6)",
          "f(uint256 5,)",
          "f(,uint256 5)",
          "f(bool 1)",
          "f(address 0x12)",
          "f(bytes32 0x12)",
          "f(string x)",
          "f(uint256[] 5)",
          "f(bool true,bool true,bool true,bool true,bool true,bool true,bool true,bool true,bool "
          "true)"}) {
        EXPECT_FALSE(parse_view(text)) << text;
    }
    EXPECT_NE(why("f(string x)").find("type \"string\", which is none here"), std::string::npos);
}

TEST(ViewCall, ARateIsAskedWithItsArguments) {
    tests::Loop loop;
    Bytes asked;
    const CallAt call_at = [&asked](ChainId, Address, Bytes data, Hash32) {
        asked = std::move(data);
        const Hash32 word = Amount{300'000'000'000}.to_word();
        return answered(Bytes(word.data.begin(), word.data.end()));
    };
    const std::string text = "getAssetPrice(address " + std::string(kWeth) + ")";
    SourceSettings settings = settings_of(
        "rate",
        {{"chain", "eip155:1"},
         {"address", "0x54586be62e3c3580375ae3723c145253060ca0c2"},
         {"call", text},
         {"decimals", Canonical::integer(8)}}
    );
    auto source = find_kind("rate")->make(settings, call_at);
    ASSERT_TRUE(source) << source.error().detail;
    const BlockRef head{BlockNum{7}, keccak256("block"), keccak256("parent"), UnixSeconds{50}};
    const Heads heads{{ChainId::evm(1), head}};
    const Answer answer = loop.run(source.value()->read(heads, UnixSeconds{60}));
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_EQ(*answer.price, Money::whole(3'000));
    EXPECT_EQ(answer.published_at, UnixSeconds{50});
    EXPECT_EQ(answer.round, text);
    EXPECT_EQ(to_hex(ByteView(asked)), call_data(text));
}

}  // namespace
}  // namespace margrave::oracle::views
