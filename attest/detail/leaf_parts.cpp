// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/leaf_parts.hpp"

#include "attest/detail/canonical_reader.hpp"

#include <algorithm>
#include <string>

namespace margrave::attest::detail {
namespace {

constexpr std::string_view kWhere = "leaf";

Error wrong(std::string_view name, const std::string& what) {
    return fail(Errc::kInvalid, "leaf: \"" + std::string(name) + "\" " + what);
}

template <class T>
Result<T> named(std::string_view name, Result<T> value) {
    if (!value) {
        return wrong(name, "is wrong: " + value.error().detail);
    }
    return value;
}

Result<Money> read_money(const Canonical& row, std::string_view name) {
    MARGRAVE_TRY(const std::string_view text, find_text(row, name, kWhere));
    return named(name, Money::parse_e18(text));
}

Result<SignerSignature> read_signature(const Canonical& row) {
    SignerSignature out;
    MARGRAVE_TRY(out.signer, read_address(row, "signer"));
    MARGRAVE_TRY(const std::string_view text, find_text(row, "signature", kWhere));
    MARGRAVE_TRY(const Bytes bytes, named("signature", parse_hex(text)));
    if (bytes.size() != out.signature.size()) {
        return wrong("signature", "has " + std::to_string(bytes.size()) + " bytes, not 65");
    }
    std::copy(bytes.begin(), bytes.end(), out.signature.begin());
    return out;
}

Result<Head> read_head(const Canonical& row) {
    Head out;
    MARGRAVE_TRY(out.chain, read_chain(row));
    MARGRAVE_TRY(out.number.value, find_u64(row, "number", kWhere));
    MARGRAVE_TRY(out.hash, read_hash(row, "hash"));
    MARGRAVE_TRY(out.events, find_u64(row, "events", kWhere));
    MARGRAVE_TRY(out.accumulator, read_hash(row, "accumulator"));
    return out;
}

Result<PriceRow> read_price(const Canonical& row) {
    PriceRow out;
    MARGRAVE_TRY(const std::string_view asset, find_text(row, "asset", kWhere));
    MARGRAVE_TRY(out.asset, named("asset", AssetId::parse(asset)));
    MARGRAVE_TRY(out.price, read_money(row, "price"));
    MARGRAVE_TRY(out.confidence, read_money(row, "confidence"));
    MARGRAVE_TRY(out.published_at.value, find_u64(row, "publishedAt", kWhere));
    MARGRAVE_TRY(const std::uint64_t verdict, find_u64(row, "verdict", kWhere));
    if (verdict > static_cast<std::uint64_t>(PriceVerdict::kMissing)) {
        return wrong("verdict", std::to_string(verdict) + " is none of 0 to 3");
    }
    out.verdict = static_cast<PriceVerdict>(verdict);
    if (out.confidence.is_negative()) {
        return wrong("confidence", "is negative");
    }
    MARGRAVE_TRY(out.sources, read_hash(row, "sources"));
    return out;
}

// Every item by `read`; `key` must ascend.
template <class Row, class Read, class Key>
Result<std::vector<Row>> read_rows(
    const Canonical& body, std::string_view name, Read read, Key key
) {
    MARGRAVE_TRY(const Canonical::Array* items, find_array(body, name, kWhere));
    std::vector<Row> out;
    for (const Canonical& item : *items) {
        auto row = read(item);
        if (!row) {
            return wrong(name, "item " + std::to_string(out.size()) + ": " + row.error().detail);
        }
        if (!out.empty() && !(key(out.back()) < key(row.value()))) {
            return wrong(name, "item " + std::to_string(out.size()) + " is out of order");
        }
        out.push_back(std::move(row).value());
    }
    return out;
}

}  // namespace

Result<std::vector<SignerSignature>> read_signatures(const Canonical& body) {
    return read_rows<SignerSignature>(
        body, "signatures", read_signature, [](const SignerSignature& s) { return s.signer; }
    );
}

Result<std::vector<Head>> read_heads(const Canonical& body) {
    return read_rows<Head>(body, "snapshot", read_head, [](const Head& head) {
        return head.chain.key();
    });
}

Result<std::vector<PriceRow>> read_prices(const Canonical& body) {
    return read_rows<PriceRow>(body, "prices", read_price, [](const PriceRow& row) {
        return row.asset.key();
    });
}

Result<std::vector<Address>> read_signers(const Canonical& body) {
    const auto read = [](const Canonical& item) -> Result<Address> {
        const auto* text = std::get_if<std::string>(&item.value());
        return parse_address(text == nullptr ? std::string_view{} : std::string_view(*text));
    };
    return read_rows<Address>(body, "signers", read, [](const Address& a) { return a; });
}

Result<ChainId> read_chain(const Canonical& body) {
    MARGRAVE_TRY(const std::string_view text, find_text(body, "chain", kWhere));
    if (text.empty()) {
        return ChainId{};
    }
    return named("chain", ChainId::parse(text));
}

Result<Hash32> read_hash(const Canonical& body, std::string_view name) {
    MARGRAVE_TRY(const std::string_view text, find_text(body, name, kWhere));
    return named(name, parse_hash32(text));
}

Result<Address> read_address(const Canonical& body, std::string_view name) {
    MARGRAVE_TRY(const std::string_view text, find_text(body, name, kWhere));
    return named(name, parse_address(text));
}

}  // namespace margrave::attest::detail
