// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/evidence_parts.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace margrave::margin::detail {
namespace {

using Units = Explanation::Units;

std::vector<Units> units_of(const std::vector<Term>& terms) {
    std::vector<Units> out;
    for (const Term& term : terms) {
        for (const Term::Part& part : term.parts) {
            out.push_back({part.asset.text(), part.collateral, part.debt});
        }
    }
    std::ranges::sort(out);
    return out;
}

enum class Bound : std::uint8_t { kLeast, kMost };

// Of what has no usable price, what is owed counts for the least and what is owned for the most; of
// what the parameters do not know, nothing does.
std::vector<Units> units_that_count(
    const Explanation& read, const Parameters& parameters, Bound bound
) {
    std::vector<Units> out;
    for (Units row : read.holdings) {
        const auto asset = AssetId::parse(row.asset);
        if (!asset || parameters.find(asset.value()) == nullptr) {
            continue;
        }
        if (std::ranges::find(read.unvalued, row.asset, &Unvalued::what) != read.unvalued.end()) {
            (bound == Bound::kLeast ? row.collateral : row.debt) = Amount{};
        }
        if (!row.collateral.is_zero() || !row.debt.is_zero()) {
            out.push_back(std::move(row));
        }
    }
    std::ranges::sort(out);
    return out;
}

}  // namespace

void compare_parts(
    const Explanation& read, const Parameters& parameters, std::vector<std::string>& findings
) {
    if (units_of(read.terms) != units_that_count(read, parameters, Bound::kLeast)) {
        findings.emplace_back("the parts of the terms are not the holdings");
    }
}

void compare_parts_at_most(
    const Explanation& read, const Parameters& parameters, std::vector<std::string>& findings
) {
    if (units_of(read.at_most->terms) != units_that_count(read, parameters, Bound::kMost)) {
        findings.emplace_back("at most: the parts of the terms are not the holdings");
    }
    for (const Term& known : read.terms) {
        const auto same = std::ranges::find(read.at_most->terms, known.asset, &Term::asset);
        if (same != read.at_most->terms.end() && same->price != known.price) {
            findings.push_back(
                "at most: the price of " + known.asset + " is " + same->price.to_decimal() +
                ", and it has the price " + known.price.to_decimal()
            );
        }
    }
}

}  // namespace margrave::margin::detail
