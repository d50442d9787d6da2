// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/market.hpp"
#include "margin/parameters.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Ten assets on four chains and as many accounts as wanted: four collaterals and a debt each.
namespace margrave::margin::bench {

inline constexpr std::size_t kAssets = 10;
inline constexpr std::uint64_t kPricedAt = 1'700'000'000;

inline Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

inline AssetId token(std::uint64_t chain, std::uint64_t asset) {
    Address address;
    address.data[19] = static_cast<std::uint8_t>(asset + 1);
    return AssetId::erc20(ChainId::evm(chain), address);
}

inline std::string name_of(std::size_t asset) {
    return "asset" + std::to_string(asset);
}

inline Parameters parameters() {
    Parameters out;
    for (std::size_t i = 0; i < kAssets; ++i) {
        AssetParameters asset;
        asset.name = name_of(i);
        asset.decimals = i == 0 ? 6 : 18;
        asset.collateral = {usd("0.75"), usd("0.8"), usd("0.85")};
        asset.debt = {usd("1.05"), usd("1.03"), usd("1.01")};
        asset.max_bonus = usd("1.05");
        asset.price_min = usd("0.01");
        asset.price_max = usd("1000000");
        for (std::uint64_t chain = 1; chain <= 4; ++chain) {
            const Money backing = chain == 4 ? usd("0.95") : usd("1");
            asset.on.push_back({.asset = token(chain, i), .backing = backing});
        }
        out.assets.push_back(asset);
    }
    return out;
}

inline PriceTable prices(const Parameters& parameters, std::uint64_t tick) {
    PriceTable out;
    for (std::size_t i = 0; i < kAssets; ++i) {
        for (const AssetOnChain& form : parameters.assets[i].on) {
            PriceRow row;
            row.asset = form.asset;
            row.verdict = PriceVerdict::kUsable;
            row.published_at = UnixSeconds{kPricedAt};
            const auto moved = Money::from_e18(static_cast<std::int64_t>(tick * 1'000'003));
            row.price = i == 0 ? usd("1") : add(usd("1800.123456789"), moved).value();
            out[form.asset] = row;
        }
    }
    return out;
}

// Four collaterals on four chains and one debt; one account in a hundred is below maintenance.
inline AccountHoldings lender(std::uint64_t seed) {
    AccountHoldings out;
    for (std::uint64_t i = 1; i <= 4; ++i) {
        Holding row;
        row.asset = token(i, i);
        row.collateral = Amount{1'000'000'000'000'000'000U + seed * 7'919 + i};
        row.book = row.collateral;
        out.holdings.push_back(row);
    }
    Holding loan;
    loan.asset = token(1, 0);
    const std::uint64_t dollars = seed % 100 == 0 ? 6'100 : 3'000;
    loan.debt = Amount{dollars * 1'000'000U + seed};
    out.holdings.push_back(loan);
    std::ranges::sort(out.holdings, {}, &Holding::asset);
    return out;
}

inline std::vector<AccountHoldings> lenders(std::size_t count) {
    std::vector<AccountHoldings> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(lender(i));
    }
    return out;
}

}  // namespace margrave::margin::bench
