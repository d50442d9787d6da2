// SPDX-License-Identifier: Apache-2.0
#include "store/detail/journal.hpp"

namespace margrave::store::detail {

JournalReader::JournalReader(const Database::Impl& db, const Ledger::State& state)
    : db_(db),
      state_(state) {
    rocksdb::ReadOptions how;
    how.total_order_seek = true;
    it_.reset(db.db->NewIterator(how, db.family(Cf::kJournal)));
}

bool JournalReader::holds(Seq seq) const {
    return !row_.empty() && seq >= first_ && seq.value - first_.value < row_.size();
}

Result<void> JournalReader::decode(ByteView key, ByteView value) {
    row_.clear();
    const Result<Seq> first = journal_key::seq_of(key);
    if (!first) {
        return corrupt(Cf::kJournal, key, first.error().detail);
    }
    MARGRAVE_TRY(auto row, Database::Impl::decode<JournalRow>(Cf::kJournal, key, value));
    std::uint64_t seq = first.value().value;
    for (Transfer& t : row.transfers) {
        if (t.ledger.value == 0 || t.ledger.value > state_.ledgers.size()) {
            return corrupt(
                Cf::kJournal, key, "ledger " + std::to_string(t.ledger.value) + " is unknown"
            );
        }
        t.seq = Seq{seq++};
        t.chain = state_.definition(t.ledger).asset.chain();
    }
    first_ = first.value();
    row_ = std::move(row.transfers);
    return ok();
}

// Leaves the row of `seq` in row_.
Result<void> JournalReader::load(Seq seq) {
    if (holds(seq)) {
        return ok();
    }
    MARGRAVE_TRY(db_.check());
    const Bytes wanted = journal_key::transfers(seq);
    it_->SeekForPrev(as_slice(wanted));
    if (!it_->status().ok()) {
        return db_.failed("read of column family journal", it_->status());
    }
    if (it_->Valid() && it_->key().size() == wanted.size() &&
        it_->key()[0] == static_cast<char>(journal_key::kTransfer)) {
        MARGRAVE_TRY(decode(as_view(it_->key()), as_view(it_->value())));
    }
    if (!holds(seq)) {
        return corrupt(Cf::kJournal, wanted, "is in no row of transfers");
    }
    return ok();
}

Result<std::vector<Transfer>> JournalReader::row(Seq first) {
    MARGRAVE_TRY(load(first));
    if (first_ != first) {
        return corrupt(Cf::kJournal, journal_key::transfers(first), "is not the first of its row");
    }
    return row_;
}

Result<Transfer> JournalReader::at(Seq seq) {
    MARGRAVE_TRY(load(seq));
    Transfer out = row_[seq.value - first_.value];
    out.id = id_of(out);
    return out;
}

Result<void> JournalReader::scan(Seq from, const Visit& visit) {
    Seq start = from;
    if (from.value > 0 && from <= state_.last_seq) {
        MARGRAVE_TRY(load(from));
        start = first_;
    }
    const auto visit_row = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(decode(key, value));
        for (Transfer& t : row_) {
            if (t.seq < from) {
                continue;
            }
            t.id = id_of(t);
            MARGRAVE_TRY(const bool go_on, visit(t));
            if (!go_on) {
                return false;
            }
        }
        return true;
    };
    return db_.scan(
        Cf::kJournal, Bytes{journal_key::kTransfer}, journal_key::transfers(start), visit_row
    );
}

}  // namespace margrave::store::detail
