// SPDX-License-Identifier: Apache-2.0
#include "core/canonical_json.hpp"

#include "tests/support/properties.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <type_traits>

namespace margrave {
namespace {

static_assert(!std::is_constructible_v<Canonical, int>);
static_assert(!std::is_constructible_v<Canonical, std::uint64_t>);
static_assert(!std::is_constructible_v<Canonical, double>);
static_assert(!std::is_constructible_v<Canonical, void*>);
static_assert(std::is_constructible_v<Canonical, bool>);

TEST(CanonicalJson, KeysAreSortedByByteAndThereAreNoSpaces) {
    const Canonical::Object object = {
        {"b", "2"},
        {"a", true},
        {"B", Canonical::Array{"x", false}},
        {"\xc3\xa9", Canonical::Object{}},
        {"aa", Canonical::integer(UINT64_MAX)},
        {"", ""},
    };
    EXPECT_EQ(
        Canonical(object).dump(),
        "{\"\":\"\",\"B\":[\"x\",false],\"a\":true,\"aa\":\"18446744073709551615\",\"b\":\"2\","
        "\"\xc3\xa9\":{}}"
    );
}

TEST(CanonicalJson, ADefaultValueIsTheEmptyString) {
    EXPECT_EQ(Canonical().dump(), "\"\"");
    EXPECT_EQ(Canonical(Canonical::Array{}).dump(), "[]");
}

TEST(CanonicalJson, EscapesOnlyWhatMustBeEscaped) {
    EXPECT_EQ(Canonical("\"\\/\b\f\n\r\t").dump(), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    EXPECT_EQ(Canonical(std::string("\0\x01\x1f\x7f", 4)).dump(), "\"\\u0000\\u0001\\u001f\x7f\"");
    EXPECT_EQ(
        Canonical("\xe2\x82\xac \xf0\x9f\x92\xb0").dump(), "\"\xe2\x82\xac \xf0\x9f\x92\xb0\""
    );
}

TEST(CanonicalJson, EveryAsciiCharacterIsWrittenAsNlohmannWritesIt) {
    for (int c = 0; c < 128; ++c) {
        const std::string text(1, static_cast<char>(c));
        EXPECT_EQ(Canonical(text).dump(), nlohmann::json(text).dump()) << c;
    }
}

TEST(CanonicalParse, ReadsWhatDumpWrites) {
    for (const std::string_view text :
         {"\"\"",
          "true",
          "false",
          "[]",
          "{}",
          "{\"\":\"\",\"a\":[true,{\"b\":\"\\u0000\\u001f\\n\\\"\"}],\"b\":"
          "\"\xf0\x9f\x92\xb0\"}"}) {
        EXPECT_EQ(parse_canonical(text).value().dump(), text);
    }
}

TEST(CanonicalParse, AnyOtherSpellingIsRefused) {
    for (const std::string_view text : {
             "",
             " ",
             "null",
             "1",
             "-1",
             "\"",
             "[",
             "]",
             "{",
             "}",
             "[true",
             "[true,]",
             "[,]",
             "{\"a\"}",
             "{\"a\":}",
             "{\"a\":true,}",
             "{a:true}",
             "truefalse",
             "true ",
             " true",
             "[true, false]",
             "{\"a\": true}",
             "{\"b\":true,\"a\":true}",
             "{\"a\":true,\"a\":true}",
             "[1]",
             "[null]",
             "\"a\"\"b\"",
             "'a'",
             "True",
         }) {
        const auto parsed = parse_canonical(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid) << text;
    }
}

TEST(CanonicalParse, AnEscapeHasOneSpelling) {
    for (const std::string_view text : {
             R"("\u000a")",
             R"("\u0041")",
             R"("\u001F")",
             R"("\u0020")",
             R"("\/")",
             R"("\u20ac")",
             R"("\u")",
             R"("\u00")",
             R"("\u001)",
             R"("\x")",
             R"("\)",
             "\"\n\"",
             "\"\x1f\"",
         }) {
        EXPECT_FALSE(parse_canonical(text)) << text;
    }
}

// Overlong forms, surrogates, beyond U+10FFFF, stray and missing continuation bytes.
TEST(CanonicalParse, TextThatIsNotUtf8IsRefused) {
    for (const std::string_view bytes : {
             "\xc0\x80",
             "\xc1\xbf",
             "\xe0\x80\x80",
             "\xe0\x9f\xbf",
             "\xf0\x80\x80\x80",
             "\xed\xa0\x80",
             "\xed\xbf\xbf",
             "\xf4\x90\x80\x80",
             "\xf5\x80\x80\x80",
             "\x80",
             "\xbf",
             "\xff",
             "\xc3",
             "\xe2\x82",
             "\xf0\x9f\x92",
             "\xc3\x28",
         }) {
        const std::string text = "\"" + std::string(bytes) + "\"";
        EXPECT_FALSE(parse_canonical(text)) << nlohmann::json(to_hex(as_bytes(bytes)));
    }
    for (const std::string_view bytes :
         {"\x7f", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(parse_canonical("\"" + std::string(bytes) + "\""));
    }
}

TEST(CanonicalParse, DepthIsBounded) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(parse_canonical(nested(33)));
    EXPECT_FALSE(parse_canonical(nested(34)));
    EXPECT_FALSE(parse_canonical(nested(1'000'000)));
    EXPECT_FALSE(parse_canonical(std::string(1'000'000, '[')));
}

std::string arbitrary_text() {
    static const std::vector<std::string> kPieces = {
        "a",
        "Z",
        "0",
        "\"",
        "\\",
        "/",
        "\n",
        "\t",
        "\b",
        "\f",
        "\r",
        "\x1f",
        "\x7f",
        "\xc3\xa9",
        "\xe2\x82\xac",
        "\xf0\x9f\x92\xb0",
        std::string(1, '\0'),
    };
    std::string out;
    for (const auto& piece :
         *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(kPieces))) {
        out += piece;
    }
    return out;
}

// The same tree twice: ours, and nlohmann's, which is the independent writer.
std::pair<Canonical, nlohmann::json> arbitrary_tree(int depth) {
    const int kind = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, depth > 0 ? 4 : 2));
    if (kind == 0) {
        const std::string text = arbitrary_text();
        return {Canonical(text), nlohmann::json(text)};
    }
    if (kind == 1) {
        const bool flag = *rc::gen::arbitrary<bool>();
        return {Canonical(flag), nlohmann::json(flag)};
    }
    const int size = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 4));
    Canonical::Array items;
    Canonical::Object members;
    nlohmann::json other = kind == 2 ? nlohmann::json::array() : nlohmann::json::object();
    for (int i = 0; i < size; ++i) {
        auto [ours, theirs] = arbitrary_tree(depth - 1);
        if (kind == 2) {
            items.push_back(std::move(ours));
            other.push_back(std::move(theirs));
        } else {
            const std::string key = arbitrary_text();
            members.insert_or_assign(key, std::move(ours));
            other[key] = std::move(theirs);
        }
    }
    if (kind == 2) {
        return {Canonical(std::move(items)), other};
    }
    return {Canonical(std::move(members)), other};
}

TEST(CanonicalJsonProperty, EqualsNlohmannForTheSameContent) {
    tests::check_property(1'000, [] {
        const auto [ours, theirs] = arbitrary_tree(4);
        RC_ASSERT(ours.dump() == theirs.dump());
        RC_ASSERT(nlohmann::json::parse(ours.dump()) == theirs);
        RC_ASSERT(parse_canonical(ours.dump()).value().dump() == theirs.dump());
    });
}

}  // namespace
}  // namespace margrave
