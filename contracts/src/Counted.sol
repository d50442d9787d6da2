// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Counted: how many events there were, and a hash that commits to all of them in order
/// @notice One storage proof of these two slots proves that a set of logs is complete.
/// @dev Must be the first base of every contract that uses it, so that the slots stay 0 and 1.
abstract contract Counted {
    /// @notice Events so far (storage slot 0). The first event has sequence 1.
    uint64 public eventCount;

    /// @notice keccak256(abi.encode(previous accumulator, sequence, the event's fields)); zero at first (storage slot 1).
    bytes32 public accumulator;

    /// @param sequence the number of the event that `next` folds in: the count after it
    function _record(uint64 sequence, bytes32 next) internal {
        eventCount = sequence;
        accumulator = next;
    }
}
