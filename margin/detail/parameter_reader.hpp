// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/canonical_json.hpp"
#include "core/ids.hpp"

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace margrave::margin::detail {

// Takes members of one object by name, so that an error can say where it happened. The first
// trouble is kept and every later read returns an empty value: the caller tests once, at the end.
class Reader {
  public:
    Reader(const Canonical& value, std::string where, std::optional<Error>& trouble)
        : where_(std::move(where)),
          trouble_(trouble) {
        object_ = std::get_if<Canonical::Object>(&value.value());
        if (object_ == nullptr) {
            refuse("", "is not an object");
        }
    }

    std::string text(std::string_view key) {
        const std::string* found = member<std::string>(key, "is not a string");
        return found == nullptr ? std::string{} : *found;
    }

    bool flag(std::string_view key) {
        const bool* found = member<bool>(key, "is not a bool");
        return found != nullptr && *found;
    }

    Money money(std::string_view key) { return take<Money>(key, Money::parse_e18(text(key))); }

    Amount amount(std::string_view key) { return take<Amount>(key, Amount::parse(text(key))); }

    std::uint64_t integer(std::string_view key) {
        const std::string digits = text(key);
        Result<Amount> amount = Amount::parse(digits);
        if (!amount) {
            return take<std::uint64_t>(key, std::move(amount).as_failure());
        }
        return take<std::uint64_t>(key, amount.value().to_u64());
    }

    unsigned small_integer(std::string_view key) {
        const std::uint64_t value = integer(key);
        if (value > std::numeric_limits<unsigned>::max()) {
            refuse(key, "is too large");
            return 0;
        }
        return static_cast<unsigned>(value);
    }

    Hash32 hash(std::string_view key) { return take<Hash32>(key, parse_hash32(text(key))); }

    AssetId asset(std::string_view key) { return take<AssetId>(key, AssetId::parse(text(key))); }

    [[nodiscard]] bool has(std::string_view key) const {
        return object_ != nullptr && object_->contains(key);
    }

    const Canonical::Array& array(std::string_view key) {
        static const Canonical::Array kNone;
        const auto* found = member<Canonical::Array>(key, "is not an array");
        return found == nullptr ? kNone : *found;
    }

    [[nodiscard]] std::vector<std::string> keys() const {
        std::vector<std::string> out;
        if (object_ != nullptr) {
            for (const auto& [key, value] : *object_) {
                out.push_back(key);
            }
        }
        return out;
    }

    Reader object(std::string_view key) {
        static const Canonical kNone(Canonical::Object{});
        const Canonical* found = find(key);
        return {found == nullptr ? kNone : *found, path(key), trouble_};
    }

    [[nodiscard]] std::string path(std::string_view key) const {
        return key.empty() ? where_ : where_ + "/" + std::string(key);
    }

    void refuse(std::string_view key, std::string_view what) {
        if (!trouble_) {
            trouble_ = fail(Errc::kInvalid, "parameters" + path(key) + ": " + std::string(what));
        }
    }

  private:
    const Canonical* find(std::string_view key) {
        if (object_ == nullptr) {
            return nullptr;
        }
        const auto found = object_->find(key);
        if (found == object_->end()) {
            refuse(key, "is missing");
            return nullptr;
        }
        return &found->second;
    }

    template <class T>
    const T* member(std::string_view key, std::string_view otherwise) {
        const Canonical* found = find(key);
        const T* held = found == nullptr ? nullptr : std::get_if<T>(&found->value());
        if (found != nullptr && held == nullptr) {
            refuse(key, otherwise);
        }
        return held;
    }

    template <class T>
    T take(std::string_view key, Result<T> result) {
        if (!result) {
            refuse(key, result.error().detail);
            return T{};
        }
        return std::move(result).value();
    }

    const Canonical::Object* object_{nullptr};
    std::string where_;
    std::optional<Error>& trouble_;
};

}  // namespace margrave::margin::detail
