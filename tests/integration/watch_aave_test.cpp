// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/watch_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::tests {
namespace {

using chains::WatchPreset;
using chains::WatchSettings;
using chains::evm::abi::Value;

// Aave's own artifacts of its npm package, deployed as its deployment does.
class AaveOnAnvil : public WatchOnAnvil {
  protected:
    void SetUp() override {
        WatchOnAnvil::SetUp();
        if (world_ == nullptr) {
            return;
        }
        if (!std::filesystem::exists(root())) {
            world_.reset();
            GTEST_SKIP() << "there is no @aave/core-v3: run npm ci in contracts";
        }
        wrapped_ = world_->create(
            "LocalToken",
            "(string,string,uint8)",
            {Value(to_bytes("Wrapped")), Value(to_bytes("WETH")), Value(std::uint64_t{18})}
        );
        world_->define(wrapped_, 18);
        deploy_pool();
        usd_ = add_reserve(token_, 6, 100'000'000);
        eth_ = add_reserve(wrapped_, 18, 200'000'000'000);
        world_->watch({watch_of("aave-usd", token_, usd_), watch_of("aave-eth", wrapped_, eth_)});
    }

    struct Reserve {
        Address balance;
        Address stable_debt;
        Address debt;
    };

    static std::filesystem::path root() {
        return std::filesystem::path(MARGRAVE_SOURCE_DIR) / "contracts" / "node_modules" / "@aave" /
               "core-v3" / "artifacts" / "contracts";
    }

    Address aave(
        const std::string& place,
        std::string_view constructor = "",
        const WatchWorld::Values& arguments = {},
        const WatchWorld::Links& links = {}
    ) {
        const std::string name = place.substr(place.rfind('/') + 1);
        const auto file = root() / (place + ".sol") / (name + ".json");
        return world_->create(WatchWorld::bytecode(file, links), constructor, arguments);
    }

    Address get(const Address& from, std::string_view call) {
        return low_address(world_->read(from, call, {}));
    }

    void order(const Address& to, std::string_view call, const WatchWorld::Values& values) {
        world_->send(person(0), to, call, values);
    }

    void deploy_pool() {
        const std::string logic = "protocol/libraries/logic/";
        WatchWorld::Links links;
        for (const char* name :
             {"SupplyLogic",
              "BorrowLogic",
              "LiquidationLogic",
              "EModeLogic",
              "BridgeLogic",
              "PoolLogic",
              "ConfiguratorLogic"}) {
            links[name] = aave(logic + name);
        }
        links["FlashLoanLogic"] = aave(logic + "FlashLoanLogic", "", {}, links);
        provider_ = aave(
            "protocol/configuration/PoolAddressesProvider",
            "(string,address)",
            {Value(to_bytes("test")), Value(person(0))}
        );
        const Value provider(provider_);
        order(provider_, "setACLAdmin(address)", {Value(person(0))});
        const Address acl = aave("protocol/configuration/ACLManager", "(address)", {provider});
        order(provider_, "setACLManager(address)", {Value(acl)});
        order(acl, "addPoolAdmin(address)", {Value(person(0))});
        oracle_ = aave("mocks/oracle/PriceOracle");
        order(provider_, "setPriceOracle(address)", {Value(oracle_)});
        const Address pool = aave("protocol/pool/Pool", "(address)", {provider}, links);
        order(provider_, "setPoolImpl(address)", {Value(pool)});
        const Address configurator = aave("protocol/pool/PoolConfigurator", "", {}, links);
        order(provider_, "setPoolConfiguratorImpl(address)", {Value(configurator)});
        pool_ = get(provider_, "getPool()");
        configurator_ = get(provider_, "getPoolConfigurator()");
        data_ = aave("misc/AaveProtocolDataProvider", "(address)", {provider});
        order(provider_, "setPoolDataProvider(address)", {Value(data_)});
        a_token_ = aave("protocol/tokenization/AToken", "(address)", {Value(pool_)});
        stable_ = aave("protocol/tokenization/StableDebtToken", "(address)", {Value(pool_)});
        variable_ = aave("protocol/tokenization/VariableDebtToken", "(address)", {Value(pool_)});
        const auto ray = [](std::uint64_t percent) {
            // A ray is 1e27.
            return Value(Amount::parse(std::to_string(percent) + std::string(25, '0')).value());
        };
        strategy_ = aave(
            "protocol/pool/DefaultReserveInterestRateStrategy",
            "(address,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256)",
            {provider, ray(80), ray(1), ray(4), ray(75), ray(5), ray(75), ray(1), ray(8), ray(20)}
        );
    }

    Reserve add_reserve(const Address& token, std::uint64_t decimals, std::uint64_t price) {
        const Value text(to_bytes("name"));
        const Value row(WatchWorld::Values{
            Value(a_token_),
            Value(stable_),
            Value(variable_),
            Value(decimals),
            Value(strategy_),
            Value(token),
            Value(person(0)),
            Value(Address{}),
            text,
            text,
            text,
            text,
            text,
            text,
            Value(Bytes{0x10})});
        order(
            configurator_,
            "initReserves((address,address,address,uint8,address,address,address,address,string,"
            "string,string,string,string,string,bytes)[])",
            {Value(WatchWorld::Values{row})}
        );
        const Value asset(token);
        order(oracle_, "setAssetPrice(address,uint256)", {asset, Value(price)});
        order(
            configurator_,
            "configureReserveAsCollateral(address,uint256,uint256,uint256)",
            {asset,
             Value(std::uint64_t{8'000}),
             Value(std::uint64_t{8'500}),
             Value(std::uint64_t{10'500})}
        );
        // A bool is a word like any other.
        order(
            configurator_, "setReserveBorrowing(address,bool)", {asset, Value(Amount(1).to_word())}
        );
        const auto token_of = [&](std::string_view kind) {
            return low_address(world_->read(data_, kind, {asset}));
        };
        Reserve out;
        out.balance = token_of("getReserveTokensAddresses(address)");
        const Hash32 debt =
            world_->read_word(data_, "getReserveTokensAddresses(address)", {asset}, 2);
        out.debt = low_address(debt);
        out.stable_debt =
            low_address(world_->read_word(data_, "getReserveTokensAddresses(address)", {asset}, 1));
        return out;
    }

    WatchSettings watch_of(std::string name, const Address& token, const Reserve& reserve) const {
        WatchSettings out;
        out.name = std::move(name);
        out.preset = WatchPreset::kAaveV3Pool;
        out.contract = pool_;
        out.token = token;
        out.balance_token = reserve.balance;
        out.debt_token = reserve.debt;
        out.stable_debt_token = reserve.stable_debt;
        return out;
    }

    void supply(std::size_t who, const Address& token, const Amount& amount) {
        approve_all(who, token);
        world_->send(
            person(who),
            pool_,
            "supply(address,uint256,address,uint16)",
            {Value(token), Value(amount), Value(person(who)), Value(std::uint64_t{0})}
        );
    }

    void approve_all(std::size_t who, const Address& token) {
        Hash32 most;
        most.data.fill(0xff);
        world_->send(person(who), token, "approve(address,uint256)", {Value(pool_), Value(most)});
    }

    void expect_equal() {
        for (std::size_t i = 0; i <= 3; ++i) {
            for (const auto& [token, reserve] : {std::pair{token_, usd_}, {wrapped_, eth_}}) {
                const Holding row = world_->holding(person(i), token);
                EXPECT_EQ(row.mapped, world_->balance_of(reserve.balance, person(i))) << i;
                EXPECT_EQ(row.mapped_debt, world_->balance_of(reserve.debt, person(i))) << i;
            }
        }
    }

    Address wrapped_;
    Address provider_;
    Address pool_;
    Address configurator_;
    Address data_;
    Address oracle_;
    Address a_token_;
    Address stable_;
    Address variable_;
    Address strategy_;
    Reserve usd_;
    Reserve eth_;
};

TEST_F(AaveOnAnvil, SupplyBorrowRepayWithdrawAndInterestAreWhatThePoolSays) {
    const Amount ether = Amount::parse("10000000000000000000").value();
    world_->send(person(0), wrapped_, "mint(address,uint256)", {Value(person(2)), Value(ether)});
    supply(1, token_, Amount(100'000 * kUsd));
    supply(2, wrapped_, ether);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), token_).mapped, Amount(100'000 * kUsd));
    world_->send(
        person(2),
        pool_,
        "borrow(address,uint256,uint256,uint16,address)",
        {Value(token_),
         Value(10'000 * kUsd),
         Value(std::uint64_t{2}),
         Value(std::uint64_t{0}),
         Value(person(2))}
    );
    world_->follow();
    expect_equal();
    EXPECT_EQ(world_->holding(person(2), token_).mapped_debt, Amount(10'000 * kUsd));
    EXPECT_EQ(world_->mapped_events(), 3U);

    // A year: interest that no event tells.
    world_->mine(10, 3'153'600);
    world_->follow_all_readings();
    expect_equal();
    EXPECT_GT(world_->holding(person(2), token_).mapped_debt, Amount(10'000 * kUsd));
    EXPECT_GT(world_->holding(person(1), token_).mapped, Amount(100'000 * kUsd));

    approve_all(2, token_);
    world_->send(
        person(2),
        pool_,
        "repay(address,uint256,uint256,address)",
        {Value(token_), Value(4'000 * kUsd), Value(std::uint64_t{2}), Value(person(2))}
    );
    world_->send(
        person(1),
        pool_,
        "withdraw(address,uint256,address)",
        {Value(token_), Value(60'000 * kUsd), Value(person(1))}
    );
    // aTokens change hands without an event of the pool.
    world_->send(
        person(1),
        usd_.balance,
        "transfer(address,uint256)",
        {Value(person(3)), Value(1'000 * kUsd)}
    );
    world_->follow_all_readings();
    expect_equal();
    EXPECT_GE(world_->holding(person(3), token_).mapped, Amount(1'000 * kUsd));

    // All that is owed, with interest that the ledger has not heard of.
    Hash32 most;
    most.data.fill(0xff);
    world_->mine(3, 100'000);
    world_->send(
        person(2),
        pool_,
        "repay(address,uint256,uint256,address)",
        {Value(token_), Value(most), Value(std::uint64_t{2}), Value(person(2))}
    );
    world_->follow();
    EXPECT_EQ(world_->holding(person(2), token_).debt, Amount{});
    EXPECT_EQ(world_->holding(person(2), token_).mapped, Amount{});
    world_->follow_all_readings();
    expect_equal();
}

// What loans of our own pool cost follows a market of other people.
TEST_F(AaveOnAnvil, LoansOfOurPoolMayCostWhatThePoolTellsWithEveryChange) {
    chains::WatchEventSettings event;
    event.event =
        "event ReserveDataUpdated(address indexed reserve, uint256 liquidityRate, uint256 "
        "stableBorrowRate, uint256 variableBorrowRate, uint256 liquidityIndex, uint256 "
        "variableBorrowIndex)";
    event.meaning = chains::Meaning::kRate;
    event.token = "reserve";
    event.rate = "variableBorrowRate";
    event.from_block = BlockNum{};
    WatchSettings rates;
    rates.name = "rates";
    rates.contract = pool_;
    rates.events.push_back(event);
    world_->watch({rates});
    const auto ledgers = world_->ledger().ledgers();
    const auto at = std::ranges::find(ledgers, token_, [](const store::LedgerDefinition& row) {
        return row.asset.token();
    });
    ASSERT_NE(at, ledgers.end());
    const auto index = [&] {
        const ChainId& chain = at->asset.chain();
        const BlockNum head = world_->ledger().chain_state(chain).head->number;
        return world_->ledger().interest(at->id, head).value();
    };
    const auto told = [&] {
        constexpr std::size_t kVariableBorrowRate = 4;
        return Amount::from_word(world_->read_word(
            pool_, "getReserveData(address)", {Value(token_)}, kVariableBorrowRate
        ));
    };
    const Amount ether = Amount::parse("10000000000000000000").value();
    world_->send(person(0), wrapped_, "mint(address,uint256)", {Value(person(2)), Value(ether)});
    supply(1, token_, Amount(100'000 * kUsd));
    supply(2, wrapped_, ether);
    world_->follow();
    // Nobody owes anything there: the base rate.
    ASSERT_TRUE(index().has_value());
    EXPECT_EQ(index()->rate, told());
    const InterestIndex base = *index();
    world_->send(
        person(2),
        pool_,
        "borrow(address,uint256,uint256,uint16,address)",
        {Value(token_),
         Value(10'000 * kUsd),
         Value(std::uint64_t{2}),
         Value(std::uint64_t{0}),
         Value(person(2))}
    );
    world_->follow();
    EXPECT_EQ(index()->rate, told());
    EXPECT_GT(index()->rate, base.rate);
    world_->mine(10, 3'153'600);
    world_->follow();
    // Theirs is compounded by the second, ours from telling to telling.
    const Amount theirs = Amount::from_word(
        world_->read(pool_, "getReserveNormalizedVariableDebt(address)", {Value(token_)})
    );
    EXPECT_LE(index()->value, theirs);
    EXPECT_GT(index()->value, base.value);
    world_->reorg(11);
    world_->follow();
    EXPECT_EQ(index()->rate, base.rate);
    EXPECT_EQ(index()->rate, told());
    const auto verified = world_->ledger().verify();
    EXPECT_TRUE(verified.has_value()) << verified.error().detail;
}

TEST_F(AaveOnAnvil, ALiquidationTakesCollateralAndDebtOfTheOneWhoWasLiquidated) {
    const Amount ether = Amount::parse("10000000000000000000").value();
    world_->send(person(0), wrapped_, "mint(address,uint256)", {Value(person(2)), Value(ether)});
    supply(1, token_, Amount(100'000 * kUsd));
    supply(2, wrapped_, ether);
    world_->send(
        person(2),
        pool_,
        "borrow(address,uint256,uint256,uint16,address)",
        {Value(token_),
         Value(15'000 * kUsd),
         Value(std::uint64_t{2}),
         Value(std::uint64_t{0}),
         Value(person(2))}
    );
    world_->follow();
    // 10 x 1700 x 0.85 is less than 15 000.
    order(
        oracle_,
        "setAssetPrice(address,uint256)",
        {Value(wrapped_), Value(std::uint64_t{170'000'000'000})}
    );
    approve_all(3, token_);
    const std::uint64_t before = world_->mapped_events();
    world_->send(
        person(3),
        pool_,
        "liquidationCall(address,address,address,uint256,bool)",
        {Value(wrapped_),
         Value(token_),
         Value(person(2)),
         Value(5'000 * kUsd),
         Value(Amount(1).to_word())}
    );
    world_->follow();
    EXPECT_EQ(world_->mapped_events() - before, 2U) << "collateral lost and debt paid";
    world_->follow_all_readings();
    expect_equal();
    EXPECT_LT(world_->holding(person(2), wrapped_).mapped, ether);
    // The liquidator took aTokens.
    EXPECT_GT(world_->holding(person(3), wrapped_).mapped, Amount{});
    EXPECT_LT(world_->holding(person(2), token_).mapped_debt, Amount(10'001 * kUsd));
}

}  // namespace
}  // namespace margrave::tests
