// SPDX-License-Identifier: Apache-2.0
#include "store/detail/versions.hpp"

#include "core/assert.hpp"

#include <algorithm>

namespace margrave::store::detail {
namespace {

// A Next costs a small part of a Seek, so a few versions are stepped over and many are jumped.
constexpr int kStepsBeforeSeek = 8;

}  // namespace

Versions::Versions(const Database::Impl& db)
    : db_(db) {
    rocksdb::ReadOptions how;
    how.total_order_seek = true;
    it_.reset(db.db->NewIterator(how, db.family(Cf::kVersion)));
}

Result<void> Versions::status() const {
    if (!it_->status().ok()) {
        return db_.failed("read of column family version", it_->status());
    }
    return ok();
}

bool Versions::on_subject(ByteView subject) const {
    if (!it_->Valid()) {
        return false;
    }
    const ByteView key = as_view(it_->key());
    return key.size() == subject.size() + subject::kSuffix &&
           std::ranges::equal(key.first(subject.size()), subject);
}

Result<std::optional<Bytes>> Versions::at(ByteView subject, BlockNum up_to) {
    MARGRAVE_TRY(db_.check());
    it_->Seek(as_slice(subject::versioned(subject, up_to)));
    MARGRAVE_TRY(status());
    if (!on_subject(subject)) {
        return std::optional<Bytes>{};
    }
    const ByteView value = as_view(it_->value());
    return std::optional<Bytes>{Bytes(value.begin(), value.end())};
}

void Versions::skip_to_version(ByteView subject, BlockNum up_to) {
    for (int i = 0; i < kStepsBeforeSeek; ++i) {
        if (!on_subject(subject) || subject::version_of(as_view(it_->key())) <= up_to) {
            return;
        }
        it_->Next();
    }
    it_->Seek(as_slice(subject::versioned(subject, up_to)));
}

void Versions::skip_subject(ByteView subject) {
    for (int i = 0; i < kStepsBeforeSeek; ++i) {
        if (!on_subject(subject)) {
            return;
        }
        it_->Next();
    }
    if (!on_subject(subject)) {
        return;
    }
    it_->Seek(as_slice(subject::versioned(subject, BlockNum{0})));
    if (on_subject(subject)) {
        it_->Next();
    }
}

Result<void> Versions::each(ByteView prefix, const Limit& limit, const Visit& visit) {
    MARGRAVE_TRY(db_.check());
    Bytes subject;
    it_->Seek(as_slice(prefix));
    while (it_->Valid() && it_->key().starts_with(as_slice(prefix))) {
        const ByteView key = as_view(it_->key());
        if (key.size() <= subject::kSuffix) {
            return corrupt(Cf::kVersion, key, "key is too short");
        }
        subject.assign(key.begin(), key.end() - subject::kSuffix);
        MARGRAVE_TRY(const std::optional<BlockNum> up_to, limit(subject));
        if (up_to) {
            skip_to_version(subject, *up_to);
            if (on_subject(subject)) {
                MARGRAVE_TRY(visit(subject, as_view(it_->value())));
            }
        }
        skip_subject(subject);
    }
    return status();
}

Result<void> Versions::each(ByteView prefix, BlockNum up_to, const Visit& visit) {
    const Limit limit = [up_to](ByteView) -> Result<std::optional<BlockNum>> {
        return std::optional<BlockNum>{up_to};
    };
    return each(prefix, limit, visit);
}

}  // namespace margrave::store::detail
