// SPDX-License-Identifier: Apache-2.0
#include "relayer/delivery.hpp"
#include "relayer/detail/delivery_rules.hpp"

#include <algorithm>

namespace margrave::relayer {

namespace {

std::uint64_t round_of(const store::Intent& intent) {
    auto round = Amount::parse(intent.label);
    if (!round) {
        return 0;
    }
    auto number = round.value().to_u64();
    return number ? number.value() : 0;
}

bool is_in_flight(const store::Intent& intent) {
    return intent.state == store::IntentState::kSent;
}

struct Outbox {
    std::size_t in_flight{0};
    bool attestation_in_flight{false};
    /// Newest round among those queued or under way.
    std::uint64_t newest_round{0};
};

Outbox survey(const std::vector<store::Intent>& open) {
    Outbox box;
    for (const store::Intent& intent : open) {
        if (intent.kind == "attestation") {
            box.newest_round = std::max(box.newest_round, round_of(intent));
        }
        if (!is_in_flight(intent)) {
            continue;
        }
        ++box.in_flight;
        box.attestation_in_flight = box.attestation_in_flight || intent.kind == "attestation";
    }
    return box;
}

/// What a queued intent is to this pass: 0 releases and closes, 1 seizures, 2 the attestation.
int turn_of(const store::Intent& intent) {
    if (intent.kind == "attestation") {
        return 2;
    }
    return intent.kind == "seizure" ? 1 : 0;
}

}  // namespace

DeliveryPlan plan_delivery(
    const std::vector<store::Intent>& open,
    RoundNum registry_round,
    BlockNum head,
    UnixSeconds now,
    const chains::FeeSettings& fees
) {
    DeliveryPlan plan;
    Outbox box = survey(open);
    std::vector<const store::Intent*> queued;
    for (const store::Intent& intent : open) {
        if (is_in_flight(intent)) {
            const BlockNum sent = intent.attempts.back().sent_at;
            if (head.value >= sent.value + fees.replace_after_blocks) {
                (is_expired(intent, now) ? plan.cancels : plan.replacements).push_back(intent.id);
            }
            continue;
        }
        if (intent.state != store::IntentState::kQueued) {
            continue;
        }
        if (is_expired(intent, now)) {
            plan.drops.push_back({intent.id, store::IntentState::kSuperseded, "expired unsent"});
        } else if (intent.kind == "attestation" &&
                   (round_of(intent) < box.newest_round ||
                    round_of(intent) <= registry_round.value)) {
            plan.drops.push_back(
                {intent.id, store::IntentState::kSuperseded, "a newer round is there"}
            );
        } else {
            queued.push_back(&intent);
        }
    }
    std::stable_sort(queued.begin(), queued.end(), [](const auto* a, const auto* b) {
        return turn_of(*a) < turn_of(*b);
    });
    std::size_t others = box.in_flight - (box.attestation_in_flight ? 1 : 0);
    for (const store::Intent* intent : queued) {
        if (intent->kind == "attestation") {
            // Behind the seizures: one that is sent in this pass keeps it back, one whose account
            // the registry's round does not call seizable needs it.
            if (!box.attestation_in_flight && box.in_flight < kDeliveryWindow) {
                plan.sends.push_back(intent->id);
            }
            continue;
        }
        const bool has_room = others < kDeliveryWindow - 1;
        if (!has_room || (intent->kind == "seizure" && box.attestation_in_flight)) {
            continue;
        }
        plan.sends.push_back(intent->id);
        ++others;
    }
    return plan;
}

}  // namespace margrave::relayer
