// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/codec.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace margrave::chains::rpc {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();

TEST(RpcCodec, QuantitiesGoThereAndBack) {
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{255}, kMax64}) {
        EXPECT_EQ(parse_quantity_u64(to_quantity(value)).value(), value);
        EXPECT_EQ(parse_quantity(to_quantity(value)).value(), Amount(value));
        EXPECT_EQ(to_quantity(Amount(value)), to_quantity(value));
    }
    EXPECT_EQ(to_quantity(std::uint64_t{0}), "0x0");
    EXPECT_EQ(to_quantity(BlockNum{256}), "0x100");
    EXPECT_EQ(parse_quantity(to_quantity(Amount::max())).value(), Amount::max());
    EXPECT_EQ(to_quantity(Amount::max()), "0x" + std::string(64, 'f'));
}

TEST(RpcCodec, RefusesEveryOtherWayToWriteANumber) {
    for (const char* text :
         {"",     "0",    "12",   "0x",   "0X1",  "x1",   "0x00", "0x01",  "0x0f", "0xAB",
          "0xaB", "-0x1", "0x-1", "0x1 ", " 0x1", "0x1g", "0x 1", "0x1.0", "1e3",  "null"}) {
        EXPECT_EQ(parse_quantity_u64(text).error().code, Errc::kInvalid) << text;
        EXPECT_EQ(parse_quantity(text).error().code, Errc::kInvalid) << text;
    }
}

TEST(RpcCodec, RefusesWhatDoesNotFit) {
    EXPECT_EQ(parse_quantity_u64("0x10000000000000000").error().code, Errc::kOverflow);
    EXPECT_EQ(parse_quantity("0x1" + std::string(64, '0')).error().code, Errc::kOverflow);
    EXPECT_TRUE(parse_quantity("0x10000000000000000"));
}

TEST(RpcCodec, DataIsWholeBytesAndBounded) {
    EXPECT_EQ(parse_data("0x").value(), Bytes{});
    EXPECT_EQ(parse_data("0x00ff").value(), (Bytes{0x00, 0xff}));
    for (const char* text : {"", "00", "0x0", "0x0g", "0X00", "0x 00"}) {
        EXPECT_EQ(parse_data(text).error().code, Errc::kInvalid) << text;
    }
    EXPECT_TRUE(parse_data("0x0000", 2));
    EXPECT_EQ(parse_data("0x000000", 2).error().code, Errc::kLimit);
}

TEST(RpcCodec, MembersAreReadByKey) {
    const std::string word = "0x" + std::string(63, '0') + "7";
    const json object = {
        {"number", "0x10"},
        {"hash", word},
        {"miner", "0x" + std::string(40, 'a')},
        {"input", "0x0102"},
        {"removed", false},
        {"nothing", nullptr}};
    EXPECT_EQ(u64_at(object, "number").value(), 16U);
    EXPECT_EQ(amount_at(object, "number").value(), Amount(16));
    EXPECT_EQ(hash_at(object, "hash").value().data[31], 7);
    EXPECT_EQ(address_at(object, "miner").value().data[0], 0xaa);
    EXPECT_EQ(data_at(object, "input").value(), (Bytes{1, 2}));
    EXPECT_FALSE(bool_at(object, "removed").value());
    EXPECT_EQ(text_at(object, "number").value(), "0x10");
    EXPECT_EQ(opt_u64_at(object, "number").value(), 16U);
    EXPECT_EQ(opt_u64_at(object, "nothing").value(), std::nullopt);
    EXPECT_EQ(opt_hash_at(object, "absent").value(), std::nullopt);
}

TEST(RpcCodec, MemberErrorsNameTheKey) {
    const json object = {{"n", 16}, {"q", "0x01"}, {"z", nullptr}};
    EXPECT_EQ(u64_at(object, "n").error().detail, "n is number, not a string");
    EXPECT_EQ(u64_at(object, "q").error().detail, "q: \"0x01\" is a quantity with a leading zero");
    EXPECT_EQ(u64_at(object, "z").error().detail, "z is missing or null");
    EXPECT_EQ(u64_at(object, "absent").error().detail, "absent is missing or null");
    EXPECT_EQ(hash_at(object, "q").error().code, Errc::kInvalid);
    EXPECT_EQ(bool_at(object, "q").error().detail, "q is string, not true or false");
    EXPECT_EQ(opt_u64_at(object, "q").error().code, Errc::kInvalid);
    EXPECT_EQ(u64_at(json::array(), "n").error().detail, "no n in what is array, not an object");
    EXPECT_EQ(
        u64_of(json(true), "eth_chainId").error().detail, "eth_chainId is boolean, not a string"
    );
}

}  // namespace
}  // namespace margrave::chains::rpc
