// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/forecast.hpp"

#include <cmath>

namespace margrave::relayer {
namespace {

// count ln(part), which is zero for no count at all.
double log_part(double count, double part) {
    return count > 0 ? count * std::log(part) : 0.0;
}

}  // namespace

Coverage coverage(std::size_t forecasts, std::size_t misses, double level) {
    Coverage out{.forecasts = forecasts, .misses = misses};
    if (forecasts == 0) {
        return out;
    }
    const auto n = static_cast<double>(forecasts);
    const auto x = static_cast<double>(misses);
    const double expected = log_part(n - x, 1 - level) + log_part(x, level);
    const double seen = log_part(n - x, 1 - x / n) + log_part(x, x / n);
    out.ratio = std::max(2 * (seen - expected), 0.0);
    // The tail of chi-squared with one degree of freedom is that of a squared normal variable.
    out.p = std::erfc(std::sqrt(out.ratio / 2));
    return out;
}

}  // namespace margrave::relayer
