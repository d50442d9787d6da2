// SPDX-License-Identifier: Apache-2.0
#include "core/canonical_json.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace margrave {
namespace {

// Deep enough for every document of the protocol; a bound, so that a hostile text cannot use up the
// stack.
constexpr unsigned kDepthMax = 32;

// Length of the UTF-8 sequence at the front of `rest`, 0 when it is none (RFC 3629, table 3-7 of
// the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view rest) {
    const auto byte = [rest](std::size_t i) {
        return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0U;
    };
    const auto within = [byte](std::size_t i, unsigned low, unsigned high) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return within(1, 0x80, 0xbf) ? 2 : 0;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        const unsigned low = lead == 0xe0 ? 0xa0U : 0x80U;
        const unsigned high = lead == 0xed ? 0x9fU : 0xbfU;
        return within(1, low, high) && within(2, 0x80, 0xbf) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const unsigned low = lead == 0xf0 ? 0x90U : 0x80U;
        const unsigned high = lead == 0xf4 ? 0x8fU : 0xbfU;
        return within(1, low, high) && within(2, 0x80, 0xbf) && within(3, 0x80, 0xbf) ? 4 : 0;
    }
    return 0;
}

class Parser {
  public:
    explicit Parser(std::string_view text)
        : text_(text) {}

    Result<Canonical> document() {
        MARGRAVE_TRY(auto value, this->value(0));
        if (at_ != text_.size()) {
            return trouble("something follows the value");
        }
        return value;
    }

  private:
    [[nodiscard]] Error trouble(std::string_view what) const {
        return fail(
            Errc::kInvalid, "canonical JSON, byte " + std::to_string(at_) + ": " + std::string(what)
        );
    }

    bool take(char c) {
        if (at_ < text_.size() && text_[at_] == c) {
            ++at_;
            return true;
        }
        return false;
    }

    bool take(std::string_view word) {
        if (text_.substr(at_).starts_with(word)) {
            at_ += word.size();
            return true;
        }
        return false;
    }

    Result<Canonical> value(unsigned depth) {
        if (depth > kDepthMax) {
            return trouble("nested too deep");
        }
        if (take('"')) {
            MARGRAVE_TRY(auto text, rest_of_string());
            return Canonical(std::move(text));
        }
        if (take('{')) {
            return rest_of_object(depth);
        }
        if (take('[')) {
            return rest_of_array(depth);
        }
        if (take("true")) {
            return Canonical(true);
        }
        if (take("false")) {
            return Canonical(false);
        }
        return trouble("expected a string, a bool, an array or an object");
    }

    Result<Canonical> rest_of_array(unsigned depth) {
        Canonical::Array items;
        if (take(']')) {
            return Canonical(std::move(items));
        }
        do {
            MARGRAVE_TRY(auto item, value(depth + 1));
            items.push_back(std::move(item));
        } while (take(','));
        if (!take(']')) {
            return trouble("expected , or ]");
        }
        return Canonical(std::move(items));
    }

    Result<Canonical> rest_of_object(unsigned depth) {
        Canonical::Object members;
        if (take('}')) {
            return Canonical(std::move(members));
        }
        do {
            if (!take('"')) {
                return trouble("expected a key");
            }
            MARGRAVE_TRY(auto key, rest_of_string());
            if (!members.empty() && key <= members.rbegin()->first) {
                return trouble("keys are not sorted or one is there twice");
            }
            if (!take(':')) {
                return trouble("expected :");
            }
            MARGRAVE_TRY(auto member, value(depth + 1));
            members.emplace_hint(members.end(), std::move(key), std::move(member));
        } while (take(','));
        if (!take('}')) {
            return trouble("expected , or }");
        }
        return Canonical(std::move(members));
    }

    Result<std::string> rest_of_string() {
        std::string out;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return out;
            }
            if (c == '\\') {
                ++at_;
                MARGRAVE_TRY(const char escaped, rest_of_escape());
                out += escaped;
                continue;
            }
            const std::size_t length = utf8_length(text_.substr(at_));
            if (length == 0) {
                return trouble("not UTF-8");
            }
            out += text_.substr(at_, length);
            at_ += length;
        }
        return trouble("a string does not end");
    }

    // Only what dump() writes: the two-letter escapes and \u00xx for other control characters.
    Result<char> rest_of_escape() {
        constexpr std::string_view kLetters = "\"\\bfnrt";
        constexpr std::string_view kMeanings = "\"\\\b\f\n\r\t";
        if (at_ < text_.size()) {
            if (const std::size_t i = kLetters.find(text_[at_]); i != std::string_view::npos) {
                ++at_;
                return kMeanings[i];
            }
        }
        constexpr std::string_view kHexDigits = "0123456789abcdef";
        if (take("u00") && at_ + 2 <= text_.size()) {
            const std::size_t high = kHexDigits.find(text_[at_]);
            const std::size_t low = kHexDigits.find(text_[at_ + 1]);
            if (high < 2 && low != std::string_view::npos) {
                at_ += 2;
                return static_cast<char>(high * 16 + low);
            }
        }
        return trouble("an escape that canonical JSON does not use");
    }

    std::string_view text_;
    std::size_t at_{0};
};

}  // namespace

Result<Canonical> parse_canonical(std::string_view text) {
    MARGRAVE_TRY(auto value, Parser(text).document());
    // What the parser accepts but dump() would not write, such as a bare control character.
    if (value.dump() != text) {
        return fail(Errc::kInvalid, "the JSON text is not in its canonical form");
    }
    return value;
}

}  // namespace margrave
