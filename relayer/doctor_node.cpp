// SPDX-License-Identifier: Apache-2.0
#include "relayer/doctor_node.hpp"

#include "chains/evm/proof/header.hpp"
#include "chains/rpc/codec.hpp"
#include "chains/rpc/head_stream.hpp"
#include "infra/log.hpp"
#include "infra/task_group.hpp"
#include "infra/timeout.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace margrave::relayer {

using nlohmann::json;
namespace rpc = chains::rpc;

namespace {

constexpr int kLatencySamples = 4;
constexpr std::size_t kVersionMax = 120;
constexpr std::chrono::milliseconds kHeadPoll{100};

/// Every check of an endpoint, in the order of the table.
constexpr auto kChecks = std::to_array<std::string_view>(
    {"reachable",
     "chain-id",
     "latency",
     "client",
     "genesis",
     "latest",
     "clock",
     "log-range",
     "archive",
     "header",
     "receipts",
     "proof",
     "watches",
     "websocket",
     "finality"}
);

Finding good(std::string seen) {
    return {CheckState::kOk, std::move(seen), {}};
}

Finding unable(std::string seen) {
    return {CheckState::kUnable, std::move(seen), "see the check \"reachable\""};
}

// Whether this client can hash the chain's headers again.
Finding judge_header(const Result<json>& answer, const Hash32& hash, chains::ProofMode proof) {
    if (!answer) {
        return {CheckState::kFail, answer.error().detail, "use a node with eth_getBlockByHash"};
    }
    const auto proved = chains::evm::prove_header(answer.value(), hash);
    if (proved) {
        return good("its fields give its hash");
    }
    if (proved.error().code == Errc::kUnproved) {
        return {
            CheckState::kFail, proved.error().detail, "do not believe this node: use another one"};
    }
    const bool needed = proof != chains::ProofMode::kAgreement;
    return {
        needed ? CheckState::kFail : CheckState::kWarn,
        proved.error().detail,
        R"(write "proof": "agreement" with two operators or more)"};
}

rpc::RpcLimits rpc_limits(const chains::ChainSettings& settings) {
    rpc::RpcLimits limits;
    limits.timeout = settings.rpc_timeout;
    limits.attempts = 1;
    return limits;
}

Result<std::optional<SeenBlock>> read_block(const json& answer) {
    if (answer.is_null()) {
        return std::optional<SeenBlock>();
    }
    if (!answer.is_object()) {
        return fail(Errc::kUnproved, "the answer is no block");
    }
    SeenBlock out;
    MARGRAVE_TRY(const std::uint64_t number, rpc::u64_at(answer, "number"));
    MARGRAVE_TRY(out.hash, rpc::hash_at(answer, "hash"));
    MARGRAVE_TRY(const std::uint64_t time, rpc::u64_at(answer, "timestamp"));
    out.number = BlockNum{number};
    out.time = UnixSeconds{time};
    return std::optional<SeenBlock>(out);
}

std::string tag_of(const chains::FinalitySettings& settings) {
    return settings.mode == chains::FinalityMode::kSafeTag ? "safe" : "finalized";
}

Finding judge_method(
    const Result<json>& answer, const std::string& method, bool needed, const std::string& instead
) {
    if (answer && !answer.value().is_null()) {
        return good(method + " works");
    }
    const std::string why = answer ? method + " gives null" : answer.error().detail;
    return {needed ? CheckState::kFail : CheckState::kWarn, why, instead};
}

}  // namespace

NodeDoctor::NodeDoctor(
    Executor executor,
    const chains::ChainSettings& settings,
    const chains::EndpointSettings& endpoint,
    const Clock& clock,
    DoctorLimits limits
)
    : executor_(std::move(executor)),
      settings_(settings),
      endpoint_(endpoint),
      clock_(clock),
      limits_(limits) {}

std::optional<UnixSeconds> NodeDoctor::block_time() const {
    return latest_ ? std::optional(latest_->time) : std::nullopt;
}

void NodeDoctor::add(std::string check, Finding finding) {
    rows_.push_back({settings_.chain.text(), endpoint_.name, std::move(check), std::move(finding)});
}

// A check that has no row yet was not come to.
void NodeDoctor::fill_up() {
    const std::string why =
        unreachable_ ? "not asked: " + *unreachable_
                     : "not reached within " + std::to_string(limits_.endpoint.count()) + " ms";
    for (const std::string_view check : kChecks) {
        if (check == "watches" && settings_.watch.empty()) {
            continue;
        }
        if (std::ranges::find(rows_, check, &CheckRow::check) == rows_.end()) {
            add(std::string(check), unable(why));
        }
    }
    std::ranges::stable_sort(rows_, {}, [](const CheckRow& row) {
        return std::ranges::find(kChecks, row.check) - kChecks.begin();
    });
}

Task<Result<json>> NodeDoctor::ask(std::string method, json params) {
    const auto begun = std::chrono::steady_clock::now();
    auto answer = co_await client_->call(std::move(method), std::move(params));
    if (answer) {
        latencies_.push_back(
            std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun)
        );
        co_return std::move(answer).value();
    }
    co_return answer.as_failure();
}

Task<Result<std::optional<SeenBlock>>> NodeDoctor::block(std::string tag) {
    json params = json::array({tag, false});
    const auto answer = co_await ask("eth_getBlockByNumber", std::move(params));
    if (!answer) {
        co_return answer.as_failure();
    }
    co_return read_block(answer.value());
}

Task<void> NodeDoctor::check_reach() {
    json none = json::array();
    const auto answer = co_await client_->call("eth_chainId", std::move(none));
    if (answer) {
        add("reachable", good("it answers"));
    } else {
        add("reachable",
            {CheckState::kFail,
             answer.error().detail,
             "check that the node runs and that URL, firewall and key are right"});
        if (answer.error().kind == rpc::RpcClass::kTransport) {
            unreachable_ = answer.error().detail;
            co_return;
        }
    }
    const Result<std::uint64_t> id =
        answer ? rpc::u64_of(answer.value(), "eth_chainId") : Result<std::uint64_t>(answer.error());
    add("chain-id", judge_chain_id(settings_.chain, id));
    for (int i = 0; i < kLatencySamples; ++i) {
        json again = json::array();
        const auto timed = co_await ask("eth_chainId", std::move(again));
        if (!timed) {
            break;
        }
    }
    add("latency", judge_latency(latencies_, settings_.rpc_timeout));
}

Task<void> NodeDoctor::check_identity() {
    json none = json::array();
    const auto version = co_await ask("web3_clientVersion", std::move(none));
    const bool told = version && version.value().is_string();
    if (told) {
        add("client", good(infra::printable(version.value().get<std::string>(), kVersionMax)));
    } else {
        add("client", {CheckState::kWarn, "it does not tell its version", "nothing depends on it"});
    }
    const auto genesis = co_await block("0x0");
    add("genesis", judge_genesis(settings_.genesis, genesis));
}

Task<void> NodeDoctor::check_heads() {
    const auto latest = co_await block("latest");
    if (!latest || !latest.value()) {
        const std::string why = latest ? "no latest block" : latest.error().detail;
        add("latest", {CheckState::kFail, why, "the node is broken or still syncing"});
        add("clock", unable("no latest block"));
        co_return;
    }
    latest_ = *latest.value();
    add("latest", good("block " + std::to_string(latest_->number.value)));
    add("clock", judge_clock(latest_->time, clock_.now()));
    if (settings_.finality.mode != chains::FinalityMode::kDepth) {
        std::string tag = tag_of(settings_.finality);
        final_ = co_await block(std::move(tag));
    }
}

// Last, so that the tag had time to move.
Task<void> NodeDoctor::check_finality_end() {
    if (!latest_) {
        add("finality", unable("no latest block"));
        co_return;
    }
    if (!final_) {
        const std::optional<SeenBlock> none;
        add("finality", judge_finality(settings_.finality, *latest_, none, none));
        co_return;
    }
    std::string tag = tag_of(settings_.finality);
    const auto last = co_await block(std::move(tag));
    add("finality", judge_finality(settings_.finality, *latest_, *final_, last));
}

Task<bool> NodeDoctor::has_logs(std::uint64_t count) {
    json filter = json::object();
    filter["fromBlock"] = rpc::to_quantity(latest_->number.value + 1 - count);
    filter["toBlock"] = rpc::to_quantity(latest_->number.value);
    filter["address"] = to_hex(settings_.vault);
    json params = json::array();
    params.push_back(std::move(filter));
    const auto logs = co_await ask("eth_getLogs", std::move(params));
    co_return logs.has_value() && logs.value().is_array();
}

Task<void> NodeDoctor::check_log_range() {
    if (!latest_) {
        add("log-range", unable("no latest block"));
        co_return;
    }
    const std::uint64_t tried = std::min(settings_.log_range, latest_->number.value + 1);
    std::uint64_t works = tried;
    while (works > 0) {
        const bool served = co_await has_logs(works);
        if (served) {
            break;
        }
        works /= 2;
    }
    // Between what failed and half of it, to within an eighth.
    std::uint64_t fails = works == tried ? works : std::min(works * 2 + 1, tried);
    while (works > 0 && fails > works + 1 && fails - works > works / 8) {
        const std::uint64_t middle = works + (fails - works) / 2;
        const bool served = co_await has_logs(middle);
        if (served) {
            works = middle;
        } else {
            fails = middle;
        }
    }
    add("log-range", judge_log_range(works, tried, settings_.log_range));
}

Task<bool> NodeDoctor::has_state(BlockNum at) {
    json params = json::array({to_hex(settings_.vault), rpc::to_quantity(at)});
    const auto balance = co_await ask("eth_getBalance", std::move(params));
    co_return balance.has_value() && balance.value().is_string();
}

Task<void> NodeDoctor::check_archive() {
    if (!latest_) {
        add("archive", unable("no latest block"));
        co_return;
    }
    const BlockNum latest = latest_->number;
    const BlockNum start = std::min(settings_.start_block, latest);
    const bool newest = co_await has_state(latest);
    if (!newest) {
        add("archive", judge_archive(start, latest, std::nullopt));
        co_return;
    }
    BlockNum oldest = latest;
    const bool whole = co_await has_state(start);
    if (whole) {
        oldest = start;
    }
    // How far back it goes, by doubling: 1, 2, 4, ... blocks.
    for (std::uint64_t back = 1; !whole && back < latest.value - start.value; back *= 2) {
        const BlockNum at{latest.value - back};
        const bool kept = co_await has_state(at);
        if (!kept) {
            break;
        }
        oldest = at;
    }
    add("archive", judge_archive(start, latest, oldest));
}

Task<void> NodeDoctor::check_methods() {
    if (!latest_) {
        add("header", unable("no latest block"));
        add("receipts", unable("no latest block"));
        add("proof", unable("no latest block"));
        co_return;
    }
    json whole = json::array({to_hex(latest_->hash), false});
    const auto header = co_await ask("eth_getBlockByHash", std::move(whole));
    add("header", judge_header(header, latest_->hash, settings_.proof));
    json hash = json::array({to_hex(latest_->hash)});
    const auto receipts = co_await ask("eth_getBlockReceipts", std::move(hash));
    const bool by_receipts = settings_.proof == chains::ProofMode::kReceipts;
    const std::string other = R"(use another node, or write "proof": "accumulator")";
    add("receipts", judge_method(receipts, "eth_getBlockReceipts", by_receipts, other));
    const std::string number = rpc::to_quantity(latest_->number);
    json params = json::array({to_hex(settings_.vault), json::array(), number});
    const auto proof = co_await ask("eth_getProof", std::move(params));
    const std::string without = "accumulators are then believed by agreement alone";
    add("proof", judge_method(proof, "eth_getProof", false, without));
}

Task<void> NodeDoctor::check_websocket() {
    if (endpoint_.ws.empty()) {
        add("websocket", good("no ws URL: heads are polled for"));
        co_return;
    }
    if (!latest_) {
        add("websocket", unable("no latest block"));
        co_return;
    }
    bool heard = false;
    rpc::HeadStreamLimits limits;
    limits.open_timeout = settings_.rpc_timeout;
    const auto on_hint = [&heard](const rpc::HeadHint& /*head*/) {
        heard = true;
    };
    const auto stream = rpc::HeadStream::make(executor_, endpoint_, on_hint, {}, limits);
    if (!stream) {
        add("websocket", {CheckState::kFail, stream.error().detail, "correct the ws URL"});
        co_return;
    }
    infra::TaskGroup group(executor_, 1);
    const auto spawned = group.spawn("heads", stream.value()->run());
    const infra::Deadline deadline = infra::Deadline::after(limits_.head_wait);
    const rpc::HeadStreamStatus& status = stream.value()->status();
    while (spawned && !heard && !deadline.passed() && status.state != rpc::HeadStreamState::kWaiting
    ) {
        co_await infra::sleep_for(kHeadPoll);
    }
    const bool opened = status.opened > 0;
    const std::string reason = status.reason.empty() ? "no answer" : status.reason;
    group.cancel();
    co_await group.wait();
    const auto now = co_await block("latest");
    const bool moved = now && now.value() && now.value()->number > latest_->number;
    const std::string time = std::to_string(limits_.head_wait.count() / 1000) + " s";
    if (heard) {
        add("websocket", good("newHeads announces heads"));
    } else if (!opened) {
        add("websocket", {CheckState::kFail, reason, "correct the ws URL, or leave it out"});
    } else if (moved) {
        add("websocket",
            {CheckState::kFail,
             "subscribed, but the chain moved and no head came within " + time,
             "use another node, or leave the ws URL out"});
    } else {
        add("websocket",
            {CheckState::kWarn, "subscribed; the chain made no block within " + time, "ask again"});
    }
}

Task<void> NodeDoctor::check_all() {
    co_await check_reach();
    if (unreachable_) {
        co_return;
    }
    co_await check_identity();
    co_await check_heads();
    co_await check_log_range();
    co_await check_archive();
    co_await check_methods();
    co_await check_watches();
    co_await check_websocket();
    co_await check_finality_end();
}

Task<void> NodeDoctor::run() {
    auto made = rpc::RpcClient::make(executor_, endpoint_, rpc_limits(settings_), {});
    if (!made) {
        unreachable_ = made.error().detail;
        add("reachable", {CheckState::kFail, *unreachable_, "correct the URL"});
        fill_up();
        co_return;
    }
    client_ = std::move(made).value();
    co_await infra::run_for(check_all(), limits_.endpoint);
    fill_up();
}

}  // namespace margrave::relayer
