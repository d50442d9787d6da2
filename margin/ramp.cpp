// SPDX-License-Identifier: Apache-2.0
#include "margin/ramp.hpp"

#include "margin/numeric.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

namespace margrave::margin {
namespace {

// The part of a ramp that is behind, as a fraction of two integers.
struct Passed {
    Money run;
    Money whole;
};

// from + (to - from) run / whole, rounded; exact at both ends.
Money between(const Money& from, const Money& to, const Passed& passed, Rounding rounding) {
    return from + mul_div(to - from, passed.run, passed.whole, rounding);
}

void ramp(Weights& to, const Weights& from, const Passed& passed, Rounding rounding) {
    to.initial = between(from.initial, to.initial, passed, rounding);
    to.liquidation_end = between(from.liquidation_end, to.liquidation_end, passed, rounding);
    to.maintenance = between(from.maintenance, to.maintenance, passed, rounding);
}

const AssetParameters* find_named(const Parameters& parameters, const std::string& name) {
    const auto found = std::ranges::find(parameters.assets, name, &AssetParameters::name);
    return found == parameters.assets.end() ? nullptr : &*found;
}

const VenueParameters* find_venue(const Parameters& parameters, const std::string& underlying) {
    const auto found =
        std::ranges::find(parameters.venues, underlying, &VenueParameters::underlying);
    return found == parameters.venues.end() ? nullptr : &*found;
}

const PerpetualMarket* find_perpetual(const VenueParameters& venue, const Hash32& market) {
    const auto found = std::ranges::find(venue.perpetuals, market, &PerpetualMarket::market);
    return found == venue.perpetuals.end() ? nullptr : &*found;
}

Parameters ramped(const Parameters& previous, const Parameters& next, const Passed& passed) {
    Parameters out = next;
    for (AssetParameters& asset : out.assets) {
        if (const AssetParameters* before = find_named(previous, asset.name)) {
            ramp(asset.collateral, before->collateral, passed, Rounding::kDown);
            ramp(asset.debt, before->debt, passed, Rounding::kUp);
        }
    }
    for (VenueParameters& venue : out.venues) {
        const VenueParameters* before = find_venue(previous, venue.underlying);
        if (before == nullptr || before->method != venue.method) {
            continue;
        }
        for (PerpetualMarket& market : venue.perpetuals) {
            if (const PerpetualMarket* old = find_perpetual(*before, market.market)) {
                const auto go = [&passed](Money& to, const Money& from) {
                    to = between(from, to, passed, Rounding::kUp);
                };
                go(market.fractions.initial, old->fractions.initial);
                go(market.fractions.liquidation_end, old->fractions.liquidation_end);
                go(market.fractions.maintenance, old->fractions.maintenance);
            }
        }
    }
    return out;
}

// A raw count as Money, for a quotient.
Money seconds_of(std::uint64_t n) {
    return times(Money::from_e18(1), n);
}

class Tightened {
  public:
    Tightened(const Parameters& previous, const Parameters& next)
        : previous_(previous),
          next_(next) {}

    std::vector<std::string> run() {
        for (std::size_t i = 0; i < previous_.assets.size(); ++i) {
            if (find_named(next_, previous_.assets[i].name) == nullptr) {
                out_.push_back("/assets/" + std::to_string(i));
            }
        }
        for (std::size_t i = 0; i < next_.assets.size(); ++i) {
            if (const AssetParameters* before = find_named(previous_, next_.assets[i].name)) {
                compare(*before, next_.assets[i], "/assets/" + std::to_string(i));
            }
        }
        compare_venues();
        compare_risk();
        compare_times();
        // What these mean cannot be said to ask more or less.
        note(next_.engine != previous_.engine, "/engine");
        note(next_.watches != previous_.watches, "/watches");
        note(next_.liquidation != previous_.liquidation, "/liquidation");
        note(next_.notice_s < previous_.notice_s, "/notice_s");
        return std::move(out_);
    }

  private:
    void note(bool tighter, std::string where) {
        if (tighter) {
            out_.push_back(std::move(where));
        }
    }

    // Zero is no limit.
    void cap(const Money& before, const Money& after, std::string where) {
        const bool tighter = !after.is_zero() && (before.is_zero() || after < before);
        note(tighter, std::move(where));
    }

    static bool is_lower_limit(std::uint64_t before, std::uint64_t after) {
        return after != 0 && (before == 0 || after < before);
    }

    // A shorter time to use what is signed, or to come back before a chain counts as dead. What an
    // attestation stays valid for cuts both ways: a state that is better or worse than the next.
    void compare_times() {
        note(next_.validity_s != previous_.validity_s, "/validity_s");
        note(next_.release_deadline_s < previous_.release_deadline_s, "/release_deadline_s");
        note(is_lower_limit(previous_.max_head_age_s, next_.max_head_age_s), "/max_head_age_s");
        for (const auto* ages : {&previous_.max_head_age_of, &next_.max_head_age_of}) {
            for (const auto& [chain, seconds] : *ages) {
                const bool lower =
                    is_lower_limit(previous_.head_age_limit(chain), next_.head_age_limit(chain));
                const std::string where = "/max_head_age_of/" + chain.text();
                note(lower && std::ranges::find(out_, where) == out_.end(), where);
            }
        }
    }

    [[nodiscard]] static Money bridge_haircut(const Parameters& of, const AssetOnChain& form) {
        return form.bridge_tier == 0 || form.bridge_tier > of.risk.bridge_tiers.size()
                   ? Money{}
                   : of.risk.bridge_tiers[form.bridge_tier - 1];
    }

    void compare(
        const AssetParameters& before, const AssetParameters& after, const std::string& at
    ) {
        const auto weights = [&](const Weights& a, const Weights& b, const std::string& side) {
            note(a.initial > b.initial, side + "/initial");
            note(a.liquidation_end > b.liquidation_end, side + "/liquidation_end");
            note(a.maintenance > b.maintenance, side + "/maintenance");
        };
        weights(before.collateral, after.collateral, at + "/collateral");
        weights(after.debt, before.debt, at + "/debt");
        note(after.decimals != before.decimals, at + "/decimals");
        note(before.borrowable && !after.borrowable, at + "/borrowable");
        note(after.max_bonus > before.max_bonus, at + "/max_bonus");
        // Less, or over a longer time, that its liquidations may sell.
        cap(before.market_capacity, after.market_capacity, at + "/market/capacity");
        const bool both = !before.market_capacity.is_zero() && !after.market_capacity.is_zero();
        note(both && after.market_window_s > before.market_window_s, at + "/market/window_s");
        note(after.max_age_s < before.max_age_s, at + "/max_age_s");
        note(after.price_min > before.price_min, at + "/price_min");
        note(after.price_max < before.price_max, at + "/price_max");
        cap(before.cap, after.cap, at + "/cap");
        cap(before.scale.deposits_from, after.scale.deposits_from, at + "/scale/deposits_from");
        cap(before.scale.debts_from, after.scale.debts_from, at + "/scale/debts_from");
        const InitialPrice& a = before.initial_price;
        const InitialPrice& b = after.initial_price;
        note(b.confidence > a.confidence, at + "/initial_price/confidence");
        note(b.age_per_hour > a.age_per_hour, at + "/initial_price/age_per_hour");
        note(b.slow && !a.slow, at + "/initial_price/slow");
        for (std::size_t i = 0; i < before.on.size(); ++i) {
            const auto form = std::ranges::find(after.on, before.on[i].asset, &AssetOnChain::asset);
            if (form == after.on.end()) {
                note(true, at + "/on");
                continue;
            }
            const std::string where = at + "/on/" + std::to_string(form - after.on.begin());
            note(form->backing < before.on[i].backing, where + "/backing");
            const bool further =
                bridge_haircut(next_, *form) > bridge_haircut(previous_, before.on[i]);
            note(further, where + "/bridge_tier");
            const bool early_gone = form->early != before.on[i].early;
            note(!before.on[i].early.empty() && early_gone, where + "/early");
            note(form->early_total < before.on[i].early_total, where + "/early_total");
            cap(before.on[i].cap, form->cap, where + "/cap");
            cap(before.on[i].pool_cap, form->pool_cap, where + "/pool_cap");
        }
    }

    void compare_venues() {
        for (std::size_t i = 0; i < previous_.venues.size(); ++i) {
            const VenueParameters& before = previous_.venues[i];
            const VenueParameters* after = find_venue(next_, before.underlying);
            if (after == nullptr) {
                note(true, "/venues");
                continue;
            }
            const std::string at = "/venues/" + std::to_string(after - next_.venues.data());
            const bool same = after->method == before.method && after->rate == before.rate &&
                              after->settlement == before.settlement &&
                              after->options == before.options && after->grid == before.grid &&
                              after->option_markets == before.option_markets;
            note(!same, at);
            note(after->profit_weight < before.profit_weight, at + "/profit/weight");
            note(after->profit_cap < before.profit_cap, at + "/profit/cap");
            compare_perpetuals(before, *after, at);
        }
    }

    void compare_perpetuals(
        const VenueParameters& before, const VenueParameters& after, const std::string& at
    ) {
        for (const PerpetualMarket& old : before.perpetuals) {
            const PerpetualMarket* market = find_perpetual(after, old.market);
            if (market == nullptr) {
                note(true, at + "/perpetuals");
                continue;
            }
            const std::string where =
                at + "/perpetuals/" + std::to_string(market - after.perpetuals.data());
            const Fractions& a = old.fractions;
            const Fractions& b = market->fractions;
            note(b.initial > a.initial, where + "/fractions/initial");
            note(b.liquidation_end > a.liquidation_end, where + "/fractions/liquidation_end");
            note(b.maintenance > a.maintenance, where + "/fractions/maintenance");
            cap(old.open_interest.lower, market->open_interest.lower, where + "/open_interest/lower"
            );
            cap(old.open_interest.upper, market->open_interest.upper, where + "/open_interest/upper"
            );
        }
    }

    void compare_risk() {
        const RiskParameters& before = previous_.risk;
        const RiskParameters& after = next_.risk;
        note(after.lag_per_hour > before.lag_per_hour, "/risk/lag_per_hour");
        for (std::size_t i = 0; i < after.bridge_tiers.size() && i < before.bridge_tiers.size();
             ++i) {
            note(
                after.bridge_tiers[i] > before.bridge_tiers[i],
                "/risk/bridge_tiers/" + std::to_string(i)
            );
        }
        // A group that lost some of its relief, or has other assets: one more changes the mean
        // haircut that is let off.
        for (const Correlation& group : before.correlations) {
            const auto found =
                std::ranges::find(after.correlations, group.name, &Correlation::name);
            const bool kept = found != after.correlations.end() && found->relief >= group.relief &&
                              found->assets == group.assets;
            note(!kept, "/risk/correlations");
        }
    }

    const Parameters& previous_;
    const Parameters& next_;
    std::vector<std::string> out_;
};

// Longest time from an announcement to what it announces.
constexpr std::uint64_t kChangeAheadMax = 180ULL * 86'400;

// When it is over; never, if that is beyond what a time can be.
std::uint64_t end_of(const Change& change) {
    const std::uint64_t end = change.from.value + change.ramp_s;
    return end < change.from.value ? std::numeric_limits<std::uint64_t>::max() : end;
}

}  // namespace

Parameters at_time(const Parameters& previous, const Parameters& next, UnixSeconds now) {
    if (!next.change) {
        return next;
    }
    const Change& change = *next.change;
    if (now < change.from) {
        return previous;
    }
    const std::uint64_t run = now.value - change.from.value;
    if (run >= change.ramp_s) {
        return next;
    }
    return ramped(previous, next, {.run = seconds_of(run), .whole = seconds_of(change.ramp_s)});
}

std::vector<std::string> tightened(const Parameters& previous, const Parameters& next) {
    return Tightened(previous, next).run();
}

std::vector<ParameterError> check_change(
    const Parameters& previous, const Hash32& previous_hash, const Parameters& next, UnixSeconds now
) {
    std::vector<ParameterError> out;
    if (next.change && next.change->previous != previous_hash) {
        out.push_back(
            {.where = "/change/previous",
             .what = "is " + to_hex(next.change->previous) + "; the parameters in force are " +
                     to_hex(previous_hash)}
        );
        return out;
    }
    if (previous.change && now.value < end_of(*previous.change)) {
        out.push_back({.where = "/change", .what = "the change before is still under way"});
    }
    if (next.change && next.change->from > now &&
        next.change->from.value - now.value > kChangeAheadMax) {
        // No other change may follow before it is over, so a time of another unit would be for
        // ever.
        out.push_back(
            {.where = "/change/from",
             .what = "is " + std::to_string(next.change->from.value) +
                     ", more than 180 days after now, " + std::to_string(now.value) +
                     "; it is in seconds since 1970, not in milliseconds"}
        );
    }
    if (next.change && next.change->from < now) {
        out.push_back(
            {.where = "/change/from",
             .what = "is " + std::to_string(next.change->from.value) + ", before now, " +
                     std::to_string(now.value)}
        );
    }
    if (next.change && next.change->ramp_s != 0) {
        // Every rule holds on a line whose two ends keep it.
        for (ParameterError& error : check(at_time(previous, next, next.change->from))) {
            error.what = "where the ramp begins: " + error.what;
            out.push_back(std::move(error));
        }
    }
    const std::uint64_t notice =
        next.change && now < next.change->from ? next.change->from.value - now.value : 0;
    if (notice < previous.notice_s) {
        for (std::string& where : tightened(previous, next)) {
            out.push_back(
                {.where = std::move(where),
                 .what = "asks more than before with " + std::to_string(notice) +
                         " s of notice; it must be " + std::to_string(previous.notice_s) + " s"}
            );
        }
    }
    return out;
}

}  // namespace margrave::margin
