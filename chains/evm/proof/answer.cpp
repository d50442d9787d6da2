// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/detail/answer.hpp"

#include "chains/rpc/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::chains::evm::detail {

Result<void> read_fixed(
    const nlohmann::json& object, std::string_view key, std::span<std::uint8_t> out
) {
    MARGRAVE_TRY(const Bytes bytes, read_data(object, key, out.size()));
    if (bytes.size() != out.size()) {
        return fail(
            Errc::kInvalid,
            std::string(key) + " has " + std::to_string(bytes.size()) + " bytes, not " +
                std::to_string(out.size())
        );
    }
    std::ranges::copy(bytes, out.begin());
    return ok();
}

Result<Bytes> read_data(const nlohmann::json& object, std::string_view key, std::size_t bytes_max) {
    MARGRAVE_TRY(const std::string_view text, rpc::text_at(object, key));
    auto bytes = rpc::parse_data(text, bytes_max);
    if (!bytes) {
        return fail(bytes.error().code, std::string(key) + ": " + bytes.error().detail);
    }
    return bytes;
}

Result<std::uint8_t> read_type(const nlohmann::json& object) {
    constexpr std::uint64_t kTypeMax = 0x7f;
    MARGRAVE_TRY(const auto type, rpc::opt_u64_at(object, "type"));
    if (type.value_or(0) > kTypeMax) {
        return fail(Errc::kInvalid, "type " + std::to_string(*type) + " is above 127");
    }
    return static_cast<std::uint8_t>(type.value_or(0));
}

bool has(const nlohmann::json& object, std::string_view key) {
    if (!object.is_object()) {
        return false;
    }
    const auto at = object.find(key);
    return at != object.end() && !at->is_null();
}

}  // namespace margrave::chains::evm::detail
