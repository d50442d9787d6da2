// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/early.hpp"
#include "attest/leaf.hpp"
#include "attest/tlog.hpp"
#include "core/bytes.hpp"
#include "margin/parameters.hpp"
#include "store/ledger.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace margrave::relayer {

/// A published log directory as somebody who trusts nobody reads it: the network id is all that is
/// believed. The genesis leaf must hash to it and names the signers; the key leaf must be signed by
/// one of them and names the log's key; the checkpoint must be signed by that key.
struct PublishedLog {
    attest::LogReader log;
    std::string vkey;
    std::vector<Address> signers;
    std::uint64_t threshold{0};
};

/// Errors name the file or entry: kCorrupt, kSignature, kCheckFailed, kNotFound.
Result<PublishedLog> read_published(const std::filesystem::path& dir, const Hash32& network);

/// The parameters that a release is held against as a log is read from its first entry.
class ParametersRead {
  public:
    /// A leaf names these; nothing when they cannot be read.
    void named(std::optional<margin::Parameters> parameters);
    /// A round is attested at this time.
    void attested(UnixSeconds issued_at);
    /// Why none that may be in force allows it, or that none is known; empty when one does. Before
    /// a round is attested at the time of a change, nobody but the signer knows which are.
    [[nodiscard]] std::string fault(const attest::EarlyUse& use) const;

  private:
    std::optional<margin::Parameters> last_;
    std::optional<margin::Parameters> before_;
};

/// Why these parameters do not allow what a release's leaf says it stands on; empty when they do.
std::string early_fault(const margin::Parameters& parameters, const attest::EarlyUse& use);

/// What the ledger has of it; both empty when it agrees.
struct EarlySeen {
    std::string fault{};
    /// Why it cannot tell: blocks that were orphaned since, states that are not kept.
    std::string unable{};
};

/// Holds the blocks and balances of a use against the ledger's. `others` and `amount` are not in
/// it: they are the signer's word.
EarlySeen early_seen(
    const store::Ledger& ledger, const AccountId& account, const attest::EarlyUse& use
);

}  // namespace margrave::relayer
