// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/mapping.hpp"

#include <cstddef>
#include <cstdint>

using namespace margrave;
using namespace margrave::chains;

namespace {

// Every kind of argument that a rule can name, in topics and in data.
evm::Mapping make_mapping() {
    WatchEventSettings moved;
    moved.event =
        "event Moved(address indexed who, bytes32 market, int256 size, uint256 entry, string note)";
    moved.meaning = Meaning::kPosition;
    moved.account = "who";
    moved.market = "market";
    moved.size = "size";
    moved.entry_price = "entry";
    WatchEventSettings put;
    put.event =
        "event Put(bytes32 who, address indexed token, uint128 much, bool ok, bytes[] more)";
    put.account = "who";
    put.token = "token";
    put.amount = "much";
    put.where.push_back({"ok", "true"});
    WatchEventSettings told;
    told.event = "event Told(int192 indexed answer, bytes note, uint256 at)";
    told.meaning = Meaning::kPrice;
    told.price = "answer";
    told.time = "at";
    WatchSettings settings;
    settings.name = "fuzz";
    settings.contract = Address{};
    settings.events = {moved, put, told};
    return evm::Mapping::make(std::span(&settings, 1)).value();
}

Hash32 take_word(ByteView& bytes) {
    Hash32 out;
    const std::size_t size = std::min(bytes.size(), Hash32::kSize);
    std::copy_n(bytes.begin(), size, out.data.begin());
    bytes = bytes.subspan(size);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static const evm::Mapping mapping = make_mapping();
    ByteView rest(bytes, size);
    if (rest.empty()) {
        return 0;
    }
    const std::uint8_t choice = rest.front();
    rest = rest.subspan(1);
    evm::NodeLog log;
    log.topics.push_back(mapping.topics()[choice % mapping.topics().size()]);
    for (int i = 0; i < choice / 2 % 4; ++i) {
        log.topics.push_back(take_word(rest));
    }
    log.data.assign(rest.begin(), rest.end());
    const BlockRef block;
    (void)evm::map_logs(mapping, block, std::span(&log, 1));

    WatchEventSettings event;
    event.event.assign(rest.begin(), rest.end());
    event.account = "a";
    event.amount = "b";
    WatchSettings settings;
    settings.name = "text";
    settings.contract = Address{};
    settings.events = {event};
    (void)evm::compile(settings);
    return 0;
}
