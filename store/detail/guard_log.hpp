// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "store/detail/mark_file.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace margrave::store::detail {

/// Append-only file of records, each chained by hash to all before it, and the mark that says how
/// many were acknowledged. Knows nothing of what a record means. One owner, which keeps others out
/// while it calls; the directory is held with flock while it lives.
class GuardLog {
  public:
    /// Called for each record in order, while opening.
    using Visit = std::function<Result<void>(std::uint64_t offset, ByteView payload)>;

    enum class Missing : std::uint8_t { kMake, kRefuse };

    /// Nothing that is there is changed, so that what turns out to be somebody else's stays as it
    /// was; `mend` does what a crash left to do.
    static Result<std::unique_ptr<GuardLog>> open(
        const std::filesystem::path& dir,
        const std::filesystem::path& mark_file,
        const Hash32& network,
        Missing missing,
        const Visit& visit
    );
    ~GuardLog();

    GuardLog(const GuardLog&) = delete;
    GuardLog& operator=(const GuardLog&) = delete;

    /// Cuts what a crash left of a record that nobody was told of, and marks the one that it left
    /// unmarked. Before it, append fails.
    Result<void> mend();
    /// On disk, and marked, when it returns; the offset of the record. After a failure every later
    /// call fails: what is on disk is unknown.
    Result<std::uint64_t> append(ByteView payload);
    /// The record at an offset, checked against its chain hash again.
    [[nodiscard]] Result<Bytes> read(std::uint64_t offset) const;
    [[nodiscard]] Result<void> check() const;

    [[nodiscard]] std::uint64_t count() const { return count_; }

    [[nodiscard]] const Hash32& link() const { return link_; }

    /// What opening had to repair; empty when nothing.
    [[nodiscard]] const std::string& note() const { return note_; }

    [[nodiscard]] Result<FileIdentity> log_identity() const { return file_identity(fd_, file_); }

    [[nodiscard]] Result<FileIdentity> mark_identity() const { return mark_->identity(); }

    static constexpr std::size_t kMaxRecord = std::size_t{32} << 20U;

  private:
    GuardLog(std::filesystem::path dir, std::filesystem::path mark_file);
    Result<void> open_files(const Hash32& network, Missing missing);
    Result<void> lock();
    Result<void> start(const Hash32& network);
    Result<void> load(const Hash32& network, const Visit& visit);
    Result<void> load_records(const Visit& visit);
    Result<void> check_end();
    Result<void> check_tail(std::uint64_t size) const;
    [[nodiscard]] Error corrupt(const std::string& why, const std::string& what_to_do) const;

    /// A record as it lies in the file; nullopt when it is not whole.
    struct Frame {
        Bytes payload;
        Hash32 link;
        std::uint64_t end{0};
    };

    Result<std::optional<Frame>> frame(std::uint64_t offset, const Hash32& before) const;

    std::filesystem::path dir_;
    std::filesystem::path file_;
    std::filesystem::path mark_path_;
    int lock_fd_{-1};
    int fd_{-1};
    std::unique_ptr<MarkFile> mark_;
    std::uint64_t count_{0};
    std::uint64_t end_{0};
    /// Bytes behind the last whole record.
    std::uint64_t tail_{0};
    bool mended_{false};
    Hash32 link_;
    std::string note_;
    std::string failure_;
};

}  // namespace margrave::store::detail
