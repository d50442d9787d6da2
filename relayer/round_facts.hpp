// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"
#include "margin/in_force.hpp"
#include "oracle/oracle.hpp"
#include "store/database.hpp"

#include <map>
#include <optional>
#include <string>

namespace margrave::relayer {

/// Parameters that the store keeps under their hash. kNotFound, or kCheckFailed when they are not
/// those.
Result<margin::Parameters> stored_parameters(const store::Database& database, const Hash32& hash);

/// Those that the change of `next` names; nothing when it has none.
Result<std::optional<margin::Parameters>> previous_parameters(
    const store::Database& database, const margin::Parameters& next
);

/// Where a round's price document is kept. Rounds with the same rows have one root, and documents
/// of their own: they were judged at other times.
std::string price_document_name(const Attestation& attestation);
/// That document; nothing where it is not kept. Older stores have it under its root alone.
std::optional<Bytes> price_document(
    const store::Database& database, const Attestation& attestation
);

/// What a round adds to its parameters, from what it signs: its time, the block times of its heads,
/// the memory in its price document, and the sums over all accounts at its snapshot. The daemon and
/// whoever replays the round call this one function.
margin::RoundFacts round_facts(
    const margin::Parameters& parameters,
    const oracle::Memory& memory,
    UnixSeconds issued_at,
    std::map<ChainId, UnixSeconds> head_times,
    margin::Totals totals
);

}  // namespace margrave::relayer
