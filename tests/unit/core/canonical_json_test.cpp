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
    });
}

}  // namespace
}  // namespace margrave
