// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"
#include "core/result.hpp"
#include "infra/task.hpp"
#include "oracle/kinds.hpp"
#include "oracle/oracle.hpp"

#include <map>
#include <memory>
#include <string>

namespace margrave::oracle {

/// The block of each chain at which it is read.
using Heads = std::map<ChainId, BlockRef>;

/// One place a price comes from. Owned by Oracle, lives on its executor. It only reports: whether
/// an answer may be used is decided by guard(). docs/adding-a-price-source.md.
class Source {
  public:
    virtual ~Source() = default;

    /// Who is asked, as in its answers; the same for two sources that ask the same.
    [[nodiscard]] virtual std::string origin() const = 0;

    /// Never an error: an answer without price says why. `heads` outlives the task.
    virtual Task<Answer> read(const Heads& heads, UnixSeconds now) = 0;

    /// Once at start. kConfig when the settings name something that is no such source.
    virtual Task<Result<void>> probe(const Heads& heads) = 0;
};

/// The source those settings ask for; kConfig says what is missing or wrong in them.
Result<std::unique_ptr<Source>> make_source(const SourceSettings& settings, const Reach& reach);

// One a kind, each in the file of its name in oracle/sources/.
const SourceKind& feed_kind();
const SourceKind& fixed_kind();
const SourceKind& pyth_kind();
const SourceKind& uniswap_v3_kind();
const SourceKind& erc4626_kind();
const SourceKind& rate_kind();
const SourceKind& event_kind();
const SourceKind& https_kind();
const SourceKind& signed_kind();

}  // namespace margrave::oracle
