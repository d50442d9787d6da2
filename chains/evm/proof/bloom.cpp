// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/bloom.hpp"

#include "core/keccak.hpp"

#include <algorithm>

namespace margrave::chains::evm {
namespace {

constexpr std::size_t kBits = Bloom::kSize * 8;

// Bit 0 is the lowest bit of the last byte.
std::uint8_t& byte_of(Bloom& bloom, std::uint16_t bit) {
    return bloom.data[Bloom::kSize - 1 - bit / 8];
}

std::uint8_t mask_of(std::uint16_t bit) {
    return static_cast<std::uint8_t>(1U << (bit % 8));
}

}  // namespace

BloomBits::BloomBits(ByteView value) {
    const Hash32 hash = keccak256(value);
    for (std::size_t i = 0; i < bits.size(); ++i) {
        const auto pair = static_cast<unsigned>(hash.data[2 * i]) << 8 | hash.data[2 * i + 1];
        bits[i] = static_cast<std::uint16_t>(pair % kBits);
    }
}

void add(Bloom& bloom, const BloomBits& value) {
    for (const std::uint16_t bit : value.bits) {
        std::uint8_t& byte = byte_of(bloom, bit);
        byte = static_cast<std::uint8_t>(byte | mask_of(bit));
    }
}

void add_log(Bloom& bloom, const Address& emitter, std::span<const Hash32> topics) {
    add(bloom, BloomBits(emitter.view()));
    for (const Hash32& topic : topics) {
        add(bloom, BloomBits(topic.view()));
    }
}

void merge(Bloom& bloom, const Bloom& part) {
    for (std::size_t i = 0; i < Bloom::kSize; ++i) {
        bloom.data[i] = static_cast<std::uint8_t>(bloom.data[i] | part.data[i]);
    }
}

bool may_have(const Bloom& bloom, const BloomBits& value) {
    return std::ranges::all_of(value.bits, [&](std::uint16_t bit) {
        return (bloom.data[Bloom::kSize - 1 - bit / 8] & mask_of(bit)) != 0;
    });
}

bool excludes(const Bloom& bloom, const Address& emitter, std::span<const Hash32> topics) {
    return !may_have(bloom, BloomBits(emitter.view())) ||
           std::ranges::any_of(topics, [&](const Hash32& topic) {
               return !may_have(bloom, BloomBits(topic.view()));
           });
}

WatchedLogs::WatchedLogs(const Address& emitter, std::span<const Hash32> any_of)
    : emitter_(emitter.view()) {
    any_of_.reserve(any_of.size());
    for (const Hash32& topic : any_of) {
        any_of_.emplace_back(topic.view());
    }
}

bool WatchedLogs::excluded_by(const Bloom& bloom) const {
    if (!may_have(bloom, emitter_)) {
        return true;
    }
    return !any_of_.empty() && std::ranges::none_of(any_of_, [&](const BloomBits& topic) {
        return may_have(bloom, topic);
    });
}

}  // namespace margrave::chains::evm
