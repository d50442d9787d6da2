// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/sale_flow.hpp"

#include "margin/numeric.hpp"

#include <algorithm>
#include <utility>

namespace margrave::margin::detail {
namespace {

using Rep = Money::Rep;

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

}  // namespace

SaleFlow::Arc SaleFlow::add_arc(Node from, Node to, const Money& capacity, const Rates& rates) {
    MARGRAVE_ASSERT(from < nodes_ && to < nodes_ && !capacity.is_negative() && in_bounds(capacity));
    halves_.push_back({.from = from, .to = to, .left = capacity, .rates = rates});
    halves_.push_back(
        {.from = to,
         .to = from,
         .left = Money{},
         .rates = {.healing = -rates.healing, .seizure = -rates.seizure}}
    );
    ++arcs_;
    return halves_.size() - 2;
}

const Money& SaleFlow::carried(Arc arc) const {
    return halves_[arc + 1].left;
}

Money SaleFlow::total(const Money Rates::*rate, bool up) const {
    Rep sum;
    for (std::size_t i = 0; i < halves_.size(); i += 2) {
        sum += carried(i).rep() * (halves_[i].rates.*rate).rep();
    }
    auto product = Money::from_rep(std::move(sum));
    MARGRAVE_ASSERT(product.has_value());
    return mul_div(
        product.value(), Money::from_e18(1), Money::whole(1), up ? Rounding::kUp : Rounding::kDown
    );
}

Money SaleFlow::healing() const {
    return total(&Rates::healing, /*up=*/false);
}

Money SaleFlow::seizure() const {
    return total(&Rates::seizure, /*up=*/true);
}

bool SaleFlow::raise(const Money& needed) {
    for (std::size_t step = 0; step < kMaxSteps; ++step) {
        const Money missing = needed - healing();
        if (missing.sign() <= 0) {
            return true;
        }
        const auto cycle = cheapest_cycle();
        if (!cycle) {
            return true;
        }
        push(*cycle, over(missing, sum(*cycle).healing, Rounding::kUp));
    }
    for (std::size_t i = 0; i < halves_.size(); i += 2) {
        halves_[i].left += halves_[i + 1].left;
        halves_[i + 1].left = Money{};
    }
    return false;
}

// The ratio falls with every turn, so the turns end. A cycle that gives health back is never
// below the price: it would have to return more seizure per health than the last piece cost, and
// then that piece would not have been the cheapest.
std::optional<SaleFlow::Cycle> SaleFlow::cheapest_cycle() const {
    std::optional<Cycle> best;
    Price price;
    for (;;) {
        auto cheaper = cycle_below(price);
        if (!cheaper) {
            return best;
        }
        price = sum(*cheaper);
        if (price->healing.sign() <= 0) {
            return best;
        }
        best = std::move(cheaper);
    }
}

std::optional<SaleFlow::Cycle> SaleFlow::cycle_below(const Price& price) const {
    std::vector<Rep> lengths;
    lengths.reserve(halves_.size());
    for (const Half& half : halves_) {
        const Rep& healing = half.rates.healing.rep();
        const Rep& seizure = half.rates.seizure.rep();
        lengths.push_back(
            price ? Rep(seizure * price->healing.rep() - healing * price->seizure.rep())
                  : Rep(-healing)
        );
    }
    std::vector<Rep> distance(nodes_);
    std::vector<std::size_t> into(nodes_, kNone);
    for (std::size_t turn = 0; turn < nodes_; ++turn) {
        if (!relax(lengths, distance, into)) {
            return {};
        }
        if (const auto node = node_of_cycle(into)) {
            return cycle_through(*node, into);
        }
    }
    return {};
}

// A circle of what came nearer by what is a negative cycle, and the first is as good as any.
std::optional<SaleFlow::Node> SaleFlow::node_of_cycle(const std::vector<std::size_t>& into) const {
    std::vector<std::size_t> seen_from(nodes_, kNone);
    for (Node start = 0; start < nodes_; ++start) {
        Node node = start;
        while (seen_from[node] == kNone && into[node] != kNone) {
            seen_from[node] = start;
            node = halves_[into[node]].from;
        }
        if (into[node] != kNone && seen_from[node] == start) {
            return node;
        }
    }
    return {};
}

SaleFlow::Cycle SaleFlow::cycle_through(Node node, const std::vector<std::size_t>& into) const {
    Cycle out;
    const Node first = node;
    do {
        out.push_back(into[node]);
        node = halves_[into[node]].from;
    } while (node != first);
    std::ranges::reverse(out);
    return out;
}

// Whether a node came nearer.
bool SaleFlow::relax(
    const std::vector<Rep>& lengths, std::vector<Rep>& distance, std::vector<std::size_t>& into
) const {
    bool nearer = false;
    for (std::size_t i = 0; i < halves_.size(); ++i) {
        const Half& half = halves_[i];
        if (half.left.is_zero()) {
            continue;
        }
        Rep there = distance[half.from] + lengths[i];
        if (there < distance[half.to]) {
            distance[half.to] = std::move(there);
            into[half.to] = i;
            nearer = true;
        }
    }
    return nearer;
}

SaleFlow::Rates SaleFlow::sum(const Cycle& cycle) const {
    Rates out;
    for (const std::size_t i : cycle) {
        out.healing += halves_[i].rates.healing;
        out.seizure += halves_[i].rates.seizure;
    }
    return out;
}

void SaleFlow::push(const Cycle& cycle, const Money& amount) {
    Money most = amount;
    for (const std::size_t i : cycle) {
        most = min(most, halves_[i].left);
    }
    for (const std::size_t i : cycle) {
        halves_[i].left -= most;
        halves_[i ^ 1U].left += most;
    }
}

}  // namespace margrave::margin::detail
