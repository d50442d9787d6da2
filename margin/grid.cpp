// SPDX-License-Identifier: Apache-2.0
#include "margin/grid.hpp"

#include "margin/black76.hpp"

#include <algorithm>
#include <map>

namespace margrave::margin {
namespace {

constexpr std::uint64_t kMonthSeconds = 30 * 86'400;

Money unit_ratio() {
    return Money::whole(1);
}

bool is_skew(VolatilityShock shock) {
    return shock == VolatilityShock::kLinearSkew || shock == VolatilityShock::kAbsoluteSkew;
}

/// The most and the least that positions can be worth, given the error of the model.
struct Bracket {
    Money low;
    Money high;
};

/// What all shocks of one expiry share.
struct Expiry {
    const GridExpiry& terms;
    Q64 root{};
    Money discount{};
    Money shock_up{};
    Money shock_down{};
    Money discount_long{};
    Money discount_short{};
    Money confidence{};
    Bracket mark{};
};

struct Valuation {
    const GridRules& rules;
    const GridPortfolio& portfolio;
    const Policy& policy;
    std::vector<Expiry> expiries;
};

// 1 +- range * (30 d / max(seconds, floor))^power.
Money shock_part(const GridRules::VolatilityRule& rule, std::uint64_t seconds, const Money& range) {
    const std::uint64_t time = std::max({seconds, rule.floor_s, std::uint64_t{1}});
    const Money& power = seconds <= kMonthSeconds ? rule.power_short : rule.power_long;
    const Money factor = money_of(pow(fraction(kMonthSeconds, time), q64_of(power)));
    return times(range, factor, Rounding::kUp);
}

// base e^(-tau (rate factor + add)) for what the account has.
Money long_discount(const GridRules::DiscountRule& rule, const GridExpiry& terms) {
    const Money rate = times(terms.rate, rule.long_rate_factor, Rounding::kUp) + rule.long_rate_add;
    return times(rule.long_base, discount_factor(rate, terms.seconds), Rounding::kDown);
}

// base e^(+tau (rate factor + add)) for what it owes, and never more than undiscounted.
Money short_discount(
    const GridRules::DiscountRule& rule, const GridExpiry& terms, const Money& discount
) {
    const Money rate =
        times(terms.rate, rule.short_rate_factor, Rounding::kDown) + rule.short_rate_add;
    const Money shrunk = max(discount_factor(rate, terms.seconds), Money::from_e18(1));
    const Money grown = over(rule.short_base, shrunk, Rounding::kUp);
    return min(grown, over(unit_ratio(), max(discount, Money::from_e18(1)), Rounding::kUp));
}

Bracket priced(
    const Expiry& expiry, const GridLeg& leg, const Money& forward, Q64 sigma, const Policy& policy
) {
    const OptionPair pair = forward_prices(forward, leg.strike, times(sigma, expiry.root));
    const Money& price = leg.is_call ? pair.call : pair.put;
    const Money value =
        times(times(price, expiry.discount, Rounding::kDown), leg.size, policy.value);
    if (!policy.charge_model_error) {
        return {.low = value, .high = value};
    }
    const Money slack =
        times(price_error(forward, leg.strike) + Money::from_e18(2), abs(leg.size), Rounding::kUp) +
        Money::from_e18(1);
    return {.low = value - slack, .high = value + slack};
}

template <class Sigma>
Bracket value_at(const Expiry& expiry, const Money& spot_shock, const Policy& policy, Sigma sigma) {
    const GridExpiry& terms = expiry.terms;
    const Money moving = terms.forward - terms.forward_fixed;
    const Money forward = times(moving, spot_shock, policy.value) + terms.forward_fixed;
    Bracket sum;
    for (const GridLeg& leg : terms.legs) {
        const Bracket value = priced(expiry, leg, forward, sigma(leg), policy);
        sum.low += value.low;
        sum.high += value.high;
    }
    return sum;
}

Q64 plain_volatility(const GridLeg& leg) {
    return q64_of(leg.volatility);
}

Money skew_cap(const GridRules::SkewRule& rule, Q64 root, bool linear) {
    const Money& base = linear ? rule.linear_base : rule.absolute_base;
    const Money& slope = linear ? rule.linear_slope : rule.absolute_slope;
    return base + times(slope, money_of(root), Rounding::kZero);
}

Money skew_width(const GridRules::SkewRule& rule, Q64 root) {
    const Money time = money_of(root);
    const Money level = rule.level + times(time, rule.level_slope, Rounding::kZero);
    const Money width = times(times(time, rule.width, Rounding::kZero), level, Rounding::kZero);
    return max(rule.least_width, width);
}

// Wings raised or lowered: sigma * (1 + clamp(k * cap / k*)), k = ln(K / F) or its magnitude.
Q64 skewed_volatility(
    const GridLeg& leg, const Money& forward, const Money& cap, const Money& width, bool linear
) {
    if (leg.strike.is_zero() || forward.is_zero() || width.is_zero()) {
        return q64_of(leg.volatility);
    }
    const Money k = money_of(
        ln(static_cast<Uint128>(units_of(leg.strike))) - ln(static_cast<Uint128>(units_of(forward)))
    );
    const Money moneyness = linear ? k : abs(k);
    const Money bend = mul_div(moneyness, cap, width, Rounding::kZero);
    const Money factor =
        unit_ratio() + (moneyness.is_negative() ? max(-cap, bend) : min(cap, bend));
    return q64_of(times(leg.volatility, max(factor, Money{}), Rounding::kZero));
}

Bracket shocked_value(const Valuation& v, const Expiry& expiry, const Shock& shock) {
    const GridRules& rules = v.rules;
    switch (shock.volatility) {
        case VolatilityShock::kNone:
            return value_at(expiry, shock.spot, v.policy, plain_volatility);
        case VolatilityShock::kUp:
            return value_at(expiry, shock.spot, v.policy, [&](const GridLeg& leg) {
                const Money raised = times(leg.volatility, expiry.shock_up, Rounding::kZero);
                return q64_of(max(rules.volatility.least_up, raised));
            });
        case VolatilityShock::kDown:
            return value_at(expiry, shock.spot, v.policy, [&](const GridLeg& leg) {
                return q64_of(times(leg.volatility, expiry.shock_down, Rounding::kZero));
            });
        case VolatilityShock::kLinearSkew:
        case VolatilityShock::kAbsoluteSkew:
            break;
    }
    const bool linear = shock.volatility == VolatilityShock::kLinearSkew;
    const Money cap = skew_cap(rules.skew, expiry.root, linear);
    const Money width = skew_width(rules.skew, expiry.root);
    return value_at(expiry, unit_ratio(), v.policy, [&](const GridLeg& leg) {
        return skewed_volatility(leg, expiry.terms.forward, cap, width, linear);
    });
}

// damp * (discount * shocked - mark), and of a bent skew the loss of either direction.
Money expiry_pnl(const Valuation& v, const Expiry& expiry, const Shock& shock) {
    const Bracket shocked = shocked_value(v, expiry, shock);
    const Money& discount =
        shocked.low.is_negative() ? expiry.discount_short : expiry.discount_long;
    const Money value = times(shocked.low, discount, v.policy.value);
    const Money pnl = times(value - expiry.mark.high, shock.damp, v.policy.value);
    return is_skew(shock.volatility) ? -abs(pnl) : pnl;
}

Money linear_part(const Valuation& v, const Shock& shock) {
    const GridPortfolio& p = v.portfolio;
    const Money move = shock.spot - unit_ratio();
    const auto counted = [&](const Money& pnl) {
        return times(pnl, shock.damp, v.policy.value);
    };
    Money sum = counted(
        times(p.perpetual_size, times(move, p.perpetual_price, v.policy.value), v.policy.value)
    );
    for (const GridCollateral& c : p.collaterals) {
        sum += c.moves_with_spot ? counted(times(c.value, move, v.policy.value)) : Money{};
    }
    return sum;
}

Money scenario_pnl(const Valuation& v, const Shock& shock) {
    Money sum = linear_part(v, shock);
    for (const Expiry& expiry : v.expiries) {
        sum += expiry_pnl(v, expiry, shock);
    }
    return sum;
}

// (add + factor * tau) * min(up - mark, down - mark, 0).
Money basis_of(const Valuation& v, const Expiry& expiry) {
    const GridRules::BasisRule& rule = v.rules.basis;
    const Bracket up = value_at(expiry, rule.up, v.policy, plain_volatility);
    const Bracket down = value_at(expiry, rule.down, v.policy, plain_volatility);
    const Money loss = min(Money{}, min(up.low, down.low) - expiry.mark.high);
    const Money tau = money_of(years(expiry.terms.seconds));
    const Money factor = rule.add + times(rule.factor, tau, v.policy.requirement);
    return times(loss, factor, v.policy.value);
}

struct Contingencies {
    Money maintenance;
    Money initial;
};

void add_perpetual(const Valuation& v, const Money& confidence, Contingencies& sum) {
    const GridRules::ContingencyRule& rule = v.rules.contingency;
    const Rounding up = v.policy.requirement;
    const Money exposure = times(abs(v.portfolio.perpetual_size), v.portfolio.spot, up);
    sum.maintenance += times(exposure, rule.perpetual_maintenance, up);
    sum.initial += times(exposure, rule.perpetual_initial, up);
    sum.initial += confidence_add_on(
        confidence, rule.confidence_threshold, rule.confidence_factor, exposure, v.policy
    );
}

void add_expiry(const Valuation& v, const Expiry& expiry, Contingencies& sum) {
    const GridRules::ContingencyRule& rule = v.rules.contingency;
    const Rounding up = v.policy.requirement;
    const Money naked = times(naked_shorts(expiry.terms.legs), v.portfolio.spot, up);
    sum.maintenance += times(naked, rule.option_maintenance, up);
    sum.initial += times(naked, rule.option_initial, up);
    Money count;
    for (const GridLeg& leg : expiry.terms.legs) {
        count += abs(leg.size);
    }
    sum.initial += confidence_add_on(
        expiry.confidence,
        rule.confidence_threshold,
        rule.confidence_factor,
        times(count, v.portfolio.spot, up),
        v.policy
    );
}

void add_collateral(const Valuation& v, const GridCollateral& c, Contingencies& sum) {
    const Rounding up = v.policy.requirement;
    sum.maintenance += times(c.value, c.maintenance_haircut, up);
    sum.initial += times(c.value, c.initial_haircut, up);
    sum.initial += confidence_add_on(
        min(c.confidence, v.portfolio.spot_confidence),
        c.confidence_threshold,
        v.rules.contingency.confidence_factor,
        c.value,
        v.policy
    );
}

Expiry valued(const GridExpiry& terms, const Policy& policy) {
    Expiry out{.terms = terms};
    out.root = sqrt(years(terms.seconds));
    out.discount = discount_factor(terms.rate, terms.seconds);
    out.mark = value_at(out, unit_ratio(), policy, plain_volatility);
    return out;
}

Expiry prepared(
    const GridRules& rules, const GridExpiry& terms, const Money& confidence, const Policy& policy
) {
    Expiry out = valued(terms, policy);
    const Money down = shock_part(rules.volatility, terms.seconds, rules.volatility.range_down);
    out.shock_up =
        unit_ratio() + shock_part(rules.volatility, terms.seconds, rules.volatility.range_up);
    out.shock_down = max(Money{}, unit_ratio() - down);
    out.discount_long = long_discount(rules.discount, terms);
    out.discount_short = short_discount(rules.discount, terms, out.discount);
    out.confidence = min(confidence, terms.confidence);
    return out;
}

Money perpetual_and_spot_confidence(const GridPortfolio& p) {
    return p.perpetual_size.is_zero() ? p.spot_confidence
                                      : min(p.spot_confidence, p.perpetual_confidence);
}

Valuation prepared(const GridRules& rules, const GridPortfolio& portfolio, const Policy& policy) {
    Valuation out{.rules = rules, .portfolio = portfolio, .policy = policy, .expiries = {}};
    const Money confidence = perpetual_and_spot_confidence(portfolio);
    out.expiries.reserve(portfolio.expiries.size());
    for (const GridExpiry& terms : portfolio.expiries) {
        out.expiries.push_back(prepared(rules, terms, confidence, policy));
    }
    return out;
}

ScenarioPnl pnl_of(const Valuation& v) {
    ScenarioPnl out;
    out.reserve(v.rules.shocks.size());
    for (const Shock& shock : v.rules.shocks) {
        out.push_back(scenario_pnl(v, shock));
    }
    return out;
}

Money scenario_loss(const GridRules& rules, const ScenarioPnl& pnl) {
    return rules.tail_level.is_zero() ? worst_of(pnl).pnl
                                      : -historical_risk(pnl, rules.tail_level).expected_shortfall;
}

// The initial factor grows while the settlement currency is below its peg.
Money initial_factor(const GridRules& rules, const Money& stable_price) {
    const GridRules::ContingencyRule& rule = rules.contingency;
    const Money below = max(Money{}, rule.peg_threshold - stable_price);
    return rules.initial_factor + times(below, rule.peg_factor, Rounding::kUp);
}

}  // namespace

std::optional<Money> damped_loss(std::span<const Shock> grid) {
    std::optional<Money> constant;
    for (const Shock& shock : grid) {
        if (shock.damp >= unit_ratio()) {
            continue;
        }
        const Money loss = times(shock.damp, abs(shock.spot - unit_ratio()), Rounding::kDown);
        // Both factors are cut to 18 decimals, so equal products may differ in the last ones.
        const Money tolerance = Money::from_e18(1'000'000'000);
        if (constant && abs(*constant - loss) > tolerance) {
            return std::nullopt;
        }
        constant = constant ? *constant : loss;
    }
    return constant ? constant : Money{};
}

Money naked_shorts(std::span<const GridLeg> legs) {
    std::map<Money, Money> net_shorts;
    for (const GridLeg& leg : legs) {
        net_shorts[leg.strike] -= leg.size;
    }
    Money sum;
    for (const auto& [strike, shorts] : net_shorts) {
        sum += max(Money{}, shorts);
    }
    return sum;
}

Money discount_factor(const Money& rate, std::uint64_t seconds) {
    return money_of(exp(-times(q64_of(max(rate, Money{})), years(seconds))));
}

ScenarioPnl grid_pnl(const GridRules& rules, const GridPortfolio& portfolio, const Policy& policy) {
    return pnl_of(prepared(rules, portfolio, policy));
}

Money grid_mark(const GridPortfolio& portfolio, const Policy& policy) {
    Money sum = portfolio.perpetual_value;
    for (const GridExpiry& terms : portfolio.expiries) {
        sum += valued(terms, policy).mark.low;
    }
    for (const GridCollateral& collateral : portfolio.collaterals) {
        sum += collateral.value;
    }
    return sum;
}

GridResult grid_margin(
    const GridRules& rules, const GridPortfolio& portfolio, const Policy& policy
) {
    const Valuation v = prepared(rules, portfolio, policy);
    GridResult out;
    Contingencies contingencies;
    out.mark = portfolio.perpetual_value;
    add_perpetual(v, perpetual_and_spot_confidence(portfolio), contingencies);
    for (const Expiry& expiry : v.expiries) {
        out.mark += expiry.mark.low;
        out.basis += basis_of(v, expiry);
        add_expiry(v, expiry, contingencies);
    }
    for (const GridCollateral& collateral : portfolio.collaterals) {
        out.mark += collateral.value;
        add_collateral(v, collateral, contingencies);
    }
    out.pnl = pnl_of(v);
    const Worst worst = worst_of(out.pnl);
    out.worst_scenario = worst.pnl < out.basis ? worst.scenario : rules.shocks.size();
    const Money loss = min(scenario_loss(rules, out.pnl), out.basis);
    out.maintenance_contingency = contingencies.maintenance;
    out.initial_contingency = contingencies.maintenance + contingencies.initial;
    const auto left = [&](const Money& factor, const Money& contingency) {
        return out.mark + portfolio.cash + times(loss, factor, policy.value) - contingency;
    };
    out.maintenance = left(rules.maintenance_factor, out.maintenance_contingency);
    out.liquidation_end = left(rules.liquidation_end_factor, out.maintenance_contingency);
    out.initial = left(initial_factor(rules, portfolio.stable_price), out.initial_contingency);
    return out;
}

}  // namespace margrave::margin
