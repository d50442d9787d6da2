// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/abi.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace margrave::tests {

/// The value, or an exception that says what failed: the worlds that tests build have no other use
/// for an error.
template <class T>
T must(Result<T> result, std::string_view what) {
    if (!result) {
        throw std::runtime_error(std::string(what) + ": " + result.error().detail);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(result).value();
    }
}

/// The data of a call like "set(uint256)".
inline Bytes call_data(std::string_view call, const chains::evm::abi::Value& values) {
    const auto signature = must(chains::evm::abi::parse_signature(call), call);
    const auto selector = signature.selector();
    Bytes out(selector.begin(), selector.end());
    put_bytes(out, must(chains::evm::abi::encode(signature.tuple(), values), call));
    return out;
}

}  // namespace margrave::tests
