// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace margrave::infra {

/// Bytes that this user may still write on the filesystem of `place`, or of the nearest directory
/// above it that is there; kIo.
Result<std::uint64_t> free_bytes(const std::filesystem::path& place);

/// Stops work before a disk is full: a store that meets a full disk has a failed write, whose
/// outcome is unknown, and a process that cannot write cannot even end in order. A ballast file
/// holds back room for that end: it goes when the process ends in need, or by an operator's hand.
/// Owned by relayer/app, one strand.
class DiskWatch {
  public:
    struct Settings {
        /// Each on a disk that is written.
        std::vector<std::filesystem::path> places;
        /// Below so many free bytes at one of them nothing goes on; 0 watches nothing.
        std::uint64_t reserve_bytes{0};
        std::filesystem::path ballast;
        /// 0 makes none.
        std::uint64_t ballast_bytes{0};
    };

    using FreeBytes = std::function<Result<std::uint64_t>(const std::filesystem::path&)>;

    explicit DiskWatch(Settings settings, FreeBytes free = free_bytes);

    /// Makes the ballast where it is missing and leaves the reserve whole; false when there is no
    /// room for it. kIo.
    Result<bool> make_ballast();
    /// Whether one was there.
    bool release_ballast();
    [[nodiscard]] bool has_ballast() const;

    /// Empty while there is room; else a sentence that says where, how much, and what to do. Once
    /// it is short it stays so until there is an eighth more than the reserve, so that it does not
    /// flutter.
    [[nodiscard]] std::string shortage();

    /// The least over all places, as of the last look; zero before the first.
    [[nodiscard]] std::uint64_t free() const { return free_; }

    [[nodiscard]] const Settings& settings() const { return settings_; }

  private:
    Settings settings_;
    FreeBytes ask_;
    std::uint64_t free_{0};
    bool is_short_{false};
};

}  // namespace margrave::infra
