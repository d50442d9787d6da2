// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <cstdint>
#include <filesystem>

namespace margrave::store::detail {

/// What the write-ahead logs hold.
struct LogScan {
    std::uint64_t files{0};
    std::uint64_t records{0};
    std::uint64_t bytes{0};
    /// Behind the last whole record of a file: what a crash or a power cut left unfinished.
    std::uint64_t torn_bytes{0};
};

/// Reads RocksDB's write-ahead logs and its current MANIFEST by their framing before RocksDB does,
/// and refuses (kCorrupt, with file and offset) what RocksDB would pass over in silence: a record
/// whose length was changed looks to it like one that was never finished, and it opens without that
/// record and all that follow in the file. The two are told apart here, because the checksum of a
/// changed record still holds for the length it once had.
Result<LogScan> scan_logs(const std::filesystem::path& db_dir);

/// CRC-32C (Castagnoli) of `bytes` after those that gave `before`.
std::uint32_t crc32c(ByteView bytes, std::uint32_t before = 0);

}  // namespace margrave::store::detail
