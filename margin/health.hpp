// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/holdings.hpp"
#include "core/statements.hpp"
#include "margin/parameters.hpp"

namespace margrave::margin {

/// Prices by asset as guarded by oracle/; every asset of the parameters has a row, usable or not.
using PriceTable = std::map<AssetId, PriceRow>;

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
    struct Part {
        AssetId asset;
        Amount collateral;
        Amount debt;
        Money collateral_value;
        Money debt_value;
    };
    std::vector<Part> parts;
};

struct Evaluation {
    AccountState state;
    std::vector<Term> terms;
    /// Canonical evidence; state.detail is the keccak of its bytes.
    [[nodiscard]] Canonical evidence() const;
};

/// Health of one account at one state, price set and parameter set. Pure; never fails: what cannot
/// be valued makes the account UNATTESTABLE with the flag that says why, and all four amounts 0.
///
/// equity = sum of net values; requirement_L = sum of (value - weighted value at level L);
/// state.initial = equity - requirement_initial, and so on. Collateral values round down, debt
/// values and requirements up. `was_liquidatable` latches: an account stays LIQUIDATABLE until
/// liquidation-end health is restored. `provisional_differs` sets its flag.
Evaluation evaluate(
    const AccountHoldings& holdings,
    const PriceTable& prices,
    const Parameters& parameters,
    bool was_liquidatable,
    bool provisional_differs
);

/// As evaluate but without terms and evidence, for the hot path; detail is left zero.
AccountState evaluate_state(
    const AccountHoldings& holdings,
    const PriceTable& prices,
    const Parameters& parameters,
    bool was_liquidatable,
    bool provisional_differs
);

/// The holdings that a decision must survive: of each row the smaller collateral and the larger
/// debt of two states, less what holds have promised.
struct Promise {
    AssetId asset;
    Amount amount;
    /// True: comes out of collateral (withdrawal). False: adds debt (borrow).
    bool from_collateral{true};
};
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
