// SPDX-License-Identifier: Apache-2.0
#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "relayer/audit.hpp"
#include "relayer/detail/messages.hpp"
#include "tests/unit/relayer/early_fixture.hpp"

#include <algorithm>

namespace margrave::relayer::tests {
namespace {

using store::RequestState;

/// What takes early room, what gives it back, and how much of it there is.
class EarlyRoomTest : public EarlyTest {
  protected:
    /// The coin's price, far from a slow price of 2000 dollars when it is.
    void set_price(std::string_view price) {
        world.eth_price = usd(price);
        catch_up();
    }

    void give_slow_price() {
        world.give_slow_price();
        ASSERT_OK(world.start());
        // Only what a round signed is remembered.
        world.wait(60);
        catch_up();
    }

    /// A loan of a thousand dollars on a deposit that a reorg took away.
    void lose_deposit() {
        deposit_early(account(1), 5, 6);
        ASSERT_EQ(borrow(account(1), 1'000).state, RequestState::kGranted);
        world.chain(0).reorg(7);
        world.chain(0).mine_empty(8);
        catch_up();
        ASSERT_EQ(stands().size(), 1U);
    }

    [[nodiscard]] store::GuardEntry guarded(const ReleaseDraft& draft) const {
        const Hash32 network = world.settings.genesis.network();
        store::GuardEntry out;
        out.signer = world.signer->address();
        out.domain = attest::domain_separator(network);
        out.subject = draft.release.id;
        out.epoch = 1;
        out.digest = attest::digest_of(network, draft.release);
        out.message = to_bytes(release_message(draft).dump());
        return out;
    }

    [[nodiscard]] ReleaseDraft draft_of(const store::Request& request) const {
        ReleaseDraft out;
        out.request = request.number;
        Release& r = out.release;
        r.id = request.release_id;
        r.kind = request.kind;
        r.chain = request.chain.key();
        r.vault = request.vault;
        r.account = request.account;
        r.token = request.asset.token();
        r.amount = request.amount;
        r.recipient = request.recipient;
        r.round = world.scribe->last().round;
        r.deadline = UnixSeconds{world.clock.now().value + 600};
        out.hold.chain = request.chain;
        out.hold.asset = request.asset;
        return out;
    }

    /// What the log's newest entry, a release, stands on.
    [[nodiscard]] std::vector<attest::EarlyUse> last_uses() const {
        const Bytes bytes = world.database->leaf(world.database->leaf_count() - 1).value();
        const auto leaf = attest::read_leaf(world.settings.genesis.network(), bytes).value();
        const auto& members = std::get<Canonical::Object>(leaf.body.value());
        const auto early = members.find("early");
        return early == members.end() ? std::vector<attest::EarlyUse>{}
                                      : attest::parse_early(early->second).value();
    }

    [[nodiscard]] EarlyView view(const std::vector<EarlyStand>& stands) const {
        return {*world.ledger, world.settings.parameters, firm_, stands};
    }

    store::AsOf firm_;
};

// Recorded at a price at which final value sufficed, judged again at one at which it does not.
TEST_F(EarlyRoomTest, AReleaseRecordedBeforeACrashStandsOnWhatIsNeededNow) {
    deposit_early(account(1), 5, 2);
    world.chain(1).mine({borrow_request(account(1), dollar_token(), dollars(1'000))});
    world.chain(1).finalize();
    world.watch_all();
    const std::uint64_t number = world.last_event(1);
    const ReleaseDraft before = draft_of(world.request(1, number));
    ASSERT_OK(world.guard->record(guarded(before)));
    catch_up();
    ASSERT_EQ(world.request(1, number).state, RequestState::kGranted);
    EXPECT_EQ(world.ledger->holds().value().front().deadline, before.release.deadline);
    // 1000 * 1.05 / 1500 ether.
    EXPECT_EQ(stood_on(), Amount{700'000'000'000'000'000});
    ASSERT_EQ(last_uses().size(), 1U);
    EXPECT_EQ(last_uses().front().amount, stood_on());
}

TEST_F(EarlyRoomTest, AReleaseThatFitsNoEntryIsNotRecorded) {
    ReleaseDraft draft;
    draft.release.id = keccak256("a release");
    draft.early.resize(200);
    for (attest::EarlyUse& use : draft.early) {
        use.asset = eth_on(world.id(0));
    }
    EXPECT_ERRC(world.scribe->release(draft, world.clock.now()), Errc::kLimit);
    const store::GuardEntry key = guarded(draft);
    const auto found = world.guard->find(key.signer, key.domain, key.subject, key.epoch);
    ASSERT_OK(found);
    EXPECT_FALSE(found.value().has_value());
}

// Half an ether is enough for the loan at 4000 USD and not at the 2000 of a moment ago.
TEST_F(EarlyRoomTest, RoomComesBackOnlyByPricesThatGrantsUse) {
    give_slow_price();
    lose_deposit();
    world.settle(0, {deposit(account(1), coin(), Amount{500'000'000'000'000'000})});
    ASSERT_EQ(stands().size(), 1U);
    set_price("4000");
    EXPECT_EQ(stands().size(), 1U) << "the slow price is worse";
    set_price("12000");
    EXPECT_EQ(stands().size(), 1U) << "nothing is decided by this price";
    set_price("2000");
    EXPECT_EQ(stands().size(), 1U);
    world.settle(0, {deposit(account(1), coin(), Amount{500'000'000'000'000'000})});
    EXPECT_TRUE(stands().empty());
}

// The larger of two positions is the better one here: a profit that was taken meanwhile.
TEST_F(EarlyRoomTest, AProfitThatIsClosedMeanwhileGivesNoRoomBack) {
    const Hash32 market = keccak256("eth-perp");
    margin::VenueParameters venue;
    venue.underlying = "eth";
    venue.profit_weight = usd("1");
    venue.profit_cap = usd("100");
    venue.options = margin::usual_isolated_rules();
    venue.perpetuals.push_back(
        {.market = market, .name = "eth-perp", .fractions = {usd("0.1"), usd("0.08"), usd("0.05")}}
    );
    world.settings.parameters.venues.push_back(venue);
    ASSERT_OK(world.start());
    lose_deposit();
    const auto position = [&market](std::string_view size) {
        return Position{
            .sequence = 0,
            .account = account(1),
            .market = market,
            .size = usd(size),
            .entry_price = usd("3500")};
    };
    // 975 of 1050 dollars, and 80 more by the position.
    world.chain(0).mine({deposit(account(1), coin(), Amount{650'000'000'000'000'000})});
    world.chain(0).mine({position("-0.1")});
    world.chain(0).finalize();
    world.chain(0).mine({position("0")});
    catch_up();
    EXPECT_EQ(stands().size(), 1U);
    world.chain(0).reorg(1);
    world.chain(0).mine_empty(2);
    catch_up();
    EXPECT_TRUE(stands().empty());
}

TEST_F(EarlyRoomTest, AFormWhosePriceDecidesNothingKeepsNoOtherFromHelping) {
    give_slow_price();
    margin::AssetOnChain& dollar = world.settings.parameters.assets.back().on.back();
    dollar.early = {{.blocks = 2, .up_to = dollars(5'000)}};
    dollar.early_total = dollars(5'000);
    ASSERT_OK(world.start());
    world.eth_price = usd("12000");
    deposit_early(account(1), 5, 2);
    world.chain(1).mine({borrow_request(account(1), dollar_token(), dollars(1'000))});
    world.chain(1).finalize();
    const std::uint64_t number = world.last_event(1);
    world.chain(1).mine({deposit(account(1), dollar_token(), dollars(2'000))});
    world.chain(1).mine_empty(2);
    catch_up();
    ASSERT_EQ(world.rounds->prices()->uses.at(eth_on(world.id(0))).initial, oracle::Use::kReject);
    EXPECT_EQ(world.request(1, number).state, RequestState::kGranted);
    ASSERT_EQ(stands().size(), 1U);
    EXPECT_EQ(stands().front().asset, usd_on(world.id(1)));
}

TEST_F(EarlyRoomTest, WhenTheStandsAreTooManyOnlyWhoHasOneMayUseMore) {
    deposit_early(account(1), 1, 2);
    catch_up();
    const auto holdings = world.ledger->chain_state(world.id(0));
    firm_ = {
        {world.id(0), holdings.final->number},
        {world.id(1), world.ledger->chain_state(world.id(1)).final->number}};
    std::vector<EarlyStand> full(kStandsMax);
    for (std::size_t i = 0; i < full.size(); ++i) {
        full[i] = {account(100 + i), eth_on(world.id(0)), Amount{1}, {}, {}, {}};
    }
    const std::vector<EarlyStand> fewer(full.begin(), full.end() - 1);
    EXPECT_EQ(early_offers(view(fewer), account(1)).value().size(), 1U);
    EXPECT_TRUE(early_offers(view(full), account(1)).value().empty());
    full.back().account = account(1);
    EXPECT_EQ(early_offers(view(full), account(1)).value().size(), 1U);
}

TEST_F(EarlyRoomTest, AnAuditorWithTheStoreSeesTheBalancesThatWereSaid) {
    deposit_early(account(1), 5, 2);
    ASSERT_EQ(borrow(account(1), 1'000).state, RequestState::kGranted);
    const attest::EarlyUse use = last_uses().front();
    const auto seen = [this](const attest::EarlyUse& said) {
        return early_seen(*world.ledger, account(1), said);
    };
    EXPECT_EQ(seen(use).fault + seen(use).unable, "");
    attest::EarlyUse other = use;
    other.firm = Amount{1};
    EXPECT_NE(seen(other).fault.find("at the firm block is 0"), std::string::npos);
    other = use;
    other.ahead = eth(6);
    EXPECT_NE(seen(other).fault.find("ahead is 5"), std::string::npos);
    other = use;
    other.firm_hash = keccak256("another block");
    EXPECT_NE(seen(other).fault.find("firm block is not"), std::string::npos);
    other.firm_block = BlockNum{999'999};
    EXPECT_NE(seen(other).unable.find("not kept"), std::string::npos);
    world.chain(0).reorg(2);
    world.chain(0).mine_empty(4);
    catch_up();
    EXPECT_EQ(seen(use).fault, "");
    EXPECT_NE(seen(use).unable.find("orphaned"), std::string::npos);
}

TEST_F(EarlyRoomTest, AnAuditorWithoutReadableParametersSaysSo) {
    attest::EarlyUse use;
    use.asset = eth_on(world.id(0));
    ParametersRead read;
    EXPECT_NE(read.fault(use).find("cannot be checked"), std::string::npos);
    read.named(world.settings.parameters);
    EXPECT_EQ(read.fault(use).find("cannot be checked"), std::string::npos);
    read.named(std::nullopt);
    EXPECT_NE(read.fault(use).find("cannot be checked"), std::string::npos);
}

// Of more forms than a release may name, those that come first are used.
TEST_F(EarlyRoomTest, AReleaseStandsOnABoundedNumberOfForms) {
    std::vector<Address> tokens;
    for (std::size_t i = 0; i <= kOffersMax; ++i) {
        // Behind "usd", ascending.
        const std::string name = (i < 10 ? "usd-0" : "usd-") + std::to_string(i);
        margin::AssetParameters asset = world.settings.parameters.assets.back();
        oracle::AssetOracleSettings prices = world.settings.oracle.back();
        tokens.push_back(low_address(keccak256(name)));
        asset.name = name;
        asset.on = {{AssetId::erc20(world.id(0), tokens.back()), usd("1")}};
        asset.on.front().early = {{.blocks = 2, .up_to = dollars(100)}};
        asset.on.front().early_total = dollars(100);
        prices.name = name;
        prices.assets = {asset.on.front().asset};
        world.settings.parameters.assets.push_back(std::move(asset));
        world.settings.oracle.push_back(std::move(prices));
    }
    ASSERT_OK(world.start());
    std::vector<FakeChain::Body> events;
    for (const Address& token : tokens) {
        events.emplace_back(deposit(account(1), token, dollars(100)));
    }
    world.chain(0).mine(std::move(events));
    world.chain(0).mine_empty(2);
    // Each counts 90 dollars, and one dollar owed 1.05: 1371 are carried by sixteen.
    EXPECT_EQ(borrow(account(1), 1'372).state, RequestState::kRefused);
    EXPECT_EQ(borrow(account(1), 1'371).state, RequestState::kGranted);
    EXPECT_EQ(stands().size(), kOffersMax);
}

}  // namespace
}  // namespace margrave::relayer::tests
