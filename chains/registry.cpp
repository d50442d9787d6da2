// SPDX-License-Identifier: Apache-2.0
#include "chains/adapter.hpp"
#include "chains/evm/adapter.hpp"

#include <array>

namespace margrave::chains {
namespace {

Result<std::unique_ptr<ChainAdapter>> make_evm(
    Executor executor, ChainSettings settings, infra::Logger log
) {
    rpc::RpcLimits limits;
    limits.timeout = settings.rpc_timeout;
    // The pool asks the next endpoint at once instead of the same one again.
    limits.attempts = 1;
    evm::EvmAdapter::Callers callers;
    for (const EndpointSettings& endpoint : settings.endpoints) {
        limits.connections = endpoint.rate.concurrency;
        MARGRAVE_TRY(auto client, rpc::RpcClient::make(executor, endpoint, limits, log));
        callers.push_back(std::move(client));
    }
    MARGRAVE_TRY(auto adapter, evm::EvmAdapter::make(std::move(settings), std::move(callers), log));
    return std::unique_ptr<ChainAdapter>(std::move(adapter));
}

struct Family {
    /// CAIP-2 namespace.
    std::string_view space;
    Result<std::unique_ptr<ChainAdapter>> (*make)(Executor, ChainSettings, infra::Logger);
};

// A new chain family is one folder and one line here.
constexpr std::array kFamilies{
    Family{"eip155", make_evm},
};

}  // namespace

// Only a family that names history in its updates is asked for it.
Task<Result<void>> ChainAdapter::read_history(HistorySink&, BlockNum, std::chrono::milliseconds) {
    co_return fail(Errc::kUnable, settings().chain.text() + ": history is read block by block");
}

Result<std::unique_ptr<ChainAdapter>> make_adapter(
    Executor executor, ChainSettings settings, infra::Logger log
) {
    std::string known;
    for (const Family& family : kFamilies) {
        if (settings.chain.space() == family.space) {
            return family.make(std::move(executor), std::move(settings), log);
        }
        known += (known.empty() ? "" : ", ") + std::string(family.space);
    }
    return fail(
        Errc::kConfig, "no chain family for " + settings.chain.text() + "; there are: " + known
    );
}

Result<std::unique_ptr<ChainAdapter>> make_adapter(Executor executor, ChainSettings settings) {
    return make_adapter(std::move(executor), std::move(settings), infra::Logger{});
}

}  // namespace margrave::chains
