// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/contracts.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"
#include "infra/log.hpp"

#include <nlohmann/json.hpp>

namespace margrave::chains::evm {
namespace {

Error wrong(const ChainSettings& settings, std::string why) {
    return fail(Errc::kWrongChain, settings.chain.text() + ": " + std::move(why));
}

struct NamedContract {
    std::string_view name;
    Address at;
};

std::vector<NamedContract> contracts_of(const ChainSettings& settings) {
    std::vector<NamedContract> out{
        {"vault", settings.vault}, {"registry", settings.registry}, {"sale", settings.sale}};
    if (settings.position_book) {
        out.push_back({"position book", *settings.position_book});
    }
    return out;
}

// What the contracts carry since they were deployed, read as words.
Result<void> check_immutables(const ChainSettings& settings, std::span<const Bytes> answers) {
    MARGRAVE_ASSERT(answers.size() == 4);
    const auto network = answer_word(answers[0], "registry.network()");
    if (!network) {
        return wrong(settings, network.error().detail);
    }
    if (network.value() != settings.network) {
        return wrong(
            settings,
            "the registry at " + to_hex(settings.registry) + " belongs to network " +
                to_hex(network.value()) + ", config says " + to_hex(settings.network)
        );
    }
    const auto chain = answer_word(answers[1], "registry.chain()");
    if (!chain) {
        return wrong(settings, chain.error().detail);
    }
    if (chain.value() != settings.chain.key()) {
        return wrong(
            settings,
            "the registry at " + to_hex(settings.registry) + " was deployed for chain key " +
                to_hex(chain.value()) + ", not " + to_hex(settings.chain.key())
        );
    }
    const auto registry = answer_address(answers[2], "vault.registry()");
    if (!registry) {
        return wrong(settings, registry.error().detail);
    }
    if (registry.value() != settings.registry) {
        return wrong(
            settings,
            "the vault at " + to_hex(settings.vault) + " trusts registry " +
                to_hex(registry.value()) + ", config says " + to_hex(settings.registry)
        );
    }
    const auto vault = answer_address(answers[3], "sale.vault()");
    if (!vault) {
        return wrong(settings, vault.error().detail);
    }
    if (vault.value() != settings.vault) {
        return wrong(
            settings,
            "the sale at " + to_hex(settings.sale) + " belongs to vault " + to_hex(vault.value()) +
                ", config says " + to_hex(settings.vault)
        );
    }
    return ok();
}

std::vector<AssetSettings> tokens_of(const ChainSettings& settings) {
    std::vector<AssetSettings> out;
    for (const AssetSettings& asset : settings.assets) {
        if (!asset.asset.is_native()) {
            out.push_back(asset);
        }
    }
    return out;
}

Result<void> check_token(
    const ChainSettings& settings, const AssetSettings& asset, const Bytes& answer
) {
    if (answer.empty()) {
        return wrong(settings, asset.asset.text() + " has no code, or no decimals()");
    }
    const auto decimals = answer_u64(answer, asset.asset.text() + " decimals()");
    if (!decimals) {
        return wrong(settings, decimals.error().detail);
    }
    if (decimals.value() != asset.decimals) {
        return wrong(
            settings,
            "decimals of " + asset.asset.text() + " are " + std::to_string(decimals.value()) +
                " on chain, config says " + std::to_string(asset.decimals)
        );
    }
    return ok();
}

Result<void> check_genesis(const ChainSettings& settings, const std::optional<Header>& genesis) {
    if (!settings.genesis) {
        return ok();
    }
    if (!genesis) {
        return wrong(settings, "the node has no block 0 to compare with the configured genesis");
    }
    if (genesis->block.hash != *settings.genesis) {
        return wrong(
            settings,
            "genesis is " + to_hex(genesis->block.hash) + ", config says " +
                to_hex(*settings.genesis)
        );
    }
    return ok();
}

std::string version_text(const nlohmann::json& answer) {
    constexpr std::size_t kVersionMax = 120;
    return answer.is_string() ? infra::printable(answer.get<std::string>(), kVersionMax)
                              : "unknown";
}

}  // namespace

Task<Result<std::optional<Header>>> EvmAdapter::read_genesis(Node& node) {
    rpc::RpcCall call = ask_block(BlockNum{});
    auto answer = co_await ask(node, std::move(call));
    if (!answer) {
        co_return named(node, answer.error());
    }
    auto genesis = read_header(answer.value(), BlockNum{});
    if (!genesis) {
        co_return genesis.as_failure();
    }
    auto right = check_genesis(settings_, genesis.value());
    if (!right) {
        co_return right.as_failure();
    }
    co_return genesis;
}

Task<Result<void>> EvmAdapter::check_node() {
    chain_checked_.reset();
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    auto genesis = co_await read_genesis(node);
    if (!genesis) {
        co_return genesis.as_failure();
    }
    co_return ok();
}

Task<Result<ChainFacts>> EvmAdapter::read_facts(Node& node) {
    rpc::RpcCall version_call = ask_client_version();
    auto version = co_await ask(node, std::move(version_call));
    if (!version && version.error().kind != rpc::RpcClass::kMethodNotFound) {
        co_return named(node, version.error());
    }
    auto genesis = co_await read_genesis(node);
    if (!genesis) {
        co_return genesis.as_failure();
    }
    auto heads = co_await read_heads(node, std::nullopt);
    if (!heads) {
        co_return heads.as_failure();
    }
    ChainFacts out;
    out.client_version = version ? version_text(version.value()) : "unknown";
    if (genesis.value()) {
        out.genesis = genesis.value()->block;
    }
    out.latest = heads.value().latest;
    out.final = heads.value().tag.value_or(out.genesis);
    const BlockNum number = final_number(heads.value(), settings_.finality);
    if (!finality_tag()) {
        auto blocks = co_await read_blocks(node, number, number);
        if (!blocks) {
            co_return blocks.as_failure();
        }
        out.final = blocks.value().front();
    }
    co_return out;
}

Task<Result<void>> EvmAdapter::check_code(Node& node) {
    const std::vector<NamedContract> contracts = contracts_of(settings_);
    std::vector<rpc::RpcCall> calls;
    for (const NamedContract& contract : contracts) {
        calls.push_back(ask_code(contract.at));
    }
    auto codes = co_await ask_bytes(node, std::move(calls));
    if (!codes) {
        co_return codes.as_failure();
    }
    for (std::size_t i = 0; i < contracts.size(); ++i) {
        if (codes.value()[i].empty()) {
            co_return fail(
                Errc::kWrongChain,
                std::string(contracts[i].name) + " has no code at " + to_hex(contracts[i].at) +
                    " on " + settings_.chain.text() + "; was it deployed? run margrave deploy"
            );
        }
    }
    co_return ok();
}

Task<Result<void>> EvmAdapter::check_identity(Node& node, Hash32 block) {
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_call(settings_.registry, encode_view(View::kNetwork), block));
    calls.push_back(ask_call(settings_.registry, encode_view(View::kChain), block));
    calls.push_back(ask_call(settings_.vault, encode_view(View::kRegistry), block));
    calls.push_back(ask_call(settings_.sale, encode_view(View::kVault), block));
    auto answers = co_await ask_bytes(node, std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    co_return check_immutables(settings_, answers.value());
}

Task<Result<void>> EvmAdapter::check_decimals(Node& node, Hash32 block) {
    const std::vector<AssetSettings> tokens = tokens_of(settings_);
    if (tokens.empty()) {
        co_return ok();
    }
    std::vector<rpc::RpcCall> calls;
    for (const AssetSettings& token : tokens) {
        calls.push_back(ask_call(token.asset.token(), encode_view(View::kDecimals), block));
    }
    auto answers = co_await ask_bytes(node, std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        auto right = check_token(settings_, tokens[i], answers.value()[i]);
        if (!right) {
            co_return right.as_failure();
        }
    }
    co_return ok();
}

Task<Result<ChainFacts>> EvmAdapter::probe() {
    chain_checked_.reset();
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    auto facts = co_await read_facts(node);
    if (!facts) {
        co_return facts.as_failure();
    }
    auto code = co_await check_code(node);
    if (!code) {
        co_return code.as_failure();
    }
    const Hash32 block = facts.value().latest.hash;
    auto identity = co_await check_identity(node, block);
    if (!identity) {
        co_return identity.as_failure();
    }
    auto decimals = co_await check_decimals(node, block);
    if (!decimals) {
        co_return decimals.as_failure();
    }
    co_return facts;
}

}  // namespace margrave::chains::evm
