// SPDX-License-Identifier: Apache-2.0
#include "core/bytes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>

namespace margrave {
namespace {

constexpr std::string_view kChecksummed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
constexpr std::string_view kLower = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed";
constexpr std::string_view kUpper = "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED";

TEST(Hex, IsWrittenLowerCaseWithPrefix) {
    EXPECT_EQ(to_hex(ByteView{}), "0x");
    EXPECT_EQ(to_hex(Bytes{0x00, 0x0f, 0xAB, 0xff}), "0x000fabff");
}

TEST(Hex, IsReadInEitherCase) {
    EXPECT_EQ(parse_hex("0x").value(), Bytes{});
    EXPECT_EQ(parse_hex("0x00aBFf").value(), (Bytes{0x00, 0xab, 0xff}));
}

TEST(Hex, AnythingElseIsRefused) {
    const std::string nul("0x0\0", 4);
    for (const std::string_view text :
         {"",
          "0",
          "x",
          "00",
          "0X00",
          "0x0",
          "0x0g",
          "0xg0",
          "0x 0",
          " 0x00",
          "0x00 ",
          "0x-1",
          "0x+1",
          "1x00",
          "0x0x00",
          "0x\xc3\xa9"}) {
        const auto parsed = parse_hex(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid) << text;
    }
    EXPECT_FALSE(parse_hex(nul));
}

TEST(Hex, AnErrorNeverRepeatsTheTextBecauseItMayBeAKey) {
    const std::string secret = "0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeeg";
    for (const std::string& text : {secret, secret.substr(2), secret + "0", secret + "00"}) {
        const auto parsed = parse_hash32(text);
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().detail.find("deadbeef"), std::string::npos);
        const auto bytes = parse_hex(text);
        ASSERT_FALSE(bytes);
        EXPECT_EQ(bytes.error().detail.find("deadbeef"), std::string::npos);
    }
}

TEST(Hash32, NeedsExactly32Bytes) {
    const std::string digits(64, 'a');
    EXPECT_EQ(to_hex(parse_hash32("0x" + digits).value()), "0x" + digits);
    EXPECT_FALSE(parse_hash32("0x" + digits.substr(1)));
    EXPECT_FALSE(parse_hash32("0x" + digits.substr(2)));
    EXPECT_FALSE(parse_hash32("0x" + digits + "aa"));
    EXPECT_FALSE(parse_hash32(digits));
}

TEST(Address, ChecksumOfEip55IsWrittenAndRead) {
    const Address address = parse_address(kChecksummed).value();
    EXPECT_EQ(to_checksum(address), kChecksummed);
    EXPECT_EQ(to_hex(address), kLower);
    EXPECT_EQ(parse_address(kLower).value(), address);
    EXPECT_EQ(parse_address(kUpper).value(), address);
}

TEST(Address, AWrongChecksumIsRefusedWhicheverLetterIsWrong) {
    for (std::size_t i = 2; i < kChecksummed.size(); ++i) {
        std::string text(kChecksummed);
        const char c = text[i];
        if (c >= '0' && c <= '9') {
            continue;
        }
        text[i] = static_cast<char>(c ^ 0x20);
        const auto parsed = parse_address(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().detail.find(kChecksummed), std::string::npos);
    }
}

TEST(Address, OfAnotherLengthIsRefused) {
    EXPECT_FALSE(parse_address(kLower.substr(0, 40)));
    EXPECT_FALSE(parse_address(std::string(kLower) + "00"));
    EXPECT_FALSE(parse_address(""));
    EXPECT_EQ(
        to_hex(parse_address("0x" + std::string(40, '0')).value()), "0x" + std::string(40, '0')
    );
}

TEST(Address, ErrorsShowForeignTextWithoutControlCharacters) {
    const auto parsed = parse_address("0x\x1b[31m\n" + std::string(1000, 'z'));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().detail.find('\x1b'), std::string::npos);
    EXPECT_EQ(parsed.error().detail.find('\n'), std::string::npos);
    EXPECT_LT(parsed.error().detail.size(), 300U);
}

TEST(Address, IsTheLowPartOfItsWord) {
    const Address address = parse_address(kLower).value();
    const Hash32 word = left_pad(address);
    EXPECT_EQ(to_hex(word), "0x000000000000000000000000" + std::string(kLower.substr(2)));
    EXPECT_EQ(low_address(word), address);
    Hash32 dirty = word;
    dirty.data[0] = 1;
    EXPECT_EQ(low_address(dirty), address);
}

TEST(FixedBytes, OrderAndHashAsBytes) {
    Hash32 small;
    small.data[31] = 0xff;
    Hash32 large;
    large.data[0] = 0x80;
    EXPECT_LT(small, large);
    EXPECT_TRUE(Hash32{}.is_zero());
    EXPECT_FALSE(small.is_zero());
    const std::unordered_set<Hash32> set = {small, large, small};
    EXPECT_EQ(set.size(), 2U);
}

TEST(ByteReader, ReadsBackWhatThePutFunctionsWrote) {
    Bytes record;
    put_u8(record, 0xfe);
    put_u16(record, 0x0102);
    put_u32(record, 0x03040506);
    put_u64(record, 0x0708090a0b0c0d0eULL);
    const Hash32 hash = parse_hash32("0x" + std::string(64, '7')).value();
    const Address address = parse_address(kLower).value();
    put_bytes(record, hash.view());
    put_bytes(record, address.view());
    put_bytes(record, as_bytes("tail"));
    EXPECT_EQ(to_hex(ByteView(record).first(15)), "0xfe0102030405060708090a0b0c0d0e");

    ByteReader reader(record);
    EXPECT_EQ(reader.u8().value(), 0xfe);
    EXPECT_EQ(reader.u16().value(), 0x0102);
    EXPECT_EQ(reader.u32().value(), 0x03040506U);
    EXPECT_EQ(reader.u64().value(), 0x0708090a0b0c0d0eULL);
    EXPECT_EQ(reader.hash32().value(), hash);
    EXPECT_EQ(reader.address().value(), address);
    EXPECT_EQ(reader.finish().error().code, Errc::kCorrupt);
    EXPECT_EQ(reader.left(), 4U);
    EXPECT_EQ(as_text(reader.bytes(4).value()), "tail");
    EXPECT_TRUE(reader.finish());
}

TEST(ByteReader, AShortRecordIsCorruptAndNothingIsConsumed) {
    for (std::size_t size = 0; size < 32; ++size) {
        const Bytes record(size, 0xaa);
        ByteReader reader(record);
        EXPECT_EQ(static_cast<bool>(ByteReader(record).u8()), size >= 1);
        EXPECT_EQ(static_cast<bool>(ByteReader(record).u16()), size >= 2);
        EXPECT_EQ(static_cast<bool>(ByteReader(record).u32()), size >= 4);
        EXPECT_EQ(static_cast<bool>(ByteReader(record).u64()), size >= 8);
        EXPECT_EQ(static_cast<bool>(ByteReader(record).address()), size >= 20);
        EXPECT_EQ(reader.hash32().error().code, Errc::kCorrupt);
        EXPECT_EQ(reader.left(), size);
    }
}

TEST(ByteReader, ACountBeyondAnyRecordIsCorrupt) {
    const Bytes record(8, 0);
    ByteReader reader(record);
    EXPECT_EQ(reader.bytes(SIZE_MAX).error().code, Errc::kCorrupt);
    EXPECT_EQ(reader.bytes(9).error().code, Errc::kCorrupt);
    EXPECT_EQ(reader.bytes(8).value().size(), 8U);
    EXPECT_EQ(reader.bytes(0).value().size(), 0U);
    EXPECT_EQ(reader.u8().error().code, Errc::kCorrupt);
}

TEST(Bytes, TextGoesThroughUnchanged) {
    const std::string text("a\0b\xff", 4);
    EXPECT_EQ(to_bytes(text), (Bytes{'a', 0, 'b', 0xff}));
    EXPECT_EQ(as_text(as_bytes(text)), text);
}

}  // namespace
}  // namespace margrave
