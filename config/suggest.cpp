// SPDX-License-Identifier: Apache-2.0
#include "config/suggest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace margrave::config {
namespace {

// Optimal string alignment distance: Levenshtein's with a swap of two neighbours as one change.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> now(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = std::min(now[j], before[j - 2] + 1);
            }
        }
        before.swap(last);
        last.swap(now);
    }
    return last[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(
    std::string_view word, std::span<const std::string_view> candidates
) {
    constexpr std::size_t kWordMax = 64;
    std::optional<std::string_view> best;
    std::size_t best_distance = 0;
    if (word.size() > kWordMax) {
        return best;
    }
    for (const std::string_view candidate : candidates) {
        const std::size_t longest = std::max(word.size(), candidate.size());
        const std::size_t allowed = std::max<std::size_t>(1, longest / 3);
        const std::size_t d = distance(word, candidate);
        if (d <= allowed && d < longest && (!best || d < best_distance)) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

}  // namespace margrave::config
