// SPDX-License-Identifier: Apache-2.0
#include "config/detail/build.hpp"

#include "config/detail/build_source.hpp"
#include "config/detail/build_watch.hpp"
#include "config/detail/reader.hpp"
#include "infra/url.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace margrave::config::detail {
namespace {

using nlohmann::json;

void build_node(Settings& out, const Reader& root, const std::filesystem::path& base_dir) {
    take(out.node_name, root.object("node").text("name"));
    if (const auto dir = root.object("node").text("data_dir")) {
        out.data_dir = resolve(base_dir, *dir);
    }
    take(out.disk_reserve_mb, root.object("node").integer("disk_reserve_mb"));
    take(out.ballast_mb, root.object("node").integer("ballast_mb"));
    take(out.deployment_file, root.text("deployment"));
    out.deployment_file = resolve(base_dir, out.deployment_file);
    out.accept_single_source = root.has("accept_single_source");
    take(out.attestation_interval, root.object("attestation").duration("interval"));
    out.admin_socket = out.data_dir / "admin.sock";
    if (const auto socket = root.object("api").text("admin_socket")) {
        out.admin_socket = resolve(base_dir, *socket);
    }
    if (const auto keep = root.object("store").seconds("keep_states")) {
        out.keep_states = std::chrono::seconds(*keep);
    }
    take(out.log_level, root.object("log").text("level"));
    take(out.log_format, root.object("log").text("format"));
}

/// A second signer is seen when it has brought a round to a registry: one to sign, one to bring.
std::chrono::seconds usual_silence(std::chrono::milliseconds interval) {
    constexpr std::chrono::seconds kLeast{10};
    return std::max(std::chrono::ceil<std::chrono::seconds>(2 * interval), kLeast);
}

void build_guard(Settings& out, const Reader& guard, const std::filesystem::path& base_dir) {
    out.guard.dir = out.data_dir / "guard";
    out.guard.mark = out.data_dir / "guard.mark";
    if (const auto dir = guard.text("dir")) {
        out.guard.dir = resolve(base_dir, *dir);
    }
    if (const auto mark = guard.text("mark")) {
        out.guard.mark = resolve(base_dir, *mark);
    }
    for (std::size_t i = 0; i < guard.size("published"); ++i) {
        if (const auto url = guard.text_item("published", i)) {
            out.guard.published.push_back(*url);
        }
    }
    out.guard.silence = usual_silence(out.attestation_interval);
    if (const auto silence = guard.seconds("silence")) {
        out.guard.silence = std::chrono::seconds(*silence);
    }
    if (guard.has("silence_off")) {
        out.guard.silence = std::chrono::seconds(0);
    }
}

void build_signer(Settings& out, const Reader& root, const std::filesystem::path& base_dir) {
    const Reader signer = root.object("signer");
    if (const auto keystore = signer.text("keystore")) {
        out.keystore = resolve(base_dir, *keystore);
    }
    const Reader password = signer.object("password");
    if (const auto file = password.text("file")) {
        out.password = {SecretSource::Kind::kFile, resolve(base_dir, *file).string()};
    } else if (const auto credential = password.text("credential")) {
        out.password = {SecretSource::Kind::kCredential, *credential};
    } else if (const auto variable = password.text("env")) {
        out.password = {SecretSource::Kind::kEnvironment, *variable};
    }
}

void build_network(Settings& out, const Reader& root) {
    const Reader network = root.object("network");
    take(out.genesis.name, network.text("name"));
    take(out.genesis.hub, network.chain("hub"));
    for (std::size_t i = 0; i < network.size("signers"); ++i) {
        if (const auto text = network.text_item("signers", i)) {
            out.genesis.signers.push_back(parse_address(*text).value());
        }
    }
    std::ranges::sort(out.genesis.signers);
    take(out.genesis.threshold, network.integer("threshold"));
    take(out.genesis.guardian, network.address("guardian"));
    take(out.genesis.exit_silence_s, network.seconds("exit_silence"));
    const Reader deploy = root.object("deploy");
    take(out.deploy.veto_window_s, deploy.seconds("veto_window"));
    take(out.deploy.sale_start_bps, deploy.integer("sale_start_bps"));
    take(out.deploy.sale_duration_s, deploy.seconds("sale_duration"));
    out.deploy.venue = deploy.address("venue");
    out.deploy.treasury = deploy.address("treasury");
}

// Who runs an endpoint, as far as the config tells: the name given, else the URL's host.
std::string operator_of(const Reader& endpoint) {
    if (const auto name = endpoint.text("operator")) {
        return *name;
    }
    const auto url = infra::parse_url(endpoint.text("http").value_or(""));
    return url ? url.value().host : "";
}

chains::EndpointSettings build_endpoint(const Reader& in) {
    chains::EndpointSettings out;
    take(out.name, in.text("name"));
    out.operator_name = operator_of(in);
    take(out.http, in.text("http"));
    take(out.ws, in.text("ws"));
    const Reader rate = in.object("rate");
    take(out.rate.per_second, rate.integer("per_second"));
    take(out.rate.concurrency, rate.integer("concurrency"));
    take(out.rate.usd_per_million, rate.decimal("usd_per_million"));
    return out;
}

// Without a word of the config two operators agree, where there are two.
std::uint64_t build_agreement(const Reader& in, const chains::ChainSettings& chain) {
    const std::uint64_t usual = std::min<std::uint64_t>(2, chains::operators_of(chain).size());
    return in.integer("agreement").value_or(std::max<std::uint64_t>(usual, 1));
}

chains::ProofMode build_proof(const Reader& in) {
    const std::string mode = in.text("proof").value_or("accumulator");
    if (mode == "receipts") {
        return chains::ProofMode::kReceipts;
    }
    return mode == "agreement" ? chains::ProofMode::kAgreement : chains::ProofMode::kAccumulator;
}

std::optional<chains::SequencerSettings> build_sequencer(const Reader& in) {
    const auto feed = in.address("feed");
    if (!feed) {
        return std::nullopt;
    }
    chains::SequencerSettings out;
    out.feed = *feed;
    take(out.grace_s, in.seconds("grace"));
    return out;
}

chains::FinalitySettings build_finality(const Reader& in) {
    chains::FinalitySettings out;
    const std::string mode = in.text("mode").value_or("finalized");
    if (mode == "safe") {
        out.mode = chains::FinalityMode::kSafeTag;
    } else if (mode == "depth") {
        out.mode = chains::FinalityMode::kDepth;
    } else if (mode == "instant") {
        out.mode = chains::FinalityMode::kDepth;
        out.depth = 0;
    }
    take(out.depth, in.integer("depth"));
    return out;
}

chains::ChainSettings build_chain(const Reader& in) {
    chains::ChainSettings out;
    take(out.chain, in.chain("id"));
    for (std::size_t i = 0; i < in.size("endpoints"); ++i) {
        out.endpoints.push_back(build_endpoint(in.item("endpoints", i)));
    }
    out.agreement = build_agreement(in, out);
    out.proof = build_proof(in);
    out.sequencer = build_sequencer(in.object("sequencer"));
    out.genesis = in.hash("genesis");
    if (const auto start = in.count("start_block")) {
        out.start_block = BlockNum(*start);
    }
    const Reader contracts = in.object("contracts");
    take(out.registry, contracts.address("registry"));
    take(out.vault, contracts.address("vault"));
    take(out.sale, contracts.address("sale"));
    out.position_book = contracts.address("position_book");
    for (std::size_t i = 0; i < in.size("watch"); ++i) {
        out.watch.push_back(build_watch(in.item("watch", i)));
    }
    out.finality = build_finality(in.object("finality"));
    take(out.poll_interval, in.duration("poll_interval"));
    take(out.rpc_timeout, in.duration("rpc_timeout"));
    take(out.log_range, in.integer("log_range"));
    take(out.hedge_percent, in.integer("hedge_percent"));
    take(out.fees.max_fee_wei, in.object("fees").gwei("max_fee_gwei"));
    take(out.fees.replace_after_blocks, in.object("fees").integer("replace_after_blocks"));
    return out;
}

// What a final block's age is when all is well: two to three epochs of Ethereum until `finalized`
// (ethereum.org, Gasper), half of one until `safe`; layer 2 chains inherit it from their layer 1.
std::uint64_t usual_lag_s(chains::FinalityMode mode) {
    switch (mode) {
        case chains::FinalityMode::kFinalizedTag:
            return 1'200;
        case chains::FinalityMode::kSafeTag:
            return 300;
        case chains::FinalityMode::kDepth:
            return 0;
    }
    return 0;
}

void build_head_age(
    margin::Parameters& parameters, const Reader& in, const chains::ChainSettings& chain
) {
    const std::uint64_t usual = parameters.max_head_age_s + usual_lag_s(chain.finality.mode);
    const std::uint64_t limit = in.seconds("max_head_age").value_or(usual);
    if (limit != parameters.max_head_age_s) {
        parameters.max_head_age_of[chain.chain] = limit;
    }
}

margin::Weights build_weights(const Reader& in) {
    margin::Weights out;
    take(out.initial, in.decimal("initial"));
    take(out.liquidation_end, in.decimal("liquidation_end"));
    take(out.maintenance, in.decimal("maintenance"));
    return out;
}

margin::AssetOnChain build_form(const Reader& in, unsigned decimals) {
    margin::AssetOnChain out;
    take(out.asset, in.asset("asset"));
    take(out.backing, in.decimal("backing"));
    take(out.cap, in.decimal("cap"));
    take(out.pool_cap, in.decimal("pool_cap"));
    take(out.bridge_tier, in.count("bridge_tier"));
    for (std::size_t i = 0; i < in.size("early"); ++i) {
        const Reader tier = in.item("early", i);
        margin::EarlyTier& row = out.early.emplace_back();
        take(row.blocks, tier.integer("blocks"));
        // What is finer than the token is refused by check_early.
        take(row.up_to, tier.units("up_to", decimals));
    }
    take(out.early_total, in.units("early_total", decimals));
    return out;
}

margin::AssetParameters build_asset(const Reader& in) {
    margin::AssetParameters out;
    take(out.name, in.text("id"));
    take(out.decimals, in.integer("decimals"));
    out.collateral = build_weights(in.object("collateral"));
    out.debt = build_weights(in.object("debt"));
    take(out.borrowable, in.flag("borrowable"));
    take(out.max_bonus, in.decimal("max_bonus"));
    const Reader market = in.object("market");
    take(out.market_capacity, market.decimal("capacity"));
    take(out.market_window_s, market.seconds("window"));
    for (std::size_t i = 0; i < in.size("on"); ++i) {
        out.on.push_back(build_form(in.item("on", i), out.decimals));
    }
    const Reader price = in.object("price");
    take(out.max_age_s, price.seconds("max_age"));
    take(out.price_min, price.decimal("min"));
    take(out.price_max, price.decimal("max"));
    take(out.cap, in.decimal("cap"));
    take(out.scale.deposits_from, in.object("scale").decimal("deposits_from"));
    take(out.scale.debts_from, in.object("scale").decimal("debts_from"));
    const Reader initial = in.object("initial_price");
    take(out.initial_price.confidence, initial.decimal("confidence"));
    take(out.initial_price.age_per_hour, initial.decimal("age_per_hour"));
    take(out.initial_price.slow, initial.flag("slow"));
    return out;
}

margin::RiskParameters build_risk(const Reader& in) {
    margin::RiskParameters out;
    for (std::size_t i = 0; i < in.size("bridge_tiers"); ++i) {
        const Result<Money> haircut = Money::parse(in.text_item("bridge_tiers", i).value_or(""));
        out.bridge_tiers.push_back(haircut ? haircut.value() : Money{});
    }
    take(out.lag_per_hour, in.decimal("lag_per_hour"));
    for (std::size_t i = 0; i < in.size("correlations"); ++i) {
        const Reader row = in.item("correlations", i);
        margin::Correlation correlation;
        take(correlation.name, row.text("name"));
        take(correlation.relief, row.decimal("relief"));
        for (std::size_t k = 0; k < row.size("assets"); ++k) {
            std::string asset;
            take(asset, row.text_item("assets", k));
            correlation.assets.push_back(std::move(asset));
        }
        out.correlations.push_back(std::move(correlation));
    }
    return out;
}

// The order of `items` sorted by `key`; the first of equals stays first.
template <class Item, class Key>
std::vector<std::size_t> sorted_places(const std::vector<Item>& items, Key key) {
    std::vector<std::size_t> places(items.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::ranges::stable_sort(places, {}, [&](std::size_t place) {
        return std::invoke(key, items[place]);
    });
    return places;
}

template <class Item>
std::vector<Item> in_order(const std::vector<Item>& items, const std::vector<std::size_t>& places) {
    std::vector<Item> out;
    for (const std::size_t place : places) {
        out.push_back(items[place]);
    }
    return out;
}

// After the assets, and sorted as they are.
void build_references(Settings& out, const Reader& root, const std::filesystem::path& base_dir) {
    std::vector<oracle::AssetOracleSettings> references;
    for (std::size_t i = 0; i < root.size("references"); ++i) {
        const Reader in = root.item("references", i);
        const std::string id = in.text("id").value_or("");
        references.push_back(build_price(id, in.object("price"), {}, base_dir));
    }
    std::ranges::stable_sort(references, {}, &oracle::AssetOracleSettings::name);
    out.oracle.insert(out.oracle.end(), references.begin(), references.end());
}

// Assets and forms are sorted, so that operators who wrote one list in two orders sign the same.
void build_assets(Built& out, const Reader& root, const std::filesystem::path& base_dir) {
    std::vector<margin::AssetParameters> assets;
    std::vector<std::vector<std::size_t>> forms;
    for (std::size_t i = 0; i < root.size("assets"); ++i) {
        margin::AssetParameters asset = build_asset(root.item("assets", i));
        forms.push_back(sorted_places(asset.on, &margin::AssetOnChain::asset));
        asset.on = in_order(asset.on, forms.back());
        assets.push_back(std::move(asset));
    }
    out.asset_places = sorted_places(assets, &margin::AssetParameters::name);
    out.form_places = in_order(forms, out.asset_places);
    Settings& settings = out.settings;
    settings.parameters.assets = in_order(assets, out.asset_places);
    for (std::size_t i = 0; i < out.asset_places.size(); ++i) {
        const Reader in = root.item("assets", out.asset_places[i]);
        const margin::AssetParameters& asset = settings.parameters.assets[i];
        settings.oracle.push_back(build_price(asset.name, in.object("price"), asset.on, base_dir));
    }
    build_references(settings, root, base_dir);
}

void build_parameters(Settings& out, const Reader& root) {
    margin::Parameters& parameters = out.parameters;
    take(parameters.validity_s, root.object("attestation").seconds("validity"));
    take(parameters.release_deadline_s, root.object("attestation").seconds("release_deadline"));
    const Reader in = root.object("liquidation");
    margin::LiquidationParameters& liquidation = parameters.liquidation;
    take(liquidation.target_buffer, in.decimal("target_buffer"));
    take(liquidation.close_factor, in.decimal("close_factor"));
    take(liquidation.close_all_below, in.decimal("close_all_below"));
    take(liquidation.dust, in.decimal("dust"));
    take(liquidation.deadline_s, in.seconds("deadline"));
    const Reader ramp = in.object("bonus_ramp");
    take(liquidation.bonus_ramp_s, ramp.seconds("time"));
    take(liquidation.bonus_start, ramp.decimal("start"));
    take(parameters.notice_s, root.seconds("notice"));
    if (root.has("change")) {
        const Reader change = root.object("change");
        parameters.change.emplace();
        take(parameters.change->previous, change.hash("previous"));
        take(parameters.change->from, change.count("from"));
        take(parameters.change->ramp_s, change.seconds("ramp"));
    }
}

}  // namespace

std::filesystem::path resolve(
    const std::filesystem::path& base_dir, const std::filesystem::path& path
) {
    const std::filesystem::path base = std::filesystem::absolute(base_dir / ".");
    return (base / path).lexically_normal();
}

Built build(const json& document, const std::filesystem::path& base_dir) {
    Built out;
    Settings& settings = out.settings;
    const Reader root(document, "");
    build_node(settings, root, base_dir);
    build_guard(settings, root.object("guard"), base_dir);
    const Reader reconciliation = root.object("reconciliation");
    take(settings.reconciliation.every, reconciliation.integer("every"));
    take(settings.reconciliation.confirm, reconciliation.integer("confirm"));
    take(settings.reconciliation.clear, reconciliation.integer("clear"));
    build_signer(settings, root, base_dir);
    build_network(settings, root);
    build_assets(out, root, base_dir);
    build_parameters(settings, root);
    settings.funds.reserve = root.object("funds").address("reserve");
    settings.funds.insurance = root.object("funds").address("insurance");
    BuiltMarkets markets = build_markets(root);
    settings.parameters.venues = std::move(markets.venues);
    settings.parameters.risk = build_risk(root.object("risk"));
    out.market_places = std::move(markets.places);
    const Hash32 network = settings.genesis.network();
    take(settings.parameters.max_head_age_s, root.object("attestation").seconds("max_head_age"));
    for (std::size_t i = 0; i < root.size("chains"); ++i) {
        chains::ChainSettings chain = build_chain(root.item("chains", i));
        chain.network = network;
        for (const margin::AssetParameters& asset : settings.parameters.assets) {
            for (const margin::AssetOnChain& form : asset.on) {
                if (form.asset.chain() == chain.chain) {
                    chain.assets.push_back({.asset = form.asset, .decimals = asset.decimals});
                }
            }
        }
        build_head_age(settings.parameters, root.item("chains", i), chain);
        settings.chains.push_back(std::move(chain));
    }
    settings.parameters.watches = watches_document(settings.chains);
    return out;
}

}  // namespace margrave::config::detail
