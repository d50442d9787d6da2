// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/haircuts_check.hpp"
#include "margin/detail/venue_check.hpp"
#include "margin/parameters.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

namespace margrave::margin {
namespace {

// Bounds that no sensible parameter set reaches; they catch a value in the wrong unit.
constexpr std::uint64_t kSecondsMax = 7 * 86'400;
constexpr std::uint64_t kNoticeMax = 90 * 86'400;
constexpr std::size_t kNameMax = 32;
constexpr unsigned kDecimalsMax = 36;
constexpr std::int64_t kBonusMax = 2;
constexpr std::size_t kTiersMax = 8;
constexpr std::uint64_t kTierBlocksMax = 10'000;

class Checker {
  public:
    explicit Checker(const Parameters& parameters)
        : parameters_(parameters) {}

    std::vector<ParameterError> run() {
        if (parameters_.engine != kEngine) {
            refuse(
                "/engine",
                "is " + std::to_string(parameters_.engine) + "; this build computes engine " +
                    std::to_string(kEngine)
            );
        }
        check_seconds("/validity_s", parameters_.validity_s);
        check_seconds("/release_deadline_s", parameters_.release_deadline_s);
        check_head_ages();
        check_life();
        if (parameters_.assets.empty()) {
            refuse("/assets", "is empty; at least one asset is needed");
        }
        for (std::size_t i = 0; i < parameters_.assets.size(); ++i) {
            check_asset(i);
        }
        check_forms_unique();
        check_pairs();
        check_liquidation();
        std::ranges::move(detail::check_venues(parameters_), std::back_inserter(errors_));
        // Its arithmetic takes weights for granted that are in range.
        if (errors_.empty()) {
            std::ranges::move(detail::check_haircuts(parameters_), std::back_inserter(errors_));
        }
        return std::move(errors_);
    }

  private:
    void refuse(std::string where, std::string what) {
        errors_.push_back({.where = std::move(where), .what = std::move(what)});
    }

    static std::string path(std::size_t asset) { return "/assets/" + std::to_string(asset); }

    void check_seconds(const std::string& where, std::uint64_t seconds) {
        if (seconds == 0 || seconds > kSecondsMax) {
            refuse(
                where,
                "is " + std::to_string(seconds) + " s; it must be from 1 to " +
                    std::to_string(kSecondsMax) + " s"
            );
        }
    }

    void check_life() {
        if (parameters_.notice_s > kNoticeMax) {
            refuse(
                "/notice_s",
                "is " + std::to_string(parameters_.notice_s) + " s; at most " +
                    std::to_string(kNoticeMax) + " s are allowed"
            );
        }
        if (!parameters_.change) {
            return;
        }
        if (parameters_.change->previous.is_zero()) {
            refuse("/change/previous", "is zero");
        }
        if (parameters_.change->from.value == 0) {
            refuse("/change/from", "is 0");
        }
        if (parameters_.change->ramp_s > kNoticeMax) {
            refuse(
                "/change/ramp_s",
                "is " + std::to_string(parameters_.change->ramp_s) + " s; at most " +
                    std::to_string(kNoticeMax) + " s are allowed"
            );
        }
    }

    // Zero is no limit, and a chain's own limit beside it would be lost in the signed form.
    void check_head_ages() {
        if (parameters_.max_head_age_s == 0) {
            if (!parameters_.max_head_age_of.empty()) {
                refuse("/max_head_age_of", "names chains, but max_head_age_s is 0: no limit");
            }
            return;
        }
        check_seconds("/max_head_age_s", parameters_.max_head_age_s);
        for (const auto& [chain, seconds] : parameters_.max_head_age_of) {
            check_seconds("/max_head_age_of/" + chain.text(), seconds);
        }
    }

    void check_range(
        const std::string& where, const Money& value, const Money& low, const Money& high
    ) {
        if (value < low || value > high) {
            refuse(
                where,
                "is " + value.to_decimal() + "; it must be from " + low.to_decimal() + " to " +
                    high.to_decimal()
            );
        }
    }

    void check_order(
        const std::string& where,
        const Money& smaller,
        std::string_view smaller_name,
        const Money& larger,
        std::string_view larger_name
    ) {
        if (smaller > larger) {
            refuse(
                where,
                std::string(smaller_name) + " " + smaller.to_decimal() + " is above " +
                    std::string(larger_name) + " " + larger.to_decimal()
            );
        }
    }

    void check_name(std::size_t i) {
        const std::string& name = parameters_.assets[i].name;
        const auto allowed = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        };
        if (name.empty() || name.size() > kNameMax || !std::ranges::all_of(name, allowed)) {
            refuse(path(i) + "/name", "must be 1 to 32 characters of a-z, 0-9, - and _");
        }
        if (i == 0) {
            return;
        }
        const std::string& before = parameters_.assets[i - 1].name;
        if (name == before) {
            refuse(path(i) + "/name", "\"" + name + "\" is there twice");
        } else if (name < before) {
            refuse(
                path(i) + "/name",
                "\"" + name + "\" comes after \"" + before + "\"; assets must ascend by name"
            );
        }
    }

    // Collateral: what is counted of a gain shrinks from maintenance to initial.
    void check_collateral_weights(const std::string& at, const Weights& w) {
        const Money none;
        const Money one = Money::whole(1);
        check_range(at + "/initial", w.initial, none, one);
        check_range(at + "/liquidation_end", w.liquidation_end, none, one);
        check_range(at + "/maintenance", w.maintenance, none, one);
        check_order(at + "/initial", w.initial, "initial", w.liquidation_end, "liquidation_end");
        check_order(
            at + "/liquidation_end",
            w.liquidation_end,
            "liquidation_end",
            w.maintenance,
            "maintenance"
        );
    }

    // Debt: what is counted of a loss grows from maintenance to initial.
    void check_debt_weights(const std::string& at, const Weights& w) {
        const Money one = Money::whole(1);
        const Money most = Money::whole(kDebtWeightMax);
        check_range(at + "/initial", w.initial, one, most);
        check_range(at + "/liquidation_end", w.liquidation_end, one, most);
        check_range(at + "/maintenance", w.maintenance, one, most);
        check_order(
            at + "/liquidation_end", w.liquidation_end, "liquidation_end", w.initial, "initial"
        );
        check_order(
            at + "/maintenance", w.maintenance, "maintenance", w.liquidation_end, "liquidation_end"
        );
    }

    void check_asset(std::size_t i) {
        const AssetParameters& asset = parameters_.assets[i];
        check_name(i);
        if (asset.decimals > kDecimalsMax) {
            refuse(
                path(i) + "/decimals",
                "is " + std::to_string(asset.decimals) + "; at most 36 are allowed"
            );
        }
        check_collateral_weights(path(i) + "/collateral", asset.collateral);
        check_debt_weights(path(i) + "/debt", asset.debt);
        check_seconds(path(i) + "/max_age_s", asset.max_age_s);
        check_prices(i);
        check_bonus(i);
        check_market(i);
        if (asset.on.empty()) {
            refuse(path(i) + "/on", "is empty; the asset exists on no chain");
        }
        for (std::size_t form = 0; form < asset.on.size(); ++form) {
            const Money& backing = asset.on[form].backing;
            if (backing.sign() <= 0 || backing > Money::whole(1)) {
                refuse(
                    path(i) + "/on/" + std::to_string(form) + "/backing",
                    "is " + backing.to_decimal() + "; it must be above 0 and at most 1"
                );
            }
            check_early(path(i) + "/on/" + std::to_string(form), asset.on[form]);
        }
    }

    // More blocks allow more, and what one account may use, all may together.
    void check_early(const std::string& at, const AssetOnChain& form) {
        if (form.early.empty()) {
            if (!form.early_total.is_zero()) {
                refuse(at + "/early_total", "is given, but no early tier that it limits");
            }
            return;
        }
        if (form.early.size() > kTiersMax) {
            refuse(at + "/early", "has more than " + std::to_string(kTiersMax) + " tiers");
            return;
        }
        for (std::size_t i = 0; i < form.early.size(); ++i) {
            const EarlyTier before = i == 0 ? EarlyTier{} : form.early[i - 1];
            check_tier(at + "/early/" + std::to_string(i), before, form.early[i]);
        }
        if (form.early_total < form.early.back().up_to) {
            refuse(
                at + "/early_total",
                "is " + form.early_total.to_string() + " raw units, less than the last tier's " +
                    form.early.back().up_to.to_string() + " for one account"
            );
        }
    }

    void check_tier(const std::string& at, const EarlyTier& before, const EarlyTier& tier) {
        if (tier.blocks == 0 || tier.blocks > kTierBlocksMax) {
            refuse(
                at + "/blocks",
                "is " + std::to_string(tier.blocks) + "; it must be from 1 to " +
                    std::to_string(kTierBlocksMax)
            );
        } else if (tier.blocks <= before.blocks) {
            refuse(
                at + "/blocks",
                "is " + std::to_string(tier.blocks) + ", not above the tier before with " +
                    std::to_string(before.blocks)
            );
        }
        if (tier.up_to <= before.up_to) {
            refuse(
                at + "/up_to",
                "is " + tier.up_to.to_string() + " raw units; it must be above " +
                    (before.up_to.is_zero() ? "0" : "the tier before, " + before.up_to.to_string())
            );
        }
    }

    void check_prices(std::size_t i) {
        const AssetParameters& asset = parameters_.assets[i];
        if (asset.price_min.sign() <= 0) {
            refuse(
                path(i) + "/price_min",
                "is " + asset.price_min.to_decimal() + "; it must be above 0"
            );
        }
        if (asset.price_min >= asset.price_max) {
            refuse(
                path(i) + "/price_max",
                "is " + asset.price_max.to_decimal() + "; it must be above price_min " +
                    asset.price_min.to_decimal()
            );
        }
    }

    void check_bonus(std::size_t i) {
        const AssetParameters& asset = parameters_.assets[i];
        if (asset.max_bonus.is_zero()) {
            if (!asset.collateral.maintenance.is_zero()) {
                refuse(
                    path(i) + "/max_bonus",
                    "is 0, so the asset is never seized, but it counts as collateral: set its "
                    "collateral weights to 0 or let it be seized"
                );
            }
            return;
        }
        check_range(
            path(i) + "/max_bonus", asset.max_bonus, Money::whole(1), Money::whole(kBonusMax)
        );
    }

    // A capacity needs a window; a window alone would be lost in the signed form.
    void check_market(std::size_t i) {
        const AssetParameters& asset = parameters_.assets[i];
        if (asset.market_capacity.is_negative()) {
            refuse(path(i) + "/market/capacity", "is negative");
        } else if (!asset.market_capacity.is_zero()) {
            check_seconds(path(i) + "/market/window_s", asset.market_window_s);
        } else if (asset.market_window_s != 0) {
            refuse(path(i) + "/market/capacity", "is 0, but there is a window: leave both out");
        }
    }

    void check_forms_unique() {
        std::map<AssetId, std::string> seen;
        for (std::size_t i = 0; i < parameters_.assets.size(); ++i) {
            const AssetParameters& asset = parameters_.assets[i];
            for (std::size_t form = 0; form < asset.on.size(); ++form) {
                const AssetId& id = asset.on[form].asset;
                const std::string where = path(i) + "/on/" + std::to_string(form) + "/asset";
                if (id.text().empty()) {
                    refuse(where, "is empty");
                    continue;
                }
                const auto [first, added] = seen.emplace(id, where);
                if (!added) {
                    refuse(where, id.text() + " is already at " + first->second);
                }
            }
        }
    }

    // Selling 1 + bonus of collateral to repay 1 of debt moves health by w_l - w_a (1 + bonus). If
    // that is not above zero, a liquidation cannot heal (reference: Drift, Mango v4).
    void check_pairs() {
        for (std::size_t i = 0; i < parameters_.assets.size(); ++i) {
            const AssetParameters& sold = parameters_.assets[i];
            const Result<Money> lost =
                mul(sold.collateral.liquidation_end, sold.max_bonus, Round::kUp);
            for (std::size_t j = 0; j < parameters_.assets.size(); ++j) {
                const AssetParameters& owed = parameters_.assets[j];
                if (i == j || (lost && lost.value() < owed.debt.liquidation_end)) {
                    continue;
                }
                refuse(
                    path(i) + "/max_bonus",
                    "selling " + sold.name + " for " + owed.name +
                        " cannot heal: collateral weight " +
                        sold.collateral.liquidation_end.to_decimal() + " times max_bonus " +
                        sold.max_bonus.to_decimal() + " is not below the debt weight " +
                        owed.debt.liquidation_end.to_decimal()
                );
            }
        }
    }

    void check_liquidation() {
        const LiquidationParameters& l = parameters_.liquidation;
        const Money none;
        const Money one = Money::whole(1);
        check_range("/liquidation/target_buffer", l.target_buffer, none, one);
        if (l.close_factor.sign() <= 0 || l.close_factor > one) {
            refuse(
                "/liquidation/close_factor",
                "is " + l.close_factor.to_decimal() + "; it must be above 0 and at most 1"
            );
        }
        if (l.close_all_below.is_negative()) {
            refuse("/liquidation/close_all_below", "is negative");
        }
        if (l.dust.is_negative()) {
            refuse("/liquidation/dust", "is negative");
        }
        check_seconds("/liquidation/deadline_s", l.deadline_s);
        check_range("/liquidation/bonus_ramp/start", l.bonus_start, none, one);
        if (l.bonus_ramp_s != 0) {
            check_seconds("/liquidation/bonus_ramp/seconds", l.bonus_ramp_s);
        } else if (!l.bonus_start.is_zero()) {
            refuse("/liquidation/bonus_ramp/seconds", "is 0, but there is a start");
        }
    }

    const Parameters& parameters_;
    std::vector<ParameterError> errors_;
};

}  // namespace

std::vector<ParameterError> check(const Parameters& parameters) {
    return Checker(parameters).run();
}

}  // namespace margrave::margin
