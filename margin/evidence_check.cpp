// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "margin/detail/evidence_parts.hpp"
#include "margin/explain.hpp"

#include <algorithm>
#include <array>
#include <utility>

// Does the arithmetic of a signed evidence again, from its own numbers and the parameters.
namespace margrave::margin {
namespace {

struct ExaminedLevels {
    Money initial;
    Money liquidation_end;
    Money maintenance;
};

/// Holds one evidence against its leaf and writes down what does not come out.
class Examiner {
  public:
    Examiner(const AccountState& leaf, const Parameters& parameters)
        : leaf_(leaf),
          parameters_(parameters) {}

    void compare_leaf(std::string_view text, const Explanation& read) {
        if (const Hash32 hash = keccak256(text); hash != leaf_.detail) {
            say("its hash is " + to_hex(hash) + ", the leaf's detail is " + to_hex(leaf_.detail));
        }
        if (read.account != leaf_.account) {
            say("it is of account " + to_hex(read.account) + ", the leaf of " +
                to_hex(leaf_.account));
        }
        if (read.status != to_string(leaf_.status) || read.flags != leaf_.flags) {
            say("it says " + read.status + " with flags " + std::to_string(read.flags) +
                ", the leaf " + std::string(to_string(leaf_.status)) + " with flags " +
                std::to_string(leaf_.flags));
        }
        compare("equity", read.equity, leaf_.equity);
        compare("initial health", read.initial, leaf_.initial);
        compare("liquidation-end health", read.liquidation_end, leaf_.liquidation_end);
        compare("maintenance health", read.maintenance, leaf_.maintenance);
    }

    void check_sums(
        const std::vector<Term>& terms,
        const std::vector<Relief>& reliefs,
        const std::vector<VenueSum>& venues
    ) {
        for (std::size_t i = 0; i < terms.size(); ++i) {
            check_term(terms[i]);
            if (terms[i].parts.empty()) {
                say(terms[i].asset + " has no parts");
            }
            if (i > 0 && terms[i].asset <= terms[i - 1].asset) {
                say(terms[i].asset + " does not come after " + terms[i - 1].asset);
            }
        }
        for (const VenueSum& venue : venues) {
            count(venue);
        }
        check_reliefs(terms, reliefs);
    }

    void check_term(const Term& term) {
        const AssetParameters* asset = nullptr;
        Money gained;
        Money lost;
        for (const Term::Part& part : term.parts) {
            asset = parameters_.find(part.asset);
            check_part(term, part, asset);
            accumulate(gained, part.collateral_value);
            accumulate(lost, part.debt_value);
        }
        if (!term.parts.empty()) {
            compare(term.asset + ": sum of the parts", difference(gained, lost), term.value);
        }
        if (asset != nullptr) {
            check_counted(term, *asset);
            check_weights(term, *asset);
        }
        check_requirement(
            term, "initial", term.counted_initial, term.weight_initial, term.required_initial
        );
        check_requirement(
            term,
            "liquidation-end",
            term.counted,
            term.weight_liquidation_end,
            term.required_liquidation_end
        );
        check_requirement(
            term, "maintenance", term.counted, term.weight_maintenance, term.required_maintenance
        );
        count(term);
    }

    /// The relief of each correlation from the terms of its assets, added up as a reader would.
    void check_reliefs(const std::vector<Term>& terms, const std::vector<Relief>& reliefs) {
        std::size_t next = 0;
        for (const Correlation& group : parameters_.risk.correlations) {
            const ExaminedLevels owed = relief_of(group, terms);
            const bool said = next < reliefs.size() && reliefs[next].correlation == group.name;
            const Relief relief = said ? reliefs[next] : Relief{};
            next += said ? 1 : 0;
            compare(group.name + ": initial relief", owed.initial, relief.initial);
            compare(
                group.name + ": liquidation-end relief",
                owed.liquidation_end,
                relief.liquidation_end
            );
            compare(group.name + ": maintenance relief", owed.maintenance, relief.maintenance);
            required_.initial = difference(required_.initial, relief.initial);
            required_.liquidation_end =
                difference(required_.liquidation_end, relief.liquidation_end);
            required_.maintenance = difference(required_.maintenance, relief.maintenance);
        }
        if (next != reliefs.size()) {
            say("it has a relief that no correlation of the parameters gives");
        }
    }

    /// Adds a term or a venue to the sums.
    template <class Part>
    void count(const Part& part) {
        accumulate(value_, part.value);
        accumulate(required_.initial, part.required_initial);
        accumulate(required_.liquidation_end, part.required_liquidation_end);
        accumulate(required_.maintenance, part.required_maintenance);
    }

    void compare_sums() {
        compare("sum of the terms' values", value_, leaf_.equity);
        compare(
            "equity less initial requirements", difference(value_, required_.initial), leaf_.initial
        );
        compare(
            "equity less liquidation-end requirements",
            difference(value_, required_.liquidation_end),
            leaf_.liquidation_end
        );
        compare(
            "equity less maintenance requirements",
            difference(value_, required_.maintenance),
            leaf_.maintenance
        );
    }

    /// The first of the statuses whose condition the sums meet (docs/margin.md section 1).
    Status status_of_sums(bool was_liquidatable) {
        const Money liquidation_end = difference(value_, required_.liquidation_end);
        const bool has_debt = (leaf_.flags & flags::kHasDebt) != 0;
        const bool is_latched = was_liquidatable && liquidation_end.is_negative();
        Status status = difference(value_, required_.initial).is_negative() ? Status::kMarginCall
                                                                            : Status::kHealthy;
        if (difference(value_, required_.maintenance).is_negative() || is_latched) {
            status = Status::kLiquidatable;
        }
        if (has_debt && value_.is_negative()) {
            status = Status::kBankrupt;
        }
        return status;
    }

    void check_status(bool was_liquidatable) {
        const Status status = status_of_sums(was_liquidatable);
        if (status != leaf_.status) {
            say("the amounts make it " + std::string(to_string(status)) + ", said is " +
                std::string(to_string(leaf_.status)));
        }
    }

    /// What has no usable price counts at the highest that it may have.
    void check_unpriced(const Explanation& read, const std::vector<Term>& terms) {
        for (const Unvalued& row : read.unvalued) {
            const auto asset = AssetId::parse(row.what);
            const AssetParameters* known = asset ? parameters_.find(asset.value()) : nullptr;
            if (known == nullptr) {
                continue;
            }
            for (const Term& term : terms) {
                for (const Term::Part& part : term.parts) {
                    if (part.asset == asset.value()) {
                        check_highest(row, known->price_max, part.price);
                    }
                }
            }
        }
    }

    // Beyond the band it is a price that was told, as the price set says.
    void check_highest(const Unvalued& row, const Money& band, const Money& price) {
        const bool may_be_beyond = row.why == describe_guards(flags::kPriceOutOfBounds);
        if (!may_be_beyond || price < band) {
            compare(row.what + ": highest price", band, price);
        }
    }

    void check_unattestable(const Explanation& read) {
        for (const Money* amount :
             {&leaf_.equity, &leaf_.initial, &leaf_.liquidation_end, &leaf_.maintenance}) {
            if (!amount->is_zero()) {
                say("an UNATTESTABLE account has an amount of " + amount->to_decimal());
            }
        }
        if (!read.at_most && !detail::cannot_be_bounded(read, leaf_.flags, parameters_)) {
            say("nothing that it says makes the account UNATTESTABLE");
        }
    }

    std::vector<std::string> take() { return std::move(findings_); }

  private:
    void say(std::string sentence) { findings_.push_back(std::move(sentence)); }

    void compare(const std::string& what, const Money& computed, const Money& said) {
        if (computed != said) {
            say(what + " is " + computed.to_decimal() + ", said is " + said.to_decimal());
        }
    }

    void accumulate(Money& sum, const Money& part) {
        if (auto total = add(sum, part); total) {
            sum = std::move(total).value();
        } else {
            say(total.error().detail);
        }
    }

    Money difference(const Money& a, const Money& b) {
        auto out = sub(a, b);
        if (!out) {
            say(out.error().detail);
        }
        return out ? std::move(out).value() : Money{};
    }

    void check_part(const Term& term, const Term::Part& part, const AssetParameters* asset) {
        const std::string name = part.asset.text();
        const AssetOnChain* on = parameters_.find_on(part.asset);
        if (asset == nullptr || on == nullptr) {
            say(name + " is no asset of the parameters");
            return;
        }
        if (asset->name != term.asset) {
            say(name + " is " + asset->name + " but counts as " + term.asset);
        }
        compare(name + ": backing", on->backing, part.backing);
        compare(name + ": price", term.price, part.price);
        const auto owned = value_of(part.collateral, asset->decimals, part.price, Round::kDown);
        const auto backed = owned ? mul(owned.value(), part.backing, Round::kDown) : owned;
        const auto owed = value_of(part.debt, asset->decimals, part.price, Round::kUp);
        if (!backed || !owed) {
            say(name + " cannot be valued");
            return;
        }
        compare(name + ": collateral value", backed.value(), part.collateral_value);
        compare(name + ": debt value", owed.value(), part.debt_value);
    }

    void check_weights(const Term& term, const AssetParameters& asset) {
        const Weights& initial = term.counted_initial.is_negative() ? asset.debt : asset.collateral;
        const Weights& others = term.counted.is_negative() ? asset.debt : asset.collateral;
        compare(term.asset + ": initial weight", initial.initial, term.weight_initial);
        compare(
            term.asset + ": liquidation-end weight",
            others.liquidation_end,
            term.weight_liquidation_end
        );
        compare(term.asset + ": maintenance weight", others.maintenance, term.weight_maintenance);
    }

    static const Money& capped(const Money& value, const Money& cap) {
        return cap.is_zero() ? value : min(value, cap);
    }

    /// What counts before weights, from the parts.
    void check_counted(const Term& term, const AssetParameters& asset) {
        Money initial;
        Money others;
        for (const Term::Part& part : term.parts) {
            const AssetOnChain* on = parameters_.find_on(part.asset);
            if (on == nullptr) {
                return;
            }
            accumulate(others, capped(part.collateral_value, on->cap));
            accumulate(others, negate(part.debt_value));
            accumulate(
                initial, part.initial ? part.initial->collateral_value : part.collateral_value
            );
            accumulate(initial, negate(part.initial ? part.initial->debt_value : part.debt_value));
            check_initial(part, asset, *on);
        }
        if (!term.parts.empty()) {
            compare(
                term.asset + ": initially counted", capped(initial, asset.cap), term.counted_initial
            );
            compare(term.asset + ": counted", capped(others, asset.cap), term.counted);
        }
    }

    void check_initial(
        const Term::Part& part, const AssetParameters& asset, const AssetOnChain& on
    ) {
        const std::string name = part.asset.text() + ": initial ";
        const Money counted = difference(Money::whole(1), on.uncounted);
        if (!part.initial) {
            compare(name + "part", counted, Money::whole(1));
            return;
        }
        compare(name + "part", counted, part.initial->part);
        const auto owned =
            value_of(part.collateral, asset.decimals, part.initial->price, Round::kDown);
        const auto backed = owned ? mul(owned.value(), on.backing, Round::kDown) : owned;
        const auto owed = value_of(part.debt, asset.decimals, part.initial->debt_price, Round::kUp);
        const auto left =
            backed ? mul(capped(backed.value(), on.cap), counted, Round::kDown) : backed;
        if (!left || !owed) {
            say(name + "value does not fit");
            return;
        }
        compare(name + "collateral value", left.value(), part.initial->collateral_value);
        compare(name + "debt value", owed.value(), part.initial->debt_value);
        if (part.initial->price > part.price || part.initial->debt_price < part.price) {
            say(name + "prices are better than the price");
        }
    }

    /// relief (taken of gains matched / gains + taken of losses matched / losses), and what is left
    /// is at least what is left at the easier level.
    ExaminedLevels relief_of(const Correlation& group, const std::vector<Term>& terms) {
        ExaminedLevels out;
        Money least;
        const std::array<Money ExaminedLevels::*, 3> into{
            &ExaminedLevels::maintenance,
            &ExaminedLevels::liquidation_end,
            &ExaminedLevels::initial};
        const std::array<Money Term::*, 3> required{
            &Term::required_maintenance, &Term::required_liquidation_end, &Term::required_initial};
        for (std::size_t level = 0; level < into.size(); ++level) {
            Money sum;
            std::array<Money, 2> net;
            std::array<Money, 2> taken;
            for (const Term& term : terms) {
                if (std::ranges::find(group.assets, term.asset) == group.assets.end()) {
                    continue;
                }
                const Money& counted = level == 2 ? term.counted_initial : term.counted;
                const std::size_t side = counted.is_negative() ? 1 : 0;
                accumulate(sum, term.*required[level]);
                accumulate(net[side], counted);
                const Money uncounted = difference(term.value, counted);
                accumulate(taken[side], difference(term.*required[level], uncounted));
            }
            const Money matched = min(net[0], negate(net[1]));
            const Money owed = matched.is_zero() ? Money{} : share_of(group, matched, net, taken);
            least = max(difference(sum, owed), least);
            out.*into[level] = difference(sum, least);
        }
        return out;
    }

    Money share_of(
        const Correlation& group,
        const Money& matched,
        const std::array<Money, 2>& net,
        const std::array<Money, 2>& taken
    ) {
        const auto gains = mul_div(taken[0], matched, net[0], Round::kDown);
        const auto losses = mul_div(taken[1], matched, negate(net[1]), Round::kDown);
        const auto both = gains && losses ? add(gains.value(), losses.value()) : gains;
        const auto share = both ? mul(both.value(), group.relief, Round::kDown) : both;
        if (!share) {
            say(group.name + ": the relief does not fit");
        }
        return share ? share.value() : Money{};
    }

    void check_requirement(
        const Term& term,
        std::string_view level,
        const Money& value,
        const Money& weight,
        const Money& said
    ) {
        const auto counted = mul(value, weight, Round::kDown);
        if (!counted) {
            say(counted.error().detail);
            return;
        }
        compare(
            term.asset + ": " + std::string(level) + " requirement",
            difference(term.value, counted.value()),
            said
        );
    }

    const AccountState& leaf_;
    const Parameters& parameters_;
    std::vector<std::string> findings_;
    Money value_;
    ExaminedLevels required_;
};

// `may_seize`: by the sums at the least.
std::vector<std::string> check_most(
    const Explanation& read, const AccountState& leaf, const Parameters& parameters, bool may_seize
) {
    AccountState most = leaf;
    most.equity = read.at_most->equity;
    most.initial = read.at_most->initial;
    most.liquidation_end = read.at_most->liquidation_end;
    most.maintenance = read.at_most->maintenance;
    Examiner examiner(most, parameters);
    examiner.check_sums(read.at_most->terms, read.at_most->reliefs, read.venues);
    examiner.compare_sums();
    examiner.check_unpriced(read, read.at_most->terms);
    const bool may_seize_then = is_seizable(examiner.status_of_sums(read.was_liquidatable));
    std::vector<std::string> findings = examiner.take();
    detail::compare_parts_at_most(read, parameters, findings);
    const bool is_unattestable = leaf.status == Status::kUnattestable;
    if (!is_unattestable && may_seize_then != may_seize) {
        findings.emplace_back("it decides what may be seized, and the account is attested");
    }
    if (is_unattestable && may_seize_then == may_seize) {
        findings.emplace_back("it decides nothing, and the account is UNATTESTABLE");
    }
    return findings;
}

}  // namespace

std::vector<std::string> check_evidence(
    std::string_view canonical_text,
    const Explanation& read,
    const AccountState& leaf,
    const Parameters& parameters
) {
    Examiner examiner(leaf, parameters);
    examiner.compare_leaf(canonical_text, read);
    const bool is_unattestable = leaf.status == Status::kUnattestable;
    if (is_unattestable) {
        examiner.check_unattestable(read);
        if (!read.at_most) {
            return examiner.take();
        }
    }
    examiner.check_sums(read.terms, read.reliefs, read.venues);
    examiner.check_unpriced(read, read.terms);
    if (!is_unattestable) {
        examiner.compare_sums();
        examiner.check_status(read.was_liquidatable);
    }
    const bool may_seize = is_seizable(examiner.status_of_sums(read.was_liquidatable));
    std::vector<std::string> findings = examiner.take();
    detail::compare_parts(read, parameters, findings);
    const bool has_unpriced = detail::has_unpriced(read, parameters);
    if (has_unpriced != ((leaf.flags & kNoPrice) != 0)) {
        findings.emplace_back("the flags do not say whether something has no usable price");
    }
    if (!read.at_most) {
        if (has_unpriced) {
            findings.emplace_back(
                "something has no usable price, and what the account is at most is not said"
            );
        }
        return findings;
    }
    for (std::string& finding : check_most(read, leaf, parameters, may_seize)) {
        findings.push_back("at most: " + std::move(finding));
    }
    return findings;
}

}  // namespace margrave::margin
