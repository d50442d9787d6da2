// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/stress.hpp"
#include "relayer/replay.hpp"

#include <nlohmann/json_fwd.hpp>

#include <span>
#include <string>
#include <vector>

namespace margrave::relayer {

/// The accounts, prices and dead chains of a signed round, as stress takes them. `hub` is the chain
/// of the position book.
margin::StressBook stress_book(const ReplayedRound& round, const ChainId& hub);

nlohmann::json stress_json(std::span<const margin::StressResult> results);
nlohmann::json depth_json(const margin::Depth& depth);
std::string stress_text(std::span<const margin::StressResult> results);

/// The latch that the round after `evaluation` has.
bool is_latched_after(const margin::Evaluation& evaluation);

}  // namespace margrave::relayer
