// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    ArbitrumSequencerUptimeFeed
} from "@chainlink/contracts/src/v0.8/l2ep/dev/arbitrum/ArbitrumSequencerUptimeFeed.sol";

/// @title LocalArbitrumUptime: Chainlink's uptime feed of Arbitrum's sequencer as it is
/// @notice For local chains and tests only.
contract LocalArbitrumUptime is ArbitrumSequencerUptimeFeed {
    constructor(address flags, address l1Sender) ArbitrumSequencerUptimeFeed(flags, l1Sender) {}
}
