// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statements.hpp"
#include "tests/sim/chains.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace margrave::tests::sim {

/// What must hold whatever happened, looked at from outside: by the chains, by every statement that
/// was ever signed, and by what the disk holds. The numbers are those of docs/architecture.md,
/// "What stays true". Throws Finding. Lives as long as the chains and longer than any process.
class Checks {
  public:
    Checks(World& world, const Chains& chains);

    /// I1, I2, I3, I4 on what is new since the last step.
    void after_step();
    /// Nothing that was acknowledged is gone.
    void after_start();
    /// Everything, once the faults stopped and the daemon had time: also I5, I6, I8, I10. `deep`
    /// folds the journal and replays every stored event too, which costs as much as the rest.
    void at_end(bool deep);

    /// The head of a chain in the last round; zero before the first.
    [[nodiscard]] BlockNum attested(const ChainId& chain) const {
        const auto head = attested_.find(chain);
        return head == attested_.end() ? BlockNum{0} : head->second;
    }

    [[nodiscard]] std::size_t statements() const { return digests_.size(); }

  private:
    void check_statements(std::size_t chain);
    void check_statement(std::size_t chain, const Instruction& instruction);
    void check_digest(const std::string& subject, const Hash32& digest);
    void check_release(std::size_t chain, const Release& release);
    void check_round();
    void check_registry(std::size_t chain);
    void check_balances(std::size_t chain);
    void note_leaves();

    void check_caught_up();
    void check_executions(std::size_t chain);
    void check_log();
    void check_guard();
    void check_replay();
    void check_last_round();

    World& world_;
    const Chains& chains_;
    /// What call data was made for, by its name.
    std::array<std::set<Hash32>, kChains> seen_;
    /// Subject and epoch of every statement that was ever signed, with its digest.
    std::map<std::string, Hash32> digests_;
    /// Hash of every leaf that was ever acknowledged.
    std::vector<Hash32> leaves_;
    RoundNum round_;
    std::map<ChainId, BlockNum> attested_;
    std::array<Hash32, kChains> balanced_at_;
};

}  // namespace margrave::tests::sim
