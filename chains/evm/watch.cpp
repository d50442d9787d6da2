// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/watch.hpp"

#include "chains/evm/detail/watch_roles.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <utility>

namespace margrave::chains::evm {
namespace {

using abi::is_word;
using abi::Kind;
using detail::is_account;
using detail::is_address;
using detail::is_hash;
using detail::kAccountRole;
using detail::kAmountRole;
using detail::kMarketRole;
using detail::kNumberRole;
using detail::kPriceRole;
using detail::kRateRole;
using detail::kTimeRole;
using detail::kTokenRole;
using detail::Role;
using detail::word_of;

/// Checks one watch and keeps every fault that it finds.
class Compiler {
  public:
    explicit Compiler(const WatchSettings& settings)
        : given_(settings),
          settings_(expand(settings)) {}

    CompiledWatch run() {
        check_parts();
        out_.watch.name = settings_.name;
        out_.watch.source = keccak256(settings_.name);
        out_.watch.token = settings_.token.value_or(settings_.contract.value_or(Address{}));
        out_.watch.custody = settings_.custody;
        if (settings_.preset == WatchPreset::kNativeCustody) {
            out_.watch.native_custody = settings_.custody;
            out_.watch.token = Address{};
        }
        // A preset's own events need the parts that are missing.
        if (!out_.faults.empty() && given_.preset != WatchPreset::kNone) {
            return std::move(out_);
        }
        for (std::size_t i = 0; i < settings_.calls.size(); ++i) {
            add_call(settings_.calls[i], "/calls/" + std::to_string(i));
        }
        for (std::size_t i = 0; i < settings_.events.size(); ++i) {
            add_event(settings_.events[i], "/events/" + std::to_string(i));
        }
        check_readings();
        return std::move(out_);
    }

  private:
    void refuse(std::string at, std::string what) {
        out_.faults.push_back({std::move(at), std::move(what), {}, {}});
    }

    void need(const std::optional<Address>& part, std::string_view name, std::string_view why) {
        if (!part) {
            refuse(
                "/" + std::string(name),
                "is missing: " + std::string(why) +
                    ", e.g. \"0x52908400098527886E0F7030069857D2E4169EE7\""
            );
        }
    }

    void useless(bool given, std::string_view name) {
        if (given) {
            refuse("/" + std::string(name), "has no meaning here; remove it");
        }
    }

    void check_parts() {
        const WatchPreset preset = given_.preset;
        const bool is_aave = preset == WatchPreset::kAaveV3Pool;
        const bool is_native = preset == WatchPreset::kNativeCustody;
        if (!is_native) {
            need(given_.contract, "contract", "the address of the contract that is watched");
        }
        if (is_native || preset == WatchPreset::kErc20Custody) {
            need(given_.custody, "custody", "the address that holds the tokens");
        }
        if (is_aave) {
            need(given_.token, "token", "the token of the reserve");
            need(given_.balance_token, "balance_token", "the reserve's aToken");
        } else {
            useless(given_.balance_token.has_value(), "balance_token");
            useless(given_.debt_token.has_value(), "debt_token");
            useless(given_.stable_debt_token.has_value(), "stable_debt_token");
        }
        if (preset == WatchPreset::kErc4626) {
            need(given_.token, "token", "the vault's asset(), in which shares are counted");
        }
        useless(is_native && given_.contract, "contract");
        useless(is_native && given_.token, "token");
        useless(preset == WatchPreset::kErc20Custody && given_.token, "token");
        if (preset != WatchPreset::kNone) {
            useless(!given_.events.empty(), "events");
            useless(!given_.calls.empty(), "calls");
        } else if (given_.events.empty()) {
            refuse(
                "/events",
                "is missing: give a preset (erc20-custody, native-custody, erc4626, aave-v3-pool) "
                "or the events that count"
            );
        }
    }

    std::optional<abi::Signature> parse(
        const std::string& text, std::string_view keyword, const std::string& at
    ) {
        auto parsed = abi::parse_signature(text);
        const std::string example =
            keyword == "event" ? "\"event Deposit(address indexed owner, uint256 amount)\""
                               : "\"function balanceOf(address account) view returns (uint256)\"";
        if (!parsed) {
            refuse(at, parsed.error().detail + "; expected e.g. " + example);
            return std::nullopt;
        }
        if (!text.starts_with(std::string(keyword) + " ")) {
            refuse(at, "must begin with \"" + std::string(keyword) + "\", e.g. " + example);
            return std::nullopt;
        }
        std::vector<std::string_view> names;
        for (const abi::Param& param : parsed.value().params) {
            if (!param.name.empty() && std::ranges::find(names, param.name) != names.end()) {
                refuse(at, "has two arguments with the name \"" + param.name + "\"");
                return std::nullopt;
            }
            names.emplace_back(param.name);
        }
        return std::move(parsed).value();
    }

    void add_call(const WatchCallSettings& call, const std::string& at) {
        auto signature = parse(call.call, "function", at + "/call");
        if (!signature) {
            return;
        }
        const bool one_account =
            signature->params.size() == 1 && is_account(signature->params[0].type);
        if (!one_account) {
            refuse(
                at + "/call",
                "must take the account alone, as an address or a bytes32; it takes " +
                    abi::canonical(signature->tuple())
            );
            return;
        }
        Reading reading;
        reading.contract = call.contract.value_or(settings_.contract.value_or(Address{}));
        reading.token = out_.watch.token;
        reading.is_debt = call.is_debt;
        reading.call = std::move(*signature);
        out_.watch.readings.push_back(std::move(reading));
    }

    // Arguments by name while one event is compiled.
    struct Scope {
        const abi::Signature& signature;
        std::vector<Argument> places;
        std::string at;
    };

    static std::vector<std::string> names_of(const abi::Signature& signature) {
        std::vector<std::string> out;
        for (const abi::Param& param : signature.params) {
            if (!param.name.empty()) {
                out.push_back(param.name);
            }
        }
        return out;
    }

    std::optional<Argument> argument(
        const Scope& scope, std::string_view member, const std::string& name
    ) {
        const std::string at = scope.at + "/" + std::string(member);
        const auto& params = scope.signature.params;
        const auto found = std::ranges::find(params, name, &abi::Param::name);
        if (name.empty() || found == params.end()) {
            WatchFault fault;
            fault.at = at;
            fault.known = names_of(scope.signature);
            fault.given = name;
            fault.what = name.empty()
                             ? "is missing"
                             : "\"" + name + "\" is no argument of " + scope.signature.canonical();
            out_.faults.push_back(std::move(fault));
            return std::nullopt;
        }
        const Argument& out = scope.places[static_cast<std::size_t>(found - params.begin())];
        if (out.indexed && !is_word(out.type)) {
            refuse(
                at,
                "\"" + name +
                    "\" is indexed and does not fit a word, so the log holds only its "
                    "hash; use another argument"
            );
            return std::nullopt;
        }
        return out;
    }

    std::optional<Argument> argument(
        const Scope& scope, std::string_view member, const std::string& name, const Role& role
    ) {
        auto out = argument(scope, member, name);
        if (out && !role.fits(out->type)) {
            refuse(
                scope.at + "/" + std::string(member),
                "\"" + name + "\" is of type " + abi::canonical(out->type) + "; expected " +
                    std::string(role.what) + ", e.g. an argument such as \"" +
                    std::string(role.example) + "\""
            );
            return std::nullopt;
        }
        return out;
    }

    // False when the event cannot be matched at all.
    bool add_places(Scope& scope, Rule& rule) {
        std::size_t in_data = 0;
        rule.data.kind = Kind::kTuple;
        rule.data.head_words = 0;
        for (const abi::Param& param : scope.signature.params) {
            Argument place{param.type, param.indexed, 0};
            if (param.indexed) {
                place.place = rule.topics.size();
                rule.topics.push_back(
                    is_word(param.type) ? std::optional(param.type) : std::nullopt
                );
            } else {
                place.place = in_data++;
                rule.data.dynamic = rule.data.dynamic || param.type.dynamic;
                rule.data.head_words += param.type.head_words;
                rule.data.parts.push_back(param.type);
            }
            scope.places.push_back(std::move(place));
        }
        if (rule.topics.size() > 3) {
            refuse(
                scope.at + "/event",
                "has " + std::to_string(rule.topics.size()) +
                    " indexed arguments; a log has "
                    "room for three"
            );
            return false;
        }
        return true;
    }

    void add_event(const WatchEventSettings& event, const std::string& at) {
        const auto signature = parse(event.event, "event", at + "/event");
        if (!signature) {
            return;
        }
        const std::string_view text = event.event;
        if (text.substr(text.rfind(')')).find("anonymous") != std::string_view::npos) {
            refuse(at + "/event", "is anonymous: its logs do not say which event they are");
            return;
        }
        Rule rule;
        rule.contract = event.contract.value_or(settings_.contract.value_or(Address{}));
        rule.topic = signature->topic();
        rule.event = signature->canonical();
        rule.meaning = event.meaning;
        Scope scope{*signature, {}, at};
        if (!add_places(scope, rule)) {
            return;
        }
        const std::size_t before = out_.faults.size();
        if (event.meaning != Meaning::kPrice && event.meaning != Meaning::kRate) {
            const auto account = argument(scope, "account", event.account, kAccountRole);
            rule.account = account.value_or(Argument{});
        }
        add_meaning(scope, event, rule);
        add_filters(scope, event, rule);
        if (out_.faults.size() == before) {
            out_.watch.rules.push_back(std::move(rule));
        }
    }

    void add_meaning(const Scope& scope, const WatchEventSettings& event, Rule& rule) {
        const auto refuse_unused = [&](std::string_view name, const std::string& value) {
            if (!value.empty()) {
                refuse(scope.at + "/" + std::string(name), "has no meaning here; remove it");
            }
        };
        const bool moves = event.meaning == Meaning::kDeposit ||
                           event.meaning == Meaning::kWithdraw ||
                           event.meaning == Meaning::kBorrow || event.meaning == Meaning::kRepay;
        const bool links = event.meaning == Meaning::kLink || event.meaning == Meaning::kUnlink;
        if (event.meaning == Meaning::kTouch && settings_.calls.empty()) {
            refuse(scope.at + "/meaning", "is \"touch\", but the watch has no calls to read");
        }
        if (moves) {
            rule.amount = argument(scope, "amount", event.amount, kAmountRole);
        } else {
            refuse_unused("amount", event.amount);
        }
        if (moves || event.meaning == Meaning::kRate) {
            add_token(scope, event, rule);
        } else {
            refuse_unused("token", event.token);
        }
        if (event.meaning == Meaning::kPosition) {
            rule.market = argument(scope, "market", event.market, kMarketRole);
            rule.size = argument(scope, "size", event.size, kNumberRole);
            rule.entry_price = argument(scope, "entry_price", event.entry_price, kNumberRole);
        } else {
            refuse_unused("market", event.market);
            refuse_unused("size", event.size);
            refuse_unused("entry_price", event.entry_price);
        }
        if (links) {
            rule.into = argument(scope, "into", event.into, kAccountRole);
        } else {
            refuse_unused("into", event.into);
        }
        if (event.meaning == Meaning::kPrice || event.meaning == Meaning::kRate) {
            refuse_unused("account", event.account);
        }
        add_rate(scope, event, rule);
        if (event.meaning == Meaning::kPrice) {
            rule.price = argument(scope, "price", event.price, kPriceRole);
            if (!event.time.empty()) {
                rule.time = argument(scope, "time", event.time, kTimeRole);
            }
        } else {
            refuse_unused("price", event.price);
            refuse_unused("time", event.time);
        }
        const bool owes = event.meaning == Meaning::kBorrow || event.meaning == Meaning::kRepay;
        rule.is_read = moves && std::ranges::any_of(out_.watch.readings, [&](const Reading& r) {
                           return r.is_debt == owes;
                       });
    }

    void add_rate(const Scope& scope, const WatchEventSettings& event, Rule& rule) {
        const bool is_rate = event.meaning == Meaning::kRate;
        const auto refuse_unused = [&](std::string_view name, bool given) {
            if (!is_rate && given) {
                refuse(scope.at + "/" + std::string(name), "has no meaning here; remove it");
            }
        };
        refuse_unused("rate", !event.rate.empty());
        refuse_unused("rate_decimals", event.rate_decimals.has_value());
        refuse_unused("rate_per", event.rate_per_second.has_value());
        refuse_unused("from_block", event.from_block.has_value());
        refuse_unused("to_block", event.to_block.has_value());
        if (!is_rate) {
            return;
        }
        rule.rate = argument(scope, "rate", event.rate, kRateRole);
        rule.rate_decimals = event.rate_decimals.value_or(kRateDecimals);
        rule.rate_per_second = event.rate_per_second.value_or(false);
        rule.from_block = event.from_block.value_or(BlockNum{});
        rule.to_block = event.to_block;
        if (!event.from_block) {
            refuse(
                scope.at + "/from_block",
                "is missing: the first block whose rates count, the same at all operators; for a "
                "network that runs, one that none of them has followed yet, e.g. \"19000000\""
            );
        } else if (rule.to_block && *rule.to_block < rule.from_block) {
            refuse(scope.at + "/to_block", "is below \"from_block\"");
        }
    }

    void add_token(const Scope& scope, const WatchEventSettings& event, Rule& rule) {
        if (event.token.empty()) {
            rule.token = out_.watch.token;
        } else if (event.token == "native") {
            rule.token = Address{};
        } else if (event.token.starts_with("0x")) {
            const auto address = parse_address(event.token);
            if (!address) {
                refuse(scope.at + "/token", address.error().detail);
                return;
            }
            rule.token = address.value();
        } else if (const auto token = argument(scope, "token", event.token, kTokenRole)) {
            rule.token = *token;
        }
    }

    void add_filters(const Scope& scope, const WatchEventSettings& event, Rule& rule) {
        for (std::size_t i = 0; i < event.where.size(); ++i) {
            const WatchFilterSettings& filter = event.where[i];
            const std::string member = "where/" + std::to_string(i);
            const auto found = argument(scope, member + "/argument", filter.argument);
            if (!found) {
                continue;
            }
            const auto word = word_of(found->type, filter.equals, settings_);
            if (!word) {
                refuse(
                    scope.at + "/" + member + "/equals",
                    "\"" + filter.equals + "\" is no " + abi::canonical(found->type) + ": " +
                        word.error().detail
                );
                continue;
            }
            rule.where.push_back({*found, word.value()});
        }
    }

    // A reading is an absolute balance in one token: an event in another one would never be read,
    // and an account that an event gives as 32 bytes cannot be asked for as an address.
    void check_readings() {
        const bool by_address =
            std::ranges::any_of(out_.watch.readings, [](const Reading& reading) {
                return is_address(reading.call.params[0].type);
            });
        for (std::size_t i = 0; i < settings_.events.size() && by_address; ++i) {
            const WatchEventSettings& event = settings_.events[i];
            const auto signature = abi::parse_signature(event.event);
            if (!signature || event.account.empty()) {
                continue;
            }
            for (const abi::Param& param : signature.value().params) {
                if (param.name == event.account && is_hash(param.type)) {
                    refuse(
                        "/events/" + std::to_string(i) + "/account",
                        "\"" + event.account +
                            "\" is a bytes32, but the watch's calls take an "
                            "address"
                    );
                }
            }
        }
    }

    const WatchSettings& given_;
    WatchSettings settings_;
    CompiledWatch out_;
};

}  // namespace

CompiledWatch compile(const WatchSettings& settings) {
    return Compiler(settings).run();
}

}  // namespace margrave::chains::evm
