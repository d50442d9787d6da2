// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/sale_flow.hpp"

#include "tests/unit/margin/exact.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>

// Least seizure over a network, against every flow of whole dollars there is: the corners of a
// network with whole capacities are whole, so what the best mixtures of them seize is the answer.
namespace margrave::margin::tests {
namespace {

using detail::SaleFlow;
using margrave::tests::check_property;

constexpr std::size_t kLots = 2;
constexpr std::size_t kDebts = 2;

Money hundredths(std::int64_t n) {
    return Money::from_e18(n * 10'000'000'000'000'000);
}

struct World {
    std::array<std::int64_t, kLots> lot;
    std::array<std::int64_t, kDebts> debt;
    std::array<std::array<std::int64_t, kDebts>, kLots> pair;
    std::int64_t budget{0};
    /// Per dollar, in hundredths.
    std::array<std::int64_t, kLots> seizure;
    std::array<std::int64_t, kLots> costs;
    std::array<std::int64_t, kDebts> heals;
};

World arbitrary_world() {
    const auto in = [](std::int64_t low, std::int64_t high) {
        return *rc::gen::inRange<std::int64_t>(low, high + 1);
    };
    World w;
    for (std::size_t i = 0; i < kLots; ++i) {
        w.lot[i] = in(0, 4);
        w.seizure[i] = in(100, 130);
        w.costs[i] = in(0, 90);
        for (std::size_t j = 0; j < kDebts; ++j) {
            w.pair[i][j] = in(0, 3);
        }
    }
    for (std::size_t j = 0; j < kDebts; ++j) {
        w.debt[j] = in(0, 4);
        w.heals[j] = in(100, 140);
    }
    w.budget = in(0, 9);
    return w;
}

struct Built {
    SaleFlow flow;
    std::array<std::array<SaleFlow::Arc, kDebts>, kLots> pair{};
};

Built built(const World& w) {
    Built out;
    const SaleFlow::Node source = out.flow.add_node();
    const SaleFlow::Node sink = out.flow.add_node();
    std::array<SaleFlow::Node, kLots> lots{};
    std::array<SaleFlow::Node, kDebts> debts{};
    for (std::size_t i = 0; i < kLots; ++i) {
        lots[i] = out.flow.add_node();
        out.flow.add_arc(
            source,
            lots[i],
            Money::whole(w.lot[i]),
            {.healing = hundredths(-w.costs[i]), .seizure = hundredths(w.seizure[i])}
        );
    }
    for (std::size_t j = 0; j < kDebts; ++j) {
        debts[j] = out.flow.add_node();
        out.flow.add_arc(
            debts[j],
            sink,
            Money::whole(w.debt[j]),
            {.healing = hundredths(w.heals[j]), .seizure = {}}
        );
    }
    for (std::size_t i = 0; i < kLots; ++i) {
        for (std::size_t j = 0; j < kDebts; ++j) {
            out.pair[i][j] = out.flow.add_arc(lots[i], debts[j], Money::whole(w.pair[i][j]));
        }
    }
    out.flow.add_arc(sink, source, Money::whole(w.budget));
    return out;
}

/// In hundredths.
struct Corner {
    std::int64_t healing{0};
    std::int64_t seizure{0};
};

std::vector<Corner> corners_of(const World& w) {
    std::vector<Corner> out;
    std::array<std::array<std::int64_t, kDebts>, kLots> x{};
    for (x[0][0] = 0; x[0][0] <= w.pair[0][0]; ++x[0][0]) {
        for (x[0][1] = 0; x[0][1] <= w.pair[0][1]; ++x[0][1]) {
            for (x[1][0] = 0; x[1][0] <= w.pair[1][0]; ++x[1][0]) {
                for (x[1][1] = 0; x[1][1] <= w.pair[1][1]; ++x[1][1]) {
                    const std::array sold{x[0][0] + x[0][1], x[1][0] + x[1][1]};
                    const std::array paid{x[0][0] + x[1][0], x[0][1] + x[1][1]};
                    if (sold[0] > w.lot[0] || sold[1] > w.lot[1] || paid[0] > w.debt[0] ||
                        paid[1] > w.debt[1] || sold[0] + sold[1] > w.budget) {
                        continue;
                    }
                    Corner at;
                    for (std::size_t k = 0; k < 2; ++k) {
                        at.healing += paid[k] * w.heals[k] - sold[k] * w.costs[k];
                        at.seizure += sold[k] * w.seizure[k];
                    }
                    out.push_back(at);
                }
            }
        }
    }
    return out;
}

// The least seizure of any mixture of two corners that heals so much; of one that heals most when
// none does.
Rational least(const std::vector<Corner>& corners, const Rational& needed) {
    std::int64_t most = 0;
    for (const Corner& at : corners) {
        most = std::max(most, at.healing);
    }
    const Rational wanted = std::min(needed, Rational(most));
    std::optional<Rational> out;
    for (const Corner& a : corners) {
        for (const Corner& b : corners) {
            if (Rational(a.healing) > wanted || Rational(b.healing) < wanted) {
                continue;
            }
            const Rational part = a.healing == b.healing
                                      ? Rational(0)
                                      : (wanted - a.healing) / (b.healing - a.healing);
            const Rational seizure = a.seizure + part * (b.seizure - a.seizure);
            out = out ? std::min(*out, seizure) : seizure;
        }
        if (Rational(a.healing) >= wanted) {
            out = out ? std::min(*out, Rational(a.seizure)) : Rational(a.seizure);
        }
    }
    return *out;
}

TEST(SaleFlow, SeizesTheLeastThatAnyMixtureOfFlowsDoes) {
    check_property(kCases, [] {
        const World w = arbitrary_world();
        const std::vector<Corner> corners = corners_of(w);
        const std::int64_t wanted = *rc::gen::inRange<std::int64_t>(0, 700);
        Built network = built(w);
        RC_ASSERT(network.flow.raise(hundredths(wanted)));
        const Rational seized = exact(network.flow.seizure()) / ten(16);
        const Rational expected = least(corners, Rational(wanted));
        const Rational off = seized - expected;
        RC_ASSERT(off < Rational(1, 1'000'000) && off > Rational(-1, 1'000'000));
        std::int64_t most = 0;
        for (const Corner& at : corners) {
            most = std::max(most, at.healing);
        }
        const Rational healed = exact(network.flow.healing()) / ten(16);
        RC_ASSERT(healed + Rational(1, 1'000'000) >= Rational(std::min(wanted, most)));
        RC_TAG(wanted > most, network.flow.seizure().is_zero());
    });
}

TEST(SaleFlow, KeepsEveryCapacity) {
    check_property(kCases, [] {
        const World w = arbitrary_world();
        Built network = built(w);
        RC_ASSERT(network.flow.raise(Money::whole(*rc::gen::inRange<std::int64_t>(0, 10))));
        Money all;
        for (std::size_t i = 0; i < kLots; ++i) {
            Money sold;
            for (std::size_t j = 0; j < kDebts; ++j) {
                const Money& x = network.flow.carried(network.pair[i][j]);
                RC_ASSERT(!x.is_negative() && x <= Money::whole(w.pair[i][j]));
                sold = add(sold, x).value();
            }
            RC_ASSERT(sold <= Money::whole(w.lot[i]));
            all = add(all, sold).value();
        }
        RC_ASSERT(all <= Money::whole(w.budget));
    });
}

// The best pair first strands the other lot; the flow takes a dollar back and sends it elsewhere.
TEST(SaleFlow, TakesBackWhatItSentTheWrongWay) {
    World w;
    w.lot = {1, 1};
    w.debt = {1, 1};
    w.pair = {{{1, 1}, {1, 0}}};
    w.budget = 2;
    w.seizure = {100, 100};
    w.costs = {10, 20};
    w.heals = {120, 110};
    Built network = built(w);
    ASSERT_TRUE(network.flow.raise(Money::whole(5)));
    EXPECT_EQ(network.flow.carried(network.pair[0][1]), Money::whole(1));
    EXPECT_EQ(network.flow.carried(network.pair[1][0]), Money::whole(1));
    EXPECT_EQ(network.flow.healing(), usd("2"));
    EXPECT_EQ(network.flow.seizure(), usd("2"));
}

}  // namespace
}  // namespace margrave::margin::tests
