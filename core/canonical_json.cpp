// SPDX-License-Identifier: Apache-2.0
#include "core/canonical_json.hpp"

namespace margrave {
namespace {

void write(std::string& out, const Canonical& value);

// RFC 8259 section 7 with no escape that is not needed. Bytes from 0x7f on go through as they are:
// that text is UTF-8 is checked where it enters the process.
void write(std::string& out, std::string_view text) {
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
                    out += "\\u00";
                    out += kHexDigits[byte >> 4];
                    out += kHexDigits[byte & 15];
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

void write(std::string& out, bool flag) {
    out += flag ? "true" : "false";
}

void write(std::string& out, const Canonical::Array& items) {
    out += '[';
    bool first = true;
    for (const Canonical& item : items) {
        if (!first) {
            out += ',';
        }
        first = false;
        write(out, item);
    }
    out += ']';
}

void write(std::string& out, const Canonical::Object& members) {
    out += '{';
    bool first = true;
    for (const auto& [key, value] : members) {
        if (!first) {
            out += ',';
        }
        first = false;
        write(out, std::string_view(key));
        out += ':';
        write(out, value);
    }
    out += '}';
}

void write(std::string& out, const Canonical& value) {
    const auto& held = value.value();
    if (const auto* text = std::get_if<std::string>(&held)) {
        write(out, std::string_view(*text));
    } else if (const auto* flag = std::get_if<bool>(&held)) {
        write(out, *flag);
    } else if (const auto* items = std::get_if<Canonical::Array>(&held)) {
        write(out, *items);
    } else if (const auto* members = std::get_if<Canonical::Object>(&held)) {
        write(out, *members);
    }
}

}  // namespace

std::string Canonical::dump() const {
    std::string out;
    write(out, *this);
    return out;
}

}  // namespace margrave
