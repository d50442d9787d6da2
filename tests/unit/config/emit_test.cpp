// SPDX-License-Identifier: Apache-2.0
#include "config/detail/table.hpp"
#include "config/detail/values.hpp"
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace margrave::config {
namespace {

using detail::Kind;
using detail::Need;
using detail::Setting;
using nlohmann::json;

std::string read_all(const std::filesystem::path& file) {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
}

void collect(const json& schema, std::set<std::string>& out) {
    if (schema.contains("x-pointer")) {
        out.insert(schema["x-pointer"].get<std::string>());
    }
    const json properties = schema.value("properties", json::object());
    for (const auto& [name, property] : properties.items()) {
        collect(property, out);
    }
    if (schema.contains("items")) {
        collect(schema["items"], out);
    }
}

TEST(Table, RowsAreUniqueAndHaveAParent) {
    std::set<std::string_view> seen;
    for (const Setting& setting : detail::table()) {
        EXPECT_TRUE(seen.insert(setting.pointer).second) << setting.pointer;
        const std::string_view parent = setting.pointer.substr(0, setting.pointer.rfind('/'));
        EXPECT_TRUE(parent.empty() || detail::find(parent) != nullptr) << setting.pointer;
        EXPECT_TRUE(setting.sentence.ends_with('.')) << setting.pointer;
        EXPECT_EQ(
            setting.kind == Kind::kList,
            detail::find(std::string(setting.pointer) + "/*") != nullptr
        ) << setting.pointer;
    }
    EXPECT_GT(seen.size(), 80U);
}

TEST(Table, ExamplesAndDefaultsAreRightByTheirOwnRow) {
    for (const Setting& setting : detail::table()) {
        const json example = json::parse(setting.example);
        if (setting.kind == Kind::kObject || setting.kind == Kind::kList) {
            EXPECT_EQ(example.is_object(), setting.kind == Kind::kObject) << setting.pointer;
            continue;
        }
        EXPECT_EQ(detail::fault(setting, example), std::nullopt) << setting.pointer;
        if (!setting.fallback.empty()) {
            EXPECT_EQ(setting.need, Need::kOptional) << setting.pointer;
            EXPECT_EQ(detail::fault(setting, json::parse(setting.fallback)), std::nullopt)
                << setting.pointer;
        }
    }
}

TEST(JsonSchema, ListsEverySettingOnce) {
    std::set<std::string> listed;
    collect(json::parse(json_schema()), listed);
    std::set<std::string> known;
    for (const Setting& setting : detail::table()) {
        known.emplace(setting.pointer);
    }
    EXPECT_EQ(listed, known);
}

TEST(JsonSchema, ObjectsAreClosedAndRequiredIsThatOfTheTable) {
    const json schema = json::parse(json_schema());
    EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    EXPECT_EQ(schema["additionalProperties"], false);
    EXPECT_EQ(schema["required"], json::parse(R"(["version", "node", "chains", "assets"])"));
    const json& chain = schema["properties"]["chains"]["items"];
    EXPECT_EQ(chain["additionalProperties"], false);
    EXPECT_EQ(chain["properties"]["poll_interval"]["default"], "2s");
    EXPECT_EQ(chain["properties"]["log_range"]["maximum"], 1'000'000);
    const json& password = schema["properties"]["signer"]["properties"]["password"];
    EXPECT_EQ(password["oneOf"].size(), 3U);
    EXPECT_TRUE(schema["properties"]["log"]["properties"]["level"]["examples"].is_array());
}

TEST(Markdown, HasARowForEverySetting) {
    const std::string table = markdown_table();
    for (const Setting& setting : detail::table()) {
        EXPECT_NE(table.find("| `" + std::string(setting.pointer) + "` |"), std::string::npos);
    }
}

// `margrave config table` and `margrave config schema` print what has to stand there.
TEST(Markdown, IsWhatTheDocumentationShows) {
    const std::filesystem::path root = MARGRAVE_SOURCE_DIR;
    const std::string page = read_all(root / "docs" / "configuration.md");
    EXPECT_TRUE(page.ends_with(markdown_table())) << "run: margrave config table";
    const std::string schema = read_all(root / "config" / "examples" / "margrave.schema.json");
    EXPECT_TRUE(schema == json_schema()) << "run: margrave config schema";
}

}  // namespace
}  // namespace margrave::config
