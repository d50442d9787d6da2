// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relayer/early.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace margrave::relayer::tests {

/// Ether on chain 0 counts early, up to one after two blocks and up to two after six, all accounts
/// together up to three; the pool that lends lies on chain 1, whose blocks are final at once.
class EarlyTest : public WorldTest {
  protected:
    EarlyTest() {
        margin::AssetOnChain& form = world.settings.parameters.assets.front().on.front();
        form.early = {{.blocks = 2, .up_to = eth(1)}, {.blocks = 6, .up_to = eth(2)}};
        form.early_total = eth(3);
        EXPECT_OK(world.start());
        world.settle(1, {funding(dollar_token(), dollars(1'000'000))});
    }

    /// A deposit on chain 0 with so many blocks above it, none of them final.
    void deposit_early(const AccountId& who, std::uint64_t whole, std::size_t above) {
        world.chain(0).mine({deposit(who, coin(), eth(whole))});
        world.chain(0).mine_empty(above);
    }

    store::Request borrow(const AccountId& who, std::uint64_t whole) {
        world.chain(1).mine({borrow_request(who, dollar_token(), dollars(whole))});
        world.chain(1).finalize();
        catch_up();
        return world.request(1, world.last_event(1));
    }

    /// The clock follows the chains, and so does the price.
    void catch_up() {
        for (const std::size_t chain : {std::size_t{0}, std::size_t{1}}) {
            const UnixSeconds time = world.chain(chain).chain().head().time;
            world.clock.set(std::max(world.clock.now(), time));
        }
        world.eth_published = world.clock.now();
        world.step();
    }

    [[nodiscard]] std::vector<EarlyStand> stands() const {
        return read_stands(*world.database).value();
    }

    [[nodiscard]] Amount stood_on() const {
        Amount sum;
        for (const EarlyStand& stand : stands()) {
            sum = add(sum, stand.amount).value();
        }
        return sum;
    }

    [[nodiscard]] std::size_t leaves_of(const std::string& kind) const {
        const auto kinds = world.leaf_kinds();
        return static_cast<std::size_t>(std::count(kinds.begin(), kinds.end(), kind));
    }
};

}  // namespace margrave::relayer::tests
