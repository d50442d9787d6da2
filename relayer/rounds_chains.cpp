// SPDX-License-Identifier: Apache-2.0
#include "relayer/rounds.hpp"

#include <algorithm>

// Which chains a round can stand on.
namespace margrave::relayer {

namespace {

/// After a start a chain whose attested head has grown too old gets so long to catch up before it
/// counts as dead: its blocks are there, they were only not read yet.
constexpr std::uint64_t kCatchUpSeconds = 60;

}  // namespace

std::map<ChainId, BlockRef> Rounds::price_heads() const {
    std::map<ChainId, BlockRef> heads;
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        // Nodes that do not answer, or answer for another chain, would only make this pass slow.
        const bool held =
            parts_.board.is_halted(chain.chain) || !parts_.board.held(chain.chain).empty();
        const store::ChainState state = parts_.ledger.chain_state(chain.chain);
        if (state.head && !held) {
            heads.emplace(chain.chain, *state.head);
        }
    }
    return heads;
}

std::optional<BlockRef> Rounds::firm_head(const ChainId& chain) const {
    const auto firm = firm_.find(chain);
    return firm == firm_.end() ? std::nullopt : parts_.ledger.block_at(chain, firm->second);
}

std::map<ChainId, Hash32> Rounds::firm_hashes() const {
    std::map<ChainId, Hash32> out;
    for (const auto& [chain, number] : firm_) {
        const auto block = firm_head(chain);
        const bool held = parts_.board.is_halted(chain) || !parts_.board.held(chain).empty();
        if (block && !held) {
            out.emplace(chain, block->hash);
        }
    }
    return out;
}

std::vector<oracle::SequencerFeed> Rounds::sequencers() const {
    std::vector<oracle::SequencerFeed> out;
    for (const chains::ChainSettings& chain : parts_.settings.chains) {
        if (chain.sequencer) {
            out.push_back({chain.chain, chain.sequencer->feed, chain.sequencer->grace_s});
        }
    }
    return out;
}

UnixSeconds Rounds::issue_time(UnixSeconds now) const {
    return std::max(now, parts_.scribe.last().issued_at);
}

std::string Rounds::held(const ChainId& chain, UnixSeconds now, bool too_old) const {
    const auto deficit = deficits_.find(chain);
    std::string why = deficit == deficits_.end() ? parts_.board.held(chain) : deficit->second;
    if (!too_old) {
        return why;
    }
    const bool starting = now.value < opened_.value + kCatchUpSeconds;
    const bool answers = !parts_.board.row(chain).alarm_since.has_value();
    if (starting && answers && !covered_.contains(chain)) {
        return chain.text() + " is catching up after the start";
    }
    return {};
}

// The rule of docs/protocol.md section 3, on nothing but what the round signs: the log's halts, the
// heads and the time of issue. What is not dead by it but cannot be followed is waited for.
Result<bool> Rounds::judge_chains(UnixSeconds now) {
    dead_ = {};
    dead_reasons_.clear();
    const margin::Parameters rules = rules_at(issue_time(now));
    for (const auto& [chain, number] : firm_) {
        if (parts_.board.is_halted(chain)) {
            dead_.add(chain, parts_.settings.genesis.hub);
            dead_reasons_[chain] = "halted: " + parts_.board.row(chain).stop->reason;
            continue;
        }
        MARGRAVE_TRY(const BlockRef block, final_block(chain, number));
        const std::uint64_t limit = rules.head_age_limit(chain);
        const UnixSeconds issued = issue_time(now);
        const bool too_old = margin::is_head_too_old(block.time, issued, limit);
        if (waiting_for_.empty()) {
            waiting_for_ = held(chain, now, too_old);
        }
        if (too_old) {
            dead_.add(chain, parts_.settings.genesis.hub);
            dead_reasons_[chain] = "its final block " + std::to_string(number.value) + " is " +
                                   std::to_string(issued.value - block.time.value) + " s old, " +
                                   std::to_string(limit) + " s are allowed";
        }
    }
    if (waiting_for_.empty() && dead_.chains.size() == firm_.size()) {
        // Nobody could be told, and nobody's state is known.
        waiting_for_ = "every chain is dead; " + dead_reasons_.begin()->first.text() + " " +
                       dead_reasons_.begin()->second;
    }
    return waiting_for_.empty();
}

void Rounds::set_custody(const ChainId& chain, BlockNum at, std::optional<std::string> deficit) {
    if (deficit) {
        deficits_[chain] = std::move(*deficit);
        return;
    }
    deficits_.erase(chain);
    covered_[chain] = at;
}

}  // namespace margrave::relayer
