// SPDX-License-Identifier: Apache-2.0
#include "relayer/rate_rules.hpp"

#include "chains/evm/watch.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace margrave::relayer {

namespace {

using chains::evm::Rule;
namespace abi = chains::evm::abi;

// "Told(address indexed,uint256)": what decides which logs match and where their arguments lie.
std::string shape_of(const abi::Signature& event) {
    std::string out = event.name + "(";
    for (const abi::Param& param : event.params) {
        out += (out.back() == '(' ? "" : ",") + abi::canonical(param.type) +
               (param.indexed ? " indexed" : "");
    }
    return out + ")";
}

std::string place_of(const abi::Signature& event, const std::string& name) {
    const auto found = std::ranges::find(event.params, name, &abi::Param::name);
    MARGRAVE_ASSERT(found != event.params.end());
    return "argument " + std::to_string(found - event.params.begin() + 1);
}

std::string text_of(const chains::WatchEventSettings& event, const Rule& rule) {
    const auto parsed = abi::parse_signature(event.event);
    MARGRAVE_ASSERT(parsed.has_value());
    const abi::Signature& signature = parsed.value();
    const auto* token = std::get_if<Address>(&rule.token);
    std::string out = to_hex(rule.contract) + " " + shape_of(signature) + ": " +
                      place_of(signature, event.rate) + " with " +
                      std::to_string(rule.rate_decimals) + " decimals a " +
                      (rule.rate_per_second ? "second" : "year") + ", token ";
    out += token == nullptr ? place_of(signature, event.token) : to_hex(*token);
    for (std::size_t i = 0; i < event.where.size(); ++i) {
        out +=
            ", " + place_of(signature, event.where[i].argument) + " " + to_hex(rule.where[i].word);
    }
    return out;
}

// The first block in which a rate counts at all.
std::optional<BlockNum> first_block(const std::vector<store::RateRule>& rules) {
    const auto first = std::ranges::min_element(rules, {}, &store::RateRule::from);
    return first == rules.end() ? std::nullopt : std::optional(first->from);
}

std::uint64_t age_of(const RateNow& rate, UnixSeconds now) {
    const UnixSeconds since = rate.told.index.since;
    return now > since ? now.value - since.value : 0;
}

}  // namespace

std::vector<store::RateRule> rate_rules(const chains::ChainSettings& chain) {
    std::vector<store::RateRule> out;
    for (const chains::WatchSettings& watch : chain.watch) {
        const chains::evm::CompiledWatch compiled = chains::evm::compile(watch);
        MARGRAVE_ASSERT(compiled.faults.empty());
        // A preset has rules of its own, and none is about rates.
        for (std::size_t i = 0; i < watch.events.size(); ++i) {
            const Rule& rule = compiled.watch.rules[i];
            if (rule.meaning == chains::Meaning::kRate) {
                out.push_back({text_of(watch.events[i], rule), rule.from_block, rule.to_block});
            }
        }
    }
    std::ranges::sort(out);
    return out;
}

Result<void> follow_rates(store::Ledger& ledger, const std::vector<chains::ChainSettings>& chains) {
    for (const chains::ChainSettings& chain : chains) {
        auto followed = ledger.follow_rates(chain.chain, rate_rules(chain));
        // What the directory was filled with cannot change under it: the config has to.
        if (!followed && followed.error().code == Errc::kConflict) {
            return fail(Errc::kConfig, "/chains/*/watch: " + followed.error().detail);
        }
        MARGRAVE_TRY(std::move(followed));
    }
    return ok();
}

Result<std::vector<RateNow>> rates_now(const store::Ledger& ledger) {
    std::vector<RateNow> out;
    for (const store::LedgerDefinition& definition : ledger.ledgers()) {
        const auto head = ledger.chain_state(definition.asset.chain()).head;
        if (!head) {
            continue;
        }
        MARGRAVE_TRY(const auto told, ledger.told_rate(definition.id, head->number));
        MARGRAVE_TRY(const auto index, ledger.interest(definition.id, head->number));
        if (told && index) {
            out.push_back({definition, *index, *told, *head});
        }
    }
    return out;
}

std::string watch_name(const std::vector<chains::ChainSettings>& chains, const RateNow& rate) {
    for (const chains::ChainSettings& chain : chains) {
        for (const chains::WatchSettings& watch : chain.watch) {
            const bool is_here = chain.chain == rate.ledger.asset.chain();
            if (is_here && keccak256(watch.name) == rate.told.source) {
                return watch.name;
            }
        }
    }
    return to_hex(rate.told.source);
}

std::string in_time(std::uint64_t seconds) {
    constexpr std::array<std::pair<std::uint64_t, const char*>, 4> kUnits{
        {{86'400, "d"}, {3'600, "h"}, {60, "min"}, {1, "s"}}};
    for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
        const auto [many, large] = kUnits[i];
        const auto [few, small] = kUnits[i + 1];
        if (seconds >= many) {
            return std::to_string(seconds / many) + " " + large + " " +
                   std::to_string(seconds % many / few) + " " + small;
        }
    }
    return std::to_string(seconds) + " s";
}

Finding judge_rates(
    const chains::ChainSettings& chain,
    std::span<const RateNow> rates,
    const std::optional<BlockRef>& head,
    UnixSeconds now
) {
    const auto first = first_block(rate_rules(chain));
    const std::string look =
        "see whether its contract still tells rates: the last one holds until the next";
    if (rates.empty() && (!first || !head || head->number < *first)) {
        return {
            CheckState::kOk,
            "loans cost nothing before block " + std::to_string(first.value_or(BlockNum{}).value),
            {}};
    }
    if (rates.empty()) {
        return {
            CheckState::kWarn,
            "no rate of our tokens was told since block " + std::to_string(first->value),
            "until one is, loans cost nothing; see whether the contract tells rates of them"};
    }
    std::string seen;
    bool is_old = false;
    for (const RateNow& rate : rates) {
        const std::uint64_t age = age_of(rate, now);
        is_old = is_old || age > kRateOld_s;
        seen += (seen.empty() ? "" : ", ") + rate.ledger.asset.text() + " told " + in_time(age) +
                " ago";
    }
    return is_old ? Finding{CheckState::kWarn, std::move(seen), look}
                  : Finding{CheckState::kOk, std::move(seen), {}};
}

}  // namespace margrave::relayer
