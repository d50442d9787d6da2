// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "infra/log.hpp"
#include "margin/health.hpp"
#include "relayer/book.hpp"
#include "relayer/scribe.hpp"
#include "store/ledger.hpp"

namespace margrave::relayer {

/// What a decision stands on: the firm state a round attested, the prices of this pass, and the
/// ledger for everything newer.
struct DecisionParts {
    const config::Settings& settings;
    store::Ledger& ledger;
    Scribe& scribe;
    const Book& book;
    const margin::PriceTable& prices;
    const store::AsOf& firm;
    infra::Logger log;
};

/// Answers every open request that is final, in order of chain key and number: a signed release
/// with a hold, or a logged refusal. One after the other against one ledger, so two chains never
/// spend the same room.
Result<void> answer_requests(const DecisionParts& parts, UnixSeconds now);

/// Ends holds and legs whose deadline lies before the final time of their chain.
Result<void> expire_ended(const DecisionParts& parts, UnixSeconds now);

}  // namespace margrave::relayer
