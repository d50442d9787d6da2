// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/pool.hpp"

#include "core/assert.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <utility>

namespace margrave::chains::rpc {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

int rank_of(const Endpoint& endpoint) {
    switch (endpoint.state()) {
        case EndpointState::kAlive:
            return 0;
        case EndpointState::kUndialed:
            return 1;
        case EndpointState::kOutOfSync:
            return 2;
        case EndpointState::kUnreachable:
            return endpoint.is_ready() ? 3 : 4;
        case EndpointState::kRateLimited:
            return 5;
        case EndpointState::kParked:
            return 6;
        case EndpointState::kWrongChain:
        case EndpointState::kLying:
            return 7;
    }
    return 7;
}

void sort_best_first(std::vector<Endpoint*>& endpoints) {
    const auto key = [](const Endpoint* e) {
        return std::tuple(rank_of(*e), e->failure_count(), e->latency().mean());
    };
    std::ranges::stable_sort(endpoints, std::less<>{}, key);
}

}  // namespace

EndpointPool::EndpointPool(
    std::vector<std::unique_ptr<RpcCaller>> callers,
    std::vector<EndpointSettings> settings,
    PoolLimits limits,
    SteadyNow now,
    infra::Logger log
)
    : limits_(limits),
      now_(std::move(now)) {
    MARGRAVE_ASSERT(callers.size() == settings.size());
    for (std::size_t i = 0; i < callers.size(); ++i) {
        EndpointSettings& own = settings[i];
        if (own.name.empty()) {
            own.name = callers[i]->name();
        }
        if (own.operator_name.empty()) {
            own.operator_name = own.name;
        }
        Member member;
        member.endpoint = std::make_shared<Endpoint>(
            std::move(callers[i]), std::move(own), limits.endpoint, now_, log
        );
        members_.push_back(std::move(member));
    }
}

EndpointPool::EndpointPool(
    std::vector<std::unique_ptr<RpcCaller>> callers, std::vector<EndpointSettings> settings
)
    : EndpointPool(
          std::move(callers), std::move(settings), PoolLimits{}, steady_now(), infra::Logger{}
      ) {}

EndpointPool::~EndpointPool() = default;

std::vector<Endpoint*> EndpointPool::endpoints() const {
    std::vector<Endpoint*> out;
    for (const Member& member : members_) {
        out.push_back(member.endpoint.get());
    }
    return out;
}

std::vector<Endpoint*> EndpointPool::best_first() const {
    std::vector<Endpoint*> out = endpoints();
    std::erase_if(out, [](const Endpoint* e) { return !e->is_usable(); });
    sort_best_first(out);
    return out;
}

std::vector<std::vector<Endpoint*>> EndpointPool::by_operator() const {
    std::vector<std::vector<Endpoint*>> lists;
    std::map<std::string, std::size_t, std::less<>> place;
    for (const Member& member : members_) {
        const auto [at, fresh] = place.emplace(member.endpoint->operator_name(), lists.size());
        if (fresh) {
            lists.emplace_back();
        }
        if (member.endpoint->is_usable()) {
            lists[at->second].push_back(member.endpoint.get());
        }
    }
    std::erase_if(lists, [](const auto& list) { return list.empty(); });
    std::ranges::for_each(lists, sort_best_first);
    return lists;
}

std::vector<Endpoint*> EndpointPool::one_per_operator() const {
    std::vector<Endpoint*> out;
    for (const std::vector<Endpoint*>& list : by_operator()) {
        out.push_back(list.front());
    }
    return out;
}

std::vector<Endpoint*> EndpointPool::due_for_dial(milliseconds interval) const {
    std::vector<Endpoint*> out = endpoints();
    std::erase_if(out, [=](const Endpoint* e) { return !e->dial_due(interval); });
    return out;
}

void EndpointPool::note_heads(std::span<const EndpointHead> heads, std::size_t k) {
    std::map<std::string, BlockNum, std::less<>> best;
    for (const EndpointHead& told : heads) {
        told.endpoint->note_head(told.latest);
        if (!told.endpoint->is_usable()) {
            continue;
        }
        BlockNum& of_operator = best[told.endpoint->operator_name()];
        of_operator = std::max(of_operator, told.latest);
    }
    if (k == 0 || best.size() < k) {
        return;
    }
    std::vector<BlockNum> sorted;
    for (const auto& [name, latest] : best) {
        sorted.push_back(latest);
    }
    std::ranges::sort(sorted, std::greater<>{});
    const BlockNum head = sorted[k - 1];
    note_pace(head);
    // An endpoint that was not asked is not behind because of that.
    for (const EndpointHead& told : heads) {
        const auto member = std::ranges::find_if(members_, [&](const Member& one) {
            return one.endpoint.get() == told.endpoint;
        });
        MARGRAVE_ASSERT(member != members_.end());
        judge(*member, head);
    }
}

void EndpointPool::note_pace(BlockNum head) {
    const SteadyTime now = now_();
    if (!head_) {
        head_ = head;
        head_at_ = now;
        return;
    }
    if (head <= *head_) {
        return;
    }
    const auto blocks =
        static_cast<std::int64_t>(std::min<std::uint64_t>(head.value - head_->value, 1'000'000'000)
        );
    const nanoseconds sample = (now - head_at_) / blocks;
    pace_ = pace_ ? *pace_ + (sample - *pace_) / 8 : sample;
    head_ = head;
    head_at_ = now;
}

void EndpointPool::judge(Member& member, BlockNum head) {
    const SteadyTime now = now_();
    const std::uint64_t own = member.endpoint->latest()->value;
    const std::uint64_t behind = head.value > own ? head.value - own : 0;
    std::uint64_t allowed = limits_.lag_blocks_min;
    if (pace_) {
        const nanoseconds each = std::max(*pace_, nanoseconds{1});
        allowed = std::max(allowed, static_cast<std::uint64_t>(nanoseconds(limits_.lag) / each));
    }
    if (!pace_ || behind <= allowed) {
        member.behind_since.reset();
        member.endpoint->mark_in_sync();
        return;
    }
    if (!member.behind_since) {
        member.behind_since = now;
    }
    if (now - *member.behind_since < limits_.lag_settle) {
        return;
    }
    member.endpoint->mark_out_of_sync(
        member.endpoint->name() + " is at block " + std::to_string(own) + ", " +
        std::to_string(behind) + " behind the others; " + std::to_string(allowed) +
        " would be in order"
    );
}

std::optional<milliseconds> EndpointPool::pace() const {
    if (!pace_) {
        return std::nullopt;
    }
    return std::chrono::duration_cast<milliseconds>(*pace_);
}

std::vector<SourceStatus> EndpointPool::status() const {
    std::vector<SourceStatus> out;
    for (const Member& member : members_) {
        out.push_back(member.endpoint->status());
    }
    return out;
}

void EndpointPool::forgive() {
    for (const Member& member : members_) {
        member.endpoint->forgive();
    }
}

}  // namespace margrave::chains::rpc
