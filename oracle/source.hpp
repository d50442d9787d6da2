// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "infra/task.hpp"
#include "oracle/oracle.hpp"

#include <map>
#include <memory>

namespace margrave::oracle {

/// The block of each chain at which feeds are read.
using Heads = std::map<ChainId, Hash32>;

/// One place a price comes from. Owned by Oracle, lives on its executor. It only reports: whether
/// an answer may be used is decided by guard(). docs/adding-a-price-source.md.
class Source {
  public:
    virtual ~Source() = default;

    /// Never an error: an answer without price says why. `heads` outlives the task.
    virtual Task<Answer> read(const Heads& heads, UnixSeconds now) = 0;

    /// Once at start. kConfig when the settings name something that is no such source.
    virtual Task<Result<void>> probe(const Heads& heads) = 0;
};

/// The source those settings ask for (registry.cpp).
std::unique_ptr<Source> make_source(const SourceSettings& settings, const CallAt& call_at);

std::unique_ptr<Source> make_feed_source(const FeedSourceSettings& settings, const CallAt& call_at);
std::unique_ptr<Source> make_fixed_source(const FixedSourceSettings& settings);

}  // namespace margrave::oracle
