// SPDX-License-Identifier: Apache-2.0
#include "margin/screen.hpp"

#include "margin/detail/units.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace margrave::margin {
namespace {

constexpr unsigned kWeightBits = 62;
// A row's index carries its side in the sign.
constexpr std::size_t kFormsMax = std::numeric_limits<std::int16_t>::max();

std::size_t form_of(std::int16_t index) {
    return static_cast<std::size_t>(index < 0 ? -1 - index : index);
}

Uint128 magnitude_of(const Amount& amount) {
    const auto& backend = amount.rep().backend();
    Uint128 out = backend.limbs()[0];
    if (backend.size() > 1) {
        out |= static_cast<Uint128>(backend.limbs()[1]) << 64;
    }
    return out;
}

bool is_factor(const Amount& amount) {
    return amount.is_zero() || msb(amount.rep()) < detail::kFactorBits;
}

// The weight as an integer, when it is one that the sums have room for.
bool put_weights(const Weights& weights, std::array<std::uint64_t, 3>& out) {
    const std::array all{weights.initial, weights.liquidation_end, weights.maintenance};
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].is_negative() || (!all[i].is_zero() && msb(all[i].rep()) >= kWeightBits)) {
            return false;
        }
        out[i] = static_cast<std::uint64_t>(units_of(all[i]));
    }
    return true;
}

enum class Sign : std::uint8_t { kNegative, kNotNegative, kUnknown };

// The exact sum rounds each of `count` products down, so it lies less than `count` units below.
Sign sign_of(const detail::WeightedSum& sum, std::uint32_t count) {
    constexpr std::uint64_t kOneOver2To50 = 889;
    const Int128 scaled = sum.scaled();
    if (scaled < 0) {
        return Sign::kNegative;
    }
    const auto band = static_cast<Int128>(count + 1) * kOneOver2To50;
    return scaled >= band ? Sign::kNotNegative : Sign::kUnknown;
}

}  // namespace

AccountTable::AccountTable(const Market& market)
    : begins_{0},
      largest_(market.forms().size()) {}

void AccountTable::add(const AccountHoldings& account, const Market& market, bool latched) {
    Facts facts{.has_debt = false, .latched = latched, .odd = false};
    const auto sized = [](const VenuePosition& position) {
        return !position.size.is_zero();
    };
    facts.odd = market.forms().size() > kFormsMax || !market.dead().empty() ||
                std::ranges::any_of(account.positions, sized);
    std::vector<std::pair<std::size_t, const Holding*>> rows;
    for (const Holding& holding : account.holdings) {
        facts.has_debt = facts.has_debt || !holding.debt.is_zero();
        if (holding.collateral.is_zero() && holding.debt.is_zero()) {
            continue;
        }
        const Market::Form* form = market.find(holding.asset);
        if (form == nullptr || !is_factor(holding.collateral) || !is_factor(holding.debt)) {
            facts.odd = true;
            continue;
        }
        rows.emplace_back(static_cast<std::size_t>(form - market.forms().data()), &holding);
    }
    // Forms stand by canonical asset, so rows that net come together.
    std::ranges::sort(rows, {}, &std::pair<std::size_t, const Holding*>::first);
    const auto push = [this](std::size_t form, const Amount& amount, bool debt) {
        if (!amount.is_zero()) {
            amounts_.push_back(magnitude_of(amount));
            const auto index = static_cast<std::int16_t>(form);
            forms_.push_back(debt ? static_cast<std::int16_t>(-1 - index) : index);
            largest_[form] = std::max(largest_[form], amounts_.back());
        }
    };
    for (const auto& [form, holding] : rows) {
        if (!facts.odd) {
            push(form, holding->collateral, false);
            push(form, holding->debt, true);
        }
    }
    begins_.push_back(static_cast<std::uint32_t>(amounts_.size()));
    flags_.push_back(facts);
}

Screen::Screen(const Market& market, const AccountTable& table)
    : table_(table),
      groups_(market.parameters().assets.size()) {
    const Money one = Money::whole(1);
    for (std::size_t i = 0; i < market.forms().size(); ++i) {
        const Market::Form& from = market.forms()[i];
        Form form;
        form.group = static_cast<std::uint16_t>(from.group);
        form.fully_backed = from.fully_backed;
        const Money unit = detail::power_of_ten(from.asset->decimals);
        const bool weighted = put_weights(from.asset->collateral, groups_[from.group].collateral) &&
                              put_weights(from.asset->debt, groups_[from.group].debt);
        // What does not count in full, or counts beside another asset, the exact engine judges.
        const bool linear =
            from.plain && from.asset->cap.is_zero() && !from.correlation.has_value();
        if (from.trouble == 0 && linear && weighted && in_bounds(from.price)) {
            const auto down = detail::reciprocal_down(from.price, unit, detail::kFactorBits);
            const auto up = detail::reciprocal_up(from.price, unit, detail::kFactorBits);
            const auto backing = detail::reciprocal_down(from.on->backing, one, detail::kValueBits);
            if (down && up && backing) {
                form.down = *down;
                form.up = *up;
                form.backing = *backing;
                const Money most = mul_div(
                    money_of(static_cast<Int128>(table.largest_[i])),
                    from.price,
                    unit,
                    Rounding::kUp
                );
                form.usable = most.is_zero() || msb(most.rep()) < detail::kValueBits - 1;
            }
        }
        forms_.push_back(form);
    }
}

Screen::Marks Screen::room() const {
    return {
        .equity = std::vector<Int128>(table_.size()),
        .status = std::vector<Status>(table_.size(), Status::kUnattestable)};
}

// The hot loop: plain pointers, since the library checks every index of a vector.
template <std::size_t Levels>
Screen::Sums Screen::sums_of(std::size_t account) const {
    Sums out;
    const Form* forms = forms_.data();
    const Group* groups = groups_.data();
    const std::int16_t* index = table_.forms_.data() + table_.begins_[account];
    const std::int16_t* last = table_.forms_.data() + table_.begins_[account + 1];
    const Uint128* amount = table_.amounts_.data() + table_.begins_[account];
    while (index < last) {
        const std::uint16_t group = forms[form_of(*index)].group;
        Int128 net = 0;
        for (; index < last; ++index, ++amount) {
            const Form& form = forms[form_of(*index)];
            if (form.group != group) {
                break;
            }
            if (!form.usable) {
                out.usable = false;
                return out;
            }
            if (*index < 0) {
                net -= static_cast<Int128>(detail::ceil_of(*amount, form.up));
                continue;
            }
            const Uint128 value = detail::floor_of(*amount, form.down);
            net += static_cast<Int128>(
                form.fully_backed ? value : detail::floor_of(value, form.backing)
            );
        }
        out.equity += net;
        ++out.groups;
        const bool owed = net < 0;
        const Group& of = groups[group];
        const std::uint64_t* weights = owed ? of.debt.data() : of.collateral.data();
        const auto magnitude = static_cast<Uint128>(owed ? -net : net);
        for (std::size_t level = 0; level < Levels; ++level) {
            out.weighted[level].add(magnitude, weights[level], owed);
        }
    }
    return out;
}

void Screen::mark(
    std::size_t first, std::size_t last, Marks& out, std::vector<std::uint32_t>& undecided
) const {
    for (std::size_t account = first; account < last; ++account) {
        const AccountTable::Facts& facts = table_.flags_[account];
        const auto doubt = [&] {
            undecided.push_back(static_cast<std::uint32_t>(account));
        };
        if (facts.odd) {
            doubt();
            continue;
        }
        // Health grows from initial to maintenance and on to equity: who passes the first is
        // healthy.
        const Sums initial = sums_of<1>(account);
        if (!initial.usable) {
            doubt();
            continue;
        }
        out.equity[account] = initial.equity;
        if (sign_of(initial.weighted[0], initial.groups) == Sign::kNotNegative) {
            out.status[account] = Status::kHealthy;
            continue;
        }
        if (facts.has_debt && initial.equity < 0) {
            out.status[account] = Status::kBankrupt;
            continue;
        }
        const Sums all = sums_of<3>(account);
        const Sign margin_call = sign_of(all.weighted[0], all.groups);
        const Sign ending = sign_of(all.weighted[1], all.groups);
        const Sign maintenance = sign_of(all.weighted[2], all.groups);
        const bool latch_unknown = facts.latched && ending == Sign::kUnknown;
        if (maintenance == Sign::kUnknown || margin_call == Sign::kUnknown || latch_unknown) {
            doubt();
            continue;
        }
        const bool latched = facts.latched && ending == Sign::kNegative;
        const bool liquidatable = maintenance == Sign::kNegative || latched;
        out.status[account] = liquidatable ? Status::kLiquidatable : Status::kMarginCall;
    }
}

}  // namespace margrave::margin
