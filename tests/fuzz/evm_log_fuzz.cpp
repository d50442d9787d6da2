// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/contracts.hpp"
#include "core/assert.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <vector>

using namespace margrave;
namespace evm = margrave::chains::evm;

namespace {

void check_movement(const Movement& m, const std::vector<Hash32>& topics, ByteView data) {
    MARGRAVE_ASSERT(Amount(m.sequence).to_word() == topics[1]);
    MARGRAVE_ASSERT(Amount(static_cast<std::uint64_t>(m.kind)).to_word() == topics[2]);
    WordWriter words;
    words.address(m.token).uint(m.amount).word(m.counterparty);
    MARGRAVE_ASSERT(std::ranges::equal(words.bytes(), data));
}

void check_position(const Position& p, const std::vector<Hash32>& topics, ByteView data) {
    MARGRAVE_ASSERT(Amount(p.sequence).to_word() == topics[1]);
    WordWriter words;
    words.money(p.size).money(p.entry_price);
    MARGRAVE_ASSERT(std::ranges::equal(words.bytes(), data));
}

}  // namespace

// One byte: which event, how many topics; then topics and data. And all of it as a revert.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    const std::string reason = evm::revert_reason(input);
    MARGRAVE_ASSERT(reason.size() < 500);
    MARGRAVE_ASSERT(std::ranges::all_of(reason, [](char c) { return c >= 0x20 && c < 0x7f; }));
    if (input.empty()) {
        return 0;
    }
    const bool is_movement = (input[0] & 1) != 0;
    const std::size_t count = (input[0] >> 1) % 5;
    ByteView rest = input.subspan(1);
    std::vector<Hash32> topics{is_movement ? evm::movement_topic() : evm::position_topic()};
    for (std::size_t i = 0; i < count && rest.size() >= 32; ++i) {
        Hash32 topic;
        std::copy_n(rest.begin(), 32, topic.data.begin());
        topics.push_back(topic);
        rest = rest.subspan(32);
    }
    if (const auto movement = evm::decode_movement(topics, rest)) {
        check_movement(movement.value(), topics, rest);
    }
    if (const auto position = evm::decode_position(topics, rest)) {
        check_position(position.value(), topics, rest);
    }
    return 0;
}
