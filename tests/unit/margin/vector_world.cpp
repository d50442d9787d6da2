// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace margrave::margin::tests::vectors {

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

Rational rational(const std::string& text) {
    if (const std::size_t slash = text.find('/'); slash != std::string::npos) {
        return rational(text.substr(0, slash)) / rational(text.substr(slash + 1));
    }
    if (const std::size_t power = text.find_first_of("eE"); power != std::string::npos) {
        const int exponent = std::stoi(text.substr(power + 1));
        Rational out = rational(text.substr(0, power));
        for (int i = 0; i < std::abs(exponent); ++i) {
            out = exponent < 0 ? Rational(out / 10) : Rational(out * 10);
        }
        return out;
    }
    if (const std::size_t minus = text.find('-', 1); minus != std::string::npos) {
        return rational(text.substr(0, minus)) - rational(text.substr(minus + 1));
    }
    if (text.starts_with('-')) {
        return -rational(text.substr(1));
    }
    const std::size_t point = text.find('.');
    std::string digits = text;
    Big scale = 1;
    if (point != std::string::npos) {
        digits.erase(point, 1);
        for (std::size_t i = point; i < digits.size(); ++i) {
            scale *= 10;
        }
    }
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    return Rational(Big(digits), scale);
}

Rational rational(const Json& value) {
    return rational(text_of(value));
}

Rational exact(const Money& m) {
    return Rational(Big(m.rep().str())) / Rational(Big("1000000000000000000"));
}

Money money(const Rational& value) {
    const Rational scaled = value * Rational(Big("1000000000000000000"));
    EXPECT_EQ(denominator(scaled), 1) << value.str();
    return Money::parse_e18(numerator(scaled).str()).value();
}

Money money(const Json& value) {
    return money(rational(value));
}

Amount whole_tokens(const Rational& count, unsigned decimals) {
    return units_for(money(count), decimals, Money::whole(1), Round::kDown).value();
}

Money raw(const Json& value) {
    return Money::parse_e18(text_of(value)).value();
}

Money raw(const Json& row, const std::string& key, std::int64_t otherwise) {
    const auto member = row.find(key);
    return member == row.end() || member->is_null() ? Money::from_e18(otherwise) : raw(*member);
}

Money near(const Json& value) {
    const Rational scaled = rational(value) * Rational(Big("1000000000000000000"));
    return Money::parse_e18(Big(numerator(scaled) / denominator(scaled)).str()).value();
}

Rational allowed(const Json& tolerance, const Rational& theirs) {
    const std::string type = tolerance["type"];
    if (type == "abs") {
        return rational(tolerance["value"]);
    }
    if (type == "rel") {
        const Rational floor = tolerance.contains("floor") ? rational(tolerance["floor"]) : 0;
        const Rational size = abs(theirs);
        return rational(tolerance["value"]) * std::max(size, floor);
    }
    EXPECT_EQ(type, "exact") << "a tolerance that this test does not know";
    return 0;
}

void expect_value(
    const Rational& ours, const Json& wanted, const Json& tolerance, const Rational& rounding
) {
    const Rational theirs = rational(wanted);
    EXPECT_LE(abs(Rational(ours - theirs)), allowed(tolerance, theirs) + rounding)
        << ours.str() << " instead of " << theirs.str();
}

void expect_units(const Money& ours, const Json& wanted, const Json& tolerance) {
    expect_value(Rational(Big(ours.rep().str())), wanted, tolerance);
}

World::World() {
    parameters_.liquidation.close_factor = Money::whole(1);
    parameters_.liquidation.close_all_below = Money{};
}

AssetParameters& World::add(unsigned decimals, const Money& price) {
    const auto index = parameters_.assets.size();
    AssetParameters asset;
    asset.name = "a" + std::to_string(100 + index);
    asset.decimals = decimals;
    asset.collateral = {Money::whole(1), Money::whole(1), Money::whole(1)};
    asset.debt = asset.collateral;
    asset.max_bonus = Money::whole(1);
    asset.price_min = Money::from_e18(1);
    asset.price_max = Money::whole(1'000'000'000);
    Address token;
    token.data[19] = static_cast<std::uint8_t>(index + 1);
    const AssetId id = AssetId::erc20(ChainId::evm(1), token);
    asset.on.push_back({.asset = id, .backing = Money::whole(1)});
    parameters_.assets.push_back(asset);
    PriceRow row;
    row.asset = id;
    row.price = price;
    row.published_at = kWorldPricedAt;
    row.verdict = PriceVerdict::kUsable;
    prices_[id] = row;
    return parameters_.assets.back();
}

void World::hold(std::size_t asset, const Amount& collateral, const Amount& debt) {
    rows_.push_back(holding(parameters_.assets[asset].on[0].asset, collateral, debt));
}

void World::hold_tokens(std::size_t asset, const Rational& count) {
    const unsigned decimals = parameters_.assets[asset].decimals;
    const Amount amount = whole_tokens(abs(count), decimals);
    hold(asset, count < 0 ? Amount{} : amount, count < 0 ? amount : Amount{});
}

VenueParameters& World::trade(std::size_t asset) {
    VenueParameters venue;
    venue.underlying = parameters_.assets[asset].name;
    parameters_.venues.push_back(std::move(venue));
    return parameters_.venues.back();
}

void World::open(const VenuePosition& position) {
    positions_.push_back(position);
}

AccountState World::state() const {
    AccountHoldings account = holdings_of(rows_);
    account.positions = positions_;
    return evaluate_state(account, prices_, parameters_, false, false);
}

LiquidationPlan World::plan() const {
    return plan_liquidation(holdings_of(rows_), prices_, parameters_).value();
}

Rational World::left(std::size_t asset) const {
    const AssetParameters& a = parameters_.assets[asset];
    Rational out = 0;
    for (const Holding& row : executed(holdings_of(rows_), plan()).holdings) {
        if (row.asset == a.on[0].asset) {
            const Money one = Money::whole(1);
            out += exact(value_of(row.collateral, a.decimals, one, Round::kDown).value());
            out -= exact(value_of(row.debt, a.decimals, one, Round::kUp).value());
        }
    }
    return out;
}

}  // namespace margrave::margin::tests::vectors
