// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/events.hpp"

#include <cstdint>

// How the events of watched contracts lie in the rows of a block.
namespace margrave::store::detail {

void write_mapped(Bytes& out, const MappedEvent& m);
/// kCorrupt for what write_mapped does not write.
Result<MappedEvent> read_mapped(ByteReader& in);
/// kCorrupt for a number that is no kind.
Result<MappedKind> read_mapped_kind(std::uint8_t number);

}  // namespace margrave::store::detail
