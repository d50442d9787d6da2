// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

// The file layout of C2SP tlog-tiles: https://c2sp.org/tlog-tiles
namespace margrave::attest::detail {

inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr unsigned kTileLevelStep = 8;
inline constexpr std::size_t kEntryMax = 65'535;

/// 1234067 is "x001/x234/067".
std::string index_path(std::uint64_t index);
/// "tile/0/x001/067", with ".p/112" when width is less than a full tile's.
std::string tile_path(unsigned level, std::uint64_t index, std::uint64_t width);
std::string bundle_path(std::uint64_t index, std::uint64_t width);

Bytes tile_bytes(std::span<const Hash32> hashes);
Bytes bundle_bytes(std::span<const Bytes> entries);
/// The first `count` entries; `whole` asks that nothing follows them. kCorrupt names path and
/// entry.
Result<std::vector<Bytes>> parse_bundle(
    ByteView bytes, std::uint64_t count, bool whole, const std::string& path
);

/// One tile or bundle as an outsider reads it: the partial file, or the full one that replaced it.
struct TileFile {
    std::string path;
    Bytes bytes;
    /// The file has exactly the width asked for.
    bool exact{true};
};

Result<TileFile> read_tile(
    const std::filesystem::path& dir,
    const std::string& full_path,
    std::uint64_t width,
    std::size_t bytes_max
);

}  // namespace margrave::attest::detail
