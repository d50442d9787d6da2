// SPDX-License-Identifier: Apache-2.0
#include "store/detail/outbox.hpp"

#include "store/database.hpp"
#include "store/detail/database_impl.hpp"
#include "store/detail/decision_records.hpp"

namespace margrave::store {

using detail::Cf;
using detail::IntentRow;

namespace {

Result<Intent> load_intent(const Database::Impl& impl, ByteView id_bytes) {
    ByteReader in(id_bytes);
    const Result<Hash32> id = in.hash32();
    if (!id) {
        return detail::corrupt(Cf::kAttest, id_bytes, "is no intent id");
    }
    MARGRAVE_TRY(
        auto row, impl.read<IntentRow>(Cf::kAttest, detail::attest_key::intent(id.value()))
    );
    if (!row) {
        return detail::corrupt(
            Cf::kAttest, detail::attest_key::intent(id.value()), "an index names it, but it is gone"
        );
    }
    return std::move(row->intent);
}

}  // namespace

namespace detail {

bool is_open(IntentState state) {
    switch (state) {
        case IntentState::kQueued:
        case IntentState::kSent:
        case IntentState::kIncluded:
            return true;
        case IntentState::kFinal:
        case IntentState::kFailed:
        case IntentState::kSuperseded:
            return false;
    }
    return false;
}

void put_intent(const Database::Impl& impl, rocksdb::WriteBatch& batch, const IntentRow& row) {
    const Bytes open_key = attest_key::open(row.number);
    impl.put_row(batch, Cf::kAttest, attest_key::intent(row.intent.id), row);
    if (is_open(row.intent.state)) {
        impl.put(batch, Cf::kAttest, open_key, row.intent.id.view());
    } else {
        impl.remove(batch, Cf::kAttest, open_key);
    }
}

}  // namespace detail

Result<void> Database::update_intent(const Intent& intent, bool durable) {
    MARGRAVE_TRY(impl_->check_writable());
    const Bytes key = detail::attest_key::intent(intent.id);
    MARGRAVE_TRY(auto row, impl_->read<IntentRow>(Cf::kAttest, key));
    if (!row) {
        return fail(
            Errc::kNotFound,
            "intent " + to_hex(intent.id) + " was never committed; only a decision makes one"
        );
    }
    if (row->intent.chain != intent.chain || row->intent.kind != intent.kind) {
        return fail(
            Errc::kConflict,
            "intent " + to_hex(intent.id) + " is a " + row->intent.kind + " on " +
                row->intent.chain.text() + ", not a " + intent.kind + " on " + intent.chain.text()
        );
    }
    row->intent = intent;
    rocksdb::WriteBatch batch;
    detail::put_intent(*impl_, batch, *row);
    return durable ? impl_->write_decision(batch) : impl_->write(batch, /*sync=*/false);
}

Result<std::vector<Intent>> Database::open_intents() const {
    std::vector<Intent> out;
    Bytes prefix;
    put_u8(prefix, detail::attest_key::kOpen);
    const auto visit = [&](ByteView, ByteView id) -> Result<bool> {
        MARGRAVE_TRY(Intent intent, load_intent(*impl_, id));
        out.push_back(std::move(intent));
        return true;
    };
    MARGRAVE_TRY(impl_->scan(Cf::kAttest, prefix, visit));
    return out;
}

Result<std::vector<Intent>> Database::intents(std::size_t limit) const {
    std::vector<Intent> out;
    for (std::uint64_t number = impl_->intents; number > 0 && out.size() < limit; --number) {
        const Bytes key = detail::attest_key::by_age(number);
        MARGRAVE_TRY(const auto id, impl_->get(Cf::kAttest, key));
        if (!id) {
            return detail::corrupt(Cf::kAttest, key, "index of intents has a gap");
        }
        MARGRAVE_TRY(Intent intent, load_intent(*impl_, *id));
        out.push_back(std::move(intent));
    }
    return out;
}

}  // namespace margrave::store
