// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/canonical_json.hpp"
#include "core/ids.hpp"
#include "margin/change.hpp"
#include "margin/haircuts.hpp"
#include "margin/venue.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::margin {

/// The arithmetic of this build. Parameters that ask for another are refused by check().
inline constexpr std::uint64_t kEngine = 3;

/// No weight of a debt is larger, however large the pool's debts are.
inline constexpr std::int64_t kDebtWeightMax = 10;

/// The three levels of requirement, hardest first (reference: Mango v4's Init, LiquidationEnd and
/// Maint). All weights are ratios, E18.
struct Weights {
    Money initial;
    Money liquidation_end;
    Money maintenance;
    bool operator==(const Weights&) const = default;
};

/// Collateral that is not final counts for grants, up to so much an account, once so many blocks
/// lie above it (docs/margin.md section 2).
struct EarlyTier {
    std::uint64_t blocks{0};
    /// Raw units.
    Amount up_to;
    bool operator==(const EarlyTier&) const = default;
};

/// One chain's form of an asset.
struct AssetOnChain {
    AssetId asset;
    /// What one unit on this chain is worth of the canonical asset: 1 for the native form, less for
    /// a bridged one. In (0, 1].
    Money backing;
    /// Both ascend. Empty: nothing counts before it is final, and then the signed form leaves both
    /// members out.
    std::vector<EarlyTier> early{};
    /// The most that all accounts together may stand on before it is final, raw units.
    Amount early_total{};
    /// USD of one account's collateral in this form that count, at all levels. Zero: all.
    Money cap{};
    /// USD of all accounts' collateral in this form beyond which each counts its share, at the
    /// initial level. Zero: none.
    Money pool_cap{};
    /// Which of risk.bridge_tiers it came over; zero is none.
    std::uint64_t bridge_tier{0};
    /// Part that does not count at the initial level in one round. Set by in_force only; not
    /// signed.
    Money uncounted{};
    bool operator==(const AssetOnChain&) const = default;
};

/// One canonical asset, over all chains it exists on. Collateral and debt of one asset on different
/// chains net before any weight applies.
struct AssetParameters {
    /// Short name of the config: "eth".
    std::string name;
    unsigned decimals{18};
    /// Value counted of a positive net: in [0, 1], initial <= liquidation_end <= maintenance.
    Weights collateral;
    /// Value counted of a negative net: >= 1, initial >= liquidation_end >= maintenance.
    Weights debt;
    /// May it be borrowed at all.
    bool borrowable{false};
    /// The most a buyer may gain: (1 + bonus), E18, e.g. 1.05. Zero: it may not be seized, and then
    /// counts as no collateral.
    Money max_bonus;
    std::vector<AssetOnChain> on;
    /// Oracle guard.
    std::uint64_t max_age_s{60};
    Money price_min;
    Money price_max;
    /// The most USD of it, in all its forms together, that liquidations may sell within so many
    /// seconds. Zero, both: no limit, and then the signed form leaves them out.
    Money market_capacity;
    std::uint64_t market_window_s{0};
    /// USD of one account's net of this asset, over all chains, that count, at all levels. Zero:
    /// all.
    Money cap;
    PoolScale scale;
    InitialPrice initial_price;

    /// What one round adds. Set by in_force only; not signed.
    struct Now {
        /// Part by which the price's age moves it at the initial level.
        Money aged;
        /// The slow price; zero is none.
        Money slow;
        bool operator==(const Now&) const = default;
    };

    Now now;
    bool operator==(const AssetParameters&) const = default;
};

struct LiquidationParameters {
    /// Health aimed at above liquidation-end, as a part of the debt value: 0.02.
    Money target_buffer;
    /// Largest part of the debt repaid by one lock: 0.5; 1 below close_all_below.
    Money close_factor;
    /// USD of debt under which everything is closed at once.
    Money close_all_below;
    /// USD: a leg smaller than this is not worth its gas and is not planned.
    Money dust;
    /// Seconds an instruction may be executed after its round was issued.
    std::uint64_t deadline_s{600};
    /// Seconds under water after which a lot is offered at its whole max_bonus, and the part of the
    /// bonus, in [0, 1], that is offered at once. Zero: the whole at once, and then the signed form
    /// leaves both out.
    std::uint64_t bonus_ramp_s{0};
    Money bonus_start{};
    bool operator==(const LiquidationParameters&) const = default;
};

/// Everything that changes a number (protocol.md section 5). Assets ascend by name.
struct Parameters {
    /// Bumped when the engine's arithmetic changes meaning.
    std::uint64_t engine{kEngine};
    /// Seconds an attestation stays valid.
    std::uint64_t validity_s{600};
    /// Seconds a granted release may be executed.
    std::uint64_t release_deadline_s{600};
    /// Seconds between the block time of a chain's final head and the time of issue after which the
    /// chain is dead (margin/dead_chains.hpp). Zero: never, and then the signed form leaves both
    /// members out.
    std::uint64_t max_head_age_s{0};
    /// Chains with a limit of their own.
    std::map<ChainId, std::uint64_t> max_head_age_of;
    std::vector<AssetParameters> assets;
    LiquidationParameters liquidation;
    /// What watched contracts' events mean, as the config says it. Not read by the engine, which
    /// sees the holdings that come of it; signed, because those holdings change with it. Empty: no
    /// member.
    Canonical::Array watches;
    /// Markets of the position book, ascending by underlying. Empty: no member.
    std::vector<VenueParameters> venues;
    /// All default: no member.
    RiskParameters risk;
    /// Seconds of notice that a change needs which asks more of anybody. Zero: none, and no member.
    std::uint64_t notice_s{0};
    /// Absent: they hold at once.
    std::optional<Change> change;
    bool operator==(const Parameters&) const = default;

    /// The asset and its form on that chain. Null when the parameters do not name it.
    [[nodiscard]] const AssetParameters* find(const AssetId& asset) const;
    [[nodiscard]] const AssetOnChain* find_on(const AssetId& asset) const;
    /// The limit that holds for a chain; zero is none.
    [[nodiscard]] std::uint64_t head_age_limit(const ChainId& chain) const;
};

/// The signed form; its keccak is `parameters` in every attestation.
Canonical canonical(const Parameters& parameters);
/// The inverse, from the bytes that were hashed (an auditor's way in).
Result<Parameters> parse_parameters(std::string_view canonical_text);

struct ParameterError {
    /// JSON pointer below the parameters: "/assets/0/collateral/initial".
    std::string where;
    std::string what;
};

/// Every rule that is broken, not the first one (docs/margin.md section 5).
std::vector<ParameterError> check(const Parameters& parameters);

}  // namespace margrave::margin
