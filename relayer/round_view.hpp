// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "core/result.hpp"
#include "relayer/replay.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <memory>
#include <optional>

namespace margrave::relayer {

struct Context;

/// The store as it is now, opened beside a running daemon, and one signed round of it, computed
/// again: what is shown is what was attested, not what some process remembers. Owned by the command
/// that opened it; one thread.
struct RoundView {
    config::Settings settings;
    std::unique_ptr<store::Database> database;
    std::unique_ptr<store::Ledger> ledger;
    /// Absent when nothing was attested yet.
    std::optional<ReplayedRound> round;

    /// The account's row of the round; null when it is not in it.
    [[nodiscard]] const margin::Evaluation* find(const AccountId& account) const;

    [[nodiscard]] Hash32 network() const { return settings.genesis.network(); }
};

/// The round named, or the last one for round 0. kNotFound for a round that was named and is not
/// there; kCheckFailed when what comes out of the store is not what was signed.
Result<RoundView> open_round_view(Context& context, RoundNum round);

/// The same for a command that cannot go on without a round: kNotFound when there is none.
Result<RoundView> open_signed_round(Context& context, RoundNum round);

/// Each chain's block that the round was taken at.
store::AsOf as_of(const ReplayedRound& round);

}  // namespace margrave::relayer
