// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace margrave {
namespace {

TEST(Assert, ATrueClaimDoesNothing) {
    MARGRAVE_ASSERT(1 + 1 == 2);
}

TEST(AssertDeathTest, AFalseClaimAbortsAndNamesClaimAndFile) {
    EXPECT_EXIT(
        MARGRAVE_ASSERT(1 + 1 == 3),
        ::testing::KilledBySignal(SIGABRT),
        "assertion failed: 1 \\+ 1 == 3 \\(.*assert_test.cpp"
    );
}

}  // namespace
}  // namespace margrave
