// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace margrave {

/// Prints `claim`, file and line to stderr and aborts. Exit is by SIGABRT, so a supervisor sees a
/// crash and never a clean stop.
[[noreturn]] void assertion_failed(const char* claim, const char* file, int line) noexcept;

}  // namespace margrave

/// One claim that must hold in every build; a false one stops the process before it signs. Never
/// for input from a file, a node or a peer: those get a Result.
#define MARGRAVE_ASSERT(claim)                                        \
    do {                                                              \
        if (!(claim)) [[unlikely]] {                                  \
            ::margrave::assertion_failed(#claim, __FILE__, __LINE__); \
        }                                                             \
    } while (false)
