// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/tiles.hpp"

#include "core/assert.hpp"
#include "infra/files.hpp"

namespace margrave::attest::detail {
namespace {

std::string three_digits(std::uint64_t group) {
    const std::string digits = std::to_string(group);
    return std::string(3 - digits.size(), '0') + digits;
}

std::string partial_suffix(std::uint64_t width) {
    MARGRAVE_ASSERT(width >= 1 && width <= kTileWidth);
    return width == kTileWidth ? std::string{} : ".p/" + std::to_string(width);
}

}  // namespace

std::string index_path(std::uint64_t index) {
    std::string out = three_digits(index % 1000);
    for (index /= 1000; index > 0; index /= 1000) {
        out = "x" + three_digits(index % 1000) + "/" + out;
    }
    return out;
}

std::string tile_path(unsigned level, std::uint64_t index, std::uint64_t width) {
    return "tile/" + std::to_string(level) + "/" + index_path(index) + partial_suffix(width);
}

std::string bundle_path(std::uint64_t index, std::uint64_t width) {
    return "tile/entries/" + index_path(index) + partial_suffix(width);
}

Bytes tile_bytes(std::span<const Hash32> hashes) {
    Bytes out;
    out.reserve(hashes.size() * Hash32::kSize);
    for (const Hash32& hash : hashes) {
        put_bytes(out, hash.view());
    }
    return out;
}

Bytes bundle_bytes(std::span<const Bytes> entries) {
    Bytes out;
    for (const Bytes& entry : entries) {
        MARGRAVE_ASSERT(entry.size() <= kEntryMax);
        put_u16(out, static_cast<std::uint16_t>(entry.size()));
        put_bytes(out, entry);
    }
    return out;
}

Result<std::vector<Bytes>> parse_bundle(
    ByteView bytes, std::uint64_t count, bool whole, const std::string& path
) {
    ByteReader reader(bytes);
    std::vector<Bytes> out;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto cut = [&] {
            return fail(Errc::kCorrupt, path + " is cut at entry " + std::to_string(i));
        };
        auto size = reader.u16();
        if (!size) {
            return cut();
        }
        auto entry = reader.bytes(size.value());
        if (!entry) {
            return cut();
        }
        out.emplace_back(entry.value().begin(), entry.value().end());
    }
    if (whole && reader.left() != 0) {
        return fail(
            Errc::kCorrupt,
            path + " has " + std::to_string(reader.left()) + " bytes after entry " +
                std::to_string(count - 1)
        );
    }
    return out;
}

Result<TileFile> read_tile(
    const std::filesystem::path& dir,
    const std::string& full_path,
    std::uint64_t width,
    std::size_t bytes_max
) {
    TileFile out{.path = full_path + partial_suffix(width), .bytes = {}, .exact = true};
    auto text = infra::read_file(dir / out.path, bytes_max);
    if (!text && text.error().code == Errc::kNotFound && width != kTileWidth) {
        out = {.path = full_path, .bytes = {}, .exact = false};
        text = infra::read_file(dir / out.path, bytes_max);
    }
    if (!text) {
        const bool missing = text.error().code == Errc::kNotFound;
        return fail(
            Errc::kCorrupt,
            full_path + partial_suffix(width) +
                (missing ? " is missing" : ": " + text.error().detail)
        );
    }
    out.bytes = to_bytes(text.value());
    return out;
}

}  // namespace margrave::attest::detail
