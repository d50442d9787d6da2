// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace margrave::tests {

/// The folder of public test vectors, which the environment names; absent in a plain clone.
inline std::optional<std::string> vectors_dir() {
    const char* dir = std::getenv("MARGRAVE_VECTORS");
    if (dir == nullptr || *dir == '\0') {
        return std::nullopt;
    }
    return std::string(dir);
}

/// A whole file, or nothing when it cannot be read.
inline std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace margrave::tests

/// Ends a test as skipped, with the reason, where there are no public vectors. In a test body only.
#define MARGRAVE_SKIP_WITHOUT_VECTORS()                                                \
    do {                                                                               \
        if (!::margrave::tests::vectors_dir()) {                                       \
            GTEST_SKIP() << "MARGRAVE_VECTORS does not name a folder of test vectors"; \
        }                                                                              \
    } while (false)
