// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/abi.hpp"
#include "tests/integration/contract_calls.hpp"
#include "tests/integration/price_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

// A stable pool of Balancer v2, of the artifacts that it published: whoever holds its shares reads
// what one is worth by getRate(), which other pools take for their rate provider.
namespace margrave::tests {
namespace {

using chains::evm::abi::Value;
using oracle::Answer;
using Values = PriceWorld::Values;

Value number(std::uint64_t value) {
    return Value(value);
}

Value many(std::string_view digits) {
    return Value(Amount::parse(digits).value());
}

class BalancerPool : public ::testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        world = std::make_unique<PriceWorld>();
        for (const char* name : {"A", "B"}) {
            tokens.push_back(world->create(
                "LocalToken",
                "(string,string,uint8)",
                {Value(to_bytes(name)), Value(to_bytes(name)), number(18)}
            ));
        }
        std::ranges::sort(tokens);
        const Address authorizer =
            balancer("20210418-authorizer/artifact/Authorizer", "(address)", {Value(me())});
        vault = balancer(
            "20210418-vault/artifact/Vault",
            "(address,address,uint256,uint256)",
            {Value(authorizer), Value(tokens[0]), number(0), number(0)}
        );
        const Address fees = balancer(
            "20220725-protocol-fee-percentages-provider/artifact/ProtocolFeePercentagesProvider",
            "(address,uint256,uint256)",
            {Value(vault), many(kOne), many(kOne)}
        );
        make_pool(fees);
        for (const Address& token : tokens) {
            world->send(token, "mint(address,uint256)", {Value(me()), many(kMillion)});
            world->send(token, "mint(address,uint256)", {Value(me()), many(kMillion)});
            world->send(token, "approve(address,uint256)", {Value(vault), Value(Amount::max())});
        }
    }

    static constexpr std::string_view kOne = "1000000000000000000";
    static constexpr std::string_view kMillion = "1000000000000000000000000";
    static constexpr std::string_view kPercent = "10000000000000000";
    // 2^112 - 1: the vault counts balances in 112 bits.
    static constexpr std::string_view kMost = "5192296858534827628530496329220095";

    [[nodiscard]] const Address& me() const { return world->person(); }

    [[nodiscard]] Address balancer(
        const std::string& task, std::string_view constructor, const Values& arguments
    ) const {
        const auto file =
            PriceWorld::package("@balancer-labs/v2-deployments/dist/tasks/" + task + ".json");
        return world->create(PriceWorld::bytecode(file), constructor, arguments);
    }

    // Of both tokens, one percent to swap, no fee of the protocol.
    void make_pool(const Address& fees) {
        const Values both{Value(tokens[0]), Value(tokens[1])};
        const Values nobody{Value(Address{}), Value(Address{})};
        const Values none{number(0), number(0)};
        const Values parameters{
            Value(vault),
            Value(fees),
            Value(to_bytes("Pool")),
            Value(to_bytes("P")),
            Value(both),
            Value(nobody),
            Value(none),
            Value(none),
            number(100),
            many(kPercent),
            number(0),
            number(0),
            Value(me()),
            Value(to_bytes("1"))};
        pool = balancer(
            "20230206-composable-stable-pool-v3/artifact/ComposableStablePool",
            "((address,address,string,string,address[],address[],uint256[],bool[],uint256,uint256,"
            "uint256,uint256,address,string))",
            {Value(parameters)}
        );
        id = ByteReader(world->read(pool, "getPoolId()", {})).hash32().value();
    }

    // A million of each. The pool counts its own shares among its tokens.
    void join() const {
        std::vector<Address> order{tokens[0], tokens[1], pool};
        std::ranges::sort(order);
        Values assets;
        Values most;
        Values amounts;
        for (const Address& asset : order) {
            assets.emplace_back(asset);
            most.push_back(many(kMost));
            amounts.push_back(asset == pool ? number(0) : many(kMillion));
        }
        const auto type = chains::evm::abi::parse_type("(uint256,uint256[])").value();
        const Values how{number(0), Value(amounts)};
        const Bytes data = chains::evm::abi::encode(type, Value(how)).value();
        const Values request{Value(assets), Value(most), Value(data), number(0)};
        world->send(
            vault,
            "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))",
            {Value(id), Value(me()), Value(me()), Value(request)}
        );
    }

    void swap() const {
        const Values what{
            Value(id),
            number(0),
            Value(tokens[0]),
            Value(tokens[1]),
            many("100000000000000000000000"),
            Value(Bytes{})};
        const Values funds{Value(me()), number(0), Value(me()), number(0)};
        world->send(
            vault,
            "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),"
            "uint256,uint256)",
            {Value(what), Value(funds), number(0), Value(Amount::max())}
        );
    }

    std::unique_ptr<PriceWorld> world;
    std::vector<Address> tokens;
    Address vault;
    Address pool;
    Hash32 id;
};

TEST_F(BalancerPool, AShareIsWorthWhatGetRateSays) {
    const auto rate = world->source("rate", {{"address", to_hex(pool)}});
    const Answer empty = world->ask(*rate);
    EXPECT_FALSE(empty.price.has_value());
    // Balancer's division by zero.
    EXPECT_NE(empty.error.find("BAL#004"), std::string::npos) << empty.error;
    EXPECT_FALSE(world->probe(*rate));
    join();
    EXPECT_TRUE(world->probe(*rate).has_value());
    EXPECT_EQ(world->ask(*rate).price, Money::whole(1));
    // Who swaps pays those who hold shares.
    swap();
    const Answer grown = world->ask(*rate);
    ASSERT_TRUE(grown.price.has_value()) << grown.error;
    EXPECT_GT(*grown.price, Money::parse("1.0004").value());
    EXPECT_LT(*grown.price, Money::parse("1.0006").value());
    const Hash32 word = ByteReader(world->read(pool, "getRate()", {})).hash32().value();
    EXPECT_EQ(grown.price->to_string_e18(), Amount::from_word(word).to_string());
    EXPECT_EQ(grown.published_at, world->head().time);
}

}  // namespace
}  // namespace margrave::tests
