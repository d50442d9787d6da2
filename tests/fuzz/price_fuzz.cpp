// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "oracle/detail/json_text.hpp"
#include "oracle/detail/number_text.hpp"
#include "oracle/oracle.hpp"
#include "oracle/sources/feed.hpp"
#include "oracle/sources/pyth.hpp"
#include "oracle/sources/signed.hpp"
#include "oracle/sources/tick.hpp"
#include "oracle/sources/uniswap_v3.hpp"

#include <string>

using namespace margrave;
using namespace margrave::oracle;

namespace {

constexpr std::uint32_t kWindow = 1'800;

void try_words(ByteView input) {
    const auto round = feed::decode_latest_round(input, 8);
    MARGRAVE_ASSERT(!round || round.value().price.sign() >= 0);
    const auto bound = feed::decode_bound(input, 8);
    MARGRAVE_ASSERT(!bound || bound->sign() >= 0);
    const auto price = pyth::decode_price(input);
    MARGRAVE_ASSERT(!price || price.value().price.sign() >= 0);
    static_cast<void>(uniswap::decode_cardinality(input));
    const auto window = uniswap::decode_observe(input, kWindow);
    if (window) {
        static_cast<void>(uniswap::price_of_tick(window.value().tick, 18, 6));
    }
}

void try_text(std::string_view text) {
    const auto number = detail::parse_number(text);
    // What is written of a number is read as the same number.
    MARGRAVE_ASSERT(
        !number || detail::parse_number(number.value().to_decimal()).value() == number.value()
    );
    for (const auto form :
         {detail::TimeForm::kSeconds,
          detail::TimeForm::kMilliseconds,
          detail::TimeForm::kRfc3339}) {
        static_cast<void>(detail::parse_time(text, form));
    }
    const auto report = reports::parse_report(text);
    if (report) {
        MARGRAVE_ASSERT(!report.value().report.price.is_negative());
        static_cast<void>(reports::check_signatures(report.value(), {}, 1));
    }
    if (const auto foreign = detail::parse_foreign(text)) {
        for (const std::string_view pointer : {"", "/price", "/a/0/b~1c"}) {
            static_cast<void>(detail::text_at(foreign.value(), pointer));
        }
    }
    const auto document = parse_canonical(text);
    if (document) {
        static_cast<void>(memory_of(document.value()));
    }
}

}  // namespace

// A first byte that says what the rest is: words of a contract, or text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        try_words(input);
    } else {
        try_text(as_text(input));
    }
    return 0;
}
