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
    /// Never zero in what is recorded; zero in a watermark whose digest nobody told.
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

/// This machine as the guard names it: a hash over /etc/machine-id, which never leaves it. Zero
/// where there is none.
Hash32 this_machine();

struct GuardPlace {
    std::filesystem::path dir;
    /// Outside of `dir`, best on another disk.
    std::filesystem::path mark_file;
    Hash32 network;
    /// Who opens it; compared with who made it unless that one had no name.
    Hash32 machine{this_machine()};
};

/// What an import did with what it was told.
struct GuardImport {
    std::uint64_t told{0};
    /// Subjects whose low watermark rose; of the others the guard knew as much or more.
    std::uint64_t raised{0};
    std::uint64_t known{0};
};

/// For `guard status`.
struct GuardState {
    /// Statements recorded here, and low watermarks that came by import.
    std::uint64_t statements{0};
    std::uint64_t watermarks{0};
    std::uint64_t subjects{0};
    /// Records of all kinds, which is what the mark counts, and the hash that chains them.
    std::uint64_t records{0};
    Hash32 link;
    Hash32 machine;
    /// How often a person took it over into a new place, and the last reason.
    std::uint64_t adoptions{0};
    std::string adopted_because;
    /// Empty while it signs; else why it does not, or from where on it will not.
    std::string closed;
};

/// Signing record in a directory of its own: hash-chained, fsynced before a signature is made, with
/// a high-water mark in a second place, and bound to the machine and the very files it was made in.
/// Never restored from a backup. Owned by relayer/app; any thread may call it, check and insert are
/// under one lock; one process at a time holds the directory.
class SigningGuard {
  public:
    /// Makes it where neither directory nor mark exist. Errors, each with what to do: kLocked;
    /// kCorrupt (damaged, cut, older than its mark, or one of the two missing); kUnsafe (copied,
    /// restored or moved); kSchema (another network).
    static Result<std::unique_ptr<SigningGuard>> open(const GuardPlace& place);
    static Result<std::unique_ptr<SigningGuard>> open(
        const std::filesystem::path& dir,
        const std::filesystem::path& mark_file,
        const Hash32& network
    );
    /// The same checks, and nothing on disk changes: for reading only, `record` and the like fail.
    /// kNotFound when there is none.
    static Result<std::unique_ptr<SigningGuard>> look(const GuardPlace& place);
    /// Binds a guard that was moved to where it lies now, by a person's word, which is kept in its
    /// chain. Every other check is made. kNotFound when there is none.
    static Result<std::unique_ptr<SigningGuard>> adopt(
        const GuardPlace& place, const std::string& reason
    );
    ~SigningGuard();

    /// Check and insert under one lock, then fsync. kConflict: another digest was recorded for this
    /// key, the epoch is at or below a low watermark or below what was signed, or the heads go
    /// back. kUnsafe: it was closed. The sentence says which.
    Result<GuardVerdict> record(const GuardEntry& entry);

    /// What was signed elsewhere, all of it or none, in one record. Only ever raises low
    /// watermarks: an epoch at or below one is signed again only with the very digest of the
    /// watermark. A digest of zero means unknown. kConflict when it contradicts itself or what is
    /// recorded here; kLimit when its messages are too many bytes for one record.
    Result<GuardImport> import(const std::vector<GuardEntry>& signed_elsewhere);

    /// The high watermark, for a planned hand-over: of `subject`, or of every subject when it is
    /// zero, no epoch from `from` on is recorded any more. Repeats are still allowed. For ever.
    Result<void> close(const Hash32& subject, std::uint64_t from, const std::string& reason);

    /// Highest epoch recorded or imported for a subject of this signer and its entry.
    [[nodiscard]] Result<std::optional<GuardEntry>> last(
        const Address& signer, const Hash32& domain, const Hash32& subject
    ) const;
    [[nodiscard]] Result<std::optional<GuardEntry>> find(
        const Address& signer, const Hash32& domain, const Hash32& subject, std::uint64_t epoch
    ) const;
    /// That it was signed here, or lies at or below a low watermark that does not contradict it.
    /// kConflict with what is known instead.
    [[nodiscard]] Result<void> check_known(const GuardEntry& entry) const;
    /// Everything, ordered by signer, domain, subject and epoch; with heads and message only for
    /// the highest epoch of each subject. `newest_only` leaves the others out.
    [[nodiscard]] Result<std::vector<GuardEntry>> entries(bool newest_only) const;
    /// The newest of one subject, of each signer and domain; without heads and message.
    [[nodiscard]] Result<std::vector<GuardEntry>> newest(const Hash32& subject) const;
    /// Statements and watermarks.
    [[nodiscard]] std::uint64_t size() const;
    [[nodiscard]] GuardState state() const;
    /// What opening repaired after a crash, for the log; empty when nothing.
    [[nodiscard]] const std::string& note() const;

    struct Impl;

  private:
    explicit SigningGuard(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace margrave::store
