// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relayer/replay.hpp"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>
#include <vector>

namespace margrave::relayer {

/// What `account explain` prints: every term of one attested account, from the bytes of its
/// evidence, and what does not add up to the signed numbers.
struct ExplainedAccount {
    std::vector<std::string> findings;
    std::string human;
    std::unique_ptr<nlohmann::json> document;

    ExplainedAccount();
    ExplainedAccount(ExplainedAccount&&) noexcept;
    ExplainedAccount& operator=(ExplainedAccount&&) noexcept;
    ~ExplainedAccount();
};

/// `leaf` is what was signed, `evidence_text` the bytes whose hash it carries. kInvalid when they
/// are no evidence at all.
Result<ExplainedAccount> explain_account(
    const ReplayedRound& round, const AccountState& leaf, std::string_view evidence_text
);

}  // namespace margrave::relayer
