// SPDX-License-Identifier: Apache-2.0
#include "core/result.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace margrave {
namespace {

constexpr std::array kAll = {
    Errc::kInvalid,       Errc::kOverflow,    Errc::kNotFound, Errc::kIo,
    Errc::kTimeout,       Errc::kCancelled,   Errc::kLimit,    Errc::kRpc,
    Errc::kWrongChain,    Errc::kUnproved,    Errc::kReorg,    Errc::kReverted,
    Errc::kBelowFinality, Errc::kStore,       Errc::kCorrupt,  Errc::kLocked,
    Errc::kConflict,      Errc::kSchema,      Errc::kStale,    Errc::kUnattestable,
    Errc::kSignature,     Errc::kPassword,    Errc::kConfig,   Errc::kUsage,
    Errc::kUnsafe,        Errc::kCheckFailed,
};

TEST(Result, EveryErrorCodeHasItsOwnLowerCaseName) {
    std::set<std::string_view> names;
    for (const Errc code : kAll) {
        const std::string_view name = to_string(code);
        EXPECT_NE(name, "unknown");
        EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
        EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_EQ(to_string(Errc::kBelowFinality), "below_finality");
}

TEST(Result, NoErrorEndsWithExitCodeZero) {
    for (const Errc code : kAll) {
        EXPECT_GE(exit_code(code), 1) << to_string(code);
        EXPECT_LE(exit_code(code), 6) << to_string(code);
    }
}

TEST(Result, ExitCodesAreThoseOfTheOperatingManual) {
    EXPECT_EQ(exit_code(Errc::kTimeout), 1);
    EXPECT_EQ(exit_code(Errc::kRpc), 1);
    EXPECT_EQ(exit_code(Errc::kConfig), 2);
    EXPECT_EQ(exit_code(Errc::kUsage), 2);
    EXPECT_EQ(exit_code(Errc::kPassword), 2);
    EXPECT_EQ(exit_code(Errc::kWrongChain), 2);
    EXPECT_EQ(exit_code(Errc::kUnsafe), 3);
    EXPECT_EQ(exit_code(Errc::kBelowFinality), 3);
    EXPECT_EQ(exit_code(Errc::kConflict), 3);
    EXPECT_EQ(exit_code(Errc::kCheckFailed), 4);
    EXPECT_EQ(exit_code(Errc::kLocked), 5);
    EXPECT_EQ(exit_code(Errc::kCorrupt), 6);
    EXPECT_EQ(exit_code(Errc::kSchema), 6);
    EXPECT_EQ(exit_code(Errc::kStore), 6);
}

Result<int> half(int v) {
    if (v % 2 != 0) {
        return fail(Errc::kInvalid, std::to_string(v) + " is odd");
    }
    return v / 2;
}

Result<int> quarter(int v) {
    MARGRAVE_TRY(const int once, half(v));
    return half(once);
}

TEST(Result, TryHandsTheFirstErrorUp) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(6).error().code, Errc::kInvalid);
    EXPECT_EQ(quarter(6).error().detail, "3 is odd");
    EXPECT_EQ(quarter(5).error().detail, "5 is odd");
}

}  // namespace
}  // namespace margrave
