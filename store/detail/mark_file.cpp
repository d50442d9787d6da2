// SPDX-License-Identifier: Apache-2.0
#include "store/detail/mark_file.hpp"

#include "core/assert.hpp"
#include "core/disk_seam.hpp"
#include "core/keccak.hpp"
#include "store/detail/posix.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace margrave::store::detail {
namespace {

constexpr std::string_view kMagic = "MARGMARK";
constexpr std::size_t kSlots = 2;
// Apart by a page, so that a torn write of one cannot reach the other.
constexpr std::uint64_t kStride = 4096;
constexpr std::size_t kBody = 8 + 8 + Hash32::kSize;
constexpr std::size_t kSlot = kBody + Hash32::kSize;

Bytes encode_slot(const Mark& mark) {
    Bytes out;
    out.reserve(kSlot);
    put_bytes(out, as_bytes(kMagic));
    put_u64(out, mark.count);
    put_bytes(out, mark.hash.view());
    MARGRAVE_ASSERT(out.size() == kBody);
    put_bytes(out, keccak256(out).view());
    return out;
}

std::optional<Mark> decode_slot(ByteView bytes) {
    if (bytes.size() != kSlot || as_text(bytes.first(kMagic.size())) != kMagic) {
        return std::nullopt;
    }
    const Hash32 sum = keccak256(bytes.first(kBody));
    if (!std::equal(sum.data.begin(), sum.data.end(), bytes.begin() + kBody)) {
        return std::nullopt;
    }
    ByteReader in(bytes.subspan(kMagic.size()));
    Mark mark;
    mark.count = in.u64().value();
    mark.hash = in.hash32().value();
    return mark;
}

}  // namespace

MarkFile::MarkFile(std::filesystem::path file, int fd)
    : file_(std::move(file)),
      fd_(fd) {}

MarkFile::~MarkFile() {
    ::close(fd_);
}

Result<std::unique_ptr<MarkFile>> MarkFile::open(const std::filesystem::path& file) {
    if (!std::filesystem::exists(file)) {
        return fail(Errc::kNotFound, "there is no mark " + file.string());
    }
    MARGRAVE_TRY(const int fd, open_file(file, O_RDWR));
    std::unique_ptr<MarkFile> out(new MarkFile(file, fd));
    MARGRAVE_TRY(lock_file(fd, file));
    MARGRAVE_TRY(out->load());
    return out;
}

Result<Mark> MarkFile::look(const std::filesystem::path& file) {
    if (!std::filesystem::exists(file)) {
        return fail(Errc::kNotFound, "there is no mark " + file.string());
    }
    MARGRAVE_TRY(const int fd, open_file(file, O_RDONLY));
    MarkFile looked(file, fd);
    MARGRAVE_TRY(looked.load());
    return looked.mark();
}

Result<std::unique_ptr<MarkFile>> MarkFile::create(
    const std::filesystem::path& file, const Mark& mark
) {
    if (std::filesystem::exists(file)) {
        return fail(Errc::kConflict, "mark " + file.string() + " exists");
    }
    // Made whole beside its place and then named, so that no crash leaves half a mark: that could
    // not be told from one that was damaged. A link never replaces another's mark, a rename would.
    const std::filesystem::path unnamed = file.string() + ".new";
    ::unlink(unnamed.c_str());
    MARGRAVE_TRY(const int fd, open_file(unnamed, O_RDWR | O_CREAT | O_EXCL));
    std::unique_ptr<MarkFile> out(new MarkFile(file, fd));
    MARGRAVE_TRY(lock_file(fd, file));
    // Both slots, so that one damaged slot never makes a new file unreadable.
    for (std::size_t i = 0; i < kSlots; ++i) {
        MARGRAVE_TRY(write_at(fd, file, encode_slot(mark), i * kStride));
        out->wrote(mark);
    }
    MARGRAVE_TRY(sync_data(fd, file));
    disk_moment("mark.unnamed");
    MARGRAVE_TRY(link_file(unnamed, file));
    disk_moment("mark.named");
    ::unlink(unnamed.c_str());
    MARGRAVE_TRY(sync_dir(file.parent_path()));
    return out;
}

Result<void> MarkFile::advance(const Mark& mark) {
    MARGRAVE_ASSERT(mark.count > mark_.count);
    MARGRAVE_TRY(write_at(fd_, file_, encode_slot(mark), next_slot_ * kStride));
    disk_moment("mark.written");
    MARGRAVE_TRY(sync_data(fd_, file_));
    disk_moment("mark.synced");
    wrote(mark);
    return ok();
}

Result<void> MarkFile::renew() {
    const std::size_t slot = (next_slot_ + kSlots - 1) % kSlots;
    MARGRAVE_TRY(write_at(fd_, file_, encode_slot(mark_), slot * kStride));
    return sync_data(fd_, file_);
}

void MarkFile::wrote(const Mark& mark) {
    mark_ = mark;
    next_slot_ = (next_slot_ + 1) % kSlots;
}

Result<void> MarkFile::load() {
    bool found = false;
    for (std::size_t i = 0; i < kSlots; ++i) {
        MARGRAVE_TRY(const Bytes bytes, read_at(fd_, file_, kSlot, i * kStride));
        const std::optional<Mark> slot = decode_slot(bytes);
        if (slot && (!found || slot->count > mark_.count)) {
            mark_ = *slot;
            next_slot_ = (i + 1) % kSlots;
            found = true;
        }
    }
    if (!found) {
        return fail(
            Errc::kCorrupt, "the mark " + file_.string() + " does not check: neither slot is whole"
        );
    }
    return ok();
}

}  // namespace margrave::store::detail
