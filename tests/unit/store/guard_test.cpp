// SPDX-License-Identifier: Apache-2.0
#include "store/guard.hpp"

#include "tests/unit/store/guard_fixture.hpp"

#include <unistd.h>

namespace margrave::store::test {
namespace {

class Guard : public GuardTest {};

TEST_F(Guard, TheSameDigestIsARepeatAndIsNotRecordedAgain) {
    record(entry(1, 10));
    EXPECT_EQ(STORE_OK(guard_->record(entry(1, 10))), GuardVerdict::kRepeat);
    EXPECT_EQ(guard_->size(), 1U);
    reopen();
    EXPECT_EQ(STORE_OK(guard_->record(entry(1, 10))), GuardVerdict::kRepeat);
    EXPECT_EQ(guard_->size(), 1U);
}

TEST_F(Guard, AnotherDigestIsAConflictForEver) {
    record(entry(1, 10));
    EXPECT_CODE(guard_->record(entry(1, 11)), Errc::kConflict);
    record(entry(2, 20));
    EXPECT_CODE(guard_->record(entry(1, 11)), Errc::kConflict);
    reopen();
    EXPECT_CODE(guard_->record(entry(1, 11)), Errc::kConflict);
    EXPECT_CODE(guard_->record(entry(2, 21)), Errc::kConflict);
    EXPECT_EQ(guard_->size(), 2U);
}

TEST_F(Guard, AnEpochBelowTheHighestIsRefusedUnlessItRepeats) {
    record(entry(1, 10));
    record(entry(5, 50));
    EXPECT_CODE(guard_->record(entry(3, 30)), Errc::kConflict);
    EXPECT_EQ(STORE_OK(guard_->record(entry(1, 10))), GuardVerdict::kRepeat);
    record(entry(6, 60));
    reopen();
    EXPECT_CODE(guard_->record(entry(4, 40)), Errc::kConflict);
}

TEST_F(Guard, OtherSignersDomainsAndSubjectsAreOtherKeys) {
    record(entry(5, 50));
    GuardEntry other = entry(1, 99);
    other.signer = address(2);
    record(other);
    other = entry(1, 98);
    other.domain = word(3);
    record(other);
    other = entry(1, 97);
    other.subject = word(4);
    record(other);
    EXPECT_EQ(guard_->size(), 4U);
}

TEST_F(Guard, AReleaseIdHasOneDigest) {
    GuardEntry release_entry = entry(1, 10);
    release_entry.subject = word(1234);
    record(release_entry);
    EXPECT_EQ(STORE_OK(guard_->record(release_entry)), GuardVerdict::kRepeat);
    release_entry.digest = word(11);
    EXPECT_CODE(guard_->record(release_entry), Errc::kConflict);
}

TEST_F(Guard, HeadsNeverGoBack) {
    record(entry(1, 10, {head_at(1, 100, 1), head_at(2, 50, 2)}));
    EXPECT_CODE(
        guard_->record(entry(2, 20, {head_at(1, 99, 3), head_at(2, 51, 4)})), Errc::kConflict
    );
    EXPECT_CODE(
        guard_->record(entry(2, 20, {head_at(1, 101, 3), head_at(2, 49, 4)})), Errc::kConflict
    );
    record(entry(2, 20, {head_at(1, 100, 1), head_at(2, 60, 5)}));
    reopen();
    EXPECT_CODE(
        guard_->record(entry(3, 30, {head_at(1, 100, 1), head_at(2, 59, 6)})), Errc::kConflict
    );
}

TEST_F(Guard, AFinalBlockNeverChangesItsHash) {
    record(entry(1, 10, {head_at(1, 100, 1)}));
    EXPECT_CODE(guard_->record(entry(2, 20, {head_at(1, 100, 9)})), Errc::kConflict);
    record(entry(2, 20, {head_at(1, 101, 9)}));
}

TEST_F(Guard, ChainsMayBeAddedAndNotRemoved) {
    record(entry(1, 10, {head_at(1, 100, 1)}));
    record(entry(2, 20, {head_at(1, 100, 1), head_at(2, 5, 2)}));
    EXPECT_CODE(guard_->record(entry(3, 30, {head_at(1, 101, 3)})), Errc::kConflict);
    EXPECT_CODE(guard_->record(entry(3, 30)), Errc::kConflict);
    record(entry(3, 30, {head_at(2, 5, 2), head_at(1, 100, 1)}));
}

TEST_F(Guard, ARefusedEntryLeavesNoTrace) {
    record(entry(1, 10, {head_at(1, 100, 1)}));
    EXPECT_CODE(guard_->record(entry(9, 90, {head_at(1, 1, 1)})), Errc::kConflict);
    record(entry(2, 20, {head_at(1, 100, 1)}));
    reopen();
    EXPECT_EQ(guard_->size(), 2U);
}

TEST_F(Guard, AnEntryThatCannotBeRecordedIsInvalid) {
    EXPECT_CODE(guard_->record(entry(1, 10, {head_at(1, 1, 1), head_at(1, 2, 2)})), Errc::kInvalid);
    EXPECT_CODE(guard_->record(entry(1, 10, {Head{}})), Errc::kInvalid);
    GuardEntry big = entry(1, 10);
    big.message = Bytes((std::size_t{16} << 20U) + 1, 0);
    EXPECT_CODE(guard_->record(big), Errc::kInvalid);
    EXPECT_EQ(guard_->size(), 0U);
}

TEST_F(Guard, WhatWasRecordedComesBackWhole) {
    const GuardEntry first = entry(1, 10, {head_at(1, 100, 1), head_at(2, 50, 2)});
    record(first);
    record(entry(2, 20, {head_at(1, 100, 1), head_at(2, 50, 2)}));
    for (int i = 0; i < 2; ++i) {
        const auto found =
            STORE_OK(guard_->find(first.signer, first.domain, first.subject, 1)).value();
        EXPECT_EQ(found.signer, first.signer);
        EXPECT_EQ(found.domain, first.domain);
        EXPECT_EQ(found.subject, first.subject);
        EXPECT_EQ(found.epoch, 1U);
        EXPECT_EQ(found.digest, first.digest);
        EXPECT_EQ(found.message, first.message);
        EXPECT_EQ(found.as_of, first.as_of);
        EXPECT_EQ(
            STORE_OK(guard_->last(first.signer, first.domain, first.subject)).value().epoch, 2U
        );
        EXPECT_FALSE(
            STORE_OK(guard_->find(first.signer, first.domain, first.subject, 3)).has_value()
        );
        EXPECT_FALSE(STORE_OK(guard_->last(first.signer, first.domain, word(9))).has_value());
        reopen();
    }
}

TEST_F(Guard, ASecondHolderIsLockedAndToldByWhom) {
    const auto second = open();
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, Errc::kLocked);
    EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos)
        << second.error().detail;
    // Another directory with the same mark is the same guard.
    EXPECT_CODE(SigningGuard::open(dir_.path() / "other", mark(), network()), Errc::kLocked);
}

TEST_F(Guard, AnotherNetworkIsRefused) {
    close();
    EXPECT_CODE(SigningGuard::open(guard_dir(), mark(), word(1)), Errc::kSchema);
}

}  // namespace
}  // namespace margrave::store::test
