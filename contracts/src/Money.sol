// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";

/// @title Money: token and native coin behind one pair of verbs
/// @notice Token address zero is the chain's native coin. Every amount is raw units.
library Money {
    using SafeERC20 for IERC20;

    address internal constant NATIVE = address(0);

    error WrongValue(uint256 sent, uint256 expected);
    error NotAToken(address token);
    error ZeroAmount();
    error NothingReceived(address token, address from, uint256 amount);
    error InsufficientHolding(address token, uint256 held, uint256 amount);
    error PayoutRefused(address recipient, uint256 amount);
    error OverDebited(address token, uint256 left, uint256 amount);

    function holding(address token) internal view returns (uint256) {
        if (token == NATIVE) return address(this).balance;
        if (token.code.length == 0) revert NotAToken(token);
        return IERC20(token).balanceOf(address(this));
    }

    /// @notice Takes `amount` from the caller: native coin came with the call, a token is pulled from its allowance.
    /// @return received what this contract's balance grew by, which is all that may be credited
    function collect(address token, uint256 amount) internal returns (uint256 received) {
        if (amount == 0) revert ZeroAmount();
        uint256 expected = token == NATIVE ? amount : 0;
        if (msg.value != expected) revert WrongValue(msg.value, expected);
        if (token == NATIVE) return amount;

        uint256 before = holding(token);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 afterwards = holding(token);
        if (afterwards <= before) revert NothingReceived(token, msg.sender, amount);
        return afterwards - before;
    }

    /// @notice Pays `amount` out. Call it last: the recipient may run code. A recipient that reverts reverts the caller.
    function pay(address token, address recipient, uint256 amount) internal {
        uint256 before = requireHolding(token, amount);
        if (token == NATIVE) {
            // The returned bytes are not copied, so a recipient cannot burn the caller's gas with a long answer.
            if (!LowLevelCall.callNoReturn(recipient, amount, "")) revert PayoutRefused(recipient, amount);
            return;
        }
        IERC20(token).safeTransfer(recipient, amount);
        uint256 afterwards = holding(token);
        // A token that charges the sender on top would eat what belongs to others.
        if (afterwards < before && before - afterwards > amount) {
            revert OverDebited(token, before - afterwards, amount);
        }
    }

    function requireHolding(address token, uint256 amount) internal view returns (uint256 held) {
        held = holding(token);
        if (held < amount) revert InsufficientHolding(token, held, amount);
    }
}
