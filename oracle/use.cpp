// SPDX-License-Identifier: Apache-2.0
#include "oracle/oracle.hpp"

#include <string>

namespace margrave::oracle {
namespace {

// a > b * times, without a product that does not fit.
bool is_beyond(const Money& a, const Money& b, const Money& times) {
    const Result<Money> product = mul(b, times, Round::kDown);
    return product && a > product.value();
}

}  // namespace

std::string_view to_string(Use use) {
    switch (use) {
        case Use::kUsable:
            return "usable";
        case Use::kWorseOfBoth:
            return "worse-of-both";
        case Use::kHold:
            return "hold";
        case Use::kReject:
            return "reject";
    }
    return "reject";
}

PriceUse use_of(
    const AssetOracleSettings& settings,
    const PriceRow& row,
    const std::optional<SlowState>& slow,
    std::size_t makers
) {
    PriceUse out;
    if (row.verdict != PriceVerdict::kUsable) {
        out.initial = Use::kReject;
        out.liquidation = Use::kHold;
        out.why = "the price is " + std::string(to_string(row.verdict));
        return out;
    }
    if (!settings.slow || !slow) {
        return out;
    }
    out.slow = slow->price;
    const Money& high = max(row.price, slow->price);
    const Money& low = min(row.price, slow->price);
    const std::string apart =
        row.price.to_decimal() + " USD, and the slow price is " + slow->price.to_decimal();
    if (is_beyond(high, low, settings.slow->hard)) {
        out.initial = Use::kReject;
        out.liquidation = Use::kHold;
        out.why = apart + ": more than " + settings.slow->hard.to_decimal() + " times apart";
        return out;
    }
    const Result<Money> distance = sub(high, low);
    if (distance && is_beyond(distance.value(), slow->price, settings.slow->soft)) {
        out.initial = Use::kWorseOfBoth;
        out.liquidation = makers < 2 ? Use::kHold : Use::kUsable;
        out.why = apart + (makers < 2 ? ": only one source says so" : "");
    }
    return out;
}

}  // namespace margrave::oracle
