// SPDX-License-Identifier: Apache-2.0
#include "core/ids.hpp"

#include "core/detail/quote.hpp"
#include "core/keccak.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace margrave {
namespace {

constexpr std::string_view kEvmSpace = "eip155";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

// [-a-z0-9]{3,8}, of CAIP-2 and CAIP-19 alike.
bool is_space(std::string_view text) {
    return text.size() >= 3 && text.size() <= 8 &&
           std::ranges::all_of(text, [](char c) { return c == '-' || is_digit(c) || is_lower(c); });
}

// [-_a-zA-Z0-9]{1,32}
bool is_chain_reference(std::string_view text) {
    return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char c) {
        return c == '-' || c == '_' || is_digit(c) || is_lower(c) || is_upper(c);
    });
}

// Decimal without sign or leading zero that fits Int, so that one number has one text.
template <class Int>
bool is_canonical_integer(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) {
        return false;
    }
    Int value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

AccountId as_account(const Hash32& word) {
    return AccountId{word.data};
}

}  // namespace

// For eip155 the reference must also be a chain id in its only spelling: "eip155:01" would be a
// second name, and so a second key, of chain 1.
Result<ChainId> ChainId::parse(std::string_view caip2) {
    const std::size_t colon = caip2.find(':');
    if (colon == std::string_view::npos || !is_space(caip2.substr(0, colon)) ||
        !is_chain_reference(caip2.substr(colon + 1))) {
        return fail(
            Errc::kInvalid,
            "chain " + detail::quoted(caip2) + " is not a CAIP-2 id such as \"eip155:1\""
        );
    }
    if (caip2.substr(0, colon) == kEvmSpace &&
        !is_canonical_integer<std::uint64_t>(caip2.substr(colon + 1))) {
        return fail(
            Errc::kInvalid,
            "chain " + detail::quoted(caip2) +
                " needs a decimal chain id below 2^64 without leading zeros after \"eip155:\""
        );
    }
    ChainId out;
    out.text_ = caip2;
    out.key_ = keccak256(out.text_);
    return out;
}

ChainId ChainId::evm(std::uint64_t chain_id) {
    ChainId out;
    out.text_ = std::string(kEvmSpace) + ":" + std::to_string(chain_id);
    out.key_ = keccak256(out.text_);
    return out;
}

std::string_view ChainId::space() const {
    return std::string_view(text_).substr(0, text_.find(':'));
}

std::string_view ChainId::reference() const {
    const std::size_t colon = text_.find(':');
    return colon == std::string::npos ? std::string_view{}
                                      : std::string_view(text_).substr(colon + 1);
}

// Two asset namespaces are known: "erc20" on eip155 chains and "slip44" on any chain. A token
// standard of another chain family is refused until an adapter says how its vault names a token.
Result<AssetId> AssetId::parse(std::string_view caip19) {
    const std::size_t slash = caip19.find('/');
    const std::size_t colon = caip19.find(':', slash == std::string_view::npos ? 0 : slash);
    if (slash == std::string_view::npos || colon == std::string_view::npos) {
        return fail(
            Errc::kInvalid,
            "asset " + detail::quoted(caip19) +
                " is not a CAIP-19 type such as \"eip155:1/slip44:60\""
        );
    }
    MARGRAVE_TRY(const ChainId chain, ChainId::parse(caip19.substr(0, slash)));
    const std::string_view space = caip19.substr(slash + 1, colon - slash - 1);
    const std::string_view reference = caip19.substr(colon + 1);
    if (space == "slip44") {
        if (!is_canonical_integer<std::uint32_t>(reference)) {
            return fail(
                Errc::kInvalid,
                "asset " + detail::quoted(caip19) +
                    " needs a decimal coin type below 2^32 without leading zeros after \"slip44:\""
            );
        }
        std::uint32_t coin = 0;
        std::from_chars(reference.data(), reference.data() + reference.size(), coin);
        return native(chain, coin);
    }
    if (space != "erc20" || chain.space() != kEvmSpace) {
        return fail(
            Errc::kInvalid,
            "asset " + detail::quoted(caip19) +
                " is neither \"erc20\" on an eip155 chain nor \"slip44\"; no other is supported"
        );
    }
    MARGRAVE_TRY(const Address token, parse_address(reference));
    if (token.is_zero()) {
        return fail(
            Errc::kInvalid,
            "asset " + detail::quoted(caip19) +
                " has token address zero, which stands for the native coin; use slip44"
        );
    }
    return erc20(chain, token);
}

AssetId AssetId::erc20(const ChainId& chain, const Address& token) {
    AssetId out;
    out.text_ = chain.text() + "/erc20:" + to_hex(token);
    out.chain_ = chain;
    out.token_ = token;
    out.key_ = keccak256(out.text_);
    return out;
}

AssetId AssetId::native(const ChainId& chain, std::uint32_t coin) {
    AssetId out;
    out.text_ = chain.text() + "/slip44:" + std::to_string(coin);
    out.chain_ = chain;
    out.native_ = true;
    out.key_ = keccak256(out.text_);
    return out;
}

AccountId account_of(const Address& owner) {
    return as_account(left_pad(owner));
}

AccountId sub_account_of(const Address& owner, std::uint64_t index) {
    if (index == 0) {
        return account_of(owner);
    }
    WordWriter words;
    return as_account(words.address(owner).uint(index).hash());
}

Result<AccountId> parse_account(std::string_view text) {
    constexpr std::size_t kAddressText = 2 + 2 * Address::kSize;
    constexpr std::size_t kAccountText = 2 + 2 * AccountId::kSize;
    if (text.size() == kAddressText) {
        MARGRAVE_TRY(const Address owner, parse_address(text));
        return account_of(owner);
    }
    if (text.size() == kAccountText) {
        MARGRAVE_TRY(const Hash32 word, parse_hash32(text));
        return as_account(word);
    }
    return fail(
        Errc::kInvalid,
        "account " + detail::quoted(text) + " is neither 32 bytes of hex nor a 20-byte address"
    );
}

}  // namespace margrave
