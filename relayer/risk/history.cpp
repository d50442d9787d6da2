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

std::string name_of(std::uint64_t round) {
    return "round/" + std::to_string(round);
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

Result<void> RoundSpan::visit(const std::function<Result<void>(const RoundStub&)>& on_round) const {
    for (std::uint64_t number = first_.value; number <= last_.value; ++number) {
        MARGRAVE_TRY(const auto round, read_stub(*database_, name_of(number)));
        if (!round) {
            return fail(
                Errc::kNotFound,
                "round " + std::to_string(number) + " is not in the store, but round " +
                    std::to_string(first_.value) + " before it is"
            );
        }
        MARGRAVE_TRY(on_round(*round));
    }
    return ok();
}

Result<void> walk_rounds_back(
    const store::Database& database, const std::function<bool(const RoundStub&)>& next
) {
    MARGRAVE_TRY(auto round, read_stub(database, "round/last"));
    while (round && next(*round) && round->round.value > 1) {
        const std::string before = name_of(round->round.value - 1);
        MARGRAVE_TRY(round, read_stub(database, before));
    }
    return ok();
}

Result<RoundSpan> recent_rounds(const store::Database& database, std::uint64_t span_s) {
    MARGRAVE_TRY(const auto last, read_stub(database, "round/last"));
    if (!last) {
        return fail(Errc::kNotFound, "nothing was attested yet, so there is no round to look at");
    }
    RoundSpan out;
    out.database_ = &database;
    out.first_ = last->round;
    out.last_ = last->round;
    out.from_ = last->issued_at;
    out.until_ = last->issued_at;
    const std::uint64_t until = last->issued_at.value;
    const std::uint64_t from = until > span_s ? until - span_s : 0;
    // The first that counts lies in (low, out.first_].
    std::uint64_t low = 0;
    while (low + 1 < out.first_.value) {
        const std::uint64_t middle = low + (out.first_.value - low) / 2;
        MARGRAVE_TRY(const auto round, read_stub(database, name_of(middle)));
        if (round && round->issued_at.value >= from) {
            out.first_ = round->round;
            out.from_ = round->issued_at;
        } else {
            low = middle;
        }
    }
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

Result<PriceHistory> make_history(
    const RoundSpan& rounds, const margin::Parameters& parameters, std::uint64_t step_s
) {
    PriceHistory out;
    out.step_s = step_s;
    if (step_s == 0) {
        return out;
    }
    // The grid ends at the last round, so that the newest price is its last point.
    const std::uint64_t until = rounds.until().value;
    const std::uint64_t span = until - std::min(until, rounds.from().value);
    const std::uint64_t steps = std::min<std::uint64_t>(span / step_s, kGridMax);
    out.from = until - steps * step_s;
    std::vector<double> current(parameters.assets.size(), 0.0);
    std::uint64_t next = out.from;
    MARGRAVE_TRY(rounds.visit([&](const RoundStub& round) -> Result<void> {
        for (; next < round.issued_at.value; next += step_s) {
            out.prices.push_back(current);
        }
        const std::vector<double> fresh = prices_in(round, parameters);
        for (std::size_t i = 0; i < fresh.size(); ++i) {
            current[i] = fresh[i] > 0 ? fresh[i] : current[i];
        }
        return ok();
    }));
    out.prices.push_back(std::move(current));
    keep_complete(out, parameters);
    return out;
}

}  // namespace margrave::relayer
