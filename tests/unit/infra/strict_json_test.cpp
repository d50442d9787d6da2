// SPDX-License-Identifier: Apache-2.0
#include "infra/strict_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace margrave::infra {
namespace {

using nlohmann::json;

StrictLimits with_floats() {
    StrictLimits limits;
    limits.floats = true;
    return limits;
}

TEST(StrictJson, ReadsWhatNlohmannReads) {
    const std::string text =
        R"({"a":[1,-2,{"b":null,"c":[]}],"s":"\u00e9\"\\\/\ud83d\ude00","t":true,"f":false,"e":{}})";
    EXPECT_EQ(parse_strict(text).value(), json::parse(text));
    EXPECT_EQ(parse_strict(" 5\n").value(), json(5));
    EXPECT_EQ(parse_strict("\"x\"").value(), json("x"));
    EXPECT_EQ(parse_strict("null").value(), json(nullptr));
    EXPECT_EQ(
        parse_strict("[[1],[2,[3]],{\"k\":[4]}]").value(), json::parse("[[1],[2,[3]],{\"k\":[4]}]")
    );
}

TEST(StrictJson, KeepsIntegersOf64BitsExact) {
    EXPECT_EQ(
        parse_strict("18446744073709551615").value().get<std::uint64_t>(),
        std::numeric_limits<std::uint64_t>::max()
    );
    EXPECT_EQ(
        parse_strict("-9223372036854775808").value().get<std::int64_t>(),
        std::numeric_limits<std::int64_t>::min()
    );
}

TEST(StrictJson, ReadsFractionsOnlyWhenAllowed) {
    EXPECT_FALSE(parse_strict("[0.5]"));
    EXPECT_EQ(parse_strict("[0.5,1e3]", with_floats()).value(), json::parse("[0.5,1e3]"));
    EXPECT_FALSE(parse_strict("1e999999", with_floats()));
    EXPECT_FALSE(parse_strict("18446744073709551616", with_floats()));
}

struct BadCase {
    std::string text;
    Errc code;
    /// Part of the detail.
    std::string says;
};

std::vector<BadCase> bad_cases() {
    const std::string deep(65, '[');
    return {
        {"", Errc::kInvalid, "(1:1)"},
        {"   ", Errc::kInvalid, "unexpected end"},
        {"<html>", Errc::kInvalid, "(1:1)"},
        {"{\"a\":1,\"a\":2}", Errc::kInvalid, "JSON at /a (1:10): repeated key"},
        {"{\"x\":[{\"b\":1,\n  \"b\":1}]}", Errc::kInvalid, "/x/0/b (2:5): repeated key"},
        {"{\"a\":1,\"\\u0061\":2}", Errc::kInvalid, "repeated key"},
        {"18446744073709551616", Errc::kInvalid, "does not fit 64 bits"},
        {"-9223372036854775809", Errc::kInvalid, "does not fit 64 bits"},
        {"{\"n\":123456789012345678901234567890}", Errc::kInvalid, "/n "},
        {"1.0", Errc::kInvalid, "fraction"},
        {"1e2", Errc::kInvalid, "fraction"},
        {"1e999999", Errc::kInvalid, ""},
        {"NaN", Errc::kInvalid, ""},
        {"Infinity", Errc::kInvalid, ""},
        {"01", Errc::kInvalid, ""},
        {"+1", Errc::kInvalid, ""},
        {"0x10", Errc::kInvalid, ""},
        {"'a'", Errc::kInvalid, ""},
        {"[1,]", Errc::kInvalid, ""},
        {"{\"a\":1,}", Errc::kInvalid, ""},
        {"{a:1}", Errc::kInvalid, ""},
        {"[1 2]", Errc::kInvalid, ""},
        {"[1]x", Errc::kInvalid, ""},
        {"{} {}", Errc::kInvalid, ""},
        {"[1", Errc::kInvalid, ""},
        {"{\"a\":", Errc::kInvalid, ""},
        {"\"a", Errc::kInvalid, ""},
        {"// c\n1", Errc::kInvalid, ""},
        {"/* c */ 1", Errc::kInvalid, ""},
        {"\xef\xbb\xbf{}", Errc::kInvalid, "byte order mark"},
        {std::string("{}\0x", 4), Errc::kInvalid, "NUL byte at 1:3"},
        {std::string("[\"\0\"]", 5), Errc::kInvalid, "NUL byte"},
        {"\"\x80\"", Errc::kInvalid, ""},
        {"\"\xc0\xaf\"", Errc::kInvalid, ""},
        {"\"\xed\xa0\x80\"", Errc::kInvalid, ""},
        {"\"\xf4\x90\x80\x80\"", Errc::kInvalid, ""},
        {"\"\\ud800\"", Errc::kInvalid, ""},
        {"\"\n\"", Errc::kInvalid, ""},
        {"\"\x1b[31m\"", Errc::kInvalid, ""},
        {"\xff", Errc::kInvalid, ""},
        {deep, Errc::kLimit, "64 levels"},
        {std::string(200'000, '['), Errc::kLimit, "64 levels"},
    };
}

TEST(StrictJson, RefusesEveryBadInput) {
    for (const BadCase& c : bad_cases()) {
        const Result<json> got = parse_strict(c.text);
        ASSERT_FALSE(got) << c.text.substr(0, 60);
        EXPECT_EQ(got.error().code, c.code) << got.error().detail;
        EXPECT_NE(got.error().detail.find(c.says), std::string::npos)
            << c.text.substr(0, 60) << " gave: " << got.error().detail;
        for (const char ch : got.error().detail) {
            EXPECT_GE(static_cast<unsigned char>(ch), 0x20) << got.error().detail;
        }
    }
}

TEST(StrictJson, TheDeepestAllowedIsRead) {
    const std::string text = std::string(64, '[') + std::string(64, ']');
    EXPECT_TRUE(parse_strict(text));
}

TEST(StrictJson, BoundsSizeAndCount) {
    StrictLimits limits;
    limits.bytes = 5;
    EXPECT_TRUE(parse_strict("[1,2]", limits));
    EXPECT_EQ(parse_strict("[1,23]", limits).error().code, Errc::kLimit);
    StrictLimits few;
    few.values = 3;
    EXPECT_TRUE(parse_strict("[1,2]", few));
    EXPECT_EQ(parse_strict("[1,2,3]", few).error().code, Errc::kLimit);
    EXPECT_EQ(parse_strict("[[],[],[]]", few).error().code, Errc::kLimit);
}

TEST(StrictJson, EscapesThePointer) {
    const Result<json> got = parse_strict(R"({"a/b":{"c~d":[0,0,1.5]}})");
    ASSERT_FALSE(got);
    EXPECT_NE(got.error().detail.find("/a~1b/c~0d/2 "), std::string::npos) << got.error().detail;
}

}  // namespace
}  // namespace margrave::infra
