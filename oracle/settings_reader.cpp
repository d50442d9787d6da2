// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/settings_reader.hpp"

#include <utility>

namespace margrave::oracle::detail {

const Canonical* SettingsReader::find(std::string_view key) const {
    const auto* object = std::get_if<Canonical::Object>(&settings_.settings.value());
    if (object == nullptr) {
        return nullptr;
    }
    const auto found = object->find(key);
    return found == object->end() ? nullptr : &found->second;
}

Error SettingsReader::wrong(std::string_view key, std::string_view why) const {
    return fail(
        Errc::kConfig,
        "price source " + settings_.name + ": \"" + std::string(key) + "\" of its " +
            settings_.kind + " " + std::string(why)
    );
}

Result<std::string> SettingsReader::self() const {
    if (const auto* text = std::get_if<std::string>(&settings_.settings.value())) {
        return *text;
    }
    return wrong(settings_.kind, "is no text");
}

Result<std::string> SettingsReader::text(std::string_view key) const {
    const Canonical* found = find(key);
    if (found == nullptr) {
        return wrong(key, "is missing");
    }
    if (const auto* text = std::get_if<std::string>(&found->value())) {
        return *text;
    }
    return wrong(key, "is no text");
}

Result<std::string> SettingsReader::text(std::string_view key, std::string_view otherwise) const {
    return has(key) ? text(key) : Result<std::string>(std::string(otherwise));
}

Result<Address> SettingsReader::address(std::string_view key) const {
    MARGRAVE_TRY(const std::string given, text(key));
    const Result<Address> out = parse_address(given);
    return out ? out : wrong(key, "is no address");
}

Result<ChainId> SettingsReader::chain(std::string_view key) const {
    MARGRAVE_TRY(const std::string given, text(key));
    const Result<ChainId> out = ChainId::parse(given);
    return out ? out : wrong(key, "is no chain");
}

Result<Hash32> SettingsReader::hash(std::string_view key) const {
    MARGRAVE_TRY(const std::string given, text(key));
    const Result<Hash32> out = parse_hash32(given);
    return out ? out : wrong(key, "is no hash");
}

Result<std::vector<std::string>> SettingsReader::list(std::string_view key) const {
    const Canonical* found = find(key);
    const auto* items = found == nullptr ? nullptr : std::get_if<Canonical::Array>(&found->value());
    if (items == nullptr) {
        return wrong(key, "is no list");
    }
    std::vector<std::string> out;
    for (const Canonical& item : *items) {
        const auto* text = std::get_if<std::string>(&item.value());
        if (text == nullptr) {
            return wrong(key, "has an item that is no text");
        }
        out.push_back(*text);
    }
    return out;
}

Result<std::uint64_t> SettingsReader::integer(std::string_view key, std::uint64_t otherwise) const {
    if (!has(key)) {
        return otherwise;
    }
    MARGRAVE_TRY(const std::string given, text(key));
    const Result<Amount> amount = Amount::parse(given);
    const Result<std::uint64_t> out =
        amount ? amount.value().to_u64() : Result<std::uint64_t>(amount.as_failure());
    return out ? out : wrong(key, "is no whole number below 2^64");
}

Result<Money> SettingsReader::decimal(std::string_view key, const Money& otherwise) const {
    if (!has(key)) {
        return otherwise;
    }
    MARGRAVE_TRY(const std::string given, text(key));
    Result<Money> out = Money::parse(given);
    return out ? std::move(out) : wrong(key, "is no decimal");
}

bool SettingsReader::flag(std::string_view key) const {
    const Canonical* found = find(key);
    const auto* flag = found == nullptr ? nullptr : std::get_if<bool>(&found->value());
    return flag != nullptr && *flag;
}

}  // namespace margrave::oracle::detail
