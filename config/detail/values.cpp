// SPDX-License-Identifier: Apache-2.0
#include "config/detail/values.hpp"

#include "config/suggest.hpp"
#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "infra/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace margrave::config::detail {
namespace {

using nlohmann::json;

constexpr std::size_t kPathMax = 4096;
constexpr std::size_t kUrlMax = 2048;
constexpr std::size_t kTextMax = 255;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

std::uint64_t number(std::string_view digits) {
    std::uint64_t out = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return out;
}

std::size_t length_max(const Setting& setting, std::size_t otherwise) {
    return setting.to.empty() ? otherwise : static_cast<std::size_t>(number(setting.to));
}

std::string in_quotes(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string bounds(const Setting& setting, bool with_quotes) {
    if (setting.from.empty()) {
        return {};
    }
    const auto written = [&](std::string_view bound) {
        return with_quotes ? in_quotes(bound) : std::string(bound);
    };
    return " from " + written(setting.from) + " to " + written(setting.to);
}

// Shown values are in quotes exactly when nothing of them was left out or cut.
bool is_shown_whole(std::string_view shown) {
    return shown.starts_with('"') && !shown.ends_with("...\"");
}

std::string otherwise_expected(std::string got, const Setting& setting) {
    return std::move(got) + "; expected " + expected_with_example(setting);
}

std::string out_of_range(const Setting& setting, const json& value) {
    return otherwise_expected(shown(setting, value) + " is out of range", setting);
}

std::string malformed(const Setting& setting, const json& value) {
    return otherwise_expected("got " + shown(setting, value), setting);
}

// The sentence of core when it repeats nothing that must not be shown.
std::string malformed(const Setting& setting, const json& value, const Error& error) {
    return is_shown_whole(shown(setting, value)) ? otherwise_expected(error.detail, setting)
                                                 : malformed(setting, value);
}

bool is_text(const Setting& setting, std::string_view text) {
    return !text.empty() && text.size() <= length_max(setting, kTextMax) &&
           std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool is_name(const Setting& setting, std::string_view text) {
    return !text.empty() && text.size() <= length_max(setting, kTextMax) &&
           (is_lower(text.front()) || is_digit(text.front())) &&
           std::ranges::all_of(text, [](char c) {
               return is_lower(c) || is_digit(c) || c == '-' || c == '_';
           });
}

bool is_word(const Setting& setting, std::string_view text) {
    return !text.empty() && text.size() <= length_max(setting, kTextMax) && text.front() != '.' &&
           std::ranges::all_of(text, [](char c) {
               return is_lower(c) || is_upper(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
           });
}

bool is_variable(const Setting& setting, std::string_view text) {
    return !text.empty() && text.size() <= length_max(setting, kTextMax) &&
           !is_digit(text.front()) &&
           std::ranges::all_of(text, [](char c) { return is_upper(c) || is_digit(c) || c == '_'; });
}

bool is_path(std::string_view text) {
    return !text.empty() && text.size() <= kPathMax && text.find('\0') == std::string_view::npos;
}

template <class Value>
std::optional<std::string> bounded(
    const Setting& setting,
    const json& given,
    const Result<Value>& value,
    const Result<Value>& from,
    const Result<Value>& to
) {
    if (!value) {
        return malformed(setting, given);
    }
    const bool low = from.has_value() && value.value() < from.value();
    const bool high = to.has_value() && value.value() > to.value();
    return low || high ? std::optional(out_of_range(setting, given)) : std::nullopt;
}

template <class Value>
std::optional<std::string> bounded(
    const Setting& setting,
    const json& given,
    const std::string& text,
    Result<Value> (*parse)(std::string_view)
) {
    return bounded(setting, given, parse(text), parse(setting.from), parse(setting.to));
}

std::optional<std::string> integer_fault(const Setting& setting, const json& value) {
    if (!value.is_number_integer()) {
        return malformed(setting, value);
    }
    const bool low = !value.is_number_unsigned() && value.get<std::int64_t>() < 0;
    if (low || value.get<std::uint64_t>() < number(setting.from) ||
        value.get<std::uint64_t>() > number(setting.to)) {
        return out_of_range(setting, value);
    }
    return std::nullopt;
}

std::optional<std::string> choice_fault(
    const Setting& setting, const json& value, const std::string& text
) {
    const std::vector<std::string_view> known = choices(setting);
    if (std::ranges::find(known, text) != known.end()) {
        return std::nullopt;
    }
    const auto near = nearest(text, known);
    return otherwise_expected(
        "got " + shown(setting, value) + (near ? ", did you mean " + in_quotes(*near) + "?" : ""),
        setting
    );
}

std::optional<std::string> address_fault(
    const Setting& setting, const json& value, const std::string& text
) {
    const Result<Address> address = parse_address(text);
    if (!address) {
        return malformed(setting, value, address.error());
    }
    if (address.value().is_zero()) {
        return otherwise_expected("is the zero address; put the real one here", setting);
    }
    return std::nullopt;
}

std::optional<std::string> chain_fault(
    const Setting& setting, const json& value, const std::string& text
) {
    const Result<ChainId> chain = ChainId::parse(text);
    if (!chain) {
        return malformed(setting, value, chain.error());
    }
    if (chain.value().space() != "eip155") {
        return otherwise_expected(
            shown(setting, value) + " is of a chain family that this version cannot follow", setting
        );
    }
    return std::nullopt;
}

std::optional<std::string> url_fault(
    const Setting& setting, const json& value, const std::string& text
) {
    const bool ws = setting.kind == Kind::kWsUrl;
    const Result<infra::Url> url = ws ? infra::parse_ws_url(text) : infra::parse_url(text);
    if (!url || text.size() > kUrlMax) {
        // parse_url says what is wrong and never repeats the text.
        const std::string why = url ? "is longer than 2048 characters" : url.error().detail;
        return otherwise_expected(why, setting);
    }
    if (url.value().host.ends_with(".example")) {
        return shown(setting, value) +
               " is a placeholder; put the URL of a node of this chain here";
    }
    return std::nullopt;
}

std::optional<std::string> seconds_fault(
    const Setting& setting, const json& value, const std::string& text
) {
    const Result<std::uint64_t> duration = parse_duration(text);
    if (duration && duration.value() % 1000 != 0) {
        return otherwise_expected(
            "got " + shown(setting, value) + ", which is no whole number of seconds", setting
        );
    }
    return bounded(setting, value, text, parse_duration);
}

std::optional<std::string> unless(bool good, const Setting& setting, const json& value) {
    return good ? std::nullopt : std::optional(malformed(setting, value));
}

std::optional<std::string> exact_fault(
    const Setting& setting, const json& value, const std::string& text
) {
    return text == setting.from
               ? std::nullopt
               : std::optional("got " + shown(setting, value) + "; expected " + expected(setting));
}

// One line per kind that is written as a string.
std::optional<std::string> text_fault(
    const Setting& setting, const json& value, const std::string& text
) {
    switch (setting.kind) {
        case Kind::kText:
            return unless(is_text(setting, text), setting, value);
        case Kind::kName:
            return unless(is_name(setting, text), setting, value);
        case Kind::kWord:
            return unless(is_word(setting, text), setting, value);
        case Kind::kVariable:
            return unless(is_variable(setting, text), setting, value);
        case Kind::kPath:
            return unless(is_path(text), setting, value);
        case Kind::kHash:
            return unless(parse_hash32(text).has_value(), setting, value);
        case Kind::kChoice:
            return choice_fault(setting, value, text);
        case Kind::kExact:
            return exact_fault(setting, value, text);
        case Kind::kCount: {
            const Result<Amount> count = Amount::parse(text);
            return unless(count.has_value() && count.value().to_u64().has_value(), setting, value);
        }
        case Kind::kDecimal:
            return bounded(setting, value, text, Money::parse);
        case Kind::kGwei:
            return bounded(setting, value, text, parse_gwei);
        case Kind::kDuration:
            return bounded(setting, value, text, parse_duration);
        case Kind::kSeconds:
            return seconds_fault(setting, value, text);
        case Kind::kAddress:
            return address_fault(setting, value, text);
        case Kind::kChain:
            return chain_fault(setting, value, text);
        case Kind::kAsset: {
            const Result<AssetId> asset = AssetId::parse(text);
            return asset ? std::nullopt : std::optional(malformed(setting, value, asset.error()));
        }
        case Kind::kUrl:
        case Kind::kWsUrl:
            return url_fault(setting, value, text);
        case Kind::kObject:
        case Kind::kList:
        case Kind::kFlag:
        case Kind::kInteger:
            break;
    }
    return malformed(setting, value);
}

}  // namespace

Result<std::uint64_t> parse_duration(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kUnits{
        {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
    const std::size_t digits =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    const bool leading_zero = digits > 1 && text.front() == '0';
    const auto* unit =
        std::ranges::find(kUnits, text.substr(digits), &decltype(kUnits)::value_type::first);
    if (digits == 0 || digits > 9 || leading_zero || unit == kUnits.end()) {
        return fail(Errc::kInvalid, "not a duration such as \"5s\"");
    }
    return number(text.substr(0, digits)) * unit->second;
}

Result<std::uint64_t> parse_gwei(std::string_view text) {
    constexpr std::int64_t kE18PerWei = 1'000'000'000;
    MARGRAVE_TRY(const Money gwei, Money::parse(text));
    const Money::Rep wei = gwei.rep() / kE18PerWei;
    if (wei.sign() < 0 || wei * kE18PerWei != gwei.rep() ||
        wei > std::numeric_limits<std::uint64_t>::max()) {
        return fail(Errc::kInvalid, "not gwei with at most 9 decimals");
    }
    return wei.convert_to<std::uint64_t>();
}

std::string expected(const Setting& setting) {
    switch (setting.kind) {
        case Kind::kObject:
            return "an object";
        case Kind::kList:
            return "a list of " + std::string(setting.from) + " to " + std::string(setting.to) +
                   " items";
        case Kind::kText:
            return "a string of 1 to " + std::to_string(length_max(setting, kTextMax)) +
                   " characters";
        case Kind::kName:
            return "1 to " + std::to_string(length_max(setting, kTextMax)) +
                   " characters of a-z, 0-9, - and _";
        case Kind::kWord:
            return "a name of letters, digits, -, _ and .";
        case Kind::kVariable:
            return "a name of A-Z, 0-9 and _";
        case Kind::kChoice: {
            std::string out;
            for (const std::string_view choice : choices(setting)) {
                out += (out.empty() ? "one of " : ", ") + in_quotes(choice);
            }
            return out;
        }
        case Kind::kExact:
            return "the exact words " + in_quotes(setting.from);
        case Kind::kFlag:
            return "true or false";
        case Kind::kInteger:
            return setting.from == setting.to ? "the number " + std::string(setting.from)
                                              : "a whole number" + bounds(setting, false);
        case Kind::kCount:
            return "a whole number as a decimal string";
        case Kind::kDecimal:
            return "a decimal string" + bounds(setting, true);
        case Kind::kGwei:
            return "gwei as a decimal string" + bounds(setting, true);
        case Kind::kDuration:
            return "a duration (ms, s, m, h or d)" + bounds(setting, true);
        case Kind::kSeconds:
            return "a duration in whole seconds (s, m, h or d)" + bounds(setting, true);
        case Kind::kAddress:
            return "an address, 0x and 40 hex digits";
        case Kind::kHash:
            return "a hash, 0x and 64 hex digits";
        case Kind::kChain:
            return "a CAIP-2 id of an eip155 chain";
        case Kind::kAsset:
            return "a CAIP-19 id";
        case Kind::kUrl:
            return "an http or https URL";
        case Kind::kWsUrl:
            return "a ws or wss URL";
        case Kind::kPath:
            return "a path";
    }
    return {};
}

std::string expected_with_example(const Setting& setting) {
    const bool says_itself = setting.kind == Kind::kExact || setting.kind == Kind::kFlag ||
                             setting.kind == Kind::kChoice || setting.from == setting.example;
    return expected(setting) +
           (says_itself ? std::string{} : ", e.g. " + std::string(setting.example));
}

std::optional<std::string> fault(const Setting& setting, const json& value) {
    if (setting.kind == Kind::kFlag) {
        return unless(value.is_boolean(), setting, value);
    }
    if (setting.kind == Kind::kInteger) {
        return integer_fault(setting, value);
    }
    if (!value.is_string()) {
        return malformed(setting, value);
    }
    return text_fault(setting, value, value.get_ref<const std::string&>());
}

}  // namespace margrave::config::detail
