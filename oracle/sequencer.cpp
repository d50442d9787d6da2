// SPDX-License-Identifier: Apache-2.0
#include "oracle/sequencer.hpp"

#include "infra/task_group.hpp"
#include "infra/timeout.hpp"
#include "oracle/sources/feed.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace margrave::oracle {

namespace {

constexpr std::chrono::milliseconds kReadTimeout{10'000};
constexpr std::size_t kRoundWords = 5;

std::string name_of(const SequencerFeed& feed) {
    return "the sequencer of " + feed.chain.text();
}

Task<std::string> read_one(
    SequencerFeed feed, CallAt call_at, std::map<ChainId, Hash32> blocks, UnixSeconds now
) {
    const auto block = blocks.find(feed.chain);
    if (block == blocks.end()) {
        co_return name_of(feed) + " is unknown: there is no final block to read its feed at";
    }
    Bytes data = feed::latest_round_call();
    Task<Result<Bytes>> work = call_at(feed.chain, feed.feed, std::move(data), block->second);
    std::string what = "uptime feed " + to_hex(feed.feed);
    Result<Bytes> returned =
        co_await infra::with_timeout(std::move(work), kReadTimeout, std::move(what));
    if (!returned) {
        co_return hold_of(feed, returned.as_failure(), now);
    }
    co_return hold_of(feed, decode_sequencer(returned.value()), now);
}

}  // namespace

Result<SequencerState> decode_sequencer(ByteView returned) {
    if (returned.size() != kRoundWords * Hash32::kSize) {
        return fail(
            Errc::kInvalid,
            "latestRoundData() returned " + std::to_string(returned.size()) + " bytes instead of " +
                std::to_string(kRoundWords * Hash32::kSize)
        );
    }
    ByteReader reader(returned);
    MARGRAVE_TRY(const auto round_id, reader.hash32());
    static_cast<void>(round_id);
    MARGRAVE_TRY(const auto answer, reader.hash32());
    MARGRAVE_TRY(const auto started_at, reader.hash32());
    const Amount status = Amount::from_word(answer);
    if (status > Amount{1}) {
        return fail(Errc::kInvalid, "the answer " + status.to_string() + " is neither 0 nor 1");
    }
    MARGRAVE_TRY(const auto since, Amount::from_word(started_at).to_u64());
    if (since == 0) {
        return fail(Errc::kInvalid, "its first round has not begun: startedAt is 0");
    }
    return SequencerState{.up = status.is_zero(), .since = UnixSeconds{since}};
}

std::string hold_of(
    const SequencerFeed& feed, const Result<SequencerState>& state, UnixSeconds now
) {
    if (!state) {
        return name_of(feed) + " is unknown: " + state.error().detail;
    }
    const std::string since = " since " + std::to_string(state.value().since.value);
    if (!state.value().up) {
        return name_of(feed) + " is down" + since;
    }
    const std::uint64_t begun = std::min(state.value().since.value, now.value);
    if (now.value - begun <= feed.grace_s) {
        return name_of(feed) + " is up again" + since + ", nothing is liquidated for " +
               std::to_string(feed.grace_s) + " s";
    }
    return {};
}

Task<std::map<ChainId, std::string>> read_sequencers(
    std::vector<SequencerFeed> feeds,
    CallAt call_at,
    std::map<ChainId, Hash32> blocks,
    UnixSeconds now
) {
    std::vector<Task<std::string>> reads;
    for (const SequencerFeed& feed : feeds) {
        reads.push_back(read_one(feed, call_at, blocks, now));
    }
    std::vector<std::string> holds = co_await infra::gather<std::string>(std::move(reads));
    std::map<ChainId, std::string> out;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
        if (!holds[i].empty()) {
            out.emplace(feeds[i].chain, std::move(holds[i]));
        }
    }
    co_return out;
}

}  // namespace margrave::oracle
