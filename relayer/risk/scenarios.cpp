// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/scenarios.hpp"

#include "config/suggest.hpp"
#include "infra/strict_json.hpp"
#include "relayer/risk/what_if.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace margrave::relayer {
namespace {

using nlohmann::json;

constexpr std::size_t kBytesMax = std::size_t{4} << 20U;
constexpr std::size_t kPointsMax = 64;
constexpr std::size_t kNameMax = 64;

std::string escaped(std::string_view key) {
    std::string out;
    for (const char c : key) {
        out += c == '~' ? "~0" : (c == '/' ? "~1" : std::string(1, c));
    }
    return out;
}

class ScenarioReader {
  public:
    ScenarioReader(
        const margin::Parameters& parameters,
        const margin::PriceTable& prices,
        std::vector<config::Problem>& problems
    )
        : parameters_(parameters),
          prices_(prices),
          problems_(problems) {}

    Scenarios read(const json& document) {
        Scenarios out;
        if (!check_object("", document, {"version", "depth", "scenarios"})) {
            return out;
        }
        if (document.value("version", json()) != json(1)) {
            say("/version", "expected 1");
        }
        if (document.contains("depth")) {
            out.depth = read_depth(document["depth"]);
        }
        if (!document.contains("scenarios") && !document.contains("depth")) {
            say("", R"(expected "scenarios", a list of objects, or "depth")");
        }
        if (document.contains("scenarios")) {
            read_shocks(document["scenarios"], out.shocks);
        }
        return out;
    }

  private:
    void say(std::string pointer, std::string what) {
        problems_.push_back({std::move(pointer), std::move(what)});
    }

    bool check_object(
        const std::string& at, const json& value, const std::vector<std::string_view>& known
    ) {
        if (!value.is_object()) {
            say(at, "expected an object");
            return false;
        }
        for (const auto& [key, member] : value.items()) {
            if (std::ranges::find(known, key) == known.end()) {
                const auto near = config::nearest(key, known);
                say(at + "/" + escaped(key),
                    near ? "unknown field, did you mean \"" + std::string(*near) + "\"?"
                         : "unknown field");
            }
        }
        return true;
    }

    // A list of strings; each element goes to `take` with its pointer.
    template <class Take>
    void each_text(const std::string& at, const json& value, std::string_view example, Take take) {
        if (!value.is_array()) {
            say(at, "expected a list of texts, e.g. " + std::string(example));
            return;
        }
        for (std::size_t i = 0; i < value.size(); ++i) {
            const std::string here = at + "/" + std::to_string(i);
            if (value[i].is_string()) {
                take(here, value[i].get<std::string>());
            } else {
                say(here, "expected a text, e.g. " + std::string(example));
            }
        }
    }

    std::optional<Money> decimal(
        const std::string& at, const json& object, const char* name, std::string_view example
    ) {
        if (object.contains(name) && object[name].is_string()) {
            if (auto value = Money::parse(object[name].get<std::string>())) {
                return value.value();
            }
        }
        say(at + "/" + name, "expected a decimal text, e.g. " + std::string(example));
        return std::nullopt;
    }

    margin::DepthCurve read_curve(const std::string& at, const json& value) {
        margin::DepthCurve out;
        if (!value.is_array() || value.empty() || value.size() > kPointsMax) {
            say(at,
                R"(expected a list of 1 to 64 points, e.g. [{"sold": "1000000", "impact": "0.01"}])"
            );
            return out;
        }
        margin::DepthPoint last;
        for (std::size_t i = 0; i < value.size(); ++i) {
            const std::string here = at + "/" + std::to_string(i);
            if (!check_object(here, value[i], {"sold", "impact"})) {
                continue;
            }
            const auto sold = decimal(here, value[i], "sold", R"("1000000")");
            const auto impact = decimal(here, value[i], "impact", R"("0.01")");
            if (!sold || !impact) {
                continue;
            }
            if (*sold <= last.sold) {
                say(here + "/sold",
                    "expected more than the " + last.sold.to_decimal() + " before it");
            }
            if (*impact < last.impact || *impact >= Money::whole(1)) {
                say(here + "/impact",
                    "expected at least the " + last.impact.to_decimal() +
                        " before it and less than 1");
            }
            last = {*sold, *impact};
            out.push_back(last);
        }
        return out;
    }

    margin::Depth read_depth(const json& value) {
        margin::Depth out;
        std::vector<std::string_view> known{"otherwise"};
        for (const margin::AssetParameters& asset : parameters_.assets) {
            known.push_back(asset.name);
        }
        if (!check_object("/depth", value, known)) {
            return out;
        }
        for (const auto& [name, curve] : value.items()) {
            auto read = read_curve("/depth/" + escaped(name), curve);
            (name == "otherwise" ? out.otherwise : out.of[name]) = std::move(read);
        }
        return out;
    }

    void read_shocks(const json& value, std::vector<margin::StressShock>& out) {
        if (!value.is_array()) {
            say("/scenarios", "expected a list of objects");
            return;
        }
        std::set<std::string> names;
        for (std::size_t i = 0; i < value.size(); ++i) {
            const std::string at = "/scenarios/" + std::to_string(i);
            if (!check_object(at, value[i], {"name", "prices", "dead", "stale"})) {
                continue;
            }
            margin::StressShock shock;
            read_name(at + "/name", value[i], shock, names);
            read_prices(at + "/prices", value[i], shock);
            read_silences(at, value[i], shock);
            out.push_back(std::move(shock));
        }
    }

    void read_name(
        const std::string& at,
        const json& value,
        margin::StressShock& shock,
        std::set<std::string>& names
    ) {
        if (value.contains("name") && value["name"].is_string()) {
            shock.name = value["name"].get<std::string>();
        }
        if (shock.name.empty() || shock.name.size() > kNameMax) {
            say(at, R"(expected a name of 1 to 64 bytes, e.g. "black thursday")");
        } else if (!names.insert(shock.name).second) {
            say(at, "\"" + shock.name + "\" is there twice");
        }
    }

    void read_prices(const std::string& at, const json& value, margin::StressShock& shock) {
        if (!value.contains("prices")) {
            return;
        }
        const json& prices = value["prices"];
        if (!prices.is_object()) {
            say(at, R"(expected an object, e.g. {"eth": "-40%", "usdc": "0.9"})");
            return;
        }
        for (const auto& [asset, change] : prices.items()) {
            const std::string here = at + "/" + escaped(asset);
            const std::string text = change.is_string() ? change.get<std::string>() : "";
            auto move = parse_price_move(asset + "=" + text, parameters_);
            if (!move) {
                say(here, move.error().detail);
            } else if (const auto moved = apply(prices_, parameters_, move.value()); !moved) {
                say(here, moved.error().detail);
            } else {
                shock.prices.push_back(std::move(move).value());
            }
        }
    }

    void read_silences(const std::string& at, const json& value, margin::StressShock& shock) {
        if (value.contains("dead")) {
            each_text(
                at + "/dead",
                value["dead"],
                R"(["ethereum"])",
                [&](const std::string& here, const std::string& text) {
                    if (const auto chain = config::parse_chain_name(text)) {
                        shock.dead.insert(chain.value());
                    } else {
                        say(here, chain.error().detail);
                    }
                }
            );
        }
        if (value.contains("stale")) {
            each_text(
                at + "/stale",
                value["stale"],
                R"(["eth"])",
                [&](const std::string& here, const std::string& text) {
                    if (const auto stale = margin::make_stale(prices_, parameters_, text); !stale) {
                        say(here, stale.error().detail);
                    } else {
                        shock.stale.push_back(text);
                    }
                }
            );
        }
    }

    const margin::Parameters& parameters_;
    const margin::PriceTable& prices_;
    std::vector<config::Problem>& problems_;
};

}  // namespace

Scenarios parse_scenarios(
    std::string_view text,
    const margin::Parameters& parameters,
    const margin::PriceTable& prices,
    std::vector<config::Problem>& problems
) {
    infra::StrictLimits limits;
    limits.bytes = kBytesMax;
    const auto document = infra::parse_strict(text, limits);
    if (!document) {
        problems.push_back({"", document.error().detail});
        return {};
    }
    return ScenarioReader(parameters, prices, problems).read(document.value());
}

}  // namespace margrave::relayer
