// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "core/clock.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"
#include "oracle/oracle.hpp"
#include "relayer/book.hpp"
#include "relayer/grants.hpp"
#include "relayer/scribe.hpp"
#include "store/ledger.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace margrave::relayer {

/// From final heads and prices to a signed round, and then to what follows from it: answers to
/// requests, liquidations, what expired. One instance, on the daemon's thread, owned by App.
class Rounds {
  public:
    struct Parts {
        const config::Settings& settings;
        store::Ledger& ledger;
        store::Database& database;
        oracle::Oracle& oracle;
        Scribe& scribe;
        const Clock& clock;
        infra::Logger log;
    };

    explicit Rounds(Parts parts);

    /// Loads the firm state of all accounts and the latch of the last round.
    Result<void> open();

    /// One pass: follow the final heads, read prices, sign a round when one is due, answer
    /// requests, plan liquidations, publish. True when a round was signed. kUnsafe and store
    /// errors mean the process must stop; others are retried at the next pass.
    Task<Result<bool>> pass();

    /// What a chain's vault holds was compared with the ledger at its final block `at`. Rounds
    /// stand on compared blocks only; while a vault holds less than the ledger says, nothing is
    /// signed.
    void set_custody(const ChainId& chain, BlockNum at, std::optional<std::string> deficit);

    [[nodiscard]] const Book& book() const { return book_; }

    [[nodiscard]] const std::optional<oracle::PriceSet>& prices() const { return prices_; }

    [[nodiscard]] const std::map<ChainId, std::string>& deficits() const { return deficits_; }

    /// Why the last pass signed nothing, for people; empty when it did or nothing was due.
    [[nodiscard]] const std::string& waiting_for() const { return waiting_for_; }

  private:
    /// What a pass does once prices are read; plain, so that a test needs no network.
    Result<bool> decide(UnixSeconds now);
    /// Moves the firm state to the final blocks whose custody was compared. False while a chain has
    /// none.
    Result<bool> follow_finality();
    Result<void> load_last_round();
    /// The next block each chain's firm state stands on. Absent while a chain has none.
    std::optional<store::AsOf> next_firm();
    Result<void> follow_provisional();
    [[nodiscard]] bool is_due(bool status_changed, UnixSeconds now) const;
    Result<RoundDraft> draft(UnixSeconds now) const;
    Result<void> sign_round(UnixSeconds now);
    Result<std::vector<Head>> final_heads() const;
    [[nodiscard]] std::map<ChainId, Hash32> head_hashes() const;

    Parts parts_;
    Book book_;
    store::AsOf firm_;
    std::optional<oracle::PriceSet> prices_;
    margin::PriceTable table_;
    std::map<ChainId, std::string> deficits_;
    /// Final blocks at which the vault was found to cover the ledger.
    store::AsOf covered_;
    RequestCursor cursor_;
    infra::LogLimiter limiter_{8, std::chrono::seconds(30)};
    std::string waiting_for_;
};

}  // namespace margrave::relayer
