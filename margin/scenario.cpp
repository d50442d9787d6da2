// SPDX-License-Identifier: Apache-2.0
#include "margin/scenario.hpp"

#include <algorithm>

namespace margrave::margin {

void add_scenarios(ScenarioPnl& into, const ScenarioPnl& vector, const Money& count) {
    MARGRAVE_ASSERT(into.size() == vector.size());
    for (std::size_t i = 0; i < into.size(); ++i) {
        into[i] += times(vector[i], count, Rounding::kDown);
    }
}

Worst worst_of(std::span<const Money> pnl) {
    MARGRAVE_ASSERT(!pnl.empty());
    const auto least = std::ranges::min_element(pnl);
    return {.pnl = *least, .scenario = static_cast<std::size_t>(least - pnl.begin())};
}

TailRisk historical_risk(ScenarioPnl pnl, const Money& level) {
    MARGRAVE_ASSERT(!pnl.empty());
    std::ranges::sort(pnl);
    const Money n = Money::from_e18(static_cast<std::int64_t>(pnl.size()));
    const Money tail = times(Money::whole(1) - level, n, Rounding::kUp);
    const Money bounded = clamp(tail, Money::from_e18(1), n);
    const auto count = static_cast<std::size_t>(units_of(bounded));
    Money sum;
    for (std::size_t i = 0; i < count; ++i) {
        sum += pnl[i];
    }
    return {
        .count = count,
        .value_at_risk = -pnl[count - 1],
        .expected_shortfall = mul_div(-sum, Money::from_e18(1), bounded, Rounding::kUp)};
}

ScenarioPnl linear_pnl(const Money& exposure, std::span<const Money> returns) {
    ScenarioPnl out;
    out.reserve(returns.size());
    for (const Money& r : returns) {
        out.push_back(times(exposure, r, Rounding::kDown));
    }
    return out;
}

}  // namespace margrave::margin
