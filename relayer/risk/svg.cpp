// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/svg.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace margrave::relayer {
namespace {

constexpr double kWidth = 640;
constexpr double kLabelWidth = 170;
constexpr double kTextWidth = 90;
constexpr double kRow = 24;
constexpr double kThick = 16;
constexpr std::size_t kDrawnPointsMax = 300;

std::string number(double value) {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), "%.1f", value);
    return out.data();
}

std::string open_svg(std::string_view title, double height) {
    return "<svg role=\"img\" viewBox=\"0 0 " + number(kWidth) + " " + number(height) +
           "\" aria-label=\"" + escaped_html(title) + "\">";
}

std::string text_at(
    double x, double y, std::string_view anchor, std::string_view tone, std::string_view text
) {
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" +
           std::string(anchor) + "\" class=\"" + std::string(tone) + "\">" + escaped_html(text) +
           "</text>";
}

std::string rule_at(double x1, double y1, double x2, double y2, std::string_view tone) {
    return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
           "\" y2=\"" + number(y2) + "\" class=\"" + std::string(tone) + "\"/>";
}

std::string label_of(const Bar& bar) {
    return bar.text.empty() ? short_number(bar.value) : bar.text;
}

std::string rect(double x, double y, double width, double height, const Bar& bar) {
    return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) +
           "\" height=\"" + number(height) + "\" rx=\"2\" class=\"" + bar.tone + "\"><title>" +
           escaped_html(bar.label + ": " + label_of(bar)) + "</title></rect>";
}

double largest(const std::vector<Bar>& bars) {
    double out = 0;
    for (const Bar& bar : bars) {
        out = std::max(out, bar.value);
    }
    return out > 0 ? out : 1;
}

std::string clipped(const std::string& text, std::size_t most) {
    return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

// The positions of the values that stay: of each stretch the lowest and the highest, in order.
std::vector<std::size_t> thinned(const std::vector<double>& values) {
    std::vector<std::size_t> out;
    const std::size_t stretch = std::max<std::size_t>(2 * values.size() / kDrawnPointsMax, 2);
    for (std::size_t at = 0; at < values.size(); at += stretch) {
        const auto begin = values.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end =
            values.begin() + static_cast<std::ptrdiff_t>(std::min(at + stretch, values.size()));
        const auto [low, high] = std::minmax_element(begin, end);
        std::array both{
            static_cast<std::size_t>(low - values.begin()),
            static_cast<std::size_t>(high - values.begin())};
        std::ranges::sort(both);
        out.push_back(both[0]);
        if (both[1] != both[0]) {
            out.push_back(both[1]);
        }
    }
    if (out.back() + 1 != values.size()) {
        out.push_back(values.size() - 1);
    }
    return out;
}

}  // namespace

std::string escaped_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string short_number(double value) {
    constexpr std::array kUnits{"", "k", "M", "G", "T", "P"};
    double size = std::abs(value);
    std::size_t unit = 0;
    while (size >= 1'000 && unit + 1 < kUnits.size()) {
        size /= 1'000;
        ++unit;
    }
    const int decimals = size >= 100 || size == std::floor(size) ? 0 : (size >= 10 ? 1 : 2);
    std::array<char, 48> out{};
    std::snprintf(
        out.data(), out.size(), "%s%.*f%s", value < 0 ? "-" : "", decimals, size, kUnits.at(unit)
    );
    return out.data();
}

std::string bar_chart(std::string_view title, const std::vector<Bar>& bars) {
    const double most = largest(bars);
    const double room = kWidth - kLabelWidth - kTextWidth;
    std::string out = open_svg(title, kRow * static_cast<double>(bars.size()) + 8);
    double y = 4;
    for (const Bar& bar : bars) {
        const double width = std::max(0.0, bar.value) / most * room;
        out += text_at(kLabelWidth - 8, y + 16, "end", "label", clipped(bar.label, 24));
        if (width > 0) {
            out += rect(kLabelWidth, y + (kRow - kThick) / 2, std::max(width, 2.0), kThick, bar);
        }
        out += text_at(kLabelWidth + width + 6, y + 16, "start", "value", label_of(bar));
        y += kRow;
    }
    out += rule_at(kLabelWidth, 2, kLabelWidth, y + 2, "axis");
    return out + "</svg>";
}

std::string column_chart(std::string_view title, const std::vector<Bar>& bars) {
    constexpr double kHeight = 220;
    constexpr double kFloor = 180;
    constexpr double kTop = 20;
    const double most = largest(bars);
    const double slot = kWidth / static_cast<double>(std::max<std::size_t>(bars.size(), 1));
    std::string out = open_svg(title, kHeight);
    out += rule_at(0, kFloor, kWidth, kFloor, "axis");
    double x = 0;
    for (const Bar& bar : bars) {
        const double height = bar.value / most * (kFloor - kTop);
        if (bar.value > 0) {
            out +=
                rect(x + 3, kFloor - std::max(height, 2.0), slot - 6, std::max(height, 2.0), bar);
            out += text_at(x + slot / 2, kFloor - height - 5, "middle", "value", label_of(bar));
        }
        out += text_at(x + slot / 2, kFloor + 17, "middle", "label", bar.label);
        x += slot;
    }
    return out + "</svg>";
}

std::string line_chart(const Line& line) {
    constexpr double kHeight = 170;
    constexpr double kFloor = 140;
    constexpr double kTop = 14;
    constexpr double kLeft = 66;
    constexpr double kRight = kWidth - 12;
    if (line.values.empty()) {
        return "";
    }
    const auto [low, high] = std::ranges::minmax(line.values);
    // A price that never moves is a line in the middle.
    const double room = high > low ? high - low : std::max(std::abs(high), 1.0) * 0.02;
    const double base = high > low ? low : low - room / 2;
    const auto last = static_cast<double>(std::max<std::size_t>(line.values.size() - 1, 1));
    std::string out = open_svg(line.name + " over time", kHeight);
    for (const double part : {0.0, 0.5, 1.0}) {
        const double y = kFloor - part * (kFloor - kTop);
        out += rule_at(kLeft, y, kRight, y, "grid");
        std::array<char, 48> text{};
        std::snprintf(text.data(), text.size(), "%.6g", base + part * room);
        out += text_at(kLeft - 6, y + 4, "end", "label", text.data());
    }
    std::string points;
    for (const std::size_t i : thinned(line.values)) {
        const double x = kLeft + static_cast<double>(i) / last * (kRight - kLeft);
        const double y = kFloor - (line.values[i] - base) / room * (kFloor - kTop);
        points += (points.empty() ? "" : " ") + number(x) + "," + number(y);
    }
    const std::uint64_t until = line.from + line.step_s * (line.values.size() - 1);
    out += "<polyline class=\"line\" points=\"" + points + "\"><title>" +
           escaped_html(line.name + ", last " + short_number(line.values.back())) +
           "</title></polyline>";
    out += text_at(kLeft, kFloor + 20, "start", "label", utc_text(line.from));
    out += text_at(kRight, kFloor + 20, "end", "label", utc_text(until));
    return out + "</svg>";
}

std::string utc_text(std::uint64_t seconds) {
    using namespace std::chrono;
    // A time that no clock shows is shown as its number.
    if (seconds > 253'402'300'799ULL) {
        return std::to_string(seconds);
    }
    const sys_seconds at{std::chrono::seconds(static_cast<std::int64_t>(seconds))};
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss clock{at - day};
    std::array<char, 64> out{};
    std::snprintf(
        out.data(),
        out.size(),
        "%04d-%02u-%02u %02d:%02d",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        static_cast<int>(clock.hours().count()),
        static_cast<int>(clock.minutes().count())
    );
    return out.data();
}

}  // namespace margrave::relayer
