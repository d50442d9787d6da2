// SPDX-License-Identifier: Apache-2.0
#include "config/detail/build_source.hpp"

#include "config/detail/build.hpp"
#include "config/detail/table.hpp"
#include "config/detail/values.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace margrave::config::detail {
namespace {

using nlohmann::json;

constexpr std::string_view kSources = "/assets/*/price/sources/*/";

// As oracle reads settings: integers as text, durations in seconds, paths whole.
Canonical canonical_of(
    const json& value, const std::string& pattern, const std::filesystem::path& base_dir
) {
    if (value.is_object()) {
        Canonical::Object out;
        for (const auto& [name, member] : value.items()) {
            if (!member.is_null()) {
                out.emplace(name, canonical_of(member, pattern + "/" + name, base_dir));
            }
        }
        return out;
    }
    if (value.is_array()) {
        Canonical::Array out;
        for (const json& item : value) {
            if (!item.is_null()) {
                out.push_back(canonical_of(item, pattern + "/*", base_dir));
            }
        }
        return out;
    }
    if (value.is_boolean()) {
        return Canonical(value.get<bool>());
    }
    if (value.is_number()) {
        return Canonical::integer(value.get<std::uint64_t>());
    }
    std::string text = value.get<std::string>();
    const Setting* row = find(pattern);
    if (row != nullptr && row->kind == Kind::kPath) {
        return resolve(base_dir, text).string();
    }
    const Result<std::uint64_t> duration =
        row != nullptr && row->kind == Kind::kSeconds
            ? parse_duration(text)
            : Result<std::uint64_t>(fail(Errc::kInvalid, "no duration"));
    return duration ? Canonical::integer(duration.value() / 1000) : Canonical(std::move(text));
}

constexpr std::string_view kFeed = "feed";
constexpr std::string_view kFixed = "fixed";

std::optional<oracle::SlowSettings> build_slow(const Reader& in) {
    const auto per_hour = in.decimal("max_per_hour");
    if (!per_hour) {
        return std::nullopt;
    }
    oracle::SlowSettings out;
    out.max_per_hour = *per_hour;
    take(out.delay_hours, in.integer("delay_hours"));
    take(out.max_from_delayed, in.decimal("max_from_delayed"));
    take(out.soft, in.decimal("soft"));
    take(out.hard, in.decimal("hard"));
    return out;
}

}  // namespace

std::set<std::string> makers_of(const std::vector<oracle::SourceSettings>& sources) {
    std::set<std::string> out;
    for (const oracle::SourceSettings& source : sources) {
        // What the operator wrote down says nothing about a market.
        if (source.kind != kFixed) {
            out.insert(oracle::maker_of(source));
        }
    }
    return out;
}

const oracle::SourceKind* kind_of(const Reader& source) {
    for (const oracle::SourceKind* kind : oracle::source_kinds()) {
        if (source.has(kind->name)) {
            return kind;
        }
    }
    return nullptr;
}

oracle::SourceSettings build_source(const Reader& in, const std::filesystem::path& base_dir) {
    oracle::SourceSettings out;
    take(out.name, in.text("name"));
    take(out.quote, in.text("quote"));
    take(out.made_by, in.text("made_by"));
    take(out.max_age_s, in.seconds("max_age"));
    out.min = in.decimal("min");
    out.max = in.decimal("max");
    if (const oracle::SourceKind* kind = kind_of(in)) {
        out.kind = kind->name;
        // Contracts of one shape at two addresses may be two pairs of one maker.
        if (out.made_by.empty() && out.kind == kFeed) {
            out.made_by = kind->name;
        }
        const std::string pattern = std::string(kSources) + out.kind;
        out.settings = canonical_of(*in.value(kind->name), pattern, base_dir);
    }
    return out;
}

oracle::AssetOracleSettings build_price(
    const std::string& name,
    const Reader& price,
    const std::vector<margin::AssetOnChain>& forms,
    const std::filesystem::path& base_dir
) {
    oracle::AssetOracleSettings out;
    out.name = name;
    for (const margin::AssetOnChain& form : forms) {
        out.assets.push_back(form.asset);
    }
    for (std::size_t i = 0; i < price.size("sources"); ++i) {
        out.sources.push_back(build_source(price.item("sources", i), base_dir));
    }
    take(out.max_age_s, price.seconds("max_age"));
    take(out.price_min, price.decimal("min"));
    take(out.price_max, price.decimal("max"));
    out.min_sources = makers_of(out.sources).size() < 2 ? 1 : 2;
    take(out.min_sources, price.integer("min_sources"));
    take(out.max_spread, price.decimal("max_spread"));
    take(out.max_confidence, price.decimal("max_confidence"));
    take(out.max_unchanged_s, price.seconds("max_unchanged"));
    out.slow = build_slow(price.object("slow"));
    return out;
}

}  // namespace margrave::config::detail
