// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/detail/netting.hpp"
#include "margin/liquidation.hpp"

#include <optional>
#include <tuple>
#include <vector>

namespace margrave::margin::detail {

/// An account while it is planned. Every step is judged by the engine (evaluate_at_most): what
/// rounds sign by is what a plan is measured by.
class WorkingAccount {
  public:
    /// `market` must outlive it. Rows are merged to one per asset, ascending, so that nothing
    /// depends on the order of the input. kUnattestable when the account cannot be valued.
    static Result<WorkingAccount> of(const AccountHoldings& holdings, const Market& market);

    /// Liquidation-end health.
    [[nodiscard]] const Money& health() const { return health_; }

    /// The sum of what counts below zero, before weights.
    [[nodiscard]] const Money& debt() const { return debt_; }

    /// Null when the account has no row of the asset, or of that very token.
    [[nodiscard]] const Group* group_of(const Market::Form& form) const;
    [[nodiscard]] const Holding* row_of(const Market::Form& form) const;

    /// Health once that leg sold at its floor.
    [[nodiscard]] Result<Money> health_after(const PlannedLeg& leg) const;
    /// The account becomes what that leg leaves of it.
    Result<void> take(const PlannedLeg& leg);

  private:
    explicit WorkingAccount(const Market& market)
        : market_(&market) {}

    Result<void> merge(const AccountHoldings& holdings);
    Result<void> measure();

    const Market* market_;
    AccountHoldings work_;
    std::vector<Group> groups_;
    Money health_;
    Money debt_;
};

/// What may leave a group through one lot before what counts of it falls below zero: first what a
/// cap leaves uncounted, of the lot's own chain and then of the asset, which costs no health.
struct Leaving {
    Money above_form;
    Money above_asset;
    Money counted;
};

Result<Leaving> leaving(const Group& group, const Holding& lot, const Market::Form& sold);

/// USD owed to our pools in that very token, up. `row` may be null.
Result<Money> repayable(const Market::Form& owed, const Holding* row);
/// USD of collateral that still count beside what is there, at most `most`.
Result<Money> room_beside(const Market::Form& owed, const Holding* row, const Money& most);

/// One way to heal: sell `sold` on its chain for `owed`, a token of the same chain.
struct Way {
    const Market::Form* sold{nullptr};
    const Market::Form* owed{nullptr};
    /// False: the proceeds repay a debt to our pool in that very token. True: there is none on this
    /// chain that is worth a leg, so what they do not repay becomes collateral that nets with the
    /// debt elsewhere, on other chains or at watched contracts; all of it counts at its backing.
    bool as_collateral{false};
    /// Only what lies above a cap and so counts for nothing: it costs no health.
    bool above_cap{false};
    /// Health gained by a dollar repaid: w_l - w_a (1 + b). Above zero, as check() sees to.
    Money healing;
    /// Most dollars this way can repay.
    Money limit;
    /// (1 + b) of the sale.
    Money bonus;
    /// Units of `sold` in its vault and not in an auction, none at watched contracts; what they
    /// are worth.
    Amount free;
    Money free_value;
    /// Value that may leave the sold asset before what counts of it falls below zero, and that its
    /// market takes.
    Money room;

    using Key = std::tuple<AssetId, AssetId, bool, bool>;
    [[nodiscard]] Key key() const;

    /// Whether a relief can go with the sale, so that healing is not one number.
    [[nodiscard]] bool is_correlated() const {
        return sold->correlation.has_value() || owed->correlation.has_value();
    }
};

/// 1e-18 USD. Below it a leg is rounding noise, whatever the parameters call dust.
inline constexpr std::int64_t kCent = 10'000'000'000'000'000;

/// Dollars that the smallest leg repays: what is sold for them is worth the dust, rounded up.
Result<Money> smallest_leg(const Parameters& parameters, const Money& bonus);

/// Nothing when the two do not make one.
Result<std::optional<Way>> find_way(
    const WorkingAccount& account,
    const Market::Form& sold,
    const Market::Form& owed,
    bool above_cap,
    const Parameters& parameters,
    const PlanLimits& limits
);

/// By highest healing; then repaying a debt before adding collateral; then by asset.
bool is_better(const Way& a, const Way& b);

/// The leg that repays so many dollars; nothing when that is less than a unit of either token.
Result<std::optional<PlannedLeg>> make_leg(const Way& way, const Money& repay);

/// Most dollars that what is free and what may leave can repay.
Result<Money> sellable(const Way& way);

}  // namespace margrave::margin::detail
