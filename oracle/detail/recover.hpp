// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

namespace margrave::oracle::detail {

/// The address whose key signed the digest: r, s, v of 65 bytes, v 27 or 28, low s. kSignature says
/// what does not check.
Result<Address> recover(const Hash32& digest, ByteView signature);

}  // namespace margrave::oracle::detail
