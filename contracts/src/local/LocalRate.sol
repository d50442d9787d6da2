// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title LocalRate: a rate provider that anybody may set
/// @notice For local chains and tests only. The rate and the time it was made are set together or, as the rate of the
/// Aave CAPO incident was, apart.
contract LocalRate {
    /// @notice What one whole unit is worth, times 1e18.
    uint256 public getRate;
    /// @notice When that was found, in Unix seconds.
    uint256 public rateTime;

    constructor(uint256 rate) {
        getRate = rate;
        rateTime = block.timestamp;
    }

    /// @notice Sets the rate, dated now. Anybody may call.
    function set(uint256 rate) external {
        getRate = rate;
        rateTime = block.timestamp;
    }

    /// @notice Sets the time alone. Anybody may call.
    function setTime(uint256 time) external {
        rateTime = time;
    }
}
