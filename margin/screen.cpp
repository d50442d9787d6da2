// SPDX-License-Identifier: Apache-2.0
#include "margin/screen.hpp"

#include "core/assert.hpp"
#include "margin/detail/units.hpp"

#include <algorithm>
#include <limits>

namespace margrave::margin {
namespace {

constexpr unsigned kWeightBits = 62;
constexpr std::size_t kFormsMax = std::numeric_limits<std::uint16_t>::max();

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
Sign sign_of(const detail::WeightedSum& sum, std::uint64_t count) {
    constexpr std::uint64_t kOneOver2To50 = 889;
    const Int128 scaled = sum.scaled();
    if (scaled < 0) {
        return Sign::kNegative;
    }
    const auto band = static_cast<Int128>(count + 1) * kOneOver2To50;
    return scaled >= band ? Sign::kNotNegative : Sign::kUnknown;
}

}  // namespace

AccountTable::AccountTable(const Market& market) {
    MARGRAVE_ASSERT(market.forms().size() <= kFormsMax);
}

std::uint32_t AccountTable::add(
    const AccountHoldings& account, const Market& market, bool latched
) {
    const auto number = static_cast<std::uint32_t>(places_.size());
    places_.emplace_back();
    set(number, account, market, latched);
    return number;
}

void AccountTable::set(
    std::uint32_t number, const AccountHoldings& account, const Market& market, bool latched
) {
    const bool odd = !read(account, market);
    const std::uint32_t shape = shape_of(market, odd, latched);
    Place& place = places_[number];
    if (place.packet == kNobody || packets_[place.packet].shape != shape) {
        if (place.packet != kNobody) {
            leave(place);
        }
        place = room_in(shape);
    }
    take(place, number);
}

void AccountTable::remove(std::uint32_t number) {
    leave(places_[number]);
    places_[number] = Place{};
}

// Reads the rows of an account in the order of the forms; false when it is odd.
bool AccountTable::read(const AccountHoldings& account, const Market& market) {
    rows_.clear();
    const auto sized = [](const VenuePosition& position) {
        return !position.size.is_zero();
    };
    if (std::ranges::any_of(account.positions, sized)) {
        return false;
    }
    for (const Holding& holding : account.holdings) {
        if (holding.collateral.is_zero() && holding.debt.is_zero()) {
            continue;
        }
        const Market::Form* form = market.find(holding.asset);
        if (form == nullptr || !is_factor(holding.collateral) || !is_factor(holding.debt)) {
            return false;
        }
        const auto index = static_cast<std::uint16_t>(form - market.forms().data());
        if (!holding.collateral.is_zero()) {
            rows_.push_back(
                {.form = index, .owed = false, .amount = magnitude_of(holding.collateral)}
            );
        }
        if (!holding.debt.is_zero()) {
            rows_.push_back({.form = index, .owed = true, .amount = magnitude_of(holding.debt)});
        }
    }
    std::ranges::sort(rows_, [](const Row& a, const Row& b) {
        return a.form != b.form ? a.form < b.form : a.owed < b.owed;
    });
    return rows_.size() <= detail::kSlotsMax;
}

std::uint32_t AccountTable::shape_of(const Market& market, bool odd, bool latched) {
    key_.assign(1, (odd ? 2U : 0U) + (latched ? 1U : 0U));
    if (odd) {
        rows_.clear();
    }
    for (const Row& row : rows_) {
        key_.push_back(2U * row.form + (row.owed ? 1U : 0U));
    }
    const auto [found, fresh] =
        shape_by_key_.emplace(key_, static_cast<std::uint32_t>(shapes_.size()));
    if (!fresh) {
        return found->second;
    }
    Shape shape;
    shape.odd = odd;
    shape.latched = latched;
    const auto group_of = [&](std::size_t row) {
        return market.forms()[rows_[row].form].group;
    };
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const bool closes = i + 1 == rows_.size() || group_of(i + 1) != group_of(i);
        shape.slots.push_back(
            {.form = rows_[i].form, .owed = rows_[i].owed, .closes = closes, .mixed = false}
        );
        shape.groups += closes ? 1U : 0U;
        shape.has_debt = shape.has_debt || rows_[i].owed;
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        shape.slots[i].mixed = std::ranges::any_of(rows_, [&](const Row& other) {
            return market.forms()[other.form].group == group_of(i) && other.owed != rows_[i].owed;
        });
    }
    shapes_.push_back(std::move(shape));
    return found->second;
}

AccountTable::Place AccountTable::room_in(std::uint32_t index) {
    Shape& shape = shapes_[index];
    if (shape.free.empty()) {
        Packet packet{.shape = index, .begin = low_.size(), .accounts = {}};
        packet.accounts.fill(kNobody);
        const auto number = static_cast<std::uint32_t>(packets_.size());
        packets_.push_back(packet);
        low_.resize(low_.size() + shape.slots.size() * detail::kLanes);
        high_.resize(low_.size());
        for (std::uint32_t lane = detail::kLanes; lane-- > 0;) {
            shape.free.push_back({.packet = number, .lane = lane});
        }
    }
    const Place place = shape.free.back();
    shape.free.pop_back();
    return place;
}

void AccountTable::leave(const Place& place) {
    Packet& packet = packets_[place.packet];
    packet.accounts[place.lane] = kNobody;
    shapes_[packet.shape].free.push_back(place);
}

void AccountTable::take(const Place& place, std::uint32_t number) {
    Packet& packet = packets_[place.packet];
    packet.accounts[place.lane] = number;
    std::size_t at = packet.begin + place.lane;
    for (const Row& row : rows_) {
        low_[at] = static_cast<std::uint64_t>(row.amount);
        high_[at] = detail::upper_word(row.amount);
        at += detail::kLanes;
    }
}

Screen::Screen(const Market& market, const AccountTable& table)
    : table_(table),
      blind_(!market.dead().empty()),
      groups_(market.parameters().assets.size()),
      lane_weights_(groups_.size()) {
    for (const Market::Form& form : market.forms()) {
        add_form(form);
    }
    // Only now is every asset's initial weight the one of all its forms.
    for (detail::LaneForm& form : lane_forms_) {
        form.plain = !groups_[form.group].scaled;
    }
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        lane_weights_[i] = {
            .collateral = detail::lane_limbs(groups_[i].collateral[0]),
            .debt = detail::lane_limbs(groups_[i].debt[0])};
    }
}

// Of what is owned in a form, floor(floor(floor(a low / 10^d) backing) counted) counts initially:
// with part = low / price * counted, not more than three units less than part times the value at
// the price. Of what is owed ceil(a high / 10^d) does: not more than one unit more than high /
// price times the value, and weights of debts are below five. So the asset's weight times the least
// part, or times the largest ratio, gives a health that is at most band_of units higher than the
// exact one.
bool Screen::set_group(const Market::Form& from) {
    Group& group = groups_[from.group];
    if (!in_bounds(from.asset->cap)) {
        return false;
    }
    if (!group.is_set) {
        group.is_set = put_weights(from.asset->collateral, group.collateral) &&
                       put_weights(from.asset->debt, group.debt);
        group.relieved = from.correlation.has_value();
        group.cap = units_of(from.asset->cap);
    }
    if (!group.is_set) {
        return false;
    }
    if (from.low == from.price && from.high == from.price && from.on->uncounted.is_zero()) {
        return true;
    }
    const Money part = mul_div(from.low, from.counted, from.price, Rounding::kDown);
    Weights scaled = {
        .initial = times(from.asset->collateral.initial, part, Rounding::kDown),
        .liquidation_end = from.asset->collateral.liquidation_end,
        .maintenance = from.asset->collateral.maintenance};
    std::array<std::uint64_t, 3> weights{};
    if (!put_weights(scaled, weights)) {
        return false;
    }
    group.collateral[0] = std::min(group.collateral[0], weights[0]);
    scaled = from.asset->debt;
    scaled.initial = mul_div(scaled.initial, from.high, from.price, Rounding::kUp);
    if (!put_weights(scaled, weights)) {
        return false;
    }
    group.debt[0] = std::max(group.debt[0], weights[0]);
    group.scaled = true;
    return true;
}

void Screen::add_form(const Market::Form& from) {
    const Money one = Money::whole(1);
    Form form;
    detail::LaneForm lanes;
    lanes.group = static_cast<std::uint16_t>(from.group);
    lanes.fully_backed = from.fully_backed;
    if (from.trouble == 0 && in_bounds(from.price) && set_group(from)) {
        const Money unit = detail::power_of_ten(from.asset->decimals);
        const auto down = detail::reciprocal_down(from.price, unit, detail::kFactorBits);
        const auto up = detail::reciprocal_up(from.price, unit, detail::kFactorBits);
        const auto backing = detail::reciprocal_down(from.on->backing, one, detail::kValueBits);
        if (down && up && backing) {
            form = {.down = *down, .up = *up, .backing = *backing, .most = 0, .usable = true};
            form.most = detail::largest_below(from.price, unit);
            // The vector unit knows no caps.
            lanes.usable = detail::fits_lanes(*down) && detail::fits_lanes(*backing) &&
                           from.on->cap.is_zero() && from.asset->cap.is_zero();
        }
        if (lanes.usable) {
            lanes.down = detail::lane_floor(*down);
            lanes.up = detail::lane_ceil(*down, unit);
            lanes.backing = detail::lane_floor(*backing);
        }
        form.cap = in_bounds(from.on->cap) ? static_cast<Uint128>(units_of(from.on->cap)) : 0;
        form.usable = form.usable && in_bounds(from.on->cap);
    }
    forms_.push_back(form);
    lane_forms_.push_back(lanes);
}

Screen::Marks Screen::room() const {
    return {
        .equity = std::vector<Int128>(table_.size()),
        .status = std::vector<Status>(table_.size(), Status::kUnattestable)};
}

// Plain pointers, since the library checks every index of a vector.
template <std::size_t Levels>
Screen::Sums Screen::sums_of(const AccountTable::Packet& packet, std::size_t lane) const {
    Sums out;
    const Form* forms = forms_.data();
    const std::uint64_t* low = table_.low_.data() + packet.begin + lane;
    const std::uint32_t* high = table_.high_.data() + packet.begin + lane;
    Int128 net = 0;
    for (const detail::LaneSlot& slot : table_.shapes_[packet.shape].slots) {
        const Form& form = forms[slot.form];
        const Uint128 amount = static_cast<Uint128>(*high) << 64 | *low;
        low += detail::kLanes;
        high += detail::kLanes;
        const detail::LaneForm& facts = lane_forms_[slot.form];
        if (!form.usable || amount > form.most || (slot.mixed && !facts.plain)) {
            out.usable = false;
            return out;
        }
        out.at_least = out.at_least || !facts.plain;
        if (slot.owed) {
            net -= static_cast<Int128>(detail::ceil_of(amount, form.up));
        } else {
            Uint128 value = detail::floor_of(amount, form.down);
            value = facts.fully_backed ? value : detail::floor_of(value, form.backing);
            net += static_cast<Int128>(value);
            out.usable = out.usable && (form.cap == 0 || value <= form.cap);
        }
        if (!slot.closes) {
            continue;
        }
        out.equity += net;
        const bool owed = net < 0;
        const Group& of = groups_[facts.group];
        out.usable = out.usable && (of.cap == 0 || net <= of.cap);
        out.relieved = out.relieved || of.relieved;
        const std::uint64_t* weights = owed ? of.debt.data() : of.collateral.data();
        const auto magnitude = static_cast<Uint128>(owed ? -net : net);
        for (std::size_t level = 0; level < Levels; ++level) {
            out.weighted[level].add(magnitude, weights[level], owed);
        }
        net = 0;
    }
    return out;
}

std::optional<Screen::Mark> Screen::decide(const AccountTable::Packet& packet, std::size_t lane)
    const {
    const AccountTable::Shape& shape = table_.shapes_[packet.shape];
    if (shape.odd || blind_) {
        return std::nullopt;
    }
    const std::uint64_t band = detail::band_of(shape.groups, shape.slots.size());
    // Health grows from initial to maintenance and on to equity: who passes the first is healthy,
    // unless the latch, which only looks at a later one, says otherwise; that one passes too. With
    // lanes hardly anybody comes here who passes, so the first look is left out.
    if (!lanes_) {
        const Sums initial = sums_of<1>(packet, lane);
        if (!initial.usable) {
            return std::nullopt;
        }
        if (sign_of(initial.weighted[0], band) == Sign::kNotNegative) {
            return Mark{.equity = initial.equity, .status = Status::kHealthy};
        }
    }
    const Sums all = sums_of<3>(packet, lane);
    if (!all.usable) {
        return std::nullopt;
    }
    Mark out{.equity = all.equity, .status = Status::kHealthy};
    const Sign margin_call = sign_of(all.weighted[0], band);
    if (margin_call == Sign::kNotNegative) {
        return out;
    }
    if (shape.has_debt && all.equity < 0) {
        out.status = Status::kBankrupt;
        return out;
    }
    if (all.relieved) {
        return std::nullopt;
    }
    const Sign ending = sign_of(all.weighted[1], shape.groups);
    const Sign maintenance = sign_of(all.weighted[2], shape.groups);
    const bool latch_unknown = shape.latched && ending == Sign::kUnknown;
    if (maintenance == Sign::kUnknown || latch_unknown) {
        return std::nullopt;
    }
    const bool latched = shape.latched && ending == Sign::kNegative;
    if (maintenance == Sign::kNegative || latched) {
        out.status = Status::kLiquidatable;
        return out;
    }
    if (margin_call == Sign::kUnknown || all.at_least) {
        return std::nullopt;
    }
    out.status = Status::kMarginCall;
    return out;
}

std::optional<Screen::Mark> Screen::mark_one(std::uint32_t number) const {
    const AccountTable::Place& place = table_.places_[number];
    return decide(table_.packets_[place.packet], place.lane);
}

void Screen::mark(
    std::size_t first, std::size_t last, Marks& out, std::vector<std::uint32_t>& undecided
) const {
    Int128* equity = out.equity.data();
    Status* status = out.status.data();
    for (std::size_t i = first; i < last; ++i) {
        const AccountTable::Packet& packet = table_.packets_[i];
        const AccountTable::Shape& shape = table_.shapes_[packet.shape];
        detail::LaneResult lanes;
        const auto usable = [this](const detail::LaneSlot& slot) {
            const detail::LaneForm& form = lane_forms_[slot.form];
            return form.usable && (form.plain || !slot.mixed);
        };
        if (lanes_ && !shape.odd && !blind_ && std::ranges::all_of(shape.slots, usable)) {
            detail::judge_lanes(
                shape.slots,
                lane_forms_.data(),
                lane_weights_.data(),
                table_.low_.data() + packet.begin,
                table_.high_.data() + packet.begin,
                lanes
            );
        }
        for (std::size_t lane = 0; lane < detail::kLanes; ++lane) {
            const std::uint32_t account = packet.accounts[lane];
            if (account == AccountTable::kNobody) {
                continue;
            }
            if ((lanes.healthy & (1U << lane)) != 0) {
                equity[account] = detail::signed_of(lanes.low[lane], lanes.high[lane]);
                status[account] = Status::kHealthy;
            } else if (const auto mark = decide(packet, lane)) {
                equity[account] = mark->equity;
                status[account] = mark->status;
            } else {
                undecided.push_back(account);
            }
        }
    }
}

}  // namespace margrave::margin
