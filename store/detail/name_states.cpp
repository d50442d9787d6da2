// SPDX-License-Identifier: Apache-2.0
#include "core/canonical_json.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/records.hpp"
#include "store/detail/schema.hpp"

#include <algorithm>

namespace margrave::store::detail {
namespace {

constexpr std::size_t kLeavesEach = 1'000;

const Canonical* member_of(const Canonical& value, std::string_view name) {
    const auto* object = std::get_if<Canonical::Object>(&value.value());
    if (object == nullptr) {
        return nullptr;
    }
    const auto it = object->find(name);
    return it == object->end() ? nullptr : &it->second;
}

std::string text_of(const Canonical& value, std::string_view name) {
    const Canonical* found = member_of(value, name);
    const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(&found->value());
    return text == nullptr ? std::string{} : *text;
}

// One {"chain": ..., "number": ...} of a snapshot.
Result<void> name_head(
    const Database::Impl& db, const Canonical& head, rocksdb::WriteBatch& batch
) {
    MARGRAVE_TRY(const ChainId chain, ChainId::parse(text_of(head, "chain")));
    MARGRAVE_TRY(const Amount number, Amount::parse(text_of(head, "number")));
    MARGRAVE_TRY(const std::uint64_t block, number.to_u64());
    db.put(batch, Cf::kChain, chain_key::named(tag_of(chain), BlockNum{block}), {});
    return ok();
}

// A leaf that is no attestation names nothing.
Result<void> name_heads(const Database::Impl& db, ByteView leaf, rocksdb::WriteBatch& batch) {
    MARGRAVE_TRY(const Canonical document, parse_canonical(as_text(leaf)));
    const Canonical* snapshot = member_of(document, "snapshot");
    const auto* heads =
        snapshot == nullptr ? nullptr : std::get_if<Canonical::Array>(&snapshot->value());
    if (text_of(document, "kind") != "attestation" || heads == nullptr) {
        return ok();
    }
    for (const Canonical& head : *heads) {
        MARGRAVE_TRY(name_head(db, head, batch));
    }
    return ok();
}

// Of every leg that was instructed before there was an index by deadline. Legs are few.
Result<void> index_legs(const Database::Impl& db, rocksdb::WriteBatch& batch) {
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(
            const auto row, Database::Impl::decode<InstructedLegRow>(Cf::kDecision, key, value)
        );
        const Leg& leg = row.leg;
        db.put_row(
            batch,
            Cf::kDecision,
            decision_key::leg_due(leg.deadline, leg.seizure_id),
            OpenLegRow{leg.account, leg.chain().text()}
        );
        return true;
    };
    return db.scan(Cf::kDecision, Bytes{decision_key::kLeg}, visit);
}

}  // namespace

Result<std::optional<Bytes>> name_attested_states(
    const Database::Impl& db, ByteView cursor, rocksdb::WriteBatch& batch
) {
    std::uint64_t next = 0;
    if (cursor.empty()) {
        MARGRAVE_TRY(index_legs(db, batch));
    } else {
        ByteReader in(cursor);
        MARGRAVE_TRY(next, in.u64());
    }
    MARGRAVE_TRY(const auto count, db.read<NumberRow>(Cf::kMeta, as_bytes(meta::kLeaves)));
    const std::uint64_t leaves = count ? count->number : 0;
    const std::uint64_t end = std::min(leaves, next + kLeavesEach);
    for (; next < end; ++next) {
        const Bytes key = attest_key::leaf(next);
        MARGRAVE_TRY(const auto leaf, db.read<BlobRow>(Cf::kAttest, key));
        if (!leaf) {
            return corrupt(Cf::kAttest, key, "leaf is gone from the middle of the log");
        }
        const Result<void> named = name_heads(db, leaf->bytes, batch);
        if (!named) {
            return corrupt(Cf::kAttest, key, named.error().detail);
        }
    }
    if (next == leaves) {
        return std::optional<Bytes>{};
    }
    Bytes out;
    put_u64(out, next);
    return std::optional<Bytes>{std::move(out)};
}

}  // namespace margrave::store::detail
