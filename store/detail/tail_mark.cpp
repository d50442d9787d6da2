// SPDX-License-Identifier: Apache-2.0
#include "store/detail/tail_mark.hpp"

#include "core/assert.hpp"
#include "core/disk_seam.hpp"
#include "core/keccak.hpp"
#include "store/detail/posix.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <unistd.h>

namespace margrave::store::detail {
namespace {

constexpr std::string_view kTailMagic = "MARGTAIL";
constexpr std::uint64_t kTailSlots = 2;
constexpr std::uint64_t kTailStride = 4096;
constexpr std::size_t kTailBody = 8 + 3 * 8 + Hash32::kSize;
constexpr std::size_t kTailSlot = kTailBody + Hash32::kSize;

Bytes encode_tail(const TailMark::Position& at) {
    Bytes out;
    out.reserve(kTailSlot);
    put_bytes(out, as_bytes(kTailMagic));
    put_u64(out, at.turn);
    put_u64(out, at.written);
    put_u64(out, at.synced);
    put_bytes(out, at.boot.view());
    MARGRAVE_ASSERT(out.size() == kTailBody);
    put_bytes(out, keccak256(out).view());
    return out;
}

std::optional<TailMark::Position> decode_tail(ByteView bytes) {
    if (bytes.size() != kTailSlot || as_text(bytes.first(kTailMagic.size())) != kTailMagic) {
        return std::nullopt;
    }
    const Hash32 sum = keccak256(bytes.first(kTailBody));
    if (!std::equal(sum.data.begin(), sum.data.end(), bytes.begin() + kTailBody)) {
        return std::nullopt;
    }
    ByteReader in(bytes.subspan(kTailMagic.size()));
    TailMark::Position at;
    at.turn = in.u64().value();
    at.written = in.u64().value();
    at.synced = in.u64().value();
    at.boot = in.hash32().value();
    return at;
}

}  // namespace

Hash32 this_boot() {
    std::string id = disk_seam.boot == nullptr ? "" : disk_seam.boot;
    if (id.empty()) {
        std::ifstream file("/proc/sys/kernel/random/boot_id");
        std::getline(file, id);
    }
    return id.empty() ? Hash32{} : keccak256("margrave boot v1 " + id);
}

TailMark::TailMark(std::filesystem::path file, int fd)
    : file_(std::move(file)),
      fd_(fd),
      boot_(this_boot()) {}

TailMark::~TailMark() {
    ::close(fd_);
}

Result<std::unique_ptr<TailMark>> TailMark::open(const std::filesystem::path& file) {
    if (!std::filesystem::exists(file)) {
        return make(file);
    }
    MARGRAVE_TRY(const int fd, open_file(file, O_RDWR));
    std::unique_ptr<TailMark> out(new TailMark(file, fd));
    MARGRAVE_TRY(out->load());
    MARGRAVE_TRY(out->renew());
    return out;
}

// A death may have torn the older slot and left the newer one in memory alone; the next one would
// then meet neither whole. The newer one is written again, not only synced: after a sync that
// failed its page passes for clean without being on disk.
Result<void> TailMark::renew() {
    MARGRAVE_TRY(put(at_));
    MARGRAVE_TRY(sync_data(fd_, file_));
    Position again = at_;
    ++again.turn;
    MARGRAVE_TRY(put(again));
    return sync_data(fd_, file_);
}

// Both slots are on disk before it has its name: half a slot of a new one could not be told from a
// damaged one.
Result<std::unique_ptr<TailMark>> TailMark::make(const std::filesystem::path& file) {
    const std::filesystem::path unnamed = file.string() + ".new";
    ::unlink(unnamed.c_str());
    MARGRAVE_TRY(const int fd, open_file(unnamed, O_RDWR | O_CREAT | O_EXCL));
    std::unique_ptr<TailMark> out(new TailMark(file, fd));
    for (std::uint64_t turn = 1; turn <= kTailSlots; ++turn) {
        MARGRAVE_TRY(out->put({0, 0, out->boot_, turn}));
    }
    MARGRAVE_TRY(sync_data(fd, unnamed));
    MARGRAVE_TRY(link_file(unnamed, file));
    ::unlink(unnamed.c_str());
    return out;
}

// A file of zeros, or of nothing, is one whose bytes a power cut took.
Result<void> TailMark::load() {
    bool is_empty = true;
    for (std::uint64_t i = 0; i < kTailSlots; ++i) {
        MARGRAVE_TRY(const Bytes bytes, read_at(fd_, file_, kTailSlot, i * kTailStride));
        const auto is_zero = [](std::uint8_t byte) {
            return byte == 0;
        };
        is_empty = is_empty && std::ranges::all_of(bytes, is_zero);
        const std::optional<Position> slot = decode_tail(bytes);
        if (slot && slot->turn > at_.turn) {
            at_ = *slot;
        }
    }
    if (at_.turn == 0 && !is_empty) {
        return fail(Errc::kCorrupt, "the mark " + file_.string() + " does not check");
    }
    return ok();
}

Result<void> TailMark::put(const Position& position) {
    const std::uint64_t slot = position.turn % kTailSlots;
    MARGRAVE_TRY(write_at(fd_, file_, encode_tail(position), slot * kTailStride));
    at_ = position;
    return ok();
}

Result<void> TailMark::advance(std::uint64_t written, bool synced) {
    MARGRAVE_ASSERT(written >= at_.written);
    const bool known = written == at_.written && (!synced || at_.synced == written);
    if (known && at_.boot == boot_) {
        return ok();
    }
    return put({written, synced ? written : at_.synced, boot_, at_.turn + 1});
}

Result<void> TailMark::reset(std::uint64_t written) {
    return put({written, written, boot_, at_.turn + 1});
}

}  // namespace margrave::store::detail
