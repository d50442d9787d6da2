// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/keys.hpp"
#include "config/settings.hpp"
#include "oracle/oracle.hpp"
#include "relayer/chain_board.hpp"
#include "relayer/delivery.hpp"
#include "relayer/rounds.hpp"
#include "relayer/scribe.hpp"
#include "relayer/watcher.hpp"
#include "store/database.hpp"
#include "store/guard.hpp"
#include "store/incidents.hpp"
#include "store/ledger.hpp"
#include "tests/support/fake_adapter.hpp"
#include "tests/support/fake_clock.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace margrave::relayer::tests {

using margrave::tests::FakeAdapter;
using margrave::tests::FakeChain;
using margrave::tests::FakeClock;

/// A directory of its own, removed at the end.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

Money usd(std::string_view decimal);
/// Raw units of whole tokens; the coin has 18 decimals and the dollar token 6.
Amount eth(std::uint64_t whole);
Amount dollars(std::uint64_t whole);

inline Address coin() {
    return Address{};
}

Address dollar_token();
/// Of eth, on chain 0.
Address price_feed();
/// Of chain 1's sequencer, where a test configures one.
Address uptime_feed();
AssetId eth_on(const ChainId& chain);
AssetId usd_on(const ChainId& chain);
AccountId account(std::uint64_t number);

Movement deposit(const AccountId& account, const Address& token, const Amount& amount);
Movement repayment(const AccountId& account, const Address& token, const Amount& amount);
Movement funding(const Address& token, const Amount& amount);
Movement withdrawal_request(const AccountId& account, const Address& token, const Amount& amount);
Movement borrow_request(const AccountId& account, const Address& token, const Amount& amount);
Movement proceeds(
    const AccountId& account, const Address& token, const Amount& amount, const Hash32& seizure
);

/// The signing half of the daemon over real parts in a directory, on two fake chains. `start` is
/// a start of the daemon; what it reads again is what was on disk.
class World {
  public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Errors are those of the daemon's own start.
    Result<void> start();
    void stop();

    /// One pass of a chain's watcher, and of all of them; the board hears of it as from the daemon.
    Result<bool> watch(std::size_t chain);
    void watch_all();
    Result<bool> round();
    /// Every chain follows to its final head and a round is due if anything asks for one.
    void step();
    /// Mines these events on a chain, makes them final everywhere and follows them.
    void settle(std::size_t chain, std::vector<FakeChain::Body> events);
    Result<void> deliver(std::size_t chain);
    /// From the next start on the coin has a slow price; soft band 10 %, hard band 500 %.
    void give_slow_price();
    /// From the next start on there is gold: a token of one chain like the coin, but for its fixed
    /// price, which may lie outside of its band.
    AssetId give_gold(std::size_t chain, std::string_view price_max);
    void set_gold(std::string_view price);
    /// Lets time pass on all chains alike, with final empty blocks.
    void wait(std::uint64_t seconds);

    [[nodiscard]] FakeAdapter& chain(std::size_t index) { return *adapters[index]; }

    [[nodiscard]] const ChainId& id(std::size_t index) const {
        return settings.chains[index].chain;
    }

    [[nodiscard]] const AccountState* state_of(const AccountId& account) const;
    [[nodiscard]] std::vector<std::string> leaf_kinds() const;
    [[nodiscard]] std::vector<store::Intent> open_intents(const std::string& kind) const;
    [[nodiscard]] std::vector<store::Request> requests(std::size_t chain) const;
    [[nodiscard]] store::Request request(std::size_t chain, std::uint64_t number) const;
    /// Number of the newest event of a chain's vault.
    [[nodiscard]] std::uint64_t last_event(std::size_t chain) const;

    TempDir dir;
    FakeClock clock{1'000'000};
    config::Settings settings;
    std::vector<std::shared_ptr<FakeAdapter::Node>> nodes;
    /// What the price feed of the coin says; dollars are fixed.
    Money eth_price;
    UnixSeconds eth_published;
    /// What the uptime feed of chain 1 returns; absent: the call fails.
    std::optional<Bytes> uptime;

    std::unique_ptr<store::Database> database;
    std::unique_ptr<store::Ledger> ledger;
    std::unique_ptr<store::Incidents> incidents;
    std::unique_ptr<ChainBoard> board;
    std::unique_ptr<store::SigningGuard> guard;
    std::unique_ptr<attest::Signer> signer;
    std::vector<std::unique_ptr<FakeAdapter>> adapters;
    std::unique_ptr<oracle::Oracle> oracle;
    std::unique_ptr<Scribe> scribe;
    std::unique_ptr<Rounds> rounds;
    std::unique_ptr<Reconciler> reconciler;
    std::vector<std::unique_ptr<Watcher>> watchers;
    std::vector<std::unique_ptr<Delivery>> deliveries;

  private:
    void configure();
    Result<void> open_store();
    void build();
    [[nodiscard]] oracle::CallAt call_at();
    Task<Result<Bytes>> answer_feed(Address to, Bytes data);
};

/// Shares of the scenarios that several files need.
class WorldTest : public ::testing::Test {
  protected:
    /// An account with `ether` on chain 0 that owes `borrowed` dollars there, all of it final and
    /// attested, with a pool that lent it.
    void give_loan(const AccountId& who, std::uint64_t ether, std::uint64_t borrowed);

    World world;
};

#define ASSERT_OK(expression)                                                         \
    do {                                                                              \
        const auto& assert_ok_result = (expression);                                  \
        ASSERT_TRUE(assert_ok_result.has_value()) << assert_ok_result.error().detail; \
    } while (false)

#define EXPECT_OK(expression)                                                         \
    do {                                                                              \
        const auto& expect_ok_result = (expression);                                  \
        EXPECT_TRUE(expect_ok_result.has_value()) << expect_ok_result.error().detail; \
    } while (false)

#define EXPECT_ERRC(expression, wanted)                                                            \
    do {                                                                                           \
        const auto& expect_errc_result = (expression);                                             \
        ASSERT_FALSE(expect_errc_result.has_value());                                              \
        EXPECT_EQ(expect_errc_result.error().code, (wanted)) << expect_errc_result.error().detail; \
    } while (false)

}  // namespace margrave::relayer::tests
