// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"
#include "infra/log.hpp"
#include "relayer/chain_board.hpp"
#include "relayer/custody.hpp"
#include "relayer/scribe.hpp"
#include "store/database.hpp"
#include "store/incidents.hpp"
#include "store/ledger.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace margrave::relayer {

/// Takes what watchers read of each vault: a leaf for each result, a halt for a confirmed deficit,
/// a resume once it is over (docs/ledger.md section 14). What it knows of a chain outlives a
/// restart. On the daemon's thread; owned by App.
class Reconciler {
  public:
    struct Parts {
        const config::ReconciliationSettings& rules;
        const store::Ledger& ledger;
        const store::Database& database;
        const store::Incidents& incidents;
        /// Null in a dry run: nothing is written.
        Scribe* scribe;
        ChainBoard& board;
        const Clock& clock;
        infra::Logger log;
    };

    explicit Reconciler(Parts parts)
        : parts_(std::move(parts)) {}

    /// How the chains stood when the last process ended.
    Result<void> load(const std::vector<ChainId>& chains);

    struct Due {
        /// Ascending, below the final block.
        std::vector<BlockRef> below;
        /// Whether the final block is an anchor too.
        bool final{false};
    };

    /// What is to be read beside the final block itself.
    [[nodiscard]] Result<Due> due(const ChainId& chain, const BlockRef& final) const;

    /// Takes a reading; `state`, `readings` and `after` of it are written here. Why nothing may be
    /// signed that stands on the chain, or nothing. Errors stop the daemon.
    Result<std::optional<std::string>> take(attest::Reconciliation reading, bool anchor);

    /// Whether the chain is halted for its custody, and so goes on being followed: that is how one
    /// sees that the deficit is over.
    [[nodiscard]] bool is_watching(const ChainId& chain) const;
    /// Something worse was found of a chain that is halted for its custody: only an operator's word
    /// ends the halt.
    Result<void> give_up(const ChainId& chain);

    [[nodiscard]] const CustodyStanding& standing(const ChainId& chain) const;
    [[nodiscard]] std::optional<std::string> doubt(const ChainId& chain) const;

  private:
    Result<void> write(
        const attest::Reconciliation& reading, const CustodyStanding& before, CustodyStanding& after
    );
    [[nodiscard]] Result<store::ChainStop> stop_for(const attest::Reconciliation& reading) const;
    void tell(
        const attest::Reconciliation& reading,
        const CustodyStanding& before,
        const CustodyStanding& after
    ) const;

    Parts parts_;
    std::map<ChainId, CustodyStanding> standings_;
};

}  // namespace margrave::relayer
