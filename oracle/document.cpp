// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/judgement.hpp"
#include "oracle/oracle.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace margrave::oracle {
namespace {

Canonical canonical(const Answer& answer) {
    Canonical::Object out;
    out.emplace("block", answer.chain.text().empty() ? std::string{} : to_hex(answer.block));
    out.emplace("chain", answer.chain.text());
    out.emplace("error", answer.error);
    out.emplace("origin", answer.origin);
    out.emplace("published_at", Canonical::integer(answer.published_at.value));
    out.emplace("round", answer.round);
    out.emplace("source", answer.source);
    // Absent is not zero. What only some sources have is not there for the others, so that the
    // lists of those stay what they were.
    const auto optional = [&out](const char* name, const std::optional<Money>& value) {
        if (value) {
            out.emplace(name, value->to_string_e18());
        }
    };
    optional("ceiling", answer.ceiling);
    optional("confidence", answer.confidence);
    optional("floor", answer.floor);
    optional("rate", answer.rate);
    if (answer.rate_published_at) {
        out.emplace("rate_published_at", Canonical::integer(answer.rate_published_at->value));
    }
    if (!answer.quote.empty()) {
        out.emplace("quote", answer.quote);
    }
    if (answer.price) {
        out.emplace("price", answer.price->to_string_e18());
    }
    return Canonical(std::move(out));
}

// What only some assets have is not there for the others.
void add_slow(Canonical::Object& out, const SlowSettings& slow) {
    out.emplace("slow_delay_hours", Canonical::integer(slow.delay_hours));
    out.emplace("slow_hard", slow.hard.to_string_e18());
    out.emplace("slow_max_from_delayed", slow.max_from_delayed.to_string_e18());
    out.emplace("slow_max_per_hour", slow.max_per_hour.to_string_e18());
    out.emplace("slow_soft", slow.soft.to_string_e18());
}

Canonical guards(const AssetOracleSettings& settings, const std::vector<Answer>& answers) {
    Canonical::Object out;
    if (std::ranges::any_of(answers, [](const Answer& a) { return a.confidence.has_value(); })) {
        out.emplace("max_confidence", settings.max_confidence.to_string_e18());
    }
    if (settings.max_unchanged_s != 0) {
        out.emplace("max_unchanged_s", Canonical::integer(settings.max_unchanged_s));
    }
    if (settings.slow) {
        add_slow(out, *settings.slow);
    }
    out.emplace("max_age_s", Canonical::integer(settings.max_age_s));
    out.emplace("max_spread", settings.max_spread.to_string_e18());
    out.emplace("min_sources", Canonical::integer(settings.min_sources));
    out.emplace("price_max", settings.price_max.to_string_e18());
    out.emplace("price_min", settings.price_min.to_string_e18());
    return Canonical(std::move(out));
}

Canonical forms(const AssetOracleSettings& settings) {
    Canonical::Array out;
    for (const AssetId& asset : settings.assets) {
        out.emplace_back(asset.text());
    }
    return Canonical(std::move(out));
}

Canonical asset_document(
    const AssetOracleSettings& settings,
    const std::vector<Answer>& answers,
    const detail::Judgement& judgement
) {
    Canonical::Array refusals;
    for (const std::string& refusal : judgement.refusals) {
        refusals.emplace_back(refusal);
    }
    Canonical::Object out;
    out.emplace("answers", canonical(answers));
    out.emplace("assets", forms(settings));
    out.emplace("confidence", judgement.row.confidence.to_string_e18());
    out.emplace("guards", guards(settings, answers));
    if (judgement.memory != AssetMemory{}) {
        out.emplace("memory", detail::canonical(judgement.memory));
    }
    if (settings.slow) {
        Canonical::Object uses{
            {"initial", std::string(to_string(judgement.use.initial))},
            {"liquidation", std::string(to_string(judgement.use.liquidation))},
            {"why", judgement.use.why}};
        out.emplace("uses", std::move(uses));
    }
    out.emplace("name", settings.name);
    out.emplace("price", judgement.row.price.to_string_e18());
    out.emplace("published_at", Canonical::integer(judgement.row.published_at.value));
    out.emplace("refusals", std::move(refusals));
    out.emplace("verdict", std::string(to_string(judgement.row.verdict)));
    out.emplace("why", judgement.why);
    return Canonical(std::move(out));
}

}  // namespace

Canonical canonical(const std::vector<Answer>& answers) {
    Canonical::Array out;
    for (const Answer& answer : answers) {
        out.push_back(canonical(answer));
    }
    return Canonical(std::move(out));
}

Canonical detail::document(
    const std::vector<AssetOracleSettings>& assets,
    const std::vector<std::vector<Answer>>& answers,
    const std::vector<Judgement>& judgements,
    UnixSeconds now
) {
    Canonical::Array list;
    for (std::size_t i = 0; i < assets.size(); ++i) {
        list.push_back(asset_document(assets[i], answers[i], judgements[i]));
    }
    Canonical::Object out;
    out.emplace("assets", std::move(list));
    out.emplace("now", Canonical::integer(now.value));
    return Canonical(std::move(out));
}

}  // namespace margrave::oracle
