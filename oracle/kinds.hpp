// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oracle/oracle.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::oracle {

class Source;

/// What a key of a source's settings looks like; config checks it before a source sees it.
enum class KeyForm : std::uint8_t {
    kObject,
    /// Of at least one item; `from` and `to` bound their number. The item is the key "<name>/*".
    kList,
    kText,
    /// One of `from`, parted by '|'.
    kChoice,
    kFlag,
    kInteger,
    kDecimal,
    kSeconds,
    kAddress,
    kHash,
    kChain,
    kUrl,
    kPath,
};

/// One key. config/schema.cpp makes a row of its table from it, so that checking, defaults, the
/// JSON Schema and the docs know it.
struct SourceKey {
    /// Below the kind's own word: "/chain"; "" is the word itself.
    std::string_view pointer;
    KeyForm form;
    bool required;
    /// JSON text; empty when there is no default.
    std::string_view fallback;
    std::string_view from;
    std::string_view to;
    std::string_view sentence;
    /// JSON text.
    std::string_view example;
};

/// Something that is wrong between keys: which key, and what to do.
struct KeyProblem {
    std::string pointer;
    std::string what;
};

/// A kind of source: its word in the configuration, its keys, and how one is made.
struct SourceKind {
    std::string_view name;
    std::span<const SourceKey> keys;
    Result<std::unique_ptr<Source>> (*make)(const SourceSettings& settings, const Reach& reach);
    /// It answers what something is worth in something else, so its quote must be said: a rate that
    /// was taken for dollars is how cbETH came to cost 1.12 USD (Moonwell, February 2026).
    bool needs_quote{false};
    /// Rules that join keys; null when there are none. The keys are right by themselves.
    std::vector<KeyProblem> (*check)(const Canonical& settings){nullptr};
};

/// Every kind there is, in the order of the docs (registry.cpp).
std::span<const SourceKind* const> source_kinds();
/// Who makes the price of a source: its made_by, else who is asked. Sources of one maker are one.
/// Empty when the settings make no source.
std::string maker_of(const SourceSettings& settings);
/// Null when there is no such kind.
const SourceKind* find_kind(std::string_view name);

}  // namespace margrave::oracle
