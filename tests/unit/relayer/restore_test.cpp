// SPDX-License-Identifier: Apache-2.0
#include "relayer/restore.hpp"

#include "relayer/audit.hpp"
#include "relayer/replay.hpp"
#include "store/backup.hpp"
#include "tests/unit/relayer/fixture.hpp"

namespace margrave::relayer::tests {
namespace {

namespace fs = std::filesystem;

// A store that is as old as its backup, a guard and a published log that are not.
class Restore : public WorldTest {
  protected:
    void SetUp() override {
        world.settle(0, {deposit(account(1), coin(), eth(2))});
        ASSERT_OK(store::copy_store(*world.database, copy()));
    }

    [[nodiscard]] fs::path copy() const { return world.settings.data_dir / "copy"; }

    [[nodiscard]] fs::path store_dir() const { return world.settings.data_dir / "store"; }

    [[nodiscard]] Hash32 network() const { return world.settings.genesis.network(); }

    // The store goes; what the backup has comes in its place.
    void put_back() {
        world.stop();
        fs::rename(store_dir(), store_dir().string() + ".old");
        ASSERT_OK(store::open_copy({copy(), network()}));
        fs::rename(copy(), store_dir());
    }

    Result<LogCompletion> complete() const {
        MARGRAVE_TRY(
            const auto published, read_published(world.settings.data_dir / "log", network())
        );
        MARGRAVE_TRY(const auto database, store::Database::open({store_dir(), network()}));
        const store::Ledger ledger(*database);
        return complete_from_log(*database, ledger, network(), published.log.entries);
    }
};

TEST_F(Restore, TheLogGivesBackWhatWasDecidedSinceTheBackup) {
    world.settle(0, {withdrawal_request(account(1), coin(), eth(1))});
    const std::uint64_t leaves = world.database->leaf_count();
    const RoundNum last = world.scribe->last().round;
    const auto holds = world.ledger->holds();
    ASSERT_OK(holds);
    ASSERT_EQ(holds.value().size(), 1U);
    put_back();
    const auto added = complete();
    ASSERT_OK(added);
    EXPECT_EQ(added.value().releases, 1U);
    EXPECT_GE(added.value().attestations, 1U);

    ASSERT_OK(world.start());
    EXPECT_EQ(world.database->leaf_count(), leaves);
    EXPECT_EQ(world.scribe->last().round, last);
    const auto held = world.ledger->holds();
    ASSERT_OK(held);
    ASSERT_EQ(held.value().size(), 1U);
    EXPECT_EQ(held.value().front().release_id, holds.value().front().release_id);
    EXPECT_EQ(held.value().front().amount, eth(1));
    EXPECT_EQ(held.value().front().asset, holds.value().front().asset);
    // The evidence of the last round comes back from the guard.
    EXPECT_TRUE(world.database->document("round/" + std::to_string(last.value)));
    // It goes on, and the request is not answered twice.
    // Not read again yet, the ledger has nothing to sign from.
    EXPECT_FALSE(world.rounds->open_restored().value());
    world.watch_all();
    ASSERT_TRUE(world.rounds->open_restored().value());
    world.settle(0, {deposit(account(2), coin(), eth(3))});
    EXPECT_GT(world.scribe->last().round, last);
    EXPECT_OK(replay_round(network(), *world.database, *world.ledger, RoundNum{}));
    const auto audited = read_published(world.settings.data_dir / "log", network());
    ASSERT_OK(audited);
    const auto report = attest::audit(
        network(), audited.value().log.entries, audited.value().signers, audited.value().threshold
    );
    EXPECT_TRUE(report.findings.empty()) << report.findings.front().what;
    EXPECT_EQ(report.releases, 1U);
    EXPECT_OK(replay_round(network(), *world.database, *world.ledger, last));
}

TEST_F(Restore, AnInstructionThatOnlyTheGuardKnowsIsWaitedFor) {
    world.settle(0, {withdrawal_request(account(1), coin(), eth(1))});
    const auto holds = world.ledger->holds();
    ASSERT_OK(holds);
    ASSERT_EQ(holds.value().size(), 1U);
    const store::Hold& hold = holds.value().front();
    EXPECT_OK(world.scribe->check_untold(world.clock.now()));
    const auto entries = world.guard->entries(/*newest_only=*/true);
    ASSERT_OK(entries);
    const auto release =
        std::ranges::find(entries.value(), hold.release_id, &store::GuardEntry::subject);
    ASSERT_NE(release, entries.value().end());
    store::GuardEntry untold = *release;
    untold.subject.data[0] ^= 1;
    untold.digest.data[0] ^= 1;
    ASSERT_OK(world.guard->record(untold));
    const auto refused = world.scribe->check_untold(world.clock.now());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kUnsafe);
    EXPECT_NE(refused.error().detail.find(to_hex(untold.subject)), std::string::npos);
    EXPECT_OK(world.scribe->check_untold(UnixSeconds{hold.deadline.value + 1}));
}

TEST_F(Restore, LegsOfOneLockComeBackTogether) {
    give_loan(account(2), 1, 1'000);
    world.eth_price = usd("1100");
    ASSERT_OK(world.round());
    const auto legs = world.ledger->open_legs();
    ASSERT_OK(legs);
    ASSERT_FALSE(legs.value().empty());
    put_back();
    const auto added = complete();
    ASSERT_OK(added);
    EXPECT_EQ(added.value().seizures, legs.value().size());
    ASSERT_OK(world.start());
    const auto back = world.ledger->open_legs();
    ASSERT_OK(back);
    ASSERT_EQ(back.value().size(), legs.value().size());
    EXPECT_EQ(back.value().front().seizure_id, legs.value().front().seizure_id);
    EXPECT_EQ(back.value().front().min_proceeds, legs.value().front().min_proceeds);
    EXPECT_EQ(world.ledger->lock_count(account(2)), legs.value().front().lock);
}

TEST_F(Restore, WithoutTheLogNothingIsSigned) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    put_back();
    const auto started = world.start();
    ASSERT_FALSE(started.has_value());
    EXPECT_TRUE(started.error().code == Errc::kUnsafe || started.error().code == Errc::kCorrupt)
        << started.error().detail;
}

TEST_F(Restore, ALogOfAnotherHistoryIsRefused) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    const auto published = read_published(world.settings.data_dir / "log", network());
    ASSERT_OK(published);
    put_back();
    const auto database = store::Database::open({store_dir(), network()});
    ASSERT_OK(database);
    const store::Ledger ledger(*database.value());
    std::vector<Bytes> entries = published.value().log.entries;
    entries[2] = entries[3];
    const auto refused = complete_from_log(*database.value(), ledger, network(), entries);
    EXPECT_ERRC(refused, Errc::kUnsafe);
}

TEST_F(Restore, TheLedgerWaitsForWhatWasAttestedAndMustGiveIt) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    put_back();
    ASSERT_OK(complete());
    ASSERT_OK(world.start());
    const auto heads = attested_heads(*world.database, network());
    ASSERT_OK(heads);
    ASSERT_FALSE(heads.value().empty());
    const Head& head =
        heads.value().front().chain == world.id(0) ? heads.value().front() : heads.value().back();
    const auto waits = compare_head(*world.ledger, head);
    ASSERT_OK(waits);
    EXPECT_NE(waits.value().find("to be read again"), std::string::npos) << waits.value();
    world.watch_all();
    const auto compared = compare_head(*world.ledger, head);
    ASSERT_OK(compared);
    EXPECT_EQ(compared.value(), "");
    Head other = head;
    other.accumulator.data[0] ^= 1;
    EXPECT_ERRC(compare_head(*world.ledger, other), Errc::kUnsafe);
    other = head;
    other.hash.data[0] ^= 1;
    EXPECT_ERRC(compare_head(*world.ledger, other), Errc::kUnsafe);
}

// Read again in runs, the ledger does not keep every block that was attested: such a round is
// passed over, and no error in what is kept.
TEST_F(Restore, ARoundWhoseBlockLiesInARunIsNotKept) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    world.chain(0).mine_empty(3);
    world.settle(0, {});
    const RoundNum inside = world.scribe->last().round;
    world.chain(0).mine_empty(3);
    world.settle(0, {deposit(account(2), coin(), eth(1))});
    ASSERT_GT(world.scribe->last().round.value, inside.value);
    ASSERT_OK(replay_round(network(), *world.database, *world.ledger, inside));
    put_back();
    ASSERT_OK(complete());
    ASSERT_OK(world.start());
    world.chain(0).history_run = 1'000;
    world.watch_all();
    EXPECT_ERRC(replay_round(network(), *world.database, *world.ledger, inside), Errc::kNotFound);
}

TEST_F(Restore, TheMarkStaysUntilItIsRemoved) {
    EXPECT_FALSE(restored_mark(store_dir()).value());
    ASSERT_OK(mark_restored(store_dir(), "backup 3"));
    EXPECT_EQ(restored_mark(store_dir()).value(), "backup 3");
    ASSERT_OK(remove_restored_mark(store_dir()));
    EXPECT_FALSE(restored_mark(store_dir()).value());
}

}  // namespace
}  // namespace margrave::relayer::tests
