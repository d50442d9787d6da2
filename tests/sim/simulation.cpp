// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/simulation.hpp"

#include "tests/sim/chains.hpp"
#include "tests/sim/checks.hpp"
#include "tests/sim/daemon.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/trace.hpp"

#include <filesystem>

namespace margrave::tests::sim {

namespace {

/// Passes until everything is signed, delivered and final: blocks a few, each with every task.
constexpr int kCalmPasses = 14;

class Simulation {
  public:
    explicit Simulation(const SimulationOptions& options)
        : options_(options),
          random_(options.seed * 0x2545F4914F6CDD1DU + 1),
          trace_(options.print),
          chains_(world_, random_, trace_),
          checks_(world_, chains_),
          daemon_(world_, random_, trace_, [this] { checks_.after_start(); }) {}

    SimulationResult run() {
        SimulationResult result;
        try {
            chains_.begin();
            while (trace_.events() < options_.events) {
                step();
                checks_.after_step();
            }
            calm();
            checks_.at_end(options_.seed % kDeepEach == 0);
        } catch (const Finding& finding) {
            result.finding = finding.what();
        }
        trace_.add("log", std::to_string(checks_.statements()));
        result.trace = trace_.hash();
        result.events = trace_.events();
        result.statements = checks_.statements();
        result.counts = trace_.counts();
        return result;
    }

  private:
    static constexpr std::uint64_t kDeepEach = 16;

    void step() {
        const std::size_t chain = random_.below(kChains);
        const std::uint64_t what = random_.below(1'000);
        if (what < 620) {
            daemon_step(chain, what);
        } else if (what < 940) {
            chain_step(chain, what);
        } else {
            trouble_step(chain, what);
        }
    }

    void daemon_step(std::size_t chain, std::uint64_t what) {
        if (what < 330) {
            daemon_.watch(chain);
        } else if (what < 450) {
            daemon_.round();
        } else {
            daemon_.deliver(chain);
        }
    }

    void chain_step(std::size_t chain, std::uint64_t what) {
        if (what < 790) {
            chains_.mine(chain);
        } else if (what < 860) {
            chains_.finalize(chain);
        } else if (what < 890) {
            chains_.fork(chain);
        } else if (what < 905) {
            chains_.fork_back(chain);
        } else if (what < 922) {
            chains_.move_price();
        } else if (what < 937) {
            daemon_.mislead(chain);
        } else {
            chains_.spend_nonce(chain);
        }
    }

    void trouble_step(std::size_t chain, std::uint64_t what) {
        if (what < 955) {
            chains_.trouble_node(chain);
        } else if (what < 962) {
            chains_.skew_clock();
        } else if (what < 970) {
            daemon_.die();
        } else if (what < 984) {
            daemon_.trouble_disk();
        } else if (what < 987) {
            daemon_.restart();
        } else if (what < 990) {
            chains_.break_finality(chain, checks_.attested(world_.id(chain)));
        } else if (what < 998) {
            mend(chain);
        } else {
            daemon_.copy();
        }
    }

    void mend(std::size_t chain) {
        chains_.mend_finality(chain);
        daemon_.resume(chain);
    }

    /// Faults stop, and the daemon is left alone for a while.
    void calm() {
        daemon_.calm();
        for (int i = 0; i < kCalmPasses; ++i) {
            chains_.calm();
            for (std::size_t c = 0; c < kChains; ++c) {
                daemon_.resume(c);
                daemon_.watch(c);
            }
            // A round is due with every pass while there is something to settle, not after it.
            if (i < kCalmPasses - 4) {
                daemon_.round();
            }
            for (std::size_t c = 0; c < kChains; ++c) {
                daemon_.deliver(c);
            }
            checks_.after_step();
        }
        daemon_.publish();
    }

    SimulationOptions options_;
    Random random_;
    Trace trace_;
    World world_;
    Chains chains_;
    Checks checks_;
    Daemon daemon_;
};

}  // namespace

SimulationResult simulate(const SimulationOptions& options) {
    Disk::instance().watch(std::filesystem::temp_directory_path());
    SimulationResult result;
    {
        Simulation simulation(options);
        result = simulation.run();
        // The world is taken down without another word to its disk.
        Disk::instance().heal();
    }
    Disk::instance().unwatch();
    return result;
}

}  // namespace margrave::tests::sim
