// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/tiles.hpp"
#include "attest/tlog.hpp"
#include "infra/files.hpp"

#include <algorithm>
#include <utility>

// An outsider's reading: nothing is taken from the tiles, which are compared with what the entries
// hash to.
namespace margrave::attest {
namespace {

namespace fs = std::filesystem;
using detail::kTileWidth;

constexpr std::size_t kCheckpointMax = 1'000'000;
constexpr std::size_t kBundleMax = kTileWidth * (detail::kEntryMax + 2);
constexpr std::size_t kTileMax = kTileWidth * Hash32::kSize;

// Compares the hashes of one tile level with the files.
Result<void> check_level(const fs::path& dir, unsigned level, std::span<const Hash32> hashes) {
    for (std::uint64_t index = 0; index * kTileWidth < hashes.size(); ++index) {
        const std::uint64_t first = index * kTileWidth;
        const std::uint64_t width = std::min<std::uint64_t>(kTileWidth, hashes.size() - first);
        const std::string full = detail::tile_path(level, index, kTileWidth);
        MARGRAVE_TRY(const auto file, detail::read_tile(dir, full, width, kTileMax));
        const Bytes expected = detail::tile_bytes(hashes.subspan(first, width));
        if (file.bytes.size() < expected.size() ||
            (file.exact && file.bytes.size() != expected.size())) {
            return fail(
                Errc::kCorrupt,
                file.path + " has " + std::to_string(file.bytes.size()) + " bytes where " +
                    std::to_string(width) + " hashes of 32 bytes stand"
            );
        }
        const auto at = std::mismatch(expected.begin(), expected.end(), file.bytes.begin()).first;
        if (at == expected.end()) {
            continue;
        }
        const auto row = static_cast<std::uint64_t>(at - expected.begin()) / Hash32::kSize;
        if (level == 0) {
            return fail(
                Errc::kCheckFailed,
                detail::bundle_path(index, kTileWidth) + " entry " + std::to_string(row) +
                    " (entry " + std::to_string(first + row) +
                    " of the log) does not hash to what " + file.path + " says"
            );
        }
        return fail(
            Errc::kCheckFailed,
            file.path + " hash " + std::to_string(row) + " is not that of the hashes below it"
        );
    }
    return ok();
}

// Roots of the complete groups of 256: the next tile level.
std::vector<Hash32> level_above(std::vector<Hash32> hashes) {
    for (unsigned step = 0; step < detail::kTileLevelStep; ++step) {
        for (std::size_t i = 0; 2 * i + 1 < hashes.size(); ++i) {
            hashes[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
        }
        hashes.resize(hashes.size() / 2);
    }
    return hashes;
}

// RFC 6962 root: pairs level by level, an odd last one rises as it is.
Hash32 root_of(std::vector<Hash32> hashes) {
    if (hashes.empty()) {
        return empty_root();
    }
    while (hashes.size() > 1) {
        const std::size_t pairs = hashes.size() / 2;
        for (std::size_t i = 0; i < pairs; ++i) {
            hashes[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
        }
        if (hashes.size() % 2 != 0) {
            hashes[pairs] = hashes.back();
        }
        hashes.resize(pairs + hashes.size() % 2);
    }
    return hashes[0];
}

Result<std::vector<Bytes>> read_entries(const fs::path& dir, std::uint64_t size) {
    std::vector<Bytes> out;
    for (std::uint64_t index = 0; index * kTileWidth < size; ++index) {
        const std::uint64_t width = std::min(kTileWidth, size - index * kTileWidth);
        const std::string full = detail::bundle_path(index, kTileWidth);
        MARGRAVE_TRY(const auto file, detail::read_tile(dir, full, width, kBundleMax));
        MARGRAVE_TRY(auto entries, detail::parse_bundle(file.bytes, width, file.exact, file.path));
        std::move(entries.begin(), entries.end(), std::back_inserter(out));
    }
    return out;
}

}  // namespace

Result<LogReader> read_log(const fs::path& dir, std::string_view vkey) {
    auto note = infra::read_file(dir / "checkpoint", kCheckpointMax);
    if (!note) {
        return fail(
            Errc::kCorrupt,
            note.error().code == Errc::kNotFound ? dir.string() + " has no checkpoint"
                                                 : note.error().detail
        );
    }
    LogReader out;
    MARGRAVE_TRY(out.checkpoint, open_checkpoint(note.value(), vkey));
    MARGRAVE_TRY(out.entries, read_entries(dir, out.checkpoint.size));
    std::vector<Hash32> hashes;
    hashes.reserve(out.entries.size());
    for (const Bytes& entry : out.entries) {
        hashes.push_back(entry_hash(entry));
    }
    const Hash32 root = root_of(hashes);
    for (unsigned level = 0; !hashes.empty(); ++level) {
        MARGRAVE_TRY(check_level(dir, level, hashes));
        hashes = level_above(std::move(hashes));
    }
    if (root != out.checkpoint.root) {
        return fail(
            Errc::kCheckFailed,
            "the " + std::to_string(out.checkpoint.size) + " entries hash to root " + to_hex(root) +
                ", the checkpoint signs " + to_hex(out.checkpoint.root)
        );
    }
    return out;
}

}  // namespace margrave::attest
