// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/requests.hpp"
#include "chains/settings.hpp"
#include "core/events.hpp"

#include <optional>
#include <span>
#include <vector>

/// Turns a node's logs into proved events, or says why they are not proved.
namespace margrave::chains::evm {

/// The accumulators of the vault and, where there is one, of the position book.
struct Accumulators {
    Accumulator vault;
    Accumulator positions;
    bool operator==(const Accumulators&) const = default;
};

/// The contracts of ours whose events are followed: the vault, then the position book, as far as
/// they are configured.
std::vector<Address> emitters_of(const ChainSettings& settings);

/// The calls that read the contracts' accumulators at a block, in the order of emitters_of.
std::vector<rpc::RpcCall> ask_accumulators(const ChainSettings& settings, const Hash32& block);
/// `answers` are the raw answers to ask_accumulators. A contract that is not deployed at that block
/// has an empty accumulator.
Result<Accumulators> read_accumulators(
    const ChainSettings& settings, std::span<const Bytes> answers
);

/// The blocks with their events: every log belongs to one of `blocks` by hash, in order of (block,
/// index), from a followed contract; sequences have no gap; and the fold over all of them from
/// `before` is `claimed`, what the contracts say at the last block. kUnproved with the counts and
/// hashes that differ: a log is missing, doubled, altered or invented. Without `claimed` the caller
/// has proved that the logs are all there are.
Result<std::vector<BlockData>> prove_events(
    const ChainSettings& settings,
    std::span<const BlockRef> blocks,
    std::span<const NodeLog> logs,
    const Accumulators& before,
    const std::optional<Accumulators>& claimed
);

/// Whether the ledger may begin at settings.start_block: `at_parent` is what the contracts say one
/// block earlier, and it must be what the ledger has, which is nothing.
Result<void> check_start(
    const ChainSettings& settings, const Accumulators& ledger, const Accumulators& at_parent
);

}  // namespace margrave::chains::evm
