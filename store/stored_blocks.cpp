// SPDX-License-Identifier: Apache-2.0
#include "store/stored_blocks.hpp"

#include "store/database.hpp"
#include "store/detail/database_impl.hpp"
#include "store/detail/keys.hpp"
#include "store/detail/records.hpp"

#include <utility>

namespace margrave::store {

Result<std::vector<BlockData>> stored_blocks(
    const Database& db, const ChainId& chain, BlockNum from, BlockNum to, std::size_t limit
) {
    const Database::Impl& rows = db.impl();
    const detail::ChainTag tag = detail::tag_of(chain);
    std::vector<BlockData> out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(
            const auto row, Database::Impl::decode<detail::BlockRow>(detail::Cf::kChain, key, value)
        );
        if (out.size() >= limit || row.block.number > to) {
            return false;
        }
        BlockData data;
        data.block = row.block;
        data.vault = row.vault;
        data.positions = row.positions;
        const Bytes at = detail::chain_key::events(tag, row.block.number);
        MARGRAVE_TRY(auto events, rows.read<detail::EventsRow>(detail::Cf::kEvent, at));
        if (events) {
            data.events = std::move(events->events);
        }
        out.push_back(std::move(data));
        return true;
    };
    const Bytes prefix = detail::chain_key::blocks(tag);
    const Bytes start = detail::chain_key::block(tag, from);
    MARGRAVE_TRY(rows.scan(detail::Cf::kChain, prefix, start, visit));
    return out;
}

Result<std::optional<BlockNum>> last_event_block(
    const Database& db, const ChainId& chain, BlockNum up_to
) {
    const detail::ChainTag tag = detail::tag_of(chain);
    const Bytes prefix = detail::chain_key::events(tag);
    const Bytes end = detail::chain_key::events(tag, up_to);
    MARGRAVE_TRY(const auto row, db.impl().last(detail::Cf::kEvent, prefix, end));
    if (!row) {
        return std::optional<BlockNum>{};
    }
    ByteReader rest(ByteView(row->first).subspan(prefix.size()));
    const Result<std::uint64_t> number = rest.u64();
    if (!number) {
        return detail::corrupt(detail::Cf::kEvent, row->first, "does not end in a block number");
    }
    return std::optional<BlockNum>{BlockNum{number.value()}};
}

}  // namespace margrave::store
