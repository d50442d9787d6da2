// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Flags} from "@chainlink/contracts/src/v0.8/dev/Flags.sol";

/// @title LocalFlags: the flags that Chainlink's uptime feed of Arbitrum's sequencer raises and lowers, as they are
/// @notice For local chains and tests only.
contract LocalFlags is Flags {
    constructor(address raising, address lowering) Flags(raising, lowering) {}
}
