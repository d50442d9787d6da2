// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The one table of settings (config/schema.cpp and the kinds of price sources). Checking, defaults,
// the JSON Schema and the table of docs/configuration.md all come from its rows.
namespace margrave::config::detail {

enum class Kind : std::uint8_t {
    kObject,
    kList,
    kText,
    kName,
    kWord,
    kVariable,
    kChoice,
    kExact,
    kFlag,
    kInteger,
    kCount,
    kDecimal,
    kGwei,
    kDuration,
    kSeconds,
    kAddress,
    kHash,
    kChain,
    kAsset,
    kUrl,
    kWsUrl,
    kPath,
};

enum class Need : std::uint8_t {
    kRequired,
    kOptional,
    /// Required by every command but those that only read chains (Use::kFollow).
    kToSign,
};

/// What it takes to change the setting on a running network.
enum class Change : std::uint8_t {
    /// This daemon starts again.
    kRestart,
    /// It goes into what the operators sign: all of them change it together.
    kTogether,
    /// It is fixed in the contracts or in the network's id.
    kDeploy,
};
std::string_view to_string(Change change);

struct Setting {
    /// JSON pointer; `*` stands for any index of a list.
    std::string_view pointer;
    Kind kind;
    Need need;
    /// JSON text; empty when there is no default.
    std::string_view fallback;
    /// Bounds in the setting's own notation: values for numbers and durations, counts of items for
    /// lists, `to` a length for texts. kChoice: the choices in `from`, parted by '|'. kExact: the
    /// words in `from`.
    std::string_view from;
    std::string_view to;
    std::string_view sentence;
    /// JSON text.
    std::string_view example;
    Change change{Change::kRestart};
    /// Of the siblings that carry the same word exactly one must be given.
    std::string_view one_of{};
    /// What stands here is never repeated in a message: a secret may have been put in its place.
    bool hidden{false};
};

/// The rows as config/schema.cpp has them.
std::span<const Setting> written_rows();
/// Those, with the keys of every kind of price source (oracle/kinds.hpp) below the sources, and the
/// rows of an asset's price again below those of a reference.
std::span<const Setting> table();
/// The rows from /liquidation to /markets, which stand before /attestation in the table.
std::span<const Setting> market_rows();
/// Null when no row has that pointer pattern.
const Setting* find(std::string_view pattern);
/// The rows directly below `pattern`, in the order of the table; "" is the root.
std::vector<const Setting*> children(std::string_view pattern);
/// The last part of the pointer: "http" of "/chains/*/endpoints/*/http".
std::string_view name_of(const Setting& setting);

/// A URL may hold a key: only scheme, host and port of it are ever shown.
[[nodiscard]] inline bool is_url(const Setting& setting) {
    return setting.kind == Kind::kUrl || setting.kind == Kind::kWsUrl;
}

/// The choices of a kChoice row.
std::vector<std::string_view> choices(const Setting& setting);

}  // namespace margrave::config::detail
