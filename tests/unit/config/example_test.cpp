// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

namespace margrave::config {
namespace {

const std::vector<ChainId> kTwo = {ChainId::evm(1), ChainId::evm(8453)};

Address signer(std::uint8_t last) {
    Address out;
    out.data[19] = last;
    return out;
}

ExampleOptions complete() {
    ExampleOptions out;
    out.signers = {signer(1)};
    for (const ChainId& chain : kTwo) {
        out.endpoints[chain] = {"https://a.internal", "https://b.internal"};
    }
    return out;
}

TEST(ExampleConfig, IsCleanWhenTheOperatorSaidEverything) {
    const Loaded loaded = load_text(example_config(kTwo, "key.json", complete()), "/nonexistent");
    EXPECT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_EQ(loaded.settings.genesis.hub, ChainId::evm(1));
    EXPECT_EQ(loaded.settings.genesis.guardian, signer(1));
    EXPECT_EQ(loaded.settings.keystore, "/nonexistent/key.json");
    EXPECT_EQ(loaded.settings.password.kind, SecretSource::Kind::kCredential);
}

TEST(ExampleConfig, OtherwiseEveryProblemIsAPlaceholder) {
    const Loaded loaded = load_text(example_config(kTwo, "key.json"), "/nonexistent");
    EXPECT_EQ(loaded.problems.size(), 6U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.problems, "/network/signers", "`margrave keys list`"));
    EXPECT_TRUE(has_problem(loaded.problems, "/network/guardian", "put the real one here"));
    for (const char* place :
         {"/chains/0/endpoints/0/http",
          "/chains/0/endpoints/1/http",
          "/chains/1/endpoints/0/http",
          "/chains/1/endpoints/1/http"}) {
        EXPECT_TRUE(has_problem(loaded.problems, place, "is a placeholder; put the URL")) << place;
    }
}

TEST(ExampleConfig, UnknownChainsAskForAFeed) {
    ExampleOptions options;
    options.signers = {signer(1)};
    options.endpoints[ChainId::evm(777)] = {"https://a.internal", "https://b.internal"};
    const Loaded loaded =
        load_text(example_config({ChainId::evm(777)}, "key.json", options), "/nonexistent");
    EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(
        loaded.problems, "/assets/0/price/sources/0/feed/address", "put the real one here"
    ));
}

TEST(ExampleConfig, DevelopmentChainsHaveAFixedPrice) {
    ExampleOptions options;
    options.signers = {signer(1)};
    options.accept_single_source = true;
    options.password_file = "pw";
    const std::vector<ChainId> chains = {ChainId::evm(31337), ChainId::evm(31338)};
    options.endpoints[chains[0]] = {"http://127.0.0.1:8545"};
    options.endpoints[chains[1]] = {"http://127.0.0.1:8546"};
    const Loaded loaded = load_text(example_config(chains, "key.json", options), "/nonexistent");
    EXPECT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.notes, "/assets/0/price/sources/0/fixed", "never moves"));
    EXPECT_EQ(loaded.settings.password.name, "/nonexistent/pw");
}

TEST(ExampleConfig, ThresholdIsMoreThanTwoThirds) {
    const std::vector<std::uint64_t> expected = {1, 2, 3, 3, 4, 5, 5};
    for (std::size_t count = 1; count <= expected.size(); ++count) {
        ExampleOptions options = complete();
        options.signers.clear();
        for (std::size_t i = 1; i <= count; ++i) {
            options.signers.push_back(signer(static_cast<std::uint8_t>(i)));
        }
        const Loaded loaded = load_text(example_config(kTwo, "k", options), "/nonexistent");
        EXPECT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
        EXPECT_EQ(loaded.settings.genesis.threshold, expected[count - 1]) << count;
        EXPECT_FALSE(has_problem(loaded.notes, "/network/threshold", ""));
    }
}

TEST(ChainNames, AreShortNamesOrCaip2) {
    EXPECT_EQ(parse_chain_name("ethereum").value(), ChainId::evm(1));
    EXPECT_EQ(parse_chain_name("base").value(), ChainId::evm(8453));
    EXPECT_EQ(parse_chain_name("eip155:5").value(), ChainId::evm(5));
    for (const char* text : {"", "etherium", "solana:main", "1", "eip155:01"}) {
        const Result<ChainId> chain = parse_chain_name(text);
        ASSERT_FALSE(chain) << text;
        EXPECT_EQ(chain.error().code, Errc::kUsage);
        EXPECT_NE(chain.error().detail.find("ethereum, optimism"), std::string::npos);
    }
}

}  // namespace
}  // namespace margrave::config
