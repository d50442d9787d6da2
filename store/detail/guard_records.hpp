// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/posix.hpp"
#include "store/guard.hpp"

#include <string>
#include <variant>
#include <vector>

// What the signing guard's chain holds: one byte that says which, then the fields.
namespace margrave::store::detail {

/// Something that may be signed.
struct StatementRecord {
    GuardEntry entry;
};

/// Where the guard lies from here on; the last one counts.
struct PlaceRecord {
    Hash32 machine;
    FileIdentity log;
    FileIdentity mark;
    /// A person's words when it was adopted; empty where it was made.
    std::string reason;
};

/// Low watermarks: what was signed elsewhere.
struct ImportRecord {
    std::vector<GuardEntry> entries;
};

/// A high watermark.
struct CloseRecord {
    /// Zero: every subject.
    Hash32 subject;
    std::uint64_t from{0};
    std::string reason;
};

using GuardRecord = std::variant<StatementRecord, PlaceRecord, ImportRecord, CloseRecord>;

Bytes encode_guard(const GuardRecord& record);
/// kCorrupt.
Result<GuardRecord> decode_guard(ByteView bytes);

}  // namespace margrave::store::detail
