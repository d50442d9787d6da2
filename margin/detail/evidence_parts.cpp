// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/evidence_parts.hpp"

#include <algorithm>

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

template <class Passes>
std::vector<Units> units_of(const std::vector<Units>& holdings, Passes passes) {
    std::vector<Units> out;
    for (const Units& row : holdings) {
        const bool is_empty = row.collateral.is_zero() && row.debt.is_zero();
        if (!is_empty && !passes(row)) {
            out.push_back(row);
        }
    }
    std::ranges::sort(out);
    return out;
}

}  // namespace

void compare_parts(const Explanation& read, std::vector<std::string>& findings) {
    const auto is_unvalued = [&read](const Units& row) {
        return std::ranges::find(read.unvalued, row.asset, &Unvalued::what) != read.unvalued.end();
    };
    if (units_of(read.terms) != units_of(read.holdings, is_unvalued)) {
        findings.emplace_back("the parts of the terms are not the holdings that have a price");
    }
}

void compare_parts_at_most(
    const Explanation& read, const Parameters& parameters, std::vector<std::string>& findings
) {
    const auto is_unknown = [&parameters](const Units& row) {
        const auto asset = AssetId::parse(row.asset);
        return !asset || parameters.find(asset.value()) == nullptr;
    };
    if (units_of(read.at_most->terms) != units_of(read.holdings, is_unknown)) {
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
