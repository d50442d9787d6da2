// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/watch.hpp"
#include "config/detail/cross.hpp"
#include "config/detail/reader.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace margrave::config::detail {
namespace {

namespace evm = chains::evm;

// "did you mean", or what there is to choose from.
std::string advice(const evm::WatchFault& fault) {
    if (fault.known.empty()) {
        return {};
    }
    const std::vector<std::string_view> names(fault.known.begin(), fault.known.end());
    if (const auto near = nearest(fault.given, names)) {
        return ", did you mean \"" + std::string(*near) + "\"?";
    }
    std::string listed;
    for (const std::string_view name : names) {
        listed += (listed.empty() ? "" : ", ") + std::string(name);
    }
    return "; its arguments are " + listed + ", e.g. \"" + fault.known.front() + "\"";
}

bool has_problem_below(const std::vector<Problem>& problems, const std::string& at) {
    return std::ranges::any_of(problems, [&at](const Problem& problem) {
        return problem.pointer == at || problem.pointer.starts_with(at + "/");
    });
}

bool is_configured(const chains::ChainSettings& chain, const Address& token) {
    return std::ranges::any_of(chain.assets, [&token](const chains::AssetSettings& row) {
        return row.asset.token() == token;
    });
}

// Loans in a token that no asset has are none.
void check_rates(
    const chains::ChainSettings& chain,
    const evm::Watch& watch,
    const std::string& at,
    std::vector<Problem>& out
) {
    for (const evm::Rule& rule : watch.rules) {
        const auto* token = std::get_if<Address>(&rule.token);
        const bool is_rate = rule.meaning == chains::Meaning::kRate && token != nullptr;
        if (is_rate && !is_configured(chain, *token)) {
            out.push_back(
                {.pointer = at,
                 .what = "tells a rate for token " + to_hex(*token) + " of " + chain.chain.text() +
                         ", which no asset of /assets has"}
            );
        }
    }
}

void check_watch(
    const chains::ChainSettings& chain,
    const chains::WatchSettings& watch,
    const std::string& at,
    std::vector<Problem>& out
) {
    const evm::CompiledWatch compiled = evm::compile(watch);
    for (const evm::WatchFault& fault : compiled.faults) {
        out.push_back({.pointer = at + fault.at, .what = fault.what + advice(fault)});
    }
    const bool ours =
        watch.contract && (watch.contract == chain.vault || watch.contract == chain.position_book);
    if (ours) {
        out.push_back(
            {.pointer = at + "/contract",
             .what = "is our own contract, which is followed anyway; its events would count twice"}
        );
    }
    const bool counts_token = !watch.token ? watch.preset != chains::WatchPreset::kNone : true;
    if (compiled.faults.empty() && counts_token && !is_configured(chain, compiled.watch.token)) {
        out.push_back(
            {.pointer = at,
             .what = "counts token " + to_hex(compiled.watch.token) + " of " + chain.chain.text() +
                     ", which no asset of /assets has; its amounts would be worth nothing"}
        );
    } else if (compiled.faults.empty()) {
        check_rates(chain, compiled.watch, at, out);
    }
}

}  // namespace

void check_watches(
    const nlohmann::json& document, const Settings& settings, std::vector<Problem>& out
) {
    const Reader root(document, "");
    for (std::size_t i = 0; i < root.size("chains"); ++i) {
        const Reader chain = root.item("chains", i);
        if (chain.size("watch") > 0 && chain.text("proof").value_or("") == "accumulator") {
            out.push_back(
                {.pointer = chain.at("proof"),
                 .what = "\"accumulator\" proves the events of our own contracts alone; with " +
                         chain.at("watch") + " write \"receipts\" or \"agreement\""}
            );
        }
        std::map<std::string, std::string> names;
        for (std::size_t j = 0; j < chain.size("watch"); ++j) {
            const Reader in = chain.item("watch", j);
            const chains::WatchSettings& watch = settings.chains[i].watch[j];
            const auto [first, added] = names.emplace(watch.name, in.at("name"));
            if (!added && !watch.name.empty()) {
                out.push_back(
                    {.pointer = in.at("name"),
                     .what = "\"" + watch.name + "\" is already at " + first->second}
                );
            }
            if (!has_problem_below(out, in.at())) {
                check_watch(settings.chains[i], watch, in.at(), out);
            }
        }
    }
}

void check_rate_blocks(const Settings& settings, std::vector<Problem>& out) {
    for (std::size_t i = 0; i < settings.chains.size(); ++i) {
        const chains::ChainSettings& chain = settings.chains[i];
        for (std::size_t j = 0; j < chain.watch.size(); ++j) {
            const auto& events = chain.watch[j].events;
            for (std::size_t k = 0; k < events.size(); ++k) {
                const auto from = events[k].from_block;
                if (!from || *from >= chain.start_block) {
                    continue;
                }
                out.push_back(
                    {.pointer = "/chains/" + std::to_string(i) + "/watch/" + std::to_string(j) +
                                "/events/" + std::to_string(k) + "/from_block",
                     .what = std::to_string(from->value) +
                             " is below the first block that is read, " +
                             std::to_string(chain.start_block.value) +
                             ": a rate told before that would not be seen"}
                );
            }
        }
    }
}

}  // namespace margrave::config::detail
