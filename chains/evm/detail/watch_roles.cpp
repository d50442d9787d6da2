// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/detail/watch_roles.hpp"

#include "core/amount.hpp"

namespace margrave::chains::evm::detail {

using abi::Kind;

bool is_account(const abi::Type& type) {
    return type.kind == Kind::kAddress || (type.kind == Kind::kFixedBytes && type.size == 32);
}

bool is_address(const abi::Type& type) {
    return type.kind == Kind::kAddress;
}

bool is_amount(const abi::Type& type) {
    return type.kind == Kind::kUint;
}

bool is_number(const abi::Type& type) {
    return type.kind == Kind::kUint || (type.kind == Kind::kInt && type.size == 256);
}

bool is_price(const abi::Type& type) {
    return type.kind == Kind::kUint || type.kind == Kind::kInt;
}

bool is_hash(const abi::Type& type) {
    return type.kind == Kind::kFixedBytes && type.size == 32;
}

Result<Hash32> word_of(const abi::Type& type, const std::string& text, const WatchSettings& watch) {
    const auto own = text == "custody" ? watch.custody : watch.token;
    if (is_address(type) && (text == "custody" || text == "token")) {
        if (!own) {
            return fail(Errc::kInvalid, "the watch has no \"" + text + "\"");
        }
        return left_pad(*own);
    }
    switch (type.kind) {
        case Kind::kAddress: {
            MARGRAVE_TRY(const Address address, parse_address(text));
            return left_pad(address);
        }
        case Kind::kBool:
            if (text != "true" && text != "false") {
                return fail(Errc::kInvalid, "a bool is \"true\" or \"false\"");
            }
            return Amount(text == "true" ? 1U : 0U).to_word();
        case Kind::kUint: {
            MARGRAVE_TRY(const Amount number, Amount::parse(text));
            return number.to_word();
        }
        case Kind::kFixedBytes:
            if (type.size == 32) {
                return parse_hash32(text);
            }
            break;
        case Kind::kInt:
        case Kind::kBytes:
        case Kind::kString:
        case Kind::kArray:
        case Kind::kFixedArray:
        case Kind::kTuple:
            break;
    }
    return fail(Errc::kInvalid, "a " + abi::canonical(type) + " cannot be compared");
}

}  // namespace margrave::chains::evm::detail
