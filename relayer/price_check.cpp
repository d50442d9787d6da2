// SPDX-License-Identifier: Apache-2.0
#include "relayer/price_check.hpp"

#include "chains/adapter.hpp"
#include "chains/rpc/client.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"
#include "oracle/source.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace margrave::relayer {

namespace {

using nlohmann::json;
namespace rpc = chains::rpc;

/// So that the other operators' nodes have the block, too.
constexpr std::uint64_t kBelowHead = 2;

constexpr std::string_view kEventKind = "event";

using Adapters = std::vector<std::unique_ptr<chains::ChainAdapter>>;

Result<BlockRef> read_head(const json& answer) {
    if (!answer.is_object()) {
        return fail(Errc::kUnproved, "the answer is no block");
    }
    BlockRef out;
    MARGRAVE_TRY(const std::uint64_t number, rpc::u64_at(answer, "number"));
    MARGRAVE_TRY(out.hash, rpc::hash_at(answer, "hash"));
    MARGRAVE_TRY(out.parent, rpc::hash_at(answer, "parentHash"));
    MARGRAVE_TRY(const std::uint64_t time, rpc::u64_at(answer, "timestamp"));
    out.number = BlockNum{number};
    out.time = UnixSeconds{time};
    return out;
}

Task<Result<BlockRef>> ask_block(rpc::RpcClient* client, std::string tag) {
    json params = json::array({tag, false});
    std::string method = "eth_getBlockByNumber";
    const auto answer = co_await client->call(std::move(method), std::move(params));
    if (!answer) {
        co_return answer.as_failure();
    }
    co_return read_head(answer.value());
}

/// From the first node that answers; that others agree is asked at every call.
Task<Result<BlockRef>> find_head(Executor executor, const chains::ChainSettings* settings) {
    Error last = fail(Errc::kUnable, "no node of " + settings->chain.text() + " answered");
    for (const chains::EndpointSettings& endpoint : settings->endpoints) {
        rpc::RpcLimits limits;
        limits.timeout = settings->rpc_timeout;
        limits.attempts = 1;
        const auto client = rpc::RpcClient::make(executor, endpoint, limits, {});
        if (!client) {
            last = client.error();
            continue;
        }
        Result<BlockRef> newest = co_await ask_block(client.value().get(), "latest");
        if (!newest) {
            last = newest.error();
            continue;
        }
        const std::uint64_t number = newest.value().number.value;
        const std::string below = rpc::to_quantity(number - std::min(number, kBelowHead));
        Result<BlockRef> head = co_await ask_block(client.value().get(), below);
        if (head) {
            co_return head;
        }
        last = head.error();
    }
    co_return last;
}

oracle::CallAt call_through(const Adapters& adapters) {
    return [&adapters](ChainId chain, Address to, Bytes data, Hash32 block) {
        const auto found = std::ranges::find_if(adapters, [&chain](const auto& adapter) {
            return adapter->settings().chain == chain;
        });
        // config lets no source through whose chain is not configured.
        return (*found)->call_at(to, std::move(data), block);
    };
}

/// The asset that is meant and what it is quoted in, or all.
std::vector<oracle::AssetOracleSettings> needed(
    const std::vector<oracle::AssetOracleSettings>& all, const std::string& only
) {
    if (only.empty()) {
        return all;
    }
    std::vector<std::string> names{only};
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto found = std::ranges::find(all, names[i], &oracle::AssetOracleSettings::name);
        for (std::size_t s = 0; found != all.end() && s < found->sources.size(); ++s) {
            const std::string& quote = found->sources[s].quote;
            if (quote != oracle::kDollar && std::ranges::find(names, quote) == names.end()) {
                names.push_back(quote);
            }
        }
    }
    std::vector<oracle::AssetOracleSettings> out;
    for (const oracle::AssetOracleSettings& asset : all) {
        if (std::ranges::find(names, asset.name) != names.end()) {
            out.push_back(asset);
        }
    }
    return out;
}

// abi.encode of one string: offset, length, bytes. Empty when it is none.
std::string decode_text(const Result<Bytes>& returned) {
    if (!returned || returned.value().size() < 2 * Hash32::kSize) {
        return {};
    }
    ByteReader reader(returned.value());
    const auto offset = reader.hash32();
    const auto size = reader.hash32();
    const auto length =
        size ? Amount::from_word(size.value()).to_u64() : Result<std::uint64_t>(size.as_failure());
    if (!offset || !length || length.value() > reader.left()) {
        return {};
    }
    const auto bytes = reader.bytes(length.value());
    return bytes ? std::string(as_text(bytes.value())) : std::string{};
}

Bytes description_call() {
    constexpr std::size_t kSelectorSize = 4;
    const Hash32 hash = keccak256(std::string_view("description()"));
    return {hash.data.begin(), hash.data.begin() + kSelectorSize};
}

struct FeedPlace {
    ChainId chain;
    Address address;
};

std::optional<FeedPlace> feed_place(const oracle::SourceSettings& source) {
    const auto* object = std::get_if<Canonical::Object>(&source.settings.value());
    if ((source.kind != "feed" && source.kind != kEventKind) || object == nullptr) {
        return std::nullopt;
    }
    const auto chain = ChainId::parse(std::get<std::string>(object->at("chain").value()));
    const auto address = parse_address(std::get<std::string>(object->at("address").value()));
    return chain && address ? std::optional(FeedPlace{chain.value(), address.value()})
                            : std::nullopt;
}

Task<std::vector<PriceFinding>> probe_source(
    const oracle::AssetOracleSettings* asset,
    const oracle::SourceSettings* settings,
    oracle::CallAt call_at,
    const oracle::Heads* heads
) {
    std::vector<PriceFinding> out;
    const auto source = oracle::make_source(*settings, call_at);
    if (!source) {
        out.push_back({asset->name, settings->name, source.error().detail});
        co_return out;
    }
    const Result<void> probed = co_await source.value()->probe(*heads);
    if (!probed) {
        out.push_back({asset->name, settings->name, probed.error().detail});
        co_return out;
    }
    const auto feed = feed_place(*settings);
    if (!feed || !heads->contains(feed->chain)) {
        co_return out;
    }
    Bytes data = description_call();
    const Hash32 block = heads->at(feed->chain).hash;
    const Result<Bytes> said = co_await call_at(feed->chain, feed->address, std::move(data), block);
    const std::string what = describe_mismatch(decode_text(said), asset->name, settings->quote);
    if (!what.empty()) {
        out.push_back({asset->name, settings->name, what});
    }
    co_return out;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

void add_unusable(const std::vector<oracle::AssetOracleSettings>& assets, PriceReport& report) {
    for (const oracle::AssetOracleSettings& asset : assets) {
        if (asset.assets.empty()) {
            continue;
        }
        const auto use = report.prices.uses.find(asset.assets.front());
        if (use != report.prices.uses.end() && use->second.initial != oracle::Use::kUsable) {
            report.findings.push_back({asset.name, "", use->second.why});
        }
    }
}

}  // namespace

oracle::ToldAt told_by(const store::Ledger& ledger) {
    return [&ledger](
               const ChainId& chain, const Hash32& watch, const Address& emitter, const BlockRef& at
           ) {
        return ledger.told_price(chain, watch, emitter, at);
    };
}

std::set<ChainId> chains_of_events(const std::vector<oracle::AssetOracleSettings>& assets) {
    std::set<ChainId> out;
    for (const oracle::AssetOracleSettings& asset : assets) {
        for (const oracle::SourceSettings& source : asset.sources) {
            const auto place = source.kind == kEventKind ? feed_place(source) : std::nullopt;
            if (place) {
                out.insert(place->chain);
            }
        }
    }
    return out;
}

std::string describe_mismatch(
    std::string_view description, std::string_view base, std::string_view quote
) {
    const std::size_t slash = description.find(" / ");
    if (slash == std::string_view::npos) {
        return {};
    }
    const std::string says_base = lower(description.substr(0, slash));
    const std::string says_quote = lower(description.substr(slash + 3));
    if (says_base == lower(base) && says_quote == lower(quote)) {
        return {};
    }
    return "the feed calls itself \"" + std::string(description.substr(0, 64)) +
           "\" and is configured as " + std::string(base) + " in " + std::string(quote);
}

Task<Result<PriceReport>> read_prices(
    Executor executor,
    const config::Settings& settings,
    const store::Ledger* ledger,
    std::string only,
    bool probe,
    UnixSeconds now
) {
    PriceReport out;
    Adapters adapters;
    const std::vector<oracle::AssetOracleSettings> assets = needed(settings.oracle, only);
    const std::set<ChainId> told = chains_of_events(assets);
    for (const chains::ChainSettings& chain : settings.chains) {
        auto adapter = chains::make_adapter(executor, chain);
        if (!adapter) {
            co_return adapter.as_failure();
        }
        adapters.push_back(std::move(adapter).value());
        const auto known = ledger != nullptr && told.contains(chain.chain)
                               ? ledger->chain_state(chain.chain).head
                               : std::nullopt;
        if (known) {
            out.heads.emplace(chain.chain, *known);
            continue;
        }
        const Result<BlockRef> head = co_await find_head(executor, &chain);
        if (head) {
            out.heads.emplace(chain.chain, head.value());
        } else {
            out.findings.push_back({"", "", chain.chain.text() + ": " + head.error().detail});
        }
    }
    const oracle::CallAt call_at = call_through(adapters);
    for (std::size_t i = 0; probe && i < assets.size(); ++i) {
        for (const oracle::SourceSettings& source : assets[i].sources) {
            std::vector<PriceFinding> found =
                co_await probe_source(&assets[i], &source, call_at, &out.heads);
            std::ranges::move(found, std::back_inserter(out.findings));
        }
    }
    const oracle::Reach reach(call_at, ledger == nullptr ? oracle::ToldAt{} : told_by(*ledger));
    oracle::Oracle oracle(assets, reach);
    std::map<ChainId, BlockRef> heads = out.heads;
    out.prices = co_await oracle.read(std::move(heads), now);
    add_unusable(assets, out);
    co_return out;
}

}  // namespace margrave::relayer
