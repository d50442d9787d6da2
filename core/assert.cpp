// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace margrave {

void assertion_failed(const char* claim, const char* file, int line) noexcept {
    std::fprintf(stderr, "margrave: assertion failed: %s (%s:%d)\n", claim, file, line);
    std::fflush(stderr);
    std::abort();
}

}  // namespace margrave
