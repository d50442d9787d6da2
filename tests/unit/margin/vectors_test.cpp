// SPDX-License-Identifier: Apache-2.0
#include "tests/support/vectors.hpp"

#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <map>

namespace margrave::margin::tests::vectors {
namespace {

using Runner = std::function<Outcome(const Json&)>;

const std::map<std::string, Runner>& runners() {
    static const std::map<std::string, Runner> kRunners{
        {"Mango v4 init health", mango_init_health},
        {"Mango v4 liquidation", mango_liquidation},
        {"Mango v4 health types", mango_health_types},
        {"Aave math", aave_math},
        {"Aave v3 health factor", aave_health_factor},
        {"Aave v3 getUserAccountData", aave_account},
        {"Aave v3.5+ debt rounding", aave_debt_rounding},
        {"Compound v3 isLiquidatable", comet_is_liquidatable},
        {"Compound v3 isBorrowCollateralized", comet_is_borrowable},
        {"Compound v3 quoteCollateral", comet_quote},
        {"Drift perp liquidation amount", drift_perp_amount},
        {"Drift spot liquidation amount", drift_spot_amount},
        {"Drift liability implied by asset", drift_implied_liability},
        {"Drift asset transfer", drift_asset_transfer},
    };
    return kRunners;
}

struct Count {
    unsigned ran{0};
    unsigned total{0};
};

TEST(MarginVectors, OtherEnginesCasesThatAreLinearHoldInOurs) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto text = margrave::tests::read_file(*margrave::tests::vectors_dir() + "/margin.json");
    ASSERT_TRUE(text) << "no margin.json among the vectors";
    std::map<std::string, Count> counts;
    for (const Json& row : Json::parse(*text)) {
        const std::string system = row["system"];
        SCOPED_TRACE(system + ", " + row["id"].get<std::string>());
        Count& count = counts[system];
        ++count.total;
        const auto runner = runners().find(system);
        if (runner != runners().end() && runner->second(row) == Outcome::kRan) {
            ++count.ran;
        }
    }
    Count all;
    for (const auto& [system, count] : counts) {
        all.ran += count.ran;
        all.total += count.total;
        std::cout << (count.ran == 0 ? "not ours  " : "ran       ") << count.ran << " of "
                  << count.total << "  " << system << "\n";
    }
    std::cout << "margin vectors: " << all.ran << " of " << all.total
              << " rows ran; the others need perpetuals, options, scenarios, pool-size weights, "
                 "interest or auctions\n";
    // A file that was cut, or a runner that skips everything, must not look like success.
    EXPECT_GE(all.ran, 25U);
}

}  // namespace
}  // namespace margrave::margin::tests::vectors
