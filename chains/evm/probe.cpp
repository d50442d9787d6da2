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

/// A chain may be followed for what it says of other contracts alone.
bool has_none_of_ours(const ChainSettings& settings) {
    return settings.vault.is_zero() && settings.registry.is_zero() && settings.sale.is_zero();
}

struct NamedContract {
    std::string_view name;
    Address at;
};

std::vector<NamedContract> contracts_of(const ChainSettings& settings) {
    if (has_none_of_ours(settings)) {
        return {};
    }
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

std::string version_text(const nlohmann::json& answer) {
    constexpr std::size_t kVersionMax = 120;
    return answer.is_string() ? infra::printable(answer.get<std::string>(), kVersionMax)
                              : "unknown";
}

}  // namespace

Task<Result<void>> EvmAdapter::check_node() {
    co_await dial(kDialNow);
    auto head = co_await agreed_head();
    if (!head) {
        co_return head.as_failure();
    }
    co_return ok();
}

// Version and block 0 are for people; what is decided on is agreed.
Task<Result<ChainFacts>> EvmAdapter::read_facts() {
    Survey survey = co_await listen(std::nullopt);
    auto head = co_await agree_on_head(&survey);
    if (!head) {
        co_return head.as_failure();
    }
    auto begun = co_await begin();
    if (!begun) {
        co_return begun.as_failure();
    }
    Node& node = *begun.value();
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_client_version());
    calls.push_back(ask_block(BlockNum{}));
    auto answers = co_await ask_all(node, std::move(calls));
    if (!answers) {
        co_return named(node, answers.error());
    }
    const auto& version = answers.value()[0];
    const auto& genesis = answers.value()[1];
    ChainFacts out;
    out.client_version = version ? version_text(version.value()) : "unknown";
    out.latest = head.value();
    const auto first = genesis ? read_header(genesis.value()) : Result<std::optional<Header>>(ok());
    if (first && first.value()) {
        out.genesis = first.value()->block;
    }
    out.final = out.genesis;
    std::vector<BlockNum> numbers = questions(ChainView{}, survey, rules());
    co_await listen_more(&survey, std::move(numbers));
    const auto step = plan_step(ChainView{}, survey, rules());
    if (step && step.value().final) {
        out.final = *step.value().final;
    }
    co_return out;
}

Task<Result<void>> EvmAdapter::check_code(Hash32 block) {
    const std::vector<NamedContract> contracts = contracts_of(settings_);
    if (contracts.empty()) {
        co_return ok();
    }
    std::vector<rpc::RpcCall> calls;
    for (const NamedContract& contract : contracts) {
        calls.push_back(ask_code(contract.at, block));
    }
    auto codes = co_await ask_common_bytes(std::move(calls));
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

Task<Result<void>> EvmAdapter::check_identity(Hash32 block) {
    if (has_none_of_ours(settings_)) {
        co_return ok();
    }
    std::vector<rpc::RpcCall> calls;
    calls.push_back(ask_call(settings_.registry, encode_view(View::kNetwork), block));
    calls.push_back(ask_call(settings_.registry, encode_view(View::kChain), block));
    calls.push_back(ask_call(settings_.vault, encode_view(View::kRegistry), block));
    calls.push_back(ask_call(settings_.sale, encode_view(View::kVault), block));
    auto answers = co_await ask_common_bytes(std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    co_return check_immutables(settings_, answers.value());
}

Task<Result<void>> EvmAdapter::check_decimals(Hash32 block) {
    const std::vector<AssetSettings> tokens = tokens_of(settings_);
    if (tokens.empty()) {
        co_return ok();
    }
    std::vector<rpc::RpcCall> calls;
    for (const AssetSettings& token : tokens) {
        calls.push_back(ask_call(token.asset.token(), encode_view(View::kDecimals), block));
    }
    auto answers = co_await ask_common_bytes(std::move(calls));
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
    co_await dial(kDialNow);
    auto facts = co_await read_facts();
    if (!facts) {
        co_return facts.as_failure();
    }
    const Hash32 block = facts.value().latest.hash;
    auto code = co_await check_code(block);
    if (!code) {
        co_return code.as_failure();
    }
    auto identity = co_await check_identity(block);
    if (!identity) {
        co_return identity.as_failure();
    }
    auto decimals = co_await check_decimals(block);
    if (!decimals) {
        co_return decimals.as_failure();
    }
    co_return facts;
}

}  // namespace margrave::chains::evm
