// SPDX-License-Identifier: Apache-2.0
#include "config/detail/table.hpp"
#include "config/detail/values.hpp"
#include "config/settings.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace margrave::config {
namespace {

using detail::Kind;
using detail::Need;
using detail::Setting;
using nlohmann::ordered_json;

ordered_json bounds_of(const Setting& setting, const char* from, const char* to) {
    return {
        {from, std::stoull(std::string(setting.from))}, {to, std::stoull(std::string(setting.to))}};
}

ordered_json pattern(std::string_view regex) {
    return {{"type", "string"}, {"pattern", regex}};
}

ordered_json text_of(const Setting& setting, std::string_view regex) {
    ordered_json out = regex.empty() ? ordered_json{{"type", "string"}} : pattern(regex);
    out["minLength"] = 1;
    if (!setting.to.empty()) {
        out["maxLength"] = std::stoull(std::string(setting.to));
    }
    return out;
}

// The notation only: what the schema cannot say about a value, `config check` says.
ordered_json notation(const Setting& setting) {
    switch (setting.kind) {
        case Kind::kObject:
            return {{"type", "object"}, {"additionalProperties", false}};
        case Kind::kList: {
            ordered_json out = bounds_of(setting, "minItems", "maxItems");
            out["type"] = "array";
            return out;
        }
        case Kind::kText:
        case Kind::kPath:
            return text_of(setting, "");
        case Kind::kName:
            return text_of(setting, "^[a-z0-9][a-z0-9_-]*$");
        case Kind::kWord:
            return text_of(setting, "^[A-Za-z0-9_-][A-Za-z0-9._-]*$");
        case Kind::kVariable:
            return text_of(setting, "^[A-Z_][A-Z0-9_]*$");
        case Kind::kChoice:
            return {{"enum", detail::choices(setting)}};
        case Kind::kExact:
            return {{"const", setting.from}};
        case Kind::kFlag:
            return {{"type", "boolean"}};
        case Kind::kInteger: {
            ordered_json out = bounds_of(setting, "minimum", "maximum");
            out["type"] = "integer";
            return out;
        }
        case Kind::kCount:
            return pattern("^(0|[1-9][0-9]{0,19})$");
        case Kind::kDecimal:
            return pattern("^\\+?(0|[1-9][0-9]*)(\\.[0-9]{1,18})?$");
        case Kind::kGwei:
            return pattern("^\\+?(0|[1-9][0-9]*)(\\.[0-9]{1,18})?$");
        case Kind::kDuration:
            return pattern("^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$");
        case Kind::kSeconds:
            return pattern("^((0|[1-9][0-9]{0,8})(s|m|h|d)|(0|[1-9][0-9]*000)ms)$");
        case Kind::kAddress:
            return pattern("^0x[0-9a-fA-F]{40}$");
        case Kind::kHash:
            return pattern("^0x[0-9a-fA-F]{64}$");
        case Kind::kChain:
            return pattern("^eip155:(0|[1-9][0-9]{0,19})$");
        case Kind::kAsset:
            return pattern(
                "^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}/(erc20:0x[0-9a-fA-F]{40}|slip44:[0-9]+)$"
            );
        case Kind::kUrl:
            return pattern("^https?://");
        case Kind::kWsUrl:
            return pattern("^wss?://");
    }
    return {};
}

void add_bounds_text(ordered_json& out, const Setting& setting) {
    switch (setting.kind) {
        case Kind::kDecimal:
        case Kind::kGwei:
        case Kind::kDuration:
        case Kind::kSeconds:
            if (!setting.from.empty()) {
                out["x-from"] = setting.from;
                out["x-to"] = setting.to;
            }
            break;
        default:
            break;
    }
}

ordered_json schema_of(const Setting& setting);

void add_members(ordered_json& out, std::string_view pattern_of_object) {
    ordered_json properties = ordered_json::object();
    ordered_json required = ordered_json::array();
    std::map<std::string_view, ordered_json> groups;
    for (const Setting* child : detail::children(pattern_of_object)) {
        const std::string name(detail::name_of(*child));
        properties[name] = schema_of(*child);
        if (child->need == Need::kRequired) {
            required.push_back(name);
        }
        if (!child->one_of.empty()) {
            groups[child->one_of].push_back({{"required", {name}}});
        }
    }
    out["properties"] = std::move(properties);
    if (!required.empty()) {
        out["required"] = std::move(required);
    }
    for (auto& [name, choices] : groups) {
        out["oneOf"] = std::move(choices);
    }
}

ordered_json schema_of(const Setting& setting) {
    ordered_json out = {{"description", setting.sentence}};
    out.update(notation(setting));
    if (setting.kind == Kind::kObject) {
        add_members(out, setting.pointer);
    } else if (setting.kind == Kind::kList) {
        out["items"] = schema_of(*detail::find(std::string(setting.pointer) + "/*"));
    } else {
        if (!setting.fallback.empty()) {
            out["default"] = ordered_json::parse(setting.fallback);
        }
        out["examples"] = ordered_json::array({ordered_json::parse(setting.example)});
        add_bounds_text(out, setting);
    }
    out["x-pointer"] = setting.pointer;
    out["x-change"] = detail::to_string(setting.change);
    return out;
}

std::string code(std::string_view text) {
    if (text.empty()) {
        return "";
    }
    std::string out = "`";
    for (const char c : text) {
        out += c == '|' ? "\\|" : std::string(1, c);
    }
    return out + "`";
}

}  // namespace

std::string json_schema() {
    ordered_json out = {
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title", "margrave"},
        {"description", "Settings of the margrave daemon."},
        {"type", "object"},
        {"additionalProperties", false},
    };
    add_members(out, "");
    return out.dump(2) + "\n";
}

std::string markdown_table() {
    std::string out = "| setting | value | default | change | meaning |\n|---|---|---|---|---|\n";
    for (const Setting& setting : detail::table()) {
        const bool is_item = setting.pointer.ends_with("/*");
        std::string fallback = code(setting.fallback);
        if (setting.need == Need::kRequired && !is_item) {
            fallback = "required";
        } else if (setting.need == Need::kToSign) {
            fallback = "required, but for `sync` and `backfill`";
        }
        std::string value = detail::expected(setting);
        if (!setting.one_of.empty()) {
            value += "; one of its kind";
        }
        const bool is_scalar = setting.kind != Kind::kObject && setting.kind != Kind::kList;
        out += "| " + code(setting.pointer) + " | " + value +
               (is_scalar ? ", e.g. " + code(setting.example) : "") + " | " + fallback + " | " +
               std::string(detail::to_string(setting.change)) + " | " +
               std::string(setting.sentence) + " |\n";
    }
    return out;
}

}  // namespace margrave::config
