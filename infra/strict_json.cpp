// SPDX-License-Identifier: Apache-2.0
#include "infra/strict_json.hpp"

#include "infra/log.hpp"

#include <nlohmann/json.hpp>

#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace margrave::infra {

namespace {

using nlohmann::json;

/// Walks the text and tells others how far it has come, because the SAX events carry no position.
class Cursor {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    Cursor(const char* at, const char** report)
        : at_(at),
          report_(report) {}

    reference operator*() const { return *at_; }

    Cursor& operator++() {
        *report_ = ++at_;
        return *this;
    }

    Cursor operator++(int) {
        Cursor before = *this;
        ++*this;
        return before;
    }

    bool operator==(const Cursor& o) const { return at_ == o.at_; }

    bool operator!=(const Cursor& o) const { return at_ != o.at_; }

  private:
    const char* at_;
    const char** report_;
};

/// Builds the value from SAX events and stops at the first thing that is not strict.
class Builder {
  public:
    explicit Builder(const StrictLimits& limits)
        : limits_(limits) {}

    bool null() { return add(json(nullptr)); }

    bool boolean(bool v) { return add(json(v)); }

    bool number_integer(json::number_integer_t v) {
        return add(limits_.number_text ? json(std::to_string(v)) : json(v));
    }

    bool number_unsigned(json::number_unsigned_t v) {
        return add(limits_.number_text ? json(std::to_string(v)) : json(v));
    }

    bool number_float(json::number_float_t v, const std::string& text);

    bool string(std::string& v) { return add(json(std::move(v))); }

    bool binary(json::binary_t& /*v*/) { return refuse(Errc::kInvalid, "binary value"); }

    bool start_object(std::size_t /*size*/) { return open(json::object()); }

    bool start_array(std::size_t /*size*/) { return open(json::array()); }

    bool key(std::string& name);

    bool end_object() { return close(); }

    bool end_array() { return close(); }

    bool parse_error(
        std::size_t /*position*/, const std::string& /*last_token*/, const json::exception& e
    );

    [[nodiscard]] std::string pointer() const;

    json root;
    std::optional<Error> refusal;

  private:
    struct Frame {
        json* container;
        std::string key;
    };

    bool refuse(Errc code, std::string why);
    bool add(json value);
    bool open(json empty);
    json* place(json value);

    bool close() {
        stack_.pop_back();
        return true;
    }

    const StrictLimits& limits_;
    std::vector<Frame> stack_;
    std::size_t values_{0};
};

bool Builder::refuse(Errc code, std::string why) {
    refusal = fail(code, std::move(why));
    return false;
}

json* Builder::place(json value) {
    if (stack_.empty()) {
        root = std::move(value);
        return &root;
    }
    Frame& top = stack_.back();
    if (top.container->is_array()) {
        top.container->push_back(std::move(value));
        return &top.container->back();
    }
    json& slot = (*top.container)[top.key];
    slot = std::move(value);
    return &slot;
}

bool Builder::add(json value) {
    if (++values_ > limits_.values) {
        return refuse(Errc::kLimit, "more than " + std::to_string(limits_.values) + " values");
    }
    place(std::move(value));
    return true;
}

bool Builder::open(json empty) {
    if (stack_.size() >= limits_.depth) {
        return refuse(
            Errc::kLimit, "nested more than " + std::to_string(limits_.depth) + " levels deep"
        );
    }
    if (++values_ > limits_.values) {
        return refuse(Errc::kLimit, "more than " + std::to_string(limits_.values) + " values");
    }
    // The parent does not grow while this container is open, so the pointer stays good.
    json* container = place(std::move(empty));
    stack_.push_back(Frame{container, {}});
    return true;
}

bool Builder::key(std::string& name) {
    Frame& top = stack_.back();
    const bool repeated = top.container->contains(name);
    top.key = std::move(name);
    return !repeated || refuse(Errc::kInvalid, "repeated key");
}

bool Builder::number_float(json::number_float_t v, const std::string& text) {
    if (limits_.number_text) {
        return add(json(text));
    }
    if (text.find_first_of(".eE") == std::string::npos) {
        return refuse(Errc::kInvalid, "integer that does not fit 64 bits");
    }
    if (!limits_.floats) {
        return refuse(Errc::kInvalid, "number with a fraction or an exponent");
    }
    return add(json(v));
}

bool Builder::parse_error(
    std::size_t /*position*/, const std::string& /*last_token*/, const json::exception& e
) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ...": the
    // place is added by the caller, the rest may quote the text.
    std::string_view why = e.what();
    if (const std::size_t colon = why.find(": "); colon != std::string_view::npos) {
        why.remove_prefix(colon + 2);
    }
    return refuse(Errc::kInvalid, printable(why, 160));
}

std::string Builder::pointer() const {
    std::string text;
    for (const Frame& frame : stack_) {
        text += '/';
        if (frame.container->is_array()) {
            // An open child is an element already; a refused scalar is not yet.
            const bool has_child = &frame != &stack_.back();
            text += std::to_string(frame.container->size() - (has_child ? 1 : 0));
            continue;
        }
        // RFC 6901 escapes.
        for (const char c : frame.key) {
            text += c == '~' ? "~0" : (c == '/' ? "~1" : std::string(1, c));
        }
    }
    return printable(text, 200);
}

std::string line_and_column(std::string_view text, std::size_t at) {
    std::size_t line = 1;
    std::size_t column = 1;
    for (const char c : text.substr(0, at)) {
        line += c == '\n' ? 1U : 0U;
        column = c == '\n' ? 1 : column + 1;
    }
    return std::to_string(line) + ":" + std::to_string(column);
}

}  // namespace

Result<nlohmann::json> parse_strict(std::string_view text, const StrictLimits& limits) {
    if (text.size() > limits.bytes) {
        return fail(
            Errc::kLimit,
            "JSON of " + std::to_string(text.size()) + " bytes, more than " +
                std::to_string(limits.bytes)
        );
    }
    if (text.starts_with("\xef\xbb\xbf")) {
        return fail(Errc::kInvalid, "JSON begins with a byte order mark");
    }
    // The lexer takes a NUL for the end of the input and would not see what follows it.
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        return fail(Errc::kInvalid, "JSON has a NUL byte at " + line_and_column(text, nul));
    }
    Builder builder(limits);
    const char* at = text.data();
    const Cursor begin(text.data(), &at);
    const Cursor end(text.data() + text.size(), &at);
    const bool whole = json::sax_parse(begin, end, &builder);
    if (whole && !builder.refusal) {
        return std::move(builder.root);
    }
    const std::size_t read = static_cast<std::size_t>(at - text.data());
    const std::string pointer = builder.pointer();
    Error error = builder.refusal.value_or(fail(Errc::kInvalid, "not JSON"));
    error.detail = "JSON at " + (pointer.empty() ? "" : pointer + " ") + "(" +
                   line_and_column(text, read > 0 ? read - 1 : 0) + "): " + error.detail;
    return error;
}

Result<nlohmann::json> parse_strict(std::string_view text) {
    return parse_strict(text, StrictLimits{});
}

}  // namespace margrave::infra
