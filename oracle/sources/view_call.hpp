// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <string>
#include <string_view>

/// A view with the arguments it is asked with, as a person writes it: "getRate()",
/// "getAssetPrice(address 0xC02a...)", "price_oracle(uint256 0)".
namespace margrave::oracle::views {

struct ViewCall {
    /// As it was written.
    std::string text;
    /// As Solidity has it: "price_oracle(uint256)".
    std::string signature;
    /// Selector and arguments.
    Bytes data;
};

/// Arguments are an address, a bool, a bytes32, or an integer of any width in decimal digits, each
/// behind its type. kInvalid says which one is wrong.
Result<ViewCall> parse_view(std::string_view text);

}  // namespace margrave::oracle::views
