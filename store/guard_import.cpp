// SPDX-License-Identifier: Apache-2.0
// Low watermarks from another guard, and the high one.
#include "core/assert.hpp"
#include "store/detail/guard_impl.hpp"
#include "store/guard.hpp"

#include <algorithm>

namespace margrave::store {

namespace {

using detail::GuardedSubject;
using detail::GuardKey;

constexpr std::size_t kCloseReasonMax = 1000;

Error contradiction(const GuardEntry& told, const Hash32& known, std::string_view where) {
    return fail(
        Errc::kConflict,
        detail::name_of(told) + ": the file says that digest " + to_hex(told.digest) +
            " was signed, " + std::string(where) + " says " + to_hex(known) +
            ". One key signed two statements for one epoch: nothing was imported. Keep both as "
            "evidence and retire the key"
    );
}

bool differ(const Hash32& a, const Hash32& b) {
    return !a.is_zero() && !b.is_zero() && a != b;
}

// Against what this guard knows of the epoch.
Result<void> check_told(const GuardEntry& told, const GuardedSubject* subject) {
    MARGRAVE_TRY(detail::check_shape(told));
    if (subject == nullptr) {
        return ok();
    }
    const detail::GuardedEpoch* recorded = subject->find(told.epoch);
    if (recorded != nullptr && differ(recorded->digest, told.digest)) {
        return contradiction(told, recorded->digest, "the guard");
    }
    const auto& low = subject->low;
    if (low && low->epoch == told.epoch && differ(low->digest, told.digest)) {
        return contradiction(told, low->digest, "an earlier import");
    }
    return ok();
}

// Each chain's newest head of the two.
Result<std::vector<Head>> join_heads(const GuardEntry& told, const std::vector<Head>& known) {
    std::vector<Head> out = told.as_of;
    for (const Head& head : known) {
        const auto same = std::ranges::find(out, head.chain, &Head::chain);
        if (same == out.end()) {
            out.push_back(head);
        } else if (same->number == head.number && same->hash != head.hash) {
            return fail(
                Errc::kConflict,
                detail::name_of(told) + " stands on block " + std::to_string(head.number.value) +
                    " of " + head.chain.text() + " with hash " + to_hex(same->hash) +
                    ", this guard signed on " + to_hex(head.hash) +
                    ": the two followed different chains. Nothing was imported"
            );
        } else if (same->number < head.number) {
            *same = head;
        }
    }
    return out;
}

/// What a file says of one subject: the highest epoch, and every epoch's digest for contradictions.
struct Told {
    std::map<std::uint64_t, Hash32> digests;
    GuardEntry newest;
};

Result<void> add_told(Told& told, const GuardEntry& entry) {
    const auto [known, added] = told.digests.emplace(entry.epoch, entry.digest);
    if (!added && differ(known->second, entry.digest)) {
        return contradiction(entry, known->second, "the same file");
    }
    // Unknown beside known stays unknown: it may have been another one.
    const bool unknown = entry.digest.is_zero() || known->second.is_zero();
    if (unknown) {
        known->second = Hash32{};
    }
    if (entry.epoch > told.newest.epoch) {
        told.newest = entry;
    } else if (entry.epoch == told.newest.epoch && unknown) {
        told.newest.digest = Hash32{};
        told.newest.message.clear();
    }
    return ok();
}

}  // namespace

Result<GuardImport> SigningGuard::import(const std::vector<GuardEntry>& signed_elsewhere) {
    const std::lock_guard<std::mutex> held(impl_->lock);
    MARGRAVE_TRY(impl_->log->check());
    std::map<GuardKey, Told> subjects;
    for (const GuardEntry& entry : signed_elsewhere) {
        MARGRAVE_TRY(check_told(entry, impl_->find(detail::key_of(entry))));
        MARGRAVE_TRY(add_told(subjects[detail::key_of(entry)], entry));
    }
    GuardImport out;
    out.told = signed_elsewhere.size();
    detail::ImportRecord record;
    for (auto& [key, told] : subjects) {
        const GuardedSubject* known = impl_->find(key);
        if (known != nullptr && told.newest.epoch <= known->highest()) {
            ++out.known;
            continue;
        }
        if (known != nullptr) {
            MARGRAVE_TRY(told.newest.as_of, join_heads(told.newest, known->as_of));
        }
        record.entries.push_back(std::move(told.newest));
    }
    out.raised = record.entries.size();
    if (record.entries.empty()) {
        return out;
    }
    const std::size_t bytes = detail::encode_guard(record).size();
    if (bytes > detail::GuardLog::kMaxRecord) {
        return fail(
            Errc::kLimit,
            "the import takes " + std::to_string(bytes) + " bytes, " +
                std::to_string(detail::GuardLog::kMaxRecord) +
                " is the most; export with --minimal, which leaves messages out"
        );
    }
    MARGRAVE_TRY(impl_->append(std::move(record)));
    return out;
}

Result<void> SigningGuard::close(
    const Hash32& subject, std::uint64_t from, const std::string& reason
) {
    const std::lock_guard<std::mutex> held(impl_->lock);
    MARGRAVE_TRY(impl_->log->check());
    if (reason.empty() || reason.size() > kCloseReasonMax) {
        return fail(
            Errc::kUsage, "a reason has 1 to " + std::to_string(kCloseReasonMax) + " bytes"
        );
    }
    return impl_->append(detail::CloseRecord{subject, from, reason});
}

Result<void> SigningGuard::Impl::apply(const detail::ImportRecord& record, std::uint64_t offset) {
    for (const GuardEntry& entry : record.entries) {
        const auto it = subjects.find(detail::key_of(entry));
        if (it != subjects.end() && it->second.highest() >= entry.epoch) {
            return fail(
                Errc::kCorrupt, "the watermark for " + detail::name_of(entry) + " does not rise"
            );
        }
        detail::GuardedSubject& subject = subjects[detail::key_of(entry)];
        watermarks += subject.low ? 0U : 1U;
        subject.low = detail::LowWatermark{entry.epoch, entry.digest, offset};
        subject.as_of = entry.as_of;
    }
    return ok();
}

Result<void>
SigningGuard::Impl::apply(const detail::CloseRecord& record, std::uint64_t /*offset*/) {
    closings.push_back(record);
    return ok();
}

}  // namespace margrave::store
