// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

namespace margrave::relayer {

/// Fewer than so many pieces of work are not worth another thread.
constexpr std::size_t kPiecesPerCore = 512;

/// work(from, to) for parts that together are 0 to `count`, on as many threads as there are cores;
/// returns when all are done. The caller's thread takes a part too. What the parts share, nobody
/// may change meanwhile.
template <class Work>
void on_cores(std::size_t count, const Work& work) {
    const std::size_t cores = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
    const std::size_t parts = std::clamp<std::size_t>(count / kPiecesPerCore, 1, cores);
    // A future of std::async waits for its end wherever this function ends.
    std::vector<std::future<void>> others;
    others.reserve(parts - 1);
    for (std::size_t i = 1; i < parts; ++i) {
        others.push_back(
            std::async(std::launch::async, work, count * i / parts, count * (i + 1) / parts)
        );
    }
    work(std::size_t{0}, count / parts);
    for (std::future<void>& other : others) {
        other.get();
    }
}

/// work() once on each of as many threads as there are cores, at most `most`, the caller's among
/// them; returns when all are done. For work that is taken piece by piece from a common counter.
template <class Work>
void on_each_core(std::size_t most, const Work& work) {
    const std::size_t cores = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
    std::vector<std::future<void>> others;
    for (std::size_t i = 1; i < std::min(cores, most); ++i) {
        others.push_back(std::async(std::launch::async, work));
    }
    work();
    for (std::future<void>& other : others) {
        other.get();
    }
}

}  // namespace margrave::relayer
