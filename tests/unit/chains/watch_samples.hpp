// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/settings.hpp"

#include <string>
#include <utility>

namespace margrave::chains::evm {

inline const Address kToken = parse_address("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48").value();
inline const Address kCustody = parse_address("0x52908400098527886E0F7030069857D2E4169EE7").value();
inline const Address kOther = parse_address("0x0b2c639c533813f4aa9d7837caf62653d097ff85").value();

inline Address user(std::uint8_t n) {
    Address out;
    out.data[19] = n;
    return out;
}

/// Transfers of kToken to and from kCustody.
inline WatchSettings custody_watch() {
    WatchSettings out;
    out.name = "custody";
    out.preset = WatchPreset::kErc20Custody;
    out.contract = kToken;
    out.custody = kCustody;
    return out;
}

/// A watch of kToken with one event.
inline WatchSettings plain(WatchEventSettings event) {
    WatchSettings out;
    out.name = "plain";
    out.contract = kToken;
    out.events.push_back(std::move(event));
    return out;
}

inline WatchEventSettings deposit_event(
    std::string text = "event Put(address indexed who, uint256 much)"
) {
    WatchEventSettings out;
    out.event = std::move(text);
    out.account = "who";
    out.amount = "much";
    return out;
}

}  // namespace margrave::chains::evm
