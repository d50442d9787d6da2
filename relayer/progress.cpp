// SPDX-License-Identifier: Apache-2.0
#include "relayer/progress.hpp"

#include <algorithm>

namespace margrave::relayer {

using std::chrono::milliseconds;

std::optional<Progress::Line> Progress::note(
    Time now, BlockNum block, BlockNum to, std::uint64_t events
) {
    const Mark here{now, block, events};
    // Another reading, or the chain went back: its pace begins anew.
    if (!mark_ || block < mark_->block || events < mark_->events) {
        mark_ = here;
        return std::nullopt;
    }
    const auto passed = std::chrono::duration_cast<milliseconds>(now - mark_->at);
    if (passed < kEvery) {
        return std::nullopt;
    }
    const auto ms = static_cast<std::uint64_t>(passed.count());
    const std::uint64_t blocks = block.value - mark_->block.value;
    Line out;
    out.block = block;
    out.to = std::max(block, to);
    const std::uint64_t all = out.to.value - std::min(first_, out.to).value + 1;
    const std::uint64_t done = block.value - std::min(first_, block).value + 1;
    out.percent = static_cast<std::uint64_t>(static_cast<__uint128_t>(done) * 100 / all);
    out.blocks_per_s = blocks * 1000 / ms;
    out.events_per_s = (events - mark_->events) * 1000 / ms;
    if (blocks > 0) {
        const std::uint64_t left = out.to.value - block.value;
        const auto s =
            static_cast<std::uint64_t>(static_cast<__uint128_t>(left) * ms / blocks / 1000);
        out.left =
            std::chrono::seconds(static_cast<std::int64_t>(std::min<std::uint64_t>(s, INT64_MAX)));
    }
    mark_ = here;
    return out;
}

std::string pace_text(
    const std::string& what, std::uint64_t done, std::uint64_t all, milliseconds passed
) {
    const auto ms = static_cast<__uint128_t>(std::max<std::int64_t>(passed.count(), 1));
    const auto text = [](__uint128_t number) {
        return std::to_string(static_cast<std::uint64_t>(number));
    };
    const __uint128_t size = std::max<std::uint64_t>(all, 1);
    const __uint128_t a_second = __uint128_t{done} * 1000 / ms;
    std::string out = text(done) + " of " + text(all) + " " + what + ", " +
                      text(__uint128_t{done} * 100 / size) + " %, ";
    out += a_second > 0 ? text(a_second) + " a second"
                        : text(__uint128_t{done} * 60'000 / ms) + " a minute";
    if (done > 0) {
        out += ", " + text(__uint128_t{all - std::min(done, all)} * ms / done / 1000) + " s left";
    }
    return out;
}

}  // namespace margrave::relayer
