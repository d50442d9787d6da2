// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface IVault {
    function deposit(bytes32 account, address token, uint256 amount) external payable;
}

interface IToken {
    function mint(address to, uint256 amount) external;
    function approve(address spender, uint256 amount) external returns (bool);
}

/// @title Filler: fills a vault with accounts for the start benchmark
/// @notice Each account gets one deposit of the native coin and one of the token. For local chains only.
contract Filler {
    IVault public immutable vault;
    address public immutable token;

    constructor(address vault_, address token_) payable {
        vault = IVault(vault_);
        token = token_;
        IToken(token_).mint(address(this), type(uint128).max);
        IToken(token_).approve(vault_, type(uint256).max);
    }

    /// @notice Both deposits of the accounts `first` to `first + count - 1`.
    function fill(uint256 first, uint256 count) external {
        for (uint256 n = first; n < first + count; ++n) {
            uint256 dice = uint256(keccak256(abi.encode(n)));
            bytes32 account = bytes32(dice >> 96);
            uint256 amount = 1e12 + (dice >> 128) % 1e12;
            vault.deposit{value: amount}(account, address(0), amount);
            vault.deposit(account, token, amount);
        }
    }
}
