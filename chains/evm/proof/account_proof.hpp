// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/proof/header.hpp"
#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// Accounts and their storage against a state root (EIP-1186).
namespace margrave::chains::evm {

struct AccountState {
    std::uint64_t nonce{0};
    /// Wei.
    Amount balance;
    Hash32 storage_root;
    Hash32 code_hash;
    bool operator==(const AccountState&) const = default;
};

struct SlotValue {
    Hash32 slot;
    /// Zero for a slot that was never written, and for every slot of an account that is not there.
    Amount value;
    bool operator==(const SlotValue&) const = default;
};

/// What a state holds of one address. Made by prove_account only.
class ProvedAccount {
  public:
    [[nodiscard]] const Address& address() const { return address_; }

    /// Nothing: the state has no such account.
    [[nodiscard]] const std::optional<AccountState>& state() const { return state_; }

    /// The asked slots, in the order in which they were asked.
    [[nodiscard]] const std::vector<SlotValue>& slots() const { return slots_; }

  private:
    friend Result<ProvedAccount> prove_account(
        const nlohmann::json& answer,
        const Hash32& state_root,
        const Address& asked,
        std::span<const Hash32> slots
    );

    ProvedAccount(
        const Address& address, std::optional<AccountState> state, std::vector<SlotValue> slots
    )
        : address_(address),
          state_(std::move(state)),
          slots_(std::move(slots)) {}

    Address address_;
    std::optional<AccountState> state_;
    std::vector<SlotValue> slots_;
};

/// That an eth_getProof answer about `asked` and exactly `slots`, in their order, holds in the
/// state with this root. Every value the answer states must be the proved one. kUnproved: about
/// another address or slot, a node that does not hash or fit, a value that differs. kUnable: null
/// or malformed, or no node at all.
Result<ProvedAccount> prove_account(
    const nlohmann::json& answer,
    const Hash32& state_root,
    const Address& asked,
    std::span<const Hash32> slots
);
/// The same in the state after a block.
Result<ProvedAccount> prove_account(
    const nlohmann::json& answer,
    const ProvedHeader& header,
    const Address& asked,
    std::span<const Hash32> slots
);

}  // namespace margrave::chains::evm
