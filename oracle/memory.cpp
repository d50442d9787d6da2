// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/judgement.hpp"
#include "oracle/oracle.hpp"

#include <string>
#include <utility>

// The memory of an asset's guards as a member of its document, and back.
namespace margrave::oracle {
namespace {

Canonical slow_json(const SlowState& slow) {
    Canonical::Array hours;
    for (const Money& hour : slow.hours) {
        hours.emplace_back(hour.to_string_e18());
    }
    return Canonical::Object{
        {"at", Canonical::integer(slow.at.value)},
        {"hours", std::move(hours)},
        {"price", slow.price.to_string_e18()},
        {"seconds", Canonical::integer(slow.seconds)},
        {"sum", slow.sum.to_string_e18()}};
}

Error no_memory(std::string_view what) {
    return fail(
        Errc::kCorrupt, "the price document's memory has no " + std::string(what) + " of its form"
    );
}

const Canonical* member_of(const Canonical& object, std::string_view name) {
    const auto* members = std::get_if<Canonical::Object>(&object.value());
    const auto found =
        members == nullptr ? Canonical::Object::const_iterator{} : members->find(name);
    return members == nullptr || found == members->end() ? nullptr : &found->second;
}

Result<std::string> text_of(const Canonical& object, std::string_view name) {
    const Canonical* found = member_of(object, name);
    const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(&found->value());
    return text == nullptr ? Result<std::string>(no_memory(name)) : Result<std::string>(*text);
}

Result<Money> money_of(const Canonical& object, std::string_view name) {
    MARGRAVE_TRY(const std::string text, text_of(object, name));
    return Money::parse_e18(text);
}

Result<std::uint64_t> count_of(const Canonical& object, std::string_view name) {
    MARGRAVE_TRY(const std::string text, text_of(object, name));
    MARGRAVE_TRY(const Amount amount, Amount::parse(text));
    return amount.to_u64();
}

Result<SlowState> read_slow(const Canonical& object) {
    SlowState out;
    MARGRAVE_TRY(out.price, money_of(object, "price"));
    MARGRAVE_TRY(out.sum, money_of(object, "sum"));
    MARGRAVE_TRY(out.seconds, count_of(object, "seconds"));
    MARGRAVE_TRY(const std::uint64_t at, count_of(object, "at"));
    out.at = UnixSeconds{at};
    const Canonical* hours = member_of(object, "hours");
    const auto* list = hours == nullptr ? nullptr : std::get_if<Canonical::Array>(&hours->value());
    if (list == nullptr || out.price.sign() <= 0) {
        return no_memory("hours or price");
    }
    for (const Canonical& item : *list) {
        const auto* text = std::get_if<std::string>(&item.value());
        if (text == nullptr) {
            return no_memory("hour");
        }
        MARGRAVE_TRY(Money hour, Money::parse_e18(*text));
        out.hours.push_back(std::move(hour));
    }
    return out;
}

Result<AssetMemory> read_memory(const Canonical& object) {
    AssetMemory out;
    if (const Canonical* slow = member_of(object, "slow")) {
        MARGRAVE_TRY(out.slow, read_slow(*slow));
    }
    const Canonical* unchanged = member_of(object, "unchanged");
    if (unchanged == nullptr) {
        return out;
    }
    const auto* members = std::get_if<Canonical::Object>(&unchanged->value());
    if (members == nullptr) {
        return no_memory("unchanged");
    }
    for (const auto& [source, entry] : *members) {
        Unchanged row;
        MARGRAVE_TRY(row.value, money_of(entry, "value"));
        MARGRAVE_TRY(const std::uint64_t since, count_of(entry, "since"));
        row.since = UnixSeconds{since};
        out.unchanged.emplace(source, std::move(row));
    }
    return out;
}

Result<SlowSettings> read_settings(const Canonical& guards) {
    SlowSettings out;
    MARGRAVE_TRY(out.max_per_hour, money_of(guards, "slow_max_per_hour"));
    MARGRAVE_TRY(out.max_from_delayed, money_of(guards, "slow_max_from_delayed"));
    MARGRAVE_TRY(out.soft, money_of(guards, "slow_soft"));
    MARGRAVE_TRY(out.hard, money_of(guards, "slow_hard"));
    MARGRAVE_TRY(out.delay_hours, count_of(guards, "slow_delay_hours"));
    return out;
}

Result<SlowStep> read_step(const Canonical& asset) {
    SlowStep out;
    MARGRAVE_TRY(out.name, text_of(asset, "name"));
    MARGRAVE_TRY(out.price, money_of(asset, "price"));
    MARGRAVE_TRY(const std::string verdict, text_of(asset, "verdict"));
    out.is_usable = verdict == to_string(PriceVerdict::kUsable);
    const Canonical* forms = member_of(asset, "assets");
    const auto* list = forms == nullptr ? nullptr : std::get_if<Canonical::Array>(&forms->value());
    if (list == nullptr || (out.is_usable && out.price.sign() <= 0)) {
        return no_memory("assets or price");
    }
    for (const Canonical& form : *list) {
        const auto* text = std::get_if<std::string>(&form.value());
        MARGRAVE_TRY(AssetId id, AssetId::parse(text == nullptr ? "" : *text));
        out.assets.push_back(std::move(id));
    }
    const Canonical* guards = member_of(asset, "guards");
    if (guards != nullptr && member_of(*guards, "slow_hard") != nullptr) {
        MARGRAVE_TRY(out.settings, read_settings(*guards));
    }
    if (const Canonical* memory = member_of(asset, "memory")) {
        MARGRAVE_TRY(AssetMemory read, read_memory(*memory));
        out.after = std::move(read.slow);
    }
    return out;
}

}  // namespace

Canonical detail::canonical(const AssetMemory& memory) {
    Canonical::Object out;
    if (memory.slow) {
        out.emplace("slow", slow_json(*memory.slow));
    }
    if (!memory.unchanged.empty()) {
        Canonical::Object sources;
        for (const auto& [source, unchanged] : memory.unchanged) {
            Canonical::Object row{
                {"since", Canonical::integer(unchanged.since.value)},
                {"value", unchanged.value.to_string_e18()}};
            sources.emplace(source, std::move(row));
        }
        out.emplace("unchanged", std::move(sources));
    }
    return Canonical(std::move(out));
}

Result<Memory> memory_of(const Canonical& document) {
    Memory out;
    const Canonical* assets = member_of(document, "assets");
    const auto* list =
        assets == nullptr ? nullptr : std::get_if<Canonical::Array>(&assets->value());
    if (list == nullptr) {
        return no_memory("list of assets");
    }
    for (const Canonical& asset : *list) {
        const Canonical* memory = member_of(asset, "memory");
        if (memory == nullptr) {
            continue;
        }
        MARGRAVE_TRY(std::string name, text_of(asset, "name"));
        MARGRAVE_TRY(AssetMemory read, read_memory(*memory));
        out.emplace(std::move(name), std::move(read));
    }
    return out;
}

Result<SlowSteps> slow_steps_of(const Canonical& document) {
    SlowSteps out;
    MARGRAVE_TRY(const std::uint64_t now, count_of(document, "now"));
    out.now = UnixSeconds{now};
    const Canonical* assets = member_of(document, "assets");
    const auto* list =
        assets == nullptr ? nullptr : std::get_if<Canonical::Array>(&assets->value());
    if (list == nullptr) {
        return no_memory("list of assets");
    }
    for (const Canonical& asset : *list) {
        MARGRAVE_TRY(SlowStep step, read_step(asset));
        out.steps.push_back(std::move(step));
    }
    return out;
}

}  // namespace margrave::oracle
