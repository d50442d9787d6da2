// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/journal.hpp"
#include "store/detail/ledger_update.hpp"
#include "store/detail/links.hpp"

#include <algorithm>
#include <ranges>

namespace margrave::store::detail {

Result<std::optional<BlockRow>> Update::find_ancestor(const BlockRef& ancestor) const {
    MARGRAVE_TRY(auto row, block_at(ancestor.number));
    if (row && row->block.hash == ancestor.hash) {
        return row;
    }
    if (head_.final && ancestor.number < head_.final->number) {
        return fail(
            Errc::kBelowFinality,
            chain_.text() + " goes back to " + name_of(chain_, ancestor) + ", below its final " +
                name_of(chain_, *head_.final)
        );
    }
    // The parent of the first block we ever applied is not ours, but names the empty state.
    if (!row && !head_.final) {
        MARGRAVE_TRY(const auto blocks, blocks_above(std::nullopt));
        if (!blocks.empty() && blocks.back().block.parent == ancestor.hash) {
            return std::optional<BlockRow>{};
        }
    }
    return fail(
        Errc::kUnproved,
        chain_.text() + " goes back to " + name_of(chain_, ancestor) + ", which was not applied"
    );
}

Result<std::vector<BlockRow>> Update::blocks_above(std::optional<BlockNum> number) const {
    std::vector<BlockRow> out;
    const Bytes prefix = chain_key::blocks(tag_);
    const Bytes start = number ? chain_key::block(tag_, BlockNum{number->value + 1}) : prefix;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(auto row, Database::Impl::decode<BlockRow>(Cf::kChain, key, value));
        out.push_back(std::move(row));
        return true;
    };
    MARGRAVE_TRY(db_.scan(Cf::kChain, prefix, start, visit));
    std::ranges::reverse(out);
    return out;
}

Result<std::vector<AccountId>> Update::accounts_in(const BlockRow& block) const {
    const Bytes key = chain_key::events(tag_, block.block.number);
    MARGRAVE_TRY(const auto row, db_.read<EventsRow>(Cf::kEvent, key));
    if ((row ? row->events.size() : 0) != block.events) {
        return corrupt(Cf::kEvent, key, "has not the events its block recorded");
    }
    return row ? accounts_of(row->events) : std::vector<AccountId>{};
}

Result<ApplySummary> Update::revert(const BlocksReverted& update) {
    MARGRAVE_TRY(const auto ancestor, find_ancestor(update.ancestor));
    ApplySummary summary;
    if (!head_.head || (ancestor && ancestor->block.hash == head_.head->hash)) {
        return summary;
    }
    if (head_.final && ancestor && ancestor->block.number < head_.final->number) {
        return fail(
            Errc::kBelowFinality,
            chain_.text() + " goes back to " + name_of(chain_, ancestor->block) +
                ", below its final " + name_of(chain_, *head_.final)
        );
    }
    const std::optional<BlockNum> kept =
        ancestor ? std::optional(ancestor->block.number) : std::nullopt;
    MARGRAVE_TRY(const auto orphans, blocks_above(kept));
    Books books(db_, state_);
    rocksdb::WriteBatch batch;
    ++head_.reorgs;
    for (const BlockRow& block : orphans) {
        MARGRAVE_TRY(revert_block(batch, books, block));
        MARGRAVE_TRY(const std::vector<AccountId> accounts, accounts_in(block));
        summary.touched.insert(accounts.begin(), accounts.end());
        summary.events += block.events;
    }
    MARGRAVE_TRY(books.check_against(kept));
    books.write_totals(batch);
    head_.head = ancestor ? std::optional(ancestor->block) : std::nullopt;
    head_.vault = ancestor ? ancestor->vault : Accumulator{};
    head_.positions = ancestor ? ancestor->positions : Accumulator{};
    MARGRAVE_TRY(write(batch, /*sync=*/false));
    state_.books.clear();
    state_.newest.clear();
    books.commit_to(state_);
    summary.transfers = books.transfers();
    Versions versions(db_);
    MARGRAVE_TRY(add_linked(versions, summary.touched));
    return summary;
}

Result<void> Update::revert_block(rocksdb::WriteBatch& batch, Books& books, const BlockRow& block) {
    // Only final blocks are filled in runs, and above them nothing else was: a reorg stays away.
    MARGRAVE_ASSERT(block.run_to == BlockNum{});
    books.begin(BlockContext{chain_, tag_, block.block, block.incarnation});
    if (block.last >= block.first) {
        const Bytes key = journal_key::transfers(block.first);
        MARGRAVE_TRY(const auto transfers, JournalReader(db_, state_).row(block.first));
        if (transfers.size() != block.last.value - block.first.value + 1) {
            return corrupt(Cf::kJournal, key, "has not the transfers its block recorded");
        }
        for (const Transfer& t : std::views::reverse(transfers)) {
            if (t.block_hash != block.block.hash || t.reverses != Seq{} || t.chain != chain_) {
                return corrupt(Cf::kJournal, key, "is not the transfers its block recorded");
            }
            MARGRAVE_TRY(books.reverse(t));
        }
    }
    books.end_block(batch);
    const BlockNum number = block.block.number;
    for (const Bytes& subject : block.subjects) {
        db_.remove(batch, Cf::kVersion, subject::versioned(subject, number));
    }
    db_.remove(batch, Cf::kEvent, chain_key::events(tag_, number));
    db_.remove(batch, Cf::kChain, chain_key::block(tag_, number));
    db_.put_row(
        batch, Cf::kChain, chain_key::orphan(tag_, number, block.block.hash, head_.reorgs), block
    );
    db_.put_row(
        batch,
        Cf::kChain,
        chain_key::seen(tag_, block.block.hash),
        SeenRow{block.incarnation, false}
    );
    return ok();
}

Result<ApplySummary> Update::finalize(const Finalized& update) {
    const BlockRef& block = update.block;
    MARGRAVE_TRY(const auto row, block_at(block.number));
    if (!row || row->block.hash != block.hash) {
        const bool below = head_.final && block.number <= head_.final->number;
        return fail(
            below ? Errc::kBelowFinality : Errc::kUnproved,
            chain_.text() + " calls " + name_of(chain_, block) + " final, but " +
                (row ? "ours is " + to_hex(row->block.hash) : std::string("it was not applied"))
        );
    }
    if (head_.final && block.number <= head_.final->number) {
        return ApplySummary{};
    }
    rocksdb::WriteBatch batch;
    head_.final = row->block;
    MARGRAVE_TRY(settle(db_, chain_, batch, block.number));
    MARGRAVE_TRY(write(batch, /*sync=*/false));
    return ApplySummary{};
}

namespace {

struct Settlement {
    const Database::Impl& db;
    const ChainId& chain;
    ChainTag tag;

    Result<void> end_executed_holds(rocksdb::WriteBatch& batch, BlockNum final) const;
    Result<void> close_legs(rocksdb::WriteBatch& batch, BlockNum final) const;
    Result<void> close_requests(rocksdb::WriteBatch& batch, BlockNum final) const;
};

// A release that is final is in the firm holdings; its hold would count it twice.
Result<void> Settlement::end_executed_holds(rocksdb::WriteBatch& batch, BlockNum final) const {
    Versions versions(db);
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(const auto row, Database::Impl::decode<HoldRow>(Cf::kDecision, key, value));
        const Hold& hold = row.hold;
        if (hold.chain != chain) {
            return true;
        }
        const Bytes subject = subject::request(tag, hold.request);
        MARGRAVE_TRY(const auto request, versions.read<RequestRow>(subject, final));
        if (request && request->executed && request->release_id == hold.release_id) {
            db.remove(batch, Cf::kDecision, key);
            db.put(
                batch, Cf::kDecision, decision_key::ended_hold(hold.account, hold.release_id), value
            );
            db.put_row(
                batch,
                Cf::kDecision,
                decision_key::hold_owner(hold.release_id),
                HoldOwnerRow{hold.account, false}
            );
        }
        return true;
    };
    return db.scan(Cf::kDecision, Bytes{decision_key::kHold}, visit);
}

Result<void> Settlement::close_legs(rocksdb::WriteBatch& batch, BlockNum final) const {
    Versions versions(db);
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(
            const auto open, Database::Impl::decode<OpenLegRow>(Cf::kDecision, key, value)
        );
        if (open.chain != chain.text()) {
            return true;
        }
        ByteReader id(key.subspan(1));
        MARGRAVE_TRY(const Hash32 seizure, id.hash32());
        const Bytes subject = subject::leg(tag, open.account, seizure);
        MARGRAVE_TRY(const auto leg, versions.read<LegRow>(subject, final));
        if (leg && leg->state != LegState::kSeized) {
            db.remove(batch, Cf::kDecision, key);
        }
        return true;
    };
    return db.scan(Cf::kDecision, Bytes{decision_key::kOpenLeg}, visit);
}

Result<void> Settlement::close_requests(rocksdb::WriteBatch& batch, BlockNum final) const {
    Versions versions(db);
    const Bytes prefix = decision_key::open_requests(tag);
    const auto visit = [&](ByteView key, ByteView) -> Result<bool> {
        ByteReader rest(key.subspan(prefix.size()));
        MARGRAVE_TRY(const std::uint64_t number, rest.u64());
        const Bytes subject = subject::request(tag, number);
        MARGRAVE_TRY(const auto request, versions.read<RequestRow>(subject, final));
        if (request && request->executed) {
            db.remove(batch, Cf::kDecision, key);
        }
        return true;
    };
    return db.scan(Cf::kDecision, prefix, visit);
}

}  // namespace

Result<void> settle(
    const Database::Impl& db, const ChainId& chain, rocksdb::WriteBatch& batch, BlockNum final
) {
    const Settlement settlement{db, chain, tag_of(chain)};
    MARGRAVE_TRY(settlement.end_executed_holds(batch, final));
    MARGRAVE_TRY(settlement.close_legs(batch, final));
    return settlement.close_requests(batch, final);
}

}  // namespace margrave::store::detail
