// SPDX-License-Identifier: Apache-2.0
#include "config/detail/reader.hpp"

#include "config/detail/values.hpp"

namespace margrave::config::detail {
namespace {

using nlohmann::json;

const json& empty_object() {
    static const json kEmpty = json::object();
    return kEmpty;
}

template <class T>
std::optional<T> parsed(
    const std::optional<std::string>& text, Result<T> (*parse)(std::string_view)
) {
    if (!text) {
        return std::nullopt;
    }
    Result<T> value = parse(*text);
    return value ? std::optional<T>(std::move(value).value()) : std::nullopt;
}

}  // namespace

const json* Reader::find(std::string_view name) const {
    const auto found = object_.find(std::string(name));
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

Reader Reader::object(std::string_view name) const {
    const json* found = find(name);
    return {found == nullptr ? empty_object() : *found, at(name)};
}

std::size_t Reader::size(std::string_view name) const {
    const json* found = find(name);
    return found == nullptr ? 0 : found->size();
}

Reader Reader::item(std::string_view name, std::size_t index) const {
    const json& item = (*find(name))[index];
    return {item.is_object() ? item : empty_object(), at(name) + "/" + std::to_string(index)};
}

std::optional<std::string> Reader::text_item(std::string_view name, std::size_t index) const {
    const json& item = (*find(name))[index];
    return item.is_string() ? std::optional(item.get<std::string>()) : std::nullopt;
}

std::optional<std::string> Reader::text(std::string_view name) const {
    const json* found = find(name);
    return found == nullptr ? std::nullopt : std::optional(found->get<std::string>());
}

std::optional<bool> Reader::flag(std::string_view name) const {
    const json* found = find(name);
    return found == nullptr ? std::nullopt : std::optional(found->get<bool>());
}

std::optional<std::uint64_t> Reader::integer(std::string_view name) const {
    const json* found = find(name);
    return found == nullptr ? std::nullopt : std::optional(found->get<std::uint64_t>());
}

std::optional<std::uint64_t> Reader::count(std::string_view name) const {
    const std::optional<Amount> amount = parsed(text(name), Amount::parse);
    if (!amount) {
        return std::nullopt;
    }
    const Result<std::uint64_t> value = amount->to_u64();
    return value ? std::optional(value.value()) : std::nullopt;
}

std::optional<Money> Reader::decimal(std::string_view name) const {
    return parsed(text(name), Money::parse);
}

std::optional<Amount> Reader::units(std::string_view name, unsigned decimals) const {
    constexpr unsigned kMoneyDecimals = 18;
    const std::optional<Money> tokens = decimal(name);
    if (!tokens || tokens->is_negative()) {
        return std::nullopt;
    }
    std::string digits = tokens->to_string_e18();
    if (tokens->is_zero()) {
        return Amount{};
    }
    if (decimals >= kMoneyDecimals) {
        digits.append(decimals - kMoneyDecimals, '0');
    } else {
        const std::size_t cut = kMoneyDecimals - decimals;
        const std::size_t last = digits.find_last_not_of('0');
        if (digits.size() <= cut || last >= digits.size() - cut) {
            return std::nullopt;
        }
        digits.resize(digits.size() - cut);
    }
    const Result<Amount> units = Amount::parse(digits);
    return units ? std::optional(units.value()) : std::nullopt;
}

std::optional<std::uint64_t> Reader::gwei(std::string_view name) const {
    return parsed(text(name), parse_gwei);
}

std::optional<std::chrono::milliseconds> Reader::duration(std::string_view name) const {
    const std::optional<std::uint64_t> value = parsed(text(name), parse_duration);
    return value ? std::optional(std::chrono::milliseconds(*value)) : std::nullopt;
}

std::optional<std::uint64_t> Reader::seconds(std::string_view name) const {
    const std::optional<std::uint64_t> value = parsed(text(name), parse_duration);
    return value ? std::optional(*value / 1000) : std::nullopt;
}

std::optional<Address> Reader::address(std::string_view name) const {
    return parsed(text(name), parse_address);
}

std::optional<Hash32> Reader::hash(std::string_view name) const {
    return parsed(text(name), parse_hash32);
}

std::optional<ChainId> Reader::chain(std::string_view name) const {
    return parsed(text(name), ChainId::parse);
}

std::optional<AssetId> Reader::asset(std::string_view name) const {
    return parsed(text(name), AssetId::parse);
}

}  // namespace margrave::config::detail
