// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/health.hpp"
#include "margin/liquidation.hpp"
#include "margin/numeric.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

// Cases of other engines' own test suites, run through our formulas with the rounding and the units
// of the engine they come from. A row is dispatched on its system and on which inputs it has.
namespace margrave::margin::tests::vectors {

using Json = nlohmann::json;
using Rational = boost::multiprecision::cpp_rational;
using Big = boost::multiprecision::cpp_int;

/// Ran and was judged; or the row only points ("see") at inputs that it does not contain.
enum class Outcome { kRan, kNoInputs };

/// How the engines of the rows round. Derive: toward zero. dYdX v4: a notional toward zero, a
/// requirement up, ratios in parts per million.
inline const Policy kDerive{
    .value = Rounding::kZero, .requirement = Rounding::kZero, .charge_model_error = false};
inline const Policy kDydx{
    .value = Rounding::kZero,
    .requirement = Rounding::kUp,
    .one = Money::from_e18(1'000'000),
    .charge_model_error = false};

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
/// The same of a member; `otherwise` when it is absent or null.
Money raw(const Json& row, const std::string& key, std::int64_t otherwise);
/// A number with more than 18 decimals is cut.
Money near(const Json& value);
/// How far a number may be from `theirs` by the row's tolerance, in the unit of both.
Rational allowed(const Json& tolerance, const Rational& theirs);
/// Raw units of ours against a row's expected integer or fraction, in the row's tolerance.
void expect_units(const Money& ours, const Json& wanted, const Json& tolerance);
/// The same of dollars, tokens or plain ratios. `rounding`: what quotients of ours that do not come
/// out even may be off by beside that.
void expect_value(
    const Rational& ours, const Json& wanted, const Json& tolerance, const Rational& rounding = 0
);
Amount whole_tokens(const Rational& count, unsigned decimals);

/// An account put together asset by asset, one chain, weights as a row states them.
class World {
  public:
    World();

    /// Weights and bonus 1 until the row says otherwise.
    AssetParameters& add(unsigned decimals, const Money& price);
    void hold(std::size_t asset, const Amount& collateral, const Amount& debt = Amount{});
    /// A signed count of whole tokens.
    void hold_tokens(std::size_t asset, const Rational& count);
    /// Markets of an asset's price; positions of the account in them.
    VenueParameters& trade(std::size_t asset);
    void open(const VenuePosition& position);

    [[nodiscard]] AccountState state() const;
    [[nodiscard]] LiquidationPlan plan() const;
    /// Net whole tokens after every leg sold at its floor.
    [[nodiscard]] Rational left(std::size_t asset) const;

    [[nodiscard]] std::size_t size() const { return parameters_.assets.size(); }

  private:
    Parameters parameters_;
    PriceTable prices_;
    std::vector<Holding> rows_;
    std::vector<VenuePosition> positions_;
};

/// When every price of a World was published.
inline constexpr UnixSeconds kWorldPricedAt{1'700'000'000};

/// Keeps what rows of the file refer to by name: the grid, and the constants of options alone.
void share_grid(const Json& rows);
void share_options(const Json& rows);

/// Whole dollars, cut toward zero, which is what one suite compares.
void expect_dollars(const Money& ours, const Json& wanted, const Json& tolerance);
/// A portfolio of Derive's standard manager as holdings, parameters and positions of ours, judged
/// by evaluate_state.
void standard_portfolio_in_engine(const Json& row, const IsolatedRules& options);
/// Numbers of the sentence that names a portfolio's parameters, and amounts of 1e-8.
Money named_number(const std::string& text, const std::string& word);
Money portfolio_amount(const Json& value);

// One function per system of the file.
Outcome mango_init_health(const Json& row);
Outcome mango_health_types(const Json& row);
Outcome mango_liquidation(const Json& row);
Outcome aave_math(const Json& row);
Outcome aave_health_factor(const Json& row);
Outcome aave_account(const Json& row);
Outcome aave_debt_rounding(const Json& row);
Outcome aave_accrual(const Json& row);
Outcome aave_liquidation(const Json& row);
Outcome comet_is_liquidatable(const Json& row);
Outcome comet_is_borrowable(const Json& row);
Outcome comet_quote(const Json& row);
Outcome comet_absorb(const Json& row);
Outcome dydx_fraction(const Json& row);
Outcome dydx_margin(const Json& row);
Outcome dydx_notional(const Json& row);
Outcome dydx_liquidatable(const Json& row);
Outcome dydx_bankruptcy(const Json& row);
Outcome dydx_fillable(const Json& row);
Outcome dydx_insurance(const Json& row);
Outcome drift_size_weight(const Json& row);
Outcome drift_profit_weight(const Json& row);
Outcome drift_pool_weight(const Json& row);
Outcome drift_perp_margin(const Json& row);
Outcome drift_perp_amount(const Json& row);
Outcome drift_spot_amount(const Json& row);
Outcome drift_implied_liability(const Json& row);
Outcome drift_asset_transfer(const Json& row);
Outcome drift_socialised(const Json& row);
Outcome drift_insurance_fee(const Json& row);
Outcome drift_partial(const Json& row);
Outcome drift_fee_ramp(const Json& row);
Outcome black76(const Json& row);
Outcome derive_standard(const Json& row);
Outcome derive_grid(const Json& row);
Outcome derive_auction(const Json& row);
Outcome span_array(const Json& row);

}  // namespace margrave::margin::tests::vectors
