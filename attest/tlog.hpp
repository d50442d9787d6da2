// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/keys.hpp"
#include "core/bytes.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Transparency log in the C2SP formats: signed-note, tlog-checkpoint, tlog-tiles (RFC 6962 hashing,
// SHA-256). docs/protocol.md section 6.
namespace margrave::attest {

/// SHA-256(0x00 || entry) and SHA-256(0x01 || left || right).
Hash32 entry_hash(ByteView entry);
Hash32 node_hash(const Hash32& left, const Hash32& right);
/// SHA-256 of nothing: the root of a log without entries.
Hash32 empty_root();
/// RFC 9162 2.1.3.2 and 2.1.4.2. A consistency proof from size 0 is refused.
bool verify_inclusion(
    const Hash32& root,
    std::uint64_t size,
    std::uint64_t index,
    const Hash32& leaf,
    const std::vector<Hash32>& proof
);
bool verify_consistency(
    const Hash32& old_root,
    std::uint64_t old_size,
    const Hash32& new_root,
    std::uint64_t new_size,
    const std::vector<Hash32>& proof
);

struct Checkpoint {
    std::string origin;
    std::uint64_t size{0};
    Hash32 root;
};

/// The signed note of a checkpoint, and back. `vkey` is "name+hash+base64(type || key)".
std::string sign_checkpoint(const Checkpoint& checkpoint, const LogKey& key);
/// Origin, size and root of a checkpoint's text; nothing about who signed it. kInvalid.
Result<Checkpoint> parse_checkpoint_text(std::string_view text);
/// kSignature unless the note carries a good signature by `vkey`, whose name is the origin; unknown
/// lines are ignored.
Result<Checkpoint> open_checkpoint(std::string_view note, std::string_view vkey);
std::string log_vkey(std::string_view origin, const LogKey& key);
/// "margrave.<first 16 hex of network>.<operator name>". A name with a space, '+' or a control
/// character makes an origin that TileLog::open refuses.
std::string log_origin(const Hash32& network, std::string_view operator_name);

/// Writes the static tile directory (checkpoint, tile/L/N, tile/entries/N) from entries in order.
/// Derived from the store's leaves: can be deleted and made again, gives the same bytes. Partial
/// tiles stay until the full one is there. Memory: 64 bytes an entry, for proofs of any entry.
class TileLog {
  public:
    /// Reads what is there, checks it against the checkpoint and refuses (kCorrupt, kUnsafe) when
    /// the directory says more than `leaf_count`, or its root differs from the leaves'.
    static Result<std::unique_ptr<TileLog>> open(
        const std::filesystem::path& dir,
        std::string origin,
        std::uint64_t leaf_count,
        std::function<Result<Bytes>(std::uint64_t index)> leaf
    );
    ~TileLog();

    /// Appends in memory; an entry is at most 65,535 bytes (kLimit).
    Result<void> append(ByteView entry);
    /// Writes bundles, then tiles, then the checkpoint, each by temp file, fsync and rename.
    Result<Checkpoint> publish(const LogKey& key);
    [[nodiscard]] std::uint64_t size() const;
    [[nodiscard]] Hash32 root() const;
    /// Of the first `entries` entries, which are there.
    [[nodiscard]] Hash32 root(std::uint64_t entries) const;
    /// Proof for an entry in the tree of size(), kNotFound when there is none.
    [[nodiscard]] Result<std::vector<Hash32>> inclusion(std::uint64_t index) const;
    /// Proof that the tree of size() extends its first `old_size` entries; old_size from 1.
    [[nodiscard]] Result<std::vector<Hash32>> consistency(std::uint64_t old_size) const;

    struct Impl;

  private:
    explicit TileLog(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Reads a published directory as an outsider would.
struct LogReader {
    Checkpoint checkpoint;
    std::vector<Bytes> entries;
};

/// Root rebuilt from the entries, every tile compared, checkpoint signature checked. Errors name
/// the file and the entry: "tile/entries/000 entry 17 ...". kSignature, kCorrupt, kCheckFailed.
Result<LogReader> read_log(const std::filesystem::path& dir, std::string_view vkey);

}  // namespace margrave::attest
