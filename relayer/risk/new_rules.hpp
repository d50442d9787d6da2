// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "margin/market.hpp"
#include "margin/parameters.hpp"
#include "oracle/oracle.hpp"
#include "relayer/replay.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace margrave::relayer {

/// Parameters that are not signed yet, with the price guards that go with them.
struct NewRules {
    margin::Parameters parameters;
    /// Guards by asset name, when the file was a config; else those of each round's own document.
    std::vector<oracle::AssetOracleSettings> oracle;
};

/// Reads a config file, or the canonical parameters that `parameters` in an attestation is the hash
/// of. Problems go to `problems` and make kConfig.
Result<NewRules> read_new_rules(
    const std::filesystem::path& file, std::vector<config::Problem>& problems
);

/// The round's prices judged again by the guards of `rules`, from the answers that its price
/// document keeps; each list must have the hash that was signed (kCheckFailed). The rows that were
/// signed when there is no document: those of a round that was finished after a crash.
Result<margin::PriceTable> judge_prices(
    const store::Database& database, const ReplayedRound& round, const NewRules& rules
);

/// Which chains would be dead by the age limits of `parameters`; halted ones are in any case.
Result<margin::DeadChains> judge_heads(
    const store::Ledger& ledger,
    const ReplayedRound& round,
    const margin::Parameters& parameters,
    const ChainId& hub
);

/// What the new rules would have made of one account over all rounds.
struct Verdict {
    AccountId account;
    /// The most severe of each, in the order HEALTHY, MARGIN_CALL, LIQUIDATABLE, BANKRUPT;
    /// UNATTESTABLE only when it never was anything else.
    Status was{Status::kUnattestable};
    Status would{Status::kUnattestable};

    struct First {
        RoundNum round;
        UnixSeconds at;
        Status was{Status::kHealthy};
        Status would{Status::kHealthy};
        AccountState state;
    };

    /// The first round in which it would have been called, liquidated or unattestable and was not.
    std::optional<First> called;
    std::optional<First> liquidated;
    std::optional<First> unattestable;
    /// Rounds in which it was called or liquidated and would not have been.
    std::uint64_t relieved{0};

    [[nodiscard]] bool is_new() const { return called || liquidated || unattestable; }
};

/// Takes rounds in order and keeps each account's latch under the new rules.
class RulesReplay {
  public:
    RulesReplay(const NewRules& rules, ChainId hub)
        : rules_(rules),
          hub_(std::move(hub)) {}

    Result<void> add(
        const store::Database& database, const store::Ledger& ledger, const ReplayedRound& round
    );

    [[nodiscard]] const std::map<AccountId, Verdict>& verdicts() const { return verdicts_; }

  private:
    void compare(const ReplayedRound& round, const AccountState& was, const AccountState& would);

    const NewRules& rules_;
    ChainId hub_;
    std::map<AccountId, bool> latched_;
    std::map<AccountId, Verdict> verdicts_;
};

}  // namespace margrave::relayer
