// SPDX-License-Identifier: Apache-2.0
#include "attest/digest.hpp"
#include "attest/tlog.hpp"
#include "relayer/guard_status.hpp"
#include "relayer/scribe.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <fstream>
#include <sstream>

namespace margrave::relayer::tests {
namespace {

namespace fs = std::filesystem;

/// Guard, log and published log, and every way in which they can be of different ages.
class GuardStart : public WorldTest {
  protected:
    GuardStart() { world.settle(0, {deposit(account(1), coin(), eth(2))}); }

    [[nodiscard]] const fs::path& data() const { return world.settings.data_dir; }

    void more_rounds(int count) {
        for (int i = 0; i < count; ++i) {
            world.settle(0, {deposit(account(1), coin(), eth(1))});
        }
    }

    /// A guard of its own beside the data, to which `told` was imported, in place of the guard.
    void replace_guard(const std::vector<store::GuardEntry>& told) {
        world.stop();
        fs::remove_all(data() / "guard");
        fs::remove(data() / "guard.mark");
        const Hash32 network = world.settings.genesis.network();
        auto guard = store::SigningGuard::open(data() / "guard", data() / "guard.mark", network);
        ASSERT_OK(guard);
        ASSERT_OK(guard.value()->import(told));
    }

    void unsafe(const std::string& words) {
        const auto started = world.start();
        ASSERT_FALSE(started.has_value());
        EXPECT_EQ(started.error().code, Errc::kUnsafe);
        EXPECT_EQ(exit_code(started.error().code), 3);
        EXPECT_NE(started.error().detail.find(words), std::string::npos) << started.error().detail;
    }

    [[nodiscard]] std::string checkpoint() const {
        std::ostringstream out;
        out << std::ifstream(data() / "log" / "checkpoint").rdbuf();
        return out.str();
    }

    [[nodiscard]] RoundNum last_round() const { return world.scribe->last().round; }
};

TEST_F(GuardStart, AGuardThatIsBehindTheLogIsUnsafe) {
    const auto old = world.guard->entries(/*newest_only=*/false).value();
    more_rounds(2);
    replace_guard(old);
    unsafe("the guard is behind what was published");
}

TEST_F(GuardStart, AnExportBringsAGuardThatSignsOn) {
    more_rounds(1);
    for (const bool newest_only : {false, true}) {
        const auto told = world.guard->entries(newest_only).value();
        const RoundNum before = last_round();
        replace_guard(told);
        ASSERT_OK(world.start());
        EXPECT_EQ(last_round(), before);
        more_rounds(1);
        EXPECT_EQ(last_round(), RoundNum{before.value + 1});
    }
}

TEST_F(GuardStart, TheMinimalFormIsEnough) {
    auto told = world.guard->entries(/*newest_only=*/true).value();
    for (store::GuardEntry& entry : told) {
        entry.digest = Hash32{};
        entry.message.clear();
    }
    replace_guard(told);
    ASSERT_OK(world.start());
    more_rounds(1);
    EXPECT_EQ(last_round(), RoundNum{2});
}

TEST_F(GuardStart, AnotherDigestForTheLastRoundIsUnsafe) {
    auto told = world.guard->entries(/*newest_only=*/true).value();
    for (store::GuardEntry& entry : told) {
        entry.digest.data[0] ^= 1U;
    }
    replace_guard(told);
    unsafe("they are not of one history");
}

TEST_F(GuardStart, AGuardWithoutAReleaseOfTheLogIsUnsafe) {
    world.settle(0, {withdrawal_request(account(1), coin(), eth(1))});
    ASSERT_EQ(world.leaf_kinds().back(), "release");
    std::vector<store::GuardEntry> kept;
    const auto all = world.guard->entries(/*newest_only=*/false).value();
    for (const store::GuardEntry& entry : all) {
        if (entry.subject == attestation_subject()) {
            kept.push_back(entry);
        }
    }
    replace_guard(kept);
    unsafe("its release is signed, but the signing guard does not know");
}

TEST_F(GuardStart, AnImportedRoundIsFinishedWithItsMessageOnly) {
    const auto before = world.guard->entries(/*newest_only=*/false).value();
    std::vector<store::GuardEntry> told = before;
    store::GuardEntry next = told.front();
    for (const store::GuardEntry& entry : before) {
        if (entry.subject == attestation_subject()) {
            next = entry;
        }
    }
    next.epoch += 1;
    next.message.clear();
    told.push_back(next);
    replace_guard(told);
    unsafe("came by an import without its message");
}

TEST_F(GuardStart, AClosedGuardStopsTheDaemon) {
    ASSERT_OK(world.guard->close(Hash32{}, 0, "handed to op-2"));
    ASSERT_OK(world.start());
    world.chain(0).mine({deposit(account(1), coin(), eth(1))});
    world.chain(0).finalize();
    world.watch_all();
    world.wait(60);
    const auto signed_round = world.round();
    ASSERT_FALSE(signed_round.has_value());
    EXPECT_EQ(signed_round.error().code, Errc::kUnsafe);
    EXPECT_NE(signed_round.error().detail.find("handed to op-2"), std::string::npos);
    EXPECT_EQ(last_round(), RoundNum{1});
}

TEST_F(GuardStart, WhatWasPublishedElsewhereMustBePartOfTheLog) {
    const std::string first = checkpoint();
    const std::uint64_t entries = world.scribe->leaves();
    EXPECT_EQ(world.scribe->compare_published(first, "mirror").value(), entries);
    more_rounds(1);
    const std::string second = checkpoint();
    EXPECT_EQ(world.scribe->compare_published(first, "mirror").value(), entries);
    EXPECT_EQ(world.scribe->compare_published(second, "mirror").value(), world.scribe->leaves());
    const auto key = attest::SecretKey::parse(std::string(64, '1'));
    const attest::LogKey log_key = attest::derive_log_key(key.value());
    attest::Checkpoint more = attest::Checkpoint{
        .origin = attest::log_origin(world.settings.genesis.network(), "op-1"),
        .size = world.scribe->leaves() + 1,
        .root = Hash32{}};
    const auto ahead =
        world.scribe->compare_published(attest::sign_checkpoint(more, log_key), "mirror");
    EXPECT_ERRC(ahead, Errc::kUnsafe);
    EXPECT_NE(ahead.error().detail.find("it was rolled back"), std::string::npos);
    more.size = entries;
    EXPECT_ERRC(
        world.scribe->compare_published(attest::sign_checkpoint(more, log_key), "mirror"),
        Errc::kUnsafe
    );
    EXPECT_ERRC(world.scribe->compare_published("nothing", "mirror"), Errc::kConfig);
    more.origin = "margrave.other";
    EXPECT_ERRC(
        world.scribe->compare_published(attest::sign_checkpoint(more, log_key), "mirror"),
        Errc::kConfig
    );
}

TEST_F(GuardStart, StatusTellsWhatTheGuardHolds) {
    config::GuardSettings settings;
    settings.dir = data() / "guard";
    const auto status = guard_status(*world.guard, settings, "12 s left");
    ASSERT_OK(status);
    const std::string text = status.value().dump();
    EXPECT_NE(text.find("\"silence\":\"12 s left\""), std::string::npos) << text;
    EXPECT_NE(text.find("\"round\":\"1\""), std::string::npos) << text;
    EXPECT_NE(text.find("\"statements\":\"2\""), std::string::npos) << text;
    EXPECT_NE(text.find(to_hex(world.scribe->last_digest())), std::string::npos) << text;
}

}  // namespace
}  // namespace margrave::relayer::tests
