// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "margin/bad_debt.hpp"
#include "relayer/replay.hpp"
#include "store/ledger.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace margrave::relayer {

/// What the accounts of one signed round cannot pay, and who bears it.
struct BadDebtReport {
    margin::BadDebt debt;
    margin::Deleveraging positions;

    [[nodiscard]] bool is_empty() const { return debt.rows.empty() && positions.losses.empty(); }
};

/// A fund has what its account has free in the vaults at the round's blocks; a pool is the
/// ledger's.
Result<BadDebtReport> bad_debt_of(
    const ReplayedRound& round, const store::Ledger& ledger, const config::FundSettings& funds
);

nlohmann::json bad_debt_json(const BadDebtReport& report, const margin::Parameters& parameters);
std::string bad_debt_text(const BadDebtReport& report, const margin::Parameters& parameters);

}  // namespace margrave::relayer
