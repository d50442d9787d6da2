// SPDX-License-Identifier: Apache-2.0
#include "relayer/watcher.hpp"

#include <utility>

namespace margrave::relayer {

Watcher::Watcher(Parts parts)
    : parts_(std::move(parts)) {}

chains::ChainView Watcher::view() const {
    const ChainId chain = parts_.adapter.settings().chain;
    const store::ChainState state = parts_.ledger.chain_state(chain);
    chains::ChainView view;
    view.head = state.head;
    view.final = state.final;
    view.vault = state.vault;
    view.positions = state.positions;
    const store::Ledger& ledger = parts_.ledger;
    view.block_at = [&ledger, chain](BlockNum number) {
        return ledger.block_at(chain, number);
    };
    return view;
}

Error Watcher::remember(const Error& error) {
    health_.last_error = error.detail;
    ++health_.errors_in_a_row;
    health_.probed = false;
    return error;
}

Task<Result<bool>> Watcher::pass() {
    if (!health_.probed) {
        auto facts = co_await parts_.adapter.probe();
        if (!facts) {
            co_return remember(facts.error());
        }
        health_.probed = true;
    }
    chains::ChainView now = view();
    auto next = co_await parts_.adapter.next(std::move(now));
    if (!next) {
        co_return remember(next.error());
    }
    health_.lag = next.value().lag;
    auto applied = apply(next.value().updates);
    if (!applied) {
        co_return remember(applied.error());
    }
    untold_ = untold_ || applied.value();
    auto custody = co_await check_custody();
    if (!custody) {
        co_return remember(custody.error());
    }
    health_.errors_in_a_row = 0;
    health_.last_error.clear();
    if (untold_) {
        untold_ = false;
        parts_.moved();
    }
    co_return applied.value();
}

Result<bool> Watcher::apply(const std::vector<ChainUpdate>& updates) {
    const ChainId& chain = parts_.adapter.settings().chain;
    for (const ChainUpdate& update : updates) {
        MARGRAVE_TRY(auto summary, parts_.ledger.apply(chain, update));
        health_.events += summary.events;
        if (const auto* block = std::get_if<BlockApplied>(&update)) {
            ++health_.blocks;
            parts_.log.debug(
                "block.applied",
                {{"chain", chain}, {"block", block->data.block.number}, {"events", summary.events}}
            );
        } else if (const auto* reverted = std::get_if<BlocksReverted>(&update)) {
            parts_.log.warn(
                "chain.reorg", {{"chain", chain}, {"ancestor", reverted->ancestor.number}}
            );
        }
    }
    return !updates.empty();
}

Task<Result<void>> Watcher::check_custody() {
    const ChainId chain = parts_.adapter.settings().chain;
    const store::ChainState state = parts_.ledger.chain_state(chain);
    if (!state.final || custody_checked_ == state.final->number ||
        state.final->number < health_.lag.final) {
        co_return ok();
    }
    std::optional<std::string> deficit;
    for (const store::LedgerDefinition& definition : parts_.ledger.ledgers()) {
        if (definition.asset.chain() != chain) {
            continue;
        }
        auto trial = parts_.ledger.trial_balance(definition.id, state.final->number);
        if (!trial) {
            co_return trial.as_failure();
        }
        const Address token = definition.asset.token();
        const Hash32 block = state.final->hash;
        auto held = co_await parts_.adapter.custody_at(token, block);
        if (!held) {
            co_return held.as_failure();
        }
        const Amount booked = trial.value().totals[store::AccountCode::kVault];
        if (held.value() < booked) {
            deficit = "the vault on " + chain.text() + " holds " + held.value().to_string() +
                      " of " + definition.asset.text() + " at block " +
                      std::to_string(state.final->number.value) + ", the ledger says " +
                      booked.to_string();
            parts_.log.error("custody.deficit", {{"chain", chain}, {"reason", *deficit}});
        }
    }
    custody_checked_ = state.final->number;
    parts_.custody(state.final->number, std::move(deficit));
    co_return ok();
}

}  // namespace margrave::relayer
