// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/words.hpp"
#include "oracle/source.hpp"

#include <string>
#include <string_view>
#include <vector>

// What sources on a chain share: the address that is asked, and words of the ABI.
namespace margrave::oracle::detail {

/// The first four bytes of keccak, for a signature like "decimals()".
Bytes selector(std::string_view signature);
/// A call whose arguments are static words.
Bytes encode_call(std::string_view signature, const WordWriter& arguments);
/// Exactly so many words. kInvalid names the call.
Result<std::vector<Hash32>> decode_words(
    ByteView returned, std::size_t count, std::string_view call
);
/// A word that holds a small unsigned number, such as decimals() or a time.
Result<std::uint64_t> decode_uint(const Hash32& word, std::uint64_t max, std::string_view what);
/// abi.decode of a signed type of `bits` refuses a word that is not sign-extended, and so does
/// this. bits at most 64.
Result<std::int64_t> decode_int(const Hash32& word, unsigned bits, std::string_view what);
/// 10^exponent; exponent at most 54, so that the power fits 2^191.
Money::Rep power_of_ten(unsigned exponent);
/// floor(value * 10^exponent) or, rounded up, ceil; exponents from -72 to 54. kOverflow beyond
/// 2^191. value is not negative.
Result<Money> scale(const Money::Rep& value, int exponent, Round round);

/// A contract of one chain, asked at the block of `heads`. Owned by its source.
class Contract {
  public:
    Contract(std::string source, ChainId chain, Address address, CallAt call_at);

    /// "eip155:1:0x..." (CAIP-10).
    [[nodiscard]] std::string origin() const;
    /// "price source NAME (eip155:1:0x...)".
    [[nodiscard]] std::string describe() const;

    [[nodiscard]] const ChainId& chain() const { return chain_; }

    [[nodiscard]] const Address& address() const { return address_; }

    /// Everything of an answer that is known before it was asked. Without a block of the chain the
    /// answer carries the error.
    [[nodiscard]] Answer blank_answer(const Heads& heads) const;
    /// kConfig when the chain is none of this network.
    [[nodiscard]] Result<BlockRef> head_for_probe(const Heads& heads) const;

    Task<Result<Bytes>> call(Bytes data, Hash32 block) const;
    /// The same at another contract of the chain.
    Task<Result<Bytes>> call_other(Address to, Bytes data, Hash32 block) const;

    /// What went wrong at a first look at the contract: the node answered and the answer is that
    /// the call failed, so nothing such lives there.
    [[nodiscard]] Error not_such(const Error& error) const;

  private:
    std::string source_;
    ChainId chain_;
    Address address_;
    CallAt call_at_;
};

}  // namespace margrave::oracle::detail
