// SPDX-License-Identifier: Apache-2.0
#include "relayer/seizure_call.hpp"

#include "relayer/detail/messages.hpp"

namespace margrave::relayer {

Result<Bytes> complete_seizure(
    const store::Database& database,
    const chains::ChainAdapter& adapter,
    const store::Intent& intent,
    RoundNum registry_round
) {
    const auto signed_bytes = database.document("seizure/" + intent.label);
    if (!signed_bytes) {
        return fail(Errc::kCorrupt, "the store has no signed seizure " + intent.label);
    }
    MARGRAVE_TRY(auto document, parse_canonical(as_text(*signed_bytes)));
    MARGRAVE_TRY(auto seizure, parse_signed_seizure(document));
    const AccountId& account = seizure.draft.seizure.account;
    const auto unknown = [&] {
        return fail(
            Errc::kNotFound,
            "round " + std::to_string(registry_round.value) + " does not call account " +
                to_hex(account) + " liquidatable"
        );
    };
    const auto proof_bytes = database.document(proof_document(account, registry_round));
    if (!proof_bytes) {
        return unknown();
    }
    MARGRAVE_TRY(auto proof_text, parse_canonical(as_text(*proof_bytes)));
    MARGRAVE_TRY(auto stored, parse_proof(proof_text));
    if (stored.round != registry_round) {
        return unknown();
    }
    const ExecuteSeizure execute{
        seizure.draft.seizure, stored.state, stored.proof, seizure.signatures};
    MARGRAVE_TRY(auto call, adapter.encode(execute));
    return std::move(call.second);
}

}  // namespace margrave::relayer
