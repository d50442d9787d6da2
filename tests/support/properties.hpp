// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <rapidcheck.h>
#include <sstream>
#include <string>
#include <utility>

namespace margrave::tests {

/// Runs a rapidcheck property `cases` times inside a GoogleTest body. The seed is fixed, so that
/// two runs see the same cases; RC_PARAMS="seed=..." takes another.
template <class Property>
void check_property(int cases, Property&& property) {
    rc::detail::TestMetadata metadata;
    metadata.id = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    metadata.description = metadata.id;
    rc::detail::TestParams params = rc::detail::configuration().testParams;
    if (std::getenv("RC_PARAMS") == nullptr) {
        params.seed = 20'250'101;
    }
    params.maxSuccess = std::max(params.maxSuccess, cases);
    const auto result =
        rc::detail::checkTestable(std::forward<Property>(property), metadata, params);
    if (!result.template is<rc::detail::SuccessResult>()) {
        std::ostringstream text;
        rc::detail::printResultMessage(result, text);
        FAIL() << text.str();
    }
}

}  // namespace margrave::tests
