// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace margrave::config {
namespace {

using nlohmann::ordered_json;

struct KnownChain {
    std::string_view name;
    std::string_view id;
    /// Is its coin ether.
    bool ether;
    /// Chainlink's ETH/USD aggregator, from docs.chain.link; empty when not known here.
    std::string_view eth_usd;
};

constexpr std::array<KnownChain, 10> kChains{{
    {"ethereum", "eip155:1", true, "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"},
    {"optimism", "eip155:10", true, "0x13e3Ee699D1909E989722E753853AE30b17e08c5"},
    {"base", "eip155:8453", true, "0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70"},
    {"arbitrum", "eip155:42161", true, "0x639Fe6ab55C921f74e7fac1ee960C0B6293ba612"},
    {"sepolia", "eip155:11155111", true, "0x694AA1769357215DE4FAC081bf1f309aDC325306"},
    {"base-sepolia", "eip155:84532", true, ""},
    {"optimism-sepolia", "eip155:11155420", true, ""},
    {"arbitrum-sepolia", "eip155:421614", true, ""},
    {"anvil", "eip155:31337", true, ""},
    {"anvil-2", "eip155:31338", true, ""},
}};

constexpr std::string_view kZero = "0x0000000000000000000000000000000000000000";

const KnownChain* known(const ChainId& chain) {
    const auto* found = std::ranges::find(kChains, chain.text(), &KnownChain::id);
    return found == kChains.end() ? nullptr : found;
}

// Development chains have no aggregator, and nothing on them is worth anything.
bool is_development(const ChainId& chain) {
    return chain.text() == "eip155:31337" || chain.text() == "eip155:31338";
}

std::string label(const ChainId& chain) {
    const KnownChain* found = known(chain);
    return found != nullptr ? std::string(found->name) : "chain-" + std::string(chain.reference());
}

ordered_json endpoints_of(const ChainId& chain, const ExampleOptions& options) {
    ordered_json out = ordered_json::array();
    const auto given = options.endpoints.find(chain);
    std::vector<std::string> urls;
    if (given != options.endpoints.end() && !given->second.empty()) {
        urls = given->second;
    } else {
        urls = {
            "https://" + label(chain) + "-node-a.example",
            "https://" + label(chain) + "-node-b.example"};
    }
    for (std::size_t i = 0; i < urls.size(); ++i) {
        out.push_back({{"name", "node-" + std::to_string(i + 1)}, {"http", urls[i]}});
    }
    return out;
}

ordered_json price_source(const std::vector<ChainId>& chains) {
    for (const ChainId& chain : chains) {
        const KnownChain* found = known(chain);
        if (found != nullptr && !found->eth_usd.empty()) {
            return {
                {"name", "chainlink"},
                {"feed", {{"chain", chain.text()}, {"address", found->eth_usd}}}};
        }
    }
    if (std::ranges::all_of(chains, is_development)) {
        return {{"name", "fixed"}, {"fixed", "2000"}};
    }
    return {
        {"name", "chainlink"}, {"feed", {{"chain", chains.front().text()}, {"address", kZero}}}};
}

ordered_json ether(const std::vector<ChainId>& chains) {
    ordered_json forms = ordered_json::array();
    for (const ChainId& chain : chains) {
        if (known(chain) == nullptr || known(chain)->ether) {
            forms.push_back({{"asset", AssetId::native(chain).text()}});
        }
    }
    return {
        {"id", "eth"},
        {"decimals", 18},
        {"collateral", {{"initial", "0.8"}, {"liquidation_end", "0.83"}, {"maintenance", "0.85"}}},
        {"debt", {{"initial", "1.15"}, {"liquidation_end", "1.12"}, {"maintenance", "1.1"}}},
        {"borrowable", true},
        {"max_bonus", "1.05"},
        {"on", forms},
        {"price",
         {{"sources", ordered_json::array({price_source(chains)})},
          {"accept_single_source", single_price_words()},
          {"max_age", "70m"},
          {"min", "100"},
          {"max", "100000"}}}};
}

ordered_json network_of(const std::vector<ChainId>& chains, const ExampleOptions& options) {
    ordered_json signers = ordered_json::array();
    for (const Address& signer : options.signers) {
        signers.push_back(to_checksum(signer));
    }
    std::string guardian(kZero);
    if (options.guardian) {
        guardian = to_checksum(*options.guardian);
    } else if (!options.signers.empty()) {
        guardian = to_checksum(options.signers.front());
    }
    // More than two thirds.
    const std::size_t threshold = options.signers.size() * 2 / 3 + 1;
    return {
        {"name", options.network_name},
        {"hub", chains.front().text()},
        {"signers", signers},
        {"threshold", threshold},
        {"guardian", guardian}};
}

}  // namespace

Result<ChainId> parse_chain_name(std::string_view text) {
    const auto* found = std::ranges::find(kChains, text, &KnownChain::name);
    if (found != kChains.end()) {
        return ChainId::parse(found->id);
    }
    const Result<ChainId> chain = ChainId::parse(text);
    if (!chain || chain.value().space() != "eip155") {
        std::string names;
        for (const KnownChain& candidate : kChains) {
            names += (names.empty() ? "" : ", ") + std::string(candidate.name);
        }
        return fail(
            Errc::kUsage,
            "chain \"" + std::string(text.substr(0, 64)) +
                "\" is neither an eip155 CAIP-2 id such as \"eip155:1\" nor one of " + names
        );
    }
    return chain.value();
}

std::string example_config(const std::vector<ChainId>& chains, std::string_view keystore) {
    return example_config(chains, keystore, ExampleOptions{});
}

std::string example_config(
    const std::vector<ChainId>& chains, std::string_view keystore, const ExampleOptions& options
) {
    ordered_json chain_list = ordered_json::array();
    for (const ChainId& chain : chains) {
        chain_list.push_back({{"id", chain.text()}, {"endpoints", endpoints_of(chain, options)}});
    }
    ordered_json out = {
        {"version", 1},
        {"node", {{"name", options.node_name}, {"data_dir", "data"}}},
    };
    if (options.accept_single_source) {
        out["accept_single_source"] = single_source_words();
    }
    const ordered_json password = options.password_file.empty()
                                      ? ordered_json{{"credential", "keystore-password"}}
                                      : ordered_json{{"file", options.password_file}};
    out["network"] = network_of(chains, options);
    out["chains"] = std::move(chain_list);
    out["assets"] = ordered_json::array({ether(chains)});
    out["signer"] = {{"keystore", keystore}, {"password", password}};
    return out.dump(2) + "\n";
}

}  // namespace margrave::config
