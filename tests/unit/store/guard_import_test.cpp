// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/guard_fixture.hpp"

namespace margrave::store::test {
namespace {

class GuardImports : public GuardTest {
  protected:
    static GuardEntry minimal(std::uint64_t epoch) {
        GuardEntry e = entry(epoch, 0);
        e.digest = Hash32{};
        e.message.clear();
        return e;
    }

    GuardImport import(const std::vector<GuardEntry>& told) {
        return STORE_OK(guard_->import(told));
    }

    void refused(const std::vector<GuardEntry>& told, const std::string& words) {
        const std::uint64_t before = guard_->state().records;
        const auto done = guard_->import(told);
        ASSERT_FALSE(done.has_value());
        EXPECT_EQ(done.error().code, Errc::kConflict) << done.error().detail;
        EXPECT_NE(done.error().detail.find(words), std::string::npos) << done.error().detail;
        EXPECT_EQ(guard_->state().records, before);
    }

    std::optional<GuardEntry> newest() {
        const GuardEntry e = entry(1, 1);
        return STORE_OK(guard_->last(e.signer, e.domain, e.subject));
    }
};

TEST_F(GuardImports, AnImportedEpochIsALowWatermark) {
    const GuardImport done = import({entry(5, 50), entry(7, 70), entry(6, 60)});
    EXPECT_EQ(done.told, 3U);
    EXPECT_EQ(done.raised, 1U);
    for (int i = 0; i < 2; ++i) {
        EXPECT_CODE(guard_->record(entry(6, 61)), Errc::kConflict);
        EXPECT_CODE(guard_->record(entry(7, 71)), Errc::kConflict);
        // Nothing below it either, repeated or not, gap or not.
        EXPECT_CODE(guard_->record(entry(6, 60)), Errc::kConflict);
        EXPECT_CODE(guard_->record(entry(2, 20)), Errc::kConflict);
        EXPECT_EQ(STORE_OK(guard_->record(entry(7, 70))), GuardVerdict::kRepeat);
        EXPECT_EQ(newest()->epoch, 7U);
        EXPECT_EQ(newest()->message, entry(7, 70).message);
        reopen();
    }
    record(entry(8, 80));
}

TEST_F(GuardImports, AnUnknownDigestConflictsWithEverything) {
    import({minimal(7)});
    for (int i = 0; i < 2; ++i) {
        EXPECT_CODE(guard_->record(entry(7, 70)), Errc::kConflict);
        EXPECT_CODE(guard_->record(entry(6, 60)), Errc::kConflict);
        EXPECT_TRUE(newest()->digest.is_zero());
        reopen();
    }
    record(entry(8, 80));
}

TEST_F(GuardImports, WatermarksOnlyRise) {
    import({entry(7, 70)});
    EXPECT_EQ(import({entry(5, 50)}).raised, 0U);
    EXPECT_EQ(import({minimal(6)}).raised, 0U);
    EXPECT_EQ(import({}).told, 0U);
    EXPECT_EQ(newest()->epoch, 7U);
    record(entry(9, 90));
    EXPECT_EQ(import({entry(8, 80)}).raised, 0U);
    EXPECT_EQ(newest()->epoch, 9U);
    EXPECT_EQ(import({entry(12, 120)}).raised, 1U);
    EXPECT_CODE(guard_->record(entry(10, 100)), Errc::kConflict);
    // What was recorded here may be repeated for ever.
    EXPECT_EQ(STORE_OK(guard_->record(entry(9, 90))), GuardVerdict::kRepeat);
    EXPECT_CODE(guard_->record(entry(9, 91)), Errc::kConflict);
    reopen();
    EXPECT_EQ(newest()->epoch, 12U);
    EXPECT_EQ(guard_->state().watermarks, 1U);
    EXPECT_EQ(guard_->state().statements, 1U);
}

TEST_F(GuardImports, DuplicatesAreOne) {
    EXPECT_EQ(import({entry(5, 50), entry(5, 50)}).raised, 1U);
    EXPECT_EQ(newest()->digest, word(50));
    EXPECT_EQ(import({entry(5, 50)}).known, 1U);
}

TEST_F(GuardImports, ADuplicateWithAnUnknownDigestIsUnknown) {
    import({entry(5, 50), minimal(5)});
    EXPECT_CODE(guard_->record(entry(5, 50)), Errc::kConflict);
    import({minimal(6), entry(6, 60)});
    EXPECT_CODE(guard_->record(entry(6, 60)), Errc::kConflict);
}

TEST_F(GuardImports, AContradictionImportsNothing) {
    record(entry(5, 50));
    refused({entry(9, 90), entry(5, 51)}, "the guard says");
    refused({entry(9, 90), entry(9, 91)}, "the same file says");
    import({entry(7, 70)});
    refused({entry(7, 71), entry(8, 80)}, "an earlier import says");
    record(entry(8, 88));
}

TEST_F(GuardImports, SubjectsAndSignersHaveTheirOwn) {
    GuardEntry release = entry(1, 11);
    release.subject = word(77);
    GuardEntry other = entry(3, 33);
    other.signer = address(9);
    EXPECT_EQ(import({entry(7, 70), release, other}).raised, 3U);
    GuardEntry again = release;
    again.digest = word(12);
    EXPECT_CODE(guard_->record(again), Errc::kConflict);
    EXPECT_EQ(STORE_OK(guard_->record(release)), GuardVerdict::kRepeat);
    record(entry(8, 80));
    other.epoch = 4;
    record(other);
    EXPECT_EQ(guard_->size(), 5U);
}

TEST_F(GuardImports, HeadsOfAnImportNeverGoBack) {
    record(entry(1, 10, {head_at(1, 100, 1), head_at(2, 50, 2)}));
    import({entry(4, 40, {head_at(1, 200, 3), head_at(2, 40, 4)})});
    EXPECT_CODE(
        guard_->record(entry(5, 50, {head_at(1, 199, 5), head_at(2, 60, 6)})), Errc::kConflict
    );
    EXPECT_CODE(
        guard_->record(entry(5, 50, {head_at(1, 201, 5), head_at(2, 49, 6)})), Errc::kConflict
    );
    refused({entry(6, 60, {head_at(1, 200, 9)})}, "the two followed different chains");
    // Without heads the ones that are known still hold.
    import({minimal(7)});
    EXPECT_CODE(guard_->record(entry(8, 80, {head_at(1, 201, 5)})), Errc::kConflict);
    reopen();
    record(entry(8, 80, {head_at(1, 200, 3), head_at(2, 50, 2)}));
}

TEST_F(GuardImports, WhatIsExportedBringsAnotherGuardAsFar) {
    record(entry(1, 10, {head_at(1, 100, 1)}));
    record(entry(2, 20, {head_at(1, 101, 2)}));
    GuardEntry release = entry(1, 11);
    release.subject = word(77);
    record(release);
    const auto all = STORE_OK(guard_->entries(/*newest_only=*/false));
    ASSERT_EQ(all.size(), 3U);
    const auto newest_only = STORE_OK(guard_->entries(/*newest_only=*/true));
    ASSERT_EQ(newest_only.size(), 2U);
    for (const auto& told : {all, newest_only}) {
        const TempDir other;
        const auto guard =
            STORE_OK(SigningGuard::open(other.path() / "g", other.path() / "m", network()));
        STORE_OK(guard->import(told));
        EXPECT_CODE(guard->record(entry(2, 21, {head_at(1, 102, 3)})), Errc::kConflict);
        EXPECT_CODE(guard->record(entry(3, 30, {head_at(1, 100, 1)})), Errc::kConflict);
        const auto last =
            STORE_OK(guard->last(release.signer, release.domain, kAttestation)).value();
        EXPECT_EQ(last.digest, word(20));
        EXPECT_EQ(last.message, entry(2, 20).message);
        EXPECT_EQ(STORE_OK(guard->record(release)), GuardVerdict::kRepeat);
        EXPECT_EQ(STORE_OK(guard->record(entry(3, 30, {head_at(1, 102, 3)}))), GuardVerdict::kNew);
    }
}

TEST_F(GuardImports, TooMuchForOneRecordIsALimit) {
    std::vector<GuardEntry> told;
    for (std::uint64_t i = 0; i < 3; ++i) {
        told.push_back(entry(1, 10));
        told.back().subject = word(100 + i);
        told.back().message = Bytes(std::size_t{12} << 20U, 1);
    }
    const auto done = guard_->import(told);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kLimit);
    EXPECT_EQ(guard_->size(), 0U);
    record(entry(1, 10));
}

TEST_F(GuardImports, ACrashInAnImportLeavesAllOfItOrNone) {
    record(entry(1, 10));
    const std::uint64_t before = fs::file_size(log_file());
    const TempDir copy;
    fs::copy(mark(), copy.path() / "mark");
    GuardEntry release = entry(1, 11);
    release.subject = word(77);
    import({entry(5, 50), release});
    close();
    const std::uint64_t after = fs::file_size(log_file());
    // The mark of before, and any part of the record.
    fs::copy_file(copy.path() / "mark", mark(), fs::copy_options::overwrite_existing);
    fs::copy(log_file(), copy.path() / "log");
    for (std::uint64_t left = before; left <= after; left += (after - before) / 4) {
        fs::copy_file(copy.path() / "log", log_file(), fs::copy_options::overwrite_existing);
        fs::copy_file(copy.path() / "mark", mark(), fs::copy_options::overwrite_existing);
        fs::resize_file(log_file(), left);
        reopen();
        EXPECT_EQ(guard_->state().watermarks, left == after ? 2U : 0U);
        close();
    }
}

TEST_F(GuardImports, AClosedGuardRepeatsAndSignsNothingNew) {
    record(entry(1, 10));
    STORE_OK(guard_->close(kAttestation, 3, "handed to op-2"));
    record(entry(2, 20));
    for (int i = 0; i < 2; ++i) {
        const auto third = guard_->record(entry(3, 30));
        ASSERT_FALSE(third.has_value());
        EXPECT_EQ(third.error().code, Errc::kUnsafe);
        EXPECT_NE(third.error().detail.find("handed to op-2"), std::string::npos);
        EXPECT_EQ(STORE_OK(guard_->record(entry(2, 20))), GuardVerdict::kRepeat);
        reopen();
    }
    GuardEntry release = entry(1, 11);
    release.subject = word(77);
    record(release);
    STORE_OK(guard_->close(Hash32{}, 0, "all of it"));
    release.subject = word(78);
    EXPECT_CODE(guard_->record(release), Errc::kUnsafe);
    EXPECT_NE(
        guard_->state().closed.find("everything from epoch 0 on: all of it"), std::string::npos
    );
    EXPECT_CODE(guard_->close(Hash32{}, 0, ""), Errc::kUsage);
}

TEST_F(GuardImports, ADigestOfZeroAndAnEpochOfZeroAreNotRecorded) {
    EXPECT_CODE(guard_->record(minimal(3)), Errc::kInvalid);
    EXPECT_CODE(guard_->record(entry(0, 10)), Errc::kInvalid);
    EXPECT_CODE(guard_->import({minimal(0)}), Errc::kInvalid);
}

}  // namespace
}  // namespace margrave::store::test
