// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/disk.hpp"

#include "core/keccak.hpp"
#include "store/detail/mark_file.hpp"
#include "store/detail/posix.hpp"
#include "store/guard.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace margrave::tests::sim {
namespace {

namespace fs = std::filesystem;

class DiskTest : public ::testing::Test {
  protected:
    DiskTest() {
        std::string pattern = (fs::temp_directory_path() / "margrave-sim-disk-XXXXXX").string();
        root_ = ::mkdtemp(pattern.data());
        Disk::instance().watch(root_);
    }

    ~DiskTest() override {
        Disk::instance().unwatch();
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }

    [[nodiscard]] Result<std::unique_ptr<store::SigningGuard>> open_guard() const {
        return store::SigningGuard::open(root_ / "guard", root_ / "mark", keccak256("network"));
    }

    static store::GuardEntry entry(std::uint64_t epoch) {
        store::GuardEntry e;
        e.signer = low_address(keccak256("signer"));
        e.subject = keccak256("subject");
        e.epoch = epoch;
        e.digest = keccak256("digest " + std::to_string(epoch));
        e.message = to_bytes("message");
        return e;
    }

    fs::path root_;
};

TEST_F(DiskTest, WithThePowerGoesWhatNoFsyncCovers) {
    // How much goes is chance: of forty files some lose a part.
    bool lost = false;
    for (std::uint64_t salt = 1; salt <= 40; ++salt) {
        const fs::path file = root_ / ("file" + std::to_string(salt));
        const int fd = store::detail::open_file(file, O_RDWR | O_CREAT).value();
        ASSERT_TRUE(store::detail::write_at(fd, file, to_bytes("durable"), 0));
        ASSERT_TRUE(store::detail::sync_data(fd, file));
        ASSERT_TRUE(store::detail::write_at(fd, file, to_bytes("and not"), 7));
        ::close(fd);
        ASSERT_EQ(fs::file_size(file), 14U);
        Disk::instance().lose_unsynced(salt);
        lost = lost || fs::file_size(file) < 14U;
        EXPECT_GE(fs::file_size(file), 7U);
    }
    EXPECT_TRUE(lost);
}

TEST_F(DiskTest, TheDeadWriteNothing) {
    const fs::path file = root_ / "file";
    const int fd = store::detail::open_file(file, O_RDWR | O_CREAT).value();
    bool died = false;
    Disk::instance().arm(DiskFault::kDeath, 2, 7, [&died] { died = true; });
    ASSERT_TRUE(store::detail::write_at(fd, file, to_bytes("first"), 0));
    EXPECT_FALSE(store::detail::sync_data(fd, file));
    EXPECT_TRUE(died);
    EXPECT_FALSE(store::detail::write_at(fd, file, to_bytes("second"), 5));
    Disk::instance().heal();
    EXPECT_TRUE(store::detail::write_at(fd, file, to_bytes("third"), 5));
    ::close(fd);
    EXPECT_EQ(fs::file_size(file), 10U);
}

// The record is on the disk's way when the process dies, the next one finds it and counts it, and
// then the power goes: the mark must not have counted what was not durable.
TEST_F(DiskTest, AGuardRecordThatAStartFoundIsDurable) {
    for (std::uint64_t salt = 1; salt <= 8; ++salt) {
        const std::uint64_t epoch = salt * 2;
        auto guard = open_guard();
        ASSERT_TRUE(guard) << guard.error().detail;
        ASSERT_TRUE(guard.value()->record(entry(epoch)));
        // The write of the record, then its fsync.
        Disk::instance().arm(DiskFault::kDeath, 2, salt);
        ASSERT_FALSE(guard.value()->record(entry(epoch + 1)));
        guard.value().reset();
        Disk::instance().heal();
        guard = open_guard();
        ASSERT_TRUE(guard) << guard.error().detail;
        const std::uint64_t found = guard.value()->size();
        EXPECT_EQ(found, salt * 2);
        guard.value().reset();
        Disk::instance().lose_unsynced(salt);
        guard = open_guard();
        ASSERT_TRUE(guard) << guard.error().detail;
        EXPECT_EQ(guard.value()->size(), found);
    }
}

// An fsync fails, the next start reads what is in memory alone and renews it, and dies in that:
// what was acknowledged before must be on the disk still.
TEST_F(DiskTest, AMarkIsRenewedWithoutTouchingTheOneOnTheDisk) {
    const auto mark = [](std::uint64_t count) {
        return store::detail::Mark{count, keccak256("history " + std::to_string(count))};
    };
    for (std::uint64_t salt = 1; salt <= 40; ++salt) {
        const fs::path file = root_ / ("mark" + std::to_string(salt));
        {
            const auto made = store::detail::MarkFile::create(file, mark(1)).value();
            ASSERT_TRUE(made->advance(mark(2)));
            Disk::instance().arm(DiskFault::kError, 2, salt, {});
            ASSERT_FALSE(made->advance(mark(3)));
            Disk::instance().heal();
        }
        {
            const auto found = store::detail::MarkFile::open(file).value();
            ASSERT_EQ(found->mark(), mark(3));
            Disk::instance().arm(DiskFault::kDeath, 1 + salt % 2, salt, {});
            ASSERT_FALSE(found->renew());
        }
        Disk::instance().heal();
        Disk::instance().lose_unsynced(salt);
        const auto left = store::detail::MarkFile::open(file);
        ASSERT_TRUE(left.has_value()) << left.error().detail;
        EXPECT_GE(left.value()->mark().count, 2U) << "salt " << salt;
    }
}

}  // namespace
}  // namespace margrave::tests::sim
