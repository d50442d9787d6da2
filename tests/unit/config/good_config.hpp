// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace margrave::config {

/// A config with nothing wrong and nothing left to its default that has none; tests break one
/// place of it.
inline nlohmann::json good_config() {
    return nlohmann::json::parse(R"({
      "version": 1,
      "node": {"name": "op-1", "data_dir": "data"},
      "network": {
        "name": "test", "hub": "eip155:1", "threshold": 2,
        "signers": ["0xd1220a0cf47c7b9be7a2e6ba89f429762e7b9adb",
                    "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"],
        "guardian": "0x52908400098527886E0F7030069857D2E4169EE7"
      },
      "chains": [
        {"id": "eip155:1", "endpoints": [
          {"name": "a", "http": "https://a.internal"}, {"name": "b", "http": "https://b.internal"}]},
        {"id": "eip155:10", "endpoints": [
          {"name": "a", "http": "https://c.internal"}, {"name": "b", "http": "https://d.internal"}]}
      ],
      "assets": [
        {"id": "usdc", "decimals": 6,
         "collateral": {"initial": "0.9", "liquidation_end": "0.92", "maintenance": "0.95"},
         "debt": {"initial": "1.1", "liquidation_end": "1.08", "maintenance": "1.05"},
         "on": [{"asset": "eip155:10/erc20:0x0b2c639c533813f4aa9d7837caf62653d097ff85"},
                {"asset": "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"}],
         "price": {"accept_single_source": "yes: one wrong price can make this daemon sign a lie",
                   "sources": [{"name": "fixed", "fixed": "1"}],
                   "max_age": "60s", "min": "0.9", "max": "1.1"}},
        {"id": "eth", "decimals": 18,
         "collateral": {"initial": "0.8", "liquidation_end": "0.83", "maintenance": "0.85"},
         "debt": {"initial": "1.2", "liquidation_end": "1.15", "maintenance": "1.1"},
         "on": [{"asset": "eip155:1/slip44:60"}, {"asset": "eip155:10/slip44:60"}],
         "price": {"accept_single_source": "yes: one wrong price can make this daemon sign a lie",
                   "sources": [
           {"name": "feed", "feed": {"chain": "eip155:1",
            "address": "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"}}],
           "max_age": "70m", "min": "100", "max": "100000"}}
      ],
      "signer": {"keystore": "key.json", "password": {"file": "password"}}
    })");
}

inline Loaded load_json(const nlohmann::json& document) {
    return load_text(document.dump(), "/nonexistent/margrave");
}

/// "pointer: what" a line, for a failing test to print.
inline std::string lines(const std::vector<Problem>& problems) {
    std::string out;
    for (const Problem& problem : problems) {
        out += problem.pointer + ": " + problem.what + "\n";
    }
    return out;
}

inline bool has_problem(
    const std::vector<Problem>& problems, std::string_view pointer, std::string_view words
) {
    for (const Problem& problem : problems) {
        if (problem.pointer == pointer && problem.what.find(words) != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace margrave::config
