// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "core/clock.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"
#include "oracle/oracle.hpp"
#include "oracle/sequencer.hpp"
#include "relayer/book.hpp"
#include "relayer/chain_board.hpp"
#include "relayer/grants.hpp"
#include "relayer/liquidations.hpp"
#include "relayer/round_facts.hpp"
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
        ChainBoard& board;
        /// For the uptime feeds of sequencers.
        oracle::CallAt call_at;
    };

    explicit Rounds(Parts parts);

    /// Loads the firm state of all accounts and the latch of the last round.
    Result<void> open();
    /// In place of `open` over a restored ledger: read again in runs, it may not have the state
    /// that was attested last, so the book stands on the newest final blocks that were compared
    /// with their vaults. False, and nothing done, while there is none above what was attested.
    Result<bool> open_restored();

    /// One pass: follow the final heads, read prices, sign a round when one is due, answer
    /// requests, plan liquidations, publish. True when a round was signed. kUnsafe and store
    /// errors mean the process must stop; others are retried at the next pass.
    Task<Result<bool>> pass();

    /// What a chain's vault holds was compared with the ledger at its final block `at`. Rounds
    /// stand on compared blocks only; while a vault holds less than the ledger says, nothing is
    /// signed that stands on its chain.
    void set_custody(const ChainId& chain, BlockNum at, std::optional<std::string> deficit);

    [[nodiscard]] const Book& book() const { return book_; }

    [[nodiscard]] const std::optional<oracle::PriceSet>& prices() const { return prices_; }

    [[nodiscard]] const std::map<ChainId, std::string>& deficits() const { return deficits_; }

    /// Chains that are dead in the rounds of now, and why.
    [[nodiscard]] const margin::DeadChains& dead() const { return dead_; }

    [[nodiscard]] const std::map<ChainId, std::string>& dead_reasons() const {
        return dead_reasons_;
    }

    /// Chains whose sequencer allows no liquidation, and why.
    [[nodiscard]] const std::map<ChainId, std::string>& sequencer_holds() const {
        return sequencer_holds_;
    }

    /// Time of the final block that rounds stand on; absent while a chain has none.
    [[nodiscard]] std::optional<BlockRef> firm_head(const ChainId& chain) const;

    /// Why the last pass signed nothing, for people; empty when it did or nothing was due.
    [[nodiscard]] const std::string& waiting_for() const { return waiting_for_; }

  private:
    /// What a pass does once prices are read; plain, so that a test needs no network.
    Result<bool> decide(UnixSeconds now);
    /// Moves the firm state to the final blocks whose custody was compared. False while a chain has
    /// none.
    Result<bool> follow_finality();
    Result<std::vector<AccountHoldings>> read_each(
        const std::set<AccountId>& accounts, const store::AsOf& at
    ) const;
    /// Holdings of accounts whose loans bear interest.
    Result<std::vector<AccountHoldings>> read_accruing(
        const std::set<AccountId>& accruing, const store::AsOf& at
    ) const;
    Result<void> load_last_round();
    /// With everybody's holdings as of firm_.
    Result<void> fill_book();
    Result<void> recall_prices(const Attestation& attestation);
    /// The next block each chain's firm state stands on. Absent while a chain has none.
    std::optional<store::AsOf> next_firm();
    Result<void> follow_provisional();
    /// Which chains are dead at the time of issue. False, with what is waited for, while one is
    /// neither followed nor dead.
    Result<bool> judge_chains(UnixSeconds now);
    [[nodiscard]] std::string held(const ChainId& chain, UnixSeconds now, bool too_old) const;
    [[nodiscard]] UnixSeconds issue_time(UnixSeconds now) const;
    [[nodiscard]] std::map<ChainId, Hash32> firm_hashes() const;
    [[nodiscard]] std::vector<oracle::SequencerFeed> sequencers() const;
    Result<Canonical> evidence(const RoundDraft& draft) const;
    [[nodiscard]] bool is_due(bool status_changed, UnixSeconds now) const;
    Result<void> load_previous_rules();
    /// The signed parameters as they are at a time of issue.
    [[nodiscard]] margin::Parameters rules_at(UnixSeconds issued_at) const;
    Result<margin::RoundFacts> facts(UnixSeconds now) const;
    Result<RoundDraft> draft(UnixSeconds now) const;
    Result<void> sign_round(UnixSeconds now);
    /// kCorrupt when it is gone, kStore when the store failed and nobody knows.
    Result<BlockRef> final_block(const ChainId& chain, BlockNum number) const;
    Result<std::vector<Head>> final_heads() const;
    [[nodiscard]] std::map<ChainId, BlockRef> price_heads() const;

    Parts parts_;
    // With the parameters that are in force in this pass: what everything is judged by.
    config::Settings settings_;
    // Those that the parameters' change names.
    std::optional<margin::Parameters> previous_rules_;
    Book book_;
    store::AsOf firm_;
    std::optional<oracle::PriceSet> prices_;
    margin::PriceTable table_;
    std::map<ChainId, std::string> deficits_;
    /// Final blocks at which the vault was found to cover the ledger.
    store::AsOf covered_;
    margin::DeadChains dead_;
    std::map<ChainId, std::string> dead_reasons_;
    std::map<ChainId, std::string> sequencer_holds_;
    UnixSeconds opened_;
    RequestCursor cursor_;
    LiquidationSweep sweep_;
    infra::LogLimiter limiter_{8, std::chrono::seconds(30)};
    std::string waiting_for_;
};

}  // namespace margrave::relayer
