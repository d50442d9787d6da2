// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statements.hpp"
#include "margin/parameters.hpp"
#include "store/database.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::relayer {

/// Of one signed round what is read without computing it again.
struct RoundStub {
    RoundNum round;
    UnixSeconds issued_at;
    std::vector<PriceRow> prices;
};

/// The retained rounds of a span of time. None of them is held: visit() reads one after another, so
/// memory does not grow with the span.
class RoundSpan {
  public:
    [[nodiscard]] std::uint64_t size() const { return last_.value - first_.value + 1; }

    [[nodiscard]] RoundNum first() const { return first_; }

    [[nodiscard]] RoundNum last() const { return last_; }

    /// When the first and the last were issued.
    [[nodiscard]] UnixSeconds from() const { return from_; }

    [[nodiscard]] UnixSeconds until() const { return until_; }

    /// Oldest first; ends with the first error, its own or that of `on_round`.
    Result<void> visit(const std::function<Result<void>(const RoundStub&)>& on_round) const;

  private:
    friend Result<RoundSpan> recent_rounds(const store::Database& database, std::uint64_t span_s);

    const store::Database* database_{nullptr};
    RoundNum first_;
    RoundNum last_;
    UnixSeconds from_;
    UnixSeconds until_;
};

/// The retained rounds issued at most `span_s` before the last one, which are those from some round
/// on: they lie in the store without gaps and time ascends with them, so the first is found by
/// halving. `database` must outlive the answer. kNotFound when nothing was attested yet.
Result<RoundSpan> recent_rounds(const store::Database& database, std::uint64_t span_s);

/// The retained rounds one at a time, the last one first, while `next` says true. Nothing when none
/// was signed.
Result<void> walk_rounds_back(
    const store::Database& database, const std::function<bool(const RoundStub&)>& next
);

/// "90s", "30m", "24h" or "7d" as seconds, 1 s to 3650 d. kUsage with an example.
Result<std::uint64_t> parse_span(std::string_view text);

// Below here numbers are doubles. They are for reports only: nothing that is signed, and nothing in
// margin/, is computed from them.

/// USD or a ratio as the nearest double.
double to_real(const Money& value);

/// Prices on an even grid of time, each the last usable one before it. Assets without a price
/// somewhere in the history are left out.
struct PriceHistory {
    std::vector<std::string> assets;
    std::uint64_t step_s{0};
    std::uint64_t from{0};
    /// [time][asset], USD.
    std::vector<std::vector<double>> prices;

    [[nodiscard]] std::size_t steps() const { return prices.empty() ? 0 : prices.size() - 1; }
};

Result<PriceHistory> make_history(
    const RoundSpan& rounds, const margin::Parameters& parameters, std::uint64_t step_s
);

}  // namespace margrave::relayer
