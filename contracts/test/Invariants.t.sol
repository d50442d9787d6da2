// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Handler} from "./support/Handler.sol";
import {vm} from "./support/Vm.sol";
import {SeizureSale} from "../src/SeizureSale.sol";
import {Vault} from "../src/Vault.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler private handler;
    Vault private vault;
    SeizureSale private sale;

    function setUp() public {
        handler = new Handler();
        (address vault_, address sale_) = handler.contracts();
        (vault, sale) = (Vault(vault_), SeizureSale(sale_));
    }

    function targetContracts() public view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(handler), actions());
    }

    function actions() private pure returns (bytes4[] memory list) {
        list = new bytes4[](10);
        list[0] = Handler.deposit.selector;
        list[1] = Handler.repay.selector;
        list[2] = Handler.fund.selector;
        list[3] = Handler.request.selector;
        list[4] = Handler.release.selector;
        list[5] = Handler.seize.selector;
        list[6] = Handler.buy.selector;
        list[7] = Handler.close.selector;
        list[8] = Handler.exit.selector;
        list[9] = Handler.pauseOrNot.selector;
    }

    function balance(address holder, address token) private view returns (uint256) {
        return token == address(0) ? holder.balance : IERC20(token).balanceOf(holder);
    }

    function invariant_EveryIdExecutesAtMostOnce() public view {
        for (uint256 i = 0; i < handler.idCount(); i++) {
            bytes32 id = handler.ids(i);
            vm.assertEq(handler.executions(id), 1, "executions of one id");
            vm.assertTrue(vault.executed(id), "remembered");
        }
    }

    function invariant_CountIsTheNumberOfMovementsWithoutGaps() public view {
        vm.assertEq(vault.eventCount(), handler.movements(), "count and logs");
        vm.assertEq(vault.eventCount(), handler.expectedMovements(), "count and actions");
        vm.assertFalse(handler.sequenceBroken(), "sequence");
    }

    function invariant_AccumulatorIsTheFoldOfTheLogs() public view {
        vm.assertEq(vault.accumulator(), handler.folded(), "accumulator");
        vm.assertEq(vm.load(address(vault), bytes32(uint256(1))), handler.folded(), "slot 1");
    }

    function invariant_CustodyIsWhatTheLogsSay() public view {
        for (uint256 i = 0; i < 3; i++) {
            address token = handler.token(i);
            uint256 custody = balance(address(vault), token);
            vm.assertEq(custody + handler.outflow(token), handler.inflow(token), "custody");
        }
    }

    function invariant_BooksFollowTheLogsAndAreBacked() public view {
        for (uint256 i = 0; i < 3; i++) {
            address token = handler.token(i);
            uint256 sum = 0;
            for (uint256 who = 0; who < 3; who++) {
                bytes32 account = bytes32(uint256(uint160(handler.owner(who))));
                vm.assertEq(vault.book(account, token), handler.model(account, token), "book");
                sum += vault.book(account, token);
            }
            // What is lent, what the treasury took and what left beyond an account's book is all that may be missing.
            vm.assertLe(sum, balance(address(vault), token) + handler.beyondBooks(token), "backed");
        }
    }

    function invariant_OpenLotsAreBacked() public view {
        for (uint256 i = 0; i < 3; i++) {
            address token = handler.token(i);
            vm.assertEq(sale.held(token), balance(address(sale), token), "the sale holds its lots and nothing else");
        }
    }

    /// @notice Without this, an action that always reverts would leave the invariants above true of nothing.
    function test_EveryActionCanHappen() public {
        handler.deposit(0, 1, 1000);
        handler.repay(0, 2, 10);
        handler.fund(0, 10);
        handler.request(0, 1, 99, 0);
        handler.release(0);
        handler.seize(0, 1, 49, false);
        handler.buy(0);
        handler.seize(0, 1, 49, false);
        handler.close(1);
        handler.exit(0, 1);
        handler.pauseOrNot();
        handler.pauseOrNot();
        bytes4[] memory list = actions();
        for (uint256 i = 0; i < list.length; i++) {
            vm.assertGe(handler.done(list[i]), 1, "done");
        }
        invariant_EveryIdExecutesAtMostOnce();
        invariant_CountIsTheNumberOfMovementsWithoutGaps();
        invariant_AccumulatorIsTheFoldOfTheLogs();
        invariant_CustodyIsWhatTheLogsSay();
        invariant_BooksFollowTheLogsAndAreBacked();
        invariant_OpenLotsAreBacked();
        vm.expectRevert();
        handler.release(0);
        vm.expectRevert();
        handler.seize(0, 0, 0, true);
    }
}
