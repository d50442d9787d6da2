// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "core/result.hpp"
#include "margin/health.hpp"
#include "margin/market.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace margrave::margin {

/// What the modules have added up for one account so far.
struct Sums {
    Money value;
    Money required_initial;
    Money required_liquidation_end;
    Money required_maintenance;
    /// Guard flags (core/statements.hpp, bits 8 to 31).
    std::uint32_t flags{0};
    /// Something could not be valued and must not be passed over: the account is UNATTESTABLE.
    bool unattestable{false};
    /// Of what has no usable price, what is owed counts at the highest that it may have and what is
    /// owned for nothing; when set, the other way round. The account is attestable when both say
    /// the same of it.
    bool at_most{false};
    /// There was something without a usable price.
    bool has_unpriced{false};
};

/// Where a module writes what an auditor needs to compute its part again. Absent on the hot path.
struct Evidence {
    std::vector<Term>& terms;
    std::vector<Relief>& reliefs;
    std::vector<VenueTerm>& venues;
    std::vector<Unvalued>& unvalued;
};

/// One kind of risk. Values its own part of an account and never looks at another's; a pure
/// function in the shape of an object, shared by threads. docs/adding-a-risk-module.md.
class Module {
  public:
    virtual ~Module() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;

    /// Whether this module values `position`. A position with a size that no module values makes
    /// the account UNATTESTABLE.
    [[nodiscard]] virtual bool covers(const VenuePosition& position, const Market& market)
        const = 0;

    /// Adds value and requirements to `sums`: value rounded down, requirements up. An error is an
    /// overflow and makes the account UNATTESTABLE.
    virtual Result<void> add(
        const AccountHoldings& holdings, const Market& market, Sums& sums, const Evidence* evidence
    ) const = 0;
};

/// Every module, in the order in which their terms appear in the evidence (registry.cpp).
std::span<const std::unique_ptr<const Module>> modules();

std::unique_ptr<const Module> make_spot_module();
/// Perpetuals of venues with the ratio method.
std::unique_ptr<const Module> make_perpetual_module();
/// Options of venues with the ratio method.
std::unique_ptr<const Module> make_option_module();
/// Everything of venues with the grid method.
std::unique_ptr<const Module> make_scenario_module();

}  // namespace margrave::margin
