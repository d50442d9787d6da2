// SPDX-License-Identifier: Apache-2.0
#include "store/detail/schema.hpp"

#include "store/detail/records.hpp"
#include "store/inspect.hpp"
#include "tests/unit/store/fixture.hpp"

#include <array>
#include <cstdlib>

namespace margrave::store::test {
namespace {

using detail::Cf;
using detail::Migration;
using detail::OpenPlan;
using detail::SchemaVersion;

namespace fs = std::filesystem;

const AccountId kAlice = account(1);

constexpr SchemaVersion kNext{detail::kSchemaNow.major + 1, 0};
constexpr std::uint8_t kSteps = 3;

// Fails from this step on, as a full disk would; no step does while it is kSteps or more.
std::uint8_t g_fail_at = kSteps;

// What a migration of tests does: a row for each of three steps.
Result<std::optional<Bytes>> three_steps(
    const Database::Impl& db, ByteView cursor, rocksdb::WriteBatch& batch
) {
    const std::uint8_t step = cursor.empty() ? 0 : cursor.front();
    if (step >= g_fail_at) {
        return fail(Errc::kStore, "no space left");
    }
    db.put(batch, Cf::kMeta, Bytes{'t', step}, Bytes{step});
    const auto next = static_cast<std::uint8_t>(step + 1);
    return next == kSteps ? std::optional<Bytes>{} : std::optional<Bytes>{Bytes{next}};
}

class Schema : public LedgerTest {
  protected:
    Schema() {
        g_fail_at = kSteps;
        block({deposit(kAlice, usd(), 100)});
        plan_.schema = kNext;
        plan_.oldest = detail::kSchemaNow;
        plan_.migrations = migrations_;
        store_.close();
    }

    [[nodiscard]] auto open(bool read_only = false) const {
        return Database::Impl::open({dir_.path(), network(), read_only}, plan_);
    }

    void expect_migrated() {
        const auto db = STORE_OK(open());
        EXPECT_EQ(STORE_OK(detail::read_schema(db->impl())), kNext);
        for (std::uint8_t i = 0; i < kSteps; ++i) {
            EXPECT_TRUE(STORE_OK(db->impl().get(Cf::kMeta, Bytes{'t', i})));
        }
        EXPECT_DONE(Ledger(*db).verify());
    }

    [[nodiscard]] fs::path kept() const {
        return dir_.path() / ("before-" + detail::to_string(detail::kSchemaNow));
    }

    const std::array<Migration, 1> migrations_{Migration{kNext, three_steps}};
    OpenPlan plan_;
};

TEST_F(Schema, AnOlderOneIsBroughtToTheNewAndACopyOfItIsKept) {
    expect_migrated();
    const auto copy = STORE_OK(Database::Impl::open({kept(), network(), true}, OpenPlan{}));
    EXPECT_EQ(STORE_OK(detail::read_schema(copy->impl())), detail::kSchemaNow);
    EXPECT_FALSE(STORE_OK(copy->impl().get(Cf::kMeta, Bytes{'t', 0})));
    EXPECT_FALSE(fs::exists(kept().string() + ".new"));
}

TEST_F(Schema, ANewerOneIsRefusedWithWords) {
    expect_migrated();
    const auto refused = Database::open({dir_.path(), network()});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kSchema);
    EXPECT_NE(refused.error().detail.find("which a newer program wrote"), std::string::npos)
        << refused.error().detail;
    EXPECT_CODE(Database::open({dir_.path(), network(), true}), Errc::kSchema);
}

TEST_F(Schema, AReaderDoesNotMigrate) {
    EXPECT_CODE(open(/*read_only=*/true), Errc::kSchema);
    EXPECT_FALSE(fs::exists(kept()));
    EXPECT_DONE(Database::open({dir_.path(), network()}));
}

TEST_F(Schema, OneThatIsTooOldIsRefused) {
    plan_.oldest = kNext;
    EXPECT_CODE(open(), Errc::kSchema);
    EXPECT_DONE(Database::open({dir_.path(), network()}));
}

TEST_F(Schema, WhatStoppedInTheMiddleGoesOnFromThereWithTheFirstCopy) {
    for (std::uint8_t stop = 0; stop < kSteps; ++stop) {
        g_fail_at = stop;
        EXPECT_CODE(open(), Errc::kStore);
    }
    g_fail_at = kSteps;
    expect_migrated();
    const auto copy = STORE_OK(Database::Impl::open({kept(), network(), true}, OpenPlan{}));
    EXPECT_FALSE(STORE_OK(copy->impl().get(Cf::kMeta, Bytes{'t', 0})));
}

TEST_F(Schema, HalfACopyIsMadeAgain) {
    fs::create_directories(kept().string() + ".new/db");
    fs::create_directories(kept());
    expect_migrated();
    EXPECT_TRUE(fs::exists(kept() / "db" / "CURRENT"));
}

// One small database of each schema that was released, made by scripts/golden-store.
constexpr std::uint64_t kAttested = 3;
constexpr const char* kLeaf =
    R"({"kind":"attestation","snapshot":[{"chain":"eip155:1","number":"NUMBER"}]})";

fs::path golden(const std::string& schema) {
    return fs::path(MARGRAVE_SOURCE_DIR) / "tests/unit/store/golden" / ("schema-" + schema);
}

void fill(Database& db, TestChain& chain) {
    Ledger ledger(db);
    STORE_OK(ledger.define(chain.asset(usd()), 6));
    STORE_OK(ledger.define(chain.asset(eth()), 18));
    STORE_OK(ledger.apply(chain.id(), BlockApplied{chain.blocks().front()}));
    for (std::uint64_t i = 1; i <= 8; ++i) {
        const BlockData& next = chain.push({deposit(account(i % 3 + 1), usd(), i)});
        STORE_OK(ledger.apply(chain.id(), BlockApplied{next}));
    }
    STORE_OK(ledger.apply(chain.id(), Finalized{chain.head()}));
    // Some of it in files, the rest in the write-ahead log.
    STORE_OK(compact(db, [](const std::string&) {}));
    std::string leaf = kLeaf;
    const std::string number = std::to_string(chain.blocks()[kAttested].block.number.value);
    leaf.replace(leaf.find("NUMBER"), 6, number);
    Decision decision;
    decision.leaves = {to_bytes(R"({"kind":"genesis"})"), to_bytes(leaf)};
    STORE_OK(db.commit(decision));
}

// Of the schema that this program writes, or of 2.0, whose rows are the same but for those that it
// does not have.
TEST(MakeGolden, DISABLED_Make) {
    const char* dir = std::getenv("MARGRAVE_GOLDEN");
    ASSERT_NE(dir, nullptr) << "scripts/golden-store names the directory";
    OpenPlan plan;
    if (fs::path(dir).filename() == "schema-2.0") {
        plan.schema = {2, 0};
        plan.migrations = {};
    }
    ASSERT_EQ(fs::path(dir).filename(), "schema-" + detail::to_string(plan.schema))
        << "this program writes another schema than the one that was asked for";
    const auto db = STORE_OK(Database::Impl::open({dir, network()}, plan));
    TestChain chain;
    fill(*db, chain);
}

class Golden : public ::testing::Test {
  protected:
    // A copy of that schema's store, brought here, has all that one that is made now has.
    void open(const std::string& schema) {
        const fs::path store = dir_.path() / "store";
        fs::copy(golden(schema), store, fs::copy_options::recursive);
        db_ = STORE_OK(Database::open({store, network()}));
        Ledger ledger(*db_);
        EXPECT_EQ(STORE_OK(detail::read_schema(db_->impl())), detail::kSchemaNow);
        EXPECT_TRUE(fs::exists(store / ("before-" + schema) / "db" / "CURRENT"));
        const auto fresh = STORE_OK(Database::open({fresh_dir_.path(), network()}));
        fill(*fresh, same_);
        Ledger now(*fresh);
        const ChainId chain = ChainId::evm(1);
        const AsOf head{{chain, same_.head().number}};
        EXPECT_EQ(picture(ledger, {chain}, head), picture(now, {chain}, head));
        EXPECT_EQ(db_->leaf_count(), 2U);
        EXPECT_DONE(ledger.verify());
    }

    const TempDir dir_;
    const TempDir fresh_dir_;
    TestChain same_;
    std::unique_ptr<Database> db_;
};

TEST_F(Golden, Schema20IsBroughtHereWithAllItHeld) {
    open("2.0");
    // What its log attests is named from now on.
    const auto named = [&](std::size_t index) {
        const Bytes key = detail::chain_key::named(
            detail::tag_of(ChainId::evm(1)), same_.blocks()[index].block.number
        );
        return STORE_OK(db_->impl().get(Cf::kChain, key)).has_value();
    };
    EXPECT_TRUE(named(kAttested));
    EXPECT_FALSE(named(kAttested + 1));
}

TEST_F(Golden, Schema21IsBroughtHereWithAllItHeld) {
    open("2.1");
}

// A program of 2.1 has no word for interest: it must not go on over a store that may hold some.
TEST_F(Golden, AProgramOfTheSchemaBeforeRefusesWhatThisOneWrites) {
    open("2.1");
    db_.reset();
    OpenPlan before;
    before.schema = {2, 1};
    const auto refused = Database::Impl::open({dir_.path() / "store", network()}, before);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kSchema);
    EXPECT_NE(refused.error().detail.find("has schema 2.2"), std::string::npos)
        << refused.error().detail;
}

}  // namespace
}  // namespace margrave::store::test
