// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "core/events.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace margrave::tests {

using chains::ChainView;
using chains::Updates;

/// The ledger's side of the interface: applies what the adapter says.
class MiniLedger {
  public:
    void apply(const Updates& updates) {
        for (const ChainUpdate& update : updates.updates) {
            if (const auto* applied = std::get_if<BlockApplied>(&update)) {
                blocks_[applied->data.block.number.value] = applied->data;
            } else if (const auto* reverted = std::get_if<BlocksReverted>(&update)) {
                blocks_.erase(blocks_.upper_bound(reverted->ancestor.number.value), blocks_.end());
            } else if (const auto* filled = std::get_if<BlocksFinal>(&update)) {
                for (const BlockData& block : filled->blocks) {
                    blocks_[block.block.number.value] = block;
                    final_ = block.block;
                }
            } else {
                final_ = std::get<Finalized>(update).block;
            }
        }
    }

    [[nodiscard]] ChainView view() const {
        ChainView out;
        if (!blocks_.empty()) {
            const BlockData& last = blocks_.rbegin()->second;
            out.head = last.block;
            out.vault = last.vault;
            out.positions = last.positions;
        }
        out.final = final_;
        out.block_at = [this](BlockNum number) -> std::optional<BlockRef> {
            const auto found = blocks_.find(number.value);
            return found == blocks_.end() ? std::nullopt : std::optional(found->second.block);
        };
        return out;
    }

    [[nodiscard]] std::vector<std::uint64_t> amounts() const {
        std::vector<std::uint64_t> out;
        for (const auto& [number, data] : blocks_) {
            for (const ChainEvent& event : data.events) {
                if (const auto* movement = std::get_if<Movement>(&event.body)) {
                    out.push_back(movement->amount.to_u64().value());
                }
            }
        }
        return out;
    }

    [[nodiscard]] const std::map<std::uint64_t, BlockData>& blocks() const { return blocks_; }

    [[nodiscard]] const std::optional<BlockRef>& final_block() const { return final_; }

  private:
    std::map<std::uint64_t, BlockData> blocks_;
    std::optional<BlockRef> final_;
};

}  // namespace margrave::tests
