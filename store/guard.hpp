// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/events.hpp"
#include "core/ids.hpp"
#include "core/statements.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace margrave::store {

/// What is about to be signed. (signer, domain, subject, epoch) is the key of EIP-3076's idea:
/// attestations use subject "attestation" hash and the round as epoch; a release or seizure uses
/// its id as subject and epoch 1, so each id has one digest for ever.
struct GuardEntry {
    Address signer;
    Hash32 domain;
    Hash32 subject;
    std::uint64_t epoch{0};
    Hash32 digest;
    /// The complete statement, so that a crash after this record is finished with the same bytes.
    Bytes message;
    /// For attestations: the final heads it stands on; none may go back between epochs.
    std::vector<Head> as_of;
};

enum class GuardVerdict : std::uint8_t {
    kNew,     // recorded and on disk
    kRepeat,  // the same digest was recorded before
};

/// Signing record in a directory of its own: hash-chained, fsynced before a signature is made, with
/// a high-water mark in a second place. Never restored from a backup. Owned by relayer/app, used on
/// the daemon's thread; one process at a time holds the directory.
class SigningGuard {
  public:
    /// `mark_file` is the second place. Errors: kLocked; kCorrupt (chain broken, shorter than the
    /// mark, or one of the two missing: refuse to sign until a person decides); kSchema.
    static Result<std::unique_ptr<SigningGuard>> open(
        const std::filesystem::path& dir,
        const std::filesystem::path& mark_file,
        const Hash32& network
    );
    ~SigningGuard();

    /// Check and insert under one lock, then fsync. kConflict: another digest was recorded for this
    /// key, the epoch lies below what was signed, or the heads go back. The sentence says which.
    Result<GuardVerdict> record(const GuardEntry& entry);

    /// Highest epoch recorded for a subject of this signer and its entry.
    [[nodiscard]] Result<std::optional<GuardEntry>> last(
        const Address& signer, const Hash32& domain, const Hash32& subject
    ) const;
    [[nodiscard]] Result<std::optional<GuardEntry>> find(
        const Address& signer, const Hash32& domain, const Hash32& subject, std::uint64_t epoch
    ) const;
    [[nodiscard]] std::uint64_t size() const;
    /// What opening repaired after a crash, for the log; empty when nothing.
    [[nodiscard]] const std::string& note() const;

    struct Impl;

  private:
    explicit SigningGuard(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace margrave::store
