// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);

Decision leaf(const std::string& text) {
    Decision d;
    d.leaves.push_back(to_bytes(text));
    return d;
}

TEST(Open, ADirectoryOfAnotherNetworkIsRefused) {
    const TempDir dir;
    { const Store store(dir.path()); }
    EXPECT_CODE(Database::open({dir.path(), word(1)}), Errc::kSchema);
    EXPECT_CODE(Database::open({dir.path(), word(1), true}), Errc::kSchema);
    EXPECT_DONE(Database::open({dir.path(), network()}));
}

TEST(Open, TheDirectoryIsMadeWithItsParents) {
    const TempDir dir;
    EXPECT_DONE(Database::open({dir.path() / "a" / "b", network()}));
}

TEST(Open, ADirectoryThatCannotBeMadeIsAnError) {
    EXPECT_CODE(Database::open({"/proc/nowhere", network()}), Errc::kStore);
}

// What a crash leaves while a database is made: files that nobody synced, and the mark beside them.
void leave_unfinished(const std::filesystem::path& dir) {
    std::filesystem::create_directories(dir / "db");
    std::ofstream(dir / "db" / "CURRENT") << "MANIFEST-000001\n";
    const std::ofstream empty(dir / "db" / "MANIFEST-000001");
    const std::ofstream mark(dir / "db.making");
}

TEST(Open, ADatabaseThatWasNeverFinishedIsMadeAgain) {
    const TempDir dir;
    leave_unfinished(dir.path());
    EXPECT_CODE(Database::open({dir.path(), network(), true}), Errc::kNotFound);
    { const Store store(dir.path()); }
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "db.making"));
    EXPECT_DONE(Database::open({dir.path(), network()}));
}

TEST(Open, TablesBesideTheMarkOfAnUnfinishedDatabaseAreNeverRemoved) {
    const TempDir dir;
    leave_unfinished(dir.path());
    { const std::ofstream table(dir.path() / "db" / "000009.sst"); }
    EXPECT_CODE(Database::open({dir.path(), network()}), Errc::kCorrupt);
    EXPECT_TRUE(std::filesystem::exists(dir.path() / "db" / "000009.sst"));
}

TEST(Open, WhatAnotherProcessMakesIsLocked) {
    const TempDir dir;
    leave_unfinished(dir.path());
    const int fd = ::open((dir.path() / "db.making").c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
    EXPECT_CODE(Database::open({dir.path(), network()}), Errc::kLocked);
    EXPECT_TRUE(std::filesystem::exists(dir.path() / "db" / "CURRENT"));
    ::close(fd);
    EXPECT_DONE(Database::open({dir.path(), network()}));
}

// Killed at any moment of its first start, a database is whole at the next one.
TEST(Open, AKilledFirstStartIsNoTrouble) {
    for (int i = 0; i < 12; ++i) {
        const TempDir dir;
        const pid_t child = ::fork();
        if (child == 0) {
            const auto db = Database::open({dir.path(), network()});
            ::_exit(db ? 0 : 1);
        }
        ::usleep(static_cast<useconds_t>(i) * 1'500);
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_DONE(Database::open({dir.path(), network()}));
        EXPECT_FALSE(std::filesystem::exists(dir.path() / "db.making"));
    }
}

TEST(Open, ASecondWriterInThisProcessIsLocked) {
    const TempDir dir;
    Store store(dir.path());
    EXPECT_CODE(Database::open({dir.path(), network()}), Errc::kLocked);
    // Asking must not have given the lock away.
    EXPECT_CODE(Database::open({dir.path(), network()}), Errc::kLocked);
    EXPECT_DONE(store.db().commit(leaf("still ours")));
}

TEST(Open, ASecondWriterInAnotherProcessIsLockedAndToldByWhom) {
    const TempDir dir;
    int ready[2];
    int done[2];
    ASSERT_EQ(::pipe(ready), 0);
    ASSERT_EQ(::pipe(done), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto db = Database::open({dir.path(), network()});
        char byte = db ? 'y' : 'n';
        if (::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 1) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ASSERT_EQ(byte, 'y');
    const auto second = Database::open({dir.path(), network()});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, Errc::kLocked);
    EXPECT_NE(second.error().detail.find(std::to_string(child)), std::string::npos)
        << second.error().detail;
    ASSERT_EQ(::write(done[1], &byte, 1), 1);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_DONE(Database::open({dir.path(), network()}));
}

TEST(ReadOnly, ThereMustBeADatabase) {
    const TempDir dir;
    EXPECT_CODE(Database::open({dir.path(), network(), true}), Errc::kNotFound);
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "db"));
}

class Beside : public LedgerTest {
  protected:
    Beside() {
        block({deposit(kAlice, usd(), 10)});
        reader_ = STORE_OK(Database::open({dir_.path(), network(), true}));
        view_ = std::make_unique<Ledger>(*reader_);
    }

    std::unique_ptr<Database> reader_;
    std::unique_ptr<Ledger> view_;
};

TEST_F(Beside, AReaderSeesTheWriterAfterARefresh) {
    EXPECT_EQ(picture(*view_, {chain_.id()}, head()), picture(ledger(), {chain_.id()}, head()));
    const BlockNum before = chain_.head().number;
    block({deposit(kAlice, usd(), 10), withdrawal_request(kAlice, usd(), 4)});
    EXPECT_DONE(db().commit(leaf("one")));
    EXPECT_EQ(view_->chain_state(chain_.id()).head->number, before);
    EXPECT_EQ(reader_->leaf_count(), 0U);
    EXPECT_DONE(reader_->refresh());
    EXPECT_EQ(view_->chain_state(chain_.id()).head->number, chain_.head().number);
    EXPECT_EQ(reader_->leaf_count(), 1U);
    EXPECT_EQ(STORE_OK(reader_->leaf(0)), to_bytes("one"));
    EXPECT_EQ(picture(*view_, {chain_.id()}, head()), picture(ledger(), {chain_.id()}, head()));
    EXPECT_EQ(view_->last_seq(), ledger().last_seq());
}

TEST_F(Beside, AReaderFollowsReorgsAndNewLedgers) {
    const BlockRef ancestor = chain_.blocks().front().block;
    store_.revert(chain_, ancestor);
    chain_.pop();
    const AssetId token = AssetId::erc20(chain_.id(), address(0x77));
    STORE_OK(ledger().define(token, 9));
    block({deposit(kAlice, address(0x77), 3)});
    EXPECT_DONE(reader_->refresh());
    EXPECT_EQ(view_->chain_state(chain_.id()).reorgs, 1U);
    EXPECT_EQ(view_->ledgers().size(), 3U);
    EXPECT_EQ(picture(*view_, {chain_.id()}, head()), picture(ledger(), {chain_.id()}, head()));
    EXPECT_DONE(view_->verify());
}

TEST_F(Beside, AReaderWritesNothing) {
    EXPECT_CODE(reader_->commit(leaf("x")), Errc::kStore);
    EXPECT_CODE(reader_->update_intent(Intent{}, true), Errc::kStore);
    EXPECT_CODE(view_->define(AssetId::erc20(chain_.id(), address(5)), 1), Errc::kStore);
    EXPECT_CODE(
        view_->apply(chain_.id(), BlockApplied{chain_.next({deposit(kAlice, usd(), 1)})}),
        Errc::kStore
    );
}

TEST_F(Beside, AReaderMayOutliveTheWriter) {
    store_.close();
    EXPECT_DONE(reader_->refresh());
    EXPECT_EQ(STORE_OK(view_->holdings_at_head(kAlice)).holdings.at(0).collateral, amount(10));
}

TEST_F(Beside, RefreshOfTheWriterItselfChangesNothing) {
    EXPECT_DONE(db().refresh());
    EXPECT_EQ(holding(kAlice).collateral, amount(10));
}

}  // namespace
}  // namespace margrave::store::test
