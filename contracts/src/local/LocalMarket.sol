// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title LocalMarket: tells what loans cost, in the words of Aave's pool
/// @notice For local chains and tests only.
contract LocalMarket {
    uint256 private constant RAY = 1e27;

    event ReserveDataUpdated(
        address indexed reserve,
        uint256 liquidityRate,
        uint256 stableBorrowRate,
        uint256 variableBorrowRate,
        uint256 liquidityIndex,
        uint256 variableBorrowIndex
    );

    /// @notice Says that loans in `reserve` cost `rate` a year, times 1e27. Anybody may call.
    function tell(address reserve, uint256 rate) external {
        emit ReserveDataUpdated(reserve, 0, 0, rate, RAY, RAY);
    }
}
