// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace margrave::config {
namespace {

using nlohmann::json;

/// One place of the good config set to `value`, or taken out when `value` is empty, and the one
/// problem that must come of it.
struct Row {
    std::string_view place;
    std::string_view value;
    std::string_view pointer;
    std::string_view words;
};

void PrintTo(const Row& row, std::ostream* out) {
    *out << row.place << " = " << (row.value.empty() ? "(absent)" : row.value);
}

json broken(const Row& row) {
    json document = good_config();
    const json::json_pointer place{std::string(row.place)};
    if (row.value.empty()) {
        document[place.parent_pointer()].erase(place.back());
    } else {
        document[place] = json::parse(row.value);
    }
    return document;
}

class BadConfig : public testing::TestWithParam<Row> {};

TEST_P(BadConfig, IsReportedOnceWithItsPlaceAndWhatToWrite) {
    const Row& row = GetParam();
    const Loaded loaded = load_json(broken(row));
    EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.problems, row.pointer, row.words)) << lines(loaded.problems);
    EXPECT_TRUE(loaded.effective.empty());
}

// clang-format off
constexpr Row kFields[] = {
    {"/version", "", "/version", "is missing: Version of this form. Expected the number 1"},
    {"/version", "2", "/version", "the number 2 is out of range; expected the number 1"},
    {"/version", "\"1\"", "/version", "got \"1\"; expected the number 1"},
    {"/$schema", "7", "/$schema", "got the number 7; expected a string"},
    {"/node", "", "/node", "is missing"},
    {"/node", "[]", "/node", "got a list; expected an object"},
    {"/node/name", "", "/node/name", "is missing"},
    {"/node/name", "\"Op 1\"", "/node/name", "got \"Op 1\"; expected 1 to 64 characters of a-z, 0-9, - and _, e.g. \"op-1\""},
    {"/node/name", "\"-x\"", "/node/name", "expected 1 to 64 characters"},
    {"/node/name", "null", "/node/name", "got null"},
    {"/node/data_dir", "\"\"", "/node/data_dir", "expected a path"},
    {"/node/nmae", "\"x\"", "/node/nmae", "unknown field, did you mean \"name\"?"},
    {"/node/poll_interval", "\"2s\"", "/node/poll_interval", "unknown field here; it belongs at /chains/*/poll_interval"},
    {"/node/zzz", "1", "/node/zzz", "unknown field; known here: name, data_dir"},
    {"/chains/1/endpoints/1/quorom", "2", "/chains/1/endpoints/1/quorom", "unknown field; known here: name, http"},
    {"/lgo", "{}", "/lgo", "unknown field, did you mean \"log\"?"},
    {"/accept_single_source", "true", "/accept_single_source", "got true; expected the exact words \"yes: one lying node"},
    {"/accept_single_source", "\"yes\"", "/accept_single_source", "got \"yes\"; expected the exact words \"yes: one lying node can make this daemon sign a lie\""},
    {"/network/name", "\"\"", "/network/name", "expected a string of 1 to 64 characters"},
    {"/network/hub", "\"ethereum\"", "/network/hub", "is not a CAIP-2 id"},
    {"/network/hub", "\"solana:mainnet\"", "/network/hub", "is of a chain family that this version cannot follow"},
    {"/network/hub", "\"eip155:01\"", "/network/hub", "without leading zeros"},
    {"/network/hub", "\"eip155:137\"", "/network/hub", "chain eip155:137 is not in /chains; configured are eip155:1, eip155:10"},
    {"/network/signers", "[]", "/network/signers", "is empty: Addresses of the operators whose signatures count; `margrave keys list` prints yours. Expected a list of 1 to 64 items"},
    {"/network/signers", "{}", "/network/signers", "got an object; expected a list"},
    {"/network/signers/1", "\"0x12\"", "/network/signers/1", "expected an address, 0x and 40 hex digits"},
    {"/network/signers/1", "\"0x0000000000000000000000000000000000000000\"", "/network/signers/1", "is the zero address; put the real one here"},
    {"/network/signers/1", "\"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb\"", "/network/signers/1", "the same address is already at /network/signers/0"},
    {"/network/threshold", "0", "/network/threshold", "the number 0 is out of range; expected a whole number from 1 to 64"},
    {"/network/threshold", "-1", "/network/threshold", "the number -1 is out of range"},
    {"/network/threshold", "3", "/network/threshold", "is 3 but there are 2 signers"},
    {"/network/threshold", "1.5", "/network/threshold", "got the number 1.5; expected a whole number"},
    {"/network/threshold", "\"2\"", "/network/threshold", "got \"2\"; expected a whole number"},
    {"/network/guardian", "\"0x52908400098527886e0F7030069857D2E4169EE7\"", "/network/guardian", "wrong EIP-55 checksum"},
    {"/network/exit_silence", "\"1500ms\"", "/network/exit_silence", "which is no whole number of seconds"},
    {"/network/exit_silence", "\"0s\"", "/network/exit_silence", "\"0s\" is out of range; expected a duration in whole seconds (s, m, h or d) from \"1s\" to \"365d\""},
    {"/network/exit_silence", "86400", "/network/exit_silence", "got the number 86400; expected a duration"},
    {"/deploy", R"({"sale_start_bps": 9999})", "/deploy/sale_start_bps", "the number 9999 is out of range"},
    {"/deploy", R"({"venue": "0x1"})", "/deploy/venue", "expected an address"},
    {"/deployment", "false", "/deployment", "got false; expected a path"},
    {"/chains", "[]", "/chains", "is empty"},
    {"/chains/0/id", "", "/chains/0/id", "is missing: CAIP-2 id. Expected a CAIP-2 id of an eip155 chain, e.g. \"eip155:1\""},
    {"/chains/1/endpoints", "", "/chains/1/endpoints", "is missing"},
    {"/chains/1/endpoints/0", "\"https://x.internal\"", "/chains/1/endpoints/0", "got a URL (not shown); expected an object"},
    {"/chains/1/endpoints/0/http", "\"ws://c.internal\"", "/chains/1/endpoints/0/http", "expected an http or https URL"},
    {"/chains/1/endpoints/0/http", "\"https://c.example/rpc\"", "/chains/1/endpoints/0/http", "\"https://c.example/...\" is a placeholder; put the URL of a node of this chain here"},
    {"/chains/1/endpoints/0/http", "\"https://d.internal/other\"", "/chains/1/endpoints", "all endpoints are run by one operator"},
    {"/chains/0/agreement", "3", "/chains/0/agreement", "3 operators can never agree: the endpoints are run by 2"},
    {"/chains/0/agreement", "1", "/chains/0/agreement", "1 means that one lying node is believed"},
    {"/chains/0/proof", "\"receipt\"", "/chains/0/proof", "did you mean \"receipts\"?"},
    {"/chains/0/endpoints/0/ws", "\"https://a.internal\"", "/chains/0/endpoints/0/ws", "expected a ws or wss URL"},
    {"/chains/0/endpoints/0/rate", R"({"per_secnod": 5})", "/chains/0/endpoints/0/rate/per_secnod", "did you mean \"per_second\"?"},
    {"/chains/0/sequencer", R"({"grace": "1h"})", "/chains/0/sequencer/feed", "is missing"},
    {"/chains/1/endpoints/0/name", "\"b\"", "/chains/1/endpoints/1/name", "\"b\" is already at /chains/1/endpoints/0/name"},
    {"/chains/0/genesis", "\"0x12\"", "/chains/0/genesis", "expected a hash, 0x and 64 hex digits"},
    {"/chains/0/start_block", "100", "/chains/0/start_block", "got the number 100; expected a whole number as a decimal string, e.g. \"19000000\""},
    {"/chains/0/start_block", "\"18446744073709551616\"", "/chains/0/start_block", "expected a whole number as a decimal string"},
    {"/chains/0/contracts", R"({"vautl": "0x52908400098527886E0F7030069857D2E4169EE7"})", "/chains/0/contracts/vautl", "unknown field, did you mean \"vault\"?"},
    {"/chains/1/contracts", R"({"position_book": "0x52908400098527886E0F7030069857D2E4169EE7"})", "/chains/1/contracts/position_book", "only the hub eip155:1 has a position book; remove it here"},
    {"/chains/0/finality", R"({"mode": "finalised"})", "/chains/0/finality/mode", "got \"finalised\", did you mean \"finalized\"?; expected one of \"finalized\", \"safe\", \"depth\""},
    {"/chains/0/finality", R"({"mode": "depth"})", "/chains/0/finality/depth", "is missing; mode \"depth\" needs it"},
    {"/chains/0/finality", R"({"depth": 3})", "/chains/0/finality/depth", "has no meaning with mode \"finalized\""},
    {"/chains/0/finality", R"({"mode": "depth", "depth": 0})", "/chains/0/finality/depth", "out of range"},
    {"/chains/0/poll_interval", "\"2 s\"", "/chains/0/poll_interval", "got \"2 s\"; expected a duration (ms, s, m, h or d) from \"50ms\" to \"10m\", e.g. \"2s\""},
    {"/chains/0/poll_interval", "\"01s\"", "/chains/0/poll_interval", "expected a duration"},
    {"/chains/0/rpc_timeout", "\"3m\"", "/chains/0/rpc_timeout", "\"3m\" is out of range"},
    {"/chains/0/log_range", "0", "/chains/0/log_range", "out of range"},
    {"/chains/0/fees", R"({"max_fee_gwei": 200})", "/chains/0/fees/max_fee_gwei", "got the number 200; expected gwei as a decimal string"},
    {"/chains/0/fees", R"({"max_fee_gwei": "0.0000000001"})", "/chains/0/fees/max_fee_gwei", "expected gwei as a decimal string"},
    {"/chains/0/fees", R"({"max_fee_gwei": "0"})", "/chains/0/fees/max_fee_gwei", "out of range"},
};

constexpr Row kMoney[] = {
    {"/assets/0/id", "\"eth\"", "/assets/1/id", "\"eth\" is already at /assets/0/id"},
    {"/assets/0/decimals", "37", "/assets/0/decimals", "the number 37 is out of range; expected a whole number from 0 to 36"},
    {"/assets/0/haircut", "\"0.1\"", "/assets/0/haircut", "unknown field; known here: id, decimals, collateral"},
    {"/assets/0/collateral/initial", "0.9", "/assets/0/collateral/initial", "got the number 0.9; expected a decimal string from \"0\" to \"1\", e.g. \"0.8\""},
    {"/assets/0/collateral/initial", "\"1.2\"", "/assets/0/collateral/initial", "\"1.2\" is out of range; expected a decimal string from \"0\" to \"1\""},
    {"/assets/0/collateral/initial", "\"-0.1\"", "/assets/0/collateral/initial", "\"-0.1\" is out of range"},
    {"/assets/0/collateral/initial", "\".9\"", "/assets/0/collateral/initial", "got \".9\""},
    {"/assets/0/collateral/initial", "\"0.93\"", "/assets/0/collateral/initial", "0.93"},
    {"/assets/0/debt/maintenance", "\"0.99\"", "/assets/0/debt/maintenance", "\"0.99\" is out of range; expected a decimal string from \"1\" to \"10\""},
    {"/assets/0/debt/maintenance", "\"1.09\"", "/assets/0/debt/maintenance", "maintenance 1.09 is above liquidation_end 1.08"},
    {"/assets/1/max_bonus", "\"1.4\"", "/assets/1/max_bonus", "selling eth for usdc cannot heal"},
    {"/assets/0/max_bonus", "\"0.5\"", "/assets/0/max_bonus", "is 0.5; it must be from 1 to 2"},
    {"/assets/0/borrowable", "\"yes\"", "/assets/0/borrowable", "got \"yes\"; expected true or false"},
    {"/assets/0/on/0/asset", "\"eip155:137/slip44:60\"", "/assets/0/on/0/asset", "chain eip155:137 is not in /chains; configured are eip155:1, eip155:10"},
    {"/assets/0/on/0/asset", "\"USDC\"", "/assets/0/on/0/asset", "is not a CAIP-19 type"},
    {"/assets/0/on/1/asset", "\"eip155:10/erc20:0x0B2C639C533813F4AA9D7837CAF62653D097FF85\"", "/assets/0/on/1/asset", "is already at /assets/0/on/0/asset"},
    {"/assets/0/on/1/asset", "\"eip155:1/slip44:60\"", "/assets/1/on/0/asset", "\"eip155:1/slip44:60\" is already at /assets/0/on/1/asset"},
    {"/assets/0/on/1/asset", "\"eip155:1/slip44:61\"", "/assets/1/on/0/asset", "eip155:1 has one native coin and that is already eip155:1/slip44:61"},
    {"/assets/0/on/1/backing", "\"0\"", "/assets/0/on/1/backing", "is 0; it must be above 0 and at most 1"},
    {"/assets/0/on/1/backing", "\"1.01\"", "/assets/0/on/1/backing", "out of range"},
    {"/assets/0/on/0/early", R"([{"blocks": 2, "up_to": "5"}])", "/assets/0/on/0/early_total", "is missing; with early"},
    {"/assets/0/on/0/early", "[]", "/assets/0/on/0/early", "is empty: What counts"},
    {"/assets/0/on/0/early_total", "\"5\"", "/assets/0/on/0/early_total", "no early tier"},
    {"/assets/0/on/0", R"({"asset": "eip155:10/erc20:0x0B2C639C533813F4AA9D7837CAF62653D097FF85", "early": [{"blocks": 2, "up_to": "0.0000001"}], "early_total": "9"})", "/assets/0/on/0/early/0/up_to", "is finer than the asset's 6 decimals"},
    {"/assets/0/on/0", R"({"asset": "eip155:10/erc20:0x0B2C639C533813F4AA9D7837CAF62653D097FF85", "early": [{"blocks": 2, "up_to": "5"}, {"blocks": 2, "up_to": "6"}], "early_total": "9"})", "/assets/0/on/0/early/1/blocks", "is 2, not above the tier before with 2"},
    {"/assets/0/on/0", R"({"asset": "eip155:10/erc20:0x0B2C639C533813F4AA9D7837CAF62653D097FF85", "early": [{"blocks": 0, "up_to": "5"}], "early_total": "9"})", "/assets/0/on/0/early/0/blocks", "the number 0 is out of range"},
    {"/assets/0/on/0", R"({"asset": "eip155:10/erc20:0x0B2C639C533813F4AA9D7837CAF62653D097FF85", "early": [{"blocks": 2, "up_to": "10"}], "early_total": "9"})", "/assets/0/on/0/early_total", "is 9000000 raw units, less than the last tier's 10000000"},
    {"/assets/0/price", "", "/assets/0/price", "is missing"},
    {"/assets/0/price/sources", "[]", "/assets/0/price/sources", "is empty: Independent sources"},
    {"/assets/0/price/sources/0", R"({"name": "x"})", "/assets/0/price/sources/0", "has 0 of \"feed\", \"fixed\", \"pyth\""},
    {"/assets/0/price/sources/0", R"({"name": "x", "fixed": "1", "feed": {"chain": "eip155:1", "address": "0x52908400098527886E0F7030069857D2E4169EE7"}})", "/assets/0/price/sources/0", "has 2 of \"feed\", \"fixed\""},
    {"/assets/0/price/sources/0/fixed", "\"2\"", "/assets/0/price/sources/0/fixed", "2 is outside of /assets/0/price/min and /assets/0/price/max"},
    {"/assets/0/price/sources/0/fixed", "\"0\"", "/assets/0/price/sources/0/fixed", "out of range"},
    {"/assets/1/price/sources/0/feed/chain", "\"eip155:5\"", "/assets/1/price/sources/0/feed/chain", "chain eip155:5 is not in /chains"},
    {"/assets/1/price/sources/0/feed/address", "", "/assets/1/price/sources/0/feed/address", "is missing: Its address."},
    {"/assets/1/price/sources/0/feed/address", "\"0x0000000000000000000000000000000000000000\"", "/assets/1/price/sources/0/feed/address", "is the zero address"},
    {"/assets/1/price/max_age", "\"8d\"", "/assets/1/price/max_age", "\"8d\" is out of range"},
    {"/assets/1/price/max", "\"100\"", "/assets/1/price/max", "it must be above price_min 100"},
    {"/assets/1/price/min_sources", "2", "/assets/1/price/min_sources", "is 2 but there are 1 sources"},
    {"/assets/1/price/max_spread", "\"1%\"", "/assets/1/price/max_spread", "expected a decimal string"},
    {"/liquidation", R"({"close_factor": "0"})", "/liquidation/close_factor", "is 0; it must be above 0 and at most 1"},
    {"/liquidation", R"({"dust": "-1"})", "/liquidation/dust", "out of range"},
    {"/liquidation", R"({"deadline": "never"})", "/liquidation/deadline", "got \"never\""},
    {"/attestation", R"({"interval": "5m"})", "/attestation/validity", "is 10m, which is not more than twice /attestation/interval (5m)"},
    {"/attestation", R"({"interval": "50ms"})", "/attestation/interval", "\"50ms\" is out of range"},
    {"/attestation", R"({"validity": "8d"})", "/attestation/validity", "out of range"},
    {"/signer", "", "/signer", "is missing: This operator's key."},
    {"/signer/keystore", "{}", "/signer/keystore", "got an object; expected a path"},
    {"/signer/password", "{}", "/signer/password", "has 0 of \"file\", \"credential\", \"env\"; give exactly one of them"},
    {"/signer/password", R"({"file": "a", "env": "B"})", "/signer/password", "has 2 of \"file\", \"credential\", \"env\""},
    {"/signer/password", R"({"env": "lower"})", "/signer/password/env", "got a string (not shown); expected a name of A-Z, 0-9 and _"},
    {"/signer/password", R"({"fiel": "a"})", "/signer/password/fiel", "unknown field, did you mean \"file\"?"},
    {"/api", R"({"admin_socket": ""})", "/api/admin_socket", "expected a path"},
    {"/api", R"({"admin_socket": "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})", "/api/admin_socket", "the system allows 107"},
    {"/log", R"({"level": "warning"})", "/log/level", "expected one of \"debug\", \"info\", \"warn\", \"error\", \"off\""},
    {"/log", R"({"format": "JSON"})", "/log/format", "expected one of \"auto\", \"human\", \"json\""},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Fields, BadConfig, testing::ValuesIn(kFields));
INSTANTIATE_TEST_SUITE_P(Money, BadConfig, testing::ValuesIn(kMoney));

TEST(BadConfig, EveryProblemComesAtOnce) {
    json document = good_config();
    document["version"] = 3;
    document["node"].erase("name");
    document["chains"][1]["endpoints"][0]["http"] = "ftp://x";
    document["assets"][0]["collateral"]["initial"] = "0.99";
    document["assets"][1]["decimals"] = "18";
    document["attestation"] = {{"validity", "10s"}};
    const Loaded loaded = load_json(document);
    EXPECT_EQ(loaded.problems.size(), 6U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.problems, "/version", "out of range"));
    EXPECT_TRUE(has_problem(loaded.problems, "/node/name", "is missing"));
    EXPECT_TRUE(has_problem(loaded.problems, "/chains/1/endpoints/0/http", "http"));
    EXPECT_TRUE(has_problem(loaded.problems, "/assets/0/collateral/initial", "0.99"));
    EXPECT_TRUE(has_problem(loaded.problems, "/assets/1/decimals", "got \"18\""));
    EXPECT_TRUE(has_problem(loaded.problems, "/attestation/validity", "not more than twice"));
}

TEST(BadConfig, AnEmptyObjectSaysEveryRequiredSection) {
    const Loaded loaded = load_json(json::object());
    for (const char* section : {"/version", "/node", "/network", "/chains", "/assets", "/signer"}) {
        EXPECT_TRUE(has_problem(loaded.problems, section, "is missing")) << section;
    }
    EXPECT_EQ(loaded.problems.size(), 6U) << lines(loaded.problems);
}

TEST(BadConfig, DuplicateChainIsReported) {
    json document = good_config();
    document["chains"][1]["id"] = "eip155:1";
    document["assets"][0]["on"].erase(0);
    document["assets"][1]["on"].erase(1);
    const Loaded loaded = load_json(document);
    EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(
        has_problem(loaded.problems, "/chains/1/id", "\"eip155:1\" is already at /chains/0/id")
    );
}

TEST(BadConfig, TwoUrlsOnOneHostAreOneSource) {
    json document = good_config();
    json& endpoints = document["chains"][0]["endpoints"];
    endpoints[0]["http"] = "https://one.internal:1/a";
    endpoints[1]["http"] = "https://one.internal:2/b";
    EXPECT_TRUE(has_problem(load_json(document).problems, "/chains/0/endpoints", "one operator"));
    document["accept_single_source"] = single_source_words();
    const Loaded loaded = load_json(document);
    EXPECT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_TRUE(loaded.settings.accept_single_source);
    EXPECT_TRUE(has_problem(loaded.notes, "/accept_single_source", "sign a lie"));
    endpoints[1]["http"] = "https://one.internal:1/a";
    EXPECT_TRUE(has_problem(
        load_json(document).problems,
        "/chains/0/endpoints/1/http",
        "the same URL is already at /chains/0/endpoints/0/http"
    ));
}

TEST(BadConfig, ParseErrorsGiveLineAndColumn) {
    const Loaded loaded = load_text("{\n  \"version\": 1,\n  \"node\": oops\n}", ".");
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_TRUE(has_problem(loaded.problems, "", "(3:1")) << lines(loaded.problems);
    const Loaded twice = load_text("{\"version\": 1, \"version\": 1}", ".");
    ASSERT_EQ(twice.problems.size(), 1U);
    EXPECT_TRUE(has_problem(twice.problems, "", "version")) << lines(twice.problems);
    EXPECT_TRUE(has_problem(load_text("[]", ".").problems, "", "expected"));
    EXPECT_FALSE(load_text("", ".").problems.empty());
}

TEST(BadConfig, AFileThatIsNotThereNamesItself) {
    const Loaded loaded = load("/nonexistent/margrave.json");
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_TRUE(has_problem(loaded.problems, "", "/nonexistent/margrave.json"));
    EXPECT_TRUE(has_problem(loaded.problems, "", "margrave init"));
}

TEST(BadConfig, UnknownFieldNamesAreEscapedAndCut) {
    json document = good_config();
    document["node"]["a/b~c\n"] = 1;
    EXPECT_TRUE(has_problem(load_json(document).problems, "/node/a~1b~0c?", "unknown field"));
    json other = good_config();
    other["node"][std::string(500, 'x')] = 1;
    EXPECT_TRUE(has_problem(
        load_json(other).problems, "/node/" + std::string(64, 'x') + "...", "unknown field"
    ));
}

}  // namespace
}  // namespace margrave::config
