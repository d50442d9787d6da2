// SPDX-License-Identifier: Apache-2.0
#include "config/detail/cross.hpp"
#include "config/detail/reader.hpp"

#include <map>
#include <optional>
#include <string>

namespace margrave::config::detail {
namespace {

// Chains that are final so many blocks below the head.
std::map<ChainId, std::uint64_t> final_depths(const Reader& root) {
    std::map<ChainId, std::uint64_t> out;
    for (std::size_t i = 0; i < root.size("chains"); ++i) {
        const Reader chain = root.item("chains", i);
        const Reader finality = chain.object("finality");
        const std::optional<ChainId> id = chain.chain("id");
        const std::optional<std::uint64_t> depth = finality.integer("depth");
        if (id && depth && finality.text("mode") == "depth") {
            out.emplace(*id, *depth);
        }
    }
    return out;
}

void check_fine(
    const Reader& in, std::string_view name, unsigned decimals, std::vector<Problem>& out
) {
    if (in.decimal(name) && !in.units(name, decimals)) {
        out.push_back(
            {.pointer = in.at(name),
             .what = "is finer than the asset's " + std::to_string(decimals) + " decimals"}
        );
    }
}

void check_form(
    const Reader& form,
    unsigned decimals,
    const std::map<ChainId, std::uint64_t>& depths,
    std::vector<Problem>& out
) {
    check_fine(form, "early_total", decimals, out);
    if (form.size("early") > 0 && !form.has("early_total")) {
        out.push_back(
            {.pointer = form.at("early_total"),
             .what = "is missing; with early it says what all accounts together may stand on"}
        );
    }
    const std::optional<AssetId> id = form.asset("asset");
    const auto depth = id ? depths.find(id->chain()) : depths.end();
    for (std::size_t i = 0; i < form.size("early"); ++i) {
        const Reader tier = form.item("early", i);
        check_fine(tier, "up_to", decimals, out);
        const std::optional<std::uint64_t> blocks = tier.integer("blocks");
        if (blocks && depth != depths.end() && *blocks >= depth->second) {
            out.push_back(
                {.pointer = tier.at("blocks"),
                 .what = "is " + std::to_string(*blocks) + ", but on " + id->chain().text() +
                         " a block is final with " + std::to_string(depth->second) +
                         " above it; remove the tier or write less"}
            );
        }
    }
}

}  // namespace

void check_early(const nlohmann::json& document, std::vector<Problem>& out) {
    const Reader root(document, "");
    const std::map<ChainId, std::uint64_t> depths = final_depths(root);
    for (std::size_t i = 0; i < root.size("assets"); ++i) {
        const Reader asset = root.item("assets", i);
        const std::optional<std::uint64_t> decimals = asset.integer("decimals");
        for (std::size_t form = 0; decimals && form < asset.size("on"); ++form) {
            check_form(asset.item("on", form), static_cast<unsigned>(*decimals), depths, out);
        }
    }
}

}  // namespace margrave::config::detail
