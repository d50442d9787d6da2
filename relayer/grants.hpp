// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "infra/log.hpp"
#include "margin/health.hpp"
#include "margin/in_force.hpp"
#include "relayer/book.hpp"
#include "relayer/scribe.hpp"
#include "store/ledger.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace margrave::relayer {

/// What a decision stands on: the firm state a round attested, the prices of this pass, and the
/// ledger for everything newer.
struct DecisionParts {
    const config::Settings& settings;
    store::Ledger& ledger;
    const store::Database& database;
    Scribe& scribe;
    const Book& book;
    const margin::PriceTable& prices;
    const store::AsOf& firm;
    infra::Logger log;
    /// For what an account's owner can cause.
    infra::LogLimiter& limiter;
    /// Nothing is released, seized or closed on these, nor for an account that has anything there.
    const margin::DeadChains& dead;
    /// Chains whose sequencer allows no liquidation, with the reason (oracle/sequencer.hpp).
    const std::map<ChainId, std::string>& sequencer_holds;
    /// What each form's price may be used for, beside what its row says (relayer/price_uses.hpp).
    const std::map<AssetId, oracle::PriceUse>& price_uses;
    /// settings.parameters are in_force of these two.
    const margin::Parameters& rules;
    const margin::RoundFacts& facts;
};

/// Most requests one pass looks at: a pass blocks every other task.
inline constexpr std::size_t kRequestsAPass = 64;

/// Chain key and number of the request after which the next pass goes on, so that those that cannot
/// be decided keep none behind them waiting.
using RequestCursor = std::optional<std::pair<Hash32, std::uint64_t>>;

/// Answers open requests that are final, in order of chain key and number: a signed release with a
/// hold, or a logged refusal. One after the other against one ledger, so two chains never spend the
/// same room. What unusable prices, or states that are not final yet, leave undecided stays open.
Result<void> answer_requests(const DecisionParts& parts, UnixSeconds now, RequestCursor& cursor);

/// Ends holds and legs whose deadline lies before the final time of their chain.
Result<void> expire_ended(const DecisionParts& parts, UnixSeconds now);

}  // namespace margrave::relayer
