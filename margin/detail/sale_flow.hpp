// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace margrave::margin::detail {

/// Dollars that circulate through a network of arcs. A dollar on an arc gains so much health (below
/// zero: costs it) and seizes so much. `raise` finds the flow that seizes least of all that gain
/// what is needed.
///
/// Method: seizure as a function of health gained, at its least, is convex and made of straight
/// pieces, and the next piece always runs along the cycle of the residual network with the smallest
/// seizure per health gained. That cycle is found by Newton's method on the ratio (Dinkelbach 1967)
/// over negative cycles by Bellman and Ford; book: Ahuja, Magnanti, Orlin, Network Flows (1993),
/// sections 5.7 and 9. Integers throughout, arcs in the order in which they were added: the same
/// flow on every machine.
class SaleFlow {
  public:
    using Node = std::size_t;
    using Arc = std::size_t;

    /// Ratios E18, each below 2^68 in magnitude.
    struct Rates {
        Money healing;
        Money seizure;
    };

    /// What is larger is not tried: a plan must not take long, whatever an owner put together.
    static constexpr std::size_t kMaxArcs = 512;
    /// Pieces of the curve that are walked at most.
    static constexpr std::size_t kMaxSteps = 256;

    Node add_node() { return nodes_++; }

    /// `capacity` is not negative and below 2^96 units (margin/numeric.hpp, in_bounds).
    Arc add_arc(Node from, Node to, const Money& capacity, const Rates& rates = {});

    [[nodiscard]] std::size_t arcs() const { return arcs_; }

    /// The flow with the least seizure that gains `needed`, or all that can be gained when that is
    /// less. False when it took more than kMaxSteps; then the flow is none.
    [[nodiscard]] bool raise(const Money& needed);

    [[nodiscard]] const Money& carried(Arc arc) const;
    /// Of the whole flow; healing down, seizure up.
    [[nodiscard]] Money healing() const;
    [[nodiscard]] Money seizure() const;

  private:
    // An arc and its reverse stand beside each other: what one carries the other may take back.
    struct Half {
        Node from{0};
        Node to{0};
        Money left;
        Rates rates;
    };

    using Cycle = std::vector<std::size_t>;

    // Seizure that a dollar of health may cost: none but the sign of health counts when it is
    // absent.
    using Price = std::optional<Rates>;

    [[nodiscard]] std::optional<Cycle> cheapest_cycle() const;
    [[nodiscard]] std::optional<Cycle> cycle_below(const Price& price) const;
    [[nodiscard]] bool relax(
        const std::vector<Money::Rep>& lengths,
        std::vector<Money::Rep>& distance,
        std::vector<std::size_t>& into
    ) const;
    [[nodiscard]] std::optional<Node> node_of_cycle(const std::vector<std::size_t>& into) const;
    [[nodiscard]] Cycle cycle_through(Node node, const std::vector<std::size_t>& into) const;
    [[nodiscard]] Rates sum(const Cycle& cycle) const;
    [[nodiscard]] Money total(const Money Rates::*rate, bool up) const;
    void push(const Cycle& cycle, const Money& amount);

    std::size_t nodes_{0};
    std::size_t arcs_{0};
    std::vector<Half> halves_;
};

}  // namespace margrave::margin::detail
