// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/guard_fixture.hpp"

#include <map>
#include <set>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace margrave::store::test {
namespace {

class GuardFiles : public GuardTest {};

TEST_F(GuardFiles, ATornTailThatNobodyWasToldOfIsCut) {
    three();
    close();
    const std::uint64_t whole = fs::file_size(log_file());
    for (const std::uint64_t extra : {1U, 3U, 4U, 40U, 150U}) {
        {
            std::ofstream f(log_file(), std::ios::app | std::ios::binary);
            const Bytes junk{0, 0, 0, 160};
            f.write(reinterpret_cast<const char*>(junk.data()), 4);
            for (std::uint64_t i = 4; i < extra; ++i) {
                f.put('x');
            }
        }
        fs::resize_file(log_file(), whole + extra);
        reopen();
        EXPECT_NE(guard_->note().find("cut"), std::string::npos);
        EXPECT_EQ(guard_->size(), 3U);
        close();
        EXPECT_EQ(fs::file_size(log_file()), whole);
    }
    reopen();
    EXPECT_TRUE(guard_->note().empty());
    record(entry(4, 40));
}

TEST_F(GuardFiles, ARecordWrittenBeforeACrashReachedTheMarkIsKept) {
    record(entry(1, 10));
    const TempDir copy;
    fs::copy(mark(), copy.path() / "mark");
    record(entry(2, 20));
    close();
    fs::copy_file(copy.path() / "mark", mark(), fs::copy_options::overwrite_existing);
    reopen();
    EXPECT_EQ(guard_->size(), 2U);
    EXPECT_CODE(guard_->record(entry(2, 21)), Errc::kConflict);
    reopen();
    EXPECT_EQ(guard_->size(), 2U);
}

TEST_F(GuardFiles, TwoRecordsBeyondTheMarkAreCorrupt) {
    record(entry(1, 10));
    const TempDir copy;
    fs::copy(mark(), copy.path() / "mark");
    record(entry(2, 20));
    record(entry(3, 30));
    close();
    fs::copy_file(copy.path() / "mark", mark(), fs::copy_options::overwrite_existing);
    EXPECT_CODE(open(), Errc::kCorrupt);
}

TEST_F(GuardFiles, EveryFlippedByteOfAnAcknowledgedRecordIsFound) {
    three();
    close();
    const std::uint64_t size = fs::file_size(log_file());
    for (std::uint64_t at = 0; at < size; at += 7) {
        flip(log_file(), at);
        const auto opened = open();
        ASSERT_FALSE(opened.has_value()) << at;
        EXPECT_TRUE(opened.error().code == Errc::kCorrupt || opened.error().code == Errc::kSchema)
            << opened.error().detail;
        flip(log_file(), at);
    }
    reopen();
    EXPECT_EQ(guard_->size(), 3U);
}

TEST_F(GuardFiles, ACutAtARecordBoundaryIsFoundByTheMark) {
    three();
    const std::uint64_t before = fs::file_size(log_file());
    record(entry(4, 40));
    close();
    fs::resize_file(log_file(), before);
    const auto opened = open();
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Errc::kCorrupt);
    EXPECT_NE(opened.error().detail.find("acknowledged"), std::string::npos);
}

TEST_F(GuardFiles, EveryCutOfAcknowledgedRecordsIsFound) {
    three();
    close();
    const TempDir copy;
    fs::copy(log_file(), copy.path() / "log");
    const std::uint64_t size = fs::file_size(log_file());
    for (std::uint64_t left = 0; left < size; left += 23) {
        fs::copy_file(copy.path() / "log", log_file(), fs::copy_options::overwrite_existing);
        fs::resize_file(log_file(), left);
        EXPECT_CODE(open(), Errc::kCorrupt);
    }
}

TEST_F(GuardFiles, AnOlderCopyIsFoundByTheMark) {
    record(entry(1, 10));
    const TempDir copy;
    fs::copy(log_file(), copy.path() / "log");
    record(entry(2, 20));
    close();
    fs::copy_file(copy.path() / "log", log_file(), fs::copy_options::overwrite_existing);
    EXPECT_CODE(open(), Errc::kCorrupt);
}

TEST_F(GuardFiles, AnotherHistoryOfTheSameLengthIsFoundByTheMark) {
    const TempDir other;
    {
        const auto theirs =
            STORE_OK(SigningGuard::open(other.path() / "g", other.path() / "m", network()));
        STORE_OK(theirs->record(entry(1, 66)));
    }
    record(entry(1, 10));
    close();
    fs::copy_file(other.path() / "g" / "log", log_file(), fs::copy_options::overwrite_existing);
    EXPECT_CODE(open(), Errc::kCorrupt);
}

TEST_F(GuardFiles, AMissingMarkBesideRecordsIsCorrupt) {
    record(entry(1, 10));
    close();
    fs::remove(mark());
    EXPECT_CODE(open(), Errc::kCorrupt);
    EXPECT_FALSE(fs::exists(mark()));
}

TEST_F(GuardFiles, AMissingDirectoryBesideAMarkIsCorrupt) {
    record(entry(1, 10));
    close();
    fs::remove_all(guard_dir());
    EXPECT_CODE(open(), Errc::kCorrupt);
    // And it stays so: asking did not make a new one.
    EXPECT_CODE(open(), Errc::kCorrupt);
}

TEST_F(GuardFiles, AMissingFileBesideAMarkIsCorrupt) {
    close();
    fs::remove(log_file());
    EXPECT_CODE(open(), Errc::kCorrupt);
}

TEST_F(GuardFiles, ADamagedMarkIsCorrupt) {
    three();
    close();
    flip(mark(), 20);
    flip(mark(), 4096 + 20);
    EXPECT_CODE(open(), Errc::kCorrupt);
}

TEST_F(GuardFiles, ACrashBetweenTheNewFileAndItsMarkIsMended) {
    close();
    fs::remove(mark());
    // The mark is made before the first record.
    fs::resize_file(log_file(), 80);
    reopen();
    record(entry(1, 10));
    close();
    fs::remove_all(guard_dir());
    fs::remove(mark());
    fs::create_directories(guard_dir());
    { const std::ofstream torn(log_file()); }
    reopen();
    EXPECT_EQ(guard_->size(), 0U);
}

// Records epochs until it is killed; says each after the call returned.
[[noreturn]] void record_for_ever(const fs::path& dir, const fs::path& mark, int out) {
    const auto guard = SigningGuard::open(dir, mark, network());
    if (!guard) {
        ::_exit(1);
    }
    for (std::uint64_t epoch = guard.value()->size() + 1;; ++epoch) {
        if (!guard.value()->record(entry(epoch, 7 * epoch)) ||
            ::write(out, &epoch, sizeof epoch) != sizeof epoch) {
            ::_exit(1);
        }
    }
}

TEST_F(GuardFiles, WhatWasAcknowledgedSurvivesAKill) {
    for (unsigned round = 0; round < 10; ++round) {
        close();
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            record_for_ever(guard_dir(), mark(), ends[1]);
        }
        ::close(ends[1]);
        std::uint64_t acknowledged = 0;
        for (unsigned i = 0; i < 5 + round; ++i) {
            ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
        }
        ::kill(child, SIGKILL);
        while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
        }
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        reopen();
        EXPECT_GE(guard_->size(), acknowledged);
        EXPECT_LE(guard_->size(), acknowledged + 1);
        EXPECT_CODE(guard_->record(entry(acknowledged, 1)), Errc::kConflict);
    }
}

TEST_F(GuardFiles, AfterAFailedWriteNothingIsSignedUntilANewStart) {
    three();
    close();
    const pid_t child = ::fork();
    if (child == 0) {
        const auto guard = SigningGuard::open(guard_dir(), mark(), network());
        // A full disk, as far as this process can tell.
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{fs::file_size(log_file()) + 30, fs::file_size(log_file()) + 30};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto first = guard.value()->record(entry(4, 40));
        const auto second = guard.value()->record(entry(5, 50));
        const auto repeat = guard.value()->record(entry(1, 10));
        const bool refused = !first && first.error().code == Errc::kStore && !second &&
                             second.error().code == Errc::kStore && !repeat;
        ::_exit(refused ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    reopen();
    EXPECT_EQ(guard_->size(), 3U);
    EXPECT_FALSE(guard_->note().empty());
    record(entry(4, 41));
}

// Takes the guard, signs one epoch, gives it back; again and again, with a digest of its own.
[[noreturn]] void race(const fs::path& dir, const fs::path& mark, std::uint64_t who, int out) {
    constexpr std::uint64_t kEpochs = 25;
    std::uint64_t epoch = 1;
    while (epoch <= kEpochs) {
        const auto guard = SigningGuard::open(dir, mark, network());
        if (!guard) {
            if (guard.error().code != Errc::kLocked) {
                ::_exit(2);
            }
            ::usleep(200);
            continue;
        }
        const std::uint64_t digest = 1000 * who + epoch;
        const auto verdict = guard.value()->record(entry(epoch, digest));
        if (verdict) {
            const std::uint64_t line[2]{epoch, digest};
            if (::write(out, line, sizeof line) != sizeof line) {
                ::_exit(3);
            }
        } else if (verdict.error().code != Errc::kConflict) {
            ::_exit(4);
        }
        ++epoch;
    }
    ::_exit(0);
}

TEST_F(GuardFiles, TwoProcessesNeverSignTwoDigestsForOneEpoch) {
    close();
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::vector<pid_t> children;
    for (std::uint64_t who = 1; who <= 3; ++who) {
        const pid_t child = ::fork();
        if (child == 0) {
            race(guard_dir(), mark(), who, ends[1]);
        }
        children.push_back(child);
    }
    ::close(ends[1]);
    std::map<std::uint64_t, std::set<std::uint64_t>> signed_digests;
    std::uint64_t line[2];
    while (::read(ends[0], line, sizeof line) == sizeof line) {
        signed_digests[line[0]].insert(line[1]);
    }
    ::close(ends[0]);
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    EXPECT_FALSE(signed_digests.empty());
    for (const auto& [epoch, digests] : signed_digests) {
        EXPECT_EQ(digests.size(), 1U) << "epoch " << epoch;
    }
    reopen();
    EXPECT_EQ(guard_->size(), signed_digests.size());
}

}  // namespace
}  // namespace margrave::store::test
