// SPDX-License-Identifier: Apache-2.0
#include "core/ids.hpp"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <unordered_set>

namespace margrave {
namespace {

constexpr std::string_view kUsdc = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48";
constexpr std::string_view kOwner = "0x52908400098527886E0F7030069857D2E4169EE7";

static_assert(!std::is_convertible_v<std::uint64_t, BlockNum>);
static_assert(!std::is_convertible_v<BlockNum, RoundNum>);
static_assert(!std::is_convertible_v<Hash32, AccountId>);
static_assert(!std::is_constructible_v<BlockNum, RoundNum>);

TEST(ChainId, KeyIsTheKeccakOfItsText) {
    const ChainId chain = ChainId::parse("eip155:1").value();
    EXPECT_EQ(chain, ChainId::evm(1));
    EXPECT_EQ(chain.key(), ChainId::evm(1).key());
    EXPECT_EQ(chain.text(), "eip155:1");
    EXPECT_EQ(chain.space(), "eip155");
    EXPECT_EQ(chain.reference(), "1");
    EXPECT_EQ(
        to_hex(chain.key()), "0x38b2caf37cccf00b6fbc0feb1e534daf567950e4d48066d0e3669028fe5f83e6"
    );
}

TEST(ChainId, TakesEveryCaip2Namespace) {
    for (const std::string_view text :
         {"bip122:000000000019d6689c085ae165831e93",
          "cosmos:cosmoshub-3",
          "cosmos:Binance-Chain-Tigris",
          "starknet:SN_GOERLI",
          "chainstd:8c3444cf8970a9e41a706fab93e7a6c4",
          "hedera:mainnet",
          "eip155:18446744073709551615",
          "a-1:x"}) {
        EXPECT_EQ(ChainId::parse(text).value().text(), text);
    }
    EXPECT_TRUE(ChainId::parse("abc:" + std::string(32, 'x')));
}

TEST(ChainId, AnythingElseIsRefused) {
    for (const std::string_view text :
         {"",
          ":",
          "eip155",
          "eip155:",
          ":1",
          "ei:1",
          "namespaces:1",
          "EIP155:1",
          "eip_155:1",
          "eip155:1:1",
          "eip155:1/x",
          "eip155: 1",
          "cosmos:a b",
          "cosmos:a.b"}) {
        const auto parsed = ChainId::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid) << text;
    }
    EXPECT_FALSE(ChainId::parse("abc:" + std::string(33, 'x')));
}

TEST(ChainId, OneEvmChainHasOneSpelling) {
    for (const std::string_view text :
         {"eip155:01",
          "eip155:0x1",
          "eip155:-1",
          "eip155:mainnet",
          "eip155:18446744073709551616"}) {
        EXPECT_FALSE(ChainId::parse(text)) << text;
    }
    EXPECT_TRUE(ChainId::parse("eip155:0"));
    EXPECT_TRUE(ChainId::parse("cosmos:01"));
}

TEST(ChainId, ADefaultOneIsEmptyAndSafeToAsk) {
    const ChainId none;
    EXPECT_EQ(none.space(), "");
    EXPECT_EQ(none.reference(), "");
    EXPECT_LT(none, ChainId::evm(1));
}

TEST(AssetId, OneTokenHasOneTextAndOneKey) {
    const AssetId lower = AssetId::parse(kUsdc).value();
    const AssetId mixed =
        AssetId::parse("eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48").value();
    const AssetId upper =
        AssetId::parse("eip155:1/erc20:0xA0B86991C6218B36C1D19D4A2E9EB0CE3606EB48").value();
    EXPECT_EQ(lower, mixed);
    EXPECT_EQ(lower, upper);
    EXPECT_EQ(lower.key(), mixed.key());
    EXPECT_EQ(mixed.text(), kUsdc);
    EXPECT_EQ(lower, AssetId::erc20(ChainId::evm(1), lower.token()));
    EXPECT_EQ(to_hex(lower.token()), kUsdc.substr(15));
    EXPECT_FALSE(lower.is_native());
    EXPECT_EQ(lower.chain(), ChainId::evm(1));
    EXPECT_EQ(
        to_hex(lower.key()), "0x474243da30ed6407d184653185658a6b58cf1f4d9cb12d79e7d6065b38e635e8"
    );
}

TEST(AssetId, NativeCoinHasTokenZero) {
    const AssetId ether = AssetId::parse("eip155:1/slip44:60").value();
    EXPECT_TRUE(ether.is_native());
    EXPECT_TRUE(ether.token().is_zero());
    EXPECT_EQ(ether, AssetId::native(ChainId::evm(1)));
    EXPECT_EQ(
        to_hex(ether.key()), "0xd418f2f00c124224c8ff2bdc60a7c78b9df3751bf619a35fe99b83fb438e46da"
    );
    const auto coin = AssetId::parse("bip122:000000000019d6689c085ae165831e93/slip44:0").value();
    EXPECT_TRUE(coin.is_native());
    EXPECT_EQ(coin.chain().space(), "bip122");
    EXPECT_EQ(AssetId::native(ChainId::evm(137), 966).text(), "eip155:137/slip44:966");
}

TEST(AssetId, AnythingElseIsRefused) {
    for (const std::string_view text :
         {"",
          "/",
          "eip155:1",
          "eip155:1/",
          "eip155:1/erc20",
          "eip155:1/erc20:",
          "eip155:1/slip44:",
          "eip155:1/slip44:060",
          "eip155:1/slip44:-1",
          "eip155:1/slip44:4294967296",
          "eip155:1/slip44:60/1",
          "/slip44:60",
          "eip155/slip44:60",
          "EIP155:1/slip44:60",
          "eip155:1/ERC20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
          "eip155:1/erc20:a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
          "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb4",
          "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48/1",
          "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb4800"}) {
        const auto parsed = AssetId::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid) << text;
    }
}

TEST(AssetId, AWrongChecksumIsRefused) {
    EXPECT_FALSE(AssetId::parse("eip155:1/erc20:0xa0B86991c6218b36c1d19D4a2e9Eb0cE3606eB48"));
}

TEST(AssetId, TheZeroAddressIsNoToken) {
    const auto parsed = AssetId::parse("eip155:1/erc20:0x" + std::string(40, '0'));
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().detail.find("slip44"), std::string::npos);
}

TEST(AssetId, AnErrorNamesTheSupportedNamespaces) {
    for (const std::string_view text :
         {"eip155:1/erc721:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
          "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/"
          "token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
          "tron:mainnet/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"}) {
        const auto parsed = AssetId::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid);
        EXPECT_NE(parsed.error().detail.find("erc20"), std::string::npos);
        EXPECT_NE(parsed.error().detail.find("slip44"), std::string::npos);
    }
}

TEST(AccountId, OfAnOwnerIsItsAddressPadded) {
    const Address owner = parse_address(kOwner).value();
    const AccountId account = account_of(owner);
    EXPECT_EQ(to_hex(account), "0x000000000000000000000000" + to_hex(owner).substr(2));
    EXPECT_EQ(sub_account_of(owner, 0), account);
    EXPECT_EQ(parse_account(kOwner).value(), account);
    EXPECT_EQ(parse_account(to_hex(account)).value(), account);
    EXPECT_FALSE(is_pool(account));
    EXPECT_TRUE(is_pool(AccountId{}));
}

// The hashes are those of ethers 6 for abi.encode(address, uint256).
TEST(AccountId, OfASubAccountIsTheHashOfOwnerAndIndex) {
    const Address owner = parse_address(kOwner).value();
    EXPECT_EQ(
        to_hex(sub_account_of(owner, 1)),
        "0x31db6240c7065cbdf770e9e02852c5995a5b5ecbd182ffc6062cec778676aad3"
    );
    EXPECT_EQ(
        to_hex(sub_account_of(owner, UINT64_MAX)),
        "0x4f58f941c864c747463840604db54ad95660c8ed5097c616212406eb0bb0d92d"
    );
}

TEST(AccountId, TextOfAnyOtherLengthIsRefused) {
    for (const std::size_t digits : {0U, 38U, 39U, 41U, 42U, 62U, 63U, 65U, 66U}) {
        const auto parsed = parse_account("0x" + std::string(digits, '1'));
        ASSERT_FALSE(parsed) << digits;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid);
    }
    EXPECT_FALSE(parse_account(std::string(64, '1')));
    EXPECT_FALSE(parse_account("0x" + std::string(63, '1') + "g"));
    EXPECT_FALSE(parse_account("0x52908400098527886e0F7030069857D2E4169EE7"));
}

TEST(Ids, HashAsTheirText) {
    const std::unordered_set<AssetId> assets = {
        AssetId::parse(kUsdc).value(),
        AssetId::native(ChainId::evm(1)),
        AssetId::parse(kUsdc).value()};
    EXPECT_EQ(assets.size(), 2U);
    const std::unordered_set<ChainId> chains = {ChainId::evm(1), ChainId::evm(10), ChainId::evm(1)};
    EXPECT_EQ(chains.size(), 2U);
    const std::unordered_set<BlockNum> blocks = {BlockNum{1}, BlockNum{1}, BlockNum{2}};
    EXPECT_EQ(blocks.size(), 2U);
}

}  // namespace
}  // namespace margrave
