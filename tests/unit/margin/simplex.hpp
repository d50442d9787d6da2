// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/unit/margin/exact.hpp"

#include <cstddef>
#include <optional>
#include <vector>

// A linear program in exact rationals, by the textbook (two phases, Bland's rule): what plans are
// held against. It knows nothing of networks.
namespace margrave::margin::tests {

struct Program {
    /// minimise sum of cost x over x >= 0
    std::vector<Rational> cost;

    struct Row {
        std::vector<Rational> of;
        Rational at_most;
    };

    /// sum of `of` x <= at_most
    std::vector<Row> rows;
};

/// The least cost; nothing when no x keeps all rows.
std::optional<Rational> minimum(const Program& program);

}  // namespace margrave::margin::tests
