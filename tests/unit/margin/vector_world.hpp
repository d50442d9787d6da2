// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/health.hpp"
#include "margin/liquidation.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

// Cases of other engines' own test suites, run through ours where the mathematics is the same: spot
// collateral and debt with linear weights, and the linear form of the liquidation amount. Where
// another engine rounds differently the policy is named at the case.
namespace margrave::margin::tests::vectors {

using Json = nlohmann::json;
using Rational = boost::multiprecision::cpp_rational;
using Big = boost::multiprecision::cpp_int;

/// Ran and was judged, or is a row that our engine has no part for.
enum class Outcome { kRan, kSkipped };

std::string text_of(const Json& value);
/// "-179/4", "12", "0.9", "2-0.9": what the file uses for exact numbers.
Rational rational(const std::string& text);
Rational rational(const Json& value);
/// In USD, or as a plain ratio.
Rational exact(const Money& m);
/// Fails the test when the number has more than 18 decimals.
Money money(const Rational& value);
Money money(const Json& value);
/// A raw integer as Money of that many units.
Money raw(const Json& value);
Amount whole_tokens(const Rational& count, unsigned decimals);
void expect_close(const Money& ours, const Rational& wanted, const Rational& tolerance);

/// An account put together asset by asset, one chain, weights as a row states them.
class World {
  public:
    World();

    /// Weights and bonus 1 until the row says otherwise.
    AssetParameters& add(unsigned decimals, const Money& price);
    void hold(std::size_t asset, const Amount& collateral, const Amount& debt = Amount{});
    /// A signed count of whole tokens.
    void hold_tokens(std::size_t asset, const Rational& count);

    [[nodiscard]] AccountState state() const;
    [[nodiscard]] LiquidationPlan plan() const;
    /// Net whole tokens after every leg sold at its floor.
    [[nodiscard]] Rational left(std::size_t asset) const;

    [[nodiscard]] std::size_t size() const { return parameters_.assets.size(); }

  private:
    Parameters parameters_;
    PriceTable prices_;
    std::vector<Holding> rows_;
};

// One function per system of the file.
Outcome mango_init_health(const Json& row);
Outcome mango_health_types(const Json& row);
Outcome mango_liquidation(const Json& row);
Outcome aave_math(const Json& row);
Outcome aave_health_factor(const Json& row);
Outcome aave_account(const Json& row);
Outcome aave_debt_rounding(const Json& row);
Outcome comet_is_liquidatable(const Json& row);
Outcome comet_is_borrowable(const Json& row);
Outcome comet_quote(const Json& row);
Outcome drift_perp_amount(const Json& row);
Outcome drift_spot_amount(const Json& row);
Outcome drift_implied_liability(const Json& row);
Outcome drift_asset_transfer(const Json& row);

}  // namespace margrave::margin::tests::vectors
