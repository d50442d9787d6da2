// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "core/statements.hpp"
#include "margin/detail/lanes.hpp"
#include "margin/detail/reciprocal.hpp"
#include "margin/market.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

// The status of very many accounts at new prices: columns of 96-bit integers instead of checked
// 512-bit ones, with bounds that make every overflow impossible, and with the exact engine for the
// few accounts it cannot decide. It says what evaluate_state says, and never anything else:
// - a quotient by 10^d or by one is a product with a reciprocal of enough bits, and exact
//   (detail/reciprocal.hpp, detail/lanes.hpp), for amounts and values below 2^96;
// - sums of at most 64 values stay below 2^102 and their products with weights below 2^164;
// - health is compared with zero before the quotients of its weights: n of them, rounded down, lie
//   less than n units below the exact sum, and who is within that distance is not decided;
// - what does not count in full at the initial level lowers the weight there to one at which health
//   comes out no higher than it is. Who passes is healthy; who does not and is not liquidatable
//   either is not decided.
namespace margrave::margin {

/// Holdings of many accounts. Accounts with the same forms on the same sides stand eight a packet,
/// amounts of one form beside each other. Needs no change when prices change. One thread at a time.
class AccountTable {
  public:
    explicit AccountTable(const Market& market);

    /// The account's number: 0, 1, 2, ... `latched`: it was LIQUIDATABLE or BANKRUPT. Forms are
    /// those of the parameters of the market the table was made with.
    std::uint32_t add(const AccountHoldings& account, const Market& market, bool latched);

    /// What account `number` has now. Costs as much as the account has rows, whatever the size of
    /// the table.
    void set(
        std::uint32_t number, const AccountHoldings& account, const Market& market, bool latched
    );

    /// Account `number` is no more; the number is not given again.
    void remove(std::uint32_t number);

    /// How many numbers were given.
    [[nodiscard]] std::size_t size() const { return places_.size(); }

    [[nodiscard]] std::size_t packets() const { return packets_.size(); }

  private:
    friend class Screen;

    static constexpr std::uint32_t kNobody = 0xffffffff;

    struct Place {
        std::uint32_t packet{kNobody};
        std::uint32_t lane{0};
    };

    struct Shape {
        /// By form, so that those that net stand together.
        std::vector<detail::LaneSlot> slots;
        std::uint32_t groups{0};
        bool has_debt{false};
        bool latched{false};
        /// Something that only the exact engine values: a position, an unknown asset, an amount of
        /// 2^96 units or more. No columns.
        bool odd{false};
        std::vector<Place> free;
    };

    struct Packet {
        std::uint32_t shape{0};
        /// Of its first column.
        std::size_t begin{0};
        std::array<std::uint32_t, detail::kLanes> accounts{};
    };

    struct Row {
        std::uint16_t form{0};
        bool owed{false};
        Uint128 amount{0};
    };

    [[nodiscard]] bool read(const AccountHoldings& account, const Market& market);
    [[nodiscard]] std::uint32_t shape_of(const Market& market, bool odd, bool latched);
    [[nodiscard]] Place room_in(std::uint32_t shape);
    void leave(const Place& place);
    void take(const Place& place, std::uint32_t number);

    std::map<std::vector<std::uint32_t>, std::uint32_t> shape_by_key_;
    std::vector<Shape> shapes_;
    std::vector<Packet> packets_;
    std::vector<Place> places_;
    /// Low 64 and next 32 bits of the amounts.
    std::vector<std::uint64_t> low_;
    std::vector<std::uint32_t> high_;
    /// Of the account that is being read.
    std::vector<Row> rows_;
    std::vector<std::uint32_t> key_;
};

/// One set of prices, ready to screen a table. Immutable, so threads may share it and take parts,
/// while nobody changes the table.
class Screen {
  public:
    Screen(const Market& market, const AccountTable& table);

    struct Mark {
        /// Exact, E18.
        Int128 equity{0};
        Status status{Status::kUnattestable};
    };

    /// By number of account; only those that were decided are written, never as UNATTESTABLE.
    struct Marks {
        std::vector<Int128> equity;
        std::vector<Status> status;
    };

    [[nodiscard]] Marks room() const;

    /// Marks the accounts of packets [first, last). Appended to `undecided` is who must be asked of
    /// the exact engine: whose health lies within a few units of 1e-18 USD of zero, who is odd, and
    /// who has a form without a usable price or with a value of 2^96 units or more.
    void mark(
        std::size_t first, std::size_t last, Marks& out, std::vector<std::uint32_t>& undecided
    ) const;

    /// One account that was not removed; nullopt when the exact engine must be asked.
    [[nodiscard]] std::optional<Mark> mark_one(std::uint32_t number) const;

    /// False: do as a processor without vector instructions does, for tests.
    void use_lanes(bool use) { lanes_ = use && detail::has_lanes(); }

  private:
    struct Form {
        detail::Reciprocal down;
        detail::Reciprocal up;
        detail::Reciprocal backing;
        /// Amounts up to this have a value below 2^96.
        Uint128 most{0};
        /// Of the value of what is owned; zero is none.
        Uint128 cap{0};
        bool usable{false};
    };

    /// Weights of one canonical asset: initial, liquidation-end, maintenance; E18.
    struct Group {
        std::array<std::uint64_t, 3> collateral{};
        std::array<std::uint64_t, 3> debt{};
        /// Of the net, at all levels; zero is none.
        Int128 cap{0};
        /// A correlation may give relief: no level is lower than what comes out.
        bool relieved{false};
        /// The initial weights are lower, or of debts higher, than those of the parameters.
        bool scaled{false};
        bool is_set{false};
    };

    struct Sums {
        Int128 equity{0};
        std::array<detail::WeightedSum, 3> weighted;
        bool usable{true};
        /// Initial health is at least what comes out; so is every other.
        bool at_least{false};
        bool relieved{false};
    };

    void add_form(const Market::Form& from);
    [[nodiscard]] bool set_group(const Market::Form& from);
    template <std::size_t Levels>
    [[nodiscard]] Sums sums_of(const AccountTable::Packet& packet, std::size_t lane) const;
    [[nodiscard]] std::optional<Mark> decide(const AccountTable::Packet& packet, std::size_t lane)
        const;

    const AccountTable& table_;
    // Some chains are dead, which the exact engine looks at.
    bool blind_{false};
    std::vector<Form> forms_;
    std::vector<Group> groups_;
    // The same numbers in limbs of the vector unit.
    std::vector<detail::LaneForm> lane_forms_;
    std::vector<detail::LaneWeights> lane_weights_;
    bool lanes_{detail::has_lanes()};
};

}  // namespace margrave::margin
