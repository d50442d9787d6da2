// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Counted} from "./Counted.sol";

/// @title PositionBook: the positions that one venue reports, in an order nobody can rewrite
/// @notice Lives on the hub chain only. A later post for the same (account, market) replaces the earlier one.
/// @dev Stores nothing but the count and the accumulator: readers fold the events and compare.
contract PositionBook is Counted {
    /// @notice Sizes and prices lie within -BOUND and BOUND: what a reader's signed 192-bit money can hold, so that no
    /// post can stop the readers of this chain.
    int256 public constant BOUND = 2 ** 191 - 1;

    /// @notice The only address that may post. Fixed at deployment.
    address public immutable venue;

    event Position(
        uint64 indexed sequence, bytes32 indexed account, bytes32 indexed market, int256 size, int256 entryPrice
    );

    error ZeroVenue();
    error NotVenue(address caller, address venue);
    error ZeroAccount();
    error ZeroMarket();
    error OutOfBounds(int256 value, int256 bound);

    constructor(address venue_) {
        if (venue_ == address(0)) revert ZeroVenue();
        venue = venue_;
    }

    /// @notice Sets the position of `account` in `market`. The venue only.
    /// @param size signed contracts x 1e18, negative when short; zero closes the position
    /// @param entryPrice USD x 1e18 per contract
    function post(bytes32 account, bytes32 market, int256 size, int256 entryPrice) external {
        if (msg.sender != venue) revert NotVenue(msg.sender, venue);
        if (account == bytes32(0)) revert ZeroAccount();
        if (market == bytes32(0)) revert ZeroMarket();
        if (size < -BOUND || size > BOUND) revert OutOfBounds(size, BOUND);
        if (entryPrice < -BOUND || entryPrice > BOUND) revert OutOfBounds(entryPrice, BOUND);
        uint64 sequence = eventCount + 1;
        _record(sequence, keccak256(abi.encode(accumulator, sequence, account, market, size, entryPrice)));
        emit Position(sequence, account, market, size, entryPrice);
    }
}
