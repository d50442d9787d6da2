// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/rlp.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <string>

namespace margrave::chains::evm::rlp {
namespace {

nlohmann::json load(const std::string& name) {
    const auto text = tests::read_file(*tests::vectors_dir() + "/" + name);
    return text ? nlohmann::json::parse(*text) : nlohmann::json();
}

Bytes hex(std::string text) {
    if (!text.starts_with("0x")) {
        text.insert(0, "0x");
    }
    return parse_hex(text).value();
}

// The `in` of rlptest: text, number, "#decimal", or a list of them.
Bytes encode_plain(const nlohmann::json& in) {
    Bytes out;
    if (in.is_number_unsigned()) {
        put_uint(out, in.get<std::uint64_t>());
    } else if (in.is_string() && in.get<std::string>().starts_with("#")) {
        const auto digits = in.get<std::string>().substr(1);
        // One case is 2^256, one more than an amount can be.
        if (const auto number = Amount::parse(digits)) {
            put_uint(out, number.value());
        } else {
            Bytes big(33, 0);
            big[0] = 1;
            put_bytes(out, big);
        }
    } else if (in.is_string()) {
        put_bytes(out, as_bytes(in.get_ref<const std::string&>()));
    } else {
        Bytes members;
        for (const auto& item : in) {
            const Bytes encoded = encode_plain(item);
            members.insert(members.end(), encoded.begin(), encoded.end());
        }
        put_list(out, members);
    }
    return out;
}

// The `decoded` of ethers: hex strings and lists.
bool matches(const Item& item, const nlohmann::json& expected) {
    if (expected.is_string()) {
        return !item.is_list && std::ranges::equal(item.payload, hex(expected.get<std::string>()));
    }
    if (!item.is_list || item.items.size() != expected.size()) {
        return false;
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (!matches(item.items[i], expected[i])) {
            return false;
        }
    }
    return true;
}

TEST(Rlp, EveryCaseOfEthereumTestsEncodesAndDecodesToItself) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("ethereum/RLPTests_rlptest.json");
    ASSERT_EQ(cases.size(), 28U);
    for (const auto& [name, entry] : cases.items()) {
        const Bytes expected = hex(entry["out"].get<std::string>());
        EXPECT_EQ(encode_plain(entry["in"]), expected) << name;
        const auto item = decode(expected);
        ASSERT_TRUE(item.has_value()) << name;
        EXPECT_EQ(encode(item.value()), expected) << name;
    }
}

TEST(Rlp, EveryInvalidCaseOfEthereumTestsIsRefused) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("ethereum/RLPTests_invalidRLPTest.json");
    ASSERT_EQ(cases.size(), 26U);
    for (const auto& [name, entry] : cases.items()) {
        EXPECT_FALSE(decode(hex(entry["out"].get<std::string>())).has_value()) << name;
    }
}

TEST(Rlp, TheRandomCasesOfEthereumTestsDecode) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("ethereum/RLPTests_example.json");
    ASSERT_FALSE(cases.empty());
    for (const auto& [name, entry] : cases.items()) {
        EXPECT_TRUE(decode(hex(entry["out"].get<std::string>())).has_value()) << name;
    }
}

TEST(Rlp, EveryCaseOfEthersDecodesToItsParts) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("ethers/rlp.json");
    ASSERT_EQ(cases.size(), 61U);
    for (const auto& entry : cases) {
        const Bytes bytes = hex(entry["encoded"].get<std::string>());
        const auto item = decode(bytes);
        ASSERT_TRUE(item.has_value()) << entry["name"];
        EXPECT_TRUE(matches(item.value(), entry["decoded"])) << entry["name"];
        EXPECT_EQ(encode(item.value()), bytes) << entry["name"];
    }
}

TEST(Rlp, AHeaderAtTheEdgeOfShortAndLongHasOneForm) {
    for (const std::size_t size : {55U, 56U, 255U, 256U, 65'535U, 65'536U}) {
        const Bytes value(size, 0x61);
        Bytes out;
        put_bytes(out, value);
        const auto item = decode(out);
        ASSERT_TRUE(item.has_value()) << size;
        EXPECT_TRUE(std::ranges::equal(item.value().payload, value)) << size;
    }
    EXPECT_FALSE(decode(hex("b80161")).has_value());
    EXPECT_FALSE(decode(hex("b9000161")).has_value());
}

TEST(Rlp, LengthsNearTheEndOfSixtyFourBitsAreRefused) {
    EXPECT_FALSE(decode(hex("bfffffffffffffffff")).has_value());
    EXPECT_FALSE(decode(hex("ffffffffffffffffff")).has_value());
    EXPECT_FALSE(decode(hex("bffffffffffffffff700")).has_value());
}

TEST(Rlp, NestingBeyondTheLimitIsRefusedAndAtTheLimitAccepted) {
    const auto nested = [](std::size_t depth) {
        Bytes out{0xc0};
        for (std::size_t i = 1; i < depth; ++i) {
            Bytes outer;
            put_list(outer, out);
            out = outer;
        }
        return out;
    };
    EXPECT_TRUE(decode(nested(16)).has_value());
    const auto deep = decode(nested(17));
    ASSERT_FALSE(deep.has_value());
    EXPECT_EQ(deep.error().code, Errc::kLimit);
    EXPECT_FALSE(decode(nested(20'000)).has_value());
}

TEST(Rlp, MoreItemsOrBytesThanAllowedAreRefused) {
    Bytes list;
    put_list(list, Bytes(100, 0x01));
    const Limits few{.depth = 4, .items = 100, .bytes = 1000};
    const Limits enough{.depth = 4, .items = 101, .bytes = 1000};
    const Limits short_input{.depth = 4, .items = 1000, .bytes = 100};
    EXPECT_EQ(decode(list, few).error().code, Errc::kLimit);
    EXPECT_TRUE(decode(list, enough).has_value());
    EXPECT_EQ(decode(list, short_input).error().code, Errc::kLimit);
}

TEST(Rlp, TypedReadsRefuseLeadingZerosWrongLengthsAndLists) {
    const Bytes zero_led = hex("820001");
    EXPECT_FALSE(to_u64(decode(zero_led).value(), "n").has_value());
    const Bytes nine = hex("89010000000000000000");
    EXPECT_EQ(to_u64(decode(nine).value(), "n").error().code, Errc::kOverflow);
    EXPECT_TRUE(to_amount(decode(nine).value(), "n").has_value());
    const Bytes most = hex("88ffffffffffffffff");
    EXPECT_EQ(to_u64(decode(most).value(), "n").value(), std::numeric_limits<std::uint64_t>::max());
    const Bytes list = hex("c0");
    EXPECT_FALSE(to_u64(decode(list).value(), "n").has_value());
    EXPECT_FALSE(to_address(decode(nine).value(), "to").has_value());
    EXPECT_FALSE(to_hash32(decode(nine).value(), "slot").has_value());
}

}  // namespace
}  // namespace margrave::chains::evm::rlp
