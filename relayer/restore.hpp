// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statements.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace margrave::relayer {

// A store that came out of a backup (docs/ledger.md section 10): what a published log adds to it,
// and what it must show before anything is signed from it.

/// What the published log had beyond the backup.
struct LogCompletion {
    std::uint64_t leaves{0};
    std::uint64_t attestations{0};
    std::uint64_t releases{0};
    std::uint64_t seizures{0};
    std::uint64_t refusals{0};
    std::uint64_t halts{0};
};

/// Appends to the store's log what `entries`, a log that was checked, has beyond it, together with
/// what each entry says was decided: holds, legs, answers, stops, parameters, the last attestation.
/// What an entry does not say stays lost: the evidence of its round, and the transaction that
/// brings it to a chain. kUnsafe when the two are not of one history.
Result<LogCompletion> complete_from_log(
    store::Database& database,
    const store::Ledger& ledger,
    const Hash32& network,
    const std::vector<Bytes>& entries
);

/// The file in a store's directory that says that it was restored and not compared yet.
Result<void> mark_restored(const std::filesystem::path& store_dir, const std::string& what);
/// What `mark_restored` wrote; nullopt when there is no such file.
Result<std::optional<std::string>> restored_mark(const std::filesystem::path& store_dir);
Result<void> remove_restored_mark(const std::filesystem::path& store_dir);

/// The heads that the last attestation in the store's log names; none when there is none.
Result<std::vector<Head>> attested_heads(const store::Database& database, const Hash32& network);

/// Whether the ledger, read again from the chain, is at the head what was attested there: empty
/// when it is, else what it waits for. kUnsafe when it is something else.
Result<std::string> compare_head(const store::Ledger& ledger, const Head& head);

}  // namespace margrave::relayer
