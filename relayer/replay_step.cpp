// SPDX-License-Identifier: Apache-2.0
#include "relayer/replay_step.hpp"

#include "oracle/oracle.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/round_facts.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace margrave::relayer {

namespace {

/// The round before; before the first one nothing was latched and nothing remembered.
struct RoundBefore {
    Canonical evidence;
    std::optional<Attestation> attestation;
};

std::string round_name(RoundNum round) {
    return "round " + std::to_string(round.value);
}

Result<std::optional<RoundBefore>> round_before(const store::Database& database, RoundNum round) {
    RoundBefore out;
    if (round.value <= 1) {
        out.evidence = Canonical::Object{{"latchedAfter", Canonical::Array{}}};
        return std::optional<RoundBefore>(std::move(out));
    }
    const auto bytes = database.document("round/" + std::to_string(round.value - 1));
    if (!bytes) {
        return std::optional<RoundBefore>{};
    }
    MARGRAVE_TRY(out.evidence, parse_canonical(as_text(*bytes)));
    MARGRAVE_TRY(const auto message, member(out.evidence, "signed"));
    MARGRAVE_TRY(const auto draft, parse_round_message(message));
    out.attestation = draft.attestation;
    return std::optional<RoundBefore>(std::move(out));
}

Error does_not_follow(RoundNum round, const std::string& what) {
    return fail(
        Errc::kCheckFailed,
        what + " of " + round_name(round) + " does not follow from the round before"
    );
}

/// The member of an object, if both are there.
const Canonical* member_if(const Canonical& value, std::string_view name) {
    const auto* object = std::get_if<Canonical::Object>(&value.value());
    const auto found = object == nullptr ? Canonical::Object::const_iterator{} : object->find(name);
    return object == nullptr || found == object->end() ? nullptr : &found->second;
}

Result<void> check_latch(
    const Canonical& before, const Canonical& evidence, const Attestation& attestation
) {
    MARGRAVE_TRY(const auto left, member(before, "latchedAfter"));
    MARGRAVE_TRY(const auto latched, member(evidence, "latched"));
    if (left.dump() != latched.dump()) {
        return does_not_follow(attestation.round, "the latch");
    }
    const Canonical* since = member_if(evidence, "underWaterSince");
    if (since == nullptr) {
        return ok();
    }
    const Canonical* earlier = member_if(before, "underWaterSince");
    MARGRAVE_TRY(const auto after, member(evidence, "latchedAfter"));
    const auto* accounts = std::get_if<Canonical::Array>(&after.value());
    Canonical::Object expected;
    for (const Canonical& item : accounts == nullptr ? Canonical::Array{} : *accounts) {
        const auto* account = std::get_if<std::string>(&item.value());
        const std::string name = account == nullptr ? std::string{} : *account;
        const Canonical* known = earlier == nullptr ? nullptr : member_if(*earlier, name);
        expected.emplace(
            name, known == nullptr ? Canonical::integer(attestation.issued_at.value) : *known
        );
    }
    if (Canonical(std::move(expected)).dump() != since->dump()) {
        return does_not_follow(attestation.round, "the time under water");
    }
    return ok();
}

/// The document shows the prices that were signed.
Result<void> check_shown(const oracle::SlowStep& step, const RoundDraft& draft) {
    for (const AssetId& asset : step.assets) {
        const auto row = std::ranges::find(draft.prices, asset, &PriceRow::asset);
        if (row == draft.prices.end() || row->price != step.price ||
            (row->verdict == PriceVerdict::kUsable) != step.is_usable) {
            return fail(
                Errc::kCheckFailed,
                "the price document of " + round_name(draft.attestation.round) +
                    " has another price of " + asset.text() + " than was signed"
            );
        }
    }
    return ok();
}

Result<std::optional<Canonical>> prices_of(
    const store::Database& database, const Attestation& attestation
) {
    const auto bytes = price_document(database, attestation);
    if (!bytes) {
        return std::optional<Canonical>{};
    }
    MARGRAVE_TRY(auto parsed, parse_canonical(as_text(*bytes)));
    return std::optional<Canonical>(std::move(parsed));
}

std::string not_kept(RoundNum round) {
    return "the slow prices are not checked: the price document of " + round_name(round) +
           " is not kept";
}

}  // namespace

Result<std::string> check_slow_prices(
    const store::Database& database, const RoundDraft& draft, const Canonical& document
) {
    const Attestation& attestation = draft.attestation;
    MARGRAVE_TRY(const auto read, oracle::slow_steps_of(document));
    if (std::ranges::none_of(read.steps, [](const oracle::SlowStep& step) {
            return step.settings.has_value() || step.after.has_value();
        })) {
        return std::string{};
    }
    MARGRAVE_TRY(const auto before, round_before(database, attestation.round));
    if (!before) {
        return not_kept(RoundNum{attestation.round.value - 1});
    }
    oracle::Memory memory;
    if (before->attestation) {
        MARGRAVE_TRY(const auto earlier, prices_of(database, *before->attestation));
        if (!earlier) {
            return not_kept(before->attestation->round);
        }
        MARGRAVE_TRY(memory, oracle::memory_of(*earlier));
    }
    // A clock that went back judges earlier than the time of issue, which never does.
    const bool went_back =
        before->attestation && before->attestation->issued_at == attestation.issued_at;
    if (read.now != attestation.issued_at && !went_back) {
        return does_not_follow(attestation.round, "the time at which the prices were judged");
    }
    for (const oracle::SlowStep& step : read.steps) {
        MARGRAVE_TRY(check_shown(step, draft));
        const auto known = memory.find(step.name);
        const auto slow = known == memory.end() ? std::nullopt : known->second.slow;
        if (oracle::slow_after(step, slow, read.now) != step.after) {
            return does_not_follow(attestation.round, "the slow price of " + step.name);
        }
    }
    return std::string{};
}

Result<std::vector<std::string>> check_step(
    const store::Database& database, const Canonical& evidence, const RoundDraft& draft
) {
    std::vector<std::string> unable;
    const Attestation& attestation = draft.attestation;
    MARGRAVE_TRY(const auto before, round_before(database, attestation.round));
    if (before) {
        MARGRAVE_TRY(check_latch(before->evidence, evidence, attestation));
    } else {
        unable.push_back(
            "the latch and the times under water are not checked: the round before " +
            round_name(attestation.round) + " is not kept"
        );
    }
    MARGRAVE_TRY(const auto document, prices_of(database, attestation));
    std::string why = not_kept(attestation.round);
    if (document) {
        MARGRAVE_TRY(why, check_slow_prices(database, draft, *document));
    }
    if (!why.empty()) {
        unable.push_back(std::move(why));
    }
    return unable;
}

}  // namespace margrave::relayer
