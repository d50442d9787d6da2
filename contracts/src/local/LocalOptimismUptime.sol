// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    OptimismSequencerUptimeFeed
} from "@chainlink/contracts/src/v0.8/l2ep/dev/optimism/OptimismSequencerUptimeFeed.sol";

/// @title LocalOptimismUptime: Chainlink's uptime feed of an OP Stack chain's sequencer as it is
/// @notice For local chains and tests only.
contract LocalOptimismUptime is OptimismSequencerUptimeFeed {
    constructor(address l1Sender, address messenger, bool down)
        OptimismSequencerUptimeFeed(l1Sender, messenger, down)
    {}
}
