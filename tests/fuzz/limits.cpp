// SPDX-License-Identifier: Apache-2.0
// Around every target: no input may take more than 100 ms of processor time or have more than
// 64 MiB allocated at one time, sanitizers included. libFuzzer's own limits count whole seconds and
// the whole process.
#include "core/assert.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <sanitizer/allocator_interface.h>

// The linker puts ours before the target's (cmake/targets.cmake).
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" int __real_LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int __wrap_LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// NOLINTEND(bugprone-reserved-identifier)

namespace {

constexpr double kMillisecondsMax = 100;
constexpr std::int64_t kBytesMax = std::int64_t{64} << 20;
/// A machine that does other things too may be slow once.
constexpr int kTries = 3;

std::atomic<std::int64_t> allocated{0};
std::atomic<std::int64_t> most_allocated{0};
double slowest = 0;
std::int64_t largest = 0;

void count_allocation(const volatile void* /*where*/, std::size_t size) {
    const std::int64_t now = allocated += static_cast<std::int64_t>(size);
    if (now > most_allocated) {
        most_allocated = now;
    }
}

void count_free(const volatile void* where) {
    if (where != nullptr) {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it only looks the address up.
        const void* const plain = const_cast<const void*>(where);
        allocated -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(plain));
    }
}

double milliseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void tell() {
    std::fprintf(
        stderr,
        "slowest input %.1f ms, largest %.2f MiB\n",
        slowest,
        static_cast<double>(largest) / (1 << 20)
    );
}

bool start() {
    const int installed = __sanitizer_install_malloc_and_free_hooks(count_allocation, count_free);
    MARGRAVE_ASSERT(installed > 0);
    MARGRAVE_ASSERT(std::atexit(tell) == 0);
    return true;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __wrap_LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool started = start();
    MARGRAVE_ASSERT(started);
    int out = 0;
    double took = 0;
    std::int64_t bytes = 0;
    for (int i = 0; i < kTries; ++i) {
        const std::int64_t before = allocated;
        most_allocated = before;
        const double begun = milliseconds();
        out = __real_LLVMFuzzerTestOneInput(data, size);
        took = milliseconds() - begun;
        bytes = most_allocated - before;
        if (took <= kMillisecondsMax) {
            break;
        }
    }
    slowest = std::max(slowest, took);
    largest = std::max(largest, bytes);
    MARGRAVE_ASSERT(took <= kMillisecondsMax);
    MARGRAVE_ASSERT(bytes <= kBytesMax);
    return out;
}
