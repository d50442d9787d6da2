// SPDX-License-Identifier: Apache-2.0
#include "config/settings.hpp"
#include "infra/files.hpp"
#include "infra/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace margrave::config {
namespace {

using nlohmann::json;

constexpr std::size_t kFileMax = std::size_t{1} << 20;

// Members of one object by name. The first trouble is kept; the caller tests once, at the end.
class Members {
  public:
    Members(const json& object, std::string at, std::optional<std::string>& trouble)
        : object_(object),
          at_(std::move(at)),
          trouble_(trouble) {
        if (!object_.is_object()) {
            refuse("", "is no object");
        }
    }

    std::string text(const std::string& name) {
        const auto found = object_.is_object() ? object_.find(name) : object_.end();
        if (!object_.is_object() || found == object_.end() || !found->is_string()) {
            refuse("/" + name, "is missing or no string");
            return {};
        }
        return found->get<std::string>();
    }

    template <class T>
    T parsed(const std::string& name, Result<T> (*parse)(std::string_view)) {
        Result<T> value = parse(text(name));
        if (!value) {
            refuse("/" + name, value.error().detail);
            return T{};
        }
        return std::move(value).value();
    }

    Address contract(const std::string& name) {
        const Address address = parsed(name, parse_address);
        if (address.is_zero()) {
            refuse("/" + name, "is the zero address");
        }
        return address;
    }

    [[nodiscard]] bool has(const std::string& name) const {
        return object_.is_object() && object_.contains(name);
    }

    void refuse(const std::string& where, const std::string& what) {
        if (!trouble_) {
            trouble_ = at_ + where + ": " + what;
        }
    }

  private:
    const json& object_;
    std::string at_;
    std::optional<std::string>& trouble_;
};

DeployedChain read_chain(Members in) {
    DeployedChain out;
    out.registry = in.contract("registry");
    out.vault = in.contract("vault");
    out.sale = in.contract("sale");
    if (in.has("position_book")) {
        out.position_book = in.contract("position_book");
    }
    const Amount start = in.parsed("start_block", Amount::parse);
    const Result<std::uint64_t> block = start.to_u64();
    if (!block) {
        in.refuse("/start_block", block.error().detail);
    } else {
        out.start_block = BlockNum(block.value());
    }
    return out;
}

Canonical canonical(const DeployedChain& chain) {
    Canonical::Object out;
    out.emplace("registry", to_hex(chain.registry));
    out.emplace("vault", to_hex(chain.vault));
    out.emplace("sale", to_hex(chain.sale));
    if (chain.position_book) {
        out.emplace("position_book", to_hex(*chain.position_book));
    }
    out.emplace("start_block", Canonical::integer(chain.start_block.value));
    return Canonical(std::move(out));
}

}  // namespace

Result<Deployment> read_deployment(const std::filesystem::path& file) {
    MARGRAVE_TRY(const std::string text, infra::read_file(file, kFileMax));
    const std::string name = "deployment file " + file.string();
    const Result<json> parsed = infra::parse_strict(text);
    if (!parsed) {
        return fail(Errc::kConfig, name + ": " + parsed.error().detail);
    }
    const json& document = parsed.value();
    std::optional<std::string> trouble;
    Members in(document, "", trouble);
    if (in.text("version") != "1") {
        in.refuse("/version", "is not \"1\"");
    }
    Deployment out;
    out.network = in.parsed("network", parse_hash32);
    const json chains = in.has("chains") ? document["chains"] : json();
    if (!chains.is_object()) {
        in.refuse("/chains", "is missing or no object");
    } else {
        for (const auto& [id, value] : chains.items()) {
            const Result<ChainId> chain = ChainId::parse(id);
            if (!chain) {
                in.refuse("/chains", chain.error().detail);
                continue;
            }
            out.chains.emplace(
                chain.value(),
                read_chain(Members(value, "/chains/" + chain.value().text(), trouble))
            );
        }
    }
    if (trouble) {
        return fail(Errc::kConfig, name + ": " + *trouble);
    }
    return out;
}

Result<void> write_deployment(const std::filesystem::path& file, const Deployment& deployment) {
    Canonical::Object chains;
    for (const auto& [chain, contracts] : deployment.chains) {
        chains.emplace(chain.text(), canonical(contracts));
    }
    Canonical::Object out;
    out.emplace("version", "1");
    out.emplace("network", to_hex(deployment.network));
    out.emplace("chains", std::move(chains));
    return infra::write_file_atomic(file, Canonical(std::move(out)).dump() + "\n", 0644);
}

}  // namespace margrave::config
