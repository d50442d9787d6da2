// SPDX-License-Identifier: Apache-2.0
#include "infra/random.hpp"

#include "core/assert.hpp"

#include <cerrno>
#include <sys/random.h>

namespace margrave::infra {

void random_bytes(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        // There is no safe way to go on without randomness.
        MARGRAVE_ASSERT(got > 0);
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::uint64_t random_below(std::uint64_t bound) {
    MARGRAVE_ASSERT(bound > 0);
    // 2^64 mod bound values at the low end are skipped so that every remainder is equally likely.
    const std::uint64_t skip = (0 - bound) % bound;
    while (true) {
        std::uint64_t value = 0;
        random_bytes({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
        if (value >= skip) {
            return value % bound;
        }
    }
}

}  // namespace margrave::infra
