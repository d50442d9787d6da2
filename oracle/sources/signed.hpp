// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

// Price reports that m of n named keys sign as EIP-712 typed data.
namespace margrave::oracle::reports {

/// PriceReport(string base,string quote,uint256 price,uint256 confidence,uint64 publishedAt) in the
/// domain EIP712Domain(string name,string version) = ("Margrave price report", "1"). price and
/// confidence are in the quote, times 1e18.
struct Report {
    std::string base;
    std::string quote;
    Money price;
    Money confidence;
    UnixSeconds published_at;
};

struct SignedReport {
    Report report;
    std::vector<Bytes> signatures;
};

/// What is signed (EIP-712).
Hash32 digest_of(const Report& report);

/// {"report": {"base": "eth", "confidence": "0", "price": "2000000000000000000000",
/// "publishedAt": "1764345600", "quote": "USD"}, "signatures": ["0x..."]}: exactly these members;
/// integers as decimal strings or numbers; at most 64 signatures.
Result<SignedReport> parse_report(std::string_view text);

/// Whether at least `threshold` of `signers` signed it. Every signature must be good: 65 bytes r,
/// s, v with a low s, of a signer in the set, none twice.
Result<void> check_signatures(
    const SignedReport& report, const std::set<Address>& signers, std::uint64_t threshold
);

}  // namespace margrave::oracle::reports
