// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/tree.hpp"
#include "core/statements.hpp"
#include "margin/health.hpp"
#include "margin/in_force.hpp"
#include "margin/parameters.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace margrave::relayer {

/// One attested round, computed again from the ledger as of its snapshot, its price set and its
/// parameters. `evaluations` ascend by account, as the tree's leaves do.
struct ReplayedRound {
    Attestation attestation;
    Hash32 digest;
    std::vector<Head> heads;
    margin::PriceTable prices;
    /// What the round added to the signed parameters, and what they were in force by it.
    margin::RoundFacts facts;
    margin::Parameters parameters;
    /// Chains that were dead in this round, by what was signed: halted in the log, or with a head
    /// that was too old at the time of issue.
    margin::DeadChains dead;
    std::vector<margin::Evaluation> evaluations;
    attest::MerkleTree tree;
    /// What could not be held against the round before, in sentences.
    std::vector<std::string> unable;
};

/// The round named, or the last one for round 0. kNotFound when it was not signed here;
/// kCheckFailed when what comes out is not what was signed, naming the first thing that differs.
Result<ReplayedRound> replay_round(
    const Hash32& network,
    const store::Database& database,
    const store::Ledger& ledger,
    RoundNum round
);

}  // namespace margrave::relayer
