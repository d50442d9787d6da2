// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {
    FalseToken,
    FeeToken,
    LyingToken,
    NoReturnToken,
    ReentrantToken,
    SurchargeToken,
    TestToken
} from "./support/BadTokens.sol";
import {vm} from "./support/Vm.sol";
import {Money} from "../src/Money.sol";
import {SeizureSale} from "../src/SeizureSale.sol";
import {Vault} from "../src/Vault.sol";
import {Release, Seizure} from "../src/Types.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

contract TokensTest is Base {
    function put(TestToken token, uint256 amount) private {
        token.mint(ALICE, amount);
        vm.startPrank(ALICE);
        token.approve(address(vault), amount);
        vault.deposit(padded(ALICE), address(token), amount);
        vm.stopPrank();
    }

    function test_FeeOnTransferCreditsWhatArrived() public {
        FeeToken token = new FeeToken();
        put(token, 1000);
        vm.assertEq(vault.book(padded(ALICE), address(token)), 990, "book");
        vm.assertEq(token.balanceOf(address(vault)), 990, "custody");
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(token), 990);
        execute(r, request);
        vm.assertEq(token.balanceOf(ALICE), 981, "the recipient bears the fee");
    }

    function test_FeeOnTransferLotsNeverReachIntoOthers() public {
        FeeToken token = new FeeToken();
        put(token, 10_000);
        Seizure memory first = seizureOf(ALICE, address(token), 1000, address(usd), 50);
        seizeNow(first);
        Seizure memory second = seizureOf(ALICE, address(token), 1000, address(usd), 50);
        second.id = keccak256("second");
        seizeNow(second);
        vm.assertEq(sale.held(address(token)), 1980, "two lots of what arrived");
        vm.warp(T0 + DURATION);
        sale.close(first.id);
        vm.assertEq(sale.held(address(token)), 990, "the other lot is whole");
        vm.assertEq(token.balanceOf(address(sale)), 990, "and backed");
        vm.assertEq(vault.book(padded(ALICE), address(token)), 7900 + 981, "restored by what came back");
    }

    function test_FeeOnTransferDebtTokenIsRefused() public {
        FeeToken debt = new FeeToken();
        depositFor(ALICE, coll, 100);
        Seizure memory s = seizureOf(ALICE, address(coll), 40, address(debt), 1000);
        seizeNow(s);
        debt.mint(BOB, 5000);
        vm.startPrank(BOB);
        debt.approve(address(sale), 5000);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.Underpaid.selector, 1188, 1200));
        sale.buy(s.id, 1200, BOB);
        vm.stopPrank();
    }

    function test_SurchargesCannotEatWhatBelongsToOthers() public {
        SurchargeToken token = new SurchargeToken();
        token.mint(ALICE, 1010);
        vm.startPrank(ALICE);
        token.approve(address(vault), 1000);
        vault.deposit(padded(ALICE), address(token), 1000);
        vm.stopPrank();
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(token), 500);
        bytes memory signatures = quorum(hashes.release(r));
        vm.expectRevert(abi.encodeWithSelector(Money.OverDebited.selector, address(token), 505, 500));
        vault.release(r, request, signatures);
    }

    function test_ATokenThatMovesNothingCreditsNothing() public {
        LyingToken token = new LyingToken();
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(Money.NothingReceived.selector, address(token), ALICE, 5));
        vault.deposit(padded(ALICE), address(token), 5);
    }

    function test_ATokenThatSaysFalseIsBelieved() public {
        FalseToken token = new FalseToken();
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        vault.deposit(padded(ALICE), address(token), 5);
    }

    function test_ATokenThatReturnsNothingWorks() public {
        NoReturnToken token = new NoReturnToken();
        token.mint(ALICE, 100);
        vm.startPrank(ALICE);
        token.approve(address(vault), 100);
        vault.deposit(padded(ALICE), address(token), 100);
        vm.stopPrank();
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(token), 30);
        execute(r, request);
        vm.assertEq(token.balanceOf(ALICE), 30, "withdrawn");
        Seizure memory s = seizureOf(ALICE, address(token), 20, address(usd), 50);
        seizeNow(s);
        vm.warp(T0 + DURATION);
        sale.close(s.id);
        vm.assertEq(vault.book(padded(ALICE), address(token)), 70, "lot came home");
    }

    function test_ATokenCannotReenterADeposit() public {
        ReentrantToken token = new ReentrantToken();
        token.mint(ALICE, 10);
        vm.prank(ALICE);
        token.approve(address(vault), 10);
        bytes memory again = abi.encodeCall(Vault.deposit, (padded(BOB), address(token), 5));
        token.arm(address(vault), again);
        vm.prank(ALICE);
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vault.deposit(padded(ALICE), address(token), 5);
    }

    function test_ATokenCannotReenterAReleaseOrASale() public {
        ReentrantToken token = new ReentrantToken();
        put(token, 100);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(token), 30);
        bytes memory signatures = quorum(hashes.release(r));
        token.arm(address(vault), abi.encodeCall(Vault.release, (r, request, signatures)));
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vault.release(r, request, signatures);
        token.arm(address(0), "");

        Seizure memory s = seizureOf(ALICE, address(token), 20, address(usd), 50);
        seizeNow(s);
        usd.mint(BOB, 60);
        vm.startPrank(BOB);
        usd.approve(address(sale), 60);
        token.arm(address(sale), abi.encodeCall(SeizureSale.close, (s.id)));
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        sale.buy(s.id, 60, BOB);
        vm.stopPrank();
    }

    function test_ATokenWithoutCodeIsNamed() public {
        vm.prank(ALICE);
        uint64 request = vault.requestWithdrawal(0, BOB, 5, ALICE);
        Release memory r = releaseOf(1, padded(ALICE), BOB, 5, ALICE, request);
        bytes memory signatures = quorum(hashes.release(r));
        vm.expectRevert(abi.encodeWithSelector(Money.NotAToken.selector, BOB));
        vault.release(r, request, signatures);
    }
}
