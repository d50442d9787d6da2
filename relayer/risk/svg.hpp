// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Charts as inline SVG. Colours come from the page's style sheet (CSS variables), so that one
// document reads on a light and on a dark ground. Every mark carries its number as a tooltip, and
// every chart a text for those who cannot see it.
namespace margrave::relayer {

/// Text as it may stand in HTML and in attributes.
std::string escaped_html(std::string_view text);
/// 1234567.8 as "1.23M"; for axes and labels only.
std::string short_number(double value);

struct Bar {
    std::string label;
    double value{0};
    /// Beside the bar; short_number(value) when empty.
    std::string text;
    /// CSS class of the bar: "series", "good", "warning", "serious" or "critical".
    std::string tone{"series"};
};

/// Bars that lie, one row a label, from a common zero.
std::string bar_chart(std::string_view title, const std::vector<Bar>& bars);
/// Bars that stand side by side: a histogram, labels below.
std::string column_chart(std::string_view title, const std::vector<Bar>& bars);

/// One line over time: values at even steps, the first at `from` (seconds since 1970).
struct Line {
    std::string name;
    std::uint64_t from{0};
    std::uint64_t step_s{0};
    std::vector<double> values;
};

/// Thinned to what can be seen; the lowest and highest of each stretch stay.
std::string line_chart(const Line& line);

/// "2026-11-28 16:05" in UTC.
std::string utc_text(std::uint64_t seconds);

}  // namespace margrave::relayer
