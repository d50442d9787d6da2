// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/bad_files.hpp"
#include "tests/unit/margin/fixture.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Starts over a signed log with parameters that are wrong: none of them leaves a trace, and what
// was signed before stays in force.
namespace margrave::relayer::tests {
namespace {

namespace files = margin::tests;

class ParametersStartTest : public WorldTest {
  protected:
    ParametersStartTest() {
        good = files::full_parameters();
        good.change.reset();
        world.stop();
        // Nothing was named yet: the log begins with these.
        std::filesystem::remove_all(world.settings.data_dir);
        world.settings.parameters = good;
        give_prices();
    }

    /// A fixed price of every asset, in all its forms.
    void give_prices() {
        const margin::PriceTable prices = files::sample_prices();
        world.settings.oracle.clear();
        for (const margin::AssetParameters& asset : good.assets) {
            oracle::AssetOracleSettings row;
            row.name = asset.name;
            for (const margin::AssetOnChain& form : asset.on) {
                row.assets.push_back(form.asset);
            }
            row.sources.push_back(
                oracle::fixed_source("fixed", prices.at(asset.on.front().asset).price)
            );
            row.price_min = asset.price_min;
            row.price_max = asset.price_max;
            world.settings.oracle.push_back(std::move(row));
        }
    }

    /// The same, announced as what follows those in force.
    [[nodiscard]] Canonical next() const {
        margin::Parameters out = good;
        out.change = margin::Change{
            .previous = world.scribe->parameters_hash(),
            .from = UnixSeconds{world.clock.now().value + 1'000},
            .ramp_s = 500};
        return margin::canonical(out);
    }

    /// A start of the daemon with the parameters that these bytes are.
    Result<void> start_with(const std::string& text) {
        MARGRAVE_TRY(auto parameters, margin::parse_parameters(text));
        world.settings.parameters = std::move(parameters);
        world.stop();
        return world.start();
    }

    /// Everything of the log and of what the next start reads.
    struct Trace {
        std::vector<Hash32> leaves;
        std::vector<std::optional<Bytes>> documents;
        bool operator==(const Trace&) const = default;
    };

    [[nodiscard]] Trace trace() const {
        Trace out;
        for (std::uint64_t i = 0; i < world.database->leaf_count(); ++i) {
            out.leaves.push_back(keccak256(world.database->leaf(i).value()));
        }
        for (const char* name : {"parameters/current", "attestation/last", "round/last"}) {
            out.documents.push_back(world.database->document(name));
        }
        return out;
    }

    margin::Parameters good;
};

TEST_F(ParametersStartTest, EveryBadFileIsRefusedAndLeavesTheOldOnesInForce) {
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    ASSERT_GT(world.scribe->last().round.value, 0U);
    const Hash32 in_force = world.scribe->parameters_hash();
    const Canonical follower = next();
    const Trace before = trace();
    ASSERT_GT(before.leaves.size(), 3U);
    unsigned by_scribe = 0;
    for (const files::BadFile& bad : files::bad_files()) {
        SCOPED_TRACE(bad.pointer);
        const auto refused = start_with(files::bad_text(follower, bad));
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(trace(), before);
        if (refused.error().code == Errc::kConfig) {
            ++by_scribe;
            const std::string place = "\n" + std::string(bad.where) + ": ";
            EXPECT_NE(refused.error().detail.find(place), std::string::npos)
                << refused.error().detail;
        }
    }
    // The others are no parameters at all, or their ledgers contradict those that are there.
    EXPECT_GT(by_scribe, 50U);
    // Those before go on as if nothing had been tried.
    world.settings.parameters = good;
    world.stop();
    ASSERT_OK(world.start());
    EXPECT_EQ(trace(), before);
    EXPECT_EQ(world.scribe->parameters_hash(), in_force);
    const std::uint64_t last = world.scribe->last().round.value;
    world.settle(0, {deposit(account(2), coin(), eth(1))});
    EXPECT_GT(world.scribe->last().round.value, last);
    EXPECT_EQ(world.scribe->last().parameters, in_force);
}

// What the files are made of is taken, so that each is refused for what is wrong with it.
TEST_F(ParametersStartTest, TheFileTheyAreMadeOfIsTakenAndNamedOnce) {
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    const std::size_t leaves = trace().leaves.size();
    const Hash32 before = world.scribe->parameters_hash();
    ASSERT_OK(start_with(next().dump()));
    EXPECT_EQ(trace().leaves.size(), leaves + 1);
    EXPECT_NE(world.scribe->parameters_hash(), before);
}

// Also where the reader of the config would have let it through.
TEST_F(ParametersStartTest, ALogDoesNotBeginWithParametersThatTheCheckRefuses) {
    world.settings.parameters.liquidation.close_factor = usd("1.1");
    const auto refused = world.start();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kConfig);
    EXPECT_NE(refused.error().detail.find("\n/liquidation/close_factor: "), std::string::npos)
        << refused.error().detail;
    EXPECT_FALSE(world.database->document("parameters/current").has_value());
}

}  // namespace
}  // namespace margrave::relayer::tests
