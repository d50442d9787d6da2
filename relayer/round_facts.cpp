// SPDX-License-Identifier: Apache-2.0
#include "relayer/round_facts.hpp"

#include "core/keccak.hpp"

#include <string>
#include <utility>

namespace margrave::relayer {

Result<margin::Parameters> stored_parameters(const store::Database& database, const Hash32& hash) {
    const auto bytes = database.document("parameters/" + to_hex(hash));
    if (!bytes) {
        return fail(Errc::kNotFound, "the store lost the parameters " + to_hex(hash));
    }
    if (const Hash32 computed = keccak256(*bytes); computed != hash) {
        return fail(
            Errc::kCheckFailed,
            "the parameters computed again is " + to_hex(computed) + ", signed was " + to_hex(hash)
        );
    }
    return margin::parse_parameters(as_text(*bytes));
}

Result<std::optional<margin::Parameters>> previous_parameters(
    const store::Database& database, const margin::Parameters& next
) {
    if (!next.change) {
        return std::optional<margin::Parameters>{};
    }
    MARGRAVE_TRY(auto previous, stored_parameters(database, next.change->previous));
    return std::optional<margin::Parameters>(std::move(previous));
}

std::string price_document_name(const Attestation& attestation) {
    return "prices/" + to_hex(attestation.prices) + "/" + std::to_string(attestation.round.value);
}

std::optional<Bytes> price_document(
    const store::Database& database, const Attestation& attestation
) {
    auto bytes = database.document(price_document_name(attestation));
    return bytes ? bytes : database.document("prices/" + to_hex(attestation.prices));
}

margin::RoundFacts round_facts(
    const margin::Parameters& parameters,
    const oracle::Memory& memory,
    UnixSeconds issued_at,
    std::map<ChainId, UnixSeconds> head_times,
    margin::Totals totals
) {
    margin::RoundFacts out;
    out.at = issued_at;
    out.head_times = std::move(head_times);
    out.totals = std::move(totals);
    for (const margin::AssetParameters& asset : parameters.assets) {
        const auto known = memory.find(asset.name);
        if (known == memory.end() || !known->second.slow) {
            continue;
        }
        for (const margin::AssetOnChain& form : asset.on) {
            out.slow_prices.emplace(form.asset, known->second.slow->price);
        }
    }
    return out;
}

}  // namespace margrave::relayer
