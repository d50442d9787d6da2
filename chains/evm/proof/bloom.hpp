// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace margrave::chains::evm {

struct BloomTag;
/// The 2048 bits over every log's address and topics (Yellow Paper, section 4.3.1, M3:2048).
using Bloom = FixedBytes<256, BloomTag>;

/// The three bits that one address or topic sets. Making it costs a keccak; testing costs nothing.
struct BloomBits {
    std::array<std::uint16_t, 3> bits{};

    explicit BloomBits(ByteView value);
};

void add(Bloom& bloom, const BloomBits& value);
void add_log(Bloom& bloom, const Address& emitter, std::span<const Hash32> topics);
/// Every bit of `part` into `bloom`.
void merge(Bloom& bloom, const Bloom& part);

/// False: the value is in no log under this bloom. True says nothing.
bool may_have(const Bloom& bloom, const BloomBits& value);

/// Whether the bloom excludes a log of `emitter` that has all of `topics`, at whatever place.
bool excludes(const Bloom& bloom, const Address& emitter, std::span<const Hash32> topics);

/// Logs somebody waits for: of one emitter, with one of some first topics. No topic: any log of it.
class WatchedLogs {
  public:
    WatchedLogs(const Address& emitter, std::span<const Hash32> any_of);

    [[nodiscard]] bool excluded_by(const Bloom& bloom) const;

  private:
    BloomBits emitter_;
    std::vector<BloomBits> any_of_;
};

}  // namespace margrave::chains::evm
