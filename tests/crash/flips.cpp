// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/child.hpp"
#include "tests/crash/runs.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

namespace margrave::crash {
namespace {

constexpr std::uint64_t kBlocks = 1'000;
/// More than one full tile of the log.
constexpr std::uint64_t kRounds = 290;

std::string slurp(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

void spill(const fs::path& file, const std::string& bytes) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << bytes;
}

/// A directory as it was. Files are put back in place, since the guard knows its own by inode.
class Copy {
  public:
    explicit Copy(fs::path dir)
        : dir_(std::move(dir)) {
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir_)) {
            if (entry.is_regular_file()) {
                files_.emplace_back(entry.path(), slurp(entry.path()));
            }
        }
        std::ranges::sort(files_);
    }

    void put_back() const {
        std::vector<fs::path> extra;
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir_)) {
            const auto same = [&](const auto& file) {
                return file.first == entry.path();
            };
            if (entry.is_regular_file() && std::ranges::none_of(files_, same)) {
                extra.push_back(entry.path());
            }
        }
        for (const fs::path& file : extra) {
            fs::remove(file);
        }
        for (const auto& [file, bytes] : files_) {
            if (slurp(file) != bytes) {
                spill(file, bytes);
            }
        }
    }

    [[nodiscard]] const auto& files() const { return files_; }

  private:
    fs::path dir_;
    std::vector<std::pair<fs::path, std::string>> files_;
};

struct Place {
    std::size_t file{0};
    std::uint64_t at{0};
    std::uint8_t mask{1};
};

// Every file gets its share: a few bytes of each, the rest by size, and of a file's bytes the first
// and the last more often, where lengths and footers are.
std::vector<Place> places(const Copy& copy, std::uint64_t count, std::mt19937_64& random) {
    std::vector<std::size_t> with_bytes;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < copy.files().size(); ++i) {
        if (!copy.files()[i].second.empty()) {
            with_bytes.push_back(i);
            total += copy.files()[i].second.size();
        }
    }
    std::vector<Place> out;
    const auto add = [&](std::size_t file, std::uint64_t at) {
        out.push_back({file, at, static_cast<std::uint8_t>(1 + random() % 255)});
    };
    while (out.size() < count) {
        for (const std::size_t file : with_bytes) {
            const std::uint64_t size = copy.files()[file].second.size();
            const std::uint64_t near = std::min<std::uint64_t>(size, 64);
            add(file, random() % 2 == 0 ? random() % near : size - 1 - random() % near);
        }
        for (std::size_t i = 0; i < with_bytes.size(); ++i) {
            std::uint64_t at = random() % total;
            std::size_t file = 0;
            while (at >= copy.files()[file].second.size()) {
                at -= copy.files()[file++].second.size();
            }
            add(file, at);
        }
    }
    std::ranges::shuffle(out, random);
    out.resize(count);
    return out;
}

// Reads everything. An error of any other kind than "it is not what was told" is a detection.
int examine(const Pipe& pipe, const History& history, const fs::path& dir, const Record& record) {
    Firm firm(history, dir, fresh_salt());
    const std::uint64_t rounds = record.told().back().round;
    const auto answer = [&](const Error& error) {
        pipe.say(std::string(to_string(error.code)) + ": " + error.detail);
        return error.code == Errc::kCheckFailed && !error.detail.starts_with("tile") ? kBad
                                                                                     : kRefused;
    };
    const auto opened = firm.open();
    if (!opened) {
        return answer(opened.error());
    }
    const auto whole = firm.check(record.told(), true);
    if (!whole) {
        return answer(whole.error());
    }
    if (firm.rounds() != rounds || firm.blocks() != record.told().back().block) {
        pipe.say(
            "the history is another: " + std::to_string(firm.rounds()) + " rounds, " +
            std::to_string(firm.blocks()) + " blocks"
        );
        return kBad;
    }
    return kFine;
}

// Half of it lies in tables and half in the write-ahead log.
bool prepare(const History& history, const fs::path& dir, Record& record) {
    for (const std::uint64_t rounds : {kRounds / 2, kRounds - kRounds / 2}) {
        const Outcome outcome = run_child([&](const Pipe& pipe) {
            return go_on(pipe, history, dir, record.told(), rounds, false);
        });
        if (outcome.code != kFine || outcome.signal != 0 || !record.add(outcome).empty()) {
            std::printf("FAILED: the directory could not be made\n");
            return false;
        }
    }
    return true;
}

}  // namespace

int run_flips(const Run& run) {
    const History history(kBlocks);
    const fs::path dir = run.dir / "flips";
    Record record;
    if (!prepare(history, dir, record)) {
        return 1;
    }
    const Copy copy(dir);
    std::mt19937_64 random(run.seed);
    std::uint64_t detected = 0;
    std::uint64_t harmless = 0;
    std::uint64_t failed = 0;
    for (const Place& place : places(copy, run.count, random)) {
        const auto& [file, bytes] = copy.files()[place.file];
        std::string changed = bytes;
        changed[place.at] = static_cast<char>(changed[place.at] ^ place.mask);
        spill(file, changed);
        const Outcome outcome =
            run_child([&](const Pipe& pipe) { return examine(pipe, history, dir, record); });
        // An assertion that stops the process is a detection; a process that runs wild is not.
        const bool stopped = outcome.code == kRefused || outcome.signal == SIGABRT;
        if (outcome.code == kFine && outcome.signal == 0) {
            ++harmless;
        } else if (stopped) {
            ++detected;
        } else {
            ++failed;
            std::printf(
                "FAILED: byte %llu of %s xor %u (code %d, signal %d)%s%s\n",
                static_cast<unsigned long long>(place.at),
                fs::relative(file, dir).c_str(),
                static_cast<unsigned>(place.mask),
                outcome.code,
                outcome.signal,
                outcome.words.empty() ? "" : ": ",
                outcome.words.empty() ? "" : outcome.words.front().c_str()
            );
        }
        copy.put_back();
    }
    std::printf(
        "%llu bytes changed over %zu files, seed %llu: %llu detected, %llu harmless, %llu failed\n",
        static_cast<unsigned long long>(run.count),
        copy.files().size(),
        static_cast<unsigned long long>(run.seed),
        static_cast<unsigned long long>(detected),
        static_cast<unsigned long long>(harmless),
        static_cast<unsigned long long>(failed)
    );
    return failed == 0 ? 0 : 1;
}

}  // namespace margrave::crash
