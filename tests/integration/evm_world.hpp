// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "chains/evm/abi.hpp"
#include "tests/support/anvil.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/mini_ledger.hpp"
#include "tests/support/test_signer.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::tests {

/// An anvil with the project's contracts on it, deployed and used through the adapter under test:
/// every transaction here is encoded, signed, sent and found again by our own code.
class EvmWorld {
  public:
    using Values = std::vector<chains::evm::abi::Value>;

    /// Fails the test, and gives nothing, when something of the set-up does.
    static std::unique_ptr<EvmWorld> make(const AnvilOptions& options);

    /// Sends from the rich account and waits until it is in a block.
    Result<chains::TxnStatus> send(std::optional<Address> to, Bytes data, Amount value = Amount{});
    /// send of a call like "deposit(bytes32,address,uint256)".
    Result<chains::TxnStatus> call(
        const Address& to, std::string_view signature, Values arguments, Amount value = Amount{}
    );
    Result<chains::TxnStatus> deposit(std::uint64_t wei);

    /// Digest of a struct hash in the network's EIP-712 domain (protocol.md section 2).
    [[nodiscard]] Hash32 digest(const Hash32& struct_hash) const;
    [[nodiscard]] Bytes quorum(const Hash32& digest) const;
    [[nodiscard]] Attestation attestation(std::uint64_t round, std::uint64_t now) const;
    [[nodiscard]] static Hash32 struct_hash(const Attestation& a);
    [[nodiscard]] static Hash32 struct_hash(const Release& r);

    Result<chains::Updates> step();
    /// Applies steps to `ledger` until there is nothing new.
    Result<void> follow(MiniLedger& ledger);

    [[nodiscard]] chains::ChainAdapter& adapter() { return *adapter_; }

    /// Another adapter for the same node.
    [[nodiscard]] std::unique_ptr<chains::ChainAdapter> another(chains::ChainSettings settings);

    Loop loop;
    std::unique_ptr<Anvil> anvil;
    chains::ChainSettings settings;
    Address token;
    TestSigner signer;
    MiniLedger ledger;

  private:
    EvmWorld();
    Result<void> deploy();
    Result<Address> create(
        const std::string& contract, std::string_view constructor, Values arguments
    );

    std::unique_ptr<chains::ChainAdapter> adapter_;
};

}  // namespace margrave::tests
