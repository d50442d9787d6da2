// SPDX-License-Identifier: Apache-2.0
#include "config/detail/cross.hpp"

#include "config/detail/reader.hpp"
#include "infra/url.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace margrave::config::detail {
namespace {

using nlohmann::json;

void refuse(std::vector<Problem>& out, std::string pointer, std::string what) {
    out.push_back({.pointer = std::move(pointer), .what = std::move(what)});
}

// Reports every text after the first that is already there.
class Unique {
  public:
    explicit Unique(std::vector<Problem>& out)
        : out_(out) {}

    void add(const std::optional<std::string>& text, const std::string& at) {
        if (!text) {
            return;
        }
        const auto [first, added] = seen_.emplace(*text, at);
        if (!added) {
            refuse(out_, at, "\"" + *text + "\" is already at " + first->second);
        }
    }

  private:
    std::vector<Problem>& out_;
    std::map<std::string, std::string> seen_;
};

std::set<ChainId> configured_chains(const Reader& root) {
    std::set<ChainId> out;
    for (std::size_t i = 0; i < root.size("chains"); ++i) {
        if (const auto chain = root.item("chains", i).chain("id")) {
            out.insert(*chain);
        }
    }
    return out;
}

std::string not_configured(const ChainId& chain, const std::set<ChainId>& known) {
    std::string listed;
    for (const ChainId& id : known) {
        listed += (listed.empty() ? "" : ", ") + id.text();
    }
    return "chain " + chain.text() + " is not in /chains; configured are " +
           (listed.empty() ? "none" : listed);
}

// A chain whose id is wrong may be the one that is meant, so nothing is said then.
bool all_ids_known(const Reader& root) {
    return configured_chains(root).size() >= 1 && [&] {
        for (std::size_t i = 0; i < root.size("chains"); ++i) {
            if (!root.item("chains", i).has("id")) {
                return false;
            }
        }
        return true;
    }();
}

void check_sources(const Reader& chain, const Settings& settings, std::vector<Problem>& out) {
    Unique names(out);
    std::map<std::string, std::string> urls;
    std::set<std::string> operators;
    bool complete = chain.size("endpoints") > 0;
    for (std::size_t i = 0; i < chain.size("endpoints"); ++i) {
        const Reader endpoint = chain.item("endpoints", i);
        names.add(endpoint.text("name"), endpoint.at("name"));
        const std::optional<std::string> http = endpoint.text("http");
        if (!http) {
            complete = false;
            continue;
        }
        const auto [first, added] = urls.emplace(*http, endpoint.at("http"));
        if (!added) {
            refuse(out, endpoint.at("http"), "the same URL is already at " + first->second);
        }
        if (const auto url = infra::parse_url(*http)) {
            operators.insert(endpoint.text("operator").value_or(url.value().host));
        }
    }
    const std::optional<std::uint64_t> asked = chain.integer("agreement");
    const std::string otherwise =
        "set /accept_single_source to \"" + std::string(single_source_words()) + "\"";
    if (complete && operators.size() < 2 && !settings.accept_single_source) {
        refuse(
            out,
            chain.at("endpoints"),
            "all endpoints are run by one operator, so one lying node is believed; add a node that "
            "somebody else runs, or " +
                otherwise
        );
    } else if (asked == 1 && !settings.accept_single_source) {
        refuse(
            out,
            chain.at("agreement"),
            "1 means that one lying node is believed; write 2 or more, or " + otherwise
        );
    }
    if (complete && asked && *asked > operators.size()) {
        refuse(
            out,
            chain.at("agreement"),
            std::to_string(*asked) + " operators can never agree: the endpoints are run by " +
                std::to_string(operators.size()) + "; add endpoints of others or write at most " +
                std::to_string(operators.size())
        );
    }
}

void check_finality(const Reader& chain, std::vector<Problem>& out) {
    const Reader finality = chain.object("finality");
    const std::optional<std::string> mode = finality.text("mode");
    if (mode == "depth" && !finality.has("depth")) {
        refuse(out, finality.at("depth"), "is missing; mode \"depth\" needs it, e.g. 64");
    }
    if (mode && mode != "depth" && finality.has("depth")) {
        refuse(
            out,
            finality.at("depth"),
            "has no meaning with mode \"" + *mode + "\"; remove it or set mode to \"depth\""
        );
    }
}

void check_forms(
    const Reader& asset,
    const std::set<ChainId>& chains,
    bool chains_known,
    Unique& forms,
    std::map<ChainId, std::string>& natives,
    std::vector<Problem>& out
) {
    for (std::size_t i = 0; i < asset.size("on"); ++i) {
        const Reader form = asset.item("on", i);
        const std::optional<AssetId> id = form.asset("asset");
        if (!id) {
            continue;
        }
        forms.add(id->text(), form.at("asset"));
        if (chains_known && !chains.contains(id->chain())) {
            refuse(out, form.at("asset"), not_configured(id->chain(), chains));
        }
        if (id->is_native()) {
            const auto [first, added] = natives.emplace(id->chain(), id->text());
            if (!added && first->second != id->text()) {
                refuse(
                    out,
                    form.at("asset"),
                    id->chain().text() + " has one native coin and that is already " + first->second
                );
            }
        }
    }
}

void check_rounds(const Reader& root, std::vector<Problem>& out) {
    const Reader attestation = root.object("attestation");
    const auto interval = attestation.duration("interval");
    const auto validity = attestation.duration("validity");
    if (interval && validity && *validity <= 2 * *interval) {
        refuse(
            out,
            attestation.at("validity"),
            "is " + *attestation.text("validity") + ", which is not more than twice " +
                attestation.at("interval") + " (" + *attestation.text("interval") +
                "); one late round would leave the contracts without a valid attestation"
        );
    }
}

// sun_path of a Unix socket address holds 108 bytes with the final zero.
void check_socket(const Settings& settings, std::vector<Problem>& out) {
    constexpr std::size_t kPathMax = 107;
    const std::size_t length = settings.admin_socket.string().size();
    if (length > kPathMax) {
        refuse(
            out,
            "/api/admin_socket",
            "the socket's path has " + std::to_string(length) +
                " bytes and the system allows 107; set a shorter one"
        );
    }
}

void note_price(const Reader& price, std::vector<Problem>& out) {
    if (price.has("accept_single_source")) {
        refuse(
            out, price.at("accept_single_source"), "one wrong price can make this daemon sign a lie"
        );
    }
    for (std::size_t j = 0; j < price.size("sources"); ++j) {
        const Reader source = price.item("sources", j);
        if (source.has("fixed")) {
            refuse(out, source.at("fixed"), "a price that never moves, for development only");
        }
    }
}

bool has_token_on(const margin::AssetParameters& asset, const ChainId& chain) {
    return std::ranges::any_of(asset.on, [&chain](const margin::AssetOnChain& form) {
        return form.asset.chain() == chain;
    });
}

// Names of the other assets that may be seized on each chain where this one has no token.
std::map<ChainId, std::string> unpayable(
    const margin::AssetParameters& owed, const std::vector<margin::AssetParameters>& assets
) {
    std::map<ChainId, std::string> out;
    for (const margin::AssetParameters& sold : assets) {
        if (sold.max_bonus.sign() <= 0 || sold.name == owed.name) {
            continue;
        }
        for (const margin::AssetOnChain& form : sold.on) {
            const ChainId chain = form.asset.chain();
            if (!has_token_on(owed, chain)) {
                std::string& names = out[chain];
                names += (names.empty() ? "" : ", ") + sold.name;
            }
        }
    }
    return out;
}

// A sale pays in tokens of its chain.
void note_unpayable(const Reader& root, const Settings& settings, std::vector<Problem>& out) {
    const auto& assets = settings.parameters.assets;
    for (std::size_t i = 0; i < root.size("assets"); ++i) {
        const Reader at = root.item("assets", i);
        const std::string name = at.text("id").value_or("");
        const auto owed = std::ranges::find(assets, name, &margin::AssetParameters::name);
        if (owed == assets.end() || !owed->borrowable) {
            continue;
        }
        for (const auto& [chain, names] : unpayable(*owed, assets)) {
            refuse(
                out,
                at.at("on"),
                name + " has no token on " + chain.text() + ": collateral that lies there (" +
                    names + ") cannot be sold for a debt in it"
            );
        }
    }
}

}  // namespace

void check_network(const json& document, const Settings& settings, std::vector<Problem>& out) {
    const Reader root(document, "");
    const Reader network = root.object("network");
    const std::set<ChainId> chains = configured_chains(root);
    const std::optional<ChainId> hub = network.chain("hub");
    if (hub && all_ids_known(root) && !chains.contains(*hub)) {
        refuse(out, network.at("hub"), not_configured(*hub, chains));
    }
    std::map<Address, std::string> seen;
    for (std::size_t i = 0; i < network.size("signers"); ++i) {
        const std::string at = network.at("signers") + "/" + std::to_string(i);
        if (const auto text = network.text_item("signers", i)) {
            const auto [first, added] = seen.emplace(parse_address(*text).value(), at);
            if (!added) {
                refuse(out, at, "the same address is already at " + first->second);
            }
        }
    }
    const std::optional<std::uint64_t> threshold = network.integer("threshold");
    const std::size_t signers = network.size("signers");
    if (threshold && signers > 0 && *threshold > signers) {
        refuse(
            out,
            network.at("threshold"),
            "is " + std::to_string(*threshold) + " but there " +
                (signers == 1 ? "is 1 signer" : "are " + std::to_string(signers) + " signers")
        );
    }
    check_rounds(root, out);
    check_socket(settings, out);
}

void check_chains(const json& document, const Settings& settings, std::vector<Problem>& out) {
    const Reader root(document, "");
    const std::optional<ChainId> hub = root.object("network").chain("hub");
    Unique ids(out);
    for (std::size_t i = 0; i < root.size("chains"); ++i) {
        const Reader chain = root.item("chains", i);
        ids.add(chain.text("id"), chain.at("id"));
        check_sources(chain, settings, out);
        check_finality(chain, out);
        const std::optional<ChainId> id = chain.chain("id");
        if (id && hub && *id != *hub && chain.object("contracts").has("position_book")) {
            refuse(
                out,
                chain.object("contracts").at("position_book"),
                "only the hub " + hub->text() + " has a position book; remove it here"
            );
        }
    }
}

void check_assets(const json& document, std::vector<Problem>& out) {
    const Reader root(document, "");
    const std::set<ChainId> chains = configured_chains(root);
    const bool chains_known = all_ids_known(root);
    Unique names(out);
    Unique forms(out);
    std::map<ChainId, std::string> natives;
    for (std::size_t i = 0; i < root.size("assets"); ++i) {
        const Reader asset = root.item("assets", i);
        names.add(asset.text("id"), asset.at("id"));
        check_forms(asset, chains, chains_known, forms, natives, out);
    }
    for (std::size_t i = 0; i < root.size("references"); ++i) {
        const Reader reference = root.item("references", i);
        names.add(reference.text("id"), reference.at("id"));
    }
}

void check_guard(const Settings& settings, std::vector<Problem>& out) {
    const std::filesystem::path from = settings.guard.mark.lexically_relative(settings.guard.dir);
    const bool inside = !from.empty() && *from.begin() != "..";
    if (inside) {
        refuse(
            out,
            "/guard/mark",
            settings.guard.mark.string() + " lies in the guard's directory " +
                settings.guard.dir.string() +
                ", so both would be lost together; put it outside, best on another disk"
        );
    }
}

std::vector<Problem> notes_of(const json& document, const Settings& settings) {
    std::vector<Problem> out;
    const Reader root(document, "");
    if (settings.accept_single_source) {
        refuse(out, "/accept_single_source", "one lying node can make this daemon sign a lie");
    }
    if (root.object("guard").has("silence_off")) {
        refuse(
            out, "/guard/silence_off", "a second signer with this key is not noticed at a start"
        );
    }
    const Genesis& genesis = settings.genesis;
    if (std::ranges::find(genesis.signers, genesis.guardian) != genesis.signers.end()) {
        refuse(
            out,
            "/network/guardian",
            "is a signer too; before value is at stake use a key that is kept elsewhere"
        );
    }
    if (3 * genesis.threshold <= 2 * genesis.signers.size()) {
        refuse(
            out,
            "/network/threshold",
            std::to_string(genesis.threshold) + " of " + std::to_string(genesis.signers.size()) +
                " is not more than two thirds, so two groups of signers could sign two truths"
        );
    }
    note_unpayable(root, settings, out);
    for (const std::string_view list : {"assets", "references"}) {
        for (std::size_t i = 0; i < root.size(list); ++i) {
            note_price(root.item(list, i).object("price"), out);
        }
    }
    return out;
}

}  // namespace margrave::config::detail
