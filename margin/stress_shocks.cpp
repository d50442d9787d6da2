// SPDX-License-Identifier: Apache-2.0
#include "margin/stress.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <utility>

namespace margrave::margin {
namespace {

constexpr std::int64_t kPercent = 10'000'000'000'000'000;
// A price this close to one dollar is meant to be one.
constexpr std::int64_t kPegBand = 3 * kPercent;

// 100 less `percent` of what it is.
Money down_by(std::int64_t percent) {
    return Money::from_e18((100 - percent) * kPercent);
}

std::string minus(std::int64_t percent) {
    return " -" + std::to_string(percent) + "%";
}

bool is_stable(const AssetParameters& asset, const PriceTable& prices) {
    const auto row = asset.on.empty() ? prices.end() : prices.find(asset.on.front().asset);
    if (row == prices.end()) {
        return false;
    }
    const Money low = Money::from_e18(100 * kPercent - kPegBand);
    const Money high = Money::from_e18(100 * kPercent + kPegBand);
    return row->second.price >= low && row->second.price <= high;
}

bool has_price(const AssetParameters& asset, const PriceTable& prices) {
    return !asset.on.empty() && std::ranges::all_of(asset.on, [&prices](const AssetOnChain& form) {
        const auto row = prices.find(form.asset);
        return row != prices.end() && row->second.price.sign() > 0;
    });
}

void add_falls(std::vector<StressShock>& out, const AssetParameters& asset) {
    for (std::int64_t percent = 10; percent <= 80; percent += 10) {
        out.push_back({asset.name + minus(percent), {{asset.name, true, down_by(percent)}}, {}, {}}
        );
    }
}

void add_crashes(
    std::vector<StressShock>& out, const Parameters& parameters, const PriceTable& prices
) {
    for (const std::int64_t percent : {20, 40, 60}) {
        StressShock shock;
        shock.name = "crash" + minus(percent);
        for (const AssetParameters& asset : parameters.assets) {
            if (has_price(asset, prices) && !is_stable(asset, prices)) {
                shock.prices.push_back({asset.name, true, down_by(percent)});
            }
        }
        if (!shock.prices.empty()) {
            out.push_back(std::move(shock));
        }
    }
}

void add_lost_pegs(std::vector<StressShock>& out, const AssetParameters& asset, bool is_a_dollar) {
    if (is_a_dollar) {
        for (const std::int64_t cents : {97, 90, 50, 105}) {
            const Money price = Money::from_e18(cents * kPercent);
            out.push_back(
                {asset.name + " at " + price.to_decimal(2), {{asset.name, false, price}}, {}, {}}
            );
        }
    }
    for (const AssetOnChain& form : asset.on) {
        if (form.backing == Money::whole(1)) {
            continue;
        }
        for (const std::int64_t percent : {20, 50}) {
            const std::string name =
                asset.name + " on " + form.asset.chain().text() + minus(percent);
            out.push_back({name, {{form.asset.text(), true, down_by(percent)}}, {}, {}});
        }
    }
}

void add_silences(std::vector<StressShock>& out, const Parameters& parameters) {
    std::set<ChainId> chains;
    StressShock all;
    all.name = "freeze all";
    for (const AssetParameters& asset : parameters.assets) {
        for (const AssetOnChain& form : asset.on) {
            chains.insert(form.asset.chain());
        }
        all.stale.push_back(asset.name);
    }
    for (const ChainId& chain : chains) {
        out.push_back({"halt " + chain.text(), {}, {chain}, {}});
    }
    for (const std::string& name : all.stale) {
        out.push_back({"freeze " + name, {}, {}, {name}});
    }
    out.push_back(std::move(all));
}

}  // namespace

std::vector<StressShock> built_in_shocks(const Parameters& parameters, const PriceTable& prices) {
    std::vector<StressShock> out{StressShock{"as is", {}, {}, {}}};
    for (const AssetParameters& asset : parameters.assets) {
        if (has_price(asset, prices)) {
            add_falls(out, asset);
        }
    }
    add_crashes(out, parameters, prices);
    for (const AssetParameters& asset : parameters.assets) {
        if (has_price(asset, prices)) {
            add_lost_pegs(out, asset, is_stable(asset, prices));
        }
    }
    add_silences(out, parameters);
    return out;
}

Depth built_in_depth() {
    Depth out;
    out.otherwise = {
        {Money::whole(1'000'000), Money::from_e18(kPercent)},
        {Money::whole(10'000'000), Money::from_e18(10 * kPercent)},
        {Money::whole(100'000'000), Money::from_e18(50 * kPercent)}};
    return out;
}

}  // namespace margrave::margin
