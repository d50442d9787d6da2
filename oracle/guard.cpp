// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "oracle/detail/judgement.hpp"
#include "oracle/oracle.hpp"

#include <algorithm>
#include <set>
#include <string>
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

Refusal refuse_time(std::uint64_t max_age_s, const Answer& answer, UnixSeconds now) {
    const std::uint64_t at = answer.rate_published_at.value_or(answer.published_at).value;
    if (at > now.value) {
        if (at - now.value <= kFutureMax) {
            return {};
        }
        return {
            .verdict = PriceVerdict::kStale,
            .why = "published " + std::to_string(at - now.value) + " s in the future"};
    }
    if (now.value - at > max_age_s) {
        return {
            .verdict = PriceVerdict::kStale,
            .why = "published " + std::to_string(now.value - at) + " s ago; at most " +
                   std::to_string(max_age_s) + " s are allowed"};
    }
    return {};
}

Refusal out_of_bounds(std::string why) {
    return {.verdict = PriceVerdict::kOutOfBounds, .why = std::move(why)};
}

// What the source itself said, in the unit it said it in.
const Money& said(const Answer& answer) {
    return answer.rate ? *answer.rate : *answer.price;
}

Refusal refuse_limits(const SourceSettings& source, const Answer& answer) {
    const Money& value = said(answer);
    if ((source.min && value < *source.min) || (source.max && value > *source.max)) {
        return out_of_bounds(
            value.to_decimal() + " " + source.quote + " is outside " +
            source.min.value_or(Money{}).to_decimal() + " to " +
            (source.max ? source.max->to_decimal() : "any")
        );
    }
    if ((answer.floor && value <= *answer.floor) || (answer.ceiling && value >= *answer.ceiling)) {
        return out_of_bounds(
            value.to_decimal() + " is the " +
            (answer.floor && value <= *answer.floor ? "lowest" : "highest") +
            " the feed can say, so the market may be beyond"
        );
    }
    return {};
}

// confidence <= max * value, without the division.
Refusal refuse_confidence(const Money& max, const Answer& answer) {
    if (!answer.confidence) {
        return {};
    }
    const Result<Money> allowed = mul(said(answer), max, Round::kDown);
    if (allowed && answer.confidence->sign() >= 0 && *answer.confidence <= allowed.value()) {
        return {};
    }
    return out_of_bounds(
        "the source is only sure to " + answer.confidence->to_decimal() + "; at most " +
        max.to_decimal() + " of the price is allowed"
    );
}

// The memory of an answer: as before when it says the same.
Unchanged unchanged_of(const AssetMemory& before, const Answer& answer, UnixSeconds now) {
    const auto known = before.unchanged.find(answer.source);
    const bool same = known != before.unchanged.end() && known->second.value == said(answer);
    return same ? known->second : Unchanged{.value = said(answer), .since = now};
}

Refusal refuse_frozen(std::uint64_t max_s, const Unchanged& unchanged, UnixSeconds now) {
    const std::uint64_t since = std::min(unchanged.since, now).value;
    if (max_s == 0 || now.value - since <= max_s) {
        return {};
    }
    return {
        .verdict = PriceVerdict::kStale,
        .why = "has not changed for " + std::to_string(now.value - since) + " s; at most " +
               std::to_string(max_s) + " s are allowed"};
}

Refusal refuse(
    const AssetOracleSettings& settings,
    const SourceSettings& source,
    const Answer& answer,
    UnixSeconds now
) {
    if (!answer.price) {
        return {
            .verdict = PriceVerdict::kMissing,
            .why = answer.error.empty() ? "no answer" : answer.error};
    }
    const Money& price = *answer.price;
    if (price.sign() <= 0 || price < settings.price_min || price > settings.price_max) {
        return out_of_bounds(
            price.to_decimal() + " USD is outside " + settings.price_min.to_decimal() + " to " +
            settings.price_max.to_decimal()
        );
    }
    for (const Refusal& refusal :
         {refuse_limits(source, answer), refuse_confidence(settings.max_confidence, answer)}) {
        if (refusal.verdict != PriceVerdict::kUsable) {
            return refusal;
        }
    }
    const std::uint64_t max_age_s = source.max_age_s == 0 ? settings.max_age_s : source.max_age_s;
    return refuse_time(max_age_s, answer, now);
}

// Sources of one maker are one source, however many names they have.
std::string maker_of(const SourceSettings& source, const Answer& answer, std::size_t place) {
    if (!source.made_by.empty()) {
        return source.made_by;
    }
    return answer.origin.empty() ? "#" + std::to_string(place) : answer.origin;
}

// What stands for several answers.
struct Summary {
    Money price;
    Money confidence;
    UnixSeconds published_at;
    Money lowest;
    Money highest;
};

// A composed answer's confidence is in its own quote; it is as large a part of the price there.
Money confidence_in_dollars(const Answer& answer) {
    if (!answer.confidence || !answer.rate) {
        return answer.confidence.value_or(Money{});
    }
    const Result<Money> out = mul_div(*answer.confidence, *answer.price, *answer.rate, Round::kUp);
    return out ? out.value() : *answer.price;
}

// Not called without answers; all of them have a positive price.
Summary summarise(const std::vector<const Answer*>& answers) {
    std::vector<Money> prices;
    Summary out;
    out.published_at = answers.front()->published_at;
    for (const Answer* answer : answers) {
        prices.push_back(*answer->price);
        out.confidence = max(out.confidence, confidence_in_dollars(*answer));
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
    row.confidence = max(half_spread(summary), summary.confidence);
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

// How the answers are judged: what counts, and why the rest does not.
struct Sorted {
    std::vector<const Answer*> usable;
    std::vector<const Answer*> shown;
    PriceVerdict worst{PriceVerdict::kMissing};
    std::set<std::string> makers;
};

Sorted sort_answers(
    const AssetOracleSettings& settings,
    const std::vector<Answer>& answers,
    UnixSeconds now,
    const AssetMemory& before,
    Judgement& judgement
) {
    Sorted out;
    const SourceSettings unnamed;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const Answer& answer = answers[i];
        const SourceSettings& source = i < settings.sources.size() ? settings.sources[i] : unnamed;
        Refusal refusal = refuse(settings, source, answer, now);
        if (settings.max_unchanged_s != 0 && answer.price) {
            const Unchanged unchanged = unchanged_of(before, answer, now);
            judgement.memory.unchanged.insert_or_assign(answer.source, unchanged);
            if (refusal.verdict == PriceVerdict::kUsable) {
                refusal = refuse_frozen(settings.max_unchanged_s, unchanged, now);
            }
        }
        const auto known = before.unchanged.find(answer.source);
        if (!answer.price && known != before.unchanged.end()) {
            judgement.memory.unchanged.insert(*known);
        }
        if (refusal.verdict == PriceVerdict::kUsable) {
            out.usable.push_back(&answer);
            out.makers.insert(maker_of(source, answer, i));
        }
        if (answer.price && answer.price->sign() > 0) {
            out.shown.push_back(&answer);
        }
        out.worst = worse(out.worst, refusal.verdict);
        judgement.refusals.push_back(std::move(refusal.why));
    }
    return out;
}

void decide(
    const AssetOracleSettings& settings,
    const Sorted& sorted,
    const std::vector<Answer>& answers,
    Judgement& out
) {
    out.row.sources = keccak256(canonical(answers).dump());
    out.makers = sorted.makers.size();
    const std::size_t wanted = std::max(settings.min_sources, 1U);
    if (out.makers < wanted) {
        out.row.verdict = sorted.worst;
        out.why = std::to_string(out.makers) + " of " + std::to_string(answers.size()) +
                  " sources are usable; " + std::to_string(wanted) + " are needed";
        if (!sorted.shown.empty()) {
            show(out.row, sorted.shown);
        }
        return;
    }
    show(out.row, sorted.usable);
    const Summary summary = summarise(sorted.usable);
    out.row.verdict = PriceVerdict::kUsable;
    if (!is_within(summary, settings.max_spread)) {
        // Each may be the right one, also one that does not count.
        show(out.row, sorted.shown);
        out.row.verdict = PriceVerdict::kOutOfBounds;
        out.why = "sources answer from " + summary.lowest.to_decimal() + " to " +
                  summary.highest.to_decimal() + " USD, further apart than " +
                  settings.max_spread.to_decimal() + " of the lower";
    }
}

void use_and_remember(
    const AssetOracleSettings& settings,
    UnixSeconds now,
    const AssetMemory& before,
    Judgement& judgement
) {
    SlowStep step;
    step.settings = settings.slow;
    step.price = judgement.row.price;
    step.is_usable = judgement.row.verdict == PriceVerdict::kUsable;
    judgement.memory.slow = slow_after(step, before.slow, now);
    judgement.use = use_of(settings, judgement.row, judgement.memory.slow, judgement.makers);
}

}  // namespace

detail::Judgement detail::judge(
    const AssetOracleSettings& settings,
    const std::vector<Answer>& answers,
    UnixSeconds now,
    const AssetMemory& before
) {
    Judgement out;
    decide(settings, sort_answers(settings, answers, now, before, out), answers, out);
    use_and_remember(settings, now, before, out);
    return out;
}

Answer in_dollars(const Answer& answer, const std::string& quote_name, const PriceRow& quote) {
    Answer out = answer;
    out.quote = quote_name;
    if (!answer.price) {
        return out;
    }
    out.rate = answer.price;
    out.price.reset();
    if (quote.verdict != PriceVerdict::kUsable) {
        out.error = "it is quoted in " + quote_name + ", whose price is " +
                    std::string(to_string(quote.verdict));
        return out;
    }
    const Result<Money> product = mul(*out.rate, quote.price, Round::kDown);
    if (!product || product.value().sign() <= 0) {
        out.error = out.rate->to_decimal() + " " + quote_name + " is no price in dollars";
        return out;
    }
    out.price = product.value();
    out.rate_published_at = answer.published_at;
    out.published_at = std::min(answer.published_at, quote.published_at);
    return out;
}

std::optional<SlowState> slow_after(
    const SlowStep& step, const std::optional<SlowState>& before, UnixSeconds now
) {
    if (!step.settings) {
        return std::nullopt;
    }
    if (!step.is_usable) {
        return before;
    }
    return before ? advance_slow(*step.settings, *before, step.price, now)
                  : begin_slow(step.price, now);
}

PriceRow guard(
    const AssetOracleSettings& settings,
    const AssetId& asset,
    const std::vector<Answer>& answers,
    UnixSeconds now
) {
    PriceRow row = detail::judge(settings, answers, now, AssetMemory{}).row;
    row.asset = asset;
    return row;
}

}  // namespace margrave::oracle
