// SPDX-License-Identifier: Apache-2.0
#include "relayer/doctor.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <sys/stat.h>
#include <system_error>

namespace margrave::relayer {
namespace {

constexpr std::uint64_t kAheadMax_s = 15;
constexpr std::uint64_t kBehindWarn_s = 60;
constexpr std::uint64_t kBehindMax_s = 300;
constexpr std::uint64_t kFinalityLagWarn_s = 3600;
/// What nodes that keep no archive keep at least; a follower never asks for older state than this
/// while it runs.
constexpr std::uint64_t kRecentStates = 128;
constexpr std::uintmax_t kGiB = std::uintmax_t{1} << 30;

Finding good(std::string seen) {
    return {CheckState::kOk, std::move(seen), {}};
}

Finding warn(std::string seen, std::string advice) {
    return {CheckState::kWarn, std::move(seen), std::move(advice)};
}

Finding bad(std::string seen, std::string advice) {
    return {CheckState::kFail, std::move(seen), std::move(advice)};
}

std::string_view tag_of(chains::FinalityMode mode) {
    return mode == chains::FinalityMode::kSafeTag ? "safe" : "finalized";
}

std::string text(BlockNum number) {
    return std::to_string(number.value);
}

std::string text(std::chrono::milliseconds time) {
    return std::to_string(time.count()) + " ms";
}

}  // namespace

std::string_view to_string(CheckState state) {
    switch (state) {
        case CheckState::kOk:
            return "ok";
        case CheckState::kWarn:
            return "warn";
        case CheckState::kFail:
            return "fail";
        case CheckState::kUnable:
            return "unable";
    }
    return "unable";
}

Finding judge_chain_id(const ChainId& configured, const Result<std::uint64_t>& seen) {
    if (!seen) {
        return {CheckState::kUnable, seen.error().detail, "see the check \"reachable\""};
    }
    const std::string id = std::to_string(seen.value());
    if (id != configured.reference()) {
        return bad(
            "chain id " + id,
            "this node serves another chain than " + configured.text() + "; correct its URL"
        );
    }
    return good("chain id " + id);
}

Finding judge_genesis(
    const std::optional<Hash32>& configured, const Result<std::optional<SeenBlock>>& seen
) {
    if (!seen) {
        return {CheckState::kUnable, seen.error().detail, "ask the node's operator for block 0"};
    }
    if (!seen.value()) {
        return warn("no block 0", "the node cannot show that it follows the configured chain");
    }
    const std::string hash = to_hex(seen.value()->hash);
    if (configured && seen.value()->hash != *configured) {
        return bad("genesis " + hash, "the config says " + to_hex(*configured));
    }
    return good(hash + (configured ? "" : ", none configured to compare with"));
}

Finding judge_finality(
    const chains::FinalitySettings& settings,
    const SeenBlock& latest,
    const Result<std::optional<SeenBlock>>& first,
    const Result<std::optional<SeenBlock>>& last
) {
    if (settings.mode == chains::FinalityMode::kDepth) {
        return good("by depth, " + std::to_string(settings.depth) + " blocks");
    }
    const std::string tag(tag_of(settings.mode));
    const std::string instead =
        R"(write "finality": {"mode": "depth", "depth": N} with an N below which this chain never )"
        "reorganises, or use a node that has the tag";
    if (!first) {
        return bad("\"" + tag + "\": " + first.error().detail, instead);
    }
    if (!first.value()) {
        return bad("the node has no block \"" + tag + "\"", instead);
    }
    const SeenBlock& final = *first.value();
    if (final.number > latest.number) {
        return bad(
            tag + " block " + text(final.number) + " is above the latest, " + text(latest.number),
            "the node contradicts itself; use another"
        );
    }
    if (last && last.value() && last.value()->number < final.number) {
        return bad(
            tag + " went back from " + text(final.number) + " to " + text(last.value()->number),
            "several nodes answer at this URL and one is behind; use another"
        );
    }
    const std::string seen = tag + " block " + text(final.number) + ", " +
                             std::to_string(latest.number.value - final.number.value) +
                             " below the latest";
    if (final.time.value + kFinalityLagWarn_s < latest.time.value) {
        return warn(
            seen, "finality is more than an hour behind; the chain or the node has trouble"
        );
    }
    return good(seen);
}

Finding judge_clock(UnixSeconds block_time, UnixSeconds now) {
    if (block_time.value > now.value + kAheadMax_s) {
        return bad(
            "the latest block is " + std::to_string(block_time.value - now.value) +
                " s ahead of this machine's clock",
            "set this machine's clock (timedatectl), or the node serves blocks of the future"
        );
    }
    const std::uint64_t behind = now.value > block_time.value ? now.value - block_time.value : 0;
    const std::string seen = "the latest block is " + std::to_string(behind) + " s old";
    if (behind > kBehindMax_s) {
        return bad(
            seen, "the node is not at the head, the chain stands still, or this clock is fast"
        );
    }
    if (behind > kBehindWarn_s) {
        return warn(seen, "compare with another node of the chain");
    }
    return good(seen);
}

Finding judge_local_clock(std::span<const UnixSeconds> block_times, UnixSeconds now) {
    if (block_times.empty()) {
        return {CheckState::kUnable, "no endpoint gave a block", "see the check \"reachable\""};
    }
    std::size_t far = 0;
    for (const UnixSeconds time : block_times) {
        far += judge_clock(time, now).state == CheckState::kFail ? 1U : 0U;
    }
    const std::string seen =
        std::to_string(far) + " of " + std::to_string(block_times.size()) + " endpoints disagree";
    if (far == block_times.size() && far > 1) {
        return bad(seen, "all of them do, so it is this machine's clock: set it (timedatectl)");
    }
    return far == 0 ? good(seen) : warn(seen, "see the check \"clock\" of each endpoint");
}

Finding judge_log_range(std::uint64_t works, std::uint64_t tried, std::uint64_t log_range) {
    const std::string seen = std::to_string(works) + " blocks of " + std::to_string(tried);
    if (works == 0) {
        return bad("eth_getLogs fails for one block", "use a node that serves eth_getLogs");
    }
    if (works < tried) {
        return bad(
            seen,
            "write \"log_range\": " + std::to_string(works) + " for this chain, which has " +
                std::to_string(log_range)
        );
    }
    return good(seen);
}

Finding judge_archive(BlockNum start, BlockNum latest, std::optional<BlockNum> oldest) {
    if (!oldest) {
        return bad("no state at the latest block", "the node is broken or still syncing");
    }
    const std::uint64_t kept = latest.value - std::min(latest.value, oldest->value);
    if (*oldest <= start) {
        return good("state back to block " + text(start) + ", " + std::to_string(kept) + " blocks");
    }
    const std::string seen = "state " + std::to_string(kept) + " blocks back, to block " +
                             text(*oldest) + " of " + text(start);
    if (kept + 1 < kRecentStates) {
        return bad(seen, "use a node that keeps the state of at least 128 blocks");
    }
    return warn(
        seen, "enough while running; a start from nothing needs an archive node at start_block"
    );
}

Finding judge_latency(
    std::vector<std::chrono::milliseconds> samples, std::chrono::milliseconds limit
) {
    if (samples.empty()) {
        return {CheckState::kUnable, "no answer to measure", "see the check \"reachable\""};
    }
    std::ranges::sort(samples);
    const auto median = samples[samples.size() / 2];
    const std::string seen = "min " + text(samples.front()) + ", median " + text(median) + " of " +
                             std::to_string(samples.size());
    if (median * 2 > limit) {
        return warn(seen, "more than half of rpc_timeout (" + text(limit) + ")");
    }
    return good(seen);
}

Finding judge_operators(const chains::ChainSettings& settings) {
    const std::size_t count = chains::operators_of(settings).size();
    const std::string seen =
        std::to_string(count) + " operators, " + std::to_string(settings.agreement) + " must agree";
    if (count < settings.agreement) {
        return bad(seen, "add an endpoint of another operator, or lower /chains/*/agreement");
    }
    if (count == settings.agreement && settings.agreement > 1) {
        return warn(seen, "one operator that fails stops this chain; add a spare");
    }
    if (settings.agreement < 2) {
        return warn(seen, "a single node can make this daemon sign a lie; ask for two or more");
    }
    return good(seen);
}

Finding judge_disk(const std::filesystem::path& data_dir) {
    std::filesystem::path at = std::filesystem::absolute(data_dir);
    std::error_code ec;
    while (!std::filesystem::exists(at, ec) && at.has_parent_path() && at != at.parent_path()) {
        at = at.parent_path();
    }
    const std::filesystem::space_info space = std::filesystem::space(at, ec);
    if (ec) {
        return {
            CheckState::kUnable,
            "free space of " + at.string() + ": " + ec.message(),
            "look at it"};
    }
    const std::string seen =
        std::to_string(space.available / (kGiB / 1024)) + " MiB free at " + data_dir.string();
    if (space.available < kGiB) {
        return bad(seen, "free at least 1 GiB, or move /node/data_dir");
    }
    return space.available < 10 * kGiB ? warn(seen, "less than 10 GiB") : good(seen);
}

Finding judge_keystore(const std::filesystem::path& keystore) {
    struct stat info {};

    if (::stat(keystore.c_str(), &info) != 0) {
        return bad("no keystore at " + keystore.string(), "margrave keys new --keystore FILE");
    }
    const unsigned mode = info.st_mode & 0777U;
    std::array<char, 8> octal{};
    std::snprintf(octal.data(), octal.size(), "%04o", mode);
    const std::string seen = keystore.string() + " has mode " + octal.data();
    if ((mode & 077U) != 0) {
        return bad(seen, "chmod 600 " + keystore.string());
    }
    return good(seen);
}

namespace {

std::string dash(const std::string& word) {
    return word.empty() ? "-" : word;
}

std::string shown(CheckState state) {
    return state == CheckState::kFail ? "FAIL" : std::string(to_string(state));
}

}  // namespace

std::string doctor_table(std::span<const CheckRow> rows) {
    std::array<std::size_t, 4> widths{};
    std::vector<std::array<std::string, 4>> heads;
    for (const CheckRow& row : rows) {
        heads.push_back({shown(row.finding.state), dash(row.chain), dash(row.endpoint), row.check});
        for (std::size_t i = 0; i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], heads.back()[i].size());
        }
    }
    std::string out;
    for (std::size_t at = 0; at < rows.size(); ++at) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            out += heads[at][i] + std::string(widths[i] - heads[at][i].size() + 2, ' ');
        }
        const Finding& finding = rows[at].finding;
        out += finding.seen + (finding.advice.empty() ? "" : " -> " + finding.advice) + "\n";
    }
    return out;
}

nlohmann::json doctor_json(std::span<const CheckRow> rows) {
    nlohmann::json out = nlohmann::json::array();
    for (const CheckRow& row : rows) {
        nlohmann::json item = nlohmann::json::object();
        item["chain"] = row.chain;
        item["endpoint"] = row.endpoint;
        item["check"] = row.check;
        item["state"] = to_string(row.finding.state);
        item["seen"] = row.finding.seen;
        item["advice"] = row.finding.advice;
        out.push_back(std::move(item));
    }
    return out;
}

bool has_failure(std::span<const CheckRow> rows) {
    return std::ranges::any_of(rows, [](const CheckRow& row) {
        return row.finding.state == CheckState::kFail;
    });
}

}  // namespace margrave::relayer
