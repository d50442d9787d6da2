// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/settings.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The judgements of `margrave doctor`: what was seen of a node goes in, a row of the table comes
/// out. No I/O but the two of this machine; doctor_node.hpp asks the nodes.
namespace margrave::relayer {

enum class CheckState : std::uint8_t { kOk, kWarn, kFail, kUnable };

/// "ok", "warn", "fail", "unable".
std::string_view to_string(CheckState state);

struct Finding {
    CheckState state{CheckState::kOk};
    std::string seen;
    /// What to do; empty when all is well.
    std::string advice;
};

struct CheckRow {
    /// CAIP-2 id; empty for this machine.
    std::string chain;
    /// Configured name; empty for what is about the whole chain.
    std::string endpoint;
    std::string check;
    Finding finding;
};

/// A block as far as the checks need it.
struct SeenBlock {
    BlockNum number;
    Hash32 hash;
    UnixSeconds time;
};

Finding judge_chain_id(const ChainId& configured, const Result<std::uint64_t>& seen);
Finding judge_genesis(
    const std::optional<Hash32>& configured, const Result<std::optional<SeenBlock>>& seen
);
/// `first` and `last`: the block at the finality tag at the start and the end of the checks.
Finding judge_finality(
    const chains::FinalitySettings& settings,
    const SeenBlock& latest,
    const Result<std::optional<SeenBlock>>& first,
    const Result<std::optional<SeenBlock>>& last
);
/// Of the newest block's time against the local clock.
Finding judge_clock(UnixSeconds block_time, UnixSeconds now);
/// The same of all endpoints of a chain: whether it is the local clock that is wrong.
Finding judge_local_clock(std::span<const UnixSeconds> block_times, UnixSeconds now);
/// `works`: the most blocks for which logs were given; `tried`: the most that was asked for, less
/// than log_range where the chain is younger.
Finding judge_log_range(std::uint64_t works, std::uint64_t tried, std::uint64_t log_range);
/// `oldest`: the oldest block with state, of those that were asked for.
Finding judge_archive(BlockNum start, BlockNum latest, std::optional<BlockNum> oldest);
Finding judge_latency(
    std::vector<std::chrono::milliseconds> samples, std::chrono::milliseconds limit
);

/// What one node knows of the contracts of all watches of its chain.
struct SeenWatches {
    std::size_t contracts{0};
    std::vector<Address> without_code;
    /// Events that tell a price, with their contract, and how many of them there were lately.
    std::vector<std::pair<std::string, std::size_t>> prices;
    /// How many blocks that is.
    std::uint64_t blocks{0};
    /// Why not all was seen.
    std::string trouble;
};

Finding judge_watches(const SeenWatches& seen);
Finding judge_operators(const chains::ChainSettings& settings);
Finding judge_disk(const std::filesystem::path& data_dir);
Finding judge_keystore(const std::filesystem::path& keystore);

/// Columns for people: state, chain, endpoint, check, seen, what to do.
std::string doctor_table(std::span<const CheckRow> rows);
nlohmann::json doctor_json(std::span<const CheckRow> rows);
bool has_failure(std::span<const CheckRow> rows);

}  // namespace margrave::relayer
