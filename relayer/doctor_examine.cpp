// SPDX-License-Identifier: Apache-2.0
#include "chains/adapter.hpp"
#include "infra/task_group.hpp"
#include "infra/timeout.hpp"
#include "relayer/doctor_node.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

// All endpoints and chains together.
namespace margrave::relayer {

namespace {

Finding good(std::string seen) {
    return {CheckState::kOk, std::move(seen), {}};
}

Finding unable(std::string seen) {
    return {CheckState::kUnable, std::move(seen), "see the check \"reachable\""};
}

Task<Finding> check_contracts(chains::ChainAdapter* adapter, DoctorLimits limits) {
    const auto facts =
        co_await infra::with_timeout(adapter->probe(), limits.endpoint, std::string("the check"));
    if (facts) {
        co_return good("code, network, chain and decimals are as configured");
    }
    if (facts.error().code == Errc::kWrongChain) {
        co_return Finding{CheckState::kFail, facts.error().detail, "correct the config"};
    }
    co_return unable(facts.error().detail);
}

Task<Finding> check_sender(
    chains::ChainAdapter* adapter, std::optional<Address> sender, DoctorLimits limits
) {
    if (!sender) {
        co_return Finding{
            CheckState::kUnable,
            "the sender's address is not known without the password",
            "ask again while the daemon runs; margrave keys new printed the address"};
    }
    const auto balance = co_await infra::with_timeout(
        adapter->balance(*sender), limits.endpoint, std::string("eth_getBalance")
    );
    if (!balance) {
        co_return unable(balance.error().detail);
    }
    const std::string seen = balance.value().to_string() + " wei at " + to_hex(*sender);
    if (balance.value().is_zero()) {
        co_return Finding{CheckState::kFail, seen, "send it native coin; it pays for transactions"};
    }
    co_return good(seen);
}

Task<void> check_chain(
    Executor executor,
    const chains::ChainSettings* settings,
    bool deployed,
    std::optional<Address> sender,
    DoctorLimits limits,
    std::vector<CheckRow>* rows
) {
    const std::string chain = settings->chain.text();
    rows->push_back({chain, "", "operators", judge_operators(*settings)});
    auto adapter = chains::make_adapter(executor, *settings);
    if (!adapter) {
        const Finding finding{CheckState::kFail, adapter.error().detail, "correct the config"};
        rows->push_back({chain, "", "contracts", finding});
        co_return;
    }
    Finding contracts{CheckState::kFail, "no contracts are known", "run margrave deploy"};
    if (deployed) {
        contracts = co_await check_contracts(adapter.value().get(), limits);
    }
    rows->push_back({chain, "", "contracts", contracts});
    const Finding paying = co_await check_sender(adapter.value().get(), sender, limits);
    rows->push_back({chain, "", "sender", paying});
}

}  // namespace

Task<Result<std::vector<CheckRow>>> examine(
    Executor executor,
    const std::vector<chains::ChainSettings>& chains,
    bool deployed,
    const Clock& clock,
    DoctorLimits limits,
    std::optional<Address> sender
) {
    std::vector<std::vector<std::unique_ptr<NodeDoctor>>> nodes;
    std::vector<std::vector<CheckRow>> of_chains(chains.size());
    std::vector<Task<void>> work;
    for (std::size_t i = 0; i < chains.size(); ++i) {
        nodes.emplace_back();
        for (const chains::EndpointSettings& endpoint : chains[i].endpoints) {
            nodes.back().push_back(
                std::make_unique<NodeDoctor>(executor, chains[i], endpoint, clock, limits)
            );
            work.push_back(nodes.back().back()->run());
        }
        work.push_back(check_chain(executor, &chains[i], deployed, sender, limits, &of_chains[i]));
    }
    co_await infra::wait_all(std::move(work));
    std::vector<CheckRow> out;
    for (std::size_t i = 0; i < chains.size(); ++i) {
        std::vector<UnixSeconds> times;
        for (const auto& node : nodes[i]) {
            out.insert(out.end(), node->rows().begin(), node->rows().end());
            if (const auto time = node->block_time()) {
                times.push_back(*time);
            }
        }
        out.insert(out.end(), of_chains[i].begin(), of_chains[i].end());
        const Finding local = judge_local_clock(times, clock.now());
        out.push_back({chains[i].chain.text(), "", "local-clock", local});
    }
    co_return std::move(out);
}

}  // namespace margrave::relayer
