// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "oracle/detail/judgement.hpp"
#include "oracle/oracle.hpp"

#include <algorithm>
#include <utility>

namespace margrave::oracle {
namespace {

using detail::Judgement;

// Clocks of chains run a little ahead of ours; more than this is not a clock.
constexpr std::uint64_t kFutureMax = 60;

// Why one answer does not count. kUsable: it does.
struct Refusal {
    PriceVerdict verdict{PriceVerdict::kUsable};
    std::string why;
};

Refusal refuse_time(const AssetOracleSettings& settings, const Answer& answer, UnixSeconds now) {
    const std::uint64_t at = answer.published_at.value;
    if (at > now.value) {
        if (at - now.value <= kFutureMax) {
            return {};
        }
        return {
            .verdict = PriceVerdict::kStale,
            .why = "published " + std::to_string(at - now.value) + " s in the future"};
    }
    if (now.value - at > settings.max_age_s) {
        return {
            .verdict = PriceVerdict::kStale,
            .why = "published " + std::to_string(now.value - at) + " s ago; at most " +
                   std::to_string(settings.max_age_s) + " s are allowed"};
    }
    return {};
}

Refusal refuse(const AssetOracleSettings& settings, const Answer& answer, UnixSeconds now) {
    if (!answer.price) {
        return {
            .verdict = PriceVerdict::kMissing,
            .why = answer.error.empty() ? "no answer" : answer.error};
    }
    const Money& price = *answer.price;
    if (price.sign() <= 0 || price < settings.price_min || price > settings.price_max) {
        return {
            .verdict = PriceVerdict::kOutOfBounds,
            .why = price.to_decimal() + " USD is outside " + settings.price_min.to_decimal() +
                   " to " + settings.price_max.to_decimal()};
    }
    return refuse_time(settings, answer, now);
}

// What stands for several answers.
struct Summary {
    Money price;
    Money confidence;
    UnixSeconds published_at;
    Money lowest;
    Money highest;
};

// Not called without answers; all of them have a price.
Summary summarise(const std::vector<const Answer*>& answers) {
    std::vector<Money> prices;
    Summary out;
    out.published_at = answers.front()->published_at;
    for (const Answer* answer : answers) {
        prices.push_back(*answer->price);
        out.published_at = std::min(out.published_at, answer->published_at);
    }
    std::ranges::sort(prices);
    out.lowest = prices.front();
    out.highest = prices.back();
    out.price = prices[(prices.size() - 1) / 2];
    return out;
}

// Half the distance between the outermost answers, rounded up. Both are positive, so neither step
// can overflow.
Money half_spread(const Summary& summary) {
    const Money distance = sub(summary.highest, summary.lowest).value();
    return mul_div(distance, Money::from_e18(1), Money::from_e18(2), Round::kUp).value();
}

// (highest - lowest) / lowest <= max_spread, without the division.
bool is_within(const Summary& summary, const Money& max_spread) {
    const Money distance = sub(summary.highest, summary.lowest).value();
    const Result<Money> allowed = mul(summary.lowest, max_spread, Round::kDown);
    return allowed && distance <= allowed.value();
}

void show(PriceRow& row, const std::vector<const Answer*>& answers) {
    const Summary summary = summarise(answers);
    row.price = summary.price;
    row.confidence = half_spread(summary);
    row.published_at = summary.published_at;
}

// A bad answer says more about a source than an old one, and an old one more than none.
PriceVerdict worse(PriceVerdict a, PriceVerdict b) {
    const auto rank = [](PriceVerdict verdict) {
        switch (verdict) {
            case PriceVerdict::kUsable:
                return 0;
            case PriceVerdict::kMissing:
                return 1;
            case PriceVerdict::kStale:
                return 2;
            case PriceVerdict::kOutOfBounds:
                return 3;
        }
        return 3;
    };
    return rank(a) < rank(b) ? b : a;
}

}  // namespace

detail::Judgement detail::judge(
    const AssetOracleSettings& settings, const std::vector<Answer>& answers, UnixSeconds now
) {
    Judgement out;
    std::vector<const Answer*> usable;
    std::vector<const Answer*> shown;
    PriceVerdict worst = PriceVerdict::kMissing;
    for (const Answer& answer : answers) {
        Refusal refusal = refuse(settings, answer, now);
        if (refusal.verdict == PriceVerdict::kUsable) {
            usable.push_back(&answer);
        }
        if (answer.price && answer.price->sign() > 0) {
            shown.push_back(&answer);
        }
        worst = worse(worst, refusal.verdict);
        out.refusals.push_back(std::move(refusal.why));
    }
    out.row.sources = keccak256(canonical(answers).dump());
    const std::size_t wanted = std::max(settings.min_sources, 1U);
    if (usable.size() < wanted) {
        out.row.verdict = worst;
        out.why = std::to_string(usable.size()) + " of " + std::to_string(answers.size()) +
                  " sources are usable; " + std::to_string(wanted) + " are needed";
        if (!shown.empty()) {
            show(out.row, shown);
        }
        return out;
    }
    show(out.row, usable);
    const Summary summary = summarise(usable);
    out.row.verdict = PriceVerdict::kUsable;
    if (!is_within(summary, settings.max_spread)) {
        out.row.verdict = PriceVerdict::kOutOfBounds;
        out.why = "sources answer from " + summary.lowest.to_decimal() + " to " +
                  summary.highest.to_decimal() + " USD, further apart than " +
                  settings.max_spread.to_decimal() + " of the lower";
    }
    return out;
}

PriceRow guard(
    const AssetOracleSettings& settings,
    const AssetId& asset,
    const std::vector<Answer>& answers,
    UnixSeconds now
) {
    PriceRow row = detail::judge(settings, answers, now).row;
    row.asset = asset;
    return row;
}

}  // namespace margrave::oracle
