// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace margrave::chains::rpc {

// The hex forms of the Ethereum JSON-RPC specification (execution-apis, base types). Everything
// here refuses what the specification refuses: a node that writes numbers its own way is not read
// generously. Errors: kInvalid, kOverflow.

/// "0x0", "0x1f": lower case, no leading zero, at most 256 bits.
Result<Amount> parse_quantity(std::string_view text);
Result<std::uint64_t> parse_quantity_u64(std::string_view text);
/// "0x" and an even number of digits, at most bytes_max bytes.
Result<Bytes> parse_data(std::string_view text, std::size_t bytes_max = std::size_t{64} << 20);

std::string to_quantity(std::uint64_t value);
std::string to_quantity(const Amount& value);

inline std::string to_quantity(BlockNum value) {
    return to_quantity(value.value);
}

// Members of a JSON object by key. A missing member, null and a wrong type are kInvalid with the
// key in the detail. The opt_ forms give nothing for a missing member or null.

Result<std::string_view> text_at(const nlohmann::json& object, std::string_view key);
Result<std::uint64_t> u64_at(const nlohmann::json& object, std::string_view key);
Result<Amount> amount_at(const nlohmann::json& object, std::string_view key);
Result<Hash32> hash_at(const nlohmann::json& object, std::string_view key);
Result<Address> address_at(const nlohmann::json& object, std::string_view key);
Result<Bytes> data_at(const nlohmann::json& object, std::string_view key);
Result<bool> bool_at(const nlohmann::json& object, std::string_view key);
Result<std::optional<std::uint64_t>> opt_u64_at(const nlohmann::json& object, std::string_view key);
Result<std::optional<Amount>> opt_amount_at(const nlohmann::json& object, std::string_view key);
Result<std::optional<Hash32>> opt_hash_at(const nlohmann::json& object, std::string_view key);
Result<std::optional<Address>> opt_address_at(const nlohmann::json& object, std::string_view key);

// A bare result, e.g. of eth_chainId; `what` names it in the detail.

Result<std::uint64_t> u64_of(const nlohmann::json& value, std::string_view what);
Result<Amount> amount_of(const nlohmann::json& value, std::string_view what);
Result<Hash32> hash_of(const nlohmann::json& value, std::string_view what);
Result<Bytes> data_of(const nlohmann::json& value, std::string_view what);

}  // namespace margrave::chains::rpc
