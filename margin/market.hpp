// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statements.hpp"
#include "margin/dead_chains.hpp"
#include "margin/parameters.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace margrave::margin {

/// Prices by asset as guarded by oracle/; every asset of the parameters has a row, usable or not.
using PriceTable = std::map<AssetId, PriceRow>;

/// Prices and parameters of one round, joined and indexed once so that every account of the round
/// can be valued against them. Keeps pointers into `parameters`, which must outlive it; prices are
/// copied. Immutable, so threads may share it.
class Market {
  public:
    Market(const PriceTable& prices, const Parameters& parameters);
    Market(const PriceTable& prices, Parameters&& parameters) = delete;
    /// The same in a round for which some chains are dead.
    Market(const PriceTable& prices, const Parameters& parameters, DeadChains dead);
    Market(const PriceTable& prices, Parameters&& parameters, DeadChains dead) = delete;

    /// One form of one asset, with its price.
    struct Form {
        const AssetParameters* asset{nullptr};
        const AssetOnChain* on{nullptr};
        /// Index of `asset` in the parameters; the forms that net have the same one.
        std::size_t group{0};
        Money price;
        UnixSeconds published_at;
        /// No discount for a bridge: one multiplication less.
        bool fully_backed{true};
        /// Everything that is owned counts at every level, before weights, at the one price.
        bool plain{true};
        /// The price at the initial level: of what is owned, and of what is owed.
        Money low;
        Money high;
        /// The highest that was told, where the price is out of bounds; else zero.
        Money told;
        /// Part of what is owned that counts at the initial level.
        Money counted;
        /// How sure its sources are, in [0, 1]: 1 less the confidence as a part of the price.
        Money sure;
        /// Index in the parameters of the asset's correlation.
        std::optional<std::size_t> correlation;
        /// Zero, or the flags (kPriceMissing, kPriceStale, kPriceOutOfBounds) that say why the
        /// price must not be used.
        std::uint32_t trouble{0};
    };

    /// Null when the parameters do not name the asset.
    [[nodiscard]] const Form* find(const AssetId& asset) const;

    /// One market of the position book; either a perpetual or an option.
    struct Instrument {
        const VenueParameters* venue{nullptr};
        const PerpetualMarket* perpetual{nullptr};
        const OptionMarket* option{nullptr};
        /// Index in forms() of the underlying's first form, whose price is that of all.
        std::size_t form{0};
        /// Likewise of what the venue settles in; absent where that is dollars.
        std::optional<std::size_t> settlement{};
    };

    /// Null when no venue of the parameters has the market.
    [[nodiscard]] const Instrument* find_market(const Hash32& market) const;

    [[nodiscard]] const Parameters& parameters() const { return *parameters_; }

    [[nodiscard]] const DeadChains& dead() const { return dead_; }

    /// In the order of the parameters.
    [[nodiscard]] const std::vector<Form>& forms() const { return forms_; }

    /// A form without a usable price, at the highest that it may have: that of its band, or what
    /// was told beyond it. `form` is one of forms(), in trouble.
    [[nodiscard]] const Form& at_most(const Form& form) const;

  private:
    void set_initial(Form& form, const PriceRow& row);
    static void set_told(Form& form, const PriceRow& row);
    void set_correlations();
    [[nodiscard]] static Money highest_initial(const Form& most);
    void set_most();
    void set_instruments();
    [[nodiscard]] std::optional<std::size_t> first_form(const std::string& asset) const;

    struct Slot {
        std::uint64_t prefix{0};
        std::size_t form{0};
    };

    const Parameters* parameters_;
    DeadChains dead_;
    std::vector<Form> forms_;
    // Of the same places as forms_.
    std::vector<Form> most_;
    // Ascends by the first eight bytes of the asset key.
    std::vector<Slot> index_;
    std::map<Hash32, Instrument> instruments_;
};

}  // namespace margrave::margin
