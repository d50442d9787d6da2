// SPDX-License-Identifier: Apache-2.0
#include "margin/in_force.hpp"

#include "margin/detail/units.hpp"
#include "margin/perpetual.hpp"
#include "margin/pool.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace margrave::margin {
namespace {

constexpr std::uint64_t kHour = 3'600;

const Money& whole_part() {
    static const Money kOne = Money::whole(1);
    return kOne;
}

const PriceRow* usable_row(const PriceTable& prices, const AssetId& asset) {
    const auto row = prices.find(asset);
    const bool usable = row != prices.end() && row->second.verdict == PriceVerdict::kUsable &&
                        row->second.price.sign() > 0;
    return usable ? &row->second : nullptr;
}

// `units` at `price`, rounded up, since a larger pool counts for less. Nothing: too large to value.
std::optional<Money> worth(const Totals::Wide& units, unsigned decimals, const Money& price) {
    const Result<Money> amount = Money::from_rep(units);
    if (!amount) {
        return std::nullopt;
    }
    const auto value =
        margrave::mul_div(amount.value(), price, detail::power_of_ten(decimals), Round::kUp);
    return value ? std::optional<Money>(value.value()) : std::nullopt;
}

std::optional<Money> backed(std::optional<Money> value, const Money& backing) {
    if (!value) {
        return value;
    }
    const auto out = margrave::mul(*value, backing, Round::kUp);
    return out ? std::optional<Money>(out.value()) : std::nullopt;
}

std::optional<Money> sum_of(std::optional<Money> a, const std::optional<Money>& b) {
    if (!a || !b) {
        return std::nullopt;
    }
    const auto out = margrave::add(*a, *b);
    return out ? std::optional<Money>(out.value()) : std::nullopt;
}

// per_hour * seconds / 3600, rounded up, at most all of it.
Money part_of_hours(const Money& per_hour, std::uint64_t seconds) {
    const auto part =
        margrave::mul_div(per_hour, detail::count(seconds), detail::count(kHour), Round::kUp);
    return part ? min(part.value(), whole_part()) : whole_part();
}

std::uint64_t seconds_between(UnixSeconds from, UnixSeconds to) {
    return to > from ? to.value - from.value : 0;
}

class Terms {
  public:
    Terms(const PriceTable& prices, const RoundFacts& facts)
        : prices_(prices),
          facts_(facts) {}

    void scale(AssetParameters& asset) const {
        std::optional<Money> deposits = Money{};
        std::optional<Money> debts = Money{};
        for (const AssetOnChain& form : asset.on) {
            const Totals::Pool pool = facts_.totals.pool(form.asset);
            if (const PriceRow* row = usable_row(prices_, form.asset)) {
                deposits = sum_of(
                    deposits,
                    backed(worth(pool.collateral, asset.decimals, row->price), form.backing)
                );
                debts = sum_of(debts, worth(pool.debt, asset.decimals, row->price));
            } else if (pool.debt != Totals::Wide{}) {
                debts = std::nullopt;
            }
        }
        if (!asset.scale.deposits_from.is_zero()) {
            asset.collateral.initial = deposits ? scaled_asset_weight(
                                                      asset.collateral.initial,
                                                      *deposits,
                                                      asset.scale.deposits_from,
                                                      Rounding::kDown
                                                  )
                                                : Money{};
        }
        if (!asset.scale.debts_from.is_zero()) {
            const Money most = Money::whole(kDebtWeightMax);
            const Money largest = times(asset.scale.debts_from, kDebtWeightMax);
            const Money size = debts ? min(*debts, largest) : largest;
            asset.debt.initial =
                min(most,
                    scaled_liability_weight(
                        asset.debt.initial, size, asset.scale.debts_from, Rounding::kUp
                    ));
        }
    }

    void age(AssetParameters& asset) const {
        for (const AssetOnChain& form : asset.on) {
            if (const PriceRow* row = usable_row(prices_, form.asset)) {
                asset.now.aged = part_of_hours(
                    asset.initial_price.age_per_hour, seconds_between(row->published_at, facts_.at)
                );
            }
            const auto slow = facts_.slow_prices.find(form.asset);
            if (asset.initial_price.slow && slow != facts_.slow_prices.end()) {
                asset.now.slow = slow->second;
            }
        }
    }

    // What is left of one dollar of collateral in this form, at the initial level.
    [[nodiscard]] Money counted(
        const AssetParameters& asset, const AssetOnChain& form, const RiskParameters& risk
    ) const {
        Money left = whole_part();
        if (form.bridge_tier != 0) {
            left = left - risk.bridge_tiers[form.bridge_tier - 1];
        }
        if (!risk.lag_per_hour.is_zero()) {
            const auto head = facts_.head_times.find(form.asset.chain());
            const Money lost =
                head == facts_.head_times.end()
                    ? whole_part()
                    : part_of_hours(risk.lag_per_hour, seconds_between(head->second, facts_.at));
            left = times(left, whole_part() - lost, Rounding::kDown);
        }
        const PriceRow* row = usable_row(prices_, form.asset);
        if (form.pool_cap.is_zero() || row == nullptr) {
            return left;
        }
        const auto pool = backed(
            worth(facts_.totals.pool(form.asset).collateral, asset.decimals, row->price),
            form.backing
        );
        if (!pool) {
            return Money{};
        }
        return *pool <= form.pool_cap
                   ? left
                   : margin::mul_div(left, form.pool_cap, *pool, Rounding::kDown);
    }

    [[nodiscard]] Money fraction(const PerpetualMarket& market, const AssetParameters& of) const {
        const PriceRow* row = of.on.empty() ? nullptr : usable_row(prices_, of.on.front().asset);
        if (row == nullptr) {
            return market.fractions.initial;
        }
        // A closed market has as much long as short; where a venue posts another, the larger.
        const Totals::Interest open = facts_.totals.interest(market.market);
        constexpr unsigned kSizeDecimals = 18;
        const auto value = worth(std::max(open.longs, open.shorts), kSizeDecimals, row->price);
        if (!value) {
            return whole_part();
        }
        const OpenInterest interest{
            .open = *value,
            .lower = market.open_interest.lower,
            .upper = market.open_interest.upper};
        return scaled_fraction(market.fractions.initial, interest, kOurs, Rounding::kUp);
    }

  private:
    const PriceTable& prices_;
    const RoundFacts& facts_;
};

bool has_limits(const AssetOnChain& form) {
    return !form.pool_cap.is_zero() || form.bridge_tier != 0;
}

bool depends(const AssetParameters& asset) {
    return asset.scale != PoolScale{} || asset.initial_price != InitialPrice{} ||
           std::ranges::any_of(asset.on, has_limits);
}

bool depends(const VenueParameters& venue) {
    return std::ranges::any_of(venue.perpetuals, [](const PerpetualMarket& market) {
        return market.open_interest != InterestBand{};
    });
}

}  // namespace

RoundFacts with_loan(RoundFacts facts, const AssetId& asset, const Amount& amount) {
    AccountHoldings loan;
    loan.holdings.emplace_back().asset = asset;
    loan.holdings.back().debt = amount;
    facts.totals.add(loan);
    return facts;
}

bool depends_on_round(const Parameters& parameters) {
    return !parameters.risk.lag_per_hour.is_zero() ||
           std::ranges::any_of(
               parameters.assets, [](const AssetParameters& asset) { return depends(asset); }
           ) ||
           std::ranges::any_of(parameters.venues, [](const VenueParameters& venue) {
               return depends(venue);
           });
}

Parameters in_force(
    const Parameters& parameters, const PriceTable& prices, const RoundFacts& facts
) {
    Parameters out = parameters;
    if (!depends_on_round(parameters)) {
        return out;
    }
    const Terms round(prices, facts);
    for (AssetParameters& asset : out.assets) {
        round.scale(asset);
        round.age(asset);
        for (AssetOnChain& form : asset.on) {
            form.uncounted = whole_part() - round.counted(asset, form, out.risk);
        }
    }
    for (VenueParameters& venue : out.venues) {
        const auto underlying =
            std::ranges::find(out.assets, venue.underlying, &AssetParameters::name);
        for (PerpetualMarket& market : venue.perpetuals) {
            if (market.open_interest != InterestBand{} && underlying != out.assets.end()) {
                market.fractions.initial = round.fraction(market, *underlying);
            }
        }
    }
    return out;
}

}  // namespace margrave::margin
