// SPDX-License-Identifier: Apache-2.0
#include "relayer/orders.hpp"

#include "attest/keys.hpp"
#include "attest/typed_data.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace margrave::relayer::tests {
namespace {

using nlohmann::json;

const ChainId kChain = ChainId::evm(1);

class OrdersTest : public ::testing::Test {
  protected:
    [[nodiscard]] margin::PriceOrder order(std::uint64_t nonce = 1) const {
        margin::PriceOrder out;
        out.account = account_of(owner->address());
        out.watched = eth_on(kChain);
        out.trigger = usd("1800");
        out.sell = eth_on(kChain);
        out.amount = eth(4);
        out.proceeds = usd_on(kChain);
        out.valid_from = UnixSeconds{1'000};
        out.expiry = UnixSeconds{2'000};
        out.nonce = nonce;
        return out;
    }

    // What `order draft` prints, with the signature of `signer` over it.
    static json envelope(const Canonical& typed, attest::Signer& signer) {
        const auto hash = attest::hash_typed_data(typed).value();
        const Signature signature = signer.sign(hash.digest).value();
        json out = json::object();
        out["typedData"] = json::parse(typed.dump());
        out["signature"] = to_hex(ByteView(signature));
        out["assets"] = {eth_on(kChain).text(), usd_on(kChain).text()};
        return out;
    }

    [[nodiscard]] std::string signed_order(const margin::PriceOrder& one) const {
        return envelope(order_typed_data(network, one), *owner).dump();
    }

    [[nodiscard]] std::string signed_cancel(std::uint64_t nonce) const {
        const AccountId account = account_of(owner->address());
        return envelope(cancel_typed_data(network, account, nonce), *owner).dump();
    }

    [[nodiscard]] OrderBook book() const { return OrderBook::open(dir.path(), network).value(); }

    // A log with these rounds.
    [[nodiscard]] static OrderBook::StandingOf seen(std::vector<RoundStub> rounds) {
        return [rounds = std::move(rounds)](const SignedOrder& one) -> Result<OrderStanding> {
            return order_standing(one, rounds);
        };
    }

    [[nodiscard]] Errc refused(const std::string& text) const {
        const auto out = read_order(network, text);
        return out ? Errc{} : out.error().code;
    }

    TempDir dir;
    const Hash32 network = keccak256("a network");
    std::unique_ptr<attest::Signer> owner =
        attest::make_local_signer(attest::SecretKey::parse(std::string(63, '0') + "7").value());
    std::unique_ptr<attest::Signer> stranger =
        attest::make_local_signer(attest::SecretKey::parse(std::string(63, '0') + "8").value());
};

TEST_F(OrdersTest, WhatTheOwnerSignedIsReadAsItWasMeant) {
    const auto out = read_order(network, signed_order(order()));
    ASSERT_OK(out);
    EXPECT_EQ(out.value().order, order());
}

TEST_F(OrdersTest, ASubAccountBelongsToItsOwnerByNumber) {
    margin::PriceOrder sub = order();
    sub.account = sub_account_of(owner->address(), 3);
    json text = envelope(order_typed_data(network, sub), *owner);
    EXPECT_EQ(refused(text.dump()), Errc::kSignature);
    text["sub"] = "3";
    ASSERT_OK(read_order(network, text.dump()));
}

TEST_F(OrdersTest, NobodyElseAndNothingElseIsTheOwnersOrder) {
    const Canonical typed = order_typed_data(network, order());
    EXPECT_EQ(refused(envelope(typed, *stranger).dump()), Errc::kSignature);
    json changed = envelope(typed, *owner);
    changed["typedData"]["message"]["amount"] = "1";
    EXPECT_EQ(refused(changed.dump()), Errc::kSignature);
    const Canonical foreign = order_typed_data(keccak256("another network"), order());
    EXPECT_EQ(refused(envelope(foreign, *owner).dump()), Errc::kInvalid);
    EXPECT_EQ(refused(signed_cancel(1)), Errc::kInvalid) << "another type";
}

TEST_F(OrdersTest, BadFormIsRefused) {
    json text = envelope(order_typed_data(network, order()), *owner);
    for (const char* member : {"typedData", "signature", "assets"}) {
        json without = text;
        without.erase(member);
        EXPECT_EQ(refused(without.dump()), Errc::kInvalid) << member;
    }
    json unnamed = text;
    unnamed["assets"] = {usd_on(kChain).text()};
    EXPECT_EQ(refused(unnamed.dump()), Errc::kInvalid);
    json cut = text;
    cut["signature"] = "0x00";
    EXPECT_EQ(refused(cut.dump()), Errc::kInvalid);
    EXPECT_EQ(refused("[]"), Errc::kInvalid);
    EXPECT_EQ(refused("{"), Errc::kInvalid);
    margin::PriceOrder late = order();
    late.expiry = UnixSeconds{999};
    EXPECT_EQ(refused(signed_order(late)), Errc::kInvalid);
    margin::PriceOrder nothing = order();
    nothing.amount = Amount{};
    EXPECT_EQ(refused(signed_order(nothing)), Errc::kInvalid);
}

RoundStub stub(std::uint64_t round, std::uint64_t at, std::string_view price) {
    PriceRow row;
    row.asset = eth_on(kChain);
    row.price = usd(price);
    row.verdict = PriceVerdict::kUsable;
    return {RoundNum{round}, UnixSeconds{at}, {row}};
}

TEST_F(OrdersTest, ANonceIsForOneOrderAlsoAfterItsCancellation) {
    OrderBook first = book();
    EXPECT_TRUE(first.add(signed_order(order())).value());
    EXPECT_FALSE(first.add(signed_order(order())).value());
    margin::PriceOrder other = order();
    other.amount = eth(5);
    EXPECT_ERRC(first.add(signed_order(other)), Errc::kUsage);
    OrderBook second = book();
    EXPECT_TRUE(second.cancel(signed_cancel(1), seen({})).value());
    EXPECT_FALSE(second.cancel(signed_cancel(1), seen({})).value());
    EXPECT_ERRC(second.add(signed_order(other)), Errc::kUsage);
    EXPECT_FALSE(second.add(signed_order(order())).value());
    ASSERT_EQ(book().orders().size(), 1U);
    EXPECT_EQ(order_standing(book().orders().front(), {}).state, OrderState::kCancelled);
}

TEST_F(OrdersTest, ACancellationThatCameFirstKeepsItsOrderOut) {
    EXPECT_TRUE(book().cancel(signed_cancel(2), seen({})).value());
    EXPECT_FALSE(book().cancel(signed_cancel(2), seen({})).value());
    EXPECT_ERRC(book().add(signed_order(order(2))), Errc::kUsage);
    EXPECT_TRUE(book().add(signed_order(order(1))).value());
    ASSERT_EQ(book().orders().size(), 1U);
    EXPECT_FALSE(book().orders().front().is_cancelled);
}

TEST_F(OrdersTest, WhatARoundTriggeredIsNotTakenBack) {
    EXPECT_TRUE(book().add(signed_order(order())).value());
    const std::vector<RoundStub> rounds{stub(1, 1'100, "1900"), stub(2, 1'200, "1799")};
    EXPECT_ERRC(book().cancel(signed_cancel(1), seen(rounds)), Errc::kCheckFailed);
    EXPECT_EQ(order_standing(book().orders().front(), rounds).state, OrderState::kTriggered);
    // Before that round was there, it would have been.
    EXPECT_TRUE(book().cancel(signed_cancel(1), seen({rounds.front()})).value());
    EXPECT_EQ(order_standing(book().orders().front(), rounds).state, OrderState::kCancelled);
}

// Spaces are part of what came in.
TEST_F(OrdersTest, TheFileNeverGrowsBeyondWhatIsReadAndEveryOrderCanBeTakenBack) {
    constexpr std::size_t kMost = std::size_t{64} << 10U;
    const auto small = [this] {
        return OrderBook::open(dir.path(), network, kMost).value();
    };
    const auto padded = [this](std::uint64_t nonce, std::size_t size) {
        std::string text = signed_order(order(nonce));
        return text + std::string(size - text.size(), ' ');
    };
    EXPECT_TRUE(small().add(signed_order(order(1))).value());
    EXPECT_ERRC(small().add(padded(2, kMost)), Errc::kLimit);
    // Itself it would fit, but then it could not be taken back.
    EXPECT_ERRC(small().add(padded(2, kMost - 8'000)), Errc::kLimit);
    EXPECT_TRUE(small().add(padded(2, kMost - 13'000)).value());
    EXPECT_TRUE(small().cancel(signed_cancel(1), seen({})).value());
    EXPECT_TRUE(small().cancel(signed_cancel(2), seen({})).value());
    EXPECT_EQ(small().orders().size(), 2U);
}

TEST_F(OrdersTest, TheFirstRoundThatReachesTheTriggerCountsForGood) {
    const SignedOrder one = read_order(network, signed_order(order())).value();
    const std::vector<RoundStub> rounds{
        stub(1, 900, "1700"),
        stub(2, 1'100, "1900"),
        stub(3, 1'200, "1799"),
        stub(4, 2'500, "9000")};
    const OrderStanding standing = order_standing(one, rounds);
    EXPECT_EQ(standing.state, OrderState::kTriggered);
    EXPECT_EQ(standing.round, RoundNum{3});
    EXPECT_EQ(standing.price, usd("1799"));
    const std::vector<RoundStub> quiet{stub(1, 900, "1700"), stub(2, 1'100, "1900")};
    EXPECT_EQ(order_standing(one, quiet).state, OrderState::kWaiting);
    const std::vector<RoundStub> late{stub(2, 1'100, "1900"), stub(3, 2'001, "1")};
    EXPECT_EQ(order_standing(one, late).state, OrderState::kExpired);
}

class OrderLogTest : public WorldTest {};

// As `order list` does: round by round from the store, the last one first.
TEST_F(OrderLogTest, StandingsAreThoseOfTheWholeLog) {
    const auto price_at = [this](std::string_view price) {
        world.eth_price = usd(price);
        world.settle(0, {});
        ASSERT_OK(world.round());
        world.wait(60);
    };
    SignedOrder below;
    below.order.watched = eth_on(world.id(0));
    below.order.below = true;
    below.order.trigger = usd("1800");
    below.order.valid_from = world.clock.now();
    below.order.expiry = UnixSeconds{world.clock.now().value + 100'000};
    SignedOrder cancelled = below;
    cancelled.is_cancelled = true;
    SignedOrder deep = below;
    deep.order.trigger = usd("1000");
    SignedOrder late = deep;
    late.order.expiry = below.order.valid_from;
    const std::vector<SignedOrder> orders{below, cancelled, deep, late};
    EXPECT_EQ(order_standings(*world.database, orders).value().front().state, OrderState::kWaiting);
    for (const char* price : {"1900", "1750", "1700", "1900"}) {
        price_at(price);
    }
    const auto standings = order_standings(*world.database, orders);
    ASSERT_OK(standings);
    EXPECT_EQ(standings.value()[0].state, OrderState::kTriggered);
    EXPECT_EQ(standings.value()[0].price, usd("1750"));
    EXPECT_EQ(standings.value()[1].state, OrderState::kCancelled);
    EXPECT_EQ(standings.value()[2].state, OrderState::kWaiting);
    EXPECT_EQ(standings.value()[3].state, OrderState::kExpired);
}

}  // namespace
}  // namespace margrave::relayer::tests
