// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/sim/random.hpp"
#include "tests/sim/trace.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

namespace margrave::tests::sim {

using relayer::tests::World;

inline constexpr std::size_t kChains = 2;
inline constexpr std::uint64_t kAccounts = 6;

/// What happens on the chains and around them whatever the daemon does: users, forks, finality,
/// prices, time, nodes that do not answer.
class Chains {
  public:
    Chains(World& world, Random& random, Trace& trace);

    /// Lenders' money and first deposits.
    void begin();
    void mine(std::size_t chain);
    void finalize(std::size_t chain);
    /// Replaces unfinal blocks. What their users did comes again later, in another order, or never.
    void fork(std::size_t chain);
    /// The branch that was there before the last fork is the chain again: A, B, A.
    void fork_back(std::size_t chain);
    /// Replaces final blocks as well, down to one below `attested`, which no honest chain does. A
    /// daemon that attested that one cannot have forgotten it.
    void break_finality(std::size_t chain, BlockNum attested);
    void mend_finality(std::size_t chain);

    [[nodiscard]] bool is_broken(std::size_t chain) const { return sides_[chain].broken; }

    /// A transaction of the sender that the daemon did not make takes its next nonce.
    void spend_nonce(std::size_t chain);
    void move_price();
    /// The daemon's clock is wrong from here on, or right again.
    void skew_clock();
    /// The node fails its next calls.
    void trouble_node(std::size_t chain);
    /// Everything answers, everything is final, the clock is right.
    void calm();

  private:
    struct Side {
        /// Of users, from blocks that were orphaned.
        std::vector<FakeChain::Body> orphaned;
        /// The chain as it was before the last fork.
        std::vector<FakeChain::Block> before;
        bool broken{false};
    };

    FakeAdapter::Node& node(std::size_t chain) { return *world_.nodes[chain]; }

    void pass_time();
    void add_block(std::size_t chain, std::uint64_t most_events);
    void add_event(std::size_t chain);
    void add_user_event(std::size_t chain);
    void tell_rate(std::size_t chain);
    void add_orphaned(std::size_t chain);
    bool add_sale(std::size_t chain);
    void drop(std::size_t chain, std::size_t depth, bool forget);

    World& world_;
    Random& random_;
    Trace& trace_;
    std::array<Side, kChains> sides_;
    std::uint64_t time_;
    std::int64_t skew_{0};
};

}  // namespace margrave::tests::sim
