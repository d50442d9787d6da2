// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace margrave::config::detail {

/// One object of a checked document. What is there is right, so a read fails only by absence.
class Reader {
  public:
    Reader(const nlohmann::json& object, std::string at)
        : object_(object),
          at_(std::move(at)) {}

    /// JSON pointer of this object, or of its member.
    [[nodiscard]] const std::string& at() const { return at_; }

    [[nodiscard]] std::string at(std::string_view name) const {
        return at_ + "/" + std::string(name);
    }

    [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }

    /// Null when there is none.
    [[nodiscard]] const nlohmann::json* value(std::string_view name) const { return find(name); }

    /// An empty object when there is none.
    [[nodiscard]] Reader object(std::string_view name) const;
    /// Zero when there is no such list.
    [[nodiscard]] std::size_t size(std::string_view name) const;
    /// An empty object for an item that is wrong.
    [[nodiscard]] Reader item(std::string_view name, std::size_t index) const;
    /// The item's text in a list of strings.
    [[nodiscard]] std::optional<std::string> text_item(std::string_view name, std::size_t index)
        const;

    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
    [[nodiscard]] std::optional<bool> flag(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> count(std::string_view name) const;
    [[nodiscard]] std::optional<Money> decimal(std::string_view name) const;
    /// A decimal of whole tokens in raw units; absent too when it is finer than these.
    [[nodiscard]] std::optional<Amount> units(std::string_view name, unsigned decimals) const;
    [[nodiscard]] std::optional<std::uint64_t> gwei(std::string_view name) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> seconds(std::string_view name) const;
    [[nodiscard]] std::optional<Address> address(std::string_view name) const;
    [[nodiscard]] std::optional<Hash32> hash(std::string_view name) const;
    [[nodiscard]] std::optional<ChainId> chain(std::string_view name) const;
    [[nodiscard]] std::optional<AssetId> asset(std::string_view name) const;

  private:
    [[nodiscard]] const nlohmann::json* find(std::string_view name) const;

    const nlohmann::json& object_;
    std::string at_;
};

/// Writes `value` over `target` when it is there.
template <class T, class U>
void take(T& target, const std::optional<U>& value) {
    if (value) {
        target = static_cast<T>(*value);
    }
}

}  // namespace margrave::config::detail
