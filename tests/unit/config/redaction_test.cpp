// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

namespace margrave::config {
namespace {

using nlohmann::json;

constexpr std::string_view kSecret = "hunter2hunter2";
constexpr std::string_view kKey =
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

// Wherever a secret is put by mistake, no message and no rendering repeats it.
void expect_silence(const json& document, std::string_view secret) {
    const Loaded loaded = load_json(document);
    const std::string all =
        lines(loaded.problems) + lines(loaded.notes) + loaded.written + loaded.effective;
    EXPECT_EQ(all.find(secret), std::string::npos) << all;
    EXPECT_FALSE(all.empty());
}

TEST(Redaction, PasswordInPlaceOfItsSource) {
    for (const json& value :
         {json(kSecret),
          json::array({kSecret}),
          json{{"file", {kSecret}}},
          json{{"value", kSecret}},
          json{{kSecret, 1}},
          json{{"env", kSecret}},
          json{{"credential", std::string(kSecret) + "/"}}}) {
        json document = good_config();
        document["signer"]["password"] = value;
        expect_silence(document, kSecret);
        EXPECT_FALSE(load_json(document).problems.empty()) << value.dump();
    }
}

TEST(Redaction, PrivateKeyInAnyTextField) {
    for (const char* place :
         {"/node/name",
          "/network/name",
          "/network/hub",
          "/network/guardian",
          "/network/signers/0",
          "/chains/0/id",
          "/chains/0/endpoints/0/http",
          "/assets/0/id",
          "/assets/0/on/0/asset",
          "/assets/0/collateral/initial",
          "/signer/password/file",
          "/log",
          "/accept_single_source"}) {
        json document = good_config();
        document[json::json_pointer(place)] = kKey;
        const Loaded loaded = load_json(document);
        EXPECT_EQ(lines(loaded.problems).find(kKey.substr(2)), std::string::npos) << place;
    }
}

TEST(Redaction, UrlsShowSchemeHostAndPortOnly) {
    json document = good_config();
    document["chains"][0]["endpoints"][0]["http"] =
        "https://user:hunter2hunter2@a.internal:8443/v3/hunter2hunter2?k=hunter2hunter2";
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_NE(loaded.effective.find("\"https://a.internal:8443/...\""), std::string::npos);
    EXPECT_NE(loaded.written.find("\"https://a.internal:8443/...\""), std::string::npos);
    expect_silence(document, kSecret);
    EXPECT_NE(loaded.settings.chains[0].endpoints[0].http.find(kSecret), std::string::npos);
}

TEST(Redaction, BrokenAndMisplacedUrls) {
    for (const char* url :
         {"https://u:hunter2hunter2@",
          "htps://u:hunter2hunter2@h",
          "https://hunter2hunter2 x",
          "https://x.example/hunter2hunter2"}) {
        json document = good_config();
        document["chains"][0]["endpoints"][0]["http"] = url;
        expect_silence(document, kSecret);
    }
    json document = good_config();
    document["chains"][0]["endpoints"][0] = "https://u:hunter2hunter2@h/";
    expect_silence(document, kSecret);
    document["chains"][0]["endpoints"] = "https://u:hunter2hunter2@h/";
    expect_silence(document, kSecret);
}

TEST(Redaction, HalfATextAfterASyntaxError) {
    for (const char* text :
         {R"({"signer": {"password": "hunter2hunter2)",
          R"({"signer": {"password": hunter2hunter2}})",
          "{\"signer\": {\"password\": \"hunter2hunter2\n\"}}",
          R"({"signer": {"password": "hunter2hunter2" "x"}})"}) {
        const Loaded loaded = load_text(text, ".");
        ASSERT_EQ(loaded.problems.size(), 1U);
        EXPECT_EQ(lines(loaded.problems).find("hunter2"), std::string::npos)
            << lines(loaded.problems);
    }
}

TEST(Redaction, LongAndUnprintableTextsAreCut) {
    json document = good_config();
    document["node"]["name"] = std::string(3000, 'A') + "\x1b[31m";
    const std::string said = lines(load_json(document).problems);
    EXPECT_LT(said.size(), 400U);
    EXPECT_EQ(said.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace margrave::config
