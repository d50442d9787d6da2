// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/keccak.hpp"

#include <cstdint>

namespace margrave {

/// Writes Solidity's abi.encode of static values: one 32-byte big-endian word each. Every signed
/// struct, tree leaf and accumulator of the protocol is such a row of words.
class WordWriter {
  public:
    WordWriter& word(const Hash32& v);
    WordWriter& word(const AccountId& v);
    WordWriter& address(const Address& v);
    WordWriter& uint(std::uint64_t v);
    WordWriter& uint(const Amount& v);
    WordWriter& money(const Money& v);
    /// abi.encode of a string or bytes tail: length word and data padded to a multiple of 32.
    WordWriter& tail(ByteView data);

    [[nodiscard]] const Bytes& bytes() const { return out_; }

    [[nodiscard]] Hash32 hash() const { return keccak256(out_); }

  private:
    Bytes out_;
};

}  // namespace margrave
