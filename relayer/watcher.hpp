// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"
#include "store/ledger.hpp"

#include <functional>
#include <optional>
#include <string>

namespace margrave::relayer {

/// Follows one chain: asks the adapter for the next proved updates, applies each to the ledger in
/// one batch, compares custody at every new final block that is the chain's own latest final one,
/// so that catching up needs no node with old states. Asks again only after the ledger has what it
/// asked for, so a slow store slows the reading and nothing piles up. One instance a chain, on the
/// daemon's thread; owned by App.
class Watcher {
  public:
    struct Parts {
        chains::ChainAdapter& adapter;
        store::Ledger& ledger;
        infra::Logger log;
        /// The head or the final block moved.
        std::function<void()> moved;
        /// Custody verdict of this chain at a final block: what is missing, or nothing when the
        /// vault covers the ledger there.
        std::function<void(BlockNum at, std::optional<std::string> deficit)> custody;
    };

    explicit Watcher(Parts parts);

    /// One step. True when something was applied, so that the next step need not wait. Errors that
    /// are the world's (timeout, rpc, unproved) are for a later try; kStore, kCorrupt and
    /// kBelowFinality are for the caller to stop on.
    Task<Result<bool>> pass();

    struct Health {
        chains::ChainLag lag;
        /// Blocks applied since the start, for rate and ETA.
        std::uint64_t blocks{0};
        std::uint64_t events{0};
        std::string last_error;
        std::uint64_t errors_in_a_row{0};
        /// Contracts and chain id were checked since the last connection error.
        bool probed{false};
    };

    [[nodiscard]] const Health& health() const { return health_; }

  private:
    [[nodiscard]] chains::ChainView view() const;
    Result<bool> apply(const std::vector<ChainUpdate>& updates);
    Task<Result<void>> check_custody();
    Error remember(const Error& error);

    Parts parts_;
    Health health_;
    std::optional<BlockNum> custody_checked_;
    /// Something was applied that `moved` does not know of yet.
    bool untold_{false};
};

}  // namespace margrave::relayer
