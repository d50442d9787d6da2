// SPDX-License-Identifier: Apache-2.0
#include "config/detail/build.hpp"
#include "config/detail/checker.hpp"
#include "config/detail/cross.hpp"
#include "config/detail/table.hpp"
#include "config/detail/values.hpp"
#include "config/settings.hpp"
#include "infra/files.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace margrave::config {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kFileMax = std::size_t{1} << 20;

// The members in the order of the table, and of URLs only what may be shown.
ordered_json presentable(const detail::Setting* setting, const json& value) {
    const std::string pattern(setting == nullptr ? "" : setting->pointer);
    if (value.is_object()) {
        ordered_json out = ordered_json::object();
        for (const detail::Setting* child : detail::children(pattern)) {
            const auto found = value.find(std::string(detail::name_of(*child)));
            if (found != value.end()) {
                out[std::string(detail::name_of(*child))] = presentable(child, *found);
            }
        }
        return out;
    }
    if (value.is_array()) {
        ordered_json out = ordered_json::array();
        for (const json& item : value) {
            out.push_back(presentable(detail::find(pattern + "/*"), item));
        }
        return out;
    }
    if (setting != nullptr && detail::is_url(*setting)) {
        return detail::redacted_url(value.get<std::string>());
    }
    return ordered_json(value);
}

void apply(chains::ChainSettings& chain, const DeployedChain& deployed, const json& written) {
    const auto unless_given = [](Address& target, const Address& value) {
        if (target.is_zero()) {
            target = value;
        }
    };
    unless_given(chain.registry, deployed.registry);
    unless_given(chain.vault, deployed.vault);
    unless_given(chain.sale, deployed.sale);
    if (!chain.position_book) {
        chain.position_book = deployed.position_book;
    }
    if (!written.contains("start_block")) {
        chain.start_block = deployed.start_block;
    }
}

bool has_contracts(const chains::ChainSettings& chain) {
    return !chain.registry.is_zero() && !chain.vault.is_zero() && !chain.sale.is_zero();
}

// Inline contracts win; what they leave open comes from the deployment file, if there is one.
void read_contracts(Loaded& out, const json& document) {
    Settings& settings = out.settings;
    const Result<Deployment> found = read_deployment(settings.deployment_file);
    if (found) {
        const Hash32 network = settings.genesis.network();
        if (found.value().network != network) {
            out.problems.push_back(
                {.pointer = "/deployment",
                 .what = "the contracts in " + settings.deployment_file.string() +
                         " are of network " + to_hex(found.value().network) +
                         ", but /network of this config makes " + to_hex(network) +
                         "; put /network back as it was at deploy, or name another file"}
            );
            return;
        }
        for (std::size_t i = 0; i < settings.chains.size(); ++i) {
            const auto chain = found.value().chains.find(settings.chains[i].chain);
            if (chain != found.value().chains.end()) {
                apply(settings.chains[i], chain->second, document["chains"][i]);
            }
        }
    } else if (found.error().code != Errc::kNotFound) {
        out.problems.push_back({.pointer = "/deployment", .what = found.error().detail});
        return;
    }
    settings.deployed = std::ranges::all_of(settings.chains, has_contracts);
    for (std::size_t i = 0; found && i < settings.chains.size(); ++i) {
        if (!has_contracts(settings.chains[i])) {
            out.notes.push_back(
                {.pointer = "/chains/" + std::to_string(i),
                 .what = settings.chains[i].chain.text() + " has no contracts in " +
                         settings.deployment_file.string() + "; `margrave deploy` makes them"}
            );
        }
    }
}

// Defaults that depend on other settings are no rows of the table.
void complete(json& document, const Loaded& loaded, std::vector<std::string>& defaulted) {
    if (!document["api"].contains("admin_socket")) {
        document["api"]["admin_socket"] = loaded.settings.admin_socket.string();
        defaulted.emplace_back("/api/admin_socket");
    }
    for (std::size_t i = 0; i < loaded.settings.chains.size(); ++i) {
        json& chain = document["chains"][i];
        if (!chain.contains("start_block")) {
            chain["start_block"] = std::to_string(loaded.settings.chains[i].start_block.value);
            defaulted.push_back("/chains/" + std::to_string(i) + "/start_block");
        }
    }
}

// A value that its own row refused looks absent to the rules that join settings.
void drop_second_findings(std::vector<Problem>& problems, std::size_t by_row) {
    const auto joined = problems.begin() + static_cast<std::ptrdiff_t>(by_row);
    const std::vector<Problem> first(problems.begin(), joined);
    const auto is_known = [&](const Problem& problem) {
        return std::ranges::find(first, problem.pointer, &Problem::pointer) != first.end();
    };
    problems.erase(std::remove_if(joined, problems.end(), is_known), problems.end());
}

Loaded load_document(const json& given, const std::filesystem::path& base_dir, Use use) {
    Loaded out;
    detail::Checked checked = detail::check(given, use);
    out.problems = std::move(checked.problems);
    const std::size_t by_row = out.problems.size();
    detail::Built built = detail::build(checked.document, base_dir);
    detail::check_network(checked.document, built.settings, out.problems);
    detail::check_chains(checked.document, built.settings, out.problems);
    detail::check_watches(checked.document, built.settings, out.problems);
    detail::check_assets(checked.document, out.problems);
    detail::check_early(checked.document, out.problems);
    detail::check_prices(checked.document, given, built.settings, out.problems);
    detail::check_guard(built.settings, out.problems);
    // Without weights and prices there is nothing that could be evaluated.
    if (use == Use::kSign) {
        detail::check_parameters(built, out.problems);
    }
    drop_second_findings(out.problems, by_row);
    out.settings = std::move(built.settings);
    if (!out.problems.empty()) {
        return out;
    }
    out.notes = detail::notes_of(checked.document, out.settings);
    read_contracts(out, checked.document);
    detail::check_rate_blocks(out.settings, out.problems);
    if (!out.problems.empty()) {
        return out;
    }
    complete(checked.document, out, checked.defaulted);
    out.written = presentable(nullptr, given).dump(2);
    out.effective = presentable(nullptr, checked.document).dump(2);
    out.defaulted = std::move(checked.defaulted);
    return out;
}

// The parser ends its sentence with what it last read, and that may be half a URL with its key.
std::string without_quotation(const std::string& detail) {
    return detail.substr(0, detail.find("; last read"));
}

Loaded refused(std::string what) {
    Loaded out;
    out.problems.push_back({.pointer = "", .what = std::move(what)});
    return out;
}

}  // namespace

Loaded load_text(std::string_view text, const std::filesystem::path& base_dir, Use use) {
    infra::StrictLimits limits;
    limits.bytes = kFileMax;
    limits.depth = 16;
    // A fraction is refused with the setting's own sentence, which says that it is a string.
    limits.floats = true;
    const Result<json> given = infra::parse_strict(text, limits);
    if (!given) {
        return refused(without_quotation(given.error().detail));
    }
    return load_document(given.value(), base_dir, use);
}

Loaded load(const std::filesystem::path& file, Use use) {
    const Result<std::string> text = infra::read_file(file, kFileMax);
    const std::filesystem::path absolute = std::filesystem::absolute(file).lexically_normal();
    if (!text) {
        const std::string advice = text.error().code == Errc::kNotFound
                                       ? "; `margrave init` writes one, -c names another"
                                       : "";
        return refused(text.error().detail + advice);
    }
    Loaded out = load_text(text.value(), absolute.parent_path(), use);
    out.settings.file = absolute;
    return out;
}

}  // namespace margrave::config
