// SPDX-License-Identifier: Apache-2.0
#include "relayer/silence.hpp"

namespace margrave::relayer {

Result<void> check_registry(
    const ChainId& chain, RoundNum on_chain, const Hash32& digest, const OwnRound& own
) {
    if (on_chain > own.round) {
        return fail(
            Errc::kUnsafe,
            "the registry on " + chain.text() + " has round " + std::to_string(on_chain.value) +
                " but this data directory ends at round " + std::to_string(own.round.value) +
                ": it was restored, or another process signs with this key. Nothing is signed. "
                "Find that process and stop one of the two; if there is none, put back the data "
                "directory that signed last (docs/operating.md section 11)"
        );
    }
    if (on_chain == own.round && on_chain.value != 0 && !digest.is_zero() && digest != own.digest) {
        return fail(
            Errc::kUnsafe,
            "the registry on " + chain.text() + " holds another digest for round " +
                std::to_string(on_chain.value) + " than this log: " + to_hex(digest) +
                ". Another process signs with this key. Nothing is signed; find it, and retire the "
                "key"
        );
    }
    return ok();
}

Silence::Silence(std::chrono::seconds length, Time start, OwnRound own)
    : length_(length),
      start_(start),
      own_(own),
      over_(length.count() == 0) {}

Result<void> Silence::hear(const ChainId& chain, RoundNum round, const Hash32& digest, Time now) {
    MARGRAVE_TRY(check_registry(chain, round, digest, own_));
    over_ = over_ || now >= start_ + length_;
    return ok();
}

std::string Silence::words(Time now) const {
    if (length_.count() == 0) {
        return "off";
    }
    if (over_) {
        return "over";
    }
    const auto passed = std::chrono::floor<std::chrono::seconds>(now - start_);
    if (passed >= length_) {
        return "waits for a registry to answer";
    }
    return std::to_string((length_ - passed).count()) + " s left";
}

}  // namespace margrave::relayer
