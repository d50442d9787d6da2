// SPDX-License-Identifier: Apache-2.0
#include "relayer/replay.hpp"

#include <algorithm>
#include <set>

#include "attest/digest.hpp"
#include "core/keccak.hpp"
#include "relayer/detail/messages.hpp"

namespace margrave::relayer {

namespace {

Result<Canonical> document(const store::Database& database, const std::string& name) {
    const auto bytes = database.document(name);
    if (!bytes) {
        return fail(Errc::kNotFound, "the store has no document '" + name + "'");
    }
    return parse_canonical(as_text(*bytes));
}

Result<std::set<AccountId>> accounts_member(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(auto list, member(value, name));
    std::set<AccountId> out;
    const auto* items = std::get_if<Canonical::Array>(&list.value());
    if (items == nullptr) {
        return fail(Errc::kCorrupt, "'" + std::string(name) + "' is no array");
    }
    for (const Canonical& item : *items) {
        const auto* text = std::get_if<std::string>(&item.value());
        if (text == nullptr) {
            return fail(Errc::kCorrupt, "'" + std::string(name) + "' holds something else than text");
        }
        MARGRAVE_TRY(auto account, parse_account(*text));
        out.insert(account);
    }
    return out;
}

Result<void> compare(std::string_view what, const Hash32& computed, const Hash32& signed_value) {
    if (computed == signed_value) {
        return ok();
    }
    return fail(
        Errc::kCheckFailed,
        std::string(what) + " computed again is " + to_hex(computed) + ", signed was " +
            to_hex(signed_value)
    );
}

}  // namespace

Result<ReplayedRound> replay_round(
    const Hash32& network, const store::Database& database, const store::Ledger& ledger, RoundNum round
) {
    ReplayedRound out;
    const std::string name =
        round.value == 0 ? "round/last" : "round/" + std::to_string(round.value);
    MARGRAVE_TRY(auto evidence, document(database, name));
    MARGRAVE_TRY(auto signed_draft, member(evidence, "signed"));
    MARGRAVE_TRY(auto draft, parse_round_message(signed_draft));
    out.attestation = draft.attestation;
    out.heads = draft.heads;
    out.digest = attest::digest_of(network, draft.attestation);
    for (const PriceRow& row : draft.prices) {
        out.prices.emplace(row.asset, row);
    }
    MARGRAVE_TRY(compare("the snapshot", attest::snapshot_hash(out.heads), draft.attestation.snapshot));
    MARGRAVE_TRY(compare("the price root", attest::price_root(draft.prices), draft.attestation.prices));

    const auto parameters = database.document("parameters/" + to_hex(draft.attestation.parameters));
    if (!parameters) {
        return fail(Errc::kNotFound, "the store lost the parameters of round " + name);
    }
    MARGRAVE_TRY(compare("the parameters", keccak256(*parameters), draft.attestation.parameters));
    MARGRAVE_TRY(out.parameters, margin::parse_parameters(as_text(*parameters)));

    store::AsOf as_of;
    for (const Head& head : out.heads) {
        as_of[head.chain] = head.number;
    }
    MARGRAVE_TRY(auto latched, accounts_member(evidence, "latched"));
    MARGRAVE_TRY(auto provisional, accounts_member(evidence, "provisional"));
    MARGRAVE_TRY(auto accounts, ledger.all_holdings(as_of));
    std::vector<Hash32> leaves;
    for (const AccountHoldings& holdings : accounts) {
        out.evaluations.push_back(margin::evaluate(
            holdings,
            out.prices,
            out.parameters,
            latched.contains(holdings.account),
            provisional.contains(holdings.account)
        ));
        leaves.push_back(attest::leaf_hash(out.evaluations.back().state));
    }
    out.tree = attest::MerkleTree(std::move(leaves));
    MARGRAVE_TRY(compare("the account root", out.tree.root(), draft.attestation.accounts));
    return out;
}

}  // namespace margrave::relayer
