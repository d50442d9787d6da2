// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace margrave {

/// A number of its own kind: explicit to make, ordered, not to be added to another kind.
template <class Tag, class Rep = std::uint64_t>
struct Strong {
    Rep value{};

    Strong() = default;

    explicit constexpr Strong(Rep v)
        : value(v) {}

    auto operator<=>(const Strong&) const = default;
};

struct BlockNumTag;
struct RoundTag;
struct SeqTag;
struct UnixSecondsTag;
struct LedgerIdTag;
/// Block number on one chain.
using BlockNum = Strong<BlockNumTag>;
/// Attestation round, from 1, without gaps in the log.
using RoundNum = Strong<RoundTag>;
/// Position in the journal, from 1.
using Seq = Strong<SeqTag>;
/// Seconds since 1970 UTC.
using UnixSeconds = Strong<UnixSecondsTag>;
/// One (chain, asset) pair of this store; dense, assigned once, never reused.
using LedgerId = Strong<LedgerIdTag, std::uint32_t>;

/// CAIP-2 chain id, e.g. "eip155:1". `key()` is its keccak, the `chain` of every signed format.
class ChainId {
  public:
    ChainId() = default;
    /// kInvalid unless namespace [-a-z0-9]{3,8} ":" reference [-_a-zA-Z0-9]{1,32}.
    static Result<ChainId> parse(std::string_view caip2);
    /// "eip155:N".
    static ChainId evm(std::uint64_t chain_id);

    [[nodiscard]] const std::string& text() const { return text_; }

    [[nodiscard]] std::string_view space() const;
    [[nodiscard]] std::string_view reference() const;

    [[nodiscard]] const Hash32& key() const { return key_; }

    auto operator<=>(const ChainId& o) const { return text_ <=> o.text_; }

    bool operator==(const ChainId& o) const { return text_ == o.text_; }

  private:
    std::string text_;
    Hash32 key_;
};

/// CAIP-19 asset type: "eip155:1/erc20:0x..." or "eip155:1/slip44:60" (native coin).
/// An address inside is kept lower case, so that one asset has one text and one key.
class AssetId {
  public:
    AssetId() = default;
    static Result<AssetId> parse(std::string_view caip19);
    static AssetId erc20(const ChainId& chain, const Address& token);
    /// Native coin of an EVM chain: slip44 coin type `coin` (60 is ether).
    static AssetId native(const ChainId& chain, std::uint32_t coin = 60);

    [[nodiscard]] const std::string& text() const { return text_; }

    [[nodiscard]] const ChainId& chain() const { return chain_; }

    [[nodiscard]] bool is_native() const { return native_; }

    /// Token contract; the zero address for native coin, as the vault names it.
    [[nodiscard]] const Address& token() const { return token_; }

    [[nodiscard]] const Hash32& key() const { return key_; }

    auto operator<=>(const AssetId& o) const { return text_ <=> o.text_; }

    bool operator==(const AssetId& o) const { return text_ == o.text_; }

  private:
    std::string text_;
    ChainId chain_;
    Address token_;
    bool native_{false};
    Hash32 key_;
};

struct AccountIdTag;
/// 32-byte margin account. An EVM owner's is its address left-padded.
using AccountId = FixedBytes<32, AccountIdTag>;

AccountId account_of(const Address& owner);
/// keccak(abi(owner, index)) for index > 0; account_of(owner) for 0.
AccountId sub_account_of(const Address& owner, std::uint64_t index);
/// 32-byte hex, or a 20-byte EVM address that is padded.
Result<AccountId> parse_account(std::string_view text);

inline std::string to_hex(const AccountId& a) {
    return to_hex(a.view());
}

/// The account id that stands for the vault's lending pool: all zero.
inline bool is_pool(const AccountId& a) {
    return a.is_zero();
}

}  // namespace margrave

template <class Tag, class Rep>
struct std::hash<margrave::Strong<Tag, Rep>> {
    std::size_t operator()(const margrave::Strong<Tag, Rep>& v) const noexcept {
        return std::hash<Rep>{}(v.value);
    }
};

template <>
struct std::hash<margrave::ChainId> {
    std::size_t operator()(const margrave::ChainId& v) const noexcept {
        return std::hash<std::string>{}(v.text());
    }
};

template <>
struct std::hash<margrave::AssetId> {
    std::size_t operator()(const margrave::AssetId& v) const noexcept {
        return std::hash<std::string>{}(v.text());
    }
};
