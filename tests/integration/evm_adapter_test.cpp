// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/contracts.hpp"
#include "core/keccak.hpp"
#include "tests/integration/evm_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

namespace margrave::tests {
namespace {

using chains::evm::abi::Value;

class EvmOnAnvil : public testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        AnvilOptions options;
        // Finality two blocks behind the head, as many epochs as mainnet.
        options.arguments = {"--slots-in-an-epoch", "1"};
        world_ = EvmWorld::make(options);
        ASSERT_NE(world_, nullptr);
    }

    void follow() {
        const auto followed = world_->follow(world_->ledger);
        ASSERT_TRUE(followed.has_value()) << followed.error().detail;
    }

    void deposit(std::uint64_t wei) {
        const auto sent = world_->deposit(wei);
        ASSERT_TRUE(sent.has_value()) << sent.error().detail;
        ASSERT_TRUE(sent.value().succeeded);
    }

    [[nodiscard]] Hash32 my_account() const { return left_pad(Anvil::rich().address()); }

    void expect_probe(const chains::ChainSettings& settings, std::string_view part) {
        const auto adapter = world_->another(settings);
        const auto facts = world_->loop.run(adapter->probe());
        ASSERT_FALSE(facts.has_value());
        EXPECT_EQ(facts.error().code, Errc::kWrongChain);
        EXPECT_NE(facts.error().detail.find(part), std::string::npos) << facts.error().detail;
    }

    std::unique_ptr<EvmWorld> world_;
};

TEST_F(EvmOnAnvil, AFreshDeploymentPassesTheProbeAndAWrongOneDoesNot) {
    const auto facts = world_->loop.run(world_->adapter().probe());
    ASSERT_TRUE(facts.has_value()) << facts.error().detail;
    EXPECT_NE(facts.value().client_version.find("anvil"), std::string::npos);
    EXPECT_EQ(facts.value().latest.number, BlockNum(5));
    EXPECT_EQ(facts.value().final.number, BlockNum(3));
    chains::ChainSettings settings = world_->settings;
    settings.genesis = facts.value().genesis.hash;
    const auto same = world_->another(settings);
    EXPECT_TRUE(world_->loop.run(same->probe()).has_value());

    settings = world_->settings;
    settings.network = keccak256(std::string_view("another network"));
    expect_probe(settings, "belongs to network");
    settings = world_->settings;
    settings.vault = Address{};
    expect_probe(settings, "vault has no code");
    settings = world_->settings;
    settings.assets.back().decimals = 18;
    expect_probe(settings, "are 6 on chain, config says 18");
    settings = world_->settings;
    settings.chain = ChainId::evm(1);
    expect_probe(settings, "serves chain id");
}

TEST_F(EvmOnAnvil, DepositsAreFollowedAndProved) {
    deposit(1'000);
    deposit(2'000);
    ASSERT_TRUE(world_->anvil->mine(10).has_value());
    deposit(3'000);
    follow();
    const MiniLedger& ledger = world_->ledger;
    EXPECT_EQ(ledger.amounts(), (std::vector<std::uint64_t>{1'000, 2'000, 3'000}));
    EXPECT_EQ(ledger.view().vault.count, 3U);
    const Hash32 head = ledger.view().head->hash;
    const auto held = world_->loop.run(world_->adapter().custody_at(Address{}, head));
    EXPECT_EQ(held.value(), Amount(6'000));
    const auto before = ledger.view().block_at(BlockNum(6));
    const auto early = world_->loop.run(world_->adapter().custody_at(Address{}, before->hash));
    EXPECT_EQ(early.value(), Amount(1'000));
    ASSERT_TRUE(ledger.final_block().has_value());
    EXPECT_EQ(ledger.final_block()->number.value + 2, ledger.view().head->number.value);
}

TEST_F(EvmOnAnvil, TokensRequestsAndPositionsAreFollowed) {
    const Address me = Anvil::rich().address();
    const Address vault = world_->settings.vault;
    const Address token = world_->token;
    const std::uint64_t amount = 500;
    ASSERT_TRUE(world_->call(token, "mint(address,uint256)", {Value(me), Value(amount)}));
    ASSERT_TRUE(world_->call(token, "approve(address,uint256)", {Value(vault), Value(amount)}));
    const EvmWorld::Values to_deposit{Value(my_account()), Value(token), Value(amount)};
    ASSERT_TRUE(world_->call(vault, "deposit(bytes32,address,uint256)", to_deposit));
    const EvmWorld::Values to_request{
        Value(std::uint64_t{0}), Value(token), Value(std::uint64_t{200}), Value(me)};
    ASSERT_TRUE(
        world_->call(vault, "requestWithdrawal(uint256,address,uint256,address)", to_request)
    );
    const EvmWorld::Values to_post{
        Value(my_account()),
        Value(keccak256(std::string_view("ETH-PERP"))),
        Value(Money::whole(-2).to_word()),
        Value(Money::whole(3000).to_word())};
    ASSERT_TRUE(world_->call(
        *world_->settings.position_book, "post(bytes32,bytes32,int256,int256)", to_post
    ));
    follow();
    const ChainView view = world_->ledger.view();
    EXPECT_EQ(view.vault.count, 2U);
    EXPECT_EQ(view.positions.count, 1U);
    std::vector<ChainEvent> events;
    for (const auto& [number, data] : world_->ledger.blocks()) {
        events.insert(events.end(), data.events.begin(), data.events.end());
    }
    ASSERT_EQ(events.size(), 3U);
    const auto& request = std::get<Movement>(events[1].body);
    EXPECT_EQ(request.kind, MovementKind::kWithdrawalRequest);
    EXPECT_EQ(request.token, token);
    EXPECT_EQ(request.counterparty, left_pad(me));
    EXPECT_EQ(std::get<Position>(events[2].body).size, Money::whole(-2));
    const auto held = world_->loop.run(world_->adapter().custody_at(token, view.head->hash));
    EXPECT_EQ(held.value(), Amount(500));
}

TEST_F(EvmOnAnvil, AnAttestationAndAReleaseGoThereAndBack) {
    deposit(10'000);
    const Address me = Anvil::rich().address();
    const EvmWorld::Values to_request{
        Value(std::uint64_t{0}), Value(Address{}), Value(std::uint64_t{4'000}), Value(me)};
    const auto requested = world_->call(
        world_->settings.vault, "requestWithdrawal(uint256,address,uint256,address)", to_request
    );
    ASSERT_TRUE(requested.has_value()) << requested.error().detail;
    const std::uint64_t now = requested.value().block.time.value;

    SubmitAttestation submit;
    submit.attestation = world_->attestation(1, now);
    const Hash32 digest = world_->digest(EvmWorld::struct_hash(submit.attestation));
    submit.signatures = world_->quorum(digest);
    auto target = world_->adapter().encode(submit).value();
    const auto accepted = world_->send(target.first, target.second);
    ASSERT_TRUE(accepted.has_value()) << accepted.error().detail;
    ASSERT_TRUE(accepted.value().succeeded);
    const auto latest = world_->loop.run(world_->adapter().latest_round());
    EXPECT_EQ(latest.value().first, RoundNum(1));
    EXPECT_EQ(latest.value().second, digest);
    const auto again = world_->send(target.first, target.second);
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, Errc::kReverted);
    EXPECT_EQ(again.error().detail, "RoundNotNewer(given=1, latest=1)");

    ExecuteRelease order;
    Release& release = order.release;
    release.chain = world_->settings.chain.key();
    release.vault = world_->settings.vault;
    order.request = 2;
    release.id = release_id(release.chain, release.vault, order.request);
    release.account = account_of(me);
    release.amount = Amount(4'000);
    release.recipient = me;
    release.round = RoundNum(1);
    release.deadline = UnixSeconds(now + 1'000);
    order.signatures = world_->quorum(world_->digest(EvmWorld::struct_hash(release)));
    target = world_->adapter().encode(order).value();
    const auto released = world_->send(target.first, target.second);
    ASSERT_TRUE(released.has_value()) << released.error().detail;
    ASSERT_TRUE(released.value().succeeded);
    const auto twice = world_->send(target.first, target.second);
    ASSERT_FALSE(twice.has_value());
    EXPECT_TRUE(twice.error().detail.starts_with("AlreadyExecuted(id=")) << twice.error().detail;

    follow();
    const BlockData& last = world_->ledger.blocks().rbegin()->second;
    ASSERT_EQ(last.events.size(), 1U);
    const auto& movement = std::get<Movement>(last.events[0].body);
    EXPECT_EQ(movement.kind, MovementKind::kRelease);
    EXPECT_EQ(movement.counterparty, release.id);
    EXPECT_EQ(movement.amount, Amount(4'000));
    const Hash32 head = world_->ledger.view().head->hash;
    EXPECT_EQ(
        world_->loop.run(world_->adapter().custody_at(Address{}, head)).value(), Amount(6'000)
    );
}

TEST_F(EvmOnAnvil, AReorgIsRevertedAndItsReceiptForgotten) {
    chains::ChainSettings settings = world_->settings;
    settings.finality.mode = chains::FinalityMode::kDepth;
    settings.finality.depth = 40;
    const auto adapter = world_->another(settings);
    const auto follow_deep = [&] {
        while (true) {
            const auto updates = world_->loop.run(adapter->next(world_->ledger.view()));
            ASSERT_TRUE(updates.has_value()) << updates.error().detail;
            if (updates.value().updates.empty()) {
                return;
            }
            world_->ledger.apply(updates.value());
        }
    };
    deposit(1);
    deposit(2);
    const auto third = world_->deposit(3);
    ASSERT_TRUE(third.has_value());
    follow_deep();
    EXPECT_EQ(world_->ledger.amounts().size(), 3U);
    const BlockRef old_head = *world_->ledger.view().head;
    ASSERT_TRUE(world_->anvil->reorg(2).has_value());
    EXPECT_FALSE(world_->loop.run(adapter->status(third.value().txn_hash)).value().has_value());
    const auto updates = world_->loop.run(adapter->next(world_->ledger.view()));
    ASSERT_TRUE(updates.has_value()) << updates.error().detail;
    ASSERT_EQ(updates.value().updates.size(), 1U);
    const auto& reverted = std::get<BlocksReverted>(updates.value().updates[0]);
    EXPECT_EQ(reverted.ancestor.number.value, old_head.number.value - 2);
    world_->ledger.apply(updates.value());
    follow_deep();
    EXPECT_EQ(world_->ledger.amounts(), std::vector<std::uint64_t>{1});
    EXPECT_NE(world_->ledger.view().head->hash, old_head.hash);
    deposit(4);
    follow_deep();
    EXPECT_EQ(world_->ledger.amounts(), (std::vector<std::uint64_t>{1, 4}));
}

TEST_F(EvmOnAnvil, AReorgBelowFinalityStops) {
    deposit(1);
    ASSERT_TRUE(world_->anvil->mine(5).has_value());
    follow();
    const BlockRef final_block = *world_->ledger.final_block();
    ASSERT_TRUE(world_->anvil->reorg(5).has_value());
    const auto updates = world_->step();
    ASSERT_FALSE(updates.has_value());
    EXPECT_EQ(updates.error().code, Errc::kBelowFinality);
    EXPECT_NE(updates.error().detail.find(to_hex(final_block.hash)), std::string::npos);
}

TEST_F(EvmOnAnvil, RandomReorgsEndInWhatACleanReplayGives) {
    chains::ChainSettings settings = world_->settings;
    settings.finality.mode = chains::FinalityMode::kDepth;
    settings.finality.depth = 1'000;
    const auto adapter = world_->another(settings);
    std::mt19937_64 random(20'260'101);
    const auto step_all = [&](MiniLedger& ledger) {
        while (true) {
            const auto updates = world_->loop.run(adapter->next(ledger.view()));
            ASSERT_TRUE(updates.has_value()) << updates.error().detail;
            if (updates.value().updates.empty()) {
                return;
            }
            ledger.apply(updates.value());
        }
    };
    // Deep enough that no reorg reaches the deployment.
    ASSERT_TRUE(world_->anvil->mine(20).has_value());
    for (std::uint64_t round = 1; round <= 25; ++round) {
        deposit(round);
        if (random() % 2 == 0) {
            ASSERT_TRUE(world_->anvil->mine(random() % 6 + 1).has_value());
        }
        if (random() % 3 != 0) {
            step_all(world_->ledger);
        }
        if (random() % 3 == 0) {
            ASSERT_TRUE(world_->anvil->reorg(random() % 8 + 1).has_value());
        }
    }
    step_all(world_->ledger);
    MiniLedger replay;
    step_all(replay);
    EXPECT_EQ(world_->ledger.amounts(), replay.amounts());
    EXPECT_EQ(world_->ledger.view().head, replay.view().head);
    EXPECT_EQ(world_->ledger.view().vault, replay.view().vault);
    EXPECT_GT(replay.amounts().size(), 3U);
}

TEST_F(EvmOnAnvil, ABackfillInSmallStepsGivesTheSame) {
    for (std::uint64_t i = 1; i <= 12; ++i) {
        deposit(i);
        ASSERT_TRUE(world_->anvil->mine(23).has_value());
    }
    follow();
    EXPECT_EQ(world_->ledger.amounts().size(), 12U);
    chains::ChainSettings settings = world_->settings;
    settings.log_range = 7;
    settings.start_block = BlockNum(1);
    const auto adapter = world_->another(settings);
    MiniLedger small;
    std::size_t steps = 0;
    while (true) {
        const auto updates = world_->loop.run(adapter->next(small.view()));
        ASSERT_TRUE(updates.has_value()) << updates.error().detail;
        if (updates.value().updates.empty()) {
            break;
        }
        small.apply(updates.value());
        ++steps;
    }
    EXPECT_GT(steps, 40U);
    EXPECT_EQ(small.amounts(), world_->ledger.amounts());
    EXPECT_EQ(small.view().vault, world_->ledger.view().vault);
    EXPECT_EQ(small.view().head, world_->ledger.view().head);
    EXPECT_EQ(small.final_block(), world_->ledger.final_block());

    settings.start_block = BlockNum(40);
    const auto late = world_->another(settings);
    const auto refused = world_->loop.run(late->next(ChainView{}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kUnproved);
    EXPECT_NE(refused.error().detail.find("events before start_block 40"), std::string::npos);
}

/// Accepts connections and never says a word.
class SilentServer {
  public:
    SilentServer()
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        EXPECT_EQ(::bind(socket_, address(), size), 0);
        EXPECT_EQ(::listen(socket_, 16), 0);
        EXPECT_EQ(::getsockname(socket_, address(), &size), 0);
    }

    ~SilentServer() { ::close(socket_); }

    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;

    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port));
    }

  private:
    sockaddr* address() { return reinterpret_cast<sockaddr*>(&address_); }

    int socket_;
    sockaddr_in address_{};
};

TEST_F(EvmOnAnvil, ASilentOperatorIsNeitherBelievedNorWaitedForLong) {
    deposit(1);
    const SilentServer silent;
    chains::ChainSettings settings = world_->settings;
    settings.rpc_timeout = std::chrono::seconds(20);
    settings.agreement = 1;
    settings.endpoints.resize(2);
    settings.endpoints[0].name = "silent";
    settings.endpoints[0].operator_name = "silent";
    settings.endpoints[0].http = silent.url();
    settings.endpoints[1].name = "anvil";
    settings.endpoints[1].operator_name = "anvil";
    settings.endpoints[1].http = world_->anvil->url();
    const auto adapter = chains::make_adapter(world_->loop.executor(), settings).value();
    const auto updates = world_->loop.run(adapter->next(world_->ledger.view()));
    ASSERT_TRUE(updates.has_value()) << updates.error().detail;
    world_->ledger.apply(updates.value());
    EXPECT_EQ(world_->ledger.amounts(), std::vector<std::uint64_t>{1});

    settings.agreement = 2;
    settings.rpc_timeout = std::chrono::milliseconds(500);
    const auto both = chains::make_adapter(world_->loop.executor(), settings).value();
    const auto alone = world_->loop.run(both->next(ChainView{}));
    ASSERT_FALSE(alone.has_value());
    EXPECT_EQ(alone.error().code, Errc::kUnable);
    EXPECT_NE(alone.error().detail.find("silent: "), std::string::npos) << alone.error().detail;
    EXPECT_EQ(alone.error().detail.find("127.0.0.1"), std::string::npos);
    EXPECT_FALSE(both->agreement().lost.empty());
}

}  // namespace
}  // namespace margrave::tests
