// SPDX-License-Identifier: Apache-2.0
#include "store/detail/guard_log.hpp"

#include "core/assert.hpp"
#include "core/disk_seam.hpp"
#include "core/keccak.hpp"
#include "store/detail/posix.hpp"

#include <algorithm>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace margrave::store::detail {
namespace {

namespace fs = std::filesystem;

// File: magic, network, keccak of both; then per record its length, payload and chain hash, which
// is keccak(previous chain hash, length, payload).
constexpr std::string_view kGuardMagic = "MARGRAVE-GUARD-1";
constexpr std::size_t kHeaderBody = kGuardMagic.size() + Hash32::kSize;
constexpr std::size_t kHeader = kHeaderBody + Hash32::kSize;
constexpr std::size_t kLength = sizeof(std::uint32_t);

Bytes encode_header(const Hash32& network) {
    Bytes out = to_bytes(kGuardMagic);
    put_bytes(out, network.view());
    put_bytes(out, keccak256(out).view());
    MARGRAVE_ASSERT(out.size() == kHeader);
    return out;
}

Hash32 link_of(const Hash32& before, ByteView payload) {
    Bytes bytes;
    bytes.reserve(Hash32::kSize + kLength + payload.size());
    put_bytes(bytes, before.view());
    put_u32(bytes, static_cast<std::uint32_t>(payload.size()));
    put_bytes(bytes, payload);
    return keccak256(bytes);
}

// What to do; each refusal carries one of them.
constexpr const char* kPutBack =
    "If it was moved away, put it back. Never put a copy or a backup in its place: it does not "
    "know "
    "what was signed since. If it is lost, docs/operating.md section 11 says how to go on";
constexpr const char* kNotThisOne =
    "Find the guard that signed last and run that one; if there is none, docs/operating.md section "
    "11 says how to go on";

}  // namespace

GuardLog::GuardLog(fs::path dir, fs::path mark_file)
    : dir_(std::move(dir)),
      file_(dir_ / "log"),
      mark_path_(std::move(mark_file)) {}

GuardLog::~GuardLog() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
    if (lock_fd_ >= 0) {
        ::close(lock_fd_);
    }
}

Error GuardLog::corrupt(const std::string& why, const std::string& what_to_do) const {
    return fail(
        Errc::kCorrupt,
        "signing guard " + dir_.string() + ": " + why + ". Nothing is signed. " + what_to_do
    );
}

Result<std::unique_ptr<GuardLog>> GuardLog::open(
    const fs::path& dir,
    const fs::path& mark_file,
    const Hash32& network,
    Missing missing,
    const Visit& visit
) {
    std::unique_ptr<GuardLog> log(new GuardLog(dir, mark_file));
    MARGRAVE_TRY(log->open_files(network, missing));
    MARGRAVE_TRY(log->load(network, visit));
    return log;
}

Result<void> GuardLog::open_files(const Hash32& network, Missing missing) {
    // The directory first: its lock names who holds it.
    const bool has_dir = fs::exists(dir_);
    if (has_dir) {
        MARGRAVE_TRY(lock());
    }
    auto mark = MarkFile::open(mark_path_);
    if (!mark && mark.error().code == Errc::kCorrupt) {
        return corrupt(mark.error().detail, kPutBack);
    }
    if (!mark && mark.error().code != Errc::kNotFound) {
        return mark.error();
    }
    if (mark) {
        mark_ = std::move(mark).value();
        const std::string gone = "the mark " + mark_path_.string() + " counts " +
                                 std::to_string(mark_->mark().count) +
                                 " records, but the records are gone";
        if (!has_dir) {
            return corrupt("the directory is missing; " + gone, kPutBack);
        }
        if (!fs::exists(file_)) {
            return corrupt("its file \"log\" was deleted; " + gone, kPutBack);
        }
        return ok();
    }
    std::error_code error;
    // No more than a header: a first start that was interrupted.
    const bool nothing = !fs::exists(file_) || fs::file_size(file_, error) <= kHeader;
    if (nothing && missing == Missing::kRefuse) {
        return fail(
            Errc::kNotFound,
            "there is no signing guard in " + dir_.string() + "; the first `margrave run` makes it"
        );
    }
    if (!has_dir) {
        fs::create_directories(dir_, error);
        if (error) {
            return fail(Errc::kStore, "create " + dir_.string() + ": " + error.message());
        }
        MARGRAVE_TRY(lock());
    }
    return start(network);
}

Result<void> GuardLog::lock() {
    const fs::path path = dir_ / "LOCK";
    MARGRAVE_TRY(lock_fd_, open_file(path, O_RDWR | O_CREAT));
    const Result<void> locked = lock_file(lock_fd_, path);
    if (!locked && locked.error().code == Errc::kLocked) {
        constexpr std::size_t kPidText = 20;
        MARGRAVE_TRY(const Bytes pid, read_at(lock_fd_, path, kPidText, 0));
        return fail(
            Errc::kLocked,
            "signing guard " + dir_.string() + " is held by process " + std::string(as_text(pid)) +
                "; two signers with one key must never run"
        );
    }
    MARGRAVE_TRY(locked);
    MARGRAVE_TRY(truncate_file(lock_fd_, path, 0));
    return write_at(lock_fd_, path, to_bytes(std::to_string(::getpid())), 0);
}

// No mark: either nothing was ever here, or a crash came between the file and its mark, which
// leaves no more than the header; anything else lost its mark.
Result<void> GuardLog::start(const Hash32& network) {
    MARGRAVE_TRY(const int fd, open_file(file_, O_RDWR | O_CREAT));
    const std::unique_ptr<const int, void (*)(const int*)> closer(&fd, [](const int* p) {
        ::close(*p);
    });
    MARGRAVE_TRY(const std::uint64_t size, file_size(fd, file_));
    if (size > kHeader) {
        return corrupt(
            "there are records, but the mark " + mark_path_.string() + " is gone", kPutBack
        );
    }
    MARGRAVE_TRY(const Bytes present, read_at(fd, file_, kHeader, 0));
    const Bytes header = encode_header(network);
    // A file that belongs to another network must not become ours.
    const bool torn = present.size() < kHeader;
    if (torn) {
        MARGRAVE_TRY(write_at(fd, file_, header, 0));
        disk_moment("guard.header_written");
        MARGRAVE_TRY(sync_data(fd, file_));
        MARGRAVE_TRY(sync_dir(dir_));
        MARGRAVE_TRY(sync_dir(dir_.parent_path()));
    }
    ByteReader link(ByteView(torn ? header : present).subspan(kHeaderBody));
    MARGRAVE_TRY(const Hash32 first, link.hash32());
    MARGRAVE_TRY(mark_, MarkFile::create(mark_path_, {0, first}));
    return ok();
}

Result<void> GuardLog::load(const Hash32& network, const Visit& visit) {
    MARGRAVE_TRY(fd_, open_file(file_, O_RDWR));
    MARGRAVE_TRY(const Bytes header, read_at(fd_, file_, kHeader, 0));
    if (header.size() < kHeader ||
        as_text(ByteView(header).first(kGuardMagic.size())) != kGuardMagic) {
        return corrupt("the file does not begin as one of ours", kPutBack);
    }
    ByteReader in(ByteView(header).subspan(kGuardMagic.size()));
    MARGRAVE_TRY(const Hash32 owner, in.hash32());
    MARGRAVE_TRY(link_, in.hash32());
    if (keccak256(ByteView(header).first(kHeaderBody)) != link_) {
        return corrupt("its header does not check", kPutBack);
    }
    if (owner != network) {
        return fail(
            Errc::kSchema,
            "signing guard " + dir_.string() + " belongs to network " + to_hex(owner) +
                ", not to " + to_hex(network) + "; each network has a guard of its own"
        );
    }
    end_ = kHeader;
    return load_records(visit);
}

Result<void> GuardLog::load_records(const Visit& visit) {
    const Mark mark = mark_->mark();
    MARGRAVE_TRY(const std::uint64_t size, file_size(fd_, file_));
    while (end_ < size) {
        MARGRAVE_TRY(auto next, frame(end_, link_));
        if (!next && count_ < mark.count) {
            return corrupt(
                "record " + std::to_string(count_ + 1) + " of " + std::to_string(mark.count) +
                    " does not check: it was damaged, or cut in its middle",
                kNotThisOne
            );
        }
        if (count_ == mark.count && link_ != mark.hash) {
            return check_end();
        }
        if (!next) {
            tail_ = size - end_;
            MARGRAVE_TRY(check_tail(tail_));
            break;
        }
        if (count_ > mark.count) {
            return corrupt(
                "it has more records than one beyond the mark " + mark_path_.string() +
                    ": the mark was put back from an older copy",
                kNotThisOne
            );
        }
        MARGRAVE_TRY(visit(end_, next->payload));
        ++count_;
        link_ = next->link;
        end_ = next->end;
    }
    return check_end();
}

Result<void> GuardLog::check_end() {
    const Mark mark = mark_->mark();
    if (count_ < mark.count) {
        return corrupt(
            "it has " + std::to_string(count_) + " records, but " + std::to_string(mark.count) +
                " were acknowledged: it was cut at a record's end, or rolled back to an older copy",
            kNotThisOne
        );
    }
    if (count_ == mark.count && link_ != mark.hash) {
        return corrupt(
            "its records are not those that the mark was made for: one of the two is another "
            "guard's",
            kNotThisOne
        );
    }
    return ok();
}

// What lies behind the mark was never acknowledged, so no signature stands on it.
Result<void> GuardLog::check_tail(std::uint64_t size) const {
    if (count_ > mark_->mark().count) {
        return corrupt(
            "there are bytes behind the one record that may follow the mark", kNotThisOne
        );
    }
    if (size > kLength + kMaxRecord + Hash32::kSize) {
        return corrupt("there is more than one record behind the mark", kNotThisOne);
    }
    return ok();
}

Result<void> GuardLog::mend() {
    if (tail_ > 0) {
        note_ = "cut " + std::to_string(tail_) + " bytes of a record that a crash left unfinished";
        MARGRAVE_TRY(truncate_file(fd_, file_, end_));
        disk_moment("guard.tail_cut");
        MARGRAVE_TRY(sync_data(fd_, file_));
        tail_ = 0;
    }
    MARGRAVE_TRY(mark_->renew());
    if (count_ > mark_->mark().count) {
        // A process that died before its fsync left a record that is there, but not durable. A mark
        // that counts it would outlive it when the power goes.
        MARGRAVE_TRY(sync_data(fd_, file_));
        MARGRAVE_TRY(mark_->advance({count_, link_}));
    }
    mended_ = true;
    return ok();
}

Result<std::optional<GuardLog::Frame>> GuardLog::frame(std::uint64_t offset, const Hash32& before)
    const {
    MARGRAVE_TRY(const Bytes head, read_at(fd_, file_, kLength, offset));
    if (head.size() < kLength) {
        return std::optional<Frame>{};
    }
    MARGRAVE_TRY(const std::uint32_t length, ByteReader(head).u32());
    if (length > kMaxRecord) {
        return std::optional<Frame>{};
    }
    const std::size_t rest = length + Hash32::kSize;
    MARGRAVE_TRY(Bytes body, read_at(fd_, file_, rest, offset + kLength));
    if (body.size() < rest) {
        return std::optional<Frame>{};
    }
    ByteReader link(ByteView(body).subspan(length));
    Frame out;
    MARGRAVE_TRY(out.link, link.hash32());
    body.resize(length);
    out.payload = std::move(body);
    out.end = offset + kLength + rest;
    if (link_of(before, out.payload) != out.link) {
        return std::optional<Frame>{};
    }
    return std::optional<Frame>{std::move(out)};
}

Result<void> GuardLog::check() const {
    if (failure_.empty()) {
        return ok();
    }
    return fail(
        Errc::kStore,
        "signing guard " + dir_.string() + " failed before (" + failure_ +
            "); what reached the disk is unknown until the process starts again"
    );
}

Result<std::uint64_t> GuardLog::append(ByteView payload) {
    MARGRAVE_TRY(check());
    if (!mended_) {
        return fail(
            Errc::kStore, "signing guard " + dir_.string() + " was opened for reading only"
        );
    }
    if (payload.size() > kMaxRecord) {
        return fail(Errc::kInvalid, "guard record of " + std::to_string(payload.size()) + " bytes");
    }
    const Hash32 link = link_of(link_, payload);
    Bytes bytes;
    bytes.reserve(kLength + payload.size() + Hash32::kSize);
    put_u32(bytes, static_cast<std::uint32_t>(payload.size()));
    put_bytes(bytes, payload);
    put_bytes(bytes, link.view());
    const auto durable = [&]() -> Result<void> {
        disk_moment("guard.before_record");
        MARGRAVE_TRY(write_at(fd_, file_, bytes, end_));
        disk_moment("guard.record_written");
        MARGRAVE_TRY(sync_data(fd_, file_));
        disk_moment("guard.record_synced");
        return mark_->advance({count_ + 1, link});
    };
    const Result<void> done = durable();
    if (!done) {
        failure_ = done.error().detail;
        return done.error();
    }
    const std::uint64_t offset = end_;
    end_ += bytes.size();
    link_ = link;
    ++count_;
    return offset;
}

Result<Bytes> GuardLog::read(std::uint64_t offset) const {
    // The chain hash before a record is the last thing before it, also for the first.
    MARGRAVE_TRY(const Bytes before, read_at(fd_, file_, Hash32::kSize, offset - Hash32::kSize));
    ByteReader in(before);
    MARGRAVE_TRY(const Hash32 link, in.hash32());
    MARGRAVE_TRY(auto found, frame(offset, link));
    if (!found) {
        return corrupt("the record at " + std::to_string(offset) + " no longer checks", kPutBack);
    }
    return std::move(found->payload);
}

}  // namespace margrave::store::detail
