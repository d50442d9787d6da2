// SPDX-License-Identifier: Apache-2.0
#include "attest/tree.hpp"

#include "tests/support/properties.hpp"
#include "tests/unit/attest/samples.hpp"

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

std::vector<Hash32> leaves_of(std::size_t count) {
    std::vector<Hash32> out;
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(keccak256("leaf " + std::to_string(i)));
    }
    return out;
}

TEST(Tree, TheEmptySetHasRootZero) {
    EXPECT_TRUE(MerkleTree{}.root().is_zero());
    EXPECT_TRUE(MerkleTree(std::vector<Hash32>{}).root().is_zero());
    EXPECT_TRUE(price_root({}).is_zero());
}

TEST(Tree, OneLeafIsItsOwnRootAndProvedByNothing) {
    const MerkleTree tree(leaves_of(1));
    EXPECT_EQ(tree.root(), leaves_of(1)[0]);
    EXPECT_TRUE(tree.proof(0).empty());
    EXPECT_TRUE(verify_proof(tree.root(), leaves_of(1)[0], {}));
}

TEST(Tree, EveryProofOfEverySizeVerifiesAndNoOtherLeafPasses) {
    for (std::size_t count = 1; count <= 70; ++count) {
        const std::vector<Hash32> leaves = leaves_of(count);
        const MerkleTree tree(leaves);
        ASSERT_EQ(tree.size(), count);
        for (std::size_t i = 0; i < count; ++i) {
            std::vector<Hash32> proof = tree.proof(i);
            ASSERT_TRUE(verify_proof(tree.root(), leaves[i], proof)) << count << " " << i;
            ASSERT_FALSE(verify_proof(tree.root(), keccak256("other"), proof));
            if (!proof.empty()) {
                proof.back().data[0] ^= 1;
                ASSERT_FALSE(verify_proof(tree.root(), leaves[i], proof));
            }
        }
    }
}

TEST(Tree, ReplacedLeavesGiveTheRootOfATreeBuiltAnew) {
    margrave::tests::check_property(200, [](std::uint16_t seed) {
        const std::size_t count = 1 + seed % 97;
        std::vector<Hash32> leaves = leaves_of(count);
        MerkleTree one_by_one(leaves);
        MerkleTree at_once(leaves);
        const auto picks =
            *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, count));
        std::vector<std::pair<std::size_t, Hash32>> changes;
        for (const std::size_t index : picks) {
            const Hash32 leaf =
                keccak256("new " + std::to_string(index) + " " + std::to_string(changes.size()));
            changes.emplace_back(index, leaf);
            leaves[index] = leaf;
            one_by_one.replace(index, leaf);
        }
        at_once.replace(changes);
        const MerkleTree anew(leaves);
        RC_ASSERT(one_by_one.root() == anew.root());
        RC_ASSERT(at_once.root() == anew.root());
        for (std::size_t i = 0; i < count; ++i) {
            RC_ASSERT(at_once.proof(i) == anew.proof(i));
        }
    });
}

TEST(Tree, AccountTreesAreThoseOfOpenZeppelin) {
    const json vectors = protocol_vectors();
    if (vectors.is_null()) {
        GTEST_SKIP() << "contracts/test/vectors.json is not there";
    }
    std::size_t beyond_money = 0;
    std::size_t rows = 0;
    for (const json& row : vectors["accountTrees"]) {
        std::vector<Hash32> leaves;
        for (const json& leaf : row["leaves"]) {
            leaves.push_back(parse_hash32(leaf["leaf"].get<std::string>()).value());
            const json& value = leaf["value"];
            const auto money = [&value](const char* name) {
                return Money::parse_e18(value[name].get<std::string>());
            };
            ++rows;
            if (!money("equity") || !money("initial") || !money("liquidationEnd")) {
                ++beyond_money;
                continue;
            }
            AccountState state;
            state.account = parse_account(value["account"].get<std::string>()).value();
            state.equity = money("equity").value();
            state.initial = money("initial").value();
            state.liquidation_end = money("liquidationEnd").value();
            state.maintenance = money("maintenance").value();
            state.status = static_cast<Status>(std::stoi(value["status"].get<std::string>()));
            state.flags = static_cast<std::uint32_t>(std::stoul(value["flags"].get<std::string>()));
            state.detail = parse_hash32(value["detail"].get<std::string>()).value();
            EXPECT_EQ(leaf_hash(state), leaves.back());
        }
        const MerkleTree tree(leaves);
        EXPECT_EQ(to_hex(tree.root()), text_of(row["root"])) << row["size"];
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            const std::vector<Hash32> proof = tree.proof(i);
            ASSERT_EQ(proof.size(), row["leaves"][i]["proof"].size());
            for (std::size_t k = 0; k < proof.size(); ++k) {
                EXPECT_EQ(to_hex(proof[k]), text_of(row["leaves"][i]["proof"][k]));
            }
        }
    }
    EXPECT_GT(rows, 2 * beyond_money);
}

TEST(Tree, ThePriceTreeIsThatOfOpenZeppelin) {
    const json vectors = protocol_vectors();
    if (vectors.is_null()) {
        GTEST_SKIP() << "contracts/test/vectors.json is not there";
    }
    std::vector<Hash32> leaves;
    for (const json& leaf : vectors["priceTree"]["leaves"]) {
        leaves.push_back(parse_hash32(leaf["leaf"].get<std::string>()).value());
        EXPECT_EQ(
            keccak256(keccak256(parse_hex(leaf["encoded"].get<std::string>()).value()).view()),
            leaves.back()
        );
    }
    EXPECT_EQ(to_hex(MerkleTree(leaves).root()), text_of(vectors["priceTree"]["root"]));
}

TEST(Tree, PriceRowsAreHashedInTheOrderOfTheProtocol) {
    const std::vector<PriceRow> rows = price_rows(1'700'000'000);
    std::vector<Hash32> leaves;
    for (const PriceRow& row : rows) {
        Bytes words;
        put_bytes(words, row.asset.key().view());
        put_bytes(words, row.price.to_word().view());
        put_bytes(words, row.confidence.to_word().view());
        put_bytes(words, Amount(row.published_at.value).to_word().view());
        put_bytes(words, Amount(static_cast<std::uint64_t>(row.verdict)).to_word().view());
        put_bytes(words, row.sources.view());
        leaves.push_back(keccak256(keccak256(words).view()));
        EXPECT_EQ(leaf_hash(row), leaves.back());
    }
    EXPECT_EQ(price_root(rows), MerkleTree(leaves).root());
}

TEST(TreeDeathTest, PricesOutOfOrderStopTheProcess) {
    std::vector<PriceRow> rows = price_rows(1);
    std::swap(rows[0], rows[1]);
    EXPECT_DEATH((void)price_root(rows), "asset");
    EXPECT_DEATH((void)MerkleTree(leaves_of(3)).proof(3), "index");
}

}  // namespace
}  // namespace margrave::attest
