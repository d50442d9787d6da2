// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string_view>

namespace margrave::infra {

struct StrictLimits {
    std::size_t bytes{std::size_t{64} << 20};
    /// Arrays and objects inside one another.
    std::size_t depth{64};
    /// Values of all kinds in the document; bounds the memory a short text can ask for.
    std::size_t values{10'000'000};
    /// Numbers with a fraction or an exponent. An integer that does not fit 64 bits is refused
    /// either way, because a reader would get another number.
    bool floats{false};
    /// Every number becomes a string with its digits, of any size and with fraction and exponent as
    /// they stand, so that nothing is lost to a double. `floats` has no meaning then.
    bool number_text{false};
};

/// JSON in the one reading that has no surprises: a repeated key, a number that would change, bad
/// UTF-8, a byte order mark, a NUL, comments, or anything after the value is an error (kInvalid;
/// kLimit for a bound). The detail names the JSON pointer and line:column of the place.
Result<nlohmann::json> parse_strict(std::string_view text, const StrictLimits& limits);
Result<nlohmann::json> parse_strict(std::string_view text);

}  // namespace margrave::infra
