// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title What a trader calls of a Uniswap v3 pool (docs.uniswap.org/contracts/v3/reference/core/UniswapV3Pool)
interface IPool {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function mint(address recipient, int24 lower, int24 upper, uint128 amount, bytes calldata data)
        external
        returns (uint256, uint256);
    function swap(address recipient, bool zeroForOne, int256 amount, uint160 limit, bytes calldata data)
        external
        returns (int256, int256);
}

/// @title LocalTrader: puts liquidity into a Uniswap v3 pool and trades there with the tokens it holds
/// @notice For local chains and tests only: it pays any pool that asks.
contract LocalTrader {
    /// @notice Adds `amount` of liquidity from `lower` to `upper`.
    function mint(IPool pool, int24 lower, int24 upper, uint128 amount) external {
        pool.mint(address(this), lower, upper, amount, "");
    }

    /// @notice Trades `amount` of one token until the price is at `limit` (a square root, times 2^96).
    function swap(IPool pool, bool zeroForOne, int256 amount, uint160 limit) external {
        pool.swap(address(this), zeroForOne, amount, limit, "");
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        _pay(amount0, amount1);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        // A negative amount is what the pool pays.
        // forge-lint: disable-next-line(unsafe-typecast)
        _pay(amount0 > 0 ? uint256(amount0) : 0, amount1 > 0 ? uint256(amount1) : 0);
    }

    function _pay(uint256 amount0, uint256 amount1) private {
        IPool pool = IPool(msg.sender);
        if (amount0 > 0) require(IERC20(pool.token0()).transfer(msg.sender, amount0));
        if (amount1 > 0) require(IERC20(pool.token1()).transfer(msg.sender, amount1));
    }
}
