// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "chains/evm/abi.hpp"
#include "oracle/source.hpp"
#include "tests/support/anvil.hpp"
#include "tests/support/loop.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::tests {

/// An anvil with other people's price contracts on it, and sources that read them through the
/// adapter as the daemon does: at the hash of the newest block. A set-up that fails throws, which
/// fails the test.
class PriceWorld {
  public:
    using Values = std::vector<chains::evm::abi::Value>;

    PriceWorld();
    ~PriceWorld();

    Address create(Bytes code, std::string_view constructor, const Values& arguments);
    /// An artifact of contracts/artifacts.
    Address create(const std::string& name, std::string_view constructor, const Values& arguments);
    void send(const Address& to, std::string_view call, const Values& values);
    /// The same as another of the node's accounts.
    void send_as(
        const Address& from, const Address& to, std::string_view call, const Values& values
    );
    /// The words that a view answers at the newest block.
    [[nodiscard]] Bytes read(const Address& to, std::string_view call, const Values& values);
    /// A block that is so much later than the one before.
    void pass(std::uint64_t seconds);

    [[nodiscard]] BlockRef head();
    [[nodiscard]] oracle::CallAt call_at();
    [[nodiscard]] std::unique_ptr<oracle::Source> source(
        std::string kind, Canonical::Object settings
    );
    [[nodiscard]] oracle::Answer ask(oracle::Source& source);
    [[nodiscard]] Result<void> probe(oracle::Source& source);
    [[nodiscard]] oracle::PriceSet prices(std::vector<oracle::AssetOracleSettings> assets);
    /// Why nothing may be liquidated, by the uptime feed of a sequencer; empty: it may.
    [[nodiscard]] std::string hold(const Address& uptime_feed, std::uint64_t grace_s);

    /// A file below contracts/node_modules.
    static std::filesystem::path package(std::string_view path);
    /// The bytecode in an artifact of hardhat's or Chainlink's form, and in a bare file of hex.
    static Bytes bytecode(const std::filesystem::path& artifact);
    static Bytes bare_bytecode(const std::filesystem::path& file);

    [[nodiscard]] const ChainId& chain() const { return settings_.chain; }

    /// Who sends everything that nobody else does.
    [[nodiscard]] const Address& person() const { return people_.front(); }

    /// The node's accounts.
    [[nodiscard]] const std::vector<Address>& people() const { return people_; }

  private:
    nlohmann::json rpc(std::string_view method, const nlohmann::json& params);
    nlohmann::json transact(const Address& from, nlohmann::json transaction);
    [[nodiscard]] oracle::Heads heads();

    Loop loop_;
    std::unique_ptr<Anvil> anvil_;
    chains::ChainSettings settings_;
    std::unique_ptr<chains::ChainAdapter> adapter_;
    std::vector<Address> people_;
};

}  // namespace margrave::tests
