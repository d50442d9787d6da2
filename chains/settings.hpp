// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/ids.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace margrave::chains {

/// One node that answers for a chain.
struct EndpointSettings {
    std::string name;
    /// http:// or https:// URL. Userinfo and path may hold a key: logs print `name` only.
    std::string http;
};

enum class FinalityMode : std::uint8_t { kFinalizedTag, kSafeTag, kDepth };

struct FinalitySettings {
    FinalityMode mode{FinalityMode::kFinalizedTag};
    /// Blocks below the head, for kDepth.
    std::uint64_t depth{0};
};

/// A token the vault may hold; native coin has no contract to ask for decimals.
struct AssetSettings {
    AssetId asset;
    unsigned decimals{18};
};

struct FeeSettings {
    /// Never pay more per gas, wei.
    std::uint64_t max_fee_wei{200'000'000'000};
    /// Replace after so many blocks without inclusion.
    std::uint64_t replace_after_blocks{2};
};

struct ChainSettings {
    ChainId chain;
    std::vector<EndpointSettings> endpoints;
    BlockNum start_block;
    Address vault;
    Address registry;
    Address sale;
    /// Only on the hub chain.
    std::optional<Address> position_book;
    /// keccak of the network's genesis document; the contracts must carry the same.
    Hash32 network;
    /// Hash of block 0; checked at every connect when given.
    std::optional<Hash32> genesis;
    FinalitySettings finality;
    std::vector<AssetSettings> assets;
    FeeSettings fees;
    std::chrono::milliseconds poll_interval{2000};
    std::chrono::milliseconds rpc_timeout{5000};
    /// Most blocks one step asks for.
    std::uint64_t log_range{2000};
};

}  // namespace margrave::chains
