// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oracle/oracle.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::oracle::detail {

/// Reads a source's settings by key. What config let through is right; what is not there, or was
/// built by hand and is wrong, is kConfig with the source's name.
class SettingsReader {
  public:
    explicit SettingsReader(const SourceSettings& settings)
        : settings_(settings) {}

    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

    /// Of a kind whose word stands before one value and no object.
    [[nodiscard]] Result<std::string> self() const;
    [[nodiscard]] Result<std::string> text(std::string_view key) const;
    [[nodiscard]] Result<Address> address(std::string_view key) const;
    [[nodiscard]] Result<ChainId> chain(std::string_view key) const;
    [[nodiscard]] Result<Hash32> hash(std::string_view key) const;
    [[nodiscard]] Result<std::vector<std::string>> list(std::string_view key) const;

    /// `otherwise` when the key is not there.
    [[nodiscard]] Result<std::uint64_t> integer(std::string_view key, std::uint64_t otherwise)
        const;
    [[nodiscard]] Result<Money> decimal(std::string_view key, const Money& otherwise) const;
    [[nodiscard]] Result<std::string> text(std::string_view key, std::string_view otherwise) const;
    [[nodiscard]] bool flag(std::string_view key) const;

  private:
    [[nodiscard]] const Canonical* find(std::string_view key) const;
    [[nodiscard]] Error wrong(std::string_view key, std::string_view why) const;

    const SourceSettings& settings_;
};

}  // namespace margrave::oracle::detail
