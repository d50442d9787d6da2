// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/guard_fixture.hpp"

#include <cstdlib>
#include <map>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace margrave::store::test {
namespace {

constexpr std::uint64_t kProcesses = 2;
constexpr std::uint64_t kEpochs = 200;
// How often each process takes the guard; the other one is kept out meanwhile.
constexpr std::uint64_t kTurns = 8;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Race {
    fs::path dir;
    fs::path mark;
    /// scripts/guard-race asks for a million and more threads.
    std::uint64_t threads{from_environment("MARGRAVE_RACE_THREADS", 16)};
    std::uint64_t attempts{from_environment("MARGRAVE_RACE_ATTEMPTS", 20'000)};

    [[nodiscard]] std::uint64_t of_thread() const {
        return (attempts + kProcesses * kTurns * threads - 1) / (kProcesses * kTurns * threads);
    }
};

/// What may be signed: epoch and digest; both zero is an attempt that was refused.
struct Signed {
    std::uint64_t epoch{0};
    std::uint64_t digest{0};
};

// Every thread wants a digest of its own for the epochs of this turn.
void attempt(
    SigningGuard& guard, const Race& race, std::uint64_t who, std::uint64_t turn, int out
) {
    const std::uint64_t each = kEpochs / kTurns;
    for (std::uint64_t i = 0; i < race.of_thread(); ++i) {
        Signed line{turn * each + i * each / race.of_thread() + 1, who};
        const auto verdict = guard.record(entry(line.epoch, line.digest));
        if (!verdict && verdict.error().code != Errc::kConflict) {
            ::_exit(4);
        }
        if (!verdict) {
            line = {};
        }
        if (::write(out, &line, sizeof line) != sizeof line) {
            ::_exit(3);
        }
    }
}

[[noreturn]] void contend(const Race& race, std::uint64_t process, int out) {
    std::uint64_t turn = 0;
    while (turn < kTurns) {
        const auto guard = SigningGuard::open(race.dir, race.mark, network());
        if (!guard && guard.error().code != Errc::kLocked) {
            ::_exit(2);
        }
        if (!guard) {
            ::usleep(200);
            continue;
        }
        std::vector<std::thread> threads;
        for (std::uint64_t t = 0; t < race.threads; ++t) {
            threads.emplace_back([&, t] {
                attempt(*guard.value(), race, 1000 * process + t + 1, turn, out);
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        ++turn;
    }
    ::_exit(0);
}

class GuardRace : public GuardTest {};

TEST_F(GuardRace, ThreadsOfTwoProcessesNeverGetTwoDigestsForOneEpoch) {
    close();
    const Race race{guard_dir(), mark()};
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::vector<pid_t> children;
    for (std::uint64_t process = 1; process <= kProcesses; ++process) {
        const pid_t child = ::fork();
        if (child == 0) {
            contend(race, process, ends[1]);
        }
        children.push_back(child);
    }
    ::close(ends[1]);
    std::map<std::uint64_t, std::set<std::uint64_t>> digests;
    std::uint64_t attempts = 0;
    std::uint64_t allowed = 0;
    Signed line;
    while (::read(ends[0], &line, sizeof line) == sizeof line) {
        ++attempts;
        if (line.epoch != 0) {
            ++allowed;
            digests[line.epoch].insert(line.digest);
        }
    }
    ::close(ends[0]);
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    }
    EXPECT_GE(attempts, race.attempts);
    EXPECT_GE(digests.size(), kEpochs / 2);
    for (const auto& [epoch, of_epoch] : digests) {
        EXPECT_EQ(of_epoch.size(), 1U) << "epoch " << epoch;
    }
    reopen();
    EXPECT_EQ(guard_->size(), digests.size());
    RecordProperty("attempts", static_cast<int>(attempts));
    std::printf(
        "%llu attempts, %llu allowed, %zu epochs, 0 conflicts\n",
        static_cast<unsigned long long>(attempts),
        static_cast<unsigned long long>(allowed),
        digests.size()
    );
}

}  // namespace
}  // namespace margrave::store::test
