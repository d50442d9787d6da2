// SPDX-License-Identifier: Apache-2.0
#include "store/backup.hpp"

#include "store/detail/database_impl.hpp"
#include "store/inspect.hpp"
#include "tests/unit/store/fixture.hpp"

#include <fstream>
#include <thread>

namespace margrave::store::test {
namespace {

namespace fs = std::filesystem;

const AccountId kAlice = account(1);

const OnProgress kSilent = [](std::uint64_t) {
};

Decision leaf(const std::string& text) {
    Decision d;
    d.leaves.push_back(to_bytes(text));
    return d;
}

class Backup : public LedgerTest {
  protected:
    Backup() {
        block({deposit(kAlice, usd(), 100)});
        EXPECT_DONE(db().commit(leaf("one")));
    }

    // As the command does it: a copy beside the writer, a backup of the copy.
    BackupRow back_up() {
        const fs::path copy = dir_.path() / "copy";
        fs::remove_all(copy);
        EXPECT_DONE(copy_store(db(), copy));
        const auto opened = STORE_OK(open_copy({copy, network()}));
        return STORE_OK(make_backup(*opened, backups(), "words", kSilent));
    }

    void restore(std::uint32_t id, const fs::path& to) {
        EXPECT_DONE(restore_backup(backups(), id, to));
        EXPECT_DONE(open_copy({to, network()}));
    }

    [[nodiscard]] fs::path backups() const { return other_.path() / "backups"; }

    [[nodiscard]] fs::path restored() const { return other_.path() / "restored"; }

    TempDir other_;
};

TEST_F(Backup, ARestoredStoreHoldsWhatWasThereWhenItWasMade) {
    const BackupRow row = back_up();
    EXPECT_EQ(row.about, "words");
    EXPECT_GT(row.bytes, 0U);
    const std::string then = picture(ledger(), {chain_.id()}, head());
    const AsOf as_of = head();
    block({deposit(kAlice, usd(), 7)});
    EXPECT_DONE(db().commit(leaf("two")));

    restore(row.id, restored());
    Store store(restored());
    EXPECT_EQ(store.db().leaf_count(), 1U);
    EXPECT_EQ(picture(store.ledger(), {chain_.id()}, as_of), then);
    EXPECT_DONE(store.ledger().verify());
    // It goes on from there.
    store.apply(chain_, chain_.blocks().back());
    EXPECT_EQ(
        STORE_OK(store.ledger().holdings_at_head(kAlice)).holdings.at(0).collateral, amount(107)
    );
}

TEST_F(Backup, TheWriterGoesOnWhileItIsMade) {
    std::thread copier([this] { EXPECT_DONE(copy_store(db(), other_.path() / "copy")); });
    for (int i = 0; i < 50; ++i) {
        block({deposit(kAlice, usd(), 1)});
    }
    copier.join();
    const auto copy = STORE_OK(open_copy({other_.path() / "copy", network()}));
    const Ledger held(*copy);
    EXPECT_DONE(held.verify());
    EXPECT_DONE(ledger().verify());
    EXPECT_EQ(holding(kAlice).collateral, amount(150));
}

TEST_F(Backup, BackupsShareWhatDidNotChangeAndOldOnesGo) {
    const BackupRow first = back_up();
    EXPECT_DONE(db().commit(leaf("two")));
    const BackupRow second = back_up();
    EXPECT_DONE(db().commit(leaf("three")));
    const BackupRow third = back_up();
    EXPECT_EQ(STORE_OK(list_backups(backups())).size(), 3U);
    EXPECT_DONE(forget_backups(backups(), 2));
    const auto rows = STORE_OK(list_backups(backups()));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.front().id, second.id);
    EXPECT_CODE(restore_backup(backups(), first.id, restored()), Errc::kNotFound);
    restore(second.id, restored());
    const Store store(restored());
    EXPECT_LT(second.id, third.id);
}

TEST_F(Backup, NothingIsRestoredOverWhatIsThere) {
    const BackupRow row = back_up();
    EXPECT_CODE(restore_backup(backups(), row.id, dir_.path()), Errc::kUsage);
    fs::create_directories(restored() / "anything");
    EXPECT_CODE(restore_backup(backups(), row.id, restored()), Errc::kUsage);
}

TEST_F(Backup, AByteThatChangedInABackupIsFound) {
    const BackupRow row = back_up();
    for (const fs::directory_entry& file : fs::directory_iterator(backups() / "shared_checksum")) {
        std::fstream out(file.path(), std::ios::in | std::ios::out | std::ios::binary);
        out.seekg(40);
        const char byte = static_cast<char>(out.get());
        out.seekp(40);
        out.put(static_cast<char>(byte ^ 1));
        break;
    }
    EXPECT_CODE(restore_backup(backups(), row.id, restored()), Errc::kCorrupt);
    EXPECT_FALSE(fs::exists(restored() / "db"));
}

TEST_F(Backup, WhatHoldsNoBackupSaysSoAndStaysAsItIs) {
    EXPECT_CODE(list_backups(other_.path() / "nowhere"), Errc::kNotFound);
    EXPECT_CODE(restore_backup(other_.path() / "nowhere", 1, restored()), Errc::kNotFound);
    EXPECT_FALSE(fs::exists(other_.path() / "nowhere"));
}

TEST_F(Backup, ACopyIsNotOpenedWithoutItsMarkByTheUsualWay) {
    const BackupRow row = back_up();
    EXPECT_DONE(restore_backup(backups(), row.id, restored()));
    EXPECT_CODE(Database::open({restored(), network()}), Errc::kCorrupt);
}

TEST_F(Backup, NoSecondCopyIsMadeOverAFirst) {
    EXPECT_DONE(copy_store(db(), other_.path() / "copy"));
    EXPECT_CODE(copy_store(db(), other_.path() / "copy"), Errc::kStore);
}

TEST_F(Backup, InspectionReadsBesideTheWriter) {
    const AcknowledgedDecisions mark = STORE_OK(read_mark(dir_.path()));
    EXPECT_EQ(mark.count, 1U);
    const auto reader = STORE_OK(Database::open({dir_.path(), network(), true}));
    EXPECT_DONE(check_decisions(*reader, mark));
    EXPECT_CODE(check_decisions(*reader, {2, mark.hash}), Errc::kCorrupt);
    EXPECT_CODE(check_decisions(*reader, {1, word(9)}), Errc::kCorrupt);
    EXPECT_DONE(check_leaves(*reader, kSilent));
    EXPECT_GT(STORE_OK(read_all_rows(*reader, kSilent)), 10U);
    const StoreStats stats = STORE_OK(read_stats(*reader));
    EXPECT_EQ(stats.leaves, 1U);
    EXPECT_EQ(stats.families.size(), family_names().size());
    EXPECT_CODE(compact(*reader, [](const std::string&) {}), Errc::kStore);
    EXPECT_DONE(compact(db(), [](const std::string&) {}));
}

TEST_F(Backup, ADumpIsFilteredByFamilyPrefixAndStart) {
    std::vector<Bytes> keys;
    const RowVisitor collect = [&keys](ByteView key, ByteView) {
        keys.emplace_back(key.begin(), key.end());
        return true;
    };
    EXPECT_DONE(dump_rows(db(), {"attest", to_bytes("L"), {}}, collect));
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys.front(), detail::attest_key::leaf(0));
    keys.clear();
    EXPECT_DONE(dump_rows(db(), {"attest", to_bytes("L"), detail::attest_key::leaf(1)}, collect));
    EXPECT_TRUE(keys.empty());
    EXPECT_CODE(dump_rows(db(), {"nothing", {}, {}}, collect), Errc::kUsage);
}

TEST_F(Backup, ALeafThatIsNotWhatItsDigestSaysIsFound) {
    rocksdb::WriteBatch batch;
    db().impl().put_row(
        batch,
        detail::Cf::kAttest,
        detail::attest_key::leaf(0),
        detail::BlobRow{to_bytes("another")}
    );
    ASSERT_TRUE(db().impl().write(batch, true));
    EXPECT_CODE(check_leaves(db(), kSilent), Errc::kCorrupt);
}

}  // namespace
}  // namespace margrave::store::test
