// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/new_rules.hpp"

#include "core/keccak.hpp"
#include "infra/files.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/round_facts.hpp"

#include <algorithm>

namespace margrave::relayer {
namespace {

constexpr std::size_t kRulesBytesMax = std::size_t{16} << 20U;

bool is_called(Status status) {
    return status == Status::kMarginCall || margin::is_seizable(status);
}

// UNATTESTABLE says nothing about how an account stands.
Status more_severe(Status a, Status b) {
    if (a == Status::kUnattestable || b == Status::kUnattestable) {
        return a == Status::kUnattestable ? b : a;
    }
    return std::max(a, b);
}

Result<Canonical::Array> listed_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(const auto found, member(value, name));
    const auto* list = std::get_if<Canonical::Array>(&found.value());
    if (list == nullptr) {
        return fail(Errc::kCorrupt, "'" + std::string(name) + "' of the price document is no list");
    }
    return *list;
}

Result<oracle::Answer> read_answer(const Canonical& value) {
    oracle::Answer out;
    MARGRAVE_TRY(out.source, text_member(value, "source"));
    MARGRAVE_TRY(out.round, text_member(value, "round"));
    MARGRAVE_TRY(out.origin, text_member(value, "origin"));
    MARGRAVE_TRY(out.error, text_member(value, "error"));
    MARGRAVE_TRY(const auto published, integer_member(value, "published_at"));
    out.published_at = UnixSeconds{published};
    MARGRAVE_TRY(const auto chain, text_member(value, "chain"));
    if (!chain.empty()) {
        MARGRAVE_TRY(out.chain, ChainId::parse(chain));
        MARGRAVE_TRY(const auto block, text_member(value, "block"));
        MARGRAVE_TRY(out.block, parse_hash32(block));
    }
    const auto* object = std::get_if<Canonical::Object>(&value.value());
    if (object != nullptr && object->contains("price")) {
        MARGRAVE_TRY(const auto price, text_member(value, "price"));
        MARGRAVE_TRY(out.price, Money::parse_e18(price));
    }
    return out;
}

/// One asset of a price document.
struct PricedAsset {
    std::string name;
    std::vector<oracle::Answer> answers;
    Hash32 hash;
    std::uint64_t min_sources{1};
    Money max_spread;
};

Result<PricedAsset> read_priced(const Canonical& value) {
    PricedAsset out;
    MARGRAVE_TRY(out.name, text_member(value, "name"));
    MARGRAVE_TRY(const auto answers, listed_member(value, "answers"));
    for (const Canonical& answer : answers) {
        MARGRAVE_TRY(auto read, read_answer(answer));
        out.answers.push_back(std::move(read));
    }
    out.hash = keccak256(oracle::canonical(out.answers).dump());
    MARGRAVE_TRY(const auto guards, member(value, "guards"));
    MARGRAVE_TRY(out.min_sources, integer_member(guards, "min_sources"));
    MARGRAVE_TRY(const auto spread, text_member(guards, "max_spread"));
    MARGRAVE_TRY(out.max_spread, Money::parse_e18(spread));
    return out;
}

// The guards of the new rules for one asset.
oracle::AssetOracleSettings guards_for(
    const NewRules& rules, const margin::AssetParameters& asset, const PricedAsset& priced
) {
    const auto own =
        std::ranges::find(rules.oracle, asset.name, &oracle::AssetOracleSettings::name);
    if (own != rules.oracle.end()) {
        return *own;
    }
    oracle::AssetOracleSettings out;
    out.name = asset.name;
    out.max_age_s = asset.max_age_s;
    out.price_min = asset.price_min;
    out.price_max = asset.price_max;
    out.min_sources = static_cast<unsigned>(std::min<std::uint64_t>(priced.min_sources, 1'000));
    out.max_spread = priced.max_spread;
    return out;
}

// Every row that was signed for the asset names these very answers.
Result<void> check_sources(
    const ReplayedRound& round, const margin::AssetParameters& asset, const PricedAsset& priced
) {
    for (const margin::AssetOnChain& form : asset.on) {
        const auto row = round.prices.find(form.asset);
        if (row != round.prices.end() && row->second.sources != priced.hash) {
            return fail(
                Errc::kCheckFailed,
                "round " + std::to_string(round.attestation.round.value) +
                    ": the answers kept for " + form.asset.text() + " hash to " +
                    to_hex(priced.hash) + ", signed was " + to_hex(row->second.sources)
            );
        }
    }
    return ok();
}

void add_problems(
    const std::vector<margin::ParameterError>& errors, std::vector<config::Problem>& problems
) {
    for (const margin::ParameterError& error : errors) {
        problems.push_back({error.where, error.what});
    }
}

}  // namespace

Result<NewRules> read_new_rules(
    const std::filesystem::path& file, std::vector<config::Problem>& problems
) {
    MARGRAVE_TRY(auto text, infra::read_file(file, kRulesBytesMax));
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    NewRules out;
    if (auto signed_form = margin::parse_parameters(text)) {
        out.parameters = std::move(signed_form).value();
        add_problems(margin::check(out.parameters), problems);
    } else {
        config::Loaded loaded = config::load(file);
        problems = std::move(loaded.problems);
        out.parameters = std::move(loaded.settings.parameters);
        out.oracle = std::move(loaded.settings.oracle);
    }
    if (!problems.empty()) {
        return fail(
            Errc::kConfig,
            std::to_string(problems.size()) +
                (problems.size() == 1 ? " problem in " : " problems in ") + file.string()
        );
    }
    return out;
}

Result<margin::PriceTable> judge_prices(
    const store::Database& database, const ReplayedRound& round, const NewRules& rules
) {
    const auto bytes = price_document(database, round.attestation);
    if (!bytes) {
        return round.prices;
    }
    MARGRAVE_TRY(const auto document, parse_canonical(as_text(*bytes)));
    MARGRAVE_TRY(const auto now, integer_member(document, "now"));
    MARGRAVE_TRY(const auto assets, listed_member(document, "assets"));
    margin::PriceTable out;
    for (const Canonical& value : assets) {
        MARGRAVE_TRY(const auto priced, read_priced(value));
        const auto asset =
            std::ranges::find(rules.parameters.assets, priced.name, &margin::AssetParameters::name);
        if (asset == rules.parameters.assets.end()) {
            continue;
        }
        MARGRAVE_TRY(check_sources(round, *asset, priced));
        const oracle::AssetOracleSettings guards = guards_for(rules, *asset, priced);
        for (const margin::AssetOnChain& form : asset->on) {
            out[form.asset] = oracle::guard(guards, form.asset, priced.answers, UnixSeconds{now});
        }
    }
    return out;
}

Result<margin::DeadChains> judge_heads(
    const store::Ledger& ledger,
    const ReplayedRound& round,
    const margin::Parameters& parameters,
    const ChainId& hub
) {
    margin::DeadChains out;
    for (const Head& head : round.heads) {
        const auto block = ledger.block_at(head.chain, head.number);
        if (!block) {
            return fail(Errc::kCheckFailed, "the ledger lost a block of " + head.chain.text());
        }
        const auto is_old = [&](const margin::Parameters& rules) {
            return margin::is_head_too_old(
                block->time, round.attestation.issued_at, rules.head_age_limit(head.chain)
            );
        };
        const bool was_halted = round.dead.contains(head.chain) && !is_old(round.parameters);
        if (was_halted || is_old(parameters)) {
            out.add(head.chain, hub);
        }
    }
    return out;
}

Result<void> RulesReplay::add(
    const store::Database& database, const store::Ledger& ledger, const ReplayedRound& round
) {
    MARGRAVE_TRY(const auto prices, judge_prices(database, round, rules_));
    MARGRAVE_TRY(const auto dead, judge_heads(ledger, round, rules_.parameters, hub_));
    const margin::Parameters rules = margin::in_force(rules_.parameters, prices, round.facts);
    const margin::Market market(prices, rules, dead);
    for (const margin::Evaluation& evaluation : round.evaluations) {
        const AccountId& account = evaluation.state.account;
        // Before the first round looked at, the latch is what it was.
        const auto latch = latched_.try_emplace(account, evaluation.was_liquidatable).first;
        const AccountState would =
            margin::evaluate_state(evaluation.holdings, market, latch->second, false);
        if (would.status != Status::kUnattestable) {
            latch->second = margin::is_seizable(would.status);
        }
        compare(round, evaluation.state, would);
    }
    return ok();
}

void RulesReplay::compare(
    const ReplayedRound& round, const AccountState& was, const AccountState& would
) {
    Verdict& verdict = verdicts_[was.account];
    verdict.account = was.account;
    verdict.was = more_severe(verdict.was, was.status);
    verdict.would = more_severe(verdict.would, would.status);
    const Verdict::First first{
        round.attestation.round, round.attestation.issued_at, was.status, would.status, would};
    const auto note = [&first](std::optional<Verdict::First>& into, bool is_new) {
        if (is_new && !into) {
            into = first;
        }
    };
    note(verdict.called, is_called(would.status) && !is_called(was.status));
    note(verdict.liquidated, margin::is_seizable(would.status) && !margin::is_seizable(was.status));
    note(
        verdict.unattestable,
        would.status == Status::kUnattestable && was.status != Status::kUnattestable
    );
    if (is_called(was.status) && !is_called(would.status)) {
        ++verdict.relieved;
    }
}

}  // namespace margrave::relayer
