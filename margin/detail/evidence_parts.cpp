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

bool is_unvalued(const Explanation& read, const Units& row) {
    return std::ranges::find(read.unvalued, row.asset, &Unvalued::what) != read.unvalued.end();
}

bool is_empty(const Units& row) {
    return row.collateral.is_zero() && row.debt.is_zero();
}

const AssetParameters* known(const Units& row, const Parameters& parameters) {
    const auto asset = AssetId::parse(row.asset);
    return asset ? parameters.find(asset.value()) : nullptr;
}

enum class Bound : std::uint8_t { kLeast, kMost };

// Of what has no usable price, what is owed counts for the least and what is owned for the most; of
// what the parameters do not know, nothing does.
std::vector<Units> units_that_count(
    const Explanation& read, const Parameters& parameters, Bound bound
) {
    std::vector<Units> out;
    for (Units row : read.holdings) {
        if (known(row, parameters) == nullptr) {
            continue;
        }
        if (is_unvalued(read, row)) {
            (bound == Bound::kLeast ? row.collateral : row.debt) = Amount{};
        }
        if (!is_empty(row)) {
            out.push_back(std::move(row));
        }
    }
    std::ranges::sort(out);
    return out;
}

// A debt in an asset that the parameters do not know, or in one of which one form has a price and
// another has none.
bool is_owed_beside_a_price(
    const Explanation& read, const Units& owed, const Parameters& parameters
) {
    const AssetParameters* asset = known(owed, parameters);
    if (asset == nullptr) {
        return true;
    }
    const auto has_form = [&](bool unvalued) {
        return std::ranges::any_of(read.holdings, [&](const Units& row) {
            return !is_empty(row) && known(row, parameters) == asset &&
                   is_unvalued(read, row) == unvalued;
        });
    };
    return has_form(true) && has_form(false);
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

bool has_unpriced(const Explanation& read, const Parameters& parameters) {
    return std::ranges::any_of(read.holdings, [&](const Units& row) {
        return !is_empty(row) && known(row, parameters) != nullptr && is_unvalued(read, row);
    });
}

bool cannot_be_bounded(const Explanation& read, std::uint32_t flags, const Parameters& parameters) {
    const auto has_position = [&read](const Unvalued& row) {
        return std::ranges::any_of(read.positions, [&row](const std::string& market) {
            return row.what == "position " + market;
        });
    };
    const auto is_dead = [](const Unvalued& row) {
        return row.why == describe_guards(flags::kChainDead);
    };
    const auto makes_it_so = [&](const Units& owned) {
        const bool dead = std::ranges::any_of(read.unvalued, [&](const Unvalued& row) {
            return row.what == owned.asset && is_dead(row);
        });
        return dead || (!owned.debt.is_zero() && is_owed_beside_a_price(read, owned, parameters));
    };
    return (flags & flags::kArithmetic) != 0 || std::ranges::any_of(read.unvalued, has_position) ||
           std::ranges::any_of(read.holdings, makes_it_so);
}

}  // namespace margrave::margin::detail
