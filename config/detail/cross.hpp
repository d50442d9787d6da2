// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/detail/build.hpp"
#include "config/settings.hpp"

#include <nlohmann/json.hpp>

#include <vector>

// Rules that join two values, which no row of the table can say. Each looks only at values that are
// right by themselves, so that one mistake is reported once.
namespace margrave::config::detail {

void check_network(
    const nlohmann::json& document, const Settings& settings, std::vector<Problem>& out
);
void check_chains(
    const nlohmann::json& document, const Settings& settings, std::vector<Problem>& out
);
/// The watches of each chain: ABI texts, names of arguments, what each meaning needs. `out` holds
/// the problems found so far: a watch that has one is not looked at again.
void check_watches(
    const nlohmann::json& document, const Settings& settings, std::vector<Problem>& out
);
/// That no rate counts in a block that is not read. After the contracts are known: they may say
/// where reading begins.
void check_rate_blocks(const Settings& settings, std::vector<Problem>& out);
void check_assets(const nlohmann::json& document, std::vector<Problem>& out);
/// Tiers of what counts before it is final: amounts that the token can show, fewer blocks than the
/// chain's own finality, a total.
void check_early(const nlohmann::json& document, std::vector<Problem>& out);
/// The sources of every price: their chains, units and what joins their keys; that no price is
/// quoted in itself, by whatever way. `given` is the document without its defaults.
void check_prices(
    const nlohmann::json& document,
    const nlohmann::json& given,
    const Settings& settings,
    std::vector<Problem>& out
);
/// That the mark of the signing guard does not lie inside of what it guards.
void check_guard(const Settings& settings, std::vector<Problem>& out);
/// margin::check's findings at their places in the config. `out` holds the problems found so far:
/// an asset that has one is not looked at again.
void check_parameters(const Built& built, std::vector<Problem>& out);

/// What may be meant but should be known: fixed prices, a single source, a signing guardian, debt
/// that collateral of some chain cannot be sold for.
std::vector<Problem> notes_of(const nlohmann::json& document, const Settings& settings);

}  // namespace margrave::config::detail
