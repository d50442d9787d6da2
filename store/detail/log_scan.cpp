// SPDX-License-Identifier: Apache-2.0
#include "store/detail/log_scan.hpp"

#include "store/detail/posix.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <vector>

// The format: RocksDB wiki, "Write Ahead Log File Format". Blocks of 32 KiB; a record is checksum
// (4 bytes, masked CRC-32C of type and data), length (2), type (1), data; integers little-endian.
// What does not fit into a block is cut into fragments; less than a header's room at the end of a
// block is zero.
namespace margrave::store::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLogBlock = 32 * 1024;
constexpr std::size_t kRecordHeader = 7;
constexpr std::size_t kTypeAt = 6;
// Full, first, middle, last. Those of recycled logs are others, and this store recycles none.
constexpr std::uint8_t kLastType = 4;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
    constexpr std::uint32_t kCastagnoli = 0x82f63b78;
    std::array<std::uint32_t, 256> out{};
    for (std::uint32_t i = 0; i < out.size(); ++i) {
        std::uint32_t c = i;
        for (int bit = 0; bit < 8; ++bit) {
            c = (c >> 1U) ^ ((c & 1U) != 0 ? kCastagnoli : 0U);
        }
        out.at(i) = c;
    }
    return out;
}

constexpr std::array<std::uint32_t, 256> kCrcTable = make_crc_table();

std::uint32_t masked(std::uint32_t crc) {
    constexpr std::uint32_t kDelta = 0xa282ead8;
    return ((crc >> 15U) | (crc << 17U)) + kDelta;
}

std::uint32_t little(ByteView bytes) {
    std::uint32_t out = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
        out = out << 8U | bytes[i];
    }
    return out;
}

bool is_all_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// Whether some length makes the record whole.
bool is_whole_by_another_length(ByteView record) {
    const std::uint32_t wanted = little(record.first(4));
    std::uint32_t crc = crc32c(record.subspan(kTypeAt, 1));
    if (masked(crc) == wanted) {
        return true;
    }
    for (const std::uint8_t& byte : record.subspan(kRecordHeader)) {
        crc = crc32c(ByteView(&byte, 1), crc);
        if (masked(crc) == wanted) {
            return true;
        }
    }
    return false;
}

/// One file, block by block.
class Scan {
  public:
    Scan(fs::path file, int fd, LogScan& out)
        : file_(std::move(file)),
          fd_(fd),
          out_(out) {}

    Result<void> run() {
        MARGRAVE_TRY(size_, file_size(fd_, file_));
        out_.bytes += size_;
        while (at_ < size_ && !is_done_) {
            MARGRAVE_TRY(const Bytes bytes, read_at(fd_, file_, kLogBlock, at_));
            MARGRAVE_TRY(block(bytes));
            at_ += bytes.size();
        }
        return ok();
    }

  private:
    [[nodiscard]] Error damaged(std::size_t at, const std::string& what) const {
        return fail(
            Errc::kCorrupt,
            file_.string() + ", byte " + std::to_string(at_ + at) + ": " + what +
                ". Rows from there on are damaged; move the store away and sync again, or restore "
                "a backup"
        );
    }

    Result<void> block(ByteView bytes) {
        std::size_t at = 0;
        while (bytes.size() - at >= kRecordHeader) {
            const ByteView rest = bytes.subspan(at);
            if (is_all_zero(rest.first(kRecordHeader))) {
                return zeros(rest, at);
            }
            const std::size_t length = little(rest.subspan(4, 2));
            if (kRecordHeader + length > rest.size()) {
                return cut(rest, at);
            }
            const std::uint32_t crc = crc32c(rest.subspan(kTypeAt, 1 + length));
            if (masked(crc) != little(rest.first(4))) {
                return damaged(at, "the record does not check");
            }
            if (rest[kTypeAt] == 0 || rest[kTypeAt] > kLastType) {
                return damaged(at, "the record is of no kind that this store writes");
            }
            ++out_.records;
            at += kRecordHeader + length;
        }
        if (bytes.size() < kLogBlock) {
            out_.torn_bytes += bytes.size() - at;
        }
        return ok();
    }

    // Room that was set aside and never written, as a power cut leaves it.
    Result<void> zeros(ByteView rest, std::size_t at) {
        const std::uint64_t from = at_ + at;
        if (!is_all_zero(rest)) {
            return damaged(at, "zeros where a record begins");
        }
        for (std::uint64_t next = from + rest.size(); next < size_; next += kLogBlock) {
            MARGRAVE_TRY(const Bytes bytes, read_at(fd_, file_, kLogBlock, next));
            if (!is_all_zero(bytes)) {
                return damaged(at, "zeros where a record begins");
            }
        }
        out_.torn_bytes += size_ - from;
        is_done_ = true;
        return ok();
    }

    Result<void> cut(ByteView rest, std::size_t at) {
        if (at_ + at + rest.size() < size_) {
            return damaged(at, "the record leaves its block");
        }
        if (is_whole_by_another_length(rest)) {
            return damaged(at, "the length of the record was changed");
        }
        out_.torn_bytes += rest.size();
        return ok();
    }

    fs::path file_;
    int fd_;
    LogScan& out_;
    std::uint64_t size_{0};
    std::uint64_t at_{0};
    bool is_done_{false};
};

Result<void> scan_file(const fs::path& file, LogScan& out) {
    MARGRAVE_TRY(const int fd, open_file(file, O_RDONLY));
    Result<void> done = Scan(file, fd, out).run();
    ::close(fd);
    return done;
}

// CURRENT holds the name of the MANIFEST and a line's end.
Result<fs::path> manifest_of(const fs::path& db_dir) {
    const fs::path current = db_dir / "CURRENT";
    constexpr std::size_t kNameMax = 64;
    MARGRAVE_TRY(const int fd, open_file(current, O_RDONLY));
    Result<Bytes> bytes = read_at(fd, current, kNameMax, 0);
    ::close(fd);
    MARGRAVE_TRY(const Bytes name, std::move(bytes));
    const std::string_view text = as_text(name);
    if (!text.starts_with("MANIFEST-") || text.find('\n') != text.size() - 1) {
        return fail(Errc::kCorrupt, current.string() + " names no MANIFEST");
    }
    fs::path file = db_dir / text.substr(0, text.size() - 1);
    if (!fs::exists(file)) {
        return fail(
            Errc::kCorrupt,
            current.string() + " names " + file.filename().string() + ", which is not there"
        );
    }
    return file;
}

}  // namespace

std::uint32_t crc32c(ByteView bytes, std::uint32_t before) {
    std::uint32_t c = ~before;
    for (const std::uint8_t byte : bytes) {
        c = kCrcTable.at((c ^ byte) & 0xffU) ^ (c >> 8U);
    }
    return ~c;
}

Result<LogScan> scan_logs(const fs::path& db_dir) {
    LogScan manifest;
    MARGRAVE_TRY(const fs::path current, manifest_of(db_dir));
    MARGRAVE_TRY(scan_file(current, manifest));
    LogScan out;
    std::error_code error;
    std::vector<fs::path> logs;
    for (const fs::directory_entry& entry : fs::directory_iterator(db_dir, error)) {
        if (entry.path().extension() == ".log") {
            logs.push_back(entry.path());
        }
    }
    if (error) {
        return fail(Errc::kStore, "list " + db_dir.string() + ": " + error.message());
    }
    std::ranges::sort(logs);
    for (const fs::path& log : logs) {
        MARGRAVE_TRY(scan_file(log, out));
        ++out.files;
    }
    return out;
}

}  // namespace margrave::store::detail
