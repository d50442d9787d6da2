// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/watch_world.hpp"

#include <gtest/gtest.h>

// Each preset against the real bytecode of what it watches, and the ledger against balances that
// are read from the chain.
namespace margrave::tests {
namespace {

using chains::WatchPreset;
using chains::WatchSettings;
using chains::evm::abi::Value;

constexpr std::uint64_t kUsd = 1'000'000;

class WatchOnAnvil : public testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        world_ = std::make_unique<WatchWorld>();
        token_ = world_->create(
            "LocalToken",
            "(string,string,uint8)",
            {Value(to_bytes("Dollar")), Value(to_bytes("USD")), Value(std::uint64_t{6})}
        );
        world_->define(token_, 6);
        world_->define(Address{}, 18);
        for (std::size_t i = 0; i < 4; ++i) {
            world_->send(
                person(0),
                token_,
                "mint(address,uint256)",
                {Value(person(i)), Value(std::uint64_t{1'000'000} * kUsd)}
            );
        }
    }

    void TearDown() override {
        if (world_ != nullptr) {
            const auto verified = world_->ledger().verify();
            EXPECT_TRUE(verified.has_value()) << verified.error().detail;
        }
    }

    [[nodiscard]] Address person(std::size_t index) const { return world_->person(index); }

    void transfer(const Address& from, const Address& to, std::uint64_t amount) {
        world_->send(from, token_, "transfer(address,uint256)", {Value(to), Value(amount)});
    }

    void approve(const Address& from, const Address& token, const Address& spender) {
        const Value all(Amount(std::uint64_t{1} << 63U));
        world_->send(from, token, "approve(address,uint256)", {Value(spender), all});
    }

    std::unique_ptr<WatchWorld> world_;
    Address token_;
};

TEST_F(WatchOnAnvil, Erc20CustodyIsWhatTheTokenSays) {
    const Address custody = person(3);
    WatchSettings settings;
    settings.name = "custody";
    settings.preset = WatchPreset::kErc20Custody;
    settings.contract = token_;
    settings.custody = custody;
    world_->watch({settings});
    world_->follow();
    const Amount before = world_->balance_of(token_, custody);
    transfer(person(1), custody, 500);
    transfer(person(2), custody, 70);
    transfer(person(1), person(2), 9'999);
    transfer(custody, person(1), 120);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), token_).mapped, Amount(380));
    EXPECT_EQ(world_->holding(person(2), token_).mapped, Amount(70));
    EXPECT_EQ(world_->holding(person(1), token_).book, Amount{});
    const Amount now = world_->balance_of(token_, custody);
    EXPECT_EQ(world_->custody("custody", token_), sub_or_zero(now, before));
    EXPECT_EQ(world_->mapped_events(), 3U);
    EXPECT_GT(world_->blocks_skipped(), 0U);

    // The last two blocks never were: only the two deposits remain.
    world_->reorg(2);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), token_).mapped, Amount(500));
    EXPECT_EQ(
        world_->custody("custody", token_), sub_or_zero(world_->balance_of(token_, custody), before)
    );
}

TEST_F(WatchOnAnvil, NativeCustodyIsWhatTransactionsMoved) {
    const Address custody = person(3);
    WatchSettings settings;
    settings.name = "coins";
    settings.preset = WatchPreset::kNativeCustody;
    settings.custody = custody;
    world_->watch({settings});
    world_->follow();
    const Amount before = world_->balance_of(Address{}, custody);
    world_->pay(person(1), custody, 5'000);
    world_->pay(person(2), custody, 300);
    world_->pay(person(1), person(2), 77);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), Address{}).mapped, Amount(5'000));
    EXPECT_EQ(world_->holding(person(2), Address{}).mapped, Amount(300));
    const Amount now = world_->balance_of(Address{}, custody);
    EXPECT_EQ(world_->custody("coins", Address{}), sub_or_zero(now, before));
    world_->pay(custody, person(1), 1'000);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), Address{}).mapped, Amount(4'000));
}

TEST_F(WatchOnAnvil, Erc4626IsWhatEachOwnerCouldWithdraw) {
    const Address shares = world_->create(
        "LocalShares",
        "(address,string,string)",
        {Value(token_), Value(to_bytes("Shares")), Value(to_bytes("SHR"))}
    );
    WatchSettings settings;
    settings.name = "shares";
    settings.preset = WatchPreset::kErc4626;
    settings.contract = shares;
    settings.token = token_;
    world_->watch({settings});
    const auto could = [&](std::size_t i) {
        return Amount::from_word(world_->read(shares, "maxWithdraw(address)", {Value(person(i))}));
    };
    const auto expect_equal = [&] {
        for (std::size_t i = 1; i <= 3; ++i) {
            EXPECT_EQ(world_->holding(person(i), token_).mapped, could(i)) << i;
            EXPECT_EQ(world_->holding(person(i), token_).debt, Amount{}) << i;
        }
    };
    for (std::size_t i = 1; i <= 2; ++i) {
        approve(person(i), token_, shares);
        const Value amount(std::uint64_t{1'000} * i * kUsd);
        world_->send(person(i), shares, "deposit(uint256,address)", {amount, Value(person(i))});
    }
    world_->follow();
    expect_equal();
    // Shares change hands without a deposit.
    const Value part(std::uint64_t{400} * kUsd);
    world_->send(person(1), shares, "transfer(address,uint256)", {Value(person(3)), part});
    world_->follow();
    expect_equal();
    EXPECT_FALSE(could(3).is_zero());
    // A yield that no event tells: what is out of date is seen when all are read again.
    transfer(person(0), shares, 333 * kUsd);
    world_->follow();
    EXPECT_LT(world_->holding(person(1), token_).mapped, could(1));
    world_->follow_all_readings();
    expect_equal();
    // All of it goes out, with what was gained.
    const Value all(could(2));
    world_->send(
        person(2),
        shares,
        "withdraw(uint256,address,address)",
        {all, Value(person(2)), Value(person(2))}
    );
    world_->follow();
    EXPECT_EQ(world_->holding(person(2), token_).mapped, could(2));
    EXPECT_EQ(world_->holding(person(2), token_).debt, Amount{});
    // Rounding left a unit to those who stayed.
    world_->follow_all_readings();
    expect_equal();
}

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
