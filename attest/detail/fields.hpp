// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statements.hpp"

#include <string_view>

// Each statement of protocol.md section 2 as one row of (EIP-712 type, name, value). The type
// string, the words that are hashed, the typed data and its parser all walk this row, so none of
// them can disagree about an order or a name. `S` is the statement, const or not.
namespace margrave::attest::detail {

template <class S>
struct Fields;

template <>
struct Fields<Attestation> {
    static constexpr std::string_view kName = "Attestation";

    template <class S, class Visitor>
    static void visit(S& s, Visitor&& field) {
        field("uint64", "round", s.round);
        field("uint64", "signerEpoch", s.signer_epoch);
        field("uint64", "issuedAt", s.issued_at);
        field("uint64", "validUntil", s.valid_until);
        field("bytes32", "previous", s.previous);
        field("bytes32", "parameters", s.parameters);
        field("bytes32", "snapshot", s.snapshot);
        field("bytes32", "prices", s.prices);
        field("bytes32", "accounts", s.accounts);
        field("uint64", "accountCount", s.account_count);
    }
};

template <>
struct Fields<Release> {
    static constexpr std::string_view kName = "Release";

    template <class S, class Visitor>
    static void visit(S& s, Visitor&& field) {
        field("bytes32", "id", s.id);
        field("uint8", "kind", s.kind);
        field("bytes32", "chain", s.chain);
        field("address", "vault", s.vault);
        field("bytes32", "account", s.account);
        field("address", "token", s.token);
        field("uint256", "amount", s.amount);
        field("address", "recipient", s.recipient);
        field("uint64", "round", s.round);
        field("uint64", "deadline", s.deadline);
    }
};

template <>
struct Fields<Seizure> {
    static constexpr std::string_view kName = "Seizure";

    template <class S, class Visitor>
    static void visit(S& s, Visitor&& field) {
        field("bytes32", "id", s.id);
        field("bytes32", "chain", s.chain);
        field("address", "vault", s.vault);
        field("bytes32", "account", s.account);
        field("address", "token", s.token);
        field("uint256", "amount", s.amount);
        field("address", "debtToken", s.debt_token);
        field("uint256", "minProceeds", s.min_proceeds);
        field("address", "sale", s.sale);
        field("uint64", "round", s.round);
        field("uint64", "deadline", s.deadline);
    }
};

template <>
struct Fields<SignerSet> {
    static constexpr std::string_view kName = "SignerSet";

    template <class S, class Visitor>
    static void visit(S& s, Visitor&& field) {
        field("uint64", "epoch", s.epoch);
        field("uint64", "threshold", s.threshold);
        field("bytes32", "signers", s.signers);
        field("uint64", "activatesAt", s.activates_at);
        field("bytes32", "previous", s.previous);
    }
};

template <>
struct Fields<Link> {
    static constexpr std::string_view kName = "Link";

    template <class S, class Visitor>
    static void visit(S& s, Visitor&& field) {
        field("bytes32", "account", s.account);
        field("bytes32", "chain", s.chain);
        field("bytes32", "wallet", s.wallet);
        field("uint64", "nonce", s.nonce);
        field("uint64", "deadline", s.deadline);
    }
};

}  // namespace margrave::attest::detail
