// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statements.hpp"
#include "margin/health.hpp"
#include "margin/parameters.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::margin {

/// What the venue positions of one underlying add to the sum; how it comes about is for their own
/// module to explain.
struct VenueSum {
    std::string underlying;
    std::string module;
    Money price;
    Money value;
    Money required_initial;
    Money required_liquidation_end;
    Money required_maintenance;
};

/// The evidence of one account, read back from its bytes as anybody who was given them would.
/// USD E18.
struct Explanation {
    AccountId account;
    std::uint64_t engine{0};
    Money equity;
    Money initial;
    Money liquidation_end;
    Money maintenance;
    std::string status;
    std::uint32_t flags{0};
    bool was_liquidatable{false};
    /// In the order of the document.
    std::vector<Term> terms;
    /// Empty in a document without the member; ascending by name.
    std::vector<Relief> reliefs;
    /// Empty in a document without the member.
    std::vector<VenueSum> venues;
    std::vector<Unvalued> unvalued;

    /// What was evaluated of one token.
    struct Units {
        std::string asset;
        Amount collateral;
        Amount debt;
        auto operator<=>(const Units&) const = default;
    };

    /// In the order of the document.
    std::vector<Units> holdings;
    /// Their markets, in the order of the document.
    std::vector<std::string> positions;
    /// Absent in a document without the member.
    std::optional<AtMost> at_most;
};

/// kInvalid unless the text is canonical and has the members of docs/margin.md section 1.
Result<Explanation> read_evidence(std::string_view canonical_text);

/// What a term adds to the account's three health values: value less requirement, by level.
struct Contribution {
    Money initial;
    Money liquidation_end;
    Money maintenance;
};

Result<Contribution> contribution_of(const Term& term);
Result<Contribution> contribution_of(const VenueSum& venue);

/// Whether the evidence is that of the signed leaf and adds up to it: hash, status and amounts; the
/// value of every part from its units, price, decimals and backing; the value of every term from
/// its parts; its requirements from its weights, and the weights from the parameters, which are
/// those in force in the round (margin/in_force.hpp); the reliefs; the sums; the status from them;
/// that the parts are the holdings, of those named as unvalued only what is owed; and the same for
/// `at_most`, of those only what is owned, each at the same price where it has one, and by which
/// the same may be seized. One sentence for each thing that does not come out; empty when all does.
/// An account that is UNATTESTABLE has four amounts of zero; where it says what it is at most, that
/// must decide what may be seized, and else something must make it so whatever the missing prices
/// are. Written apart from the engine on purpose, so that a slip in one of the two shows.
std::vector<std::string> check_evidence(
    std::string_view canonical_text,
    const Explanation& read,
    const AccountState& leaf,
    const Parameters& parameters
);

}  // namespace margrave::margin
