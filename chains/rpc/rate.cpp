// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/rate.hpp"

#include <algorithm>

namespace margrave::chains::rpc {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

constexpr nanoseconds kFull = std::chrono::seconds{1};

}  // namespace

nanoseconds TokenBucket::worth(std::uint64_t cost) const {
    // A batch is never so large that an hour would not pay for it; the bound keeps it in range.
    constexpr nanoseconds kMax = std::chrono::hours{1};
    const auto each = static_cast<std::uint64_t>(kFull.count()) / per_second_;
    const auto most = static_cast<std::uint64_t>(kMax.count());
    return each != 0 && cost > most / each ? kMax : nanoseconds(each * cost);
}

nanoseconds TokenBucket::wait(SteadyTime now, std::uint64_t cost) const {
    if (per_second_ == 0) {
        return nanoseconds{0};
    }
    const nanoseconds owed = std::max(full_at_ - now, nanoseconds{0});
    const nanoseconds room = kFull - std::min(worth(cost), kFull);
    return std::max(owed - room, nanoseconds{0});
}

void TokenBucket::take(SteadyTime now, std::uint64_t cost) {
    if (per_second_ != 0) {
        full_at_ = std::max(full_at_, now) + worth(cost);
    }
}

void TokenBucket::give_back(std::uint64_t cost) {
    if (per_second_ != 0) {
        full_at_ -= worth(cost);
    }
}

void Latency::note(milliseconds sample) {
    last_.at(count_ % last_.size()) = sample;
    mean_ = count_ == 0 ? sample : mean_ + (std::chrono::microseconds(sample) - mean_) / 8;
    ++count_;
}

void Latency::note_at_least(milliseconds waited) {
    if (waited > mean_) {
        mean_ += (std::chrono::microseconds(waited) - mean_) / 8;
    }
}

milliseconds Latency::p95() const {
    const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(count_, last_.size()));
    if (known == 0) {
        return milliseconds{0};
    }
    std::array<milliseconds, 64> sorted = last_;
    // The smallest one that 95 of 100 do not exceed.
    const std::size_t rank = (known * 95 + 99) / 100 - 1;
    std::ranges::nth_element(
        sorted.begin(),
        sorted.begin() + static_cast<std::ptrdiff_t>(rank),
        sorted.begin() + static_cast<std::ptrdiff_t>(known)
    );
    return sorted.at(rank);
}

}  // namespace margrave::chains::rpc
