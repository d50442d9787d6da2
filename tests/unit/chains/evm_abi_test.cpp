// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/abi.hpp"
#include "core/keccak.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace margrave::chains::evm::abi {
namespace {

nlohmann::json load(const std::string& name) {
    const auto text = tests::read_file(*tests::vectors_dir() + "/" + name);
    return text ? nlohmann::json::parse(*text) : nlohmann::json();
}

Type type_of(std::string_view text) {
    return parse_type(text).value();
}

Bytes hex(std::string text) {
    if (!text.starts_with("0x")) {
        text.insert(0, "0x");
    }
    return parse_hex(text).value();
}

// A decimal with sign as a two's complement word.
Hash32 number_word(std::string text) {
    const bool negative = text.starts_with("-");
    const Amount magnitude = Amount::parse(negative ? text.substr(1) : text).value();
    if (!negative || magnitude.is_zero()) {
        return magnitude.to_word();
    }
    const Amount less_one = sub(magnitude, Amount(1)).value();
    return sub(Amount::max(), less_one).value().to_word();
}

Value bytes_value(const Type& type, const Bytes& bytes) {
    if (type.kind == Kind::kBytes || type.kind == Kind::kString) {
        return Value(bytes);
    }
    Hash32 word;
    if (type.kind == Kind::kAddress) {
        std::ranges::copy(bytes, word.data.begin() + 12);
    } else {
        std::ranges::copy(bytes, word.data.begin());
    }
    return Value(word);
}

Value value_of(const Type& type, const nlohmann::json& in) {
    if (type.kind == Kind::kArray || type.kind == Kind::kFixedArray || type.kind == Kind::kTuple) {
        std::vector<Value> items;
        for (std::size_t i = 0; i < in.size(); ++i) {
            const Type& part = type.parts[type.kind == Kind::kTuple ? i : 0];
            items.push_back(value_of(part, in[i]));
        }
        return Value(std::move(items));
    }
    if (type.kind == Kind::kBool) {
        return Value(std::uint64_t{in.get<bool>()});
    }
    if (in.is_number()) {
        return Value(in.get<std::uint64_t>());
    }
    const auto text = in.get<std::string>();
    if (type.kind == Kind::kUint || type.kind == Kind::kInt) {
        return Value(number_word(text));
    }
    if (type.kind == Kind::kString || !text.starts_with("0x")) {
        return bytes_value(type, to_bytes(text));
    }
    return bytes_value(type, hex(text));
}

Type one_argument(const Type& type) {
    Type out{Kind::kTuple, 0, 0, {type}, 1, type.dynamic};
    out.head_words = type.head_words;
    return out;
}

TEST(Abi, EveryCaseOfEthereumTestsEncodes) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("ethereum/ABITests_basic_abi_tests.json");
    ASSERT_EQ(cases.size(), 3U);
    for (const auto& [name, entry] : cases.items()) {
        std::string types;
        for (const auto& type : entry["types"]) {
            types += (types.empty() ? "" : ",") + type.get<std::string>();
        }
        const Type type = type_of("(" + types + ")");
        const Bytes expected = hex(entry["result"].get<std::string>());
        const Value value = value_of(type, entry["args"]);
        EXPECT_EQ(encode(type, value).value(), expected) << name;
        EXPECT_EQ(decode(type, expected).value(), value) << name;
    }
}

TEST(Abi, EveryCaseOfEthersEncodesAndDecodes) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const auto cases = load("ethers/abi_subset.json");
    ASSERT_EQ(cases.size(), 300U);
    for (const auto& entry : cases) {
        const auto parsed = parse_type(entry["type"].get<std::string>());
        ASSERT_TRUE(parsed.has_value()) << entry["name"] << parsed.error().detail;
        const Type type = one_argument(parsed.value());
        nlohmann::json arguments = nlohmann::json::array();
        arguments.push_back(entry["value"]);
        const Value value = value_of(type, arguments);
        const Bytes expected = hex(entry["encoded"].get<std::string>());
        const auto encoded = encode(type, value);
        ASSERT_TRUE(encoded.has_value()) << entry["name"] << encoded.error().detail;
        EXPECT_EQ(encoded.value(), expected) << entry["name"];
        const auto decoded = decode(type, expected);
        ASSERT_TRUE(decoded.has_value()) << entry["name"] << decoded.error().detail;
        EXPECT_EQ(decoded.value(), value) << entry["name"];
    }
}

TEST(Abi, CanonicalNamesExpandShortForms) {
    EXPECT_EQ(canonical(type_of("uint")), "uint256");
    EXPECT_EQ(canonical(type_of("tuple(int a, address payable b)[2][]")), "(int256,address)[2][]");
}

TEST(Abi, TypesThatSolidityDoesNotHaveAreRefused) {
    for (const char* text :
         {"",
          "uint7",
          "uint264",
          "uint0",
          "int08",
          "bytes0",
          "bytes33",
          "byte",
          "()",
          "(uint",
          "uint[",
          "uint[0]",
          "uint[-1]",
          "uint]",
          "uint,uint",
          "(uint,)",
          "address[01]",
          "function",
          "uint256 ",
          "uint[99999999999999999999]",
          "uint[4097]",
          "uint[64][65]",
          "(uint[4096],uint)"}) {
        const bool trailing_blank = std::string_view(text) == "uint256 ";
        EXPECT_EQ(parse_type(text).has_value(), trailing_blank) << text;
    }
    EXPECT_FALSE(parse_type(std::string(20, '(')).has_value());
    EXPECT_FALSE(parse_type(std::string(100'000, '(')).has_value());
    std::string arrays = "uint";
    for (int i = 0; i < 16; ++i) {
        arrays += "[]";
    }
    EXPECT_EQ(parse_type(arrays).error().code, Errc::kLimit);
}

TEST(Abi, SelectorsAndTopicsAreThoseOfTheKnownSignatures) {
    const auto transfer = parse_signature("function transfer(address to, uint256 amount) external");
    ASSERT_TRUE(transfer.has_value());
    EXPECT_EQ(transfer.value().canonical(), "transfer(address,uint256)");
    const std::array<std::uint8_t, 4> expected{0xa9, 0x05, 0x9c, 0xbb};
    EXPECT_EQ(transfer.value().selector(), expected);

    const auto event =
        parse_signature("event Transfer(address indexed from, address indexed to, uint256 value)");
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(
        to_hex(event.value().topic()),
        "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    );
    EXPECT_TRUE(event.value().params[0].indexed);
    EXPECT_FALSE(event.value().params[2].indexed);
    EXPECT_EQ(event.value().params[2].name, "value");

    EXPECT_EQ(parse_signature("EnforcedPause()").value().params.size(), 0U);
    EXPECT_FALSE(parse_signature("transfer").has_value());
    EXPECT_FALSE(parse_signature("(uint)").has_value());
}

TEST(Abi, ValuesOutsideTheirTypeAreNotEncoded) {
    const Value big(Amount::max());
    EXPECT_FALSE(encode(type_of("uint8"), Value(std::uint64_t{256})).has_value());
    EXPECT_TRUE(encode(type_of("uint8"), Value(std::uint64_t{255})).has_value());
    EXPECT_FALSE(encode(type_of("int8"), Value(std::uint64_t{128})).has_value());
    EXPECT_TRUE(encode(type_of("int8"), big).has_value());
    EXPECT_FALSE(encode(type_of("bool"), Value(std::uint64_t{2})).has_value());
    EXPECT_FALSE(encode(type_of("address"), big).has_value());
    EXPECT_FALSE(encode(type_of("bytes31"), big).has_value());
    EXPECT_FALSE(encode(type_of("bytes"), big).has_value());
    EXPECT_FALSE(encode(type_of("uint[2]"), Value(std::vector<Value>{big})).has_value());
    EXPECT_FALSE(encode(type_of("uint"), Value(Bytes{1})).has_value());
}

std::string words(std::initializer_list<std::uint64_t> numbers) {
    std::string out = "0x";
    for (const std::uint64_t n : numbers) {
        out += to_hex(Amount(n).to_word()).substr(2);
    }
    return out;
}

TEST(Abi, DirtyPaddingIsRefusedStrictlyAndIgnoredInTailsByDefaultOfSolidity) {
    const Type type = type_of("(bytes)");
    Bytes data = hex(words({32, 1, 0}));
    data[64] = 0x61;
    EXPECT_TRUE(decode(type, data).has_value());
    data[65] = 0x62;
    const DecodeOptions lenient{.strict = false};
    EXPECT_FALSE(decode(type, data).has_value());
    EXPECT_TRUE(decode(type, data, lenient).has_value());
    const Bytes dirty_bool = hex(words({2}));
    EXPECT_FALSE(decode(type_of("(bool)"), dirty_bool, lenient).has_value());
}

TEST(Abi, BytesBehindTheValueAreRefusedStrictly) {
    const Type type = type_of("(uint256)");
    const DecodeOptions lenient{.strict = false};
    EXPECT_FALSE(decode(type, hex(words({1, 2}))).has_value());
    EXPECT_TRUE(decode(type, hex(words({1, 2})), lenient).has_value());
    EXPECT_FALSE(decode(type, hex(words({}))).has_value());
    EXPECT_FALSE(decode(type, Bytes(31, 0), lenient).has_value());
}

TEST(Abi, OffsetsAndLengthsBeyondTheDataAreRefused) {
    const DecodeOptions lenient{.strict = false};
    const std::uint64_t huge = ~std::uint64_t{0};
    for (const auto& data :
         {words({huge}),
          words({32, huge}),
          words({32, huge - 31, 0}),
          words({64, 0}),
          words({33, 0}),
          words({32, 33, 0})}) {
        EXPECT_FALSE(decode(type_of("(bytes)"), hex(data), lenient).has_value()) << data;
        EXPECT_FALSE(decode(type_of("(uint[])"), hex(data), lenient).has_value()) << data;
    }
    Bytes past_64_bits = hex(words({32, 0}));
    past_64_bits[0] = 1;
    EXPECT_FALSE(decode(type_of("(bytes)"), past_64_bits, lenient).has_value());
}

// Ten levels of arrays whose elements all point at the same next level: 10^10 values in 4 kB.
TEST(Abi, OverlappingOffsetsCannotBlowUp) {
    std::string name = "uint";
    std::string data = "0x";
    for (int level = 0; level < 10; ++level) {
        name += "[]";
        data += words({10}).substr(2);
        for (int i = 0; i < 10; ++i) {
            data += words({320}).substr(2);
        }
    }
    data += words({10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}).substr(2);
    const auto decoded = decode(type_of(name + "[]"), hex(data), DecodeOptions{.strict = false});
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().code, Errc::kLimit);
}

TEST(Abi, TextOfAValueIsForPeople) {
    const Type type = type_of("(int8,bool,address,bytes2,string,uint[])");
    const Value value(std::vector<Value>{
        Value(Amount::max()),
        Value(std::uint64_t{1}),
        Value(Address{}),
        Value(Hash32{}),
        Value(Bytes{'h', 'i', 0x1b}),
        Value(std::vector<Value>{Value(std::uint64_t{7}), Value(std::uint64_t{8})}),
    });
    EXPECT_EQ(
        to_text(type, value, 200),
        "(-1, true, 0x0000000000000000000000000000000000000000, 0x0000, \"hi?\", [7, 8])"
    );
    EXPECT_EQ(to_text(type, value, 5), "(-1, ...");
}

}  // namespace
}  // namespace margrave::chains::evm::abi
