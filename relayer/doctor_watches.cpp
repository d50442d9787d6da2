// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/mapping.hpp"
#include "chains/rpc/codec.hpp"
#include "relayer/doctor_node.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

// What is found on the chain of the contracts that the config watches.
namespace margrave::relayer {

using nlohmann::json;

Finding judge_watches(const SeenWatches& seen) {
    std::string missing;
    for (const Address& contract : seen.without_code) {
        missing += (missing.empty() ? "" : ", ") + to_hex(contract);
    }
    if (!missing.empty()) {
        return {
            CheckState::kFail,
            missing + " has no code, so it emits nothing",
            "correct the address, or the chain it stands under"};
    }
    if (!seen.trouble.empty()) {
        return {CheckState::kUnable, seen.trouble, "see the check \"log-range\""};
    }
    const std::string blocks = " in the last " + std::to_string(seen.blocks) + " blocks";
    std::string silent;
    std::uint64_t told = 0;
    for (const auto& [event, logs] : seen.prices) {
        told += logs;
        if (logs == 0) {
            silent += (silent.empty() ? "" : ", ") + event;
        }
    }
    if (!silent.empty()) {
        return {
            CheckState::kWarn,
            "no price was told" + blocks + " by " + silent,
            "name the contract that emits the event: a proxy of Chainlink does not, its aggregator "
            "does"};
    }
    std::string out = "contracts with code: " + std::to_string(seen.contracts);
    if (!seen.prices.empty()) {
        out += "; prices told" + blocks + ": " + std::to_string(told);
    }
    return {CheckState::kOk, std::move(out), {}};
}

Task<void> NodeDoctor::check_watches() {
    if (settings_.watch.empty()) {
        co_return;
    }
    const auto mapping = chains::evm::Mapping::make(settings_.watch);
    if (!mapping || !latest_) {
        const std::string why = mapping ? "no latest block" : mapping.error().detail;
        add("watches", {CheckState::kUnable, why, "see the check \"reachable\""});
        co_return;
    }
    SeenWatches seen;
    for (const Address& contract : mapping.value().addresses()) {
        json params = json::array({to_hex(contract), chains::rpc::to_quantity(latest_->number)});
        const auto code = co_await ask("eth_getCode", std::move(params));
        if (!code) {
            seen.trouble = code.error().detail;
            break;
        }
        ++seen.contracts;
        if (code.value() == "0x") {
            seen.without_code.push_back(contract);
        }
    }
    seen.blocks = std::min(settings_.log_range, latest_->number.value + 1);
    for (const chains::evm::Watch& watch : mapping.value().watches()) {
        for (const chains::evm::Rule& rule : watch.rules) {
            if (rule.meaning != chains::Meaning::kPrice || !seen.trouble.empty()) {
                continue;
            }
            json filter = json::object();
            const std::uint64_t first = latest_->number.value + 1 - seen.blocks;
            filter["fromBlock"] = chains::rpc::to_quantity(first);
            filter["toBlock"] = chains::rpc::to_quantity(latest_->number);
            filter["address"] = to_hex(rule.contract);
            filter["topics"] = json::array({to_hex(rule.topic)});
            json params = json::array();
            params.push_back(std::move(filter));
            const auto logs = co_await ask("eth_getLogs", std::move(params));
            if (!logs || !logs.value().is_array()) {
                seen.trouble = logs ? "eth_getLogs gives no list" : logs.error().detail;
                continue;
            }
            const std::string event = rule.event + " of " + to_hex(rule.contract);
            seen.prices.emplace_back(event, logs.value().size());
        }
    }
    add("watches", judge_watches(seen));
}

}  // namespace margrave::relayer
