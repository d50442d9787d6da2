// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/stress.hpp"
#include "relayer/replay.hpp"
#include "relayer/risk/history.hpp"

#include <string>
#include <vector>

namespace margrave::relayer {

/// All that a report shows, of one signed round.
struct ReportInput {
    const ReplayedRound& round;
    std::string node_name;
    std::vector<margin::StressResult> stress;
    bool depth_is_built_in{true};
    PriceHistory history;
};

/// One HTML document that needs nothing else: no scripts, no fonts, no images, nothing from
/// anywhere. Light or dark as the reader's system is.
std::string report_html(const ReportInput& input);

/// Maintenance-weighted collateral over maintenance-weighted debt of one account; a negative number
/// when it owes nothing. For charts only.
double health_factor(const margin::Evaluation& evaluation);

}  // namespace margrave::relayer
