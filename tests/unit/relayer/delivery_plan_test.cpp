// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "relayer/delivery.hpp"
#include "relayer/detail/delivery_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::relayer {
namespace {

using store::Intent;
using store::IntentState;

constexpr UnixSeconds kNow{1'000};

Intent intent(const std::string& kind, std::uint64_t number, IntentState state) {
    Intent out;
    out.kind = kind;
    out.label = std::to_string(number);
    out.id = keccak256(kind + out.label);
    out.chain = ChainId::evm(1);
    out.to = low_address(keccak256("target of " + kind));
    out.expires = UnixSeconds{kNow.value + 600};
    out.state = state;
    if (state == IntentState::kSent) {
        store::Attempt attempt;
        attempt.sent_at = BlockNum{100};
        put_bytes(attempt.raw, out.to.view());
        out.attempts.push_back(attempt);
        out.nonce = number;
    }
    return out;
}

Intent queued(const std::string& kind, std::uint64_t number) {
    return intent(kind, number, IntentState::kQueued);
}

Intent sent(const std::string& kind, std::uint64_t number) {
    return intent(kind, number, IntentState::kSent);
}

DeliveryPlan plan(const std::vector<Intent>& open, std::uint64_t registry = 0) {
    return plan_delivery(open, RoundNum{registry}, BlockNum{101}, kNow, {});
}

bool has(const std::vector<Hash32>& ids, const Intent& wanted) {
    return std::find(ids.begin(), ids.end(), wanted.id) != ids.end();
}

bool drops(const DeliveryPlan& made, const Intent& wanted) {
    return std::any_of(made.drops.begin(), made.drops.end(), [&wanted](const auto& drop) {
        return drop.intent == wanted.id;
    });
}

TEST(DeliveryPlan, OnlyTheNewestAttestationIsSent) {
    const Intent old = queued("attestation", 4);
    const Intent newest = queued("attestation", 5);
    const DeliveryPlan made = plan({old, newest});
    EXPECT_TRUE(drops(made, old));
    EXPECT_EQ(made.sends, std::vector<Hash32>{newest.id});
}

TEST(DeliveryPlan, AttestationTheRegistryHasIsDropped) {
    const Intent same = queued("attestation", 5);
    EXPECT_TRUE(drops(plan({same}, 5), same));
    EXPECT_FALSE(drops(plan({same}, 4), same));
}

TEST(DeliveryPlan, NewerAttestationWaitsWhileOneIsInFlight) {
    const Intent out = sent("attestation", 4);
    const Intent next = queued("attestation", 5);
    EXPECT_TRUE(plan({out, next}).sends.empty());
}

TEST(DeliveryPlan, SeizureWaitsWhileAnAttestationIsInFlight) {
    const Intent out = sent("attestation", 4);
    const Intent seizure = queued("seizure", 1);
    EXPECT_TRUE(plan({out, seizure}).sends.empty());
}

TEST(DeliveryPlan, SeizuresComeBeforeTheAttestationAndReleasesFirst) {
    const Intent attestation = queued("attestation", 5);
    const Intent seizure = queued("seizure", 1);
    const Intent release = queued("release", 2);
    const std::vector<Hash32> order{release.id, seizure.id, attestation.id};
    EXPECT_EQ(plan({attestation, seizure, release}).sends, order);
}

TEST(DeliveryPlan, NothingIsSentOutsideTheWindow) {
    std::vector<Intent> open;
    for (std::uint64_t i = 0; i < 20; ++i) {
        open.push_back(queued("release", i));
    }
    open.push_back(queued("attestation", 1));
    EXPECT_EQ(plan(open).sends.size(), kDeliveryWindow);
    for (std::size_t i = 0; i < kDeliveryWindow; ++i) {
        open[i] = sent("release", i);
    }
    EXPECT_TRUE(plan(open).sends.empty());
}

TEST(DeliveryPlan, WindowAlwaysHasAPlaceForTheAttestation) {
    const Intent attestation = queued("attestation", 1);
    for (const std::string kind : {"release", "seizure"}) {
        std::vector<Intent> open;
        for (std::uint64_t i = 0; i < 20; ++i) {
            open.push_back(queued(kind, i));
        }
        open.push_back(attestation);
        EXPECT_TRUE(has(plan(open).sends, attestation)) << kind;
        for (std::size_t i = 0; i + 1 < kDeliveryWindow; ++i) {
            open[i] = sent(kind, i);
        }
        EXPECT_TRUE(has(plan(open).sends, attestation)) << kind;
    }
}

TEST(DeliveryPlan, IncludedTransactionsLeaveTheWindow) {
    std::vector<Intent> open;
    for (std::uint64_t i = 0; i < 20; ++i) {
        open.push_back(intent("release", i, IntentState::kIncluded));
    }
    const Intent next = queued("release", 30);
    open.push_back(next);
    EXPECT_EQ(plan(open).sends, std::vector<Hash32>{next.id});
}

TEST(DeliveryPlan, ExpiredQueuedIntentIsDroppedAtTheSecondAfterItsExpiry) {
    Intent release = queued("release", 1);
    release.expires = kNow;
    EXPECT_FALSE(drops(plan({release}), release));
    release.expires = UnixSeconds{kNow.value - 1};
    EXPECT_TRUE(drops(plan({release}), release));
    release.expires = UnixSeconds{};
    EXPECT_FALSE(drops(plan({release}), release));
}

TEST(DeliveryPlan, TransactionIsReplacedAfterTheConfiguredBlocks) {
    const Intent out = sent("release", 1);
    const chains::FeeSettings fees{};
    const auto at = [&](std::uint64_t head) {
        return plan_delivery({out}, {}, BlockNum{head}, kNow, fees);
    };
    EXPECT_TRUE(at(101).replacements.empty());
    EXPECT_TRUE(has(at(102).replacements, out));
}

TEST(DeliveryPlan, ExpiredTransactionGivesItsNonceBack) {
    Intent out = sent("release", 1);
    out.expires = UnixSeconds{kNow.value - 1};
    const DeliveryPlan made = plan_delivery({out}, {}, BlockNum{102}, kNow, {});
    EXPECT_TRUE(made.replacements.empty());
    EXPECT_TRUE(has(made.cancels, out));
    EXPECT_TRUE(made.drops.empty());
}

TEST(DeliveryRules, FirstFeeIsTwiceTheBaseAndTheTipBelowTheCap) {
    chains::FeeSettings settings;
    settings.max_fee_wei = 1'000;
    const auto fees = first_fees({Amount{100}, Amount{7}}, settings).value();
    EXPECT_EQ(fees.base_fee, Amount{207});
    EXPECT_EQ(fees.priority_fee, Amount{7});
    const auto capped = first_fees({Amount{900}, Amount{2'000}}, settings).value();
    EXPECT_EQ(capped.base_fee, Amount{1'000});
    EXPECT_EQ(capped.priority_fee, Amount{1'000});
}

TEST(DeliveryRules, CapBelowTheBaseFeeIsNoFee) {
    chains::FeeSettings settings;
    settings.max_fee_wei = 99;
    const auto refused = first_fees({Amount{100}, Amount{1}}, settings);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kLimit);
    settings.max_fee_wei = 100;
    EXPECT_TRUE(first_fees({Amount{100}, Amount{1}}, settings).has_value());
}

store::Attempt attempt_at(std::uint64_t max_fee, std::uint64_t priority) {
    store::Attempt out;
    out.max_fee = Amount{max_fee};
    out.priority_fee = Amount{priority};
    return out;
}

TEST(DeliveryRules, ReplacementRaisesBothFeesByATenth) {
    const chains::FeeSettings settings{};
    const auto raised =
        raised_fees(attempt_at(1'000, 15), {Amount{400}, Amount{1}}, settings).value();
    EXPECT_EQ(raised.base_fee, Amount{1'101});
    EXPECT_EQ(raised.priority_fee, Amount{17});
}

TEST(DeliveryRules, ReplacementAsksAtLeastWhatTheMarketAsks) {
    const chains::FeeSettings settings{};
    const auto raised =
        raised_fees(attempt_at(1'000, 10), {Amount{5'000}, Amount{70}}, settings).value();
    EXPECT_EQ(raised.base_fee, Amount{10'070});
    EXPECT_EQ(raised.priority_fee, Amount{70});
}

TEST(DeliveryRules, ReplacementNeverPassesThreeTimesTheEstimateOrTheCap) {
    chains::FeeSettings settings;
    const chains::FeeQuote quote{Amount{100}, Amount{0}};
    EXPECT_TRUE(raised_fees(attempt_at(500, 1), quote, settings).has_value());
    EXPECT_FALSE(raised_fees(attempt_at(546, 1), quote, settings).has_value());
    settings.max_fee_wei = 540;
    EXPECT_FALSE(raised_fees(attempt_at(500, 1), quote, settings).has_value());
}

TEST(DeliveryRules, AttemptThatDoesNotNameTheTargetIsACancel) {
    Intent out = sent("release", 1);
    EXPECT_FALSE(is_cancel(out, out.attempts.front()));
    EXPECT_TRUE(is_cancel(out, store::Attempt{}));
}

TEST(DeliveryRules, AttemptsBehindACancelHaveAnotherNonce) {
    Intent out = sent("release", 1);
    const store::Attempt real = out.attempts.front();
    const store::Attempt cancel{};
    out.attempts = {real, real, cancel};
    EXPECT_EQ(first_of_nonce(out), 0U);
    out.attempts = {real, cancel, cancel, real};
    EXPECT_EQ(first_of_nonce(out), 3U);
    out.attempts = {real, cancel, real, real, cancel};
    EXPECT_EQ(first_of_nonce(out), 2U);
    out.attempts.clear();
    EXPECT_EQ(first_of_nonce(out), 0U);
}

TEST(DeliveryRules, ContractErrorsMeanWhatTheyMeanForTheIntent) {
    EXPECT_EQ(meaning_of("RoundNotNewer(4, 4)"), Refusal::kDone);
    EXPECT_EQ(meaning_of("AlreadyExecuted(0x01)"), Refusal::kDone);
    EXPECT_EQ(meaning_of("DeadlinePassed(1, 2)"), Refusal::kNever);
    EXPECT_EQ(meaning_of("NotProved(0x01)"), Refusal::kNotYet);
    EXPECT_EQ(meaning_of("EnforcedPause()"), Refusal::kNotYet);
    EXPECT_EQ(meaning_of("SomethingElse()"), Refusal::kUnknown);
}

}  // namespace
}  // namespace margrave::relayer
