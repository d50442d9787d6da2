// SPDX-License-Identifier: Apache-2.0
#include "margin/market.hpp"

#include "core/assert.hpp"
#include "margin/numeric.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace margrave::margin {
namespace {

// The keys are keccak digests, so any eight bytes of one spread evenly. Byte order does not matter:
// the prefix only finds the slot, and nothing that is signed depends on it.
std::uint64_t prefix_of(const AssetId& asset) {
    std::uint64_t prefix = 0;
    std::memcpy(&prefix, asset.key().data.data(), sizeof prefix);
    return prefix;
}

// More than whatever does not fit.
const Money& largest_money() {
    static const Money kLargest =
        Money::from_rep(boost::multiprecision::pow(Money::Rep{2}, 191) - 1).value();
    return kLargest;
}

std::uint32_t trouble_with(const PriceRow& row, const AssetParameters& asset) {
    switch (row.verdict) {
        case PriceVerdict::kStale:
            return flags::kPriceStale;
        case PriceVerdict::kOutOfBounds:
            return flags::kPriceOutOfBounds;
        case PriceVerdict::kMissing:
            return flags::kPriceMissing;
        case PriceVerdict::kUsable:
            break;
    }
    // The oracle has looked at the band already. It is asked again because the band is a signed
    // parameter, and a price outside it must be impossible whatever the oracle was told.
    const bool inside =
        row.price.sign() > 0 && row.price >= asset.price_min && row.price <= asset.price_max;
    return inside ? 0U : flags::kPriceOutOfBounds;
}

}  // namespace

Market::Market(const PriceTable& prices, const Parameters& parameters)
    : Market(prices, parameters, DeadChains{}) {}

Market::Market(const PriceTable& prices, const Parameters& parameters, DeadChains dead)
    : parameters_(&parameters),
      dead_(std::move(dead)) {
    for (std::size_t group = 0; group < parameters.assets.size(); ++group) {
        const AssetParameters& asset = parameters.assets[group];
        for (const AssetOnChain& on : asset.on) {
            Form form;
            form.asset = &asset;
            form.on = &on;
            form.group = group;
            form.fully_backed = on.backing == Money::whole(1);
            form.trouble = flags::kPriceMissing;
            if (const auto row = prices.find(on.asset); row != prices.end()) {
                form.price = row->second.price;
                form.published_at = row->second.published_at;
                form.trouble = trouble_with(row->second, asset);
                set_initial(form, row->second);
                set_told(form, row->second);
            }
            forms_.push_back(form);
        }
    }
    set_correlations();
    set_most();
    for (std::size_t i = 0; i < forms_.size(); ++i) {
        index_.push_back({.prefix = prefix_of(forms_[i].on->asset), .form = i});
    }
    std::ranges::sort(index_, {}, &Slot::prefix);
    set_instruments();
}

std::optional<std::size_t> Market::first_form(const std::string& asset) const {
    const auto form = std::ranges::find_if(forms_, [&asset](const Form& candidate) {
        return candidate.asset->name == asset;
    });
    if (form == forms_.end()) {
        return {};
    }
    return static_cast<std::size_t>(form - forms_.begin());
}

void Market::set_instruments() {
    for (const VenueParameters& venue : parameters_->venues) {
        const auto form = first_form(venue.underlying);
        if (!form) {
            continue;
        }
        Instrument instrument;
        instrument.venue = &venue;
        instrument.form = *form;
        instrument.settlement = first_form(venue.settlement);
        for (const PerpetualMarket& market : venue.perpetuals) {
            instrument.perpetual = &market;
            instruments_.emplace(market.market, instrument);
        }
        instrument.perpetual = nullptr;
        for (const OptionMarket& market : venue.option_markets) {
            instrument.option = &market;
            instruments_.emplace(market.market, instrument);
        }
    }
}

// What is owned counts at min(price, slow) - k confidence less the part for age, never below zero,
// and what is owed at max(price, slow) + k confidence and that part more. Too large: not usable.
void Market::set_initial(Form& form, const PriceRow& row) {
    const AssetParameters& asset = *form.asset;
    const Money one = Money::whole(1);
    form.low = form.price;
    form.high = form.price;
    form.counted = one - form.on->uncounted;
    if (form.trouble != 0) {
        return;
    }
    if (in_bounds(row.confidence) && in_bounds(form.price)) {
        form.sure = max(one - over(row.confidence, form.price, Rounding::kUp), Money{});
    }
    const bool moved = !asset.initial_price.confidence.is_zero() || !asset.now.aged.is_zero() ||
                       !asset.now.slow.is_zero();
    if (moved) {
        if (!in_bounds(row.confidence) || !in_bounds(form.price) || !in_bounds(asset.now.slow) ||
            row.confidence.is_negative()) {
            form.trouble = flags::kPriceOutOfBounds;
            return;
        }
        if (!asset.now.slow.is_zero()) {
            form.low = min(form.price, asset.now.slow);
            form.high = max(form.price, asset.now.slow);
        }
        const Money spread = times(asset.initial_price.confidence, row.confidence, Rounding::kUp);
        form.low = max(form.low - spread, Money{});
        form.high += spread;
        form.low = times(form.low, one - asset.now.aged, Rounding::kDown);
        form.high = times(form.high, one + asset.now.aged, Rounding::kUp);
    }
    form.plain = form.low == form.price && form.high == form.price &&
                 form.on->uncounted.is_zero() && form.on->cap.is_zero();
}

// What is told beyond the band may be true. The confidence is at least half of what lies between
// the outermost answers, so the price and two of it are no less than any of them.
void Market::set_told(Form& form, const PriceRow& row) {
    if (form.trouble != flags::kPriceOutOfBounds) {
        return;
    }
    const Result<Money> once = add(form.price, row.confidence);
    const Result<Money> twice = once ? add(once.value(), row.confidence) : once;
    form.told = twice ? max(form.price, twice.value()) : largest_money();
}

void Market::set_correlations() {
    const auto& rows = parameters_->risk.correlations;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (Form& form : forms_) {
            if (std::ranges::find(rows[i].assets, form.asset->name) != rows[i].assets.end()) {
                form.correlation = i;
            }
        }
    }
}

// What is owed counts at no more at the initial level, whatever the price, its confidence (at most
// all of it) and its age are.
Money Market::highest_initial(const Form& most) {
    const AssetParameters& asset = *most.asset;
    Money high = max(most.price, asset.now.slow);
    if (!asset.initial_price.confidence.is_zero()) {
        const auto spread = mul(asset.initial_price.confidence, most.price, Round::kUp);
        const auto wide = spread ? add(high, spread.value()) : spread;
        high = wide ? wide.value() : largest_money();
    }
    if (!asset.initial_price.age_per_hour.is_zero()) {
        const auto twice = add(high, high);
        high = twice ? twice.value() : largest_money();
    }
    return high;
}

void Market::set_most() {
    for (const Form& form : forms_) {
        Form most = form;
        most.price = max(form.told, form.asset->price_max);
        most.low = most.price;
        most.high = highest_initial(most);
        most.counted = Money::whole(1) - form.on->uncounted;
        most.plain =
            form.on->uncounted.is_zero() && form.on->cap.is_zero() && most.high == most.price;
        most.trouble = 0;
        most_.push_back(std::move(most));
    }
}

const Market::Form& Market::at_most(const Form& form) const {
    const auto place = static_cast<std::size_t>(&form - forms_.data());
    MARGRAVE_ASSERT(place < most_.size() && form.trouble != 0);
    return most_[place];
}

const Market::Instrument* Market::find_market(const Hash32& market) const {
    const auto found = instruments_.find(market);
    return found == instruments_.end() ? nullptr : &found->second;
}

const Market::Form* Market::find(const AssetId& asset) const {
    const std::uint64_t prefix = prefix_of(asset);
    auto slot = std::ranges::lower_bound(index_, prefix, {}, &Slot::prefix);
    for (; slot != index_.end() && slot->prefix == prefix; ++slot) {
        if (forms_[slot->form].on->asset == asset) {
            return &forms_[slot->form];
        }
    }
    return nullptr;
}

}  // namespace margrave::margin
