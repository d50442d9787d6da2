// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/number_text.hpp"

#include "oracle/detail/contract.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

namespace margrave::oracle::detail {
namespace {

constexpr std::size_t kNumberMax = 100;
constexpr std::size_t kDigitsMax = 77;
constexpr int kMoneyDigits = 18;

bool is_a_digit(char c) {
    return c >= '0' && c <= '9';
}

// Takes the digits off the front.
std::string_view take_digits(std::string_view& rest) {
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_a_digit);
    const auto count = static_cast<std::size_t>(end - rest.begin());
    const std::string_view out = rest.substr(0, count);
    rest.remove_prefix(count);
    return out;
}

// Absent: no exponent in the form of JSON, or one that nobody means.
std::optional<int> take_exponent(std::string_view& rest) {
    if (rest.empty()) {
        return 0;
    }
    if (rest.front() != 'e' && rest.front() != 'E') {
        return std::nullopt;
    }
    rest.remove_prefix(1);
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) {
        rest.remove_prefix(1);
    }
    const std::string_view digits = take_digits(rest);
    if (digits.empty() || digits.size() > 2) {
        return std::nullopt;
    }
    int value = 0;
    for (const char c : digits) {
        value = value * 10 + (c - '0');
    }
    return negative ? -value : value;
}

Error no_number() {
    return fail(Errc::kInvalid, "is no number from zero on, as JSON writes one");
}

// "2026-11-28T16:00:00Z": `text` has digits where the form has 'd'.
bool has_form(std::string_view text, std::string_view form) {
    if (text.size() != form.size()) {
        return false;
    }
    for (std::size_t i = 0; i < form.size(); ++i) {
        if (form[i] == 'd' ? !is_a_digit(text[i]) : text[i] != form[i]) {
            return false;
        }
    }
    return true;
}

unsigned digits_at(std::string_view text, std::size_t at, std::size_t count) {
    unsigned out = 0;
    for (const char c : text.substr(at, count)) {
        out = out * 10 + static_cast<unsigned>(c - '0');
    }
    return out;
}

Result<UnixSeconds> parse_rfc3339(std::string_view text) {
    const Error wrong = fail(Errc::kInvalid, "is no time such as 2026-11-28T16:00:00Z");
    std::string whole(text);
    if (const std::size_t dot = whole.find('.'); dot != std::string::npos) {
        std::string_view rest = std::string_view(text).substr(dot + 1);
        if (take_digits(rest).empty() || rest != "Z") {
            return wrong;
        }
        whole = whole.substr(0, dot) + "Z";
    }
    if (!has_form(whole, "dddd-dd-ddTdd:dd:ddZ")) {
        return wrong;
    }
    using namespace std::chrono;
    const year_month_day day{
        year(static_cast<int>(digits_at(whole, 0, 4))),
        month(digits_at(whole, 5, 2)),
        std::chrono::day(digits_at(whole, 8, 2))};
    const unsigned hour = digits_at(whole, 11, 2);
    const unsigned minute = digits_at(whole, 14, 2);
    const unsigned second = digits_at(whole, 17, 2);
    // A leap second is none in Unix time.
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) {
        return wrong;
    }
    const auto since = sys_days(day).time_since_epoch() + hours(hour) + minutes(minute);
    const auto count = duration_cast<seconds>(since).count() + second;
    if (count < 0) {
        return wrong;
    }
    return UnixSeconds{static_cast<std::uint64_t>(count)};
}

}  // namespace

Result<Money> parse_number(std::string_view text) {
    if (text.size() > kNumberMax) {
        return no_number();
    }
    std::string_view rest = text;
    const std::string_view whole = take_digits(rest);
    std::string_view fraction;
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = take_digits(rest);
        if (fraction.empty()) {
            return no_number();
        }
    }
    const std::optional<int> exponent = take_exponent(rest);
    if (whole.empty() || (whole.size() > 1 && whole.front() == '0') || !exponent || !rest.empty()) {
        return no_number();
    }
    if (whole.size() + fraction.size() > kDigitsMax) {
        return fail(Errc::kInvalid, "has more than 77 digits");
    }
    Money::Rep digits = 0;
    for (const std::string_view part : {whole, fraction}) {
        for (const char c : part) {
            digits = digits * 10 + (c - '0');
        }
    }
    const int shift = kMoneyDigits + *exponent - static_cast<int>(fraction.size());
    // Below the range there is nothing left of 77 digits.
    constexpr int kNothingLeft = -72;
    return digits.is_zero() || shift < kNothingLeft - 5 ? Result<Money>(Money{})
                                                        : scale(digits, shift, Round::kDown);
}

Result<UnixSeconds> parse_time(std::string_view text, TimeForm form) {
    if (form == TimeForm::kRfc3339) {
        return parse_rfc3339(text);
    }
    MARGRAVE_TRY(const Money number, parse_number(text));
    const Money unit = form == TimeForm::kSeconds ? Money::whole(1) : Money::whole(1'000);
    const Money::Rep seconds = number.rep() / unit.rep();
    if (seconds > std::numeric_limits<std::uint64_t>::max() || seconds.is_zero()) {
        return fail(Errc::kInvalid, "is no time");
    }
    return UnixSeconds{seconds.convert_to<std::uint64_t>()};
}

}  // namespace margrave::oracle::detail
