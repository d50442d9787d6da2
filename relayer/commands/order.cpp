// SPDX-License-Identifier: Apache-2.0
#include "infra/files.hpp"
#include "infra/system_clock.hpp"
#include "relayer/cli.hpp"
#include "relayer/commands/commands.hpp"
#include "relayer/orders.hpp"
#include "relayer/risk/words.hpp"
#include "relayer/round_view.hpp"

#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

namespace margrave::relayer {
namespace {

using nlohmann::json;

constexpr std::size_t kOrderBytesMax = std::size_t{64} << 10U;
constexpr int kOrderTriggered = 4;

struct DraftOptions {
    std::string account;
    std::string watch;
    std::string below;
    std::string above;
    std::string sell;
    std::string amount;
    std::string proceeds;
    std::string valid_for{"7d"};
    std::uint64_t nonce{0};
    std::uint64_t sub{0};
    bool cancel{false};
};

Result<Amount> whole_tokens(const margin::Parameters& parameters, const DraftOptions& options) {
    MARGRAVE_TRY(const auto asset, as_usage("--sell", AssetId::parse(options.sell)));
    const margin::AssetParameters* known = parameters.find(asset);
    if (known == nullptr) {
        return fail(Errc::kUsage, "--sell " + options.sell + " is no asset of the config");
    }
    MARGRAVE_TRY(const auto count, as_usage("--amount", Money::parse(options.amount)));
    if (count.sign() <= 0) {
        return fail(Errc::kUsage, "--amount: " + options.amount + " is not above zero");
    }
    MARGRAVE_TRY(const auto down, units_for(count, known->decimals, Money::whole(1), Round::kDown));
    MARGRAVE_TRY(const auto up, units_for(count, known->decimals, Money::whole(1), Round::kUp));
    if (down != up) {
        return fail(
            Errc::kUsage, "--amount " + options.amount + " has more decimals than the token"
        );
    }
    return down;
}

Result<margin::PriceOrder> drafted(
    const DraftOptions& options, const margin::Parameters& parameters
) {
    if (options.below.empty() == options.above.empty()) {
        return fail(Errc::kUsage, "an order has either --below PRICE or --above PRICE");
    }
    margin::PriceOrder order;
    MARGRAVE_TRY(order.account, as_usage("--account", parse_account(options.account)));
    MARGRAVE_TRY(order.watched, as_usage("--watch", AssetId::parse(options.watch)));
    order.below = !options.below.empty();
    MARGRAVE_TRY(
        order.trigger,
        order.below ? as_usage("--below", Money::parse(options.below))
                    : as_usage("--above", Money::parse(options.above))
    );
    MARGRAVE_TRY(order.sell, as_usage("--sell", AssetId::parse(options.sell)));
    MARGRAVE_TRY(order.amount, whole_tokens(parameters, options));
    MARGRAVE_TRY(order.proceeds, as_usage("--for", AssetId::parse(options.proceeds)));
    MARGRAVE_TRY(const auto span, parse_span(options.valid_for));
    const infra::SystemClock clock;
    order.valid_from = clock.now();
    order.expiry = UnixSeconds{order.valid_from.value + span};
    order.nonce = options.nonce;
    return order;
}

Result<int> run_draft(Context& context, const DraftOptions& options) {
    MARGRAVE_TRY(const auto settings, load_settings(context));
    const Hash32 network = settings.genesis.network();
    Canonical typed;
    json assets = json::array();
    if (options.cancel) {
        MARGRAVE_TRY(const auto account, as_usage("--account", parse_account(options.account)));
        typed = cancel_typed_data(network, account, options.nonce);
    } else {
        MARGRAVE_TRY(const auto order, drafted(options, settings.parameters));
        typed = order_typed_data(network, order);
        for (const AssetId& asset : {order.watched, order.sell, order.proceeds}) {
            assets.push_back(asset.text());
        }
    }
    json document = json::object();
    document["typedData"] = json::parse(typed.dump());
    document["signature"] = "";
    document["sub"] = std::to_string(options.sub);
    document["assets"] = std::move(assets);
    print(context, document.dump(1) + "\n", document);
    advise(
        context,
        "note: sign typedData as the account's owner (eth_signTypedData_v4), put the 65 bytes into "
        "signature, then: margrave order " +
            std::string(options.cancel ? "cancel" : "add") + " FILE"
    );
    return 0;
}

// Where one order stands by the rounds of the store; it waits while there is none.
Result<OrderStanding> standing_now(const config::Settings& settings, const SignedOrder& order) {
    const std::filesystem::path store = settings.data_dir / "store";
    std::error_code ignored;
    if (!std::filesystem::exists(store, ignored)) {
        return OrderStanding{};
    }
    MARGRAVE_TRY(
        const auto database, store::Database::open({store, settings.genesis.network(), true})
    );
    MARGRAVE_TRY(const auto standings, order_standings(*database, {&order, 1}));
    return standings.front();
}

Result<int> run_change(Context& context, const std::string& file, bool cancel) {
    MARGRAVE_TRY(const auto settings, load_settings(context));
    MARGRAVE_TRY(const auto text, infra::read_file(file, kOrderBytesMax));
    MARGRAVE_TRY(auto book, OrderBook::open(settings.data_dir, settings.genesis.network()));
    const auto standing_of = [&settings](const SignedOrder& order) {
        return standing_now(settings, order);
    };
    MARGRAVE_TRY(const bool is_new, cancel ? book.cancel(text, standing_of) : book.add(text));
    const std::string done = cancel ? "cancelled" : "added";
    json document = json::object();
    document[done] = is_new;
    print(context, is_new ? done + "\n" : "already " + done + "\n", document);
    return 0;
}

json sale_json(const margin::LiquidationPlan& plan) {
    json out = json::object();
    out["healthBefore"] = plan.health_before.to_string_e18();
    out["healthAfter"] = plan.health_after.to_string_e18();
    if (!plan.legs.empty()) {
        out["amount"] = plan.legs.front().seize.to_string();
        out["minProceeds"] = plan.legs.front().min_proceeds.to_string();
    }
    return out;
}

// The sale that a triggered order asks for, at the last round's state, or why there is none.
json planned_sale(const margin::PriceOrder& order, const RoundView& view) {
    const ReplayedRound& round = *view.round;
    const margin::Evaluation* found = view.find(order.account);
    if (found == nullptr) {
        return {{"error", "the account has nothing"}};
    }
    const margin::Market market(round.prices, round.parameters, round.dead);
    const auto plan = margin::plan_sale(found->holdings, order, market);
    return plan ? sale_json(plan.value()) : json{{"error", plan.error().detail}};
}

json order_json(const SignedOrder& row, const OrderStanding& standing) {
    const margin::PriceOrder& order = row.order;
    json out = json::object();
    out["account"] = to_hex(order.account);
    out["nonce"] = std::to_string(order.nonce);
    out["digest"] = to_hex(row.digest);
    out["state"] = to_string(standing.state);
    out["watched"] = order.watched.text();
    out["when"] = order.below ? "below" : "above";
    out["trigger"] = order.trigger.to_string_e18();
    out["sell"] = order.sell.text();
    out["amount"] = order.amount.to_string();
    out["proceeds"] = order.proceeds.text();
    out["validFrom"] = std::to_string(order.valid_from.value);
    out["expiry"] = std::to_string(order.expiry.value);
    if (standing.state == OrderState::kTriggered) {
        out["round"] = std::to_string(standing.round.value);
        out["at"] = std::to_string(standing.at.value);
        out["price"] = standing.price.to_string_e18();
    }
    return out;
}

Result<int> run_orders(Context& context) {
    MARGRAVE_TRY(const auto view, open_signed_round(context, RoundNum{0}));
    MARGRAVE_TRY(const auto book, OrderBook::open(view.settings.data_dir, view.network()));
    MARGRAVE_TRY(const auto standings, order_standings(*view.database, book.orders()));
    json list = json::array();
    std::vector<std::vector<std::string>> rows;
    bool triggered = false;
    for (std::size_t i = 0; i < standings.size(); ++i) {
        const SignedOrder& row = book.orders()[i];
        const OrderStanding& standing = standings[i];
        json one = order_json(row, standing);
        if (standing.state == OrderState::kTriggered) {
            triggered = true;
            one["sale"] = planned_sale(row.order, view);
        }
        list.push_back(std::move(one));
        const std::string when = row.order.below ? "<= " : ">= ";
        rows.push_back(
            {in_short(to_hex(row.order.account)),
             std::to_string(row.order.nonce),
             in_short(row.order.watched.text()),
             when + row.order.trigger.to_decimal(),
             std::string(to_string(standing.state)),
             standing.round.value == 0 ? "" : std::to_string(standing.round.value)}
        );
    }
    json document = json::object();
    document["round"] = std::to_string(view.round->attestation.round.value);
    document["orders"] = std::move(list);
    print(
        context,
        columns({"ACCOUNT", "NONCE", "WATCHED", "TRIGGER", "STATE", "ROUND"}, rows, 5),
        document
    );
    if (triggered) {
        advise(
            context,
            "note: a triggered order is for its owner or for who runs the account to act on: a "
            "vault "
            "seizes from liquidatable and bankrupt accounts alone (--output json has each sale)"
        );
    }
    return triggered ? kOrderTriggered : 0;
}

void add_draft(CLI::App& order, Context& context) {
    CLI::App* draft = order.add_subcommand("draft", "Typed data of an order, for a wallet to sign");
    const auto options = std::make_shared<DraftOptions>();
    draft->add_option("--account", options->account, "Account or its owner")->required();
    draft->add_option("--nonce", options->nonce, "Used once per account")->required();
    draft->add_option("--sub", options->sub, "Number of the owner's account");
    draft->add_option("--watch", options->watch, "CAIP-19 id of the asset whose price triggers");
    draft->add_option("--below", options->below, "USD: at this price or below it");
    draft->add_option("--above", options->above, "USD: at this price or above it");
    draft->add_option("--sell", options->sell, "CAIP-19 id of the token to sell");
    draft->add_option("--amount", options->amount, "Whole tokens to sell");
    draft->add_option("--for", options->proceeds, "CAIP-19 id of the token to get");
    draft->add_option("--valid-for", options->valid_for, "Time until it expires (default 7d)");
    draft->add_flag("--cancel", options->cancel, "A cancellation of the order with that nonce");
    on_run(*draft, context, [options](Context& c) { return run_draft(c, *options); });
}

void add_change(CLI::App& order, Context& context, const char* name, const char* what) {
    CLI::App* command = order.add_subcommand(name, what);
    const auto file = std::make_shared<std::string>();
    command->add_option("file", *file, "What was drafted, with its signature")->required();
    const bool cancel = std::string_view(name) == "cancel";
    on_run(*command, context, [file, cancel](Context& c) { return run_change(c, *file, cancel); });
}

}  // namespace

void add_order(CLI::App& app, Context& context) {
    CLI::App* order = app.add_subcommand(
        "order", "Stop-loss and take-profit orders that owners sign; moves nothing by itself"
    );
    order->require_subcommand(1);
    add_draft(*order, context);
    add_change(*order, context, "add", "Keeps a signed order");
    add_change(*order, context, "cancel", "Keeps a signed cancellation");
    CLI::App* list = order->add_subcommand(
        "list", "Orders, the signed round that triggered each, and the sale it asks for"
    );
    on_run(*list, context, [](Context& c) { return run_orders(c); });
}

}  // namespace margrave::relayer
