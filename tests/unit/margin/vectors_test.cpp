// SPDX-License-Identifier: Apache-2.0
#include "tests/support/vectors.hpp"

#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace margrave::margin::tests::vectors {
namespace {

using Runner = std::function<Outcome(const Json&)>;

const std::map<std::string, Runner>& runners() {
    static const std::map<std::string, Runner> kRunners{
        {"Aave accrual", aave_accrual},
        {"Aave math", aave_math},
        {"Aave v3 getUserAccountData", aave_account},
        {"Aave v3 health factor", aave_health_factor},
        {"Aave v3.5+ debt rounding", aave_debt_rounding},
        {"Aave v3.7 liquidation rounding", aave_liquidation},
        {"Black76 (lyra-utils)", black76},
        {"Compound v3 absorb", comet_absorb},
        {"Compound v3 isBorrowCollateralized", comet_is_borrowable},
        {"Compound v3 isLiquidatable", comet_is_liquidatable},
        {"Compound v3 quoteCollateral", comet_quote},
        {"Derive DutchAuction", derive_auction},
        {"Derive PMRM_2", derive_grid},
        {"Derive SRM", derive_standard},
        {"Drift IMF weight", drift_size_weight},
        {"Drift asset transfer", drift_asset_transfer},
        {"Drift deposit-scaled asset weight", drift_pool_weight},
        {"Drift insurance-fund fee", drift_insurance_fee},
        {"Drift liability implied by asset", drift_implied_liability},
        {"Drift liquidation fee ramp", drift_fee_ramp},
        {"Drift loss socialisation", drift_socialised},
        {"Drift partial liquidation", drift_partial},
        {"Drift perp liquidation amount", drift_perp_amount},
        {"Drift perp margin requirement", drift_perp_margin},
        {"Drift spot liquidation amount", drift_spot_amount},
        {"Drift unrealized pnl weight", drift_profit_weight},
        {"Mango v4 health types", mango_health_types},
        {"Mango v4 init health", mango_init_health},
        {"Mango v4 liquidation", mango_liquidation},
        {"SPAN 16-scenario risk array", span_array},
        {"dYdX v4 OIMF/IMR", dydx_fraction},
        {"dYdX v4 bankruptcy price", dydx_bankruptcy},
        {"dYdX v4 fillable price", dydx_fillable},
        {"dYdX v4 insurance fund delta", dydx_insurance},
        {"dYdX v4 liquidatable", dydx_liquidatable},
        {"dYdX v4 margin requirement", dydx_margin},
        {"dYdX v4 notional", dydx_notional},
    };
    return kRunners;
}

struct Count {
    unsigned passed{0};
    unsigned failed{0};
    /// Ids.
    std::vector<std::string> without_inputs{};
};

int failures_so_far() {
    return ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
}

void run_row(const Json& row, Count& count) {
    const std::string system = row["system"];
    SCOPED_TRACE(system + ", " + row["id"].get<std::string>());
    const int before = failures_so_far();
    const auto runner = runners().find(system);
    Outcome outcome = Outcome::kRan;
    if (runner == runners().end()) {
        ADD_FAILURE() << "no part of this engine knows the system \"" << system << "\"";
    } else {
        try {
            outcome = runner->second(row);
        } catch (const std::exception& error) {
            ADD_FAILURE() << "the row has not the shape of its system: " << error.what();
        }
    }
    if (failures_so_far() != before) {
        ++count.failed;
    } else if (outcome == Outcome::kNoInputs) {
        count.without_inputs.push_back(row["id"].get<std::string>());
        std::cout << "NOT RUN  " << row["id"].get<std::string>()
                  << ", its inputs are not in the file: " << row["inputs"]["see"] << "\n";
    } else {
        ++count.passed;
    }
}

// MARGRAVE_MARGIN_VECTORS names another file of the same form.
std::optional<std::string> file_to_run() {
    if (const char* file = std::getenv("MARGRAVE_MARGIN_VECTORS"); file != nullptr) {
        return std::string(file);
    }
    if (const auto folder = margrave::tests::vectors_dir()) {
        return *folder + "/margin.json";
    }
    return std::nullopt;
}

// Rows that name another file in place of inputs.
std::size_t pointers_elsewhere(const Json& rows) {
    return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [](const Json& row) {
        const Json& in = row["inputs"];
        return in.is_object() && in.size() == 1 && in.contains("see");
    }));
}

TEST(MarginVectors, EveryRowOfOtherEnginesSuitesHoldsInOurFormulas) {
    const std::optional<std::string> file = file_to_run();
    if (!file) {
        GTEST_SKIP() << "neither MARGRAVE_MARGIN_VECTORS nor MARGRAVE_VECTORS names test vectors";
    }
    const auto text = margrave::tests::read_file(*file);
    ASSERT_TRUE(text) << "cannot read " << *file;
    std::map<std::string, Count> counts;
    const Json rows = Json::parse(*text);
    share_grid(rows);
    share_options(rows);
    for (const Json& row : rows) {
        run_row(row, counts[row["system"].get<std::string>()]);
    }
    Count all;
    for (const auto& [system, count] : counts) {
        all.passed += count.passed;
        all.failed += count.failed;
        all.without_inputs.insert(
            all.without_inputs.end(), count.without_inputs.begin(), count.without_inputs.end()
        );
        std::cout << (count.failed == 0 ? "ok    " : "FAIL  ") << count.passed << " of "
                  << count.passed + count.failed + count.without_inputs.size() << "  " << system
                  << "\n";
    }
    std::cout << "margin vectors: " << all.passed << " rows passed, " << all.failed << " failed, "
              << all.without_inputs.size() << " not run for want of inputs\n";
    RecordProperty("rows_passed", static_cast<int>(all.passed));
    RecordProperty("rows_without_inputs", static_cast<int>(all.without_inputs.size()));
    EXPECT_GT(all.passed, 0U) << "the file has no row";
    // No runner may hide a row behind this: what is not run says where its inputs are.
    EXPECT_EQ(all.without_inputs.size(), pointers_elsewhere(rows));
    EXPECT_EQ(all.passed + all.failed + all.without_inputs.size(), rows.size());
}

}  // namespace
}  // namespace margrave::margin::tests::vectors
