// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/history.hpp"

#include "relayer/detail/messages.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace margrave::relayer {
namespace {

constexpr std::uint64_t kSpanMax = 3650ULL * 86'400;
constexpr std::size_t kGridMax = 2'000'000;

Result<std::optional<RoundStub>> read_stub(
    const store::Database& database, const std::string& name
) {
    const auto bytes = database.document(name);
    if (!bytes) {
        return std::optional<RoundStub>{};
    }
    MARGRAVE_TRY(const auto evidence, parse_canonical(as_text(*bytes)));
    MARGRAVE_TRY(const auto message, member(evidence, "signed"));
    MARGRAVE_TRY(auto draft, parse_round_message(message));
    return std::optional<RoundStub>{
        RoundStub{draft.attestation.round, draft.attestation.issued_at, std::move(draft.prices)}};
}

// The usable price of each asset in one round; zero where there is none.
std::vector<double> prices_in(const RoundStub& round, const margin::Parameters& parameters) {
    std::vector<double> out(parameters.assets.size(), 0.0);
    for (std::size_t i = 0; i < parameters.assets.size(); ++i) {
        for (const margin::AssetOnChain& form : parameters.assets[i].on) {
            const auto row = std::ranges::find(round.prices, form.asset, &PriceRow::asset);
            if (row != round.prices.end() && row->verdict == PriceVerdict::kUsable) {
                out[i] = to_real(row->price);
                break;
            }
        }
    }
    return out;
}

// Only assets that have a price all the time; the grid starts when all that ever have one do.
void keep_complete(PriceHistory& history, const margin::Parameters& parameters) {
    std::vector<std::size_t> kept;
    const auto ever = [&history](std::size_t i) {
        return std::ranges::any_of(history.prices, [i](const auto& row) { return row[i] > 0; });
    };
    for (std::size_t i = 0; i < parameters.assets.size(); ++i) {
        if (ever(i)) {
            kept.push_back(i);
            history.assets.push_back(parameters.assets[i].name);
        }
    }
    std::vector<std::vector<double>> rows;
    for (const std::vector<double>& row : history.prices) {
        std::vector<double> out;
        for (const std::size_t i : kept) {
            out.push_back(row[i]);
        }
        const bool is_complete = std::ranges::all_of(out, [](double price) { return price > 0; });
        if (is_complete) {
            rows.push_back(std::move(out));
        } else {
            history.from += history.step_s;
        }
    }
    history.prices = std::move(rows);
}

}  // namespace

Result<void> walk_rounds_back(
    const store::Database& database, const std::function<bool(const RoundStub&)>& next
) {
    MARGRAVE_TRY(auto round, read_stub(database, "round/last"));
    while (round && next(*round) && round->round.value > 1) {
        const std::string before = "round/" + std::to_string(round->round.value - 1);
        MARGRAVE_TRY(round, read_stub(database, before));
    }
    return ok();
}

Result<std::vector<RoundStub>> recent_rounds(
    const store::Database& database, std::uint64_t span_s
) {
    std::vector<RoundStub> out;
    MARGRAVE_TRY(walk_rounds_back(database, [&out, span_s](const RoundStub& round) {
        if (!out.empty() && out.front().issued_at.value - round.issued_at.value > span_s) {
            return false;
        }
        out.push_back(round);
        return true;
    }));
    if (out.empty()) {
        return fail(Errc::kNotFound, "nothing was attested yet, so there is no round to look at");
    }
    std::ranges::reverse(out);
    return out;
}

Result<std::uint64_t> parse_span(std::string_view text) {
    const auto unit = [&]() -> std::uint64_t {
        switch (text.empty() ? ' ' : text.back()) {
            case 's':
                return 1;
            case 'm':
                return 60;
            case 'h':
                return 3'600;
            case 'd':
                return 86'400;
            default:
                return 0;
        }
    }();
    const auto number = Amount::parse(text.substr(0, text.empty() ? 0 : text.size() - 1));
    const auto count = number ? number.value().to_u64() : Result<std::uint64_t>(std::uint64_t{0});
    if (unit == 0 || !count || count.value() == 0 || count.value() > kSpanMax / unit) {
        return fail(
            Errc::kUsage,
            "\"" + std::string(text.substr(0, 32)) +
                R"(" is no span of time; expected seconds, minutes, hours or days, e.g. "7d")"
        );
    }
    return count.value() * unit;
}

double to_real(const Money& value) {
    return std::strtod(value.to_decimal().c_str(), nullptr);
}

PriceHistory make_history(
    const std::vector<RoundStub>& rounds, const margin::Parameters& parameters, std::uint64_t step_s
) {
    PriceHistory out;
    out.step_s = step_s;
    if (rounds.empty() || step_s == 0) {
        return out;
    }
    // The grid ends at the last round, so that the newest price is its last point.
    const std::uint64_t until = rounds.back().issued_at.value;
    const std::uint64_t span = until - std::min(until, rounds.front().issued_at.value);
    const std::uint64_t steps = std::min<std::uint64_t>(span / step_s, kGridMax);
    out.from = until - steps * step_s;
    std::vector<double> current(parameters.assets.size(), 0.0);
    std::size_t next = 0;
    for (std::uint64_t step = 0; step <= steps; ++step) {
        const std::uint64_t at = out.from + step * step_s;
        for (; next < rounds.size() && rounds[next].issued_at.value <= at; ++next) {
            const std::vector<double> fresh = prices_in(rounds[next], parameters);
            for (std::size_t i = 0; i < fresh.size(); ++i) {
                current[i] = fresh[i] > 0 ? fresh[i] : current[i];
            }
        }
        out.prices.push_back(current);
    }
    keep_complete(out, parameters);
    return out;
}

}  // namespace margrave::relayer
