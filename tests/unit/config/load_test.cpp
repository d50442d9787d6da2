// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>

namespace margrave::config {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

Money decimal(std::string_view text) {
    return Money::parse(text).value();
}

TEST(Load, GoodConfigHasNoProblem) {
    const Loaded loaded = load_json(good_config());
    EXPECT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_FALSE(loaded.settings.deployed);
}

TEST(Load, EveryDefaultIsThatOfTheTable) {
    const Settings settings = load_json(good_config()).settings;
    EXPECT_EQ(settings.genesis.exit_silence_s, 86'400U);
    EXPECT_EQ(settings.deploy.veto_window_s, 86'400U);
    EXPECT_EQ(settings.deploy.sale_start_bps, 12'000U);
    EXPECT_EQ(settings.deploy.sale_duration_s, 1'800U);
    EXPECT_FALSE(settings.deploy.venue.has_value());
    EXPECT_FALSE(settings.deploy.treasury.has_value());
    EXPECT_FALSE(settings.accept_single_source);
    EXPECT_EQ(settings.deployment_file, "/nonexistent/margrave/deployment.json");
    EXPECT_EQ(settings.admin_socket, "/nonexistent/margrave/data/admin.sock");
    EXPECT_EQ(settings.attestation_interval, milliseconds(60'000));
    EXPECT_EQ(settings.log_level, "info");
    EXPECT_EQ(settings.log_format, "auto");
}

TEST(Load, EveryDefaultOfAChainIsThatOfTheTable) {
    const chains::ChainSettings chain = load_json(good_config()).settings.chains.at(0);
    EXPECT_FALSE(chain.genesis.has_value());
    EXPECT_EQ(chain.start_block, BlockNum(0));
    EXPECT_TRUE(chain.vault.is_zero());
    EXPECT_TRUE(chain.registry.is_zero());
    EXPECT_TRUE(chain.sale.is_zero());
    EXPECT_FALSE(chain.position_book.has_value());
    EXPECT_EQ(chain.finality.mode, chains::FinalityMode::kFinalizedTag);
    EXPECT_EQ(chain.finality.depth, 0U);
    EXPECT_EQ(chain.poll_interval, milliseconds(2'000));
    EXPECT_EQ(chain.rpc_timeout, milliseconds(5'000));
    EXPECT_EQ(chain.log_range, 2'000U);
    EXPECT_EQ(chain.fees.max_fee_wei, 200'000'000'000U);
    EXPECT_EQ(chain.fees.replace_after_blocks, 2U);
}

TEST(Load, EveryDefaultOfParametersAndOracleIsThatOfTheTable) {
    const Settings settings = load_json(good_config()).settings;
    const margin::Parameters& parameters = settings.parameters;
    EXPECT_EQ(parameters.engine, margin::kEngine);
    EXPECT_EQ(parameters.validity_s, 600U);
    EXPECT_EQ(parameters.release_deadline_s, 600U);
    EXPECT_EQ(parameters.liquidation.target_buffer, decimal("0.02"));
    EXPECT_EQ(parameters.liquidation.close_factor, decimal("0.5"));
    EXPECT_EQ(parameters.liquidation.close_all_below, decimal("2000"));
    EXPECT_EQ(parameters.liquidation.dust, decimal("10"));
    EXPECT_EQ(parameters.liquidation.deadline_s, 600U);
    EXPECT_FALSE(parameters.assets.at(0).borrowable);
    EXPECT_EQ(parameters.assets.at(0).max_bonus, decimal("1.05"));
    EXPECT_EQ(parameters.assets.at(0).on.at(0).backing, decimal("1"));
    EXPECT_EQ(settings.oracle.at(0).min_sources, 1U);
    EXPECT_EQ(settings.oracle.at(0).max_spread, decimal("0.01"));
}

TEST(Load, EveryGivenValueArrives) {
    json document = good_config();
    document["deploy"] = {
        {"veto_window", "2h"},
        {"sale_start_bps", 11'000},
        {"sale_duration", "90s"},
        {"venue", "0x8617E340B3D01FA5F11F306F4090FD50E238070D"},
        {"treasury", "0xde709f2102306220921060314715629080e2fb77"}};
    document["network"]["exit_silence"] = "3d";
    document["attestation"] = {
        {"interval", "500ms"}, {"validity", "2m"}, {"release_deadline", "1h"}};
    document["liquidation"] = {
        {"target_buffer", "0.1"},
        {"close_factor", "1"},
        {"close_all_below", "0"},
        {"dust", "0.5"},
        {"deadline", "5m"}};
    document["api"] = {{"admin_socket", "run/a.sock"}};
    document["log"] = {{"level", "debug"}, {"format", "json"}};
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const Settings& settings = loaded.settings;
    EXPECT_EQ(settings.node_name, "op-1");
    EXPECT_EQ(settings.data_dir, "/nonexistent/margrave/data");
    EXPECT_EQ(settings.genesis.exit_silence_s, 3U * 86'400);
    EXPECT_EQ(settings.deploy.veto_window_s, 7'200U);
    EXPECT_EQ(settings.deploy.sale_start_bps, 11'000U);
    EXPECT_EQ(settings.deploy.sale_duration_s, 90U);
    EXPECT_EQ(to_hex(*settings.deploy.venue), "0x8617e340b3d01fa5f11f306f4090fd50e238070d");
    EXPECT_EQ(to_hex(*settings.deploy.treasury), "0xde709f2102306220921060314715629080e2fb77");
    EXPECT_EQ(settings.attestation_interval, milliseconds(500));
    EXPECT_EQ(settings.parameters.validity_s, 120U);
    EXPECT_EQ(settings.parameters.release_deadline_s, 3'600U);
    EXPECT_EQ(settings.parameters.liquidation.target_buffer, decimal("0.1"));
    EXPECT_EQ(settings.parameters.liquidation.close_factor, decimal("1"));
    EXPECT_EQ(settings.parameters.liquidation.close_all_below, decimal("0"));
    EXPECT_EQ(settings.parameters.liquidation.dust, decimal("0.5"));
    EXPECT_EQ(settings.parameters.liquidation.deadline_s, 300U);
    EXPECT_EQ(settings.admin_socket, "/nonexistent/margrave/run/a.sock");
    EXPECT_EQ(settings.log_level, "debug");
    EXPECT_EQ(settings.log_format, "json");
    EXPECT_EQ(settings.keystore, "/nonexistent/margrave/key.json");
    EXPECT_EQ(settings.password.kind, SecretSource::Kind::kFile);
    EXPECT_EQ(settings.password.name, "/nonexistent/margrave/password");
}

TEST(Load, EveryGivenValueOfAChainArrives) {
    json document = good_config();
    const std::string genesis =
        "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3";
    document["chains"][0].update(json{
        {"genesis", genesis},
        {"start_block", "18446744073709551615"},
        {"finality", {{"mode", "depth"}, {"depth", 12}}},
        {"poll_interval", "250ms"},
        {"rpc_timeout", "1m"},
        {"log_range", 500},
        {"fees", {{"max_fee_gwei", "0.05"}, {"replace_after_blocks", 7}}}});
    document["chains"][1]["finality"] = {{"mode", "safe"}};
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const chains::ChainSettings& chain = loaded.settings.chains.at(0);
    EXPECT_EQ(chain.chain.text(), "eip155:1");
    EXPECT_EQ(chain.endpoints.at(1).name, "b");
    EXPECT_EQ(chain.endpoints.at(1).http, "https://b.internal");
    EXPECT_EQ(to_hex(*chain.genesis), genesis);
    EXPECT_EQ(chain.start_block.value, 18'446'744'073'709'551'615U);
    EXPECT_EQ(chain.finality.mode, chains::FinalityMode::kDepth);
    EXPECT_EQ(chain.finality.depth, 12U);
    EXPECT_EQ(chain.poll_interval, milliseconds(250));
    EXPECT_EQ(chain.rpc_timeout, milliseconds(60'000));
    EXPECT_EQ(chain.log_range, 500U);
    EXPECT_EQ(chain.fees.max_fee_wei, 50'000'000U);
    EXPECT_EQ(chain.fees.replace_after_blocks, 7U);
    EXPECT_EQ(loaded.settings.chains.at(1).finality.mode, chains::FinalityMode::kSafeTag);
    EXPECT_EQ(chain.network, loaded.settings.genesis.network());
}

TEST(Load, OldestFinalBlockIsTheOneAllowedBeyondWhatFinalityTakes) {
    json document = good_config();
    const ChainId first = load_json(document).settings.chains.at(0).chain;
    const ChainId second = load_json(document).settings.chains.at(1).chain;
    EXPECT_EQ(load_json(document).settings.parameters.head_age_limit(first), 600U + 1'200U);
    document["attestation"]["max_head_age"] = "1m";
    document["chains"][0]["finality"] = {{"mode", "safe"}};
    document["chains"][1]["max_head_age"] = "3h";
    margin::Parameters parameters = load_json(document).settings.parameters;
    EXPECT_EQ(parameters.max_head_age_s, 60U);
    EXPECT_EQ(parameters.head_age_limit(first), 60U + 300U);
    EXPECT_EQ(parameters.head_age_limit(second), 10'800U);
    document["chains"][0]["finality"] = {{"mode", "depth"}, {"depth", 12}};
    parameters = load_json(document).settings.parameters;
    EXPECT_EQ(parameters.head_age_limit(first), 60U);
    EXPECT_FALSE(parameters.max_head_age_of.contains(first));
}

TEST(Load, TheGuardLiesInTheDataDirectoryAndKeepsSilentForTwoRounds) {
    json document = good_config();
    GuardSettings guard = load_json(document).settings.guard;
    EXPECT_EQ(guard.dir, load_json(document).settings.data_dir / "guard");
    EXPECT_EQ(guard.mark, load_json(document).settings.data_dir / "guard.mark");
    EXPECT_EQ(guard.silence, std::chrono::seconds(120));
    EXPECT_TRUE(guard.published.empty());
    document["attestation"] = {{"interval", "1s"}};
    EXPECT_EQ(load_json(document).settings.guard.silence, std::chrono::seconds(10));
    document["guard"] = {
        {"dir", "g/here"},
        {"mark", "/mnt/other/mark"},
        {"silence", "3m"},
        {"published", {"https://log.internal/a"}}};
    guard = load_json(document).settings.guard;
    EXPECT_EQ(guard.dir, "/nonexistent/margrave/g/here");
    EXPECT_EQ(guard.mark, "/mnt/other/mark");
    EXPECT_EQ(guard.silence, std::chrono::seconds(180));
    EXPECT_EQ(guard.published, std::vector<std::string>{"https://log.internal/a"});
}

TEST(Load, OnlyTheExactWordsTurnTheSilenceOff) {
    json document = good_config();
    document["guard"] = {{"silence_off", true}};
    EXPECT_TRUE(has_problem(load_json(document).problems, "/guard/silence_off", "the exact words"));
    document["guard"] = {{"silence", "0s"}};
    EXPECT_TRUE(has_problem(load_json(document).problems, "/guard/silence", "1s"));
    document["guard"] = {{"silence_off", no_silence_words()}};
    const Loaded loaded = load_json(document);
    EXPECT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_EQ(loaded.settings.guard.silence, std::chrono::seconds(0));
    EXPECT_TRUE(has_problem(loaded.notes, "/guard/silence_off", "is not noticed"));
}

TEST(Load, TheMarkLiesOutsideOfTheGuard) {
    json document = good_config();
    for (const char* mark : {"data/guard/mark", "data/guard", "data/x/../guard/y/mark"}) {
        document["guard"] = {{"mark", mark}};
        EXPECT_TRUE(has_problem(load_json(document).problems, "/guard/mark", "lies in")) << mark;
    }
    document["guard"] = {{"dir", "data/guard/deep"}, {"mark", "data/guard/mark"}};
    EXPECT_TRUE(load_json(document).problems.empty()) << lines(load_json(document).problems);
}

TEST(Load, SourcesOfAChain) {
    json document = good_config();
    document["chains"][0]["endpoints"][0].update(
        {{"operator", "alpha"},
         {"ws", "wss://a.internal/ws"},
         {"rate", {{"per_second", 50}, {"concurrency", 8}, {"usd_per_million", "1.5"}}}}
    );
    document["chains"][0]["proof"] = "receipts";
    document["chains"][0]["finality"] = {{"mode", "instant"}};
    document["chains"][0]["sequencer"] = {
        {"feed", "0x52908400098527886E0F7030069857D2E4169EE7"}, {"grace", "10m"}};
    document["accept_single_source"] = single_source_words();
    document["chains"][1]["endpoints"].erase(1);
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const chains::ChainSettings& chain = loaded.settings.chains.at(0);
    EXPECT_EQ(operators_of(chain), (std::set<std::string>{"alpha", "b.internal"}));
    EXPECT_EQ(chain.agreement, 2U);
    EXPECT_EQ(chain.endpoints.at(0).ws, "wss://a.internal/ws");
    EXPECT_EQ(chain.endpoints.at(0).rate.per_second, 50U);
    EXPECT_EQ(chain.endpoints.at(0).rate.concurrency, 8U);
    EXPECT_EQ(chain.endpoints.at(0).rate.usd_per_million.to_decimal(), "1.5");
    EXPECT_EQ(chain.endpoints.at(1).rate.concurrency, 4U);
    EXPECT_EQ(chain.proof, chains::ProofMode::kReceipts);
    EXPECT_EQ(chain.finality.mode, chains::FinalityMode::kDepth);
    EXPECT_EQ(chain.finality.depth, 0U);
    ASSERT_TRUE(chain.sequencer.has_value());
    EXPECT_EQ(chain.sequencer->grace_s, 600U);
    // One operator, and the words that accept it: nobody else can agree.
    EXPECT_EQ(loaded.settings.chains.at(1).agreement, 1U);
    EXPECT_EQ(loaded.settings.chains.at(1).proof, chains::ProofMode::kAccumulator);
}

TEST(Load, AssetsAscendByNameAndFormsById) {
    const Settings settings = load_json(good_config()).settings;
    ASSERT_EQ(settings.parameters.assets.size(), 2U);
    EXPECT_EQ(settings.parameters.assets[0].name, "eth");
    EXPECT_EQ(settings.parameters.assets[1].name, "usdc");
    const auto& forms = settings.parameters.assets[1].on;
    EXPECT_TRUE(std::ranges::is_sorted(forms, {}, &margin::AssetOnChain::asset));
    ASSERT_EQ(settings.oracle.size(), 2U);
    EXPECT_EQ(settings.oracle[0].name, "eth");
    EXPECT_EQ(settings.oracle[1].assets.at(0), forms.at(0).asset);
}

TEST(Load, OrderInTheFileDoesNotChangeWhatIsSigned) {
    json other = good_config();
    std::swap(other["assets"][0], other["assets"][1]);
    std::swap(other["assets"][1]["on"][0], other["assets"][1]["on"][1]);
    std::swap(other["network"]["signers"][0], other["network"]["signers"][1]);
    const Settings a = load_json(good_config()).settings;
    const Settings b = load_json(other).settings;
    EXPECT_EQ(a.parameters, b.parameters);
    EXPECT_EQ(a.genesis.network(), b.genesis.network());
}

TEST(Load, ProblemsPointIntoTheFileAndNotIntoTheSortedList) {
    json document = good_config();
    document["assets"][1]["on"][1]["backing"] = "0";
    document["assets"][0]["on"][0]["backing"] = "0";
    const Loaded loaded = load_json(document);
    EXPECT_EQ(loaded.problems.size(), 2U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.problems, "/assets/1/on/1/backing", "above 0"));
    EXPECT_TRUE(has_problem(loaded.problems, "/assets/0/on/0/backing", "above 0"));
}

TEST(Load, EarlyTiersBecomeRawUnits) {
    json document = good_config();
    json& form = document["assets"][0]["on"][1];
    form["early"] =
        json::parse(R"([{"blocks": 2, "up_to": "1.5"}, {"blocks": 12, "up_to": "40"}])");
    form["early_total"] = "100.000001";
    document["assets"][1]["on"][0].update(
        json::parse(R"({"early": [{"blocks": 1, "up_to": "0.5"}], "early_total": "7"})")
    );
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const margin::Parameters& parameters = loaded.settings.parameters;
    const AssetId usdc =
        AssetId::parse("eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48").value();
    const std::vector<margin::EarlyTier> tiers{{2, Amount{1'500'000}}, {12, Amount{40'000'000}}};
    EXPECT_EQ(parameters.find_on(usdc)->early, tiers);
    EXPECT_EQ(parameters.find_on(usdc)->early_total, Amount{100'000'001});
    const AssetId ether = AssetId::native(ChainId::evm(1));
    EXPECT_EQ(parameters.find_on(ether)->early.front().up_to, Amount{500'000'000'000'000'000});
    EXPECT_TRUE(parameters.find_on(AssetId::native(ChainId::evm(10)))->early.empty());
}

TEST(Load, EarlyTierThatFinalityOvertakesIsRefused) {
    json document = good_config();
    document["chains"][0]["finality"] = {{"mode", "depth"}, {"depth", 12}};
    document["assets"][1]["on"][0].update(
        json::parse(R"({"early": [{"blocks": 12, "up_to": "0.5"}], "early_total": "7"})")
    );
    const Loaded loaded = load_json(document);
    ASSERT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(
        loaded.problems, "/assets/1/on/0/early/0/blocks", "a block is final with 12 above it"
    ));
}

TEST(Load, ChainsKnowTheFormsOnThem) {
    const Settings settings = load_json(good_config()).settings;
    const auto& assets = settings.chains.at(1).assets;
    ASSERT_EQ(assets.size(), 2U);
    EXPECT_EQ(assets[0].asset.text(), "eip155:10/slip44:60");
    EXPECT_EQ(assets[0].decimals, 18U);
    EXPECT_EQ(assets[1].decimals, 6U);
}

TEST(Load, SourcesArriveAsTheirKind) {
    const Settings settings = load_json(good_config()).settings;
    const oracle::SourceSettings& feed = settings.oracle.at(0).sources.at(0);
    EXPECT_EQ(feed.name, "feed");
    EXPECT_EQ(feed.kind, "feed");
    EXPECT_EQ(feed.quote, "USD");
    EXPECT_EQ(
        feed.settings.dump(),
        R"({"address":"0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419","chain":"eip155:1"})"
    );
    const oracle::SourceSettings& fixed = settings.oracle.at(1).sources.at(0);
    EXPECT_EQ(fixed.kind, "fixed");
    EXPECT_EQ(fixed.settings.dump(), "\"1\"");
    EXPECT_EQ(settings.oracle.at(0).max_age_s, 4'200U);
    EXPECT_EQ(settings.oracle.at(0).price_min, decimal("100"));
    EXPECT_EQ(settings.oracle.at(0).price_max, decimal("100000"));
}

TEST(Load, NotesSayWhichCollateralPaysNoDebt) {
    json document = good_config();
    document["assets"][0]["on"].erase(0);
    EXPECT_FALSE(has_problem(load_json(document).notes, "/assets/0/on", "")) << "not borrowable";
    document["assets"][0]["borrowable"] = true;
    document["assets"][1]["borrowable"] = true;
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.notes, "/assets/0/on", "usdc has no token on eip155:10"));
    EXPECT_TRUE(has_problem(loaded.notes, "/assets/0/on", "(eth) cannot be sold for a debt in it"));
    EXPECT_FALSE(has_problem(loaded.notes, "/assets/1/on", "")) << lines(loaded.notes);
}

TEST(Load, NotesSayWhatMayBeMeant) {
    json document = good_config();
    document["network"]["threshold"] = 1;
    document["network"]["guardian"] = document["network"]["signers"][0];
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.notes, "/network/guardian", "is a signer too"));
    EXPECT_TRUE(has_problem(loaded.notes, "/network/threshold", "1 of 2 is not more than two"));
    EXPECT_TRUE(has_problem(loaded.notes, "/assets/0/price/sources/0/fixed", "never moves"));
}

TEST(Load, EffectiveIsAConfigWithTheSameMeaning) {
    const Loaded loaded = load_json(good_config());
    const json effective = json::parse(loaded.effective);
    EXPECT_EQ(effective["chains"][0]["poll_interval"], "2s");
    EXPECT_EQ(effective["chains"][0]["start_block"], "0");
    EXPECT_EQ(effective["api"]["admin_socket"], "/nonexistent/margrave/data/admin.sock");
    const Loaded again = load_text(loaded.effective, "/nonexistent/margrave");
    EXPECT_TRUE(again.problems.empty()) << lines(again.problems);
    EXPECT_EQ(again.effective, loaded.effective);
    EXPECT_TRUE(again.defaulted.empty());
    EXPECT_EQ(again.settings.parameters, loaded.settings.parameters);
    for (const std::string& pointer : loaded.defaulted) {
        EXPECT_TRUE(effective.contains(json::json_pointer(pointer))) << pointer;
        EXPECT_FALSE(good_config().contains(json::json_pointer(pointer))) << pointer;
    }
    EXPECT_EQ(json::parse(loaded.written), good_config());
}

TEST(Genesis, DocumentIsCanonicalAndItsHashIsTheNetwork) {
    const Genesis genesis = load_json(good_config()).settings.genesis;
    EXPECT_EQ(
        genesis.document().dump(),
        R"({"exit_silence":"86400","guardian":"0x52908400098527886e0f7030069857d2e4169ee7",)"
        R"("hub":"eip155:1","name":"test","signers":["0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",)"
        R"("0xd1220a0cf47c7b9be7a2e6ba89f429762e7b9adb"],"threshold":"2"})"
    );
    EXPECT_EQ(genesis.network(), keccak256(genesis.document().dump()));
}

TEST(Genesis, EveryMemberChangesTheNetwork) {
    const Genesis genesis = load_json(good_config()).settings.genesis;
    std::vector<Genesis> others(6, genesis);
    others[0].name = "other";
    others[1].hub = ChainId::evm(10);
    others[2].signers.pop_back();
    others[3].threshold = 1;
    others[4].guardian = genesis.signers[0];
    others[5].exit_silence_s += 1;
    for (const Genesis& other : others) {
        EXPECT_NE(other.network(), genesis.network());
    }
}

TEST(Examples, LoadClean) {
    const std::filesystem::path folder =
        std::filesystem::path(MARGRAVE_SOURCE_DIR) / "config" / "examples";
    unsigned count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".json" || entry.path().stem() == "margrave.schema") {
            continue;
        }
        const Loaded loaded = load(entry.path());
        EXPECT_TRUE(loaded.problems.empty()) << entry.path() << "\n" << lines(loaded.problems);
        EXPECT_EQ(loaded.settings.file, entry.path().lexically_normal());
        ++count;
    }
    EXPECT_GE(count, 2U);
}

TEST(LoadToFollow, NeedsNoNetworkNoSignerAndNoPrices) {
    nlohmann::json document = good_config();
    document.erase("network");
    document.erase("signer");
    for (nlohmann::json& asset : document["assets"]) {
        asset.erase("collateral");
        asset.erase("debt");
        asset.erase("price");
    }
    const auto load_for = [&document](Use use) {
        return load_text(document.dump(), "/nonexistent/margrave", use);
    };
    const Loaded followed = load_for(Use::kFollow);
    EXPECT_EQ(lines(followed.problems), "");
    EXPECT_EQ(followed.settings.chains.size(), 2U);
    EXPECT_EQ(followed.settings.parameters.assets.size(), 2U);
    EXPECT_EQ(followed.settings.genesis.network(), Genesis{}.network());
    const std::string missing = lines(load_for(Use::kSign).problems);
    for (const char* pointer :
         {"/network:",
          "/signer:",
          "/assets/0/collateral:",
          "/assets/1/debt:",
          "/assets/1/price:"}) {
        EXPECT_NE(missing.find(pointer), std::string::npos) << pointer << "\n" << missing;
    }
    // What is given is checked all the same.
    document["network"] = {{"name", "test"}};
    EXPECT_NE(lines(load_for(Use::kFollow).problems).find("/network/hub"), std::string::npos);
    document.erase("network");
    document["chains"][0]["endpoints"][0].erase("http");
    EXPECT_FALSE(load_for(Use::kFollow).problems.empty());
}

}  // namespace
}  // namespace margrave::config
