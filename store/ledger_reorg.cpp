// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/ledger_update.hpp"
#include "store/detail/links.hpp"

#include <algorithm>

namespace margrave::store::detail {
namespace {

std::string name_of(const ChainId& chain, const BlockRef& block) {
    return "block " + std::to_string(block.number.value) + " (" + to_hex(block.hash) + ") of " +
           chain.text();
}

}  // namespace

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
    MARGRAVE_TRY(const auto blocks, blocks_above(std::nullopt));
    if (!row && !blocks.empty() && blocks.back().block.parent == ancestor.hash && !head_.final) {
        return std::optional<BlockRow>{};
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
        summary.touched.insert(block.accounts.begin(), block.accounts.end());
        summary.events += block.events;
    }
    MARGRAVE_TRY(books.check_against(kept));
    books.write_journal(batch);
    head_.head = ancestor ? std::optional(ancestor->block) : std::nullopt;
    head_.vault = ancestor ? ancestor->vault : Accumulator{};
    head_.positions = ancestor ? ancestor->positions : Accumulator{};
    MARGRAVE_TRY(write(batch));
    state_.newest.clear();
    books.commit_to(state_);
    summary.transfers = books.transfers().size();
    Versions versions(db_);
    MARGRAVE_TRY(add_linked(versions, summary.touched));
    return summary;
}

Result<void> Update::revert_block(rocksdb::WriteBatch& batch, Books& books, const BlockRow& block) {
    for (std::uint64_t seq = block.last.value; seq >= block.first.value; --seq) {
        const Bytes key = journal_key::transfer(Seq{seq});
        MARGRAVE_TRY(auto row, db_.read<TransferRow>(Cf::kJournal, key));
        if (!row || row->transfer.block_hash != block.block.hash ||
            row->transfer.reverses != Seq{} || row->transfer.ledger.value == 0 ||
            row->transfer.ledger.value > state_.ledgers.size()) {
            return corrupt(Cf::kJournal, key, "is not the transfer its block recorded");
        }
        row->transfer.seq = Seq{seq};
        row->transfer.chain = chain_;
        MARGRAVE_TRY(books.reverse(row->transfer));
    }
    const BlockNum number = block.block.number;
    for (const Bytes& subject : block.subjects) {
        db_.remove(batch, Cf::kVersion, subject::versioned(subject, number));
    }
    for (std::uint32_t i = 0; i < block.events; ++i) {
        db_.remove(batch, Cf::kEvent, chain_key::event(tag_, number, i));
    }
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
    MARGRAVE_TRY(end_executed_holds(batch, block.number));
    MARGRAVE_TRY(close_legs(batch, block.number));
    MARGRAVE_TRY(close_requests(batch, block.number));
    MARGRAVE_TRY(write(batch));
    return ApplySummary{};
}

// A release that is final is in the firm holdings; its hold would count it twice.
Result<void> Update::end_executed_holds(rocksdb::WriteBatch& batch, BlockNum final) {
    Versions versions(db_);
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(const auto row, Database::Impl::decode<HoldRow>(Cf::kDecision, key, value));
        const Hold& hold = row.hold;
        if (hold.chain != chain_) {
            return true;
        }
        const Bytes subject = subject::request(tag_, hold.request);
        MARGRAVE_TRY(const auto request, versions.read<RequestRow>(subject, final));
        if (request && request->executed && request->release_id == hold.release_id) {
            db_.remove(batch, Cf::kDecision, key);
            db_.put(
                batch, Cf::kDecision, decision_key::ended_hold(hold.account, hold.release_id), value
            );
            db_.put_row(
                batch,
                Cf::kDecision,
                decision_key::hold_owner(hold.release_id),
                HoldOwnerRow{hold.account, false}
            );
        }
        return true;
    };
    return db_.scan(Cf::kDecision, Bytes{decision_key::kHold}, visit);
}

Result<void> Update::close_legs(rocksdb::WriteBatch& batch, BlockNum final) {
    Versions versions(db_);
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(
            const auto open, Database::Impl::decode<OpenLegRow>(Cf::kDecision, key, value)
        );
        if (open.chain != chain_.text()) {
            return true;
        }
        ByteReader id(key.subspan(1));
        MARGRAVE_TRY(const Hash32 seizure, id.hash32());
        const Bytes subject = subject::leg(tag_, open.account, seizure);
        MARGRAVE_TRY(const auto leg, versions.read<LegRow>(subject, final));
        if (leg && leg->state != LegState::kSeized) {
            db_.remove(batch, Cf::kDecision, key);
        }
        return true;
    };
    return db_.scan(Cf::kDecision, Bytes{decision_key::kOpenLeg}, visit);
}

Result<void> Update::close_requests(rocksdb::WriteBatch& batch, BlockNum final) {
    Versions versions(db_);
    const Bytes prefix = decision_key::open_requests(tag_);
    const auto visit = [&](ByteView key, ByteView) -> Result<bool> {
        ByteReader rest(key.subspan(prefix.size()));
        MARGRAVE_TRY(const std::uint64_t number, rest.u64());
        const Bytes subject = subject::request(tag_, number);
        MARGRAVE_TRY(const auto request, versions.read<RequestRow>(subject, final));
        if (request && request->executed) {
            db_.remove(batch, Cf::kDecision, key);
        }
        return true;
    };
    return db_.scan(Cf::kDecision, prefix, visit);
}

}  // namespace margrave::store::detail
