// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "core/statements.hpp"
#include "margin/detail/reciprocal.hpp"
#include "margin/market.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// The status of very many accounts at new prices: 128-bit integers in columns instead of checked
// 512-bit ones, with bounds that make every overflow impossible, and with the exact engine for the
// few accounts it cannot decide. It says what evaluate_state says, and never anything else.
namespace margrave::margin {

/// Holdings of many accounts, one row a (account, form), rows of one canonical asset together.
/// Needs no change when prices change. Not for threads to add to at once.
class AccountTable {
  public:
    explicit AccountTable(const Market& market);

    /// `latched`: the account was LIQUIDATABLE or BANKRUPT. Forms are those of the parameters of
    /// the market the table was made with.
    void add(const AccountHoldings& account, const Market& market, bool latched);

    [[nodiscard]] std::size_t size() const { return flags_.size(); }

    [[nodiscard]] std::size_t rows() const { return amounts_.size(); }

  private:
    friend class Screen;

    struct Facts {
        bool has_debt{false};
        bool latched{false};
        /// Something that only the exact engine values: a position, an unknown asset, an amount of
        /// 2^96 units or more.
        bool odd{false};
    };

    std::vector<std::uint32_t> begins_;
    std::vector<Facts> flags_;
    std::vector<Uint128> amounts_;
    /// The form; of debt -1 - form.
    std::vector<std::int16_t> forms_;
    /// Largest amount of each form, which bounds its values at any price.
    std::vector<Uint128> largest_;
};

/// One set of prices, ready to screen a table. Immutable, so threads may share it and take parts.
class Screen {
  public:
    Screen(const Market& market, const AccountTable& table);

    struct Marks {
        /// Exact, E18, where the status was decided.
        std::vector<Int128> equity;
        std::vector<Status> status;
    };

    [[nodiscard]] Marks room() const;

    /// Marks accounts [first, last). Appended to `undecided` is who must be asked of the exact
    /// engine: whose health lies within a few units of 1e-18 USD of zero, who is odd, and who has a
    /// form without a usable price or with values of 2^100 units or more.
    void mark(
        std::size_t first, std::size_t last, Marks& out, std::vector<std::uint32_t>& undecided
    ) const;

  private:
    struct Form {
        detail::Reciprocal down;
        detail::Reciprocal up;
        detail::Reciprocal backing;
        bool usable{false};
        bool fully_backed{true};
        std::uint16_t group{0};
    };

    /// Weights of one canonical asset: initial, liquidation-end, maintenance; E18.
    struct Group {
        std::array<std::uint64_t, 3> collateral{};
        std::array<std::uint64_t, 3> debt{};
    };

    struct Sums {
        Int128 equity{0};
        std::array<detail::WeightedSum, 3> weighted;
        std::uint32_t groups{0};
        bool usable{true};
    };

    template <std::size_t Levels>
    [[nodiscard]] Sums sums_of(std::size_t account) const;

    const AccountTable& table_;
    std::vector<Form> forms_;
    std::vector<Group> groups_;
};

}  // namespace margrave::margin
