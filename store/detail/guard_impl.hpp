// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/guard_log.hpp"
#include "store/detail/guard_records.hpp"
#include "store/guard.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace margrave::store {

namespace detail {

/// (signer, domain, subject): what has one digest an epoch.
struct GuardKey {
    Address signer;
    Hash32 domain;
    Hash32 subject;
    auto operator<=>(const GuardKey&) const = default;
};

inline GuardKey key_of(const GuardEntry& e) {
    return {e.signer, e.domain, e.subject};
}

std::string name_of(const GuardEntry& e);
/// Lengths, heads that are named once, and no epoch zero.
Result<void> check_shape(const GuardEntry& e);
/// No head goes back, none changes its hash at the same number, and none is left out.
Result<void> check_heads(const GuardEntry& e, const std::vector<Head>& before);

struct GuardedEpoch {
    std::uint64_t epoch{0};
    Hash32 digest;
    std::uint64_t offset{0};
};

/// A low watermark; it lies in the import record at `offset`.
struct LowWatermark {
    std::uint64_t epoch{0};
    /// Zero: unknown.
    Hash32 digest;
    std::uint64_t offset{0};
};

struct GuardedSubject {
    /// Ascending by epoch, because an epoch below the highest is refused.
    std::vector<GuardedEpoch> records;
    std::optional<LowWatermark> low;
    std::vector<Head> as_of;

    [[nodiscard]] const GuardedEpoch* find(std::uint64_t epoch) const;
    /// Of records and watermark; zero when there is neither.
    [[nodiscard]] std::uint64_t highest() const;
};

}  // namespace detail

/// Everything behind one lock. Opening needs none: nobody else knows of it yet.
struct SigningGuard::Impl {
    using Key = detail::GuardKey;

    GuardPlace place;
    mutable std::mutex lock;
    std::unique_ptr<detail::GuardLog> log;
    std::map<Key, detail::GuardedSubject> subjects;
    std::optional<detail::PlaceRecord> made_at;
    std::vector<detail::CloseRecord> closings;
    std::uint64_t statements{0};
    std::uint64_t watermarks{0};
    std::uint64_t adoptions{0};
    std::string note;

    [[nodiscard]] const detail::GuardedSubject* find(const Key& key) const;
    [[nodiscard]] Result<GuardEntry> load(const Key& key, std::uint64_t epoch) const;

    Result<void> load_record(std::uint64_t offset, ByteView payload);
    Result<void> apply(const detail::StatementRecord& record, std::uint64_t offset);
    Result<void> apply(const detail::PlaceRecord& record, std::uint64_t offset);
    Result<void> apply(const detail::ImportRecord& record, std::uint64_t offset);
    Result<void> apply(const detail::CloseRecord& record, std::uint64_t offset);
    /// On disk, then in memory.
    Result<void> append(const detail::GuardRecord& record);

    Result<void> open(detail::GuardLog::Missing missing);
    [[nodiscard]] Result<detail::PlaceRecord> here(const std::string& reason) const;
    /// kUnsafe unless it lies where it was made or adopted.
    [[nodiscard]] Result<void> check_place() const;
    [[nodiscard]] Result<void> check_open(const GuardEntry& entry) const;
};

}  // namespace margrave::store
