// SPDX-License-Identifier: Apache-2.0
#include "margin/ramp.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Which change of which signed member asks more of somebody. Every member of everything() must be
// in the table, and everything() must have every member: a field that is added to a structure of
// the parameters stops this file from compiling until it is thought of here.
namespace margrave::margin::tests {
namespace {

enum class Asks : std::uint8_t {
    kMore,     // a larger number asks more
    kLess,     // a smaller number asks more
    kAny,      // any other value counts, since it cannot be said which way it acts
    kLessYes,  // yes to no asks more
    kMoreYes,  // no to yes asks more
    kName,     // says which row it is: another name is another row, and the old one is gone
    kNothing,  // asks nothing of anybody
};

constexpr std::pair<std::string_view, Asks> kTable[]{
    {"/assets/*/borrowable", Asks::kLessYes},
    {"/assets/*/cap", Asks::kLess},
    {"/assets/*/collateral/initial", Asks::kLess},
    {"/assets/*/collateral/liquidation_end", Asks::kLess},
    {"/assets/*/collateral/maintenance", Asks::kLess},
    {"/assets/*/debt/initial", Asks::kMore},
    {"/assets/*/debt/liquidation_end", Asks::kMore},
    {"/assets/*/debt/maintenance", Asks::kMore},
    {"/assets/*/decimals", Asks::kAny},
    {"/assets/*/initial_price/age_per_hour", Asks::kMore},
    {"/assets/*/initial_price/confidence", Asks::kMore},
    {"/assets/*/initial_price/slow", Asks::kMoreYes},
    {"/assets/*/market/capacity", Asks::kLess},
    {"/assets/*/market/window_s", Asks::kMore},
    {"/assets/*/max_age_s", Asks::kLess},
    {"/assets/*/max_bonus", Asks::kMore},
    {"/assets/*/name", Asks::kName},
    {"/assets/*/on/*/asset", Asks::kName},
    {"/assets/*/on/*/backing", Asks::kLess},
    {"/assets/*/on/*/bridge_tier", Asks::kMore},
    {"/assets/*/on/*/cap", Asks::kLess},
    {"/assets/*/on/*/early/*/blocks", Asks::kAny},
    {"/assets/*/on/*/early/*/up_to", Asks::kAny},
    {"/assets/*/on/*/early_total", Asks::kLess},
    {"/assets/*/on/*/pool_cap", Asks::kLess},
    {"/assets/*/price_max", Asks::kLess},
    {"/assets/*/price_min", Asks::kMore},
    {"/assets/*/scale/debts_from", Asks::kLess},
    {"/assets/*/scale/deposits_from", Asks::kLess},
    {"/change/from", Asks::kNothing},
    {"/change/previous", Asks::kNothing},
    {"/change/ramp_s", Asks::kNothing},
    {"/engine", Asks::kAny},
    {"/liquidation/bonus_ramp/seconds", Asks::kAny},
    {"/liquidation/bonus_ramp/start", Asks::kAny},
    {"/liquidation/close_all_below", Asks::kAny},
    {"/liquidation/close_factor", Asks::kAny},
    {"/liquidation/deadline_s", Asks::kAny},
    {"/liquidation/dust", Asks::kAny},
    {"/liquidation/target_buffer", Asks::kAny},
    {"/max_head_age_of/*", Asks::kLess},
    {"/max_head_age_s", Asks::kLess},
    {"/notice_s", Asks::kLess},
    {"/release_deadline_s", Asks::kLess},
    {"/risk/bridge_tiers/*", Asks::kMore},
    {"/risk/correlations/*/assets/*", Asks::kAny},
    {"/risk/correlations/*/name", Asks::kName},
    {"/risk/correlations/*/relief", Asks::kLess},
    {"/risk/lag_per_hour", Asks::kMore},
    {"/validity_s", Asks::kAny},
    {"/venues/*/grid/*", Asks::kAny},
    {"/venues/*/method", Asks::kAny},
    {"/venues/*/option_markets/*/call", Asks::kAny},
    {"/venues/*/option_markets/*/expiry", Asks::kAny},
    {"/venues/*/option_markets/*/market", Asks::kName},
    {"/venues/*/option_markets/*/name", Asks::kAny},
    {"/venues/*/option_markets/*/strike", Asks::kAny},
    {"/venues/*/option_markets/*/volatility", Asks::kAny},
    {"/venues/*/options/*", Asks::kAny},
    {"/venues/*/perpetuals/*/fractions/initial", Asks::kMore},
    {"/venues/*/perpetuals/*/fractions/liquidation_end", Asks::kMore},
    {"/venues/*/perpetuals/*/fractions/maintenance", Asks::kMore},
    {"/venues/*/perpetuals/*/market", Asks::kName},
    {"/venues/*/perpetuals/*/name", Asks::kNothing},
    {"/venues/*/perpetuals/*/open_interest/lower", Asks::kLess},
    {"/venues/*/perpetuals/*/open_interest/upper", Asks::kLess},
    {"/venues/*/profit/cap", Asks::kLess},
    {"/venues/*/profit/weight", Asks::kLess},
    {"/venues/*/rate", Asks::kAny},
    {"/venues/*/settlement", Asks::kAny},
    {"/venues/*/underlying", Asks::kName},
    {"/watches/*", Asks::kAny},
};

// One binding for each member, so that one more does not compile. What is not signed is named.
void name_every_member(const Parameters& p) {
    [[maybe_unused]] const auto& [engine, validity, release, head_age, head_age_of, assets, liquidation, watches, venues, risk, notice, change] =
        p;
    [[maybe_unused]] const auto& [name, decimals, collateral, debt, borrowable, bonus, on, age, least, most, market, window, cap, scale, initial, now] =
        assets.front();
    [[maybe_unused]] const auto& [initial_weight, end_weight, maintenance_weight] = collateral;
    [[maybe_unused]] const auto& [asset, backing, early, early_total, form_cap, pool_cap, tier, uncounted] =
        on.front();
    [[maybe_unused]] const auto& [deposits_from, debts_from] = scale;
    [[maybe_unused]] const auto& [confidence, age_per_hour, slow] = initial;
    [[maybe_unused]] const auto& [buffer, factor, all_below, dust, deadline, ramp, start] =
        liquidation;
    [[maybe_unused]] const auto& [tiers, lag, correlations] = risk;
    [[maybe_unused]] const auto& [group, names, relief] = correlations.front();
    [[maybe_unused]] const auto& [previous, from, ramp_s] = *change;
    [[maybe_unused]] const auto& [underlying, settlement, method, rate, weight, profit_cap, options, grid, perpetuals, option_markets] =
        venues.front();
    [[maybe_unused]] const auto& [perpetual, perpetual_name, fractions, interest] =
        perpetuals.front();
    [[maybe_unused]] const auto& [lower, upper] = interest;
    [[maybe_unused]] const auto& [option, option_name, is_call, strike, expiry, volatility] =
        option_markets.front();
    [[maybe_unused]] const auto& [shocks, f0, f1, f2, tail, volatility_rule, skew, discount, basis, contingency] =
        grid;
    [[maybe_unused]] const auto& [o1, o2, o3, o4, o5, o6, o7, o8] = options;
}

Parameters everything() {
    Parameters out = venue_parameters();
    out.max_head_age_s = 600;
    out.max_head_age_of[ChainId::evm(137)] = 1'200;
    out.notice_s = 86'400;
    out.change = Change{.previous = {}, .from = UnixSeconds{1'700'000'000}, .ramp_s = 604'800};
    out.watches = {Canonical("a mapping")};
    out.risk.bridge_tiers = {usd("0.02"), usd("0.1"), usd("0.2")};
    out.risk.lag_per_hour = usd("0.01");
    out.risk.correlations = {{.name = "dollars", .assets = {"dai", "usdc"}, .relief = usd("0.2")}};
    for (AssetParameters& asset : out.assets) {
        asset.borrowable = true;
        asset.cap = usd("1000000");
        asset.market_capacity = usd("30000");
        asset.market_window_s = 600;
        asset.scale = {.deposits_from = usd("5000000"), .debts_from = usd("1000000")};
        asset.initial_price = {.confidence = usd("1"), .age_per_hour = usd("0.001"), .slow = true};
        for (AssetOnChain& form : asset.on) {
            form.early = {{.blocks = 12, .up_to = Amount{500}}};
            form.early_total = Amount{900};
            form.bridge_tier = 2;
            form.cap = usd("50000");
            form.pool_cap = usd("900000");
        }
    }
    // One of each is enough.
    for (VenueParameters& venue : out.venues) {
        venue.option_markets.resize(1);
        venue.grid.shocks.resize(std::min<std::size_t>(venue.grid.shocks.size(), 2));
    }
    out.venues[0].settlement = "usdc";
    out.liquidation.bonus_ramp_s = 600;
    out.liquidation.bonus_start = usd("0.25");
    out.venues[1].perpetuals[0].open_interest = {.lower = usd("1000"), .upper = usd("9000")};
    return out;
}

bool is_number(const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_minus(const std::string& text) {
    return text.size() > 1 && text.front() == '-' && is_number(text.substr(1));
}

// Calls `visit` with the pointer and the value of every member that has no members.
template <class Visit>
void visit_leaves(const Canonical& document, const std::string& at, const Visit& visit) {
    if (const auto* object = std::get_if<Canonical::Object>(&document.value())) {
        for (const auto& [key, value] : *object) {
            visit_leaves(value, at + "/" + key, visit);
        }
    } else if (const auto* array = std::get_if<Canonical::Array>(&document.value())) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            visit_leaves((*array)[i], at + "/" + std::to_string(i), visit);
        }
    } else {
        visit(at, document);
    }
}

Canonical with(const Canonical& document, const std::string& at, const Canonical& value) {
    if (at.empty()) {
        return value;
    }
    const std::size_t end = std::min(at.find('/', 1), at.size());
    const std::string key = at.substr(1, end - 1);
    if (const auto* object = std::get_if<Canonical::Object>(&document.value())) {
        Canonical::Object out = *object;
        out[key] = with(out.at(key), at.substr(end), value);
        return Canonical(std::move(out));
    }
    Canonical::Array out = std::get<Canonical::Array>(document.value());
    Canonical& item = out.at(std::stoul(key));
    item = with(item, at.substr(end), value);
    return Canonical(std::move(out));
}

// "/assets/2/cap" as the table has it: "/assets/*/cap". The rules of a grid and of options are one
// row each, and so are watches.
std::string pattern_of(const std::string& at) {
    std::string out;
    std::size_t from = 1;
    while (from <= at.size()) {
        const std::size_t end = std::min(at.find('/', from), at.size());
        const std::string key = at.substr(from, end - from);
        const bool is_chain = out == "/max_head_age_of";
        out += is_number(key) || is_chain ? "/*" : "/" + key;
        if (out == "/venues/*/grid" || out == "/venues/*/options" || out == "/watches") {
            return out + "/*";
        }
        from = end + 1;
    }
    return out;
}

class Tightening : public ::testing::Test {
  protected:
    // Whether the member counts when it becomes `value`; the place that is told must be it, or
    // what it lies in.
    [[nodiscard]] bool counts(const std::string& at, const Canonical& value) const {
        const auto next = parse_parameters(with(document, at, value).dump());
        EXPECT_TRUE(next.has_value()) << at << ": " << next.error().detail;
        if (!next) {
            return false;
        }
        const auto found = tightened(before, next.value());
        const bool here = std::ranges::any_of(found, [&at](const std::string& where) {
            return at.starts_with(where);
        });
        EXPECT_TRUE(found.empty() || here) << at << " is told as " << found.front();
        return !found.empty();
    }

    void expect_number(const std::string& at, const std::string& text, Asks asks) const {
        const Money number = Money::parse_e18(text).value();
        const Money one = Money::from_e18(1);
        const bool up = counts(at, Canonical(add(number, one).value().to_string_e18()));
        EXPECT_EQ(up, asks == Asks::kMore || asks == Asks::kAny) << at << " goes up";
        if (number.sign() > 0 || is_minus(text)) {
            const bool down = counts(at, Canonical(sub(number, one).value().to_string_e18()));
            EXPECT_EQ(down, asks == Asks::kLess || asks == Asks::kAny) << at << " goes down";
        }
    }

    // A yes of which the no has no member is in NoLimitIsTheLoosest.
    void expect_flag(const std::string& at, bool flag, Asks asks) const {
        if (asks == Asks::kMoreYes) {
            return;
        }
        const bool expected = asks == Asks::kAny || (flag && asks == Asks::kLessYes);
        EXPECT_EQ(counts(at, Canonical(!flag)), expected) << at << " becomes " << !flag;
    }

    Parameters before{everything()};
    Canonical document{canonical(before)};
};

TEST_F(Tightening, EveryMemberIsInTheTableAndActsAsItSays) {
    name_every_member(before);
    std::set<std::string> seen;
    visit_leaves(document, "", [&](const std::string& at, const Canonical& value) {
        const std::string pattern = pattern_of(at);
        const auto row =
            std::ranges::find(kTable, pattern, &std::pair<std::string_view, Asks>::first);
        ASSERT_NE(row, std::ranges::end(kTable))
            << pattern << ": does a change of it ask more of anybody?";
        seen.insert(pattern);
        if (const auto* flag = std::get_if<bool>(&value.value())) {
            expect_flag(at, *flag, row->second);
            return;
        }
        const auto& text = std::get<std::string>(value.value());
        if (is_number(text) || is_minus(text)) {
            expect_number(at, text, row->second);
        }
    });
    for (const auto& [pattern, _] : kTable) {
        EXPECT_TRUE(seen.contains(std::string(pattern)))
            << pattern << " is nowhere in everything()";
    }
}

TEST_F(Tightening, WhatBearsANameIsGoneUnderAnother) {
    const std::string other = "0x" + std::string(64, '7');
    const std::vector<std::pair<std::string, std::string>> rows{
        {"/assets/2/name", "ethereum"},
        {"/assets/2/on/2/asset", "eip155:137/erc20:0x00000000000000000000000000000000000000ee"},
        {"/risk/correlations/0/name", "other"},
        {"/risk/correlations/0/assets/0", "btc"},
        {"/venues/1/underlying", "dai"},
        {"/venues/1/perpetuals/0/market", other},
        {"/venues/1/option_markets/0/market", other},
        {"/venues/1/option_markets/0/name", "other"},
        {"/watches/0", "another mapping"},
    };
    for (const auto& [at, value] : rows) {
        EXPECT_TRUE(counts(at, Canonical(value))) << at;
    }
    EXPECT_FALSE(counts("/venues/1/perpetuals/0/name", Canonical("other")));
    EXPECT_FALSE(counts("/change/previous", Canonical(other)));
}

// A limit where there was none asks more, none where there was one does not.
TEST_F(Tightening, NoLimitIsTheLoosest) {
    using Edit = void (*)(Parameters&);
    const std::vector<Edit> edits{
        [](Parameters& p) { p.assets[2].cap = {}; },
        [](Parameters& p) { p.assets[2].on[2].cap = {}; },
        [](Parameters& p) { p.assets[2].on[2].pool_cap = {}; },
        [](Parameters& p) { p.assets[2].scale.debts_from = {}; },
        [](Parameters& p) { p.assets[2].scale.deposits_from = {}; },
        [](Parameters& p) {
            p.assets[2].market_capacity = {};
            p.assets[2].market_window_s = 0;
        },
        [](Parameters& p) { p.assets[2].on[2].bridge_tier = 0; },
        [](Parameters& p) { p.assets[2].initial_price.slow = false; },
        [](Parameters& p) {
            p.max_head_age_s = 0;
            p.max_head_age_of.clear();
        },
        [](Parameters& p) { p.risk.lag_per_hour = {}; },
        [](Parameters& p) { p.venues[1].perpetuals[0].open_interest = {}; },
    };
    for (std::size_t i = 0; i < edits.size(); ++i) {
        Parameters without = before;
        edits[i](without);
        EXPECT_TRUE(tightened(before, without).empty())
            << i << ": " << tightened(before, without).front();
        EXPECT_FALSE(tightened(without, before).empty()) << i;
    }
}

// The same haircut under another number is the same haircut.
TEST_F(Tightening, ABridgeTierIsJudgedByItsHaircut) {
    Parameters next = before;
    next.risk.bridge_tiers = {usd("0.01"), usd("0.02"), usd("0.1"), usd("0.2")};
    for (AssetParameters& asset : next.assets) {
        for (AssetOnChain& form : asset.on) {
            form.bridge_tier = 3;
        }
    }
    EXPECT_TRUE(tightened(before, next).empty()) << tightened(before, next).front();
    next.assets[2].on[2].bridge_tier = 4;
    EXPECT_EQ(tightened(before, next), std::vector<std::string>{"/assets/2/on/2/bridge_tier"});
}

}  // namespace
}  // namespace margrave::margin::tests
