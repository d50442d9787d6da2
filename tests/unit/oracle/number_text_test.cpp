// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/number_text.hpp"

#include "oracle/detail/json_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace margrave::oracle::detail {
namespace {

std::string number(std::string_view text) {
    const Result<Money> parsed = parse_number(text);
    return parsed ? parsed.value().to_decimal() : "refused: " + parsed.error().detail;
}

std::uint64_t time(std::string_view text, TimeForm form) {
    const Result<UnixSeconds> parsed = parse_time(text, form);
    return parsed ? parsed.value().value : 0;
}

TEST(NumberText, IsTakenDigitByDigit) {
    EXPECT_EQ(number("3012.5"), "3012.5");
    EXPECT_EQ(number("0"), "0");
    EXPECT_EQ(number("0.1"), "0.1");
    // A double would make 9007199254740993 of neither.
    EXPECT_EQ(number("9007199254740993"), "9007199254740993");
    EXPECT_EQ(number("0.123456789012345678"), "0.123456789012345678");
    EXPECT_EQ(number("1.9999999999999999999"), "1.999999999999999999");
    EXPECT_EQ(number("3.0125e3"), "3012.5");
    EXPECT_EQ(number("30125E-1"), "3012.5");
    EXPECT_EQ(number("1e-90"), "0");
    EXPECT_EQ(number("0e99"), "0");
}

TEST(NumberText, RefusesWhatJsonWouldNotWrite) {
    for (const std::string_view text :
         {"",
          "-1",
          "+1",
          "01",
          ".5",
          "5.",
          "1e",
          "1e+",
          "1e100",
          "0x10",
          " 1",
          "1 ",
          "1,5",
          "NaN",
          "1.2.3"}) {
        EXPECT_EQ(number(text).substr(0, 7), "refused") << text;
    }
    EXPECT_EQ(number(std::string(78, '1')).substr(0, 7), "refused");
    EXPECT_EQ(parse_number("1e60").error().code, Errc::kOverflow);
}

TEST(NumberText, TimesAreSecondsInEveryForm) {
    EXPECT_EQ(time("1764345600", TimeForm::kSeconds), 1'764'345'600U);
    EXPECT_EQ(time("1764345600.9", TimeForm::kSeconds), 1'764'345'600U);
    EXPECT_EQ(time("1764345600999", TimeForm::kMilliseconds), 1'764'345'600U);
    EXPECT_EQ(time("2025-11-28T16:00:00Z", TimeForm::kRfc3339), 1'764'345'600U);
    EXPECT_EQ(time("2025-11-28T16:00:00.123Z", TimeForm::kRfc3339), 1'764'345'600U);
    EXPECT_EQ(time("2024-02-29T00:00:00Z", TimeForm::kRfc3339), 1'709'164'800U);
}

TEST(NumberText, RefusesTimesThatAreNone) {
    for (const std::string_view text :
         {"2025-02-29T00:00:00Z",
          "2025-11-28T24:00:00Z",
          "2025-11-28T16:00:60Z",
          "2025-11-28 16:00:00Z",
          "2025-11-28T16:00:00+00:00",
          "2025-11-28T16:00:00.Z",
          "1764345600",
          "1969-12-31T23:59:59Z"}) {
        EXPECT_FALSE(parse_time(text, TimeForm::kRfc3339)) << text;
    }
    EXPECT_FALSE(parse_time("0", TimeForm::kSeconds));
    EXPECT_FALSE(parse_time("18446744073709551616", TimeForm::kSeconds));
}

TEST(JsonText, FindsTextsAndNumbersByPointer) {
    const auto document =
        parse_foreign(R"({"a/b": [{"~": 0.1}, "x"], "n": 12345678901234567890123})");
    ASSERT_TRUE(document);
    EXPECT_EQ(text_at(document.value(), "/a~1b/0/~0").value(), "0.1");
    EXPECT_EQ(text_at(document.value(), "/a~1b/1").value(), "x");
    EXPECT_EQ(text_at(document.value(), "/n").value(), "12345678901234567890123");
    for (const std::string_view pointer :
         {"/b", "/a~1b/2", "/a~1b/01", "/a~1b/-", "/n/0", "", "/a~1b"}) {
        EXPECT_FALSE(text_at(document.value(), pointer)) << pointer;
    }
}

TEST(JsonText, IsStrict) {
    EXPECT_FALSE(parse_foreign(R"({"price": 1, "price": 2})"));
    EXPECT_FALSE(parse_foreign(R"({"price": NaN})"));
    EXPECT_FALSE(parse_foreign("{} {}"));
    EXPECT_FALSE(parse_foreign("\"" + std::string(70'000, 'x') + "\""));
    EXPECT_FALSE(parse_foreign(std::string(17, '[') + std::string(17, ']')));
    EXPECT_TRUE(is_json_pointer("/a~1b/0"));
    EXPECT_FALSE(is_json_pointer("price"));
    EXPECT_FALSE(is_json_pointer("/a~2"));
}

}  // namespace
}  // namespace margrave::oracle::detail
