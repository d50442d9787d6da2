// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/abi.hpp"
#include "chains/settings.hpp"

#include <string>
#include <string_view>

// What arguments of an event may stand for, by their types.
namespace margrave::chains::evm::detail {

bool is_account(const abi::Type& type);
bool is_address(const abi::Type& type);
bool is_amount(const abi::Type& type);
bool is_number(const abi::Type& type);
bool is_price(const abi::Type& type);
bool is_hash(const abi::Type& type);

/// What an argument must be to stand for something.
struct Role {
    std::string_view what;
    bool (*fits)(const abi::Type&);
    std::string_view example;
};

inline constexpr Role kAccountRole{"an address or a bytes32", is_account, "owner"};
inline constexpr Role kTokenRole{"an address", is_address, "token"};
inline constexpr Role kAmountRole{"an unsigned integer", is_amount, "amount"};
inline constexpr Role kMarketRole{"a bytes32", is_hash, "market"};
inline constexpr Role kPriceRole{"an integer", is_price, "current"};
inline constexpr Role kTimeRole{"an unsigned integer: seconds since 1970", is_amount, "updatedAt"};
inline constexpr Role kRateRole{"an unsigned integer", is_amount, "rate"};
inline constexpr Role kNumberRole{"an int256 or an unsigned integer", is_number, "size"};

/// The word that a filter compares with.
Result<Hash32> word_of(const abi::Type& type, const std::string& text, const WatchSettings& watch);

}  // namespace margrave::chains::evm::detail
