// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/keys.hpp"
#include "chains/adapter.hpp"
#include "config/settings.hpp"
#include "infra/task.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace margrave::relayer {

/// Creation code of a contract of contracts/src, as committed in contracts/artifacts/ and built in.
/// kNotFound for an unknown name.
Result<Bytes> creation_code(std::string_view contract);

/// One contract creation, before and after.
struct DeployStep {
    ChainId chain;
    /// "HealthRegistry", "Vault", "SeizureSale", "PositionBook".
    std::string contract;
    Address address;
    Hash32 txn_hash;
    BlockNum block;
    std::uint64_t gas_used{0};
};

/// What deploying needs; all outlive the task.
struct DeployParts {
    const config::Settings& settings;
    Executor executor;
    attest::Signer& sender;
    /// vkey of the log, for the registry's metadata.
    std::string log_key;
    /// Called when a contract is on its chain.
    std::function<void(const DeployStep& step)> progress;
    /// Adapters come from here; chains::make_adapter when empty.
    std::function<Result<std::unique_ptr<chains::ChainAdapter>>(Executor, chains::ChainSettings)>
        make_adapter;
};

/// Puts the contracts on `chain` and checks them there. Each signed creation is in the journal
/// beside the deployment file before it is sent, so an interrupted deploy goes on where it was and
/// never pays for a contract twice. Errors: kWrongChain; kRpc; kReverted; kCheckFailed when the
/// sender cannot pay, with the address to fund, or when the journal is of other settings or its
/// nonce was used for something else.
Task<Result<config::DeployedChain>> deploy_chain(DeployParts parts, chains::ChainSettings chain);

/// Removes the journal of a chain, once the deployment file names its contracts.
void forget_deploy_journal(const config::Settings& settings, const ChainId& chain);

}  // namespace margrave::relayer
