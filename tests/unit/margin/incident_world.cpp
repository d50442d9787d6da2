// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/incident_world.hpp"

#include "core/keccak.hpp"
#include "margin/moves.hpp"
#include "margin/what_if.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::margin::tests {
namespace {

using nlohmann::json;

constexpr UnixSeconds kIssued{1'764'345'600};

Address address_of(const std::string& id) {
    const Hash32 hash = keccak256(id);
    Address out;
    std::copy_n(hash.data.begin(), out.data.size(), out.data.begin());
    return out;
}

json merged(json base, std::string_view more) {
    base.merge_patch(json::parse(more));
    return base;
}

}  // namespace

json asset_of(const std::string& id, unsigned decimals, std::string_view more) {
    json out = json::parse(R"({
      "collateral": {"initial": "0.8", "liquidation_end": "0.83", "maintenance": "0.85"},
      "debt": {"initial": "1.15", "liquidation_end": "1.12", "maintenance": "1.1"},
      "borrowable": true,
      "price": {"sources": [{"name": "a", "made_by": "a",
              "feed": {"chain": "eip155:1", "address": "0x00000000000000000000000000000000000000aa"}},
                            {"name": "b", "made_by": "b",
              "feed": {"chain": "eip155:1", "address": "0x00000000000000000000000000000000000000bb"}}],
                "max_age": "70m", "min": "0.0001", "max": "1000000"}})");
    out["id"] = id;
    out["decimals"] = decimals;
    const AssetId token = AssetId::erc20(ChainId::evm(1), address_of(id));
    out["on"] = json::array({{{"asset", token.text()}}});
    return merged(std::move(out), more);
}

json dollar(std::string_view more) {
    return merged(
        asset_of("usdc", 6, R"({
          "collateral": {"initial": "0.93", "liquidation_end": "0.94", "maintenance": "0.95"},
          "debt": {"initial": "1.06", "liquidation_end": "1.05", "maintenance": "1.04"},
          "max_bonus": "1.02"})"),
        more
    );
}

json market_of(const std::string& underlying, std::string_view fractions, std::string_view more) {
    json perpetual = {
        {"market", to_hex(keccak256(underlying + "-perp"))},
        {"name", underlying + "-perp"},
        {"fractions", json::parse(fractions)}};
    json out = {{"underlying", underlying}, {"perpetuals", json::array({std::move(perpetual)})}};
    const json over = json::parse(more);
    if (over.contains("open_interest")) {
        out["perpetuals"][0]["open_interest"] = over["open_interest"];
    }
    if (over.contains("profit")) {
        out["profit"] = over["profit"];
    }
    return {{"markets", json::array({std::move(out)})}};
}

config::Settings settings_of(const std::vector<json>& assets, const json& more) {
    config::ExampleOptions options;
    options.signers = {address_of("signer")};
    options.password_file = "password";
    std::vector<ChainId> chains;
    for (const std::string_view name : {"ethereum", "base"}) {
        chains.push_back(config::parse_chain_name(name).value());
        const std::string url = "https://" + std::string(name);
        options.endpoints[chains.back()] = {url + "-a.internal", url + "-b.internal"};
    }
    json document = json::parse(config::example_config(chains, "key.json", options));
    document["assets"] = assets;
    document.merge_patch(more);
    const config::Loaded loaded = config::load_text(document.dump(), "/nonexistent/margrave");
    for (const config::Problem& problem : loaded.problems) {
        ADD_FAILURE() << problem.pointer << ": " << problem.what;
    }
    return loaded.settings;
}

AssetParameters& asset_in(Parameters& parameters, std::string_view name) {
    return *std::ranges::find(parameters.assets, name, &AssetParameters::name);
}

AssetId form_of(const Parameters& parameters, std::string_view asset, std::size_t place) {
    return std::ranges::find(parameters.assets, asset, &AssetParameters::name)->on.at(place).asset;
}

VenuePosition long_of(
    const Parameters& parameters,
    std::string_view underlying,
    const Money& size,
    const Money& entry_price
) {
    const auto venue =
        std::ranges::find(parameters.venues, underlying, &VenueParameters::underlying);
    return {.market = venue->perpetuals.at(0).market, .size = size, .entry_price = entry_price};
}

AccountHoldings owner(std::uint64_t number, std::vector<Holding> rows) {
    AccountHoldings out = holdings_of(std::move(rows));
    out.account = AccountId{};
    out.account.data[30] = static_cast<std::uint8_t>(number >> 8U);
    out.account.data[31] = static_cast<std::uint8_t>(number);
    return out;
}

RoundFacts round_of(const std::vector<AccountHoldings>& accounts) {
    RoundFacts out;
    out.at = kIssued;
    for (const std::uint64_t chain : {1U, 8453U}) {
        out.head_times[ChainId::evm(chain)] = kIssued;
    }
    for (const AccountHoldings& account : accounts) {
        out.totals.add(account);
    }
    return out;
}

Amount take_all(
    AccountHoldings& account,
    const AssetId& asset,
    const PriceTable& prices,
    const Parameters& parameters
) {
    Amount out;
    for (const MoveKind kind : {MoveKind::kWithdraw, MoveKind::kBorrow}) {
        const Amount most =
            largest_grant(account, asset, kind == MoveKind::kWithdraw, prices, parameters);
        if (!most.is_zero()) {
            const Move move{.kind = kind, .asset = asset, .amount = most};
            account = apply(std::move(account), move).value();
            out = add(out, most).value();
        }
    }
    return out;
}

std::uint64_t largest_loan(
    const AccountHoldings& account,
    const AssetId& asset,
    const PriceTable& prices,
    const Parameters& parameters,
    const RoundFacts& facts,
    std::uint64_t most
) {
    const auto is_granted = [&](std::uint64_t tokens) {
        const Promise loan{
            .asset = asset,
            .amount = units(std::to_string(tokens), parameters.find(asset)->decimals),
            .from_collateral = false};
        const Parameters rules = in_force(parameters, prices, with_loan(facts, asset, loan.amount));
        return check_grant(account, loan, prices, rules).has_value();
    };
    std::uint64_t low = 0;
    std::uint64_t high = most + 1;
    while (high - low > 1) {
        const std::uint64_t middle = low + (high - low) / 2;
        (is_granted(middle) ? low : high) = middle;
    }
    return low;
}

AccountState judged(
    const AccountHoldings& account, const PriceTable& prices, const Parameters& parameters
) {
    return evaluate_state(
        account, prices, parameters, /*was_liquidatable=*/false, /*provisional_differs=*/false
    );
}

Money shortfall(
    const std::vector<AccountHoldings>& accounts,
    const PriceTable& prices,
    const Parameters& parameters
) {
    Money out;
    for (const AccountHoldings& account : accounts) {
        const AccountState state = judged(account, prices, parameters);
        EXPECT_NE(state.status, Status::kUnattestable);
        out += max(-state.equity, Money{});
    }
    return out;
}

Money worth(const Amount& amount, unsigned decimals, const Money& price) {
    return value_of(amount, decimals, price, Round::kDown).value();
}

}  // namespace margrave::margin::tests
