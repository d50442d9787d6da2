// SPDX-License-Identifier: Apache-2.0
#include "config/detail/build_watch.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace margrave::config::detail {
namespace {

chains::WatchPreset build_preset(const std::optional<std::string>& name) {
    using enum chains::WatchPreset;
    if (name == "erc20-custody") {
        return kErc20Custody;
    }
    if (name == "native-custody") {
        return kNativeCustody;
    }
    if (name == "erc4626") {
        return kErc4626;
    }
    return name == "aave-v3-pool" ? kAaveV3Pool : kNone;
}

chains::Meaning build_meaning(const std::optional<std::string>& name) {
    using enum chains::Meaning;
    constexpr std::pair<std::string_view, chains::Meaning> kMeanings[] = {
        {"deposit", kDeposit},
        {"withdraw", kWithdraw},
        {"borrow", kBorrow},
        {"repay", kRepay},
        {"position", kPosition},
        {"link", kLink},
        {"unlink", kUnlink},
        {"price", kPrice},
        {"rate", kRate},
    };
    for (const auto& [word, meaning] : kMeanings) {
        if (name == word) {
            return meaning;
        }
    }
    return kTouch;
}

chains::WatchEventSettings build_watch_event(const Reader& in) {
    chains::WatchEventSettings out;
    take(out.event, in.text("event"));
    out.meaning = build_meaning(in.text("meaning"));
    out.contract = in.address("contract");
    take(out.account, in.text("account"));
    take(out.token, in.text("token"));
    take(out.amount, in.text("amount"));
    take(out.market, in.text("market"));
    take(out.size, in.text("size"));
    take(out.entry_price, in.text("entry_price"));
    take(out.into, in.text("into"));
    take(out.price, in.text("price"));
    take(out.time, in.text("time"));
    take(out.rate, in.text("rate"));
    if (const auto decimals = in.integer("rate_decimals")) {
        out.rate_decimals = static_cast<unsigned>(*decimals);
    }
    if (const auto per = in.text("rate_per")) {
        out.rate_per_second = *per == "second";
    }
    if (const auto from = in.count("from_block")) {
        out.from_block = BlockNum{*from};
    }
    if (const auto to = in.count("to_block")) {
        out.to_block = BlockNum{*to};
    }
    for (std::size_t i = 0; i < in.size("where"); ++i) {
        const Reader filter = in.item("where", i);
        chains::WatchFilterSettings row;
        take(row.argument, filter.text("argument"));
        take(row.equals, filter.text("equals"));
        out.where.push_back(std::move(row));
    }
    return out;
}

std::string_view name_of(chains::WatchPreset preset) {
    using enum chains::WatchPreset;
    switch (preset) {
        case kNone:
            return "";
        case kErc20Custody:
            return "erc20-custody";
        case kNativeCustody:
            return "native-custody";
        case kErc4626:
            return "erc4626";
        case kAaveV3Pool:
            return "aave-v3-pool";
    }
    return "";
}

std::string_view name_of(chains::Meaning meaning) {
    using enum chains::Meaning;
    switch (meaning) {
        case kDeposit:
            return "deposit";
        case kWithdraw:
            return "withdraw";
        case kBorrow:
            return "borrow";
        case kRepay:
            return "repay";
        case kPosition:
            return "position";
        case kLink:
            return "link";
        case kUnlink:
            return "unlink";
        case kTouch:
            return "touch";
        case kPrice:
            return "price";
        case kRate:
            return "rate";
    }
    return "";
}

// Absent members are left out, as in the config.
class Writer {
  public:
    Writer& text(std::string_view name, std::string_view value) {
        if (!value.empty()) {
            out_.emplace(std::string(name), std::string(value));
        }
        return *this;
    }

    Writer& address(std::string_view name, const std::optional<Address>& value) {
        return text(name, value ? to_hex(*value) : std::string{});
    }

    Writer& block(std::string_view name, const std::optional<BlockNum>& value) {
        return text(name, value ? std::to_string(value->value) : std::string{});
    }

    Writer& list(std::string_view name, Canonical::Array items) {
        if (!items.empty()) {
            out_.emplace(std::string(name), std::move(items));
        }
        return *this;
    }

    Canonical done() { return Canonical(std::move(out_)); }

  private:
    Canonical::Object out_;
};

Canonical document_of(const chains::WatchEventSettings& event) {
    Canonical::Array where;
    for (const chains::WatchFilterSettings& filter : event.where) {
        where.push_back(
            Writer().text("argument", filter.argument).text("equals", filter.equals).done()
        );
    }
    const bool is_rate = event.meaning == chains::Meaning::kRate;
    const unsigned decimals = event.rate_decimals.value_or(chains::kRateDecimals);
    return Writer()
        .text("account", event.account)
        .text("amount", event.amount)
        .address("contract", event.contract)
        .text("entry_price", event.entry_price)
        .text("event", event.event)
        .block("from_block", event.from_block)
        .text("into", event.into)
        .text("market", event.market)
        .text("meaning", name_of(event.meaning))
        .text("price", event.price)
        .text("rate", event.rate)
        .text("rate_decimals", is_rate ? std::to_string(decimals) : "")
        .text("rate_per", event.rate_per_second.value_or(false) ? "second" : "")
        .text("size", event.size)
        .text("time", event.time)
        .block("to_block", event.to_block)
        .text("token", event.token)
        .list("where", std::move(where))
        .done();
}

Canonical document_of(const chains::ChainSettings& chain, const chains::WatchSettings& watch) {
    Canonical::Array events;
    for (const chains::WatchEventSettings& event : watch.events) {
        events.push_back(document_of(event));
    }
    Canonical::Array calls;
    for (const chains::WatchCallSettings& call : watch.calls) {
        calls.push_back(Writer()
                            .text("call", call.call)
                            .address("contract", call.contract)
                            .text("gives", call.is_debt ? "debt" : "balance")
                            .done());
    }
    return Writer()
        .address("balance_token", watch.balance_token)
        .list("calls", std::move(calls))
        .text("chain", chain.chain.text())
        .address("contract", watch.contract)
        .address("custody", watch.custody)
        .address("debt_token", watch.debt_token)
        .list("events", std::move(events))
        .text("name", watch.name)
        .text("preset", name_of(watch.preset))
        .address("stable_debt_token", watch.stable_debt_token)
        .address("token", watch.token)
        .done();
}

}  // namespace

chains::WatchSettings build_watch(const Reader& in) {
    chains::WatchSettings out;
    take(out.name, in.text("name"));
    out.preset = build_preset(in.text("preset"));
    out.contract = in.address("contract");
    out.custody = in.address("custody");
    out.token = in.address("token");
    out.balance_token = in.address("balance_token");
    out.debt_token = in.address("debt_token");
    out.stable_debt_token = in.address("stable_debt_token");
    for (std::size_t i = 0; i < in.size("events"); ++i) {
        out.events.push_back(build_watch_event(in.item("events", i)));
    }
    for (std::size_t i = 0; i < in.size("calls"); ++i) {
        const Reader call = in.item("calls", i);
        chains::WatchCallSettings row;
        take(row.call, call.text("call"));
        row.is_debt = call.text("gives") == "debt";
        row.contract = call.address("contract");
        out.calls.push_back(std::move(row));
    }
    return out;
}

Canonical::Array watches_document(const std::vector<chains::ChainSettings>& chains) {
    std::map<std::pair<std::string, std::string>, Canonical> sorted;
    for (const chains::ChainSettings& chain : chains) {
        for (const chains::WatchSettings& watch : chain.watch) {
            sorted.emplace(std::pair(chain.chain.text(), watch.name), document_of(chain, watch));
        }
    }
    Canonical::Array out;
    for (auto& [place, document] : sorted) {
        out.push_back(std::move(document));
    }
    return out;
}

}  // namespace margrave::config::detail
