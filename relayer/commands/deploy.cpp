// SPDX-License-Identifier: Apache-2.0
#include "relayer/deploy.hpp"

#include "attest/tlog.hpp"
#include "infra/files.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/detail/run_task.hpp"
#include "relayer/sender.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

namespace margrave::relayer {

namespace {

Result<attest::SecretKey> open_keystore(const config::Settings& settings) {
    MARGRAVE_TRY(auto password, config::read_secret(settings.password));
    MARGRAVE_TRY(auto json, infra::read_file(settings.keystore, attest::kKeystoreBytesMax));
    return attest::decrypt_keystore(json, password);
}

Result<config::Deployment> known_deployment(const config::Settings& settings) {
    auto known = config::read_deployment(settings.deployment_file);
    if (known) {
        if (known.value().network != settings.genesis.network()) {
            return fail(
                Errc::kConfig,
                settings.deployment_file.string() + " is of network " +
                    to_hex(known.value().network) + ", the config's is " +
                    to_hex(settings.genesis.network())
            );
        }
        return std::move(known.value());
    }
    if (known.error().code != Errc::kNotFound) {
        return known.as_failure();
    }
    config::Deployment fresh;
    fresh.network = settings.genesis.network();
    return fresh;
}

nlohmann::json step_json(const DeployStep& step) {
    nlohmann::json row = nlohmann::json::object();
    row["chain"] = step.chain.text();
    row["contract"] = step.contract;
    row["address"] = to_checksum(step.address);
    row["txn"] = to_hex(step.txn_hash);
    row["block"] = std::to_string(step.block.value);
    row["gas"] = std::to_string(step.gas_used);
    return row;
}

Result<config::DeployedChain> deploy_one(DeployParts parts, const chains::ChainSettings& chain) {
    boost::asio::io_context io(1);
    parts.executor = io.get_executor();
    return run_to_end(io, deploy_chain(std::move(parts), chain));
}

Result<int> deploy(Context& context, const std::vector<std::string>& only) {
    MARGRAVE_TRY(auto settings, load_settings(context));
    MARGRAVE_TRY(auto key, open_keystore(settings));
    const attest::LogKey log_key = attest::derive_log_key(key);
    const std::string vkey = attest::log_vkey(
        attest::log_origin(settings.genesis.network(), settings.node_name), log_key
    );
    MARGRAVE_TRY(auto sender_key, derive_sender_key(key));
    const auto sender = attest::make_local_signer(std::move(sender_key));
    MARGRAVE_TRY(auto deployment, known_deployment(settings));

    nlohmann::json steps = nlohmann::json::array();
    std::string human;
    for (const chains::ChainSettings& chain : settings.chains) {
        const bool wanted =
            only.empty() || std::find(only.begin(), only.end(), chain.chain.text()) != only.end();
        if (!wanted || deployment.chains.contains(chain.chain)) {
            continue;
        }
        DeployParts parts{
            settings,
            {},
            *sender,
            vkey,
            [&steps, &context](const DeployStep& step) {
                steps.push_back(step_json(step));
                advise(
                    context,
                    step.chain.text() + "  " + step.contract + "  " + to_checksum(step.address) +
                        "  txn " + to_hex(step.txn_hash) + "  gas " + std::to_string(step.gas_used)
                );
            },
            {}};
        MARGRAVE_TRY(auto deployed, deploy_one(std::move(parts), chain));
        deployment.chains.emplace(chain.chain, deployed);
        MARGRAVE_TRY(config::write_deployment(settings.deployment_file, deployment));
        forget_deploy_journal(settings, chain.chain);
    }
    human += std::to_string(deployment.chains.size()) + " of " +
             std::to_string(settings.chains.size()) + " chains have contracts; addresses in " +
             settings.deployment_file.string() + "\n";
    print(context, human, steps);
    return 0;
}

}  // namespace

void add_deploy(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand(
        "deploy", "Put the contracts on every configured chain that has none yet"
    );
    const auto only = std::make_shared<std::vector<std::string>>();
    command->add_option("--chain", *only, "Only this chain (CAIP-2 id); may be repeated");
    on_run(*command, context, [only](Context& c) { return deploy(c, *only); });
}

}  // namespace margrave::relayer
