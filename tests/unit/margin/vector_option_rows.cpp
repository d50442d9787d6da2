// SPDX-License-Identifier: Apache-2.0
#include "margin/black76.hpp"
#include "margin/close_out.hpp"
#include "margin/scenario.hpp"
#include "margin/standard.hpp"
#include "margin/venue.hpp"
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <utility>

namespace margrave::margin::tests::vectors {
namespace {

IsolatedRules option_rules(const Json& p) {
    return {
        .initial_most = raw(p["maxSpotReq"]),
        .initial_least = raw(p["minSpotReq"]),
        .maintenance_call = raw(p["mmCall"]),
        .maintenance_put = raw(p["mmPut"]),
        .maintenance_put_mark = raw(p["mmPutMtM"]),
        .put_offset = raw(p["off"]),
        .unpaired_initial = raw(p["unpIM"]),
        .unpaired_maintenance = raw(p["unpMM"])};
}

// What rows name whose constants are those of another row ("option params as derive-srm-Test1").
struct SharedOptions {
    std::map<std::string, IsolatedRules> of_row;

    // Of the named row, else of any: one suite has one set. A file without has the usual one.
    [[nodiscard]] IsolatedRules named_in(const std::string& sentence) const {
        for (const auto& [id, rules] : of_row) {
            const std::size_t found = sentence.find(id);
            const std::size_t end = found + id.size();
            if (found != std::string::npos &&
                (end == sentence.size() || std::isalnum(sentence[end]) == 0)) {
                return rules;
            }
        }
        return of_row.empty() ? usual_isolated_rules() : of_row.begin()->second;
    }
};

SharedOptions& shared_options() {
    static SharedOptions options;
    return options;
}

StandardMarket standard_market(const Json& m, const IsolatedRules& options) {
    StandardMarket out;
    out.rules.options = options;
    out.rules.perpetual_initial = raw(m["imPerp"]);
    out.rules.perpetual_maintenance = raw(m["mmPerp"]);
    out.rules.base_factor = raw(m["baseFactor"]);
    out.rules.base_initial_scale = raw(m["IMScale"]);
    out.rules.perpetual_threshold = raw(m["oc"][0]);
    out.rules.option_threshold = raw(m["oc"][1]);
    out.rules.base_threshold = raw(m["oc"][2]);
    out.rules.confidence_factor = raw(m["oc"][3]);
    out.spot = raw(m["spot"]);
    out.spot_confidence = raw(m["spotConf"]);
    out.base = raw(m["base"]);
    out.perpetual_size = raw(m["perp"]);
    out.perpetual_price = raw(m["perpPrice"]);
    out.perpetual_confidence = raw(m["perpConf"]);
    out.perpetual_value = raw(m["perpUpnl"]);
    std::map<std::string, StandardExpiry> expiries;
    for (const Json& option : m["options"]) {
        const std::string seconds = text_of(option["sec"]);
        StandardExpiry& expiry = expiries[seconds];
        expiry.seconds = std::stoull(seconds);
        expiry.forward = raw(m["fwd"][seconds][0]);
        expiry.confidence = min(raw(m["fwd"][seconds][1]), raw(m["volConf"][seconds]));
        expiry.legs.push_back(
            {.is_call = option["call"].get<bool>(),
             .strike = raw(option["strike"]),
             .size = raw(option["amt"]),
             .volatility = raw(option["vol"])}
        );
    }
    for (auto& [seconds, expiry] : expiries) {
        out.expiries.push_back(std::move(expiry));
    }
    return out;
}

StandardMarket portfolio_market(const Json& in, const std::string& name) {
    const std::string parameters = in["params"];
    StandardMarket out;
    out.rules.options = shared_options().named_in(parameters);
    out.rules.perpetual_maintenance = named_number(parameters, "perp mm");
    out.rules.perpetual_initial = named_number(parameters, "im");
    out.rules.base_factor = named_number(parameters, "base factor");
    const Money threshold = named_number(parameters, "oracle thresholds");
    out.rules.perpetual_threshold = threshold;
    out.rules.option_threshold = threshold;
    out.rules.base_threshold = threshold;
    out.rules.confidence_factor = named_number(parameters, "OCFactor");
    out.spot = raw(in[name]["spot"]);
    out.spot_confidence = raw(in[name]["spotConf"]);
    out.perpetual_price = raw(in[name]["perpPrice"]);
    out.perpetual_confidence = raw(in[name]["perpConf"]);
    for (const Json& base : in["bases"]) {
        out.base += base["underlying"] == name ? portfolio_amount(base["amount"]) : Money{};
    }
    for (const Json& perpetual : in["perps"]) {
        if (perpetual["underlying"] == name) {
            const Money size = portfolio_amount(perpetual["amount"]);
            const Money gain = out.perpetual_price - portfolio_amount(perpetual["entryPrice"]);
            out.perpetual_size += size;
            out.perpetual_value += times(size, gain, Rounding::kZero);
        }
    }
    return out;
}

void add_portfolio_options(const Json& in, const std::string& name, StandardMarket& out) {
    const std::string text = in["vol"];
    const Money volatility = money(rational(text.substr(0, text.find(' '))));
    std::map<std::string, StandardExpiry> expiries;
    for (const Json& option : in["options"]) {
        if (option["underlying"] != name) {
            continue;
        }
        const std::string date = option["expiry"];
        StandardExpiry& expiry = expiries[date];
        const Json& forward = in["forward_" + name][date];
        expiry.seconds = in["sec_to_expiry"][date].get<std::uint64_t>();
        expiry.forward = raw(forward[0]);
        expiry.confidence =
            min(raw(forward[1]), raw(in, "volConf_" + date, 1'000'000'000'000'000'000));
        expiry.legs.push_back(
            {.is_call = option["type"] == "call",
             .strike = money(option["strike"]),
             .size = portfolio_amount(option["amount"]),
             .volatility = volatility}
        );
    }
    for (auto& [date, expiry] : expiries) {
        out.expiries.push_back(std::move(expiry));
    }
}

Outcome standard_portfolio(const Json& row) {
    const Json& in = row["inputs"];
    const std::string parameters = in["params"];
    std::vector<StandardMarket> markets;
    for (const std::string name : {"eth", "btc"}) {
        if (in.contains(name)) {
            markets.push_back(portfolio_market(in, name));
            add_portfolio_options(in, name, markets.back());
        }
    }
    const Peg peg{
        .stable_price = raw(in["stablePrice"]),
        .threshold = named_number(parameters, "depeg thr"),
        .factor = named_number(parameters, "fac")};
    const StandardResult ours =
        standard_margin(portfolio_amount(in["cash_1e8"]), markets, peg, kDerive);
    expect_dollars(ours.maintenance, row["expected"]["MM"], row["tolerance"]);
    expect_dollars(ours.initial, row["expected"]["IM"], row["tolerance"]);
    standard_portfolio_in_engine(row, shared_options().named_in(parameters));
    return Outcome::kRan;
}

}  // namespace

void share_options(const Json& rows) {
    SharedOptions& shared = shared_options();
    for (const Json& row : rows) {
        const Json& in = row["inputs"];
        if (row["system"] == "Derive SRM" && in.contains("optionParams")) {
            const auto [added, is_new] = shared.of_row.emplace(
                row["id"].get<std::string>(), option_rules(in["optionParams"])
            );
            EXPECT_TRUE(is_new) << added->first << " is there twice";
        }
    }
    for (const auto& [id, rules] : shared.of_row) {
        EXPECT_EQ(rules, shared.of_row.begin()->second) << id << " has other constants";
    }
}

Outcome black76(const Json& row) {
    const Json& in = row["inputs"];
    const Black76 option{
        .forward = raw(in["F"]),
        .strike = raw(in["K"]),
        .volatility = raw(in["vol"]),
        .seconds = in["sec"].get<std::uint64_t>(),
        .discount = raw(in["discount"])};
    const OptionPair ours = prices(option);
    const Json& wanted = row["expected"];
    expect_units(ours.call, wanted["call"], row["tolerance"]);
    expect_units(ours.put, wanted["put"], row["tolerance"]);
    if (wanted.contains("callDelta")) {
        expect_units(greeks(option).call_delta, wanted["callDelta"], row["tolerance"]);
    }
    return Outcome::kRan;
}

Outcome derive_standard(const Json& row) {
    const Json& in = row["inputs"];
    if (in.contains("options")) {
        return standard_portfolio(row);
    }
    if (in.contains("see")) {
        return Outcome::kNoInputs;
    }
    std::vector<StandardMarket> markets;
    for (const Json& market : in["markets"]) {
        markets.push_back(standard_market(market, option_rules(in["optionParams"])));
    }
    const Peg peg{
        .stable_price = raw(in["stable"]),
        .threshold = raw(in["depeg"][0]),
        .factor = raw(in["depeg"][1])};
    const StandardResult ours = standard_margin(raw(in["cash"]), markets, peg, kDerive);
    const Json& wanted = row["expected"];
    expect_units(ours.maintenance, wanted["MM"], row["tolerance"]);
    expect_units(ours.initial, wanted["IM"], row["tolerance"]);
    expect_units(ours.mark, wanted["MtM"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome derive_auction(const Json& row) {
    const Json& in = row["inputs"];
    const Json& a = in.contains("auction") ? in["auction"] : in;
    const AuctionRules rules{
        .start = raw(a["start"]),
        .cutoff = raw(a["cutoff"]),
        .fast_s = a["fast"].get<std::uint64_t>(),
        .slow_s = a["slow"].get<std::uint64_t>()};
    const Money price = auction_price(rules, in["elapsed"].get<std::uint64_t>(), Rounding::kZero);
    if (!in.contains("MtM")) {
        expect_units(price, row["expected"], row["tolerance"]);
        return Outcome::kRan;
    }
    const AuctionOffer ours = auction_offer(
        {.mark = raw(in["MtM"]),
         .maintenance = raw(in["MM"]),
         .buffer = raw(in["bufferMarginPct"]),
         .reserved = raw(in, "reservedCash", 0)},
        price,
        raw(in["percentWant"]),
        kDerive
    );
    expect_units(ours.target, row["expected"]["BM"], row["tolerance"]);
    expect_units(ours.largest_part, row["expected"]["fMax"], row["tolerance"]);
    expect_units(ours.bid, row["expected"]["bid"], row["tolerance"]);
    return Outcome::kRan;
}

// One long of every array of profits, one short of every array of value changes.
Outcome span_array(const Json& row) {
    ScenarioPnl portfolio;
    for (const auto& [name, array] : row["inputs"].items()) {
        if (!array.is_array()) {
            continue;
        }
        ScenarioPnl pnl;
        for (const Json& value : array) {
            pnl.push_back(raw(value));
        }
        portfolio.resize(pnl.size());
        const bool is_short = name.ends_with("value_change");
        add_scenarios(portfolio, pnl, Money::whole(is_short ? -1 : 1));
    }
    const Json& wanted = row["expected"];
    EXPECT_EQ(portfolio.size(), wanted["portfolio"].size());
    for (std::size_t i = 0; i < portfolio.size(); ++i) {
        expect_units(portfolio[i], wanted["portfolio"].at(i), row["tolerance"]);
    }
    const Worst worst = worst_of(portfolio);
    expect_units(worst.pnl, wanted["scanning_loss"], row["tolerance"]);
    // The book counts scenarios from one.
    EXPECT_EQ(worst.scenario + 1, wanted["worst_scenario"].get<std::size_t>());
    return Outcome::kRan;
}

}  // namespace margrave::margin::tests::vectors
