// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/events.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "infra/task.hpp"
#include "oracle/oracle.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace margrave::oracle {

/// The uptime feed of one L2's sequencer (docs.chain.link/data-feeds/l2-sequencer-feeds): an
/// aggregator whose answer is 0 while the sequencer is up and 1 while it is down, and whose
/// startedAt is when that began. Users cannot act while it is down, nor at once after.
struct SequencerFeed {
    ChainId chain;
    Address feed;
    /// How long after it came up again nothing is liquidated.
    std::uint64_t grace_s{3600};
};

struct SequencerState {
    bool up{false};
    /// When it came up or went down.
    UnixSeconds since;
    bool operator==(const SequencerState&) const = default;
};

/// From what latestRoundData() returned. kInvalid for another length, an answer that is neither 0
/// nor 1, and a round that never began (startedAt 0).
Result<SequencerState> decode_sequencer(ByteView returned);

/// Why nothing may be liquidated that has to do with the chain; empty when it may. Pure. A state
/// that began in the future counts as one that began now.
std::string hold_of(
    const SequencerFeed& feed, const Result<SequencerState>& state, UnixSeconds now
);

/// Reads every feed at the given block of its chain, all at once. Chains whose sequencer does not
/// allow liquidations, with the reason; a feed that cannot be read is one, and so is one without a
/// block to read at.
Task<std::map<ChainId, std::string>> read_sequencers(
    std::vector<SequencerFeed> feeds,
    CallAt call_at,
    std::map<ChainId, Hash32> blocks,
    UnixSeconds now
);

}  // namespace margrave::oracle
