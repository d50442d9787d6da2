// SPDX-License-Identifier: Apache-2.0
#include "oracle/slow.hpp"

#include <algorithm>
#include <optional>

namespace margrave::oracle {
namespace {

constexpr std::uint64_t kStepMin = 10;
constexpr std::uint64_t kStepMax = 600;
constexpr std::uint64_t kHour = 3'600;

Money times(std::uint64_t count) {
    return Money::whole(static_cast<std::int64_t>(count));
}

Money clamp_to(const Money& value, const Money& middle, const Money& distance) {
    const Result<Money> low = sub(middle, distance);
    const Result<Money> high = add(middle, distance);
    Money out = value;
    if (low) {
        out = max(out, low.value());
    }
    if (high) {
        out = min(out, high.value());
    }
    return out;
}

// middle * part, rounded down; nothing beyond 2^191 is a price.
Money part_of(const Money& middle, const Money& part) {
    const Result<Money> out = mul(middle, part, Round::kDown);
    return out ? out.value() : middle;
}

void count_hour(SlowState& state, const Money& price, std::uint64_t step) {
    const Result<Money> weighted = mul(price, times(step), Round::kDown);
    const Result<Money> sum = weighted ? add(state.sum, weighted.value()) : weighted;
    if (sum) {
        state.sum = sum.value();
        state.seconds += step;
    }
}

void end_hour(SlowState& state, std::uint64_t hours_kept) {
    if (state.seconds > 0) {
        const Money one = Money::whole(1);
        const Result<Money> average = mul_div(state.sum, one, times(state.seconds), Round::kDown);
        if (average) {
            state.hours.push_back(average.value());
        }
    }
    if (state.hours.size() > hours_kept) {
        const auto surplus = static_cast<std::ptrdiff_t>(state.hours.size() - hours_kept);
        state.hours.erase(state.hours.begin(), state.hours.begin() + surplus);
    }
    state.sum = Money{};
    state.seconds = 0;
}

}  // namespace

SlowState begin_slow(const Money& price, UnixSeconds now) {
    SlowState out;
    out.price = price;
    out.at = now;
    return out;
}

SlowState advance_slow(
    const SlowSettings& settings, const SlowState& state, const Money& price, UnixSeconds now
) {
    if (now.value < state.at.value + kStepMin) {
        return state;
    }
    SlowState out = state;
    const std::uint64_t step = std::min(now.value - state.at.value, kStepMax);
    if (now.value / kHour != state.at.value / kHour) {
        end_hour(out, settings.delay_hours);
    }
    count_hour(out, price, step);
    const Money an_hour = part_of(state.price, settings.max_per_hour);
    const Result<Money> bound = mul_div(an_hour, times(step), times(kHour), Round::kDown);
    const Money stepped = clamp_to(price, state.price, bound ? bound.value() : Money{});
    out.price = stepped;
    if (!out.hours.empty()) {
        // The average holds it back and never draws it on: what was pumped then must not come back
        // through the average when it is long over.
        const Money& delayed = out.hours.front();
        const Money near = clamp_to(stepped, delayed, part_of(delayed, settings.max_from_delayed));
        out.price = max(min(near, max(state.price, stepped)), min(state.price, stepped));
    }
    out.at = now;
    return out;
}

}  // namespace margrave::oracle
