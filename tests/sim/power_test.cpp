// SPDX-License-Identifier: Apache-2.0
// Losses of power at one moment after the other.
#include "relayer/detail/messages.hpp"
#include "tests/sim/disk.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace margrave::tests::sim {
namespace {

namespace users = relayer::tests;

/// The world's directory, and nobody else's, is the simulated disk before anything in it is opened.
class PowerTest : public ::testing::Test {
  protected:
    PowerTest() {
        const char* const before = std::getenv("TMPDIR");
        before_ = before == nullptr ? "" : before;
        std::string pattern =
            (std::filesystem::temp_directory_path() / "margrave-sim-power-XXXXXX").string();
        root_ = ::mkdtemp(pattern.data());
        ::setenv("TMPDIR", root_.c_str(), 1);
        Disk::instance().watch(root_);
    }

    ~PowerTest() override {
        Disk::instance().unwatch();
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
        if (before_.empty()) {
            ::unsetenv("TMPDIR");
        } else {
            ::setenv("TMPDIR", before_.c_str(), 1);
        }
    }

  private:
    std::string before_;
    std::filesystem::path root_;
};

void lose_power(users::World& world, std::uint64_t salt) {
    Disk::instance().die();
    world.stop();
    Disk::instance().heal();
    Disk::instance().lose_unsynced(salt);
}

// A start finishes the round that the guard has; the ledger must still have what it stands on.
TEST_F(PowerTest, ARoundThatAStartFinishesStandsOnBlocksThatAreThere) {
    std::uint64_t finished = 0;
    for (std::uint64_t operation = 1; operation <= 12; ++operation) {
        users::World world;
        world.settle(0, {users::deposit(users::account(1), users::coin(), users::eth(1))});
        const RoundNum before = world.scribe->last().round;
        for (std::size_t c = 0; c < 2; ++c) {
            world.chain(c).mine({}, 70);
            world.chain(c).finalize();
            world.clock.set(world.chain(c).chain().head().time);
        }
        world.eth_published = world.clock.now();
        world.watch_all();
        Disk::instance().arm(DiskFault::kDeath, operation, operation);
        (void)world.round();
        lose_power(world, operation);
        ASSERT_OK(world.start());
        const Bytes bytes = *world.database->document("round/last");
        const Canonical evidence = parse_canonical(as_text(bytes)).value();
        const Canonical message = relayer::member(evidence, "signed").value();
        const auto read = relayer::parse_round_message(message).value();
        for (const Head& head : read.heads) {
            const auto block = world.ledger->block_at(head.chain, head.number);
            ASSERT_TRUE(block.has_value()) << "operation " << operation;
            EXPECT_EQ(block->hash, head.hash);
        }
        finished += world.scribe->last().round > before ? 1U : 0U;
    }
    // Some of the operations lie behind the guard's record and before the decision is whole.
    EXPECT_GT(finished, 2U);
}

}  // namespace
}  // namespace margrave::tests::sim
