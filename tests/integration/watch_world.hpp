// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/abi.hpp"
#include "chains/evm/mapping.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"
#include "tests/support/anvil.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::tests {

/// An anvil with other people's contracts on it, and a ledger that follows them by a mapping.
/// Blocks and logs come from the node as they are: what makes them believed is tested elsewhere. A
/// set-up that fails throws, which fails the test.
class WatchWorld {
  public:
    using Values = std::vector<chains::evm::abi::Value>;
    using Links = std::map<std::string, Address>;

    WatchWorld();
    ~WatchWorld();

    /// One of the accounts that anvil signs for.
    [[nodiscard]] Address person(std::size_t index) const { return people_.at(index); }

    /// The bytecode of an artifact, with the libraries it names put in.
    static Bytes bytecode(const std::filesystem::path& artifact, const Links& libraries = {});
    Address create(Bytes code, std::string_view constructor, const Values& arguments);
    /// An artifact of contracts/artifacts.
    Address create(const std::string& name, std::string_view constructor, const Values& arguments);
    void send(const Address& from, const Address& to, std::string_view call, const Values& values);
    void pay(const Address& from, const Address& to, std::uint64_t wei);
    /// The first word that a view answers at the head, or another one.
    [[nodiscard]] Hash32 read(const Address& to, std::string_view call, const Values& values);
    [[nodiscard]] Hash32 read_word(
        const Address& to, std::string_view call, const Values& values, std::size_t word
    );
    [[nodiscard]] Amount balance_of(const Address& token, const Address& holder);
    void mine(std::uint64_t blocks, std::uint64_t seconds_each);

    void define(const Address& token, unsigned decimals);
    void watch(std::vector<chains::WatchSettings> settings);
    /// Applies every block that the ledger does not have.
    void follow();
    /// What a final block brings: every account that was ever touched is read again, in a new
    /// block.
    void follow_all_readings();
    /// Replaces the last blocks by empty ones and takes the ledger back to what both share.
    void reorg(std::uint64_t depth);

    [[nodiscard]] Holding holding(const Address& account, const Address& token);
    [[nodiscard]] Amount custody(std::string_view watch, const Address& token);

    [[nodiscard]] store::Ledger& ledger() { return *ledger_; }

    [[nodiscard]] std::uint64_t mapped_events() const { return mapped_events_; }

    /// Blocks whose bloom said that there is nothing.
    [[nodiscard]] std::uint64_t blocks_skipped() const { return blocks_skipped_; }

  private:
    nlohmann::json rpc(std::string_view method, const nlohmann::json& params);
    nlohmann::json send(nlohmann::json transaction);
    [[nodiscard]] AssetId asset(const Address& token) const;
    void apply(std::uint64_t number, bool all_readings);
    chains::evm::MappedBlock mapped(const BlockRef& block, const nlohmann::json& header);
    std::vector<ChainEvent> readings(
        const BlockRef& block, const std::set<chains::evm::Touch>& touched
    );

    std::unique_ptr<Anvil> anvil_;
    std::vector<Address> people_;
    ChainId chain_;
    std::filesystem::path dir_;
    std::unique_ptr<store::Database> db_;
    std::unique_ptr<store::Ledger> ledger_;
    chains::evm::Mapping mapping_;
    std::uint64_t mapped_events_{0};
    std::uint64_t blocks_skipped_{0};
};

}  // namespace margrave::tests
