// SPDX-License-Identifier: Apache-2.0
#include "store/guard.hpp"

#include "core/assert.hpp"
#include "store/detail/guard_impl.hpp"

#include <algorithm>

namespace margrave::store {

namespace detail {

namespace {

constexpr std::size_t kGuardMessageMax = std::size_t{16} << 20U;
constexpr std::size_t kGuardHeadsMax = 4096;

}  // namespace

std::string name_of(const GuardEntry& e) {
    return "signer " + to_hex(e.signer) + ", subject " + to_hex(e.subject) + ", epoch " +
           std::to_string(e.epoch);
}

Result<void> check_shape(const GuardEntry& e) {
    if (e.message.size() > kGuardMessageMax || e.as_of.size() > kGuardHeadsMax) {
        return fail(Errc::kInvalid, name_of(e) + ": message or heads are too long to record");
    }
    if (e.epoch == 0) {
        return fail(Errc::kInvalid, name_of(e) + ": epochs begin with 1");
    }
    for (const Head& head : e.as_of) {
        const auto same = [&](const Head& other) {
            return other.chain == head.chain;
        };
        if (head.chain.text().empty() || std::ranges::count_if(e.as_of, same) != 1) {
            return fail(
                Errc::kInvalid,
                name_of(e) + ": chain \"" + head.chain.text() + "\" must have a name and come once"
            );
        }
    }
    return ok();
}

Result<void> check_heads(const GuardEntry& e, const std::vector<Head>& before) {
    for (const Head& old : before) {
        const auto now = std::ranges::find(e.as_of, old.chain, &Head::chain);
        if (now == e.as_of.end()) {
            return fail(
                Errc::kConflict,
                name_of(e) + " leaves out " + old.chain.text() + ", on which the last epoch stands"
            );
        }
        if (now->number < old.number || (now->number == old.number && now->hash != old.hash)) {
            return fail(
                Errc::kConflict,
                name_of(e) + " stands on block " + std::to_string(now->number.value) + " (" +
                    to_hex(now->hash) + ") of " + old.chain.text() +
                    ", the last epoch stood on block " + std::to_string(old.number.value) + " (" +
                    to_hex(old.hash) + ")"
            );
        }
    }
    return ok();
}

const GuardedEpoch* GuardedSubject::find(std::uint64_t epoch) const {
    const auto it = std::ranges::lower_bound(records, epoch, {}, &GuardedEpoch::epoch);
    return it != records.end() && it->epoch == epoch ? &*it : nullptr;
}

std::uint64_t GuardedSubject::highest() const {
    const std::uint64_t recorded = records.empty() ? 0 : records.back().epoch;
    return std::max(recorded, low ? low->epoch : 0);
}

}  // namespace detail

namespace {

std::lock_guard<std::mutex> hold(const SigningGuard::Impl& impl) {
    return std::lock_guard<std::mutex>(impl.lock);
}

// What is known of this very epoch: it repeats, it contradicts, or it lies where nothing is signed.
Result<std::optional<GuardVerdict>> judge(
    const GuardEntry& entry, const detail::GuardedSubject& subject
) {
    const detail::GuardedEpoch* recorded = subject.find(entry.epoch);
    const bool at_low = subject.low && subject.low->epoch == entry.epoch;
    if (recorded != nullptr || (at_low && !subject.low->digest.is_zero())) {
        const Hash32& digest = recorded != nullptr ? recorded->digest : subject.low->digest;
        if (digest == entry.digest) {
            return std::optional(GuardVerdict::kRepeat);
        }
        return fail(
            Errc::kConflict,
            detail::name_of(entry) + ": digest " + to_hex(digest) + " was recorded, so digest " +
                to_hex(entry.digest) + " is never signed"
        );
    }
    if (subject.low && entry.epoch <= subject.low->epoch) {
        return fail(
            Errc::kConflict,
            detail::name_of(entry) + " lies at or below the low watermark " +
                std::to_string(subject.low->epoch) +
                " of an import: it may have been signed elsewhere"
        );
    }
    if (entry.epoch < subject.highest()) {
        return fail(
            Errc::kConflict,
            detail::name_of(entry) + " lies below epoch " + std::to_string(subject.highest()) +
                ", which was recorded"
        );
    }
    return std::optional<GuardVerdict>{};
}

}  // namespace

SigningGuard::SigningGuard(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

SigningGuard::~SigningGuard() = default;

Result<GuardVerdict> SigningGuard::record(const GuardEntry& entry) {
    const auto held = hold(*impl_);
    MARGRAVE_TRY(impl_->log->check());
    MARGRAVE_TRY(detail::check_shape(entry));
    if (entry.digest.is_zero()) {
        return fail(Errc::kInvalid, detail::name_of(entry) + ": no statement has the digest zero");
    }
    const detail::GuardedSubject* subject = impl_->find(detail::key_of(entry));
    if (subject != nullptr) {
        MARGRAVE_TRY(const auto known, judge(entry, *subject));
        if (known) {
            return *known;
        }
        MARGRAVE_TRY(detail::check_heads(entry, subject->as_of));
    }
    MARGRAVE_TRY(impl_->check_open(entry));
    MARGRAVE_TRY(impl_->append(detail::StatementRecord{entry}));
    return GuardVerdict::kNew;
}

Result<std::optional<GuardEntry>> SigningGuard::last(
    const Address& signer, const Hash32& domain, const Hash32& subject
) const {
    const auto held = hold(*impl_);
    const Impl::Key key{signer, domain, subject};
    const detail::GuardedSubject* found = impl_->find(key);
    if (found == nullptr) {
        return std::optional<GuardEntry>{};
    }
    MARGRAVE_TRY(GuardEntry entry, impl_->load(key, found->highest()));
    return std::optional<GuardEntry>{std::move(entry)};
}

Result<std::optional<GuardEntry>> SigningGuard::find(
    const Address& signer, const Hash32& domain, const Hash32& subject, std::uint64_t epoch
) const {
    const auto held = hold(*impl_);
    const Impl::Key key{signer, domain, subject};
    const detail::GuardedSubject* found = impl_->find(key);
    const bool known = found != nullptr && (found->find(epoch) != nullptr ||
                                            (found->low && found->low->epoch == epoch));
    if (!known) {
        return std::optional<GuardEntry>{};
    }
    MARGRAVE_TRY(GuardEntry entry, impl_->load(key, epoch));
    return std::optional<GuardEntry>{std::move(entry)};
}

Result<std::vector<GuardEntry>> SigningGuard::entries(bool newest_only) const {
    const auto held = hold(*impl_);
    std::vector<GuardEntry> out;
    for (const auto& [key, subject] : impl_->subjects) {
        const std::uint64_t highest = subject.highest();
        std::vector<std::pair<std::uint64_t, Hash32>> older;
        if (!newest_only && subject.low) {
            older.emplace_back(subject.low->epoch, subject.low->digest);
        }
        for (const detail::GuardedEpoch& record : subject.records) {
            if (!newest_only) {
                older.emplace_back(record.epoch, record.digest);
            }
        }
        std::ranges::sort(older);
        for (const auto& [epoch, digest] : older) {
            if (epoch != highest) {
                out.push_back({key.signer, key.domain, key.subject, epoch, digest, {}, {}});
            }
        }
        MARGRAVE_TRY(GuardEntry newest, impl_->load(key, highest));
        out.push_back(std::move(newest));
    }
    return out;
}

Result<void> SigningGuard::check_known(const GuardEntry& entry) const {
    const auto held = hold(*impl_);
    const detail::GuardedSubject* subject = impl_->find(detail::key_of(entry));
    const detail::GuardedEpoch* recorded =
        subject == nullptr ? nullptr : subject->find(entry.epoch);
    if (recorded != nullptr && recorded->digest == entry.digest) {
        return ok();
    }
    if (recorded != nullptr) {
        return fail(
            Errc::kConflict,
            "the signing guard holds digest " + to_hex(recorded->digest) + " for " +
                detail::name_of(entry)
        );
    }
    const bool below = subject != nullptr && subject->low && entry.epoch < subject->low->epoch;
    const bool at = subject != nullptr && subject->low && entry.epoch == subject->low->epoch;
    if (below || (at && (subject->low->digest.is_zero() || subject->low->digest == entry.digest))) {
        return ok();
    }
    return fail(Errc::kConflict, "the signing guard does not know " + detail::name_of(entry));
}

Result<std::vector<GuardEntry>> SigningGuard::newest(const Hash32& subject) const {
    const auto held = hold(*impl_);
    std::vector<GuardEntry> out;
    for (const auto& [key, known] : impl_->subjects) {
        if (key.subject == subject) {
            const std::uint64_t epoch = known.highest();
            const detail::GuardedEpoch* recorded = known.find(epoch);
            const Hash32& digest = recorded != nullptr ? recorded->digest : known.low->digest;
            out.push_back({key.signer, key.domain, key.subject, epoch, digest, {}, {}});
        }
    }
    return out;
}

std::uint64_t SigningGuard::size() const {
    const auto held = hold(*impl_);
    return impl_->statements + impl_->watermarks;
}

const std::string& SigningGuard::note() const {
    return impl_->note;
}

const detail::GuardedSubject* SigningGuard::Impl::find(const Key& key) const {
    const auto it = subjects.find(key);
    return it == subjects.end() ? nullptr : &it->second;
}

Result<GuardEntry> SigningGuard::Impl::load(const Key& key, std::uint64_t epoch) const {
    const detail::GuardedSubject& subject = *find(key);
    const detail::GuardedEpoch* recorded = subject.find(epoch);
    MARGRAVE_ASSERT(recorded != nullptr || (subject.low && subject.low->epoch == epoch));
    const Hash32& digest = recorded != nullptr ? recorded->digest : subject.low->digest;
    MARGRAVE_TRY(
        const Bytes payload, log->read(recorded != nullptr ? recorded->offset : subject.low->offset)
    );
    MARGRAVE_TRY(auto record, detail::decode_guard(payload));
    std::vector<GuardEntry> entries;
    if (auto* statement = std::get_if<detail::StatementRecord>(&record)) {
        entries.push_back(std::move(statement->entry));
    } else if (auto* import = std::get_if<detail::ImportRecord>(&record)) {
        entries = std::move(import->entries);
    }
    for (GuardEntry& entry : entries) {
        if (detail::key_of(entry) == key && entry.epoch == epoch && entry.digest == digest) {
            return std::move(entry);
        }
    }
    return fail(Errc::kCorrupt, "guard record changed while the process ran");
}

Result<void> SigningGuard::Impl::check_open(const GuardEntry& entry) const {
    for (const detail::CloseRecord& closing : closings) {
        const bool meant = closing.subject.is_zero() || closing.subject == entry.subject;
        if (meant && entry.epoch >= closing.from) {
            return fail(
                Errc::kUnsafe,
                "signing guard " + place.dir.string() + " was closed (" + closing.reason +
                    "): " + detail::name_of(entry) +
                    " is not signed here any more. Sign on where it was handed to, or make a new "
                    "key"
            );
        }
    }
    return ok();
}

Result<void> SigningGuard::Impl::append(const detail::GuardRecord& record) {
    const Bytes payload = detail::encode_guard(record);
    MARGRAVE_TRY(const std::uint64_t offset, log->append(payload));
    const Result<void> applied =
        std::visit([&](const auto& r) { return apply(r, offset); }, record);
    // It was checked before it was written.
    MARGRAVE_ASSERT(applied.has_value());
    return ok();
}

Result<void> SigningGuard::Impl::apply(
    const detail::StatementRecord& record, std::uint64_t offset
) {
    const GuardEntry& entry = record.entry;
    const auto it = subjects.find(detail::key_of(entry));
    // A record that repeats or goes back can only have been put there by somebody else.
    if (it != subjects.end() && it->second.highest() >= entry.epoch) {
        return fail(
            Errc::kCorrupt, "the record for " + detail::name_of(entry) + " is out of order"
        );
    }
    detail::GuardedSubject& subject = subjects[detail::key_of(entry)];
    subject.records.push_back({entry.epoch, entry.digest, offset});
    subject.as_of = entry.as_of;
    ++statements;
    return ok();
}

}  // namespace margrave::store
