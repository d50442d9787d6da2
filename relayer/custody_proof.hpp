// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/client.hpp"
#include "core/events.hpp"
#include "infra/task.hpp"

#include <optional>
#include <string>
#include <vector>

// What the state of one block proves of a vault, by eth_getProof (EIP-1186). The block's hash is
// all that is believed: the header hashes to it, the header names the state root, and account and
// storage are tries below that root. So whoever answers need not be trusted.
namespace margrave::relayer {

struct VaultProof {
    Hash32 state_root;
    /// Slots 0 and 1 of the vault: how many events it ever made, and their running hash.
    Accumulator events;
    /// Native coin, in wei.
    Amount balance;
};

struct TokenProof {
    /// Where in the token's storage the vault's balance lies.
    Hash32 slot;
    Amount balance;
};

/// kUnproved: what the node gave does not hash up to the block. kUnable: it has no such proof.
/// `node` outlives the task.
Task<Result<VaultProof>> prove_vault(chains::rpc::RpcCaller& node, Address vault, Hash32 block);

/// A token's balances are a mapping whose place is the token's own affair, so the usual places are
/// all proved and the one that holds `told` is it. kUnable when none does, and when `told` is zero,
/// which every unused place holds.
Task<Result<TokenProof>> prove_token_balance(
    chains::rpc::RpcCaller& node, Address token, Address vault, Hash32 block, Amount told
);

/// The usual places of a holder's balance: mappings at the first slots as Solidity and Vyper lay
/// them out (docs.soliditylang.org, "Layout of State Variables in Storage"), OpenZeppelin's
/// ERC-7201 namespace of its upgradeable tokens, and Solady's hashed seed.
std::vector<Hash32> balance_places(const Address& holder);

}  // namespace margrave::relayer
