// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace margrave::replay {

/// Walks JSON text by views into it: nothing is copied and nothing is built, so a log of a
/// recording and the question of a client cost no more than reading them once. A step that does not
/// fit gives nothing and leaves the cursor failed for good.
class Cursor {
  public:
    explicit Cursor(std::string_view text)
        : text_(text) {}

    /// Blanks, then `c`. False, and nothing passed but blanks, when something else is there.
    bool take(char c);
    /// What comes next after blanks; 0 at the end.
    char peek();
    /// The inside of a string, escapes as they stand.
    std::optional<std::string_view> string();
    /// Any value, as it stands; empty when there is none.
    std::string_view value();
    /// Nothing but blanks is left.
    bool at_end();

    void fail() { failed_ = true; }

    [[nodiscard]] bool failed() const { return failed_; }

    /// visit(std::string_view name, Cursor& at_value) for each member; it has to pass the value.
    template <class Visit>
    bool object(Visit&& visit) {
        return list('{', '}', [&] {
            const auto name = string();
            if (name && expect(':')) {
                visit(*name, *this);
            }
        });
    }

    /// visit(Cursor& at_value) for each element.
    template <class Visit>
    bool array(Visit&& visit) {
        return list('[', ']', [&] { visit(*this); });
    }

  private:
    template <class Member>
    bool list(char open, char close, Member&& member) {
        if (!expect(open)) {
            return false;
        }
        if (take(close)) {
            return true;
        }
        do {
            member();
        } while (!failed_ && take(','));
        return !failed_ && expect(close);
    }

    bool expect(char c);
    void skip_blanks();
    void skip_string();

    std::string_view text_;
    std::size_t at_{0};
    bool failed_{false};
};

/// One text for all JSON texts of one meaning that a client may send as parameters: no blanks,
/// members by name, letters in lower case. Empty for what is no JSON or nested deeper than 16.
std::string canonical(std::string_view text);

}  // namespace margrave::replay
