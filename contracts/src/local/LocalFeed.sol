// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title LocalFeed: a price feed that anybody may set, shaped like Chainlink's AggregatorV3Interface
/// @notice For local chains and tests only.
contract LocalFeed {
    /// @notice Decimals of every answer.
    uint8 public immutable decimals;
    string public description;
    uint256 public constant version = 1;

    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    Round[] private _rounds;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error NoData(uint80 roundId);

    constructor(uint8 decimals_, string memory description_, int256 answer) {
        decimals = decimals_;
        description = description_;
        _set(answer, block.timestamp);
    }

    /// @notice Starts a new round with `answer`, dated now. Anybody may call.
    function set(int256 answer) external {
        _set(answer, block.timestamp);
    }

    /// @notice Starts a new round with `answer`, dated `updatedAt` (Unix seconds). Anybody may call.
    function setAt(int256 answer, uint256 updatedAt) external {
        _set(answer, updatedAt);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(uint80(_rounds.length));
    }

    function getRoundData(uint80 id)
        public
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        if (id == 0 || id > _rounds.length) revert NoData(id);
        Round memory round = _rounds[id - 1];
        return (id, round.answer, round.updatedAt, round.updatedAt, id);
    }

    function _set(int256 answer, uint256 updatedAt) private {
        _rounds.push(Round(answer, updatedAt));
        emit AnswerUpdated(answer, _rounds.length, updatedAt);
    }
}
