// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/database.hpp"
#include "store/detail/codec.hpp"
#include "store/ledger.hpp"

#include <cstdint>
#include <string>

// Values of the rows that we cause: answers, holds, legs, intents. No reorg touches them.
namespace margrave::store::detail {

/// The answer to a request.
struct AnswerRow {
    static constexpr std::size_t kTypicalSize = 128;
    bool granted{false};
    UnixSeconds deadline;
    std::string reason;
    /// RequestRow::fingerprint of what was answered; zero when the request was not known.
    Hash32 fingerprint;

    bool operator==(const AnswerRow&) const = default;
    void write(Bytes& out) const;
    static Result<AnswerRow> read(ByteReader& in);
};

struct HoldRow {
    static constexpr std::size_t kTypicalSize = 320;
    Hold hold;

    void write(Bytes& out) const;
    static Result<HoldRow> read(ByteReader& in);
};

/// Where a hold is found by its release id, also after it ended.
struct HoldOwnerRow {
    static constexpr std::size_t kTypicalSize = 40;
    AccountId account;
    bool active{true};

    void write(Bytes& out) const;
    static Result<HoldOwnerRow> read(ByteReader& in);
};

/// A leg as we instructed it.
struct InstructedLegRow {
    static constexpr std::size_t kTypicalSize = 384;
    Leg leg;
    bool expired{false};

    void write(Bytes& out) const;
    static Result<InstructedLegRow> read(ByteReader& in);
};

/// Where a leg is found by its seizure id.
struct LegPlaceRow {
    static constexpr std::size_t kTypicalSize = 64;
    AccountId account;
    std::uint64_t lock{0};
    std::uint64_t number{0};

    void write(Bytes& out) const;
    static Result<LegPlaceRow> read(ByteReader& in);
};

/// A leg that is not yet closed by a final event or by expiry.
struct OpenLegRow {
    static constexpr std::size_t kTypicalSize = 64;
    AccountId account;
    std::string chain;

    void write(Bytes& out) const;
    static Result<OpenLegRow> read(ByteReader& in);
};

struct IntentRow {
    static constexpr std::size_t kTypicalSize = 1024;
    /// Order of creation.
    std::uint64_t number{0};
    /// Digest of the intent as it was first committed: a repeated commit is known by it although
    /// delivery has changed the row since.
    Hash32 origin;
    Intent intent;

    void write(Bytes& out) const;
    static Result<IntentRow> read(ByteReader& in);
};

/// What IntentRow::origin holds.
Hash32 origin_of(const Intent& intent);

/// Bytes that are kept verbatim behind the version byte: leaves and documents.
struct BlobRow {
    static constexpr std::size_t kTypicalSize = 4096;
    Bytes bytes;

    void write(Bytes& out) const;
    static Result<BlobRow> read(ByteReader& in);
};

/// How many decisions were committed, and the running hash over their batches.
struct DecisionCountRow {
    static constexpr std::size_t kTypicalSize = 80;
    std::uint64_t count{0};
    Hash32 hash;
    Hash32 previous;

    void write(Bytes& out) const;
    static Result<DecisionCountRow> read(ByteReader& in);
};

}  // namespace margrave::store::detail
