// SPDX-License-Identifier: Apache-2.0
#include "tests/support/vectors.hpp"

#include "core/bytes.hpp"
#include "core/keccak.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace margrave {
namespace {

nlohmann::json load(const std::string& name) {
    const auto text = tests::read_file(*tests::vectors_dir() + "/ethers/" + name);
    return text ? nlohmann::json::parse(*text) : nlohmann::json::array();
}

TEST(Vectors, TheAddressesOfErc55KeepTheirChecksum) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("eip55_official_addresses.json");
    ASSERT_EQ(cases.size(), 8U);
    for (const auto& entry : cases) {
        const auto text = entry.get<std::string>();
        EXPECT_EQ(to_checksum(parse_address(text).value()), text);
    }
}

TEST(Vectors, EveryAccountOfEthersHasItsChecksum) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("accounts_eip55_icap.json");
    ASSERT_EQ(cases.size(), 259U);
    for (const auto& entry : cases) {
        const auto text = entry["address"].get<std::string>();
        EXPECT_EQ(to_checksum(parse_address(text).value()), text) << entry["name"];
        std::string lower = text;
        std::ranges::transform(lower, lower.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        });
        EXPECT_EQ(to_checksum(parse_address(lower).value()), text) << entry["name"];
    }
}

TEST(Vectors, Create2AddressesAreTheHashOfTheirParts) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    std::size_t checked = 0;
    for (const auto& sender : load("create2.json")) {
        const Address from = parse_address(sender["sender"].get<std::string>()).value();
        for (const auto& entry : sender["creates"]) {
            const Bytes code = parse_hex(entry["initCode"].get<std::string>()).value();
            const Hash32 code_hash = keccak256(code);
            EXPECT_EQ(to_hex(code_hash), entry["initCodeHash"].get<std::string>());
            Bytes parts = {0xff};
            put_bytes(parts, from.view());
            put_bytes(parts, parse_hex(entry["salt"].get<std::string>()).value());
            put_bytes(parts, code_hash.view());
            EXPECT_EQ(
                to_checksum(low_address(keccak256(parts))), entry["address"].get<std::string>()
            );
            ++checked;
        }
    }
    EXPECT_EQ(checked, 128U);
}

// Solidity's packed form of the types that are their own bytes; nothing for numbers and arrays.
std::optional<Bytes> packed(const std::string& type, const nlohmann::json& value) {
    if (type == "bool") {
        return Bytes{static_cast<std::uint8_t>(value.get<bool>() ? 1 : 0)};
    }
    if (type == "string") {
        return to_bytes(value.get<std::string>());
    }
    const bool is_bytes = type.starts_with("bytes") && type.find('[') == std::string::npos;
    if (type == "address" || is_bytes) {
        return parse_hex(value.get<std::string>()).value();
    }
    return std::nullopt;
}

TEST(Vectors, PackedHashesOfEthersAreOurs) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    std::size_t checked = 0;
    for (const auto& entry : load("solidity_packed_hashes_subset.json")) {
        Bytes data;
        bool known = true;
        for (std::size_t i = 0; i < entry["types"].size() && known; ++i) {
            const auto part = packed(entry["types"][i].get<std::string>(), entry["values"][i]);
            known = part.has_value();
            if (known) {
                put_bytes(data, *part);
            }
        }
        if (known) {
            EXPECT_EQ(to_hex(keccak256(data)), entry["keccak256"].get<std::string>())
                << entry["name"];
            ++checked;
        }
    }
    EXPECT_GE(checked, 65U);
}

}  // namespace
}  // namespace margrave
