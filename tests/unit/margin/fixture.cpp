// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/fixture.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace margrave::margin::tests {
namespace {

AssetId token(std::uint64_t chain, std::uint8_t last_byte) {
    Address address;
    address.data[0] = 0xaa;
    address.data[19] = last_byte;
    return AssetId::erc20(ChainId::evm(chain), address);
}

Weights weights(
    std::string_view initial, std::string_view liquidation_end, std::string_view maintenance
) {
    return {
        .initial = usd(initial),
        .liquidation_end = usd(liquidation_end),
        .maintenance = usd(maintenance)};
}

AssetParameters asset(
    std::string name, unsigned decimals, Weights collateral, Weights debt, std::string_view bonus
) {
    AssetParameters out;
    out.name = std::move(name);
    out.decimals = decimals;
    out.collateral = std::move(collateral);
    out.debt = std::move(debt);
    out.max_bonus = usd(bonus);
    out.price_min = usd("0.000001");
    out.price_max = usd("10000000");
    return out;
}

// A ratio with four decimals.
Money ratio(std::uint64_t e4) {
    return Money::from_e18(static_cast<std::int64_t>(e4 * 100'000'000'000'000U));
}

AssetParameters random_asset(Rng& rng, std::size_t i) {
    AssetParameters out;
    out.name = "asset" + std::to_string(i);
    out.decimals = std::array<unsigned, 6>{0, 2, 6, 8, 18, 24}[rng.in(0, 5)];
    std::array<std::uint64_t, 3> c{rng.in(0, 9'400), rng.in(0, 9'400), rng.in(0, 9'400)};
    std::ranges::sort(c);
    out.collateral = {
        .initial = ratio(c[0]), .liquidation_end = ratio(c[1]), .maintenance = ratio(c[2])};
    std::array<std::uint64_t, 3> d{
        rng.in(10'000, 14'000), rng.in(10'000, 14'000), rng.in(10'000, 14'000)};
    std::ranges::sort(d);
    out.debt = {.initial = ratio(d[2]), .liquidation_end = ratio(d[1]), .maintenance = ratio(d[0])};
    // 0.94 * 1.06 is below every debt weight.
    out.max_bonus = ratio(rng.in(10'000, 10'600));
    out.borrowable = true;
    out.price_min = Money::from_e18(1);
    out.price_max = Money::whole(1'000'000'000);
    for (std::uint64_t chain = 1; chain <= 3; ++chain) {
        if (chain == 1 || rng.chance(60)) {
            const Money backing = rng.chance(70) ? Money::whole(1) : ratio(rng.in(5'000, 9'999));
            out.on.push_back(
                {.asset = token(chain, static_cast<std::uint8_t>(i + 1)), .backing = backing}
            );
        }
    }
    return out;
}

// From a thousandth of a cent to a million dollars.
Money random_price(Rng& rng) {
    constexpr std::array<std::int64_t, 4> kScales{
        10'000'000'000'000, 1'000'000'000'000'000, 1'000'000'000'000'000'000, 0};
    const std::int64_t scale = kScales[rng.in(0, 3)];
    if (scale == 0) {
        return Money::whole(static_cast<std::int64_t>(rng.in(1, 1'000'000)));
    }
    // Two draws in one call would come in an order that each compiler picks.
    const Money leading = Money::from_e18(scale * static_cast<std::int64_t>(rng.in(1, 9)));
    const Money rest = Money::from_e18(static_cast<std::int64_t>(rng.in(0, 1'000'000'000)));
    return add(leading, rest).value();
}

// Units worth roughly up to `dollars`, with noise in every digit.
Amount random_units(
    Rng& rng, const AssetParameters& asset, const Money& price, std::uint64_t dollars
) {
    const Money dollar_part = Money::whole(static_cast<std::int64_t>(rng.in(0, dollars)));
    const Money noise = Money::from_e18(static_cast<std::int64_t>(rng.next() >> 5U));
    const Money value = add(dollar_part, noise).value();
    return units_for(value, asset.decimals, price, Round::kDown).value();
}

}  // namespace

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

Amount units(std::string_view tokens, unsigned decimals) {
    return units_for(usd(tokens), decimals, Money::whole(1), Round::kDown).value();
}

AssetId eth_on(std::uint64_t chain) {
    return chain == 137 ? token(137, 1) : AssetId::native(ChainId::evm(chain));
}

AssetId usdc_on(std::uint64_t chain) {
    return token(chain, 2);
}

AssetId btc() {
    return token(1, 3);
}

AssetId dai() {
    return token(1, 4);
}

AssetId junk() {
    return token(1, 5);
}

Parameters sample_parameters() {
    const Weights stable_debt = weights("1.05", "1.03", "1.01");
    AssetParameters btc_asset =
        asset("btc", 8, weights("0.7", "0.75", "0.8"), weights("1.3", "1.25", "1.2"), "1.05");
    btc_asset.on = {{.asset = btc(), .backing = usd("1")}};
    AssetParameters dai_asset =
        asset("dai", 18, weights("0.88", "0.89", "0.9"), stable_debt, "1.02");
    dai_asset.on = {{.asset = dai(), .backing = usd("1")}};
    dai_asset.borrowable = true;
    AssetParameters eth_asset =
        asset("eth", 18, weights("0.75", "0.8", "0.85"), weights("1.25", "1.2", "1.15"), "1.05");
    eth_asset.on = {
        {.asset = eth_on(1), .backing = usd("1")},
        {.asset = eth_on(10), .backing = usd("1")},
        {.asset = eth_on(137), .backing = usd("0.9")}};
    AssetParameters junk_asset =
        asset("junk", 18, weights("0", "0", "0"), weights("2", "2", "2"), "0");
    junk_asset.on = {{.asset = junk(), .backing = usd("1")}};
    AssetParameters usdc_asset =
        asset("usdc", 6, weights("0.95", "0.96", "0.97"), stable_debt, "1.02");
    usdc_asset.on = {
        {.asset = usdc_on(1), .backing = usd("1")},
        {.asset = usdc_on(10), .backing = usd("1")},
        {.asset = usdc_on(137), .backing = usd("1")}};
    usdc_asset.borrowable = true;

    Parameters out;
    out.assets = {btc_asset, dai_asset, eth_asset, junk_asset, usdc_asset};
    out.liquidation.target_buffer = usd("0.02");
    out.liquidation.close_factor = usd("0.5");
    out.liquidation.close_all_below = usd("2000");
    out.liquidation.dust = usd("50");
    return out;
}

PriceTable prices_of(
    const Parameters& parameters, const std::vector<std::pair<std::string, Money>>& prices
) {
    PriceTable out;
    for (const AssetParameters& asset : parameters.assets) {
        for (const auto& [name, price] : prices) {
            if (name != asset.name) {
                continue;
            }
            for (const AssetOnChain& form : asset.on) {
                PriceRow row;
                row.asset = form.asset;
                row.price = price;
                row.verdict = PriceVerdict::kUsable;
                out[form.asset] = row;
            }
        }
    }
    return out;
}

PriceTable sample_prices() {
    return prices_of(
        sample_parameters(),
        {{"eth", usd("2000")},
         {"btc", usd("50000")},
         {"usdc", usd("1")},
         {"dai", usd("1")},
         {"junk", usd("3")}}
    );
}

AccountId account() {
    AccountId out;
    out.data[31] = 0x77;
    return out;
}

Holding holding(const AssetId& asset, const Amount& collateral, const Amount& debt) {
    Holding out;
    out.asset = asset;
    out.collateral = collateral;
    out.debt = debt;
    out.book = collateral;
    return out;
}

Holding with_mapped(Holding own, const Amount& mapped, const Amount& mapped_debt) {
    own.collateral = add(own.collateral, mapped).value();
    own.debt = add(own.debt, mapped_debt).value();
    own.mapped = mapped;
    own.mapped_debt = mapped_debt;
    return own;
}

AccountHoldings holdings_of(std::vector<Holding> rows) {
    std::ranges::sort(rows, {}, &Holding::asset);
    AccountHoldings out;
    out.account = account();
    out.holdings = std::move(rows);
    return out;
}

AccountState state_of(
    const AccountHoldings& holdings, const PriceTable& prices, bool was_liquidatable
) {
    return evaluate_state(
        holdings, prices, sample_parameters(), was_liquidatable, /*provisional_differs=*/false
    );
}

std::uint64_t Rng::next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

std::uint64_t Rng::in(std::uint64_t low, std::uint64_t high) {
    return low + next() % (high - low + 1);
}

Portfolio random_portfolio(std::uint64_t seed) {
    Rng rng(seed);
    Portfolio out;
    const std::size_t count = rng.in(2, 6);
    std::vector<Money> prices;
    for (std::size_t i = 0; i < count; ++i) {
        out.parameters.assets.push_back(random_asset(rng, i));
        prices.push_back(random_price(rng));
        for (const AssetOnChain& form : out.parameters.assets[i].on) {
            PriceRow row;
            row.asset = form.asset;
            row.price = prices[i];
            row.verdict = PriceVerdict::kUsable;
            out.prices[form.asset] = row;
        }
    }
    LiquidationParameters& rules = out.parameters.liquidation;
    rules.target_buffer = ratio(rng.in(0, 500));
    rules.close_factor = rng.chance(50) ? Money::whole(1) : ratio(rng.in(1'000, 9'999));
    rules.close_all_below = Money::whole(rng.chance(50) ? 0 : 2'000);
    rules.dust = Money::whole(rng.chance(50) ? 0 : 50);
    std::vector<Holding> rows;
    for (std::size_t i = 0; i < count; ++i) {
        const AssetParameters& asset = out.parameters.assets[i];
        const bool owes = i != 0 && rng.chance(40);
        for (const AssetOnChain& form : asset.on) {
            Holding row = holding(form.asset, Amount{});
            if (rng.chance(owes ? 15 : 70)) {
                row.collateral = random_units(rng, asset, prices[i], 100'000);
                row.book = rng.chance(90) ? row.collateral : Amount{};
            }
            if (owes && rng.chance(70)) {
                row.debt = random_units(rng, asset, prices[i], 80'000);
            }
            if (rng.chance(10)) {
                row.in_sale = min(row.collateral, random_units(rng, asset, prices[i], 50'000));
            }
            if (!row.collateral.is_zero() || !row.debt.is_zero()) {
                rows.push_back(row);
            }
        }
    }
    out.holdings = holdings_of(std::move(rows));
    return out;
}

AccountHoldings executed(AccountHoldings holdings, const LiquidationPlan& plan) {
    const auto row_of = [&holdings](const AssetId& asset) -> Holding& {
        for (Holding& row : holdings.holdings) {
            if (row.asset == asset) {
                return row;
            }
        }
        holdings.holdings.push_back(holding(asset, Amount{}));
        return holdings.holdings.back();
    };
    for (const PlannedLeg& leg : plan.legs) {
        Holding& lot = row_of(leg.asset);
        MARGRAVE_ASSERT(leg.seize <= lot.free());
        lot.collateral = sub(lot.collateral, leg.seize).value();
        Holding& owed = row_of(leg.debt_asset);
        const Amount surplus = sub_or_zero(leg.min_proceeds, owed.own_debt());
        owed.debt = add(sub_or_zero(owed.own_debt(), leg.min_proceeds), owed.mapped_debt).value();
        owed.collateral = add(owed.collateral, surplus).value();
    }
    return holdings;
}

}  // namespace margrave::margin::tests
