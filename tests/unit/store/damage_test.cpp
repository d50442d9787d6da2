// SPDX-License-Identifier: Apache-2.0
#include "core/disk_seam.hpp"
#include "store/detail/database_impl.hpp"
#include "store/detail/log_scan.hpp"
#include "tests/unit/store/fixture.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace margrave::store::test {
namespace {

namespace fs = std::filesystem;

const AccountId kAlice = account(1);
constexpr std::uint64_t kDecisions = 30;

Decision leaf(std::uint64_t n) {
    Decision d;
    d.leaves.push_back(to_bytes("leaf " + std::to_string(n)));
    return d;
}

// A directory with decisions and blocks, closed.
class Damage : public ::testing::Test {
  protected:
    Damage() {
        Store store(dir_.path());
        STORE_OK(store.ledger().define(chain_.asset(usd()), 6));
        store.apply(chain_, chain_.blocks().front());
        for (std::uint64_t n = 0; n < kDecisions; ++n) {
            store.apply(chain_, chain_.push({deposit(kAlice, usd(), 1)}));
            STORE_OK(store.db().commit(leaf(n)));
        }
    }

    [[nodiscard]] fs::path db() const { return dir_.path() / "db"; }

    [[nodiscard]] fs::path mark() const { return dir_.path() / "decisions.mark"; }

    [[nodiscard]] std::vector<fs::path> files(const std::string& extension) const {
        std::vector<fs::path> out;
        for (const fs::directory_entry& entry : fs::directory_iterator(db())) {
            if (entry.path().extension() == extension) {
                out.push_back(entry.path());
            }
        }
        std::ranges::sort(out);
        return out;
    }

    // The write-ahead log that holds the rows: the largest.
    [[nodiscard]] fs::path log_file() const {
        const auto all = files(".log");
        return *std::ranges::max_element(all, {}, [](const fs::path& p) {
            return fs::file_size(p);
        });
    }

    static void flip(const fs::path& file, std::uint64_t at) {
        std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
        f.seekg(static_cast<std::streamoff>(at));
        const int byte = f.get();
        f.seekp(static_cast<std::streamoff>(at));
        f.put(static_cast<char>(byte ^ 0x40));
    }

    // Everything is there, or an error says that it is not.
    void expect_whole_or_refused(const std::string& what) {
        const auto opened = Database::open({dir_.path(), network()});
        if (!opened) {
            EXPECT_TRUE(
                opened.error().code == Errc::kCorrupt || opened.error().code == Errc::kStore
            ) << what
              << ": " << opened.error().detail;
            return;
        }
        const std::unique_ptr<Database>& open_db = opened.value();
        EXPECT_EQ(open_db->leaf_count(), kDecisions) << what;
        for (std::uint64_t n = 0; n < kDecisions; ++n) {
            const auto read = open_db->leaf(n);
            if (!read) {
                EXPECT_TRUE(
                    read.error().code == Errc::kCorrupt || read.error().code == Errc::kStore
                ) << what
                  << ": " << read.error().detail;
                return;
            }
            EXPECT_EQ(read.value(), leaf(n).leaves[0]) << what;
        }
    }

    // The block is in the log, and nothing synced it.
    void die_after_a_block() {
        const BlockData block = chain_.push({deposit(kAlice, usd(), 1)});
        const pid_t child = ::fork();
        if (child == 0) {
            Store store(dir_.path());
            store.apply(chain_, block);
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_EQ(status, 0);
    }

    void cut_newest_log() {
        const fs::path newest = files(".log").back();
        ASSERT_GT(fs::file_size(newest), 60U);
        fs::resize_file(newest, fs::file_size(newest) - 50);
    }

    void expect_refused(Errc code) { EXPECT_CODE(Database::open({dir_.path(), network()}), code); }

    void flush() {
        const auto open_db = STORE_OK(Database::open({dir_.path(), network()}));
        const std::vector<rocksdb::ColumnFamilyHandle*> all(
            open_db->impl().families.begin(), open_db->impl().families.end()
        );
        ASSERT_TRUE(open_db->impl().db->Flush(rocksdb::FlushOptions(), all).ok());
    }

    TempDir dir_;
    TestChain chain_;
};

TEST_F(Damage, AFlippedByteInTheMiddleOfTheLogIsRefused) {
    const fs::path file = log_file();
    flip(file, fs::file_size(file) / 2);
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, ACutLogThatLostADecisionIsRefused) {
    const fs::path file = log_file();
    fs::resize_file(file, fs::file_size(file) - 50);
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, ALogCutToHalfIsRefused) {
    const fs::path file = log_file();
    fs::resize_file(file, fs::file_size(file) / 2);
    expect_refused(Errc::kCorrupt);
}

TEST(LogScan, ChecksumIsCastagnolis) {
    // The check value of CRC-32C in RFC 3720 and in every catalogue.
    EXPECT_EQ(detail::crc32c(to_bytes("123456789")), 0xe3069283U);
    EXPECT_EQ(detail::crc32c(to_bytes("6789"), detail::crc32c(to_bytes("12345"))), 0xe3069283U);
}

TEST_F(Damage, AnEmptyLogIsRefused) {
    fs::resize_file(log_file(), 0);
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, ACutLogThatLostOnlyABlockIsRefused) {
    die_after_a_block();
    cut_newest_log();
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, APowerCutMayTakeABlockThatNoDecisionFollowed) {
    const BlockRef kept = chain_.head();
    die_after_a_block();
    cut_newest_log();
    disk_seam.boot = "another boot";
    {
        Store store(dir_.path());
        EXPECT_NE(store.db().note().find("a power cut took the last"), std::string::npos)
            << store.db().note();
        EXPECT_EQ(store.ledger().chain_state(chain_.id()).head, kept);
        EXPECT_EQ(store.db().leaf_count(), kDecisions);
        store.apply(chain_, chain_.blocks().back());
        EXPECT_DONE(store.ledger().verify());
    }
    disk_seam.boot = nullptr;
    Store again(dir_.path());
    EXPECT_EQ(again.ledger().chain_state(chain_.id()).head, chain_.head());
}

TEST_F(Damage, APowerCutTakesNothingThatWasClosedInOrder) {
    {
        Store store(dir_.path());
        store.apply(chain_, chain_.push({deposit(kAlice, usd(), 1)}));
    }
    cut_newest_log();
    disk_seam.boot = "another boot";
    expect_refused(Errc::kCorrupt);
    disk_seam.boot = nullptr;
}

TEST_F(Damage, AChangedLengthOfTheLastRecordIsNoUnfinishedRecord) {
    die_after_a_block();
    // That start began a log of its own, so its record is the first and the last of the newest.
    constexpr std::uint64_t kHighByteOfTheLength = 5;
    flip(files(".log").back(), kHighByteOfTheLength);
    disk_seam.boot = "another boot";
    expect_refused(Errc::kCorrupt);
    disk_seam.boot = nullptr;
}

TEST_F(Damage, ADeletedLogIsRefused) {
    die_after_a_block();
    fs::remove(files(".log").back());
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, AHistoryMarkThatDoesNotCheckIsRefusedAndOneSlotIsEnough) {
    const fs::path history = dir_.path() / "history.mark";
    flip(history, 20);
    {
        const auto opened = Database::open({dir_.path(), network()});
        ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    }
    fs::resize_file(history, 60);
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, NoCutOfTheLogIsSilent) {
    const TempDir copy;
    const fs::path file = log_file();
    const std::uint64_t size = fs::file_size(file);
    fs::copy(dir_.path(), copy.path() / "whole", fs::copy_options::recursive);
    for (std::uint64_t part = 1; part < 8; ++part) {
        fs::remove_all(dir_.path());
        fs::copy(copy.path() / "whole", dir_.path(), fs::copy_options::recursive);
        fs::resize_file(file, size * part / 8);
        expect_whole_or_refused("cut to " + std::to_string(part) + "/8");
    }
}

TEST_F(Damage, NoFlippedByteOfATableIsSilent) {
    flush();
    const TempDir copy;
    fs::copy(dir_.path(), copy.path() / "whole", fs::copy_options::recursive);
    const auto tables = files(".sst");
    ASSERT_FALSE(tables.empty());
    for (const fs::path& table : tables) {
        for (std::uint64_t part = 0; part < 3; ++part) {
            fs::remove_all(dir_.path());
            fs::copy(copy.path() / "whole", dir_.path(), fs::copy_options::recursive);
            flip(table, fs::file_size(table) * (2 * part + 1) / 7);
            expect_whole_or_refused(table.filename().string());
        }
    }
}

TEST_F(Damage, AMissingTableIsRefused) {
    flush();
    fs::remove(files(".sst").front());
    const auto opened = Database::open({dir_.path(), network()});
    ASSERT_FALSE(opened.has_value());
    EXPECT_TRUE(opened.error().code == Errc::kCorrupt || opened.error().code == Errc::kStore)
        << opened.error().detail;
}

TEST_F(Damage, AMissingCurrentDoesNotMakeANewDatabase) {
    fs::remove(db() / "CURRENT");
    expect_refused(Errc::kCorrupt);
    EXPECT_FALSE(fs::exists(db() / "CURRENT"));
}

TEST_F(Damage, AMissingDatabaseBesideItsMarkIsRefused) {
    fs::remove_all(db());
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, AnOlderCopyOfTheDatabaseIsRefused) {
    const TempDir copy;
    fs::copy(db(), copy.path() / "db", fs::copy_options::recursive);
    {
        Store store(dir_.path());
        STORE_OK(store.db().commit(leaf(kDecisions)));
    }
    fs::remove_all(db());
    fs::copy(copy.path() / "db", db(), fs::copy_options::recursive);
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, AMissingMarkBesideDecisionsIsRefused) {
    fs::remove(mark());
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, AMarkWhoseNewestSlotIsTornIsOneBehindAndMended) {
    // Slots lie a page apart; both are tried, since either may be the newest.
    const TempDir copy;
    fs::copy(mark(), copy.path() / "mark");
    for (const std::uint64_t at : {20U, 4096U + 20U}) {
        fs::copy_file(copy.path() / "mark", mark(), fs::copy_options::overwrite_existing);
        flip(mark(), at);
        const auto opened = Database::open({dir_.path(), network()});
        ASSERT_TRUE(opened.has_value()) << opened.error().detail;
        EXPECT_EQ(opened.value()->leaf_count(), kDecisions);
    }
}

TEST_F(Damage, AMarkWithoutAWholeSlotIsRefused) {
    flip(mark(), 20);
    flip(mark(), 4096 + 20);
    expect_refused(Errc::kCorrupt);
    fs::resize_file(mark(), 10);
    expect_refused(Errc::kCorrupt);
}

TEST_F(Damage, ADecisionWrittenBeforeACrashReachedTheMarkIsKept) {
    const TempDir copy;
    fs::copy(mark(), copy.path() / "mark");
    {
        Store store(dir_.path());
        STORE_OK(store.db().commit(leaf(kDecisions)));
    }
    fs::copy_file(copy.path() / "mark", mark(), fs::copy_options::overwrite_existing);
    for (int i = 0; i < 2; ++i) {
        const auto opened = Database::open({dir_.path(), network()});
        ASSERT_TRUE(opened.has_value()) << opened.error().detail;
        EXPECT_EQ(opened.value()->leaf_count(), kDecisions + 1);
    }
}

TEST_F(Damage, ARowThatDoesNotDecodeIsNamed) {
    Store store(dir_.path());
    const Bytes key = detail::subject::versioned(
        detail::subject::book(LedgerId{1}, kAlice), chain_.head().number
    );
    rocksdb::WriteBatch batch;
    store.db().impl().put(batch, detail::Cf::kVersion, key, to_bytes("\x01 nonsense"));
    ASSERT_TRUE(store.db().impl().write(batch, false));
    const auto read = store.ledger().holdings_at_head(kAlice);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, Errc::kCorrupt);
    EXPECT_NE(
        read.error().detail.find(to_hex(detail::subject::book(LedgerId{1}, kAlice)).substr(2)),
        std::string::npos
    ) << read.error().detail;
}

TEST_F(Damage, AfterAFailureNothingGoesOn) {
    Store store(dir_.path());
    store.db().impl().listener->fail("disk on fire");
    EXPECT_CODE(store.db().commit(leaf(99)), Errc::kStore);
    EXPECT_CODE(store.db().leaf(0), Errc::kStore);
    EXPECT_CODE(store.ledger().holdings_at_head(kAlice), Errc::kStore);
    EXPECT_CODE(store.ledger().apply(chain_.id(), BlockApplied{chain_.next({})}), Errc::kStore);
    EXPECT_CODE(store.ledger().verify(), Errc::kStore);
}

TEST_F(Damage, AfterAFailedWriteNothingIsWrittenUntilANewStart) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto opened = Database::open({dir_.path(), network()});
        Ledger ledger(*opened.value());
        // A full disk, as far as this process can tell.
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{64, 64};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto failed = [](const auto& result) {
            return !result && result.error().code == Errc::kStore;
        };
        const BlockData next = chain_.next({deposit(kAlice, usd(), 1)});
        const bool first = failed(opened.value()->commit(leaf(kDecisions)));
        const bool second = failed(opened.value()->commit(leaf(kDecisions)));
        const bool third = failed(ledger.apply(chain_.id(), BlockApplied{next}));
        ::_exit(first && second && third ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    Store store(dir_.path());
    EXPECT_GE(store.db().leaf_count(), kDecisions);
    EXPECT_LE(store.db().leaf_count(), kDecisions + 1);
    EXPECT_EQ(store.ledger().chain_state(chain_.id()).head, chain_.head());
    EXPECT_DONE(store.ledger().verify());
}

// Commits until it is killed; says each number after the commit returned.
[[noreturn]] void commit_for_ever(const fs::path& dir, int out) {
    const auto opened = Database::open({dir, network()});
    if (!opened) {
        ::_exit(1);
    }
    for (std::uint64_t n = opened.value()->leaf_count();; ++n) {
        if (!opened.value()->commit(leaf(n)) || ::write(out, &n, sizeof n) != sizeof n) {
            ::_exit(1);
        }
    }
}

TEST_F(Damage, WhatWasAcknowledgedSurvivesAKill) {
    for (unsigned round = 0; round < 6; ++round) {
        int pipe_ends[2];
        ASSERT_EQ(::pipe(pipe_ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            commit_for_ever(dir_.path(), pipe_ends[1]);
        }
        ::close(pipe_ends[1]);
        std::optional<std::uint64_t> acknowledged;
        std::uint64_t n = 0;
        for (unsigned i = 0; i < 10 + 7 * round; ++i) {
            if (::read(pipe_ends[0], &n, sizeof n) == sizeof n) {
                acknowledged = n;
            }
        }
        ::kill(child, SIGKILL);
        while (::read(pipe_ends[0], &n, sizeof n) == sizeof n) {
            acknowledged = n;
        }
        ::close(pipe_ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        const auto opened = Database::open({dir_.path(), network()});
        ASSERT_TRUE(opened.has_value()) << opened.error().detail;
        ASSERT_TRUE(acknowledged.has_value());
        EXPECT_GE(opened.value()->leaf_count(), *acknowledged + 1);
        EXPECT_LE(opened.value()->leaf_count(), *acknowledged + 2);
        for (std::uint64_t i = 0; i < opened.value()->leaf_count(); ++i) {
            EXPECT_EQ(STORE_OK(opened.value()->leaf(i)), leaf(i).leaves[0]);
        }
    }
}

}  // namespace
}  // namespace margrave::store::test
