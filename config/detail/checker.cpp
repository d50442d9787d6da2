// SPDX-License-Identifier: Apache-2.0
#include "config/detail/checker.hpp"

#include "config/detail/table.hpp"
#include "config/detail/values.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace margrave::config::detail {
namespace {

using nlohmann::json;

// RFC 6901, and nothing that a terminal would act on.
std::string escaped(std::string_view key) {
    constexpr std::size_t kShownMax = 64;
    std::string out;
    for (const char c : key.substr(0, kShownMax)) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out += (c >= ' ' && c <= '~') ? c : '?';
        }
    }
    return out + (key.size() > kShownMax ? "..." : "");
}

class Walker {
  public:
    Walker(Checked& out, Use use)
        : out_(out),
          use_(use) {}

    json object(
        const Setting* setting, const std::string& pattern, const std::string& at, const json& given
    ) {
        if (!given.is_object()) {
            refuse(
                at,
                setting == nullptr ? "got no object; expected the settings of margrave"
                                   : "got " + shown(*setting, given) + "; expected " +
                                         expected_with_example(*setting)
            );
            return nullptr;
        }
        const std::vector<const Setting*> known = children(pattern);
        const std::set<std::string_view> meant = refuse_unknown(setting, known, at, given);
        json kept = json::object();
        for (const Setting* child : known) {
            const std::string name(name_of(*child));
            const auto found = given.find(name);
            if (found == given.end() && meant.contains(name)) {
                continue;
            }
            json value = found == given.end() ? absent(*child, at + "/" + name)
                                              : present(*child, at + "/" + name, *found);
            if (!value.is_null()) {
                kept[name] = std::move(value);
            }
        }
        refuse_choice(known, meant, at, given);
        return kept;
    }

  private:
    void refuse(std::string pointer, std::string what) {
        out_.problems.push_back({.pointer = std::move(pointer), .what = std::move(what)});
    }

    json present(const Setting& setting, const std::string& at, const json& given) {
        switch (setting.kind) {
            case Kind::kObject:
                return object(&setting, std::string(setting.pointer), at, given);
            case Kind::kList:
                return list(setting, at, given);
            default:
                break;
        }
        if (std::optional<std::string> what = fault(setting, given)) {
            refuse(at, *std::move(what));
            return nullptr;
        }
        return given;
    }

    json list(const Setting& setting, const std::string& at, const json& given) {
        if (!given.is_array()) {
            refuse(
                at, "got " + shown(setting, given) + "; expected " + expected_with_example(setting)
            );
            return nullptr;
        }
        const std::size_t items_max = std::stoul(std::string(setting.to));
        if (given.empty()) {
            refuse(
                at,
                "is empty: " + std::string(setting.sentence) + " Expected " +
                    expected_with_example(setting)
            );
        } else if (given.size() > items_max) {
            refuse(
                at, "has " + std::to_string(given.size()) + " items; expected " + expected(setting)
            );
        }
        const Setting* item = find(std::string(setting.pointer) + "/*");
        json kept = json::array();
        for (std::size_t i = 0; i < std::min(given.size(), items_max); ++i) {
            kept.push_back(present(*item, at + "/" + std::to_string(i), given[i]));
        }
        return kept;
    }

    json absent(const Setting& setting, const std::string& at) {
        if (setting.need == Need::kToSign && use_ == Use::kFollow) {
            return nullptr;
        }
        if (setting.need != Need::kOptional) {
            refuse(
                at,
                "is missing: " + std::string(setting.sentence) + " Expected " +
                    expected_with_example(setting)
            );
            return nullptr;
        }
        if (!setting.fallback.empty()) {
            out_.defaulted.push_back(at);
            return json::parse(setting.fallback);
        }
        const std::vector<const Setting*> below = children(setting.pointer);
        const bool all_optional = std::ranges::all_of(below, [](const Setting* child) {
            return child->need == Need::kOptional;
        });
        if (setting.kind != Kind::kObject || !all_optional || !setting.one_of.empty()) {
            return nullptr;
        }
        json kept = object(&setting, std::string(setting.pointer), at, json::object());
        return kept.empty() ? json(nullptr) : kept;
    }

    // Elsewhere in the form the name may be right; then it is said where.
    static std::string home_of(const std::string& name) {
        for (const Setting& setting : table()) {
            if (name_of(setting) == name) {
                return std::string(setting.pointer);
            }
        }
        return {};
    }

    // The names that the unknown ones were probably meant to be: they are not missing as well.
    std::set<std::string_view> refuse_unknown(
        const Setting* parent,
        const std::vector<const Setting*>& known,
        const std::string& at,
        const json& given
    ) {
        std::vector<std::string_view> names;
        std::string listed;
        for (const Setting* child : known) {
            names.push_back(name_of(*child));
            listed += (listed.empty() ? "" : ", ") + std::string(name_of(*child));
        }
        std::set<std::string_view> meant;
        for (const auto& [name, value] : given.items()) {
            if (std::ranges::find(names, name) != names.end()) {
                continue;
            }
            if (const auto near = nearest(name, names)) {
                meant.insert(*near);
                refuse(
                    at + "/" + escaped(name),
                    "unknown field, did you mean \"" + std::string(*near) + "\"?"
                );
            } else if (parent != nullptr && parent->hidden) {
                refuse(at, "has an unknown field (not shown); known here: " + listed);
            } else if (const std::string home = home_of(name); !home.empty()) {
                refuse(at + "/" + escaped(name), "unknown field here; it belongs at " + home);
            } else {
                refuse(at + "/" + escaped(name), "unknown field; known here: " + listed);
            }
        }
        return meant;
    }

    void refuse_choice(
        const std::vector<const Setting*>& known,
        const std::set<std::string_view>& meant,
        const std::string& at,
        const json& given
    ) {
        struct Group {
            std::string names;
            unsigned given{0};
            unsigned size{0};
        };

        std::map<std::string_view, Group> groups;
        for (const Setting* child : known) {
            if (child->one_of.empty()) {
                continue;
            }
            Group& group = groups[child->one_of];
            group.names +=
                (group.names.empty() ? "\"" : ", \"") + std::string(name_of(*child)) + "\"";
            const std::string_view name = name_of(*child);
            group.given += given.contains(std::string(name)) || meant.contains(name) ? 1U : 0U;
            ++group.size;
        }
        for (const auto& [name, group] : groups) {
            if (group.given != 1) {
                refuse(
                    at,
                    "has " + std::to_string(group.given) + " of " + group.names +
                        "; give exactly one of them"
                );
            }
        }
    }

    Checked& out_;
    Use use_;
};

}  // namespace

Checked check(const json& given, Use use) {
    Checked out;
    out.document = Walker(out, use).object(nullptr, "", "", given);
    if (!out.document.is_object()) {
        out.document = json::object();
    }
    return out;
}

}  // namespace margrave::config::detail
