// SPDX-License-Identifier: Apache-2.0
// margrave_sim FROM COUNT [--events N] [--print] [--twice] [--expect WORDS]
// Runs seeds one after the other. A line for each that found something, and the command that runs
// it again; a last line with numbers. Ends with 1 when a seed found something. --twice runs each
// seed two times and compares the traces. --expect is for a program with a planted bug: it ends
// with 0 as soon as a seed finds something that has these words in it, and with 1 when none does.
#include "tests/sim/simulation.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using margrave::tests::sim::simulate;
using margrave::tests::sim::SimulationOptions;
using margrave::tests::sim::SimulationResult;

struct Arguments {
    std::uint64_t from{1};
    std::uint64_t count{1};
    SimulationOptions options;
    bool twice{false};
    std::string expect;
};

// For the handler of SIGABRT, which may not do much more than write.
char current_seed[64];

extern "C" void on_abort(int) {
    (void)!::write(STDERR_FILENO, current_seed, std::strlen(current_seed));
}

bool parse(int argc, char** argv, Arguments& out) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 2) {
        return false;
    }
    out.from = std::strtoull(words[0].c_str(), nullptr, 10);
    out.count = std::strtoull(words[1].c_str(), nullptr, 10);
    for (std::size_t i = 2; i < words.size(); ++i) {
        const bool has_value = i + 1 < words.size();
        if (words[i] == "--print") {
            out.options.print = true;
        } else if (words[i] == "--twice") {
            out.twice = true;
        } else if (words[i] == "--events" && has_value) {
            out.options.events = std::strtoull(words[++i].c_str(), nullptr, 10);
        } else if (words[i] == "--expect" && has_value) {
            out.expect = words[++i];
        } else {
            return false;
        }
    }
    return true;
}

/// A directory of this process for all that its seeds write; on a tmpfs where there is one.
std::filesystem::path make_room() {
    const char* given = std::getenv("TMPDIR");
    std::string pattern = given != nullptr                      ? given
                          : std::filesystem::exists("/dev/shm") ? "/dev/shm"
                                                                : "/tmp";
    pattern += "/margrave-sim-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        std::cerr << "cannot make " << pattern << '\n';
        std::exit(2);
    }
    ::setenv("TMPDIR", pattern.c_str(), 1);
    return pattern;
}

int run_seeds(const Arguments& arguments) {
    std::uint64_t events = 0;
    std::uint64_t statements = 0;
    std::uint64_t failed = 0;
    std::map<std::string, std::uint64_t> counts;
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < arguments.count; ++i) {
        SimulationOptions options = arguments.options;
        options.seed = arguments.from + i;
        const std::string note = "seed " + std::to_string(options.seed) + " aborted\n";
        std::strncpy(current_seed, note.c_str(), sizeof current_seed - 1);
        SimulationResult result = simulate(options);
        if (arguments.twice && simulate(options).trace != result.trace) {
            result.finding = "two runs of one seed differ";
        }
        events += result.events;
        statements += result.statements;
        for (const auto& [kind, number] : result.counts) {
            counts[kind] += number;
        }
        if (result.finding.empty()) {
            continue;
        }
        ++failed;
        std::cout << "seed " << options.seed << ": " << result.finding << std::endl;
        if (!arguments.expect.empty() &&
            result.finding.find(arguments.expect) != std::string::npos) {
            std::cout << "found by seed " << i + 1 << " of at most " << arguments.count << '\n';
            return 0;
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::cout << arguments.count << " seeds, " << failed << " failed, " << events << " events, "
              << statements << " statements, " << took.count() << " s;";
    for (const auto& [kind, number] : counts) {
        std::cout << ' ' << kind << '=' << number;
    }
    std::cout << std::endl;
    return failed > 0 || !arguments.expect.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (!parse(argc, argv, arguments)) {
        std::cerr << "margrave_sim FROM COUNT [--events N] [--print] [--twice] [--expect WORDS]\n";
        return 2;
    }
    std::signal(SIGABRT, on_abort);
    const std::filesystem::path room = make_room();
    const int code = run_seeds(arguments);
    std::error_code ignored;
    std::filesystem::remove_all(room, ignored);
    return code;
}
