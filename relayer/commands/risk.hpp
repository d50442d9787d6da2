// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relayer/replay.hpp"
#include "relayer/risk/scenarios.hpp"

#include <string>

namespace CLI {
class App;
}

namespace margrave::relayer {

struct Context;

/// Options that `stress` and `report` share.
struct StressOptions {
    /// Scenario file; empty for none.
    std::string file;
    bool no_built_in{false};
};

/// The built-in shocks and those of the file. kUsage for a file with problems, which go to
/// `context.problems`, and when there is no shock at all.
Result<Scenarios> scenarios_of(
    Context& context, const StressOptions& options, const ReplayedRound& round
);

// The commands below `margrave risk` beside `stress`, each in the file of its name.
void add_risk_bad_debt(CLI::App& risk, Context& context);
void add_risk_replay(CLI::App& risk, Context& context);
void add_risk_forecast(CLI::App& risk, Context& context);
void add_risk_scenarios(CLI::App& risk, Context& context);
void add_risk_report(CLI::App& risk, Context& context);

}  // namespace margrave::relayer
