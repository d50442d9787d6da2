// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/health.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace margrave::chains::rpc {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kRatePauseMin{1000};

bool is_on(const std::optional<SteadyTime>& until, SteadyTime now) {
    return !until || now < *until;
}

}  // namespace

std::string_view to_string(EndpointState state) {
    switch (state) {
        case EndpointState::kUndialed:
            return "undialed";
        case EndpointState::kAlive:
            return "alive";
        case EndpointState::kOutOfSync:
            return "out-of-sync";
        case EndpointState::kUnreachable:
            return "unreachable";
        case EndpointState::kRateLimited:
            return "rate-limited";
        case EndpointState::kParked:
            return "parked";
        case EndpointState::kWrongChain:
            return "wrong-chain";
        case EndpointState::kLying:
            return "lying";
    }
    return "undialed";
}

void Health::enter(
    Slot& slot, SteadyTime now, std::optional<SteadyTime> until, std::string reason
) {
    if (!slot || !is_on(slot->until, now)) {
        slot = Matter{now, until, std::move(reason)};
        return;
    }
    if (until && slot->until) {
        slot->until = std::max(*until, *slot->until);
    }
    slot->reason = std::move(reason);
}

const Health::Matter* Health::worst(SteadyTime now, EndpointState* state) const {
    struct Row {
        const Slot* slot;
        EndpointState state;
    };

    const auto rows = std::to_array<Row>(
        {{&lying_, EndpointState::kLying},
         {&wrong_chain_, EndpointState::kWrongChain},
         {&parked_, EndpointState::kParked},
         {&limited_, EndpointState::kRateLimited},
         {&unreachable_, EndpointState::kUnreachable},
         {&out_of_sync_, EndpointState::kOutOfSync}}
    );
    for (const Row& row : rows) {
        if (*row.slot && is_on((*row.slot)->until, now)) {
            *state = row.state;
            return &**row.slot;
        }
    }
    *state = ever_dialed_ ? EndpointState::kAlive : EndpointState::kUndialed;
    return nullptr;
}

EndpointState Health::state(SteadyTime now) const {
    EndpointState state{};
    static_cast<void>(worst(now, &state));
    return state;
}

std::string Health::reason(SteadyTime now) const {
    EndpointState state{};
    if (const Matter* matter = worst(now, &state)) {
        return matter->reason;
    }
    return state == EndpointState::kUndialed ? "its chain id was not asked yet" : "";
}

SteadyTime Health::since(SteadyTime now) const {
    EndpointState state{};
    if (const Matter* matter = worst(now, &state)) {
        return matter->since;
    }
    SteadyTime since = well_since_;
    for (const Slot* slot : {&lying_, &parked_, &limited_}) {
        if (*slot && (*slot)->until) {
            since = std::max(since, *(*slot)->until);
        }
    }
    return since;
}

bool Health::is_ready(SteadyTime now) const {
    switch (state(now)) {
        case EndpointState::kUndialed:
        case EndpointState::kAlive:
        case EndpointState::kOutOfSync:
            return true;
        case EndpointState::kUnreachable:
            return now >= next_trial_;
        case EndpointState::kRateLimited:
        case EndpointState::kParked:
        case EndpointState::kWrongChain:
        case EndpointState::kLying:
            return false;
    }
    return false;
}

bool Health::dial_due(SteadyTime now, milliseconds interval) const {
    switch (state(now)) {
        case EndpointState::kUnreachable:
            return now >= next_trial_;
        case EndpointState::kUndialed:
        case EndpointState::kAlive:
        case EndpointState::kOutOfSync:
        case EndpointState::kWrongChain:
            return !dialed_ || now - *dialed_ >= interval;
        case EndpointState::kRateLimited:
        case EndpointState::kParked:
        case EndpointState::kLying:
            return false;
    }
    return false;
}

milliseconds Health::pause_left(SteadyTime now) const {
    SteadyTime until = now;
    if (limited_ && is_on(limited_->until, now)) {
        until = std::max(until, *limited_->until);
    }
    if (parked_ && is_on(parked_->until, now)) {
        until = std::max(until, std::min(*parked_->until, next_parked_trial_));
    }
    return std::chrono::ceil<milliseconds>(until - now);
}

milliseconds Health::trial_left(SteadyTime now) const {
    if (!unreachable_ || now >= next_trial_) {
        return milliseconds{0};
    }
    return std::chrono::ceil<milliseconds>(next_trial_ - now);
}

void Health::on_answer(SteadyTime now) {
    failures_ -= std::min(failures_, 1U);
    // A node that comes and goes keeps the long backoff until it has been well for a while.
    if (failures_ == 0) {
        backoff_ = milliseconds{0};
    }
    if (unreachable_) {
        unreachable_.reset();
        well_since_ = now;
    }
    // Answers of calls sent before the refusal do not unpark it; a trial's answer does.
    if (parked_ && is_on(parked_->until, now) && now >= next_parked_trial_) {
        parked_.reset();
        well_since_ = now;
    }
}

void Health::on_failure(SteadyTime now, std::string reason) {
    failures_ = std::min(failures_ + 1, limits_.failures_max);
    if (!unreachable_ && failures_ < limits_.failures_max) {
        return;
    }
    // Several calls under way fail together; they are one trial.
    const bool trial = !unreachable_ || now >= next_trial_;
    enter(unreachable_, now, std::nullopt, std::move(reason));
    if (trial) {
        const milliseconds doubled = backoff_ * 2;
        backoff_ = std::clamp(doubled, limits_.backoff, limits_.backoff_max);
        next_trial_ = now + backoff_;
    }
    // What comes back may be another node.
    dialed_.reset();
}

void Health::on_rate_limit(
    SteadyTime now,
    std::optional<std::chrono::seconds> retry_after,
    std::uint64_t jitter,
    std::string reason
) {
    milliseconds pause = limits_.rate_pause;
    if (retry_after) {
        pause = std::clamp<milliseconds>(
            std::min<std::chrono::seconds>(*retry_after, std::chrono::hours{24}),
            kRatePauseMin,
            limits_.rate_pause_max
        );
    }
    pause += pause * static_cast<std::int64_t>(std::min<std::uint64_t>(jitter, 1000)) / 8000;
    enter(limited_, now, now + pause, std::move(reason));
}

void Health::on_refusal(SteadyTime now, std::string reason) {
    enter(parked_, now, now + limits_.park, std::move(reason));
    next_parked_trial_ = now + limits_.parked_trial;
}

void Health::on_dialed(SteadyTime now) {
    if (wrong_chain_ || !ever_dialed_) {
        well_since_ = now;
    }
    dialed_ = now;
    ever_dialed_ = true;
    wrong_chain_.reset();
}

void Health::on_wrong_chain(SteadyTime now, std::string reason) {
    dialed_ = now;
    enter(wrong_chain_, now, std::nullopt, std::move(reason));
}

void Health::on_lie(SteadyTime now, std::string reason) {
    enter(lying_, now, now + limits_.lying, std::move(reason));
}

void Health::forgive(SteadyTime now) {
    if (lying_) {
        lying_.reset();
        well_since_ = now;
    }
}

void Health::on_out_of_sync(SteadyTime now, std::string reason) {
    enter(out_of_sync_, now, std::nullopt, std::move(reason));
}

void Health::on_in_sync(SteadyTime now) {
    if (out_of_sync_) {
        out_of_sync_.reset();
        well_since_ = now;
    }
}

}  // namespace margrave::chains::rpc
