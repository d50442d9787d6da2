// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/canonical_reader.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace margrave::attest::detail {
namespace {

constexpr std::size_t kMaxDepth = 64;

// Builds a Canonical bottom-up. The stack holds the open containers.
class Builder : public nlohmann::json_sax<nlohmann::json> {
  public:
    bool null() override { return refuse("null"); }

    bool boolean(bool v) override { return put(Canonical(v)); }

    bool number_integer(number_integer_t v) override { return put(std::to_string(v)); }

    bool number_unsigned(number_unsigned_t v) override { return put(std::to_string(v)); }

    bool number_float(number_float_t, const string_t& text) override {
        return refuse("number " + text.substr(0, 40) + ", which is not an integer below 2^64,");
    }

    bool string(string_t& v) override { return put(std::move(v)); }

    bool binary(binary_t&) override { return refuse("binary value"); }

    bool start_object(std::size_t) override { return open(/*is_object=*/true); }

    bool start_array(std::size_t) override { return open(/*is_object=*/false); }

    bool key(string_t& name) override {
        Level& top = stack_.back();
        if (top.members.contains(name)) {
            return refuse("key \"" + name.substr(0, 40) + "\", which is there twice,");
        }
        top.key = std::move(name);
        return true;
    }

    bool end_object() override { return close(); }

    bool end_array() override { return close(); }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&)
        override {
        error_ = "is not JSON at byte " + std::to_string(position);
        return false;
    }

    [[nodiscard]] const std::string& error() const { return error_; }

    Canonical take() { return std::move(root_); }

  private:
    struct Level {
        bool is_object{false};
        Canonical::Object members;
        Canonical::Array items;
        std::string key;
    };

    bool refuse(const std::string& what) {
        error_ = "has a " + what + " where this format has none";
        return false;
    }

    bool open(bool is_object) {
        if (stack_.size() == kMaxDepth) {
            error_ = "is nested deeper than " + std::to_string(kMaxDepth) + " levels";
            return false;
        }
        stack_.push_back({.is_object = is_object, .members = {}, .items = {}, .key = {}});
        return true;
    }

    bool close() {
        Level level = std::move(stack_.back());
        stack_.pop_back();
        return level.is_object ? put(std::move(level.members)) : put(std::move(level.items));
    }

    bool put(Canonical value) {
        if (stack_.empty()) {
            root_ = std::move(value);
            return true;
        }
        Level& top = stack_.back();
        if (top.is_object) {
            top.members.emplace(std::move(top.key), std::move(value));
        } else {
            top.items.push_back(std::move(value));
        }
        return true;
    }

    std::vector<Level> stack_;
    Canonical root_;
    std::string error_;
};

Error wrong(std::string_view where, std::string_view name, const std::string& what) {
    return fail(Errc::kInvalid, std::string(where) + ": \"" + std::string(name) + "\" " + what);
}

}  // namespace

Result<Canonical> read_json(std::string_view text) {
    Builder builder;
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
        return fail(Errc::kInvalid, "the text " + builder.error());
    }
    return builder.take();
}

Result<const Canonical*> find(
    const Canonical& object, std::string_view name, std::string_view where
) {
    const auto* members = std::get_if<Canonical::Object>(&object.value());
    if (members == nullptr) {
        return fail(Errc::kInvalid, std::string(where) + " is not a JSON object");
    }
    const auto at = members->find(name);
    if (at == members->end()) {
        return wrong(where, name, "is missing");
    }
    return &at->second;
}

Result<std::string_view> find_text(
    const Canonical& object, std::string_view name, std::string_view where
) {
    MARGRAVE_TRY(const Canonical* value, find(object, name, where));
    const auto* text = std::get_if<std::string>(&value->value());
    if (text == nullptr) {
        return wrong(where, name, "is not a string");
    }
    return std::string_view(*text);
}

Result<const Canonical::Array*> find_array(
    const Canonical& object, std::string_view name, std::string_view where
) {
    MARGRAVE_TRY(const Canonical* value, find(object, name, where));
    const auto* items = std::get_if<Canonical::Array>(&value->value());
    if (items == nullptr) {
        return wrong(where, name, "is not an array");
    }
    return items;
}

Result<std::uint64_t> find_u64(
    const Canonical& object, std::string_view name, std::string_view where
) {
    MARGRAVE_TRY(const std::string_view text, find_text(object, name, where));
    return parse_u64(text, std::string(where) + ": \"" + std::string(name) + "\"");
}

Result<std::uint64_t> parse_u64(std::string_view text, std::string_view where) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() ||
        (text.size() > 1 && text.front() == '0')) {
        return fail(
            Errc::kInvalid,
            std::string(where) + " is not a decimal integer below 2^64 without leading zeros"
        );
    }
    return value;
}

}  // namespace margrave::attest::detail
