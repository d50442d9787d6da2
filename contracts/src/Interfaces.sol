// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccountState} from "./Types.sol";

/// @notice What a vault asks of the registry of its chain.
interface IHealthRegistry {
    function chain() external view returns (bytes32);
    function guardian() external view returns (address);
    function isSilent() external view returns (bool);
    function latest() external view returns (uint64 round, bytes32 root, uint64 issuedAt, uint64 validUntil);
    function verify(AccountState calldata s, bytes32[] calldata proof) external view returns (bool);
    function proves(AccountState calldata s, bytes32[] calldata proof) external view returns (bool);
    function checkQuorum(bytes32 structHash, bytes calldata signatures) external view;
}

/// @notice What a vault asks of the sale that a Seizure names.
interface ISeizureSale {
    function open(bytes32 id, bytes32 account, address token, uint256 amount, address debtToken, uint256 minProceeds)
        external
        payable;
}

/// @notice What a sale asks of its vault.
interface ISettlement {
    function settle(bytes32 seizureId, address token, uint256 amount) external payable;
}
