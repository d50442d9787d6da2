// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/hash_levels.hpp"
#include "attest/detail/tiles.hpp"
#include "attest/note.hpp"
#include "attest/tlog.hpp"
#include "core/assert.hpp"
#include "core/disk_seam.hpp"
#include "infra/files.hpp"

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

namespace margrave::attest {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCheckpointFile = "checkpoint";
constexpr std::size_t kCheckpointMax = 1'000'000;
constexpr unsigned kFileMode = 0644;
constexpr unsigned kDirMode = 0755;

// What one file holds: hashes of one tile level, or entries.
struct Rows {
    std::uint64_t first{0};
    std::uint64_t count{0};
};

// Of the `index`-th file when there are `count` rows in all.
Rows rows_of(std::uint64_t index, std::uint64_t count) {
    const std::uint64_t first = index * detail::kTileWidth;
    return {.first = first, .count = std::min(detail::kTileWidth, count - first)};
}

}  // namespace

struct TileLog::Impl {
    fs::path dir;
    std::string origin;
    detail::HashLevels tree;
    /// Entries from the last bundle boundary that is on disk.
    std::vector<Bytes> tail;
    std::uint64_t tail_first{0};
    /// Size and note of the checkpoint on disk.
    std::uint64_t published{0};
    std::string note;

    [[nodiscard]] std::uint64_t size() const { return tree.size(); }

    void push(ByteView entry) {
        tree.push(entry_hash(entry));
        tail.emplace_back(entry.begin(), entry.end());
    }

    /// Entries that lie in full bundles below `size` are on disk.
    void drop_tail(std::uint64_t size) {
        const std::uint64_t keep_from = size - size % detail::kTileWidth;
        if (keep_from > tail_first) {
            const auto count = static_cast<std::ptrdiff_t>(keep_from - tail_first);
            tail.erase(tail.begin(), tail.begin() + count);
            tail_first = keep_from;
        }
    }

    [[nodiscard]] std::span<const Hash32> tile_rows(unsigned level, Rows rows) const {
        return tree.row(level * detail::kTileLevelStep).subspan(rows.first, rows.count);
    }

    [[nodiscard]] Bytes bundle(Rows rows) const {
        MARGRAVE_ASSERT(rows.first >= tail_first);
        return detail::bundle_bytes(std::span(tail).subspan(rows.first - tail_first, rows.count));
    }

    Result<void> load(
        std::uint64_t leaf_count, const std::function<Result<Bytes>(std::uint64_t)>& leaf
    );
    Result<void> read_checkpoint(std::uint64_t leaf_count, Checkpoint& out);
    Result<void> check_bundle_on_disk(std::uint64_t end) const;
    Result<void> check_tiles_on_disk() const;
    Result<void> write(const std::string& path, std::string_view bytes) const;
    Result<void> write_bundles(std::uint64_t target) const;
    Result<void> write_tiles(std::uint64_t target) const;
    void remove_superseded(std::uint64_t target) const;
};

namespace {

Error differs(const std::string& path) {
    return fail(
        Errc::kCorrupt,
        path +
            " differs from the stored leaves; the log directory is derived from them: delete it "
            "and it is made again"
    );
}

Result<void> compare(const fs::path& dir, const std::string& path, const Bytes& expected) {
    auto text = infra::read_file(dir / path, expected.size());
    if (!text && text.error().code == Errc::kIo) {
        return std::move(text).error();
    }
    if (!text || to_bytes(text.value()) != expected) {
        return differs(path);
    }
    return ok();
}

}  // namespace

Result<void> TileLog::Impl::read_checkpoint(std::uint64_t leaf_count, Checkpoint& out) {
    const fs::path file = dir / kCheckpointFile;
    auto text = infra::read_file(file, kCheckpointMax);
    if (!text) {
        if (text.error().code == Errc::kNotFound) {
            return ok();
        }
        return std::move(text).error();
    }
    const std::string_view whole = text.value();
    const std::size_t split = whole.rfind("\n\n");
    auto parsed = parse_checkpoint_text(whole.substr(0, split == whole.npos ? 0 : split + 1));
    if (!parsed) {
        return fail(Errc::kCorrupt, file.string() + ": " + parsed.error().detail);
    }
    out = std::move(parsed).value();
    if (out.origin != origin) {
        return fail(
            Errc::kUnsafe,
            file.string() + " is of log " + out.origin.substr(0, 120) + ", this log is " + origin
        );
    }
    if (out.size > leaf_count) {
        return fail(
            Errc::kUnsafe,
            file.string() + " publishes " + std::to_string(out.size) + " entries, the store has " +
                std::to_string(leaf_count) +
                ": the store was rolled back; signing on would fork the log"
        );
    }
    published = out.size;
    note = std::move(text).value();
    return ok();
}

// Bundle of the entries that end at `end`, against the file of that size.
Result<void> TileLog::Impl::check_bundle_on_disk(std::uint64_t end) const {
    const Rows rows = rows_of((end - 1) / detail::kTileWidth, end);
    const std::string path = detail::bundle_path(rows.first / detail::kTileWidth, rows.count);
    return compare(dir, path, bundle(rows));
}

Result<void> TileLog::Impl::check_tiles_on_disk() const {
    for (unsigned level = 0;; ++level) {
        const std::uint64_t count = published >> (level * detail::kTileLevelStep);
        if (count == 0) {
            return ok();
        }
        for (std::uint64_t index = 0; index * detail::kTileWidth < count; ++index) {
            const Rows rows = rows_of(index, count);
            const std::string path = detail::tile_path(level, index, rows.count);
            MARGRAVE_TRY(compare(dir, path, detail::tile_bytes(tile_rows(level, rows))));
        }
    }
}

// A root that differs means another history and outranks a damaged file, so the first bundle that
// does not compare waits until the root is known. Full bundles that are not published yet are
// written at once: held back, those of a directory made again would fill the memory.
Result<void> TileLog::Impl::load(
    std::uint64_t leaf_count, const std::function<Result<Bytes>(std::uint64_t)>& leaf
) {
    Checkpoint checkpoint;
    MARGRAVE_TRY(read_checkpoint(leaf_count, checkpoint));
    Result<void> bundles = ok();
    for (std::uint64_t i = 0; i < leaf_count; ++i) {
        MARGRAVE_TRY(const Bytes entry, leaf(i));
        if (entry.size() > detail::kEntryMax) {
            return fail(Errc::kCorrupt, "leaf " + std::to_string(i) + " is above 65535 bytes");
        }
        push(entry);
        const bool is_full = size() % detail::kTileWidth == 0;
        if (bundles && size() <= published && (is_full || size() == published)) {
            bundles = check_bundle_on_disk(size());
        }
        if (is_full && size() > published) {
            MARGRAVE_TRY(write_bundles(size()));
        }
        if (is_full) {
            drop_tail(size());
        }
    }
    if (!note.empty() && tree.root(published) != checkpoint.root) {
        return fail(
            Errc::kUnsafe,
            (dir / kCheckpointFile).string() + " signs another history of " +
                std::to_string(published) +
                " entries than the store has; signing on would fork the log"
        );
    }
    MARGRAVE_TRY(std::move(bundles));
    return check_tiles_on_disk();
}

Result<void> TileLog::Impl::write(const std::string& path, std::string_view bytes) const {
    const fs::path file = dir / path;
    MARGRAVE_TRY(infra::make_dirs(file.parent_path(), kDirMode));
    return infra::write_file_atomic(file, bytes, kFileMode);
}

Result<void> TileLog::Impl::write_bundles(std::uint64_t target) const {
    for (std::uint64_t index = tail_first / detail::kTileWidth; index * detail::kTileWidth < target;
         ++index) {
        const Rows rows = rows_of(index, target);
        MARGRAVE_TRY(write(detail::bundle_path(index, rows.count), as_text(bundle(rows))));
    }
    return ok();
}

Result<void> TileLog::Impl::write_tiles(std::uint64_t target) const {
    for (unsigned level = 0;; ++level) {
        const std::uint64_t before = published >> (level * detail::kTileLevelStep);
        const std::uint64_t count = target >> (level * detail::kTileLevelStep);
        if (count == before) {
            return ok();
        }
        for (std::uint64_t index = before / detail::kTileWidth; index * detail::kTileWidth < count;
             ++index) {
            const Rows rows = rows_of(index, count);
            const Bytes bytes = detail::tile_bytes(tile_rows(level, rows));
            MARGRAVE_TRY(write(detail::tile_path(level, index, rows.count), as_text(bytes)));
        }
    }
}

// Partial tiles of a tile that is full now. Only tidiness: what cannot be removed does no harm.
void TileLog::Impl::remove_superseded(std::uint64_t target) const {
    std::error_code ignored;
    for (unsigned level = 0; (target >> (level * detail::kTileLevelStep)) > 0; ++level) {
        const unsigned shift = (level + 1) * detail::kTileLevelStep;
        for (std::uint64_t index = published >> shift; index < target >> shift; ++index) {
            fs::remove_all(
                dir / (detail::tile_path(level, index, detail::kTileWidth) + ".p"), ignored
            );
            if (level == 0) {
                fs::remove_all(
                    dir / (detail::bundle_path(index, detail::kTileWidth) + ".p"), ignored
                );
            }
        }
    }
}

TileLog::TileLog(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

TileLog::~TileLog() = default;

Result<std::unique_ptr<TileLog>> TileLog::open(
    const fs::path& dir,
    std::string origin,
    std::uint64_t leaf_count,
    std::function<Result<Bytes>(std::uint64_t index)> leaf
) {
    if (!is_note_name(origin)) {
        return fail(
            Errc::kInvalid,
            "log origin \"" + origin.substr(0, 120) + "\" has a space, '+' or a control character"
        );
    }
    auto impl = std::make_unique<Impl>();
    impl->dir = dir;
    impl->origin = std::move(origin);
    MARGRAVE_TRY(impl->load(leaf_count, leaf));
    return std::unique_ptr<TileLog>(new TileLog(std::move(impl)));
}

Result<void> TileLog::append(ByteView entry) {
    if (entry.size() > detail::kEntryMax) {
        return fail(
            Errc::kLimit,
            "log entry has " + std::to_string(entry.size()) + " bytes, 65535 is the most"
        );
    }
    impl_->push(entry);
    return ok();
}

Result<Checkpoint> TileLog::publish(const LogKey& key) {
    const std::uint64_t target = size();
    Checkpoint out{.origin = impl_->origin, .size = target, .root = root()};
    std::string note = sign_checkpoint(out, key);
    if (note == impl_->note) {
        return out;
    }
    disk_moment("log.before_bundles");
    MARGRAVE_TRY(impl_->write_bundles(target));
    disk_moment("log.bundles_written");
    MARGRAVE_TRY(impl_->write_tiles(target));
    disk_moment("log.tiles_written");
    MARGRAVE_TRY(impl_->write(std::string(kCheckpointFile), note));
    disk_moment("log.checkpoint_written");
    impl_->remove_superseded(target);
    impl_->published = target;
    impl_->note = std::move(note);
    impl_->drop_tail(target);
    return out;
}

std::uint64_t TileLog::size() const {
    return impl_->size();
}

Hash32 TileLog::root() const {
    return impl_->tree.root(size());
}

Hash32 TileLog::root(std::uint64_t entries) const {
    MARGRAVE_ASSERT(entries <= size());
    return impl_->tree.root(entries);
}

Result<std::vector<Hash32>> TileLog::inclusion(std::uint64_t index) const {
    if (index >= size()) {
        return fail(
            Errc::kNotFound,
            "entry " + std::to_string(index) + " of a log of " + std::to_string(size())
        );
    }
    return impl_->tree.inclusion(index);
}

Result<std::vector<Hash32>> TileLog::consistency(std::uint64_t old_size) const {
    if (old_size == 0 || old_size > size()) {
        return fail(
            Errc::kNotFound,
            "no consistency proof from " + std::to_string(old_size) + " to " +
                std::to_string(size())
        );
    }
    return impl_->tree.consistency(old_size);
}

}  // namespace margrave::attest
