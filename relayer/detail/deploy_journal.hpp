// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace margrave::relayer {

/// One creation as it was signed; the journal keeps it until the chain is done.
struct Creation {
    Address address;
    Hash32 txn_hash;
    std::uint64_t nonce{0};
    Bytes raw;
    /// keccak of the creation code with its arguments.
    Hash32 code;
};

using Journal = std::map<std::string, Creation>;

/// Beside the deployment file, one a chain.
std::filesystem::path journal_file(const config::Settings& settings, const ChainId& chain);
/// Empty when there is none.
Result<Journal> read_journal(const std::filesystem::path& file);
Result<void> write_journal(const std::filesystem::path& file, const Journal& journal);

}  // namespace margrave::relayer
