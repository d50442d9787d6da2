// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/guard_fixture.hpp"

#include <algorithm>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace margrave::store::test {
namespace {

const Hash32 kHome = keccak256("home");
const Hash32 kElsewhere = keccak256("elsewhere");

/// What happens to guards in real life, and that each of it is refused with words of its own.
class GuardPlaces : public GuardTest {
  protected:
    [[nodiscard]] GuardPlace at(const fs::path& root, const Hash32& machine = this_machine())
        const {
        return {root / "guard", root / "guard.mark", network(), machine};
    }

    [[nodiscard]] GuardPlace home() const { return at(dir_.path()); }

    static void record_in(const GuardPlace& place, std::uint64_t round, std::uint8_t digest) {
        const auto guard = STORE_OK(SigningGuard::open(place));
        STORE_OK(guard->record(entry(round, digest)));
    }

    static void refused(const GuardPlace& place, Errc code, const std::string& words) {
        for (int i = 0; i < 2; ++i) {
            // A second time too: asking changed nothing.
            const auto opened = SigningGuard::open(place);
            ASSERT_FALSE(opened.has_value());
            EXPECT_EQ(opened.error().code, code) << opened.error().detail;
            EXPECT_NE(opened.error().detail.find(words), std::string::npos)
                << opened.error().detail;
            EXPECT_NE(opened.error().detail.find("Nothing is signed"), std::string::npos)
                << opened.error().detail;
        }
        const auto looked = SigningGuard::look(place);
        ASSERT_FALSE(looked.has_value());
        EXPECT_EQ(looked.error().code, code);
    }

    static void copy(const fs::path& from, const fs::path& to) {
        fs::copy(from, to, fs::copy_options::recursive);
    }

    static std::string bytes(const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

TEST_F(GuardPlaces, ARestoredDirectoryIsRefused) {
    three();
    close();
    const TempDir backup;
    copy(guard_dir(), backup.path() / "guard");
    copy(mark(), backup.path() / "guard.mark");
    fs::remove_all(guard_dir());
    fs::remove(mark());
    copy(backup.path() / "guard", guard_dir());
    copy(backup.path() / "guard.mark", mark());
    const std::string before = bytes(log_file());
    refused(home(), Errc::kUnsafe, "was restored from one");
    EXPECT_EQ(bytes(log_file()), before);
}

TEST_F(GuardPlaces, ACopyOnAnotherPathIsRefusedAndTheOriginalGoesOn) {
    three();
    const TempDir clone;
    copy(guard_dir(), clone.path() / "guard");
    copy(mark(), clone.path() / "guard.mark");
    refused(at(clone.path()), Errc::kUnsafe, "it is a copy");
    record(entry(4, 40));
    reopen();
    EXPECT_EQ(guard_->size(), 4U);
}

TEST_F(GuardPlaces, ACopiedMarkIsRefused) {
    three();
    close();
    const TempDir backup;
    copy(mark(), backup.path() / "mark");
    fs::remove(mark());
    copy(backup.path() / "mark", mark());
    refused(home(), Errc::kUnsafe, "guard.mark is not the file it was made with");
}

TEST_F(GuardPlaces, AClonedMachineIsRefused) {
    close();
    const TempDir place;
    record_in(at(place.path(), kHome), 1, 10);
    refused(at(place.path(), kElsewhere), Errc::kUnsafe, "its disk was moved or cloned");
    // Also where a machine has lost its name.
    refused(at(place.path(), Hash32{}), Errc::kUnsafe, "this is machine unnamed");
    record_in(at(place.path(), kHome), 2, 20);
}

TEST_F(GuardPlaces, AMachineWithoutANameIsToldByTheFilesAlone) {
    close();
    const TempDir place;
    record_in(at(place.path(), Hash32{}), 1, 10);
    STORE_OK(SigningGuard::open(at(place.path(), kHome)));
    const TempDir clone;
    copy(place.path() / "guard", clone.path() / "guard");
    copy(place.path() / "guard.mark", clone.path() / "guard.mark");
    refused(at(clone.path(), Hash32{}), Errc::kUnsafe, "it is a copy");
}

TEST_F(GuardPlaces, ARenamedDirectoryIsTheSameGuard) {
    three();
    close();
    fs::rename(guard_dir(), dir_.path() / "other");
    fs::rename(mark(), dir_.path() / "other.mark");
    const GuardPlace moved{dir_.path() / "other", dir_.path() / "other.mark", network()};
    EXPECT_EQ(STORE_OK(SigningGuard::open(moved))->size(), 3U);
}

// Rolled back in place, with the very files: a snapshot of the volume that the mark is not on.
TEST_F(GuardPlaces, ARollbackIsFoundByTheMark) {
    record(entry(1, 10));
    const std::string old = bytes(log_file());
    record(entry(2, 20));
    record(entry(3, 30));
    close();
    std::ofstream(log_file(), std::ios::binary | std::ios::trunc) << old;
    refused(home(), Errc::kCorrupt, "it has 2 records, but 4 were acknowledged");
}

TEST_F(GuardPlaces, AMarkThatWasRolledBackIsFound) {
    record(entry(1, 10));
    const std::string old = bytes(mark());
    record(entry(2, 20));
    record(entry(3, 30));
    close();
    std::ofstream(mark(), std::ios::binary | std::ios::trunc) << old;
    refused(home(), Errc::kCorrupt, "the mark was put back from an older copy");
}

TEST_F(GuardPlaces, ACutOnARecordBoundaryIsFound) {
    std::vector<std::uint64_t> ends;
    for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
        ends.push_back(fs::file_size(log_file()));
        record(entry(epoch, 10 * epoch));
    }
    close();
    const std::string whole = bytes(log_file());
    for (const std::uint64_t end : ends) {
        fs::resize_file(log_file(), end);
        refused(home(), Errc::kCorrupt, "were acknowledged: it was cut at a record's end");
        std::ofstream(log_file(), std::ios::binary | std::ios::trunc) << whole;
    }
    reopen();
    EXPECT_EQ(guard_->size(), 4U);
}

TEST_F(GuardPlaces, ADeletedRecordFileIsFound) {
    three();
    close();
    fs::remove(log_file());
    refused(home(), Errc::kCorrupt, "its file \"log\" was deleted");
    EXPECT_FALSE(fs::exists(log_file()));
}

TEST_F(GuardPlaces, AMissingDirectoryIsFound) {
    three();
    close();
    fs::remove_all(guard_dir());
    refused(home(), Errc::kCorrupt, "the directory is missing");
    EXPECT_FALSE(fs::exists(guard_dir()));
}

TEST_F(GuardPlaces, AMissingMarkIsFound) {
    three();
    close();
    fs::remove(mark());
    refused(home(), Errc::kCorrupt, "guard.mark is gone");
    EXPECT_FALSE(fs::exists(mark()));
}

TEST_F(GuardPlaces, AnAdoptedGuardSignsOnAndKeepsTheReason) {
    three();
    close();
    const TempDir clone;
    copy(guard_dir(), clone.path() / "guard");
    copy(mark(), clone.path() / "guard.mark");
    EXPECT_CODE(SigningGuard::adopt(at(clone.path()), ""), Errc::kUsage);
    STORE_OK(SigningGuard::adopt(at(clone.path()), "the old disk broke"));
    const auto guard = STORE_OK(SigningGuard::open(at(clone.path())));
    EXPECT_EQ(guard->state().adoptions, 1U);
    EXPECT_EQ(guard->state().adopted_because, "the old disk broke");
    EXPECT_CODE(guard->record(entry(3, 31)), Errc::kConflict);
    EXPECT_EQ(STORE_OK(guard->record(entry(4, 40))), GuardVerdict::kNew);
}

TEST_F(GuardPlaces, AdoptingForgivesNothingElse) {
    three();
    close();
    fs::resize_file(log_file(), fs::file_size(log_file()) - 1);
    EXPECT_CODE(SigningGuard::adopt(home(), "because"), Errc::kCorrupt);
    const TempDir nowhere;
    EXPECT_CODE(SigningGuard::adopt(at(nowhere.path()), "because"), Errc::kNotFound);
    EXPECT_FALSE(fs::exists(nowhere.path() / "guard"));
}

TEST_F(GuardPlaces, LookingChangesNothingAndSignsNothing) {
    three();
    close();
    std::ofstream(log_file(), std::ios::app | std::ios::binary) << "xyz";
    const std::string before = bytes(log_file());
    {
        const auto guard = STORE_OK(SigningGuard::look(home()));
        EXPECT_EQ(guard->size(), 3U);
        EXPECT_CODE(guard->record(entry(4, 40)), Errc::kStore);
        EXPECT_CODE(guard->close(Hash32{}, 1, "because"), Errc::kStore);
    }
    EXPECT_EQ(bytes(log_file()), before);
    const TempDir nowhere;
    EXPECT_CODE(SigningGuard::look(at(nowhere.path())), Errc::kNotFound);
    EXPECT_TRUE(fs::is_empty(nowhere.path()));
}

// The first start, killed after any byte of it: the next one goes on. The mark is made when the
// header is whole and before the first record.
TEST_F(GuardPlaces, AFirstStartThatWasKilledGoesOn) {
    constexpr std::size_t kHeaderBytes = 80;
    close();
    const std::string log = bytes(log_file());
    ASSERT_GT(log.size(), kHeaderBytes);
    for (std::size_t left = 0; left < log.size(); left += 7) {
        const TempDir fresh;
        const GuardPlace place = at(fresh.path());
        fs::create_directories(place.dir);
        std::ofstream(place.dir / "log", std::ios::binary)
            << log.substr(0, std::min(left, kHeaderBytes));
        if (left >= kHeaderBytes) {
            const TempDir made;
            STORE_OK(SigningGuard::open(at(made.path())));
            std::string slots = bytes(made.path() / "guard.mark");
            // Slot one still says that there are no records; slot two was not written then.
            slots.resize(4096 + 80);
            slots.replace(0, 80, slots.substr(4096, 80));
            std::ofstream(place.mark_file, std::ios::binary) << slots;
            std::ofstream(place.dir / "log", std::ios::binary | std::ios::app)
                << log.substr(kHeaderBytes, left - kHeaderBytes);
        }
        const auto guard = STORE_OK(SigningGuard::open(place));
        EXPECT_EQ(guard->size(), 0U);
        EXPECT_EQ(STORE_OK(guard->record(entry(1, 10))), GuardVerdict::kNew);
    }
}

// Makes a guard where there is none and records, until it is killed at some moment of that.
TEST_F(GuardPlaces, KillsFromTheVeryFirstMomentAreNeverRefused) {
    const TempDir fresh;
    for (unsigned round = 0; round < 60; ++round) {
        if (round % 6 == 0) {
            fs::remove_all(fresh.path() / "guard");
            fs::remove(fresh.path() / "guard.mark");
        }
        const pid_t child = ::fork();
        if (child == 0) {
            const auto guard = SigningGuard::open(at(fresh.path()));
            for (std::uint64_t epoch = guard ? guard.value()->size() + 1 : 0; guard; ++epoch) {
                if (!guard.value()->record(entry(epoch, 7 * epoch))) {
                    break;
                }
            }
            ::_exit(1);
        }
        ::usleep(300 * (round % 13));
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the guard refused in round " << round;
        const auto opened = SigningGuard::open(at(fresh.path()));
        ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    }
}

}  // namespace
}  // namespace margrave::store::test
