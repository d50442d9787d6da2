// SPDX-License-Identifier: Apache-2.0
#include "infra/files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace margrave::infra {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
  protected:
    void SetUp() override {
        std::string text = testing::TempDir() + "margrave-files-XXXXXX";
        ASSERT_NE(::mkdtemp(text.data()), nullptr);
        dir = text;
    }

    void TearDown() override { fs::remove_all(dir); }

    static unsigned mode_of(const fs::path& path) {
        struct stat facts {};

        ::stat(path.c_str(), &facts);
        return facts.st_mode & 07777U;
    }

    fs::path dir;
};

TEST_F(Files, WrittenBytesComeBack) {
    const std::string bytes("a\0b\n", 4);
    ASSERT_TRUE(write_file_atomic(dir / "x", bytes, 0600));
    EXPECT_EQ(read_file(dir / "x", 4).value(), bytes);
    EXPECT_EQ(mode_of(dir / "x"), 0600U);
}

TEST_F(Files, AWriteReplacesBytesAndModeAndLeavesNothingElse) {
    ASSERT_TRUE(write_file_atomic(dir / "x", "old and longer", 0644));
    const mode_t before = ::umask(077);
    ASSERT_TRUE(write_file_atomic(dir / "x", "new", 0640));
    ::umask(before);
    EXPECT_EQ(read_file(dir / "x", 100).value(), "new");
    EXPECT_EQ(mode_of(dir / "x"), 0640U);
    EXPECT_EQ(std::distance(fs::directory_iterator(dir), fs::directory_iterator{}), 1);
}

TEST_F(Files, AnEmptyFileIsRead) {
    ASSERT_TRUE(write_file_atomic(dir / "x", "", 0600));
    EXPECT_EQ(read_file(dir / "x", 0).value(), "");
}

TEST_F(Files, ErrorsNameThePath) {
    const fs::path missing = dir / "missing";
    const auto none = read_file(missing, 10);
    EXPECT_EQ(none.error().code, Errc::kNotFound);
    EXPECT_NE(none.error().detail.find(missing.string()), std::string::npos);
    ASSERT_TRUE(write_file_atomic(dir / "x", "12345", 0600));
    EXPECT_EQ(read_file(dir / "x", 4).error().code, Errc::kLimit);
    EXPECT_EQ(read_file(dir, 4).error().code, Errc::kIo);
    EXPECT_EQ(write_file_atomic(dir / "no" / "x", "1", 0600).error().code, Errc::kNotFound);
    ASSERT_TRUE(make_dirs(dir / "d"));
    EXPECT_EQ(write_file_atomic(dir / "d", "1", 0600).error().code, Errc::kIo);
}

TEST_F(Files, ANamedPipeIsRefusedAndNotWaitedFor) {
    ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(read_file(dir / "pipe", 10).error().code, Errc::kIo);
}

TEST_F(Files, MakesDirectoriesOnce) {
    ASSERT_TRUE(make_dirs(dir / "a" / "b" / "c"));
    ASSERT_TRUE(make_dirs(dir / "a" / "b" / "c"));
    EXPECT_EQ(mode_of(dir / "a" / "b" / "c"), 0700U);
    ASSERT_TRUE(write_file_atomic(dir / "file", "", 0600));
    EXPECT_FALSE(make_dirs(dir / "file" / "below"));
    EXPECT_FALSE(make_dirs(dir / "file"));
}

TEST_F(Files, ALockIsHeldOnce) {
    const fs::path path = dir / "lock";
    {
        const Result<FileLock> first = lock_file(path);
        ASSERT_TRUE(first);
        EXPECT_EQ(first.value().path(), path);
        const Result<FileLock> second = lock_file(path);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, Errc::kLocked);
        EXPECT_NE(second.error().detail.find(path.string()), std::string::npos);
        EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos);
    }
    EXPECT_TRUE(lock_file(path));
}

TEST_F(Files, AMovedLockStaysHeld) {
    Result<FileLock> first = lock_file(dir / "lock");
    ASSERT_TRUE(first);
    {
        const FileLock moved = std::move(first.value());
        EXPECT_FALSE(lock_file(dir / "lock"));
    }
    EXPECT_TRUE(lock_file(dir / "lock"));
}

TEST_F(Files, AnotherProcessIsLockedOutAndItsDeathFrees) {
    const fs::path path = dir / "lock";
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto lock = lock_file(path);
        const char done = lock ? 'y' : 'n';
        static_cast<void>(::write(ready[1], &done, 1));
        ::pause();
        ::_exit(0);
    }
    char told = 0;
    ASSERT_EQ(::read(ready[0], &told, 1), 1);
    EXPECT_EQ(told, 'y');
    const auto mine = lock_file(path);
    ASSERT_FALSE(mine);
    EXPECT_NE(mine.error().detail.find(std::to_string(child)), std::string::npos);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(lock_file(path));
    ::close(ready[0]);
    ::close(ready[1]);
}

}  // namespace
}  // namespace margrave::infra
