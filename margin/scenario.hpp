// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/numeric.hpp"

#include <cstddef>
#include <span>
#include <vector>

// Profit and loss under a list of scenarios. Positions of one underlying are valued under the same
// list, their vectors are added and only then is the worst entry taken: that is netting, and the
// order matters (SPAN: the scanning risk is the minimum of the sum). Different underlyings have
// different lists and never offset. A grid of shocks and a history of returns are both such lists.
namespace margrave::margin {

/// One entry a scenario; negative is a loss.
using ScenarioPnl = std::vector<Money>;

/// into += count * vector; both of one length.
void add_scenarios(ScenarioPnl& into, const ScenarioPnl& vector, const Money& count);

struct Worst {
    Money pnl;
    std::size_t scenario{0};
};

/// The smallest entry and the first scenario that has it. Not empty.
Worst worst_of(std::span<const Money> pnl);

/// The `count` worst entries out of n at confidence `level` (E18, in (0, 1]): the k-th smallest
/// with k = ceil((1 - level) n), at least 1. Standard definitions of historical value at risk and
/// expected shortfall. Both are losses: positive where money is lost.
struct TailRisk {
    std::size_t count{0};
    Money value_at_risk;
    /// Mean of the `count` worst losses, rounded up.
    Money expected_shortfall;
};

TailRisk historical_risk(ScenarioPnl pnl, const Money& level);

/// The pnl of a linear exposure (USD) under returns of its price (E18), rounded down.
ScenarioPnl linear_pnl(const Money& exposure, std::span<const Money> returns);

}  // namespace margrave::margin
