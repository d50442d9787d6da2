// SPDX-License-Identifier: Apache-2.0
// margrave_replay_source: serves a recorded chain as a node would, as fast as one core can.
#include "tests/bench/backfill/replay/answers.hpp"
#include "tests/bench/backfill/replay/recording.hpp"
#include "tests/bench/backfill/replay/server.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <string>

namespace {

using namespace margrave;

struct Options {
    std::string file;
    std::uint16_t port{0};
    std::uint32_t latency_ms{0};
    double mbytes_per_second{0};
    replay::Limits limits;
};

int failed(const Error& error) {
    std::fprintf(stderr, "replay source: %s\n", error.detail.c_str());
    return exit_code(error.code);
}

void report(const replay::Answers& answers, const replay::Server& server) {
    std::fprintf(stderr, "sent %llu bytes\n", static_cast<unsigned long long>(server.bytes_sent()));
    for (const auto& [method, count] : answers.asked()) {
        std::fprintf(
            stderr, "asked %llu %s\n", static_cast<unsigned long long>(count), method.c_str()
        );
    }
    for (const auto& [question, count] : answers.missing()) {
        std::fprintf(
            stderr,
            "not recorded, asked %llu times: %s\n",
            static_cast<unsigned long long>(count),
            question.c_str()
        );
    }
}

int serve(const Options& options) {
    auto recording = replay::Recording::load(options.file);
    if (!recording) {
        return failed(recording.error());
    }
    replay::Answers answers(recording.value(), options.limits);
    const replay::Server::Pace pace{
        std::chrono::milliseconds(options.latency_ms),
        static_cast<std::uint64_t>(options.mbytes_per_second * 1e6)};
    auto server = replay::Server::listen(options.port, pace, answers);
    if (!server) {
        return failed(server.error());
    }
    std::printf(
        "serving %zu logs of %llu blocks at http://127.0.0.1:%u\n",
        recording.value().logs(),
        static_cast<unsigned long long>(recording.value().last() + 1),
        server.value()->port()
    );
    std::fflush(stdout);
    auto served = server.value()->run();
    report(answers, *server.value());
    return served ? 0 : failed(served.error());
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Serves a recorded chain as JSON-RPC on loopback until SIGTERM.");
    app.add_option("recording", options.file, "chain.rec, made by tests/bench/backfill/record")
        ->required();
    app.add_option("--port", options.port, "0: the kernel chooses")->capture_default_str();
    app.add_option("--latency-ms", options.latency_ms, "How long each answer waits")
        ->check(CLI::Range(0, 60'000))
        ->capture_default_str();
    app.add_option(
           "--mbytes-per-second", options.mbytes_per_second, "Of all connections together; 0: any"
    )
        ->check(CLI::Range(0.0, 10'000.0))
        ->capture_default_str();
    app.add_option(
           "--max-range", options.limits.max_range, "Most blocks of one eth_getLogs; 0: any"
    )
        ->capture_default_str();
    app.add_option("--max-results", options.limits.max_results, "Most logs of one answer; 0: any")
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    return serve(options);
}
