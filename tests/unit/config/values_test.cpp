// SPDX-License-Identifier: Apache-2.0
#include "config/detail/values.hpp"

#include "config/suggest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace margrave::config {
namespace {

using detail::parse_duration;
using detail::parse_gwei;

TEST(Duration, IsOneNumberAndOneUnit) {
    EXPECT_EQ(parse_duration("500ms").value(), 500U);
    EXPECT_EQ(parse_duration("5s").value(), 5'000U);
    EXPECT_EQ(parse_duration("2m").value(), 120'000U);
    EXPECT_EQ(parse_duration("1h").value(), 3'600'000U);
    EXPECT_EQ(parse_duration("1d").value(), 86'400'000U);
    EXPECT_EQ(parse_duration("0s").value(), 0U);
    EXPECT_EQ(parse_duration("999999999d").value(), 999'999'999ULL * 86'400'000ULL);
    for (const char* text :
         {"",
          "s",
          "5",
          "5 s",
          " 5s",
          "-5s",
          "+5s",
          "05s",
          "5S",
          "1m30s",
          "1.5s",
          "5sec",
          "1w",
          "1000000000s"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Gwei, BecomesWholeWei) {
    EXPECT_EQ(parse_gwei("200").value(), 200'000'000'000U);
    EXPECT_EQ(parse_gwei("0.000000001").value(), 1U);
    EXPECT_EQ(parse_gwei("0").value(), 0U);
    EXPECT_EQ(parse_gwei("18446744073.709551615").value(), 18'446'744'073'709'551'615U);
    for (const char* text :
         {"18446744073.709551616", "0.0000000001", "-1", "1e3", "", "200 gwei", "0x1"}) {
        EXPECT_FALSE(parse_gwei(text)) << text;
    }
}

TEST(RedactedUrl, KeepsSchemeHostAndPort) {
    EXPECT_EQ(detail::redacted_url("https://a.b"), "https://a.b");
    EXPECT_EQ(detail::redacted_url("https://a.b/"), "https://a.b");
    EXPECT_EQ(detail::redacted_url("http://u:p@a.b:81/k?x=1"), "http://a.b:81/...");
    EXPECT_EQ(detail::redacted_url("http://[::1]:8545"), "http://[::1]:8545");
    EXPECT_EQ(detail::redacted_url("a.b/key"), "");
}

TEST(Nearest, FindsSlipsOfTheFinger) {
    constexpr std::array<std::string_view, 5> kKnown{
        "config", "keys", "init", "poll_interval", "rpc_timeout"};
    const std::array<std::pair<std::string_view, std::string_view>, 6> rows{
        {{"confg", "config"},
         {"cnofig", "config"},
         {"key", "keys"},
         {"int", "init"},
         {"poll-interval", "poll_interval"},
         {"rpctimeout", "rpc_timeout"}}};
    for (const auto& [typed, meant] : rows) {
        EXPECT_EQ(nearest(typed, kKnown), meant) << typed;
    }
    for (const std::string_view typed : {"", "x", "foo", "quorum", "interval"}) {
        EXPECT_EQ(nearest(typed, kKnown), std::nullopt) << typed;
    }
    EXPECT_EQ(nearest(std::string(10'000, 'a'), kKnown), std::nullopt);
}

}  // namespace
}  // namespace margrave::config
