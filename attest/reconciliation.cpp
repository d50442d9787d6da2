// SPDX-License-Identifier: Apache-2.0
#include "attest/reconciliation.hpp"

#include "attest/detail/canonical_reader.hpp"
#include "attest/detail/leaf_parts.hpp"
#include "attest/leaf.hpp"
#include "core/assert.hpp"

#include <algorithm>

namespace margrave::attest {
namespace {

constexpr std::string_view kIn = "reconciliation";

Canonical row_json(const CustodyRow& row) {
    Canonical::Object out{
        {"asset", row.asset.text()},
        {"booked", row.booked.to_string()},
        {"verdict", std::string(to_string(row.verdict()))},
    };
    if (row.held) {
        out.emplace("held", row.held->to_string());
        out.emplace("missing", row.missing().to_string());
        out.emplace("unattributed", row.unattributed().to_string());
    } else {
        out.emplace("why", row.why);
    }
    return out;
}

Result<Amount> read_amount(const Canonical& object, std::string_view name) {
    MARGRAVE_TRY(const std::string_view text, detail::find_text(object, name, kIn));
    return Amount::parse(text);
}

Result<CustodyRow> read_row(const Canonical& object) {
    CustodyRow out;
    MARGRAVE_TRY(const std::string_view asset, detail::find_text(object, "asset", kIn));
    MARGRAVE_TRY(out.asset, AssetId::parse(asset));
    MARGRAVE_TRY(out.booked, read_amount(object, "booked"));
    if (const auto held = read_amount(object, "held")) {
        out.held = held.value();
        return out;
    }
    MARGRAVE_TRY(const std::string_view why, detail::find_text(object, "why", kIn));
    out.why = why;
    return out;
}

Result<CustodyState> read_state(const Canonical& object) {
    MARGRAVE_TRY(const std::string_view text, detail::find_text(object, "state", kIn));
    for (const CustodyState state :
         {CustodyState::kClear, CustodyState::kSuspected, CustodyState::kDeficit}) {
        if (text == to_string(state)) {
            return state;
        }
    }
    return fail(Errc::kInvalid, "reconciliation: \"state\" is none that is known");
}

Result<Reconciliation> read_parts(const Canonical& body) {
    Reconciliation out;
    MARGRAVE_TRY(out.chain, detail::read_chain(body));
    MARGRAVE_TRY(const Canonical* told, detail::find(body, "detail", kIn));
    MARGRAVE_TRY(out.block.number.value, detail::find_u64(*told, "block", kIn));
    MARGRAVE_TRY(out.block.hash, detail::read_hash(*told, "hash"));
    MARGRAVE_TRY(out.block.time.value, detail::find_u64(*told, "time", kIn));
    MARGRAVE_TRY(out.after.value, detail::find_u64(*told, "after", kIn));
    MARGRAVE_TRY(out.readings, detail::find_u64(*told, "readings", kIn));
    MARGRAVE_TRY(out.state, read_state(*told));
    MARGRAVE_TRY(const Canonical::Array* rows, detail::find_array(*told, "ledgers", kIn));
    for (const Canonical& row : *rows) {
        MARGRAVE_TRY(auto read, read_row(row));
        const bool ascends = out.rows.empty() || out.rows.back().asset.text() < read.asset.text();
        if (!ascends || read.asset.chain() != out.chain ||
            read.why.size() > Reconciliation::kWhyMax) {
            return fail(
                Errc::kInvalid,
                "reconciliation: the row of " + read.asset.text() +
                    " is out of order, of another chain, or says too much"
            );
        }
        out.rows.push_back(std::move(read));
    }
    if (out.rows.size() > Reconciliation::kRowsMax) {
        return fail(Errc::kInvalid, "reconciliation: it has too many rows");
    }
    return out;
}

}  // namespace

std::string_view to_string(CustodyVerdict verdict) {
    switch (verdict) {
        case CustodyVerdict::kMatch:
            return "match";
        case CustodyVerdict::kDiffers:
            return "differs";
        case CustodyVerdict::kUnable:
            return "unable";
    }
    MARGRAVE_ASSERT(false);
}

std::string_view to_string(CustodyState state) {
    switch (state) {
        case CustodyState::kClear:
            return "clear";
        case CustodyState::kSuspected:
            return "suspected";
        case CustodyState::kDeficit:
            return "deficit";
    }
    MARGRAVE_ASSERT(false);
}

CustodyVerdict CustodyRow::verdict() const {
    if (!held) {
        return CustodyVerdict::kUnable;
    }
    return *held == booked ? CustodyVerdict::kMatch : CustodyVerdict::kDiffers;
}

Amount CustodyRow::missing() const {
    return held ? sub_or_zero(booked, *held) : Amount{};
}

Amount CustodyRow::unattributed() const {
    return held ? sub_or_zero(*held, booked) : Amount{};
}

bool Reconciliation::has_deficit() const {
    return std::ranges::any_of(rows, [](const CustodyRow& row) {
        return !row.missing().is_zero();
    });
}

CustodyVerdict Reconciliation::verdict() const {
    CustodyVerdict out = CustodyVerdict::kMatch;
    for (const CustodyRow& row : rows) {
        if (!row.missing().is_zero()) {
            return CustodyVerdict::kDiffers;
        }
        if (row.verdict() == CustodyVerdict::kUnable) {
            out = CustodyVerdict::kUnable;
        } else if (row.verdict() == CustodyVerdict::kDiffers && out == CustodyVerdict::kMatch) {
            out = CustodyVerdict::kDiffers;
        }
    }
    return out;
}

std::string Reconciliation::reason() const {
    const std::string at = " at block " + std::to_string(block.number.value);
    for (const CustodyRow& row : rows) {
        if (!row.missing().is_zero()) {
            return "the vault on " + chain.text() + " holds " + row.held->to_string() + " of " +
                   row.asset.text() + at + ", the ledger says " + row.booked.to_string();
        }
    }
    for (const CustodyRow& row : rows) {
        if (!row.held) {
            return "what the vault on " + chain.text() + " holds of " + row.asset.text() + at +
                   " is not known: " + row.why;
        }
    }
    for (const CustodyRow& row : rows) {
        if (!row.unattributed().is_zero()) {
            return "the vault on " + chain.text() + " holds " + row.unattributed().to_string() +
                   " of " + row.asset.text() + at + " that no event explains";
        }
    }
    return "match";
}

Bytes reconciliation_leaf(const Reconciliation& reading) {
    MARGRAVE_ASSERT(reading.rows.size() <= Reconciliation::kRowsMax);
    Canonical::Array rows;
    for (const CustodyRow& row : reading.rows) {
        MARGRAVE_ASSERT(row.why.size() <= Reconciliation::kWhyMax);
        rows.push_back(row_json(row));
    }
    return notice_leaf(
        kIn,
        reading.chain,
        reading.reason(),
        Canonical::Object{
            {"after", Canonical::integer(reading.after.value)},
            {"block", Canonical::integer(reading.block.number.value)},
            {"hash", to_hex(reading.block.hash)},
            {"ledgers", std::move(rows)},
            {"readings", Canonical::integer(reading.readings)},
            {"state", std::string(to_string(reading.state))},
            {"time", Canonical::integer(reading.block.time.value)},
            {"verdict", std::string(to_string(reading.verdict()))},
        }
    );
}

Result<Reconciliation> parse_reconciliation(const Canonical& body) {
    auto out = read_parts(body);
    if (!out) {
        return fail(Errc::kCheckFailed, out.error().detail);
    }
    return out;
}

}  // namespace margrave::attest
