// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/bad_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

// Whole parameter files with one thing wrong: each is refused, with the place and the reason.
namespace margrave::margin::tests {
namespace {

// Everything that is said against these bytes; empty: taken.
std::vector<ParameterError> refusal(const std::string& text) {
    const auto read = parse_parameters(text);
    if (read) {
        return check(read.value());
    }
    // "parameters/engine: is missing"; other texts name no place.
    constexpr std::string_view kStart = "parameters";
    const std::string& said = read.error().detail;
    const std::size_t end = said.find(": ");
    if (!said.starts_with(kStart) || end == std::string::npos) {
        return {{.where = "", .what = said}};
    }
    return {
        {.where = said.substr(kStart.size(), end - kStart.size()), .what = said.substr(end + 2)}};
}

std::string joined(const std::vector<ParameterError>& errors) {
    std::string out;
    for (const ParameterError& error : errors) {
        out += error.where + ": " + error.what + "\n";
    }
    return out;
}

TEST(BadParameters, TheFileTheyAreMadeOfIsTaken) {
    EXPECT_EQ(joined(refusal(canonical(full_parameters()).dump())), "");
    const auto read = parse_parameters(canonical(full_parameters()).dump());
    ASSERT_TRUE(read.has_value()) << read.error().detail;
    EXPECT_EQ(read.value(), full_parameters());
}

TEST(BadParameters, EachIsRefusedWithItsPlaceAndAReason) {
    const std::vector<BadFile> rows = bad_files();
    EXPECT_GE(rows.size(), 90U);
    const Canonical good = canonical(full_parameters());
    for (const BadFile& bad : rows) {
        const std::vector<ParameterError> said = refusal(bad_text(good, bad));
        const bool found = std::ranges::any_of(said, [&bad](const ParameterError& error) {
            return error.where == bad.where && error.what.find(bad.words) != std::string::npos;
        });
        EXPECT_TRUE(found) << bad.pointer << " = " << (bad.value ? bad.value->dump() : "nothing")
                           << "\n"
                           << joined(said);
    }
}

TEST(BadParameters, BytesThatAreNotCanonicalAreRefused) {
    const std::string good = canonical(full_parameters()).dump();
    for (const std::string& bad :
         {std::string{}, std::string("{}"), good + " ", good.substr(1), "[" + good + "]"}) {
        EXPECT_FALSE(refusal(bad).empty()) << bad.substr(0, 20);
    }
}

}  // namespace
}  // namespace margrave::margin::tests
