// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/agreement.hpp"
#include "chains/evm/proof/header.hpp"
#include "chains/rpc/pool.hpp"
#include "chains/settings.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// The answers of several operators to one batch of calls, as voices and as common answers. Plain
/// functions; what to ask and what follows is decided elsewhere.
namespace margrave::chains::evm {

/// A block of a node's chain. The header is there unless the chain is one whose headers cannot be
/// hashed again (ProofMode::kAgreement).
struct KnownBlock {
    BlockRef block;
    std::optional<ProvedHeader> header;
};

/// Their numbers, hashes, parents and times alone.
std::vector<BlockRef> refs_of(const std::vector<KnownBlock>& blocks);

/// Answer to ask_block: nothing for null. The hash is recomputed but for ProofMode::kAgreement.
/// kUnproved: its fields do not give its hash, or it is another number than was asked for.
Result<std::optional<KnownBlock>> read_block(
    const nlohmann::json& answer, ProofMode proof, std::optional<BlockNum> asked
);

/// The calls of the first question of a step and where their answers stand.
struct FirstQuestion {
    std::vector<rpc::RpcCall> calls;
    /// The number of the ledger's head, when it has one.
    std::optional<BlockNum> head;
    bool has_tag{false};
};

FirstQuestion first_question(std::optional<BlockNum> head, std::optional<std::string_view> tag);

/// What a node's first answers come to.
struct Heard {
    std::optional<Voice> voice;
    /// Why there is no voice; bounded.
    std::string silence;
    /// It answers for another chain id.
    std::optional<std::uint64_t> other_chain;
    /// A header that does not hash to its hash: a disproof, with the answer.
    std::optional<Evidence> disproof;
};

Heard hear(
    const rpc::OperatorAnswer& answer,
    const FirstQuestion& question,
    ProofMode proof,
    std::uint64_t chain_id
);

/// Blocks at further numbers, added to the voice of the operator that gave them.
void hear_more(
    Survey& survey,
    const rpc::OperatorAnswer& answer,
    std::span<const BlockNum> numbers,
    ProofMode proof
);

using CommonAnswers = std::vector<rpc::RpcResult<nlohmann::json>>;

/// One answer a call, each given alike by `needed` operators. A value or a revert is a statement;
/// any other error states nothing, and is the common answer only when no statement is common.
/// kUnable: the operators' statements on some call differ or are too few; the sentence names them.
Result<CommonAnswers> common_answers(
    std::span<const rpc::OperatorAnswer> answers,
    std::span<const rpc::RpcCall> calls,
    std::uint64_t needed
);

/// Operators whose statement is not the common one. Evidence only where the calls name their block
/// by hash.
std::vector<Evidence> differing(
    std::span<const rpc::OperatorAnswer> answers,
    std::span<const rpc::RpcCall> calls,
    const CommonAnswers& common
);

}  // namespace margrave::chains::evm
