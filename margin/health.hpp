// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "core/events.hpp"
#include "core/holdings.hpp"
#include "core/statements.hpp"
#include "margin/market.hpp"
#include "margin/parameters.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace margrave::margin {

/// One term of the sum: one canonical asset of one account. USD E18.
struct Term {
    std::string asset;
    Money price;
    /// Net value over all chains, before weights; negative is debt.
    Money value;
    Money weight_initial;
    Money weight_liquidation_end;
    Money weight_maintenance;
    /// Part of each requirement that comes from this term: value - weighted value, never negative.
    Money required_initial;
    Money required_liquidation_end;
    Money required_maintenance;
    /// What of value counts before weights, at the initial level and at the two others: less where
    /// there are caps or an initial price of its own.
    Money counted_initial;
    Money counted;

    struct Part {
        AssetId asset;
        Amount collateral;
        Amount debt;
        Money price;
        /// Of one unit of collateral on this chain; debt counts in full.
        Money backing;
        Money collateral_value;
        Money debt_value;

        /// At the initial level; absent where it is the same, and nothing is capped.
        struct Initial {
            /// Of what is owned and of what is owed.
            Money price;
            Money debt_price;
            /// Part of the collateral's value that counts.
            Money part;
            Money collateral_value;
            Money debt_value;
        };

        std::optional<Initial> initial;
    };

    /// Ascending by asset text.
    std::vector<Part> parts;
};

/// What the requirements of a correlation's assets are less than the sum of their terms, because
/// some are owned and others owed. USD E18, not negative.
struct Relief {
    std::string correlation;
    Money initial;
    Money liquidation_end;
    Money maintenance;
};

/// One underlying's positions in one risk module. USD E18.
struct VenueTerm {
    std::string underlying;
    /// The module: "perpetual", "option" or "scenario".
    std::string module;
    Money price;
    /// When the price was published: what options are valued as of.
    UnixSeconds priced_at;
    Money value;
    Money required_initial;
    Money required_liquidation_end;
    Money required_maintenance;

    struct Part {
        std::string name;
        Hash32 market;
        Money size;
        Money entry_price;
        /// Profit of a perpetual, mark of an option.
        Money value;
    };

    /// Ascending by market.
    std::vector<Part> parts;
    /// Profit and loss per scenario, and the basis loss; empty where there are no scenarios.
    std::vector<Money> pnl;
    Money basis;
};

/// Something the account has or owes that could not be valued, and why.
struct Unvalued {
    std::string what;
    std::string why;
};

/// The account with all collateral whose price cannot be used at the highest price it may have, and
/// without the debt whose price cannot be used.
struct AtMost {
    Money equity;
    Money initial;
    Money liquidation_end;
    Money maintenance;
    std::vector<Term> terms;
    std::vector<Relief> reliefs;
};

struct Evaluation {
    AccountState state;
    std::vector<Term> terms;
    std::vector<Relief> reliefs;
    std::vector<VenueTerm> venues;
    std::vector<Unvalued> unvalued;
    /// Absent when everything has a price, or nothing of the account can be attested.
    std::optional<AtMost> at_most;
    /// What was evaluated, in canonical order.
    AccountHoldings holdings;
    std::uint64_t engine{0};
    bool was_liquidatable{false};
    /// Canonical evidence; state.detail is the keccak of these bytes.
    [[nodiscard]] std::string evidence_text() const;
    [[nodiscard]] Canonical evidence() const;
};

/// Guard flags of which any says that something has no usable price.
inline constexpr std::uint32_t kNoPrice =
    flags::kPriceMissing | flags::kPriceStale | flags::kPriceOutOfBounds;

/// LIQUIDATABLE or BANKRUPT: the contracts seize from such an account only.
bool is_seizable(Status status);

/// Health of one account at one state, price set and parameter set. Pure; never fails: what cannot
/// be valued makes the account UNATTESTABLE with the flag that says why, and all four amounts 0.
/// What has no usable price does so only where its price decides: of it collateral counts for
/// nothing and debt at the highest price it may have (Market::at_most), and the account is attested
/// so when what may be seized is the same with that collateral at that price and without that debt.
/// `parameters` must have passed check(). The order of the holdings does not matter.
///
/// equity = sum of net values; requirement_L = sum of (value - weighted value at level L);
/// state.initial = equity - requirement_initial, and so on. Collateral values round down, debt
/// values and requirements up. `was_liquidatable` latches: an account stays LIQUIDATABLE until
/// liquidation-end health is restored; a caller passes true when the last attestable status was
/// LIQUIDATABLE or BANKRUPT. `provisional_differs` sets its flag.
Evaluation evaluate(
    const AccountHoldings& holdings,
    const PriceTable& prices,
    const Parameters& parameters,
    bool was_liquidatable,
    bool provisional_differs
);

/// As evaluate but without terms and evidence; detail is left zero.
AccountState evaluate_state(
    const AccountHoldings& holdings,
    const PriceTable& prices,
    const Parameters& parameters,
    bool was_liquidatable,
    bool provisional_differs
);

/// The same two for many accounts: prices and parameters are joined once, in the Market, which also
/// says which chains are dead: whoever has, owes or trades anything there is UNATTESTABLE with
/// kChainDead.
Evaluation evaluate(
    const AccountHoldings& holdings,
    const Market& market,
    bool was_liquidatable,
    bool provisional_differs
);
AccountState evaluate_state(
    const AccountHoldings& holdings,
    const Market& market,
    bool was_liquidatable,
    bool provisional_differs
);

/// As evaluate_state with collateral whose price cannot be used at the highest price it may have,
/// without debt whose price cannot be used, never latched: what a plan is measured by, so that it
/// seizes no more than it would at any price that either may have.
AccountState evaluate_at_most(const AccountHoldings& holdings, const Market& market);

/// The guard flags (bits 8 to 31) in words, for logs and refusals: "price stale, unknown asset".
std::string describe_guards(std::uint32_t flags);

/// Tokens that a release under way takes.
struct Promise {
    AssetId asset;
    Amount amount;
    /// True: comes out of collateral (withdrawal). False: adds debt (borrow).
    bool from_collateral{true};
    /// The release has run in a block that is not final: the provisional state has it already.
    bool is_executed{false};
};

/// The firm state less all promises and the provisional one less those that it has not executed:
/// each is what the account has if its blocks are the ones that stay. What a withdrawal promises
/// beyond the collateral that is left counts as debt: the vault pays it out of what belongs to
/// others. kOverflow when a sum is too large.
Result<AccountHoldings> firm_less(AccountHoldings firm, std::span<const Promise> holds);
Result<AccountHoldings> provisional_less(
    AccountHoldings provisional, std::span<const Promise> holds
);

/// The holdings that a decision must survive: of each row the smaller collateral and the larger
/// debt of the two states, each less its promises.
Result<AccountHoldings> worst_of(
    const AccountHoldings& firm, const AccountHoldings& provisional, std::span<const Promise> holds
);

/// Whether `promise` may be granted on top of `worst`: enough free collateral (for a withdrawal),
/// a borrowable asset (for a borrow) and initial health >= 0 afterwards with all prices usable.
/// Ok, or kCheckFailed with the sentence that is logged as the refusal's reason.
Result<void> check_grant(
    const AccountHoldings& worst,
    const Promise& promise,
    const PriceTable& prices,
    const Parameters& parameters
);

}  // namespace margrave::margin
