// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <chrono>
#include <string>

namespace margrave::relayer {

/// The last round that this guard and log signed.
struct OwnRound {
    RoundNum round;
    Hash32 digest;
};

/// kUnsafe when a registry has a round that is not ours: this data directory was rolled back, or
/// somebody else signs with this key. A digest of zero is one that was not asked for.
Result<void> check_registry(
    const ChainId& chain, RoundNum on_chain, const Hash32& digest, const OwnRound& own
);

/// Between a start and the first signature: the registries are watched for rounds of a second
/// signer with this key, which a copy of this daemon that runs elsewhere would bring there. Counts
/// time that passes, not what a clock says. Plain: App asks the chains and tells it what they said.
/// One strand.
class Silence {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// Zero length: there is none.
    Silence(std::chrono::seconds length, Time start, OwnRound own);

    /// What a registry says. The silence ends with the first word that is heard after its length.
    /// kUnsafe as check_registry.
    Result<void> hear(const ChainId& chain, RoundNum round, const Hash32& digest, Time now);

    [[nodiscard]] bool is_over() const { return over_; }

    /// "off", "over", or what is waited for.
    [[nodiscard]] std::string words(Time now) const;

  private:
    std::chrono::seconds length_;
    Time start_;
    OwnRound own_;
    bool over_;
};

}  // namespace margrave::relayer
