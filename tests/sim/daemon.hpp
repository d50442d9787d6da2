// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/sim/chains.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/trace.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace margrave::tests::sim {

/// The daemon as App runs it, one pass of one task at a time, and how its process ends: in order,
/// by death between two operations or in the middle of one, by its own decision after an error.
class Daemon {
  public:
    /// `started` is called after every start that went well.
    Daemon(World& world, Random& random, Trace& trace, std::function<void()> started);

    void watch(std::size_t chain);
    void round();
    void deliver(std::size_t chain);
    /// SIGTERM and a new start.
    void restart();
    /// The process dies between two steps; with it, now and then, the power.
    void die();
    /// A fault at one of the next operations on the disk.
    void trouble_disk();
    /// No fault is armed any more, and what one did to the process is over.
    void calm();
    /// What the next round would publish besides itself: readings that came after the last one.
    void publish();
    /// An operator's word on every halted chain that is as it was.
    void resume(std::size_t chain);
    /// A ledger is told what no adapter would: blocks again, out of order, with an event missing.
    /// It must not change.
    void mislead(std::size_t chain);
    /// A second process on the same directory, and one on a copy: neither may sign.
    void copy();

  private:
    /// How a pass or a start ended, for the trace and for what comes next. True when the process
    /// goes on.
    bool judge(const std::string& what, const Result<void>& ended);
    void start();
    /// The process is gone and the disk works again.
    void bury();
    void end(bool power);
    void expect_unchanged(std::size_t chain, const BlockApplied& update, bool refused);

    World& world_;
    Random& random_;
    Trace& trace_;
    std::function<void()> started_;
    /// An armed fault came since the last start.
    bool hurt_{false};
    bool dead_{false};
};

}  // namespace margrave::tests::sim
