// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/backfill/replay/cursor.hpp"

#include <algorithm>
#include <cctype>
#include <map>

namespace margrave::replay {
namespace {

constexpr unsigned kDepthMax = 16;

bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void append_canonical(Cursor& in, std::string& out, unsigned depth);

void append_object(Cursor& in, std::string& out, unsigned depth) {
    std::map<std::string_view, std::string> members;
    in.object([&](std::string_view name, Cursor& at_value) {
        append_canonical(at_value, members[name], depth + 1);
    });
    out += '{';
    for (const auto& [name, value] : members) {
        out += out.back() == '{' ? "" : ",";
        out.append("\"").append(name).append("\":").append(value);
    }
    out += '}';
}

void append_canonical(Cursor& in, std::string& out, unsigned depth) {
    if (depth > kDepthMax) {
        in.fail();
        return;
    }
    if (in.peek() == '{') {
        append_object(in, out, depth);
    } else if (in.peek() == '[') {
        out += '[';
        in.array([&](Cursor& at_value) {
            out += out.back() == '[' ? "" : ",";
            append_canonical(at_value, out, depth + 1);
        });
        out += ']';
    } else {
        out += in.value();
    }
}

}  // namespace

void Cursor::skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) {
        ++at_;
    }
}

bool Cursor::take(char c) {
    skip_blanks();
    if (failed_ || at_ >= text_.size() || text_[at_] != c) {
        return false;
    }
    ++at_;
    return true;
}

bool Cursor::expect(char c) {
    failed_ = !take(c) || failed_;
    return !failed_;
}

char Cursor::peek() {
    skip_blanks();
    return failed_ || at_ >= text_.size() ? '\0' : text_[at_];
}

bool Cursor::at_end() {
    return peek() == '\0' && !failed_;
}

// From the opening quote to behind the closing one.
void Cursor::skip_string() {
    ++at_;
    while (true) {
        at_ = text_.find_first_of("\"\\", at_);
        if (at_ == std::string_view::npos) {
            at_ = text_.size();
            failed_ = true;
            return;
        }
        if (text_[at_] == '"') {
            ++at_;
            return;
        }
        at_ = std::min(at_ + 2, text_.size());
    }
}

std::optional<std::string_view> Cursor::string() {
    if (peek() != '"') {
        failed_ = true;
        return std::nullopt;
    }
    const std::size_t begin = at_ + 1;
    skip_string();
    return failed_ ? std::nullopt : std::optional(text_.substr(begin, at_ - 1 - begin));
}

// Brackets are counted, not matched by kind: the recording is a node's own JSON, and a client that
// sends broken JSON gets an answer to something else, nothing worse.
std::string_view Cursor::value() {
    skip_blanks();
    const std::size_t begin = at_;
    std::size_t depth = 0;
    while (!failed_ && at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '"') {
            skip_string();
        } else if (c == '[' || c == '{') {
            ++depth;
            ++at_;
            continue;
        } else if (depth > 0 && (c == ']' || c == '}')) {
            --depth;
            ++at_;
        } else if (depth > 0) {
            ++at_;
        } else {
            const std::size_t end = text_.find_first_of(",]} \t\r\n", at_);
            at_ = std::min(end, text_.size());
        }
        if (depth == 0) {
            break;
        }
    }
    failed_ = failed_ || depth > 0 || at_ == begin;
    return failed_ ? std::string_view() : text_.substr(begin, at_ - begin);
}

std::string canonical(std::string_view text) {
    Cursor in(text);
    std::string out;
    append_canonical(in, out, 0);
    if (in.failed() || !in.at_end()) {
        return "";
    }
    std::ranges::transform(out, out.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return out;
}

}  // namespace margrave::replay
