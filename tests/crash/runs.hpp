// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace margrave::crash {

struct Run {
    std::filesystem::path dir;
    std::uint64_t count{0};
    std::uint64_t seed{1};
    /// The only moment, or kind of fault, that is tried, e.g. "power cut"; empty for all.
    std::string only;
};

// Each prints what it did and returns 0 when all of it held.

/// SIGKILL at random moments of start and work; `count` cycles.
int run_kills(const Run& run);
/// Death at every named moment, `count` times each.
int run_points(const Run& run);
/// For every kind of fault: at the n-th operation on the disk, n = 1, 1 + count, 1 + 2 count, ...
/// until a run ends without it.
int run_faults(const Run& run);
/// `count` single bytes changed, over every file.
int run_flips(const Run& run);

}  // namespace margrave::crash
