// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace margrave::chains::evm::detail {

/// The claim is refuted.
inline Error unproved(std::string why) {
    return fail(Errc::kUnproved, std::move(why));
}

/// Neither proved nor refuted.
inline Error unable(std::string why) {
    return fail(Errc::kUnable, std::move(why));
}

/// What cannot be read proves nothing and refutes nothing: a reader's error becomes kUnable, with
/// `where` in front.
template <class T>
Result<T> readable(Result<T> read, const std::string& where) {
    if (!read) {
        return unable(where + ": " + read.error().detail);
    }
    return read;
}

/// Data of exactly out.size() bytes. kInvalid.
Result<void> read_fixed(
    const nlohmann::json& object, std::string_view key, std::span<std::uint8_t> out
);
/// Data of at most bytes_max bytes. kInvalid, kLimit.
Result<Bytes> read_data(const nlohmann::json& object, std::string_view key, std::size_t bytes_max);
/// The type number of a transaction or receipt: at most 0x7f (EIP-2718), 0 when there is none.
Result<std::uint8_t> read_type(const nlohmann::json& object);
/// Whether the member is there and not null. False in what is no object.
bool has(const nlohmann::json& object, std::string_view key);

}  // namespace margrave::chains::evm::detail
