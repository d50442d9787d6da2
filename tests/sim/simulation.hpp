// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace margrave::tests::sim {

struct SimulationOptions {
    std::uint64_t seed{0};
    /// At least so many things happen before the faults stop.
    std::uint64_t events{500};
    /// Each of them as a line on standard output.
    bool print{false};
};

struct SimulationResult {
    /// What must never be; empty when all holds.
    std::string finding;
    /// Equal for two runs of one seed.
    Hash32 trace;
    std::uint64_t events{0};
    std::uint64_t statements{0};
    /// Things that happened, by kind.
    std::map<std::string, std::uint64_t> counts;
};

/// One life of a daemon over real ledger, guard, log, rounds and delivery, all of it from the seed
/// (docs/testing.md). One at a time in a process, on one thread.
SimulationResult simulate(const SimulationOptions& options);

}  // namespace margrave::tests::sim
