// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/haircuts_check.hpp"

#include "margin/numeric.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace margrave::margin::detail {
namespace {

constexpr std::size_t kTiersMax = 16;
constexpr std::size_t kNameMax = 32;
constexpr std::int64_t kConfidenceMax = 100;

bool is_correlation_name(const std::string& name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, allowed);
}

class HaircutChecker {
  public:
    explicit HaircutChecker(const Parameters& parameters)
        : parameters_(parameters) {}

    std::vector<ParameterError> run() {
        check_risk();
        for (std::size_t i = 0; i < parameters_.assets.size(); ++i) {
            check_asset(parameters_.assets[i], "/assets/" + std::to_string(i));
        }
        for (std::size_t i = 0; i < parameters_.risk.correlations.size(); ++i) {
            check_correlation(i);
        }
        if (errors_.empty()) {
            check_healing();
        }
        return std::move(errors_);
    }

  private:
    void refuse(std::string where, std::string what) {
        errors_.push_back({.where = std::move(where), .what = std::move(what)});
    }

    void check_size(const std::string& where, const Money& value) {
        if (value.is_negative() || !in_bounds(value)) {
            refuse(where, "must not be negative, and be below 2^96 units of 1e-18");
        }
    }

    void check_part(const std::string& where, const Money& value, std::int64_t most) {
        if (value.is_negative() || value > Money::whole(most)) {
            refuse(
                where, "is " + value.to_decimal() + "; it must be from 0 to " + std::to_string(most)
            );
        }
    }

    void check_risk() {
        const RiskParameters& risk = parameters_.risk;
        check_part("/risk/lag_per_hour", risk.lag_per_hour, 1);
        if (risk.bridge_tiers.size() > kTiersMax) {
            refuse("/risk/bridge_tiers", "has more than 16 tiers");
        }
        for (std::size_t i = 0; i < risk.bridge_tiers.size(); ++i) {
            const std::string where = "/risk/bridge_tiers/" + std::to_string(i);
            check_part(where, risk.bridge_tiers[i], 1);
            if (i > 0 && risk.bridge_tiers[i] < risk.bridge_tiers[i - 1]) {
                refuse(where, "is below the tier before it; tiers must ascend");
            }
        }
    }

    void check_asset(const AssetParameters& asset, const std::string& at) {
        check_size(at + "/cap", asset.cap);
        check_size(at + "/scale/deposits_from", asset.scale.deposits_from);
        check_size(at + "/scale/debts_from", asset.scale.debts_from);
        check_part(
            at + "/initial_price/confidence", asset.initial_price.confidence, kConfidenceMax
        );
        check_part(at + "/initial_price/age_per_hour", asset.initial_price.age_per_hour, 1);
        for (std::size_t i = 0; i < asset.on.size(); ++i) {
            const AssetOnChain& form = asset.on[i];
            const std::string on = at + "/on/" + std::to_string(i);
            check_size(on + "/cap", form.cap);
            check_size(on + "/pool_cap", form.pool_cap);
            if (form.bridge_tier > parameters_.risk.bridge_tiers.size()) {
                refuse(
                    on + "/bridge_tier",
                    "is " + std::to_string(form.bridge_tier) + ", but there are " +
                        std::to_string(parameters_.risk.bridge_tiers.size()) + " tiers"
                );
            }
        }
    }

    void check_correlation(std::size_t i) {
        const Correlation& row = parameters_.risk.correlations[i];
        const std::string at = "/risk/correlations/" + std::to_string(i);
        if (!is_correlation_name(row.name)) {
            refuse(at + "/name", "must be 1 to 32 characters of a-z, 0-9, - and _");
        }
        if (i > 0 && row.name <= parameters_.risk.correlations[i - 1].name) {
            refuse(at + "/name", "must ascend and be there once");
        }
        if (row.relief.sign() <= 0 || row.relief >= Money::whole(1)) {
            refuse(
                at + "/relief", "is " + row.relief.to_decimal() + "; it must be between 0 and 1"
            );
        }
        if (row.assets.size() < 2) {
            refuse(at + "/assets", "has fewer than two assets");
        }
        for (std::size_t k = 0; k < row.assets.size(); ++k) {
            const std::string where = at + "/assets/" + std::to_string(k);
            if (std::ranges::find(parameters_.assets, row.assets[k], &AssetParameters::name) ==
                parameters_.assets.end()) {
                refuse(where, "\"" + row.assets[k] + "\" is no asset of the parameters");
            }
            if (k > 0 && row.assets[k] <= row.assets[k - 1]) {
                refuse(where, "assets must ascend and be there once");
            }
            const auto [first, added] = seen_.emplace(row.assets[k], where);
            if (!added) {
                refuse(where, "\"" + row.assets[k] + "\" is already at " + first->second);
            }
        }
    }

    // What a dollar that leaves the group can take of its relief at most: relief times the largest
    // haircut and the largest surcharge in it.
    [[nodiscard]] Money loss_of(const Correlation& group) const {
        const Money one = Money::whole(1);
        Money haircut;
        Money surcharge;
        for (const std::string& name : group.assets) {
            const auto asset = std::ranges::find(parameters_.assets, name, &AssetParameters::name);
            haircut = max(haircut, one - asset->collateral.liquidation_end);
            surcharge = max(surcharge, asset->debt.liquidation_end - one);
        }
        return times(group.relief, haircut + surcharge, Rounding::kUp);
    }

    [[nodiscard]] const Correlation* group_of(const AssetParameters& asset) const {
        const auto found =
            std::ranges::find_if(parameters_.risk.correlations, [&asset](const Correlation& row) {
                return std::ranges::find(row.assets, asset.name) != row.assets.end();
            });
        return found == parameters_.risk.correlations.end() ? nullptr : &*found;
    }

    // A sale also takes relief away; what is left must still heal (docs/margin.md section 1).
    void check_healing() {
        for (std::size_t i = 0; i < parameters_.assets.size(); ++i) {
            const AssetParameters& sold = parameters_.assets[i];
            const Correlation* from = group_of(sold);
            for (const AssetParameters& owed : parameters_.assets) {
                const Correlation* to = group_of(owed);
                if (&owed == &sold || (from == nullptr && to == nullptr) ||
                    sold.max_bonus.is_zero()) {
                    continue;
                }
                const Money lost = from == nullptr ? Money{} : loss_of(*from);
                const Money more = to == nullptr || to == from ? Money{} : loss_of(*to);
                const Money cost =
                    times(sold.collateral.liquidation_end + lost, sold.max_bonus, Rounding::kUp) +
                    more;
                if (cost >= owed.debt.liquidation_end) {
                    refuse(
                        "/assets/" + std::to_string(i) + "/max_bonus",
                        "selling " + sold.name + " for " + owed.name +
                            " cannot heal once the relief of their correlation goes with it: " +
                            cost.to_decimal() + " is not below the debt weight " +
                            owed.debt.liquidation_end.to_decimal()
                    );
                }
            }
        }
    }

    const Parameters& parameters_;
    std::vector<ParameterError> errors_;
    std::map<std::string, std::string> seen_;
};

}  // namespace

std::vector<ParameterError> check_haircuts(const Parameters& parameters) {
    return HaircutChecker(parameters).run();
}

}  // namespace margrave::margin::detail
