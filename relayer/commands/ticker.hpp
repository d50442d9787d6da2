// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relayer/cli.hpp"
#include "relayer/progress.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace margrave::relayer {

/// Says on stderr how long work gets on, at most once in two seconds; silent with -q and with
/// --output json. Lives as long as the Context.
class Ticker {
  public:
    explicit Ticker(Context& context)
        : context_(context) {}

    void say(const std::string& line) const { advise(context_, line); }

    /// For work that counts rows.
    std::function<void(std::uint64_t)> rows(const std::string& what) {
        return [this, what](std::uint64_t done) {
            tick(std::to_string(done) + " " + what);
        };
    }

    /// For work that counts bytes.
    std::function<void(std::uint64_t)> bytes(const std::string& what) {
        return [this, what](std::uint64_t done) {
            tick(std::to_string(done >> kMegabyte) + " MiB " + what);
        };
    }

    /// For work that says how much there is of it, and begins with nothing done.
    std::function<void(const std::string&, std::uint64_t, std::uint64_t)> pace() {
        return [this, begun = Clock::now()](
                   const std::string& what, std::uint64_t done, std::uint64_t all
               ) mutable {
            const Clock::time_point now = Clock::now();
            begun = done == 0 ? now : begun;
            const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun);
            tick(pace_text(what, done, all, passed));
        };
    }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds kEvery{2};
    static constexpr unsigned kMegabyte = 20;

    void tick(const std::string& line) {
        const Clock::time_point now = Clock::now();
        if (now >= next_) {
            next_ = now + kEvery;
            say(line);
        }
    }

    Context& context_;
    Clock::time_point next_{Clock::now() + kEvery};
};

}  // namespace margrave::relayer
