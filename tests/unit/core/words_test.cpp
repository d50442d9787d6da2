// SPDX-License-Identifier: Apache-2.0
#include "core/words.hpp"

#include <gtest/gtest.h>

#include <string>

namespace margrave {
namespace {

constexpr std::string_view kZeros = "000000000000000000000000";

TEST(WordWriter, EveryStaticValueIsOneBigEndianWord) {
    const Hash32 hash = keccak256("word");
    const AccountId account{keccak256("account").data};
    const Address address = parse_address("0x52908400098527886E0F7030069857D2E4169EE7").value();
    WordWriter words;
    words.word(hash)
        .word(account)
        .address(address)
        .uint(258)
        .uint(Amount::max())
        .money(Money::from_e18(-2));
    EXPECT_EQ(
        to_hex(words.bytes()),
        to_hex(hash) + to_hex(account).substr(2) + std::string(kZeros) + to_hex(address).substr(2) +
            std::string(60, '0') + "0102" + std::string(64, 'f') + std::string(63, 'f') + "e"
    );
    EXPECT_EQ(words.hash(), keccak256(words.bytes()));
}

TEST(WordWriter, ATailIsItsLengthAndItsDataPaddedToAWord) {
    for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 64U}) {
        const Bytes data(size, 0xab);
        WordWriter words;
        words.tail(data);
        EXPECT_EQ(words.bytes().size(), 32 + (size + 31) / 32 * 32) << size;
        EXPECT_EQ(words.bytes()[31], size);
        for (std::size_t i = 32; i < words.bytes().size(); ++i) {
            EXPECT_EQ(words.bytes()[i], i < 32 + size ? 0xab : 0);
        }
    }
}

// The hashes are those of ethers 6 for abi.encode(string) and abi.encode(bytes).
TEST(WordWriter, EncodesAStringAsAbiDoes) {
    WordWriter text;
    text.uint(32).tail(as_bytes("margrave"));
    EXPECT_EQ(
        to_hex(text.bytes()),
        "0x" + std::string(62, '0') + "20" + std::string(63, '0') + "86d61726772617665" +
            std::string(48, '0')
    );
    WordWriter whole;
    whole.uint(32).tail(as_bytes(std::string(32, 'x')));
    EXPECT_EQ(
        to_hex(whole.hash()), "0x19290a6ecef26323dbedc5bc07106bcc15d83d573943ee2a210b13708bd48c81"
    );
    WordWriter empty;
    empty.uint(32).tail({});
    EXPECT_EQ(
        to_hex(empty.hash()), "0x569e75fc77c1a856f6daaf9e69d8a9566ca34aa47f9133711ce065a571af0cfd"
    );
}

}  // namespace
}  // namespace margrave
