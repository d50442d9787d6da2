// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"
#include "core/assert.hpp"
#include "core/bytes.hpp"
#include "core/canonical_json.hpp"
#include "core/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Every parser of text in core: whatever it takes, it writes in one way and reads back the same.
namespace {

using namespace margrave;

void check_numbers(std::string_view text) {
    if (const auto amount = Amount::parse(text)) {
        MARGRAVE_ASSERT(amount.value().to_string() == text);
        MARGRAVE_ASSERT(Amount::from_word(amount.value().to_word()) == amount.value());
    }
    if (const auto money = Money::parse_e18(text)) {
        MARGRAVE_ASSERT(money.value().to_string_e18() == text);
        MARGRAVE_ASSERT(Money::from_word(money.value().to_word()).value() == money.value());
    }
    if (const auto money = Money::parse(text)) {
        MARGRAVE_ASSERT(Money::parse(money.value().to_decimal()).value() == money.value());
        // Rounded down, a value within a cent of the lower bound is beyond it.
        const auto rounded = Money::parse(money.value().to_decimal(2));
        MARGRAVE_ASSERT(!rounded || rounded.value() <= money.value());
    }
}

void check_hex(std::string_view text) {
    if (const auto bytes = parse_hex(text)) {
        MARGRAVE_ASSERT(parse_hex(to_hex(bytes.value())).value() == bytes.value());
        MARGRAVE_ASSERT(to_hex(bytes.value()).size() == text.size());
    }
    if (const auto hash = parse_hash32(text)) {
        MARGRAVE_ASSERT(parse_hash32(to_hex(hash.value())).value() == hash.value());
    }
    if (const auto address = parse_address(text)) {
        MARGRAVE_ASSERT(parse_address(to_checksum(address.value())).value() == address.value());
        MARGRAVE_ASSERT(parse_account(text).value() == account_of(address.value()));
    }
}

void check_ids(std::string_view text) {
    if (const auto chain = ChainId::parse(text)) {
        MARGRAVE_ASSERT(chain.value().text() == text);
    }
    if (const auto asset = AssetId::parse(text)) {
        const AssetId& parsed = asset.value();
        MARGRAVE_ASSERT(AssetId::parse(parsed.text()).value().key() == parsed.key());
        MARGRAVE_ASSERT(parsed.is_native() == parsed.token().is_zero());
    }
}

void check_record(ByteView bytes) {
    ByteReader reader(bytes);
    while (reader.left() > 0) {
        const std::size_t before = reader.left();
        const auto length = reader.u8();
        MARGRAVE_ASSERT(length.has_value());
        if (!reader.bytes(length.value())) {
            MARGRAVE_ASSERT(reader.left() == before - 1);
            return;
        }
    }
    MARGRAVE_ASSERT(reader.finish().has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    const std::string_view text = as_text(bytes);
    check_numbers(text);
    check_hex(text);
    check_ids(text);
    check_record(bytes);
    MARGRAVE_ASSERT(Canonical(std::string(text)).dump().size() >= size + 2);
    return 0;
}
