// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";
import {Money} from "../src/Money.sol";
import {Vault} from "../src/Vault.sol";
import {AccountState, Release, Seizure} from "../src/Types.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

contract VaultTest is Base {
    event Movement(
        uint64 indexed sequence,
        uint8 indexed kind,
        bytes32 indexed account,
        address token,
        uint256 amount,
        bytes32 counterparty
    );

    bytes32 private constant SOMEONE = keccak256("an account of another chain family");

    function expectMovement(uint64 seq, uint8 kind, bytes32 account, address token, uint256 amount, bytes32 other)
        private
    {
        vm.expectEmit(address(vault));
        emit Movement(seq, kind, account, token, amount, other);
    }

    function test_ConstructorStatesEverything() public {
        vm.assertEq(address(vault.registry()), address(registry), "registry");
        vm.assertEq(vault.treasury(), TREASURY, "treasury");
        vm.assertEq(vault.chain(), registry.chain(), "chain");
        vm.expectRevert(abi.encodeWithSelector(Vault.RegistryWithoutCode.selector, ALICE));
        new Vault(ALICE, TREASURY);
        vm.expectRevert(Vault.ZeroTreasury.selector);
        new Vault(address(registry), address(0));
    }

    function test_DepositCreditsTheBookOfAnyAccount() public {
        coll.mint(ALICE, 100);
        vm.startPrank(ALICE);
        coll.approve(address(vault), 100);
        expectMovement(1, 1, SOMEONE, address(coll), 100, padded(ALICE));
        vault.deposit(SOMEONE, address(coll), 100);
        vm.stopPrank();
        vm.assertEq(vault.book(SOMEONE, address(coll)), 100, "book");
        vm.assertEq(coll.balanceOf(address(vault)), 100, "custody");
    }

    function test_DepositTakesNativeCoin() public {
        vm.deal(ALICE, 5);
        expectMovement(1, 1, padded(ALICE), NATIVE, 5, padded(ALICE));
        vm.prank(ALICE);
        vault.deposit{value: 5}(padded(ALICE), NATIVE, 5);
        vm.assertEq(vault.book(padded(ALICE), NATIVE), 5, "book");
    }

    function test_RepayAndFundLeaveBooksAlone() public {
        usd.mint(BOB, 30);
        vm.deal(BOB, 4);
        vm.startPrank(BOB);
        usd.approve(address(vault), 30);
        expectMovement(1, 7, padded(ALICE), address(usd), 10, padded(BOB));
        vault.repay(padded(ALICE), address(usd), 10);
        expectMovement(2, 8, 0, address(usd), 20, padded(BOB));
        vault.fund(address(usd), 20);
        expectMovement(3, 8, 0, NATIVE, 4, padded(BOB));
        vault.fund{value: 4}(NATIVE, 4);
        vm.stopPrank();
        vm.assertEq(vault.book(padded(ALICE), address(usd)) + vault.book(padded(BOB), address(usd)), 0, "books");
    }

    function test_PaymentsRefuseNonsense() public {
        vm.deal(address(this), 10);
        vm.expectRevert(Vault.ZeroAccount.selector);
        vault.deposit(0, address(coll), 1);
        vm.expectRevert(Vault.ZeroAccount.selector);
        vault.repay(0, address(coll), 1);
        vm.expectRevert(Money.ZeroAmount.selector);
        vault.deposit(SOMEONE, address(coll), 0);
        vm.expectRevert(Money.ZeroAmount.selector);
        vault.fund(NATIVE, 0);
        vm.expectRevert(abi.encodeWithSelector(Money.WrongValue.selector, 1, 0));
        vault.deposit{value: 1}(SOMEONE, address(coll), 1);
        vm.expectRevert(abi.encodeWithSelector(Money.WrongValue.selector, 1, 2));
        vault.deposit{value: 1}(SOMEONE, NATIVE, 2);
        vm.expectRevert(abi.encodeWithSelector(Money.WrongValue.selector, 0, 2));
        vault.repay(SOMEONE, NATIVE, 2);
        vm.expectRevert(abi.encodeWithSelector(Money.NotAToken.selector, ALICE));
        vault.deposit(SOMEONE, ALICE, 1);
        vm.expectRevert();
        payable(address(vault)).transfer(1);
    }

    function test_RequestsAreNumberedByTheirSequence() public {
        depositFor(ALICE, coll, 100);
        vm.startPrank(ALICE);
        expectMovement(2, 2, padded(ALICE), address(coll), 40, padded(BOB));
        vm.assertEq(vault.requestWithdrawal(0, address(coll), 40, BOB), 2, "request number");
        bytes32 sub = keccak256(abi.encode(ALICE, uint256(7)));
        expectMovement(3, 3, sub, NATIVE, 1 ether, padded(ALICE));
        vm.assertEq(vault.requestBorrow(7, NATIVE, 1 ether, ALICE), 3, "request number");
        vm.stopPrank();
        bytes32 stored = keccak256(abi.encode(uint256(1), padded(ALICE), address(coll), uint256(40), BOB));
        vm.assertEq(vault.requestHash(2), stored, "withdrawal");
        stored = keccak256(abi.encode(uint256(2), sub, NATIVE, uint256(1 ether), ALICE));
        vm.assertEq(vault.requestHash(3), stored, "borrow");
        vm.assertEq(vault.requestHash(1), 0, "a deposit is no request");
        vm.assertEq(vault.book(padded(ALICE), address(coll)), 100, "a request moves nothing");
    }

    function test_OnlyTheTreasuryAsksForPoolMoney() public {
        vm.expectRevert(abi.encodeWithSelector(Vault.NotTreasury.selector, address(this), TREASURY));
        vault.requestPoolWithdrawal(address(usd), 5, BOB);
        expectMovement(1, 2, 0, address(usd), 5, padded(BOB));
        vm.prank(TREASURY);
        uint64 request = vault.requestPoolWithdrawal(address(usd), 5, BOB);
        bytes32 stored = keccak256(abi.encode(uint256(3), bytes32(0), address(usd), uint256(5), BOB));
        vm.assertEq(vault.requestHash(request), stored, "pool");
    }

    function test_RequestsRefuseNonsense() public {
        vm.expectRevert(Money.ZeroAmount.selector);
        vault.requestWithdrawal(0, address(coll), 0, BOB);
        vm.expectRevert(abi.encodeWithSelector(Vault.BadRecipient.selector, address(0)));
        vault.requestBorrow(0, address(coll), 1, address(0));
        vm.expectRevert(abi.encodeWithSelector(Vault.BadRecipient.selector, address(vault)));
        vault.requestWithdrawal(0, address(coll), 1, address(vault));
    }

    function testFuzz_SlotsZeroAndOneAreTheCountAndTheFold(uint96[6] memory amounts) public {
        bytes32 folded = 0;
        for (uint256 i = 0; i < amounts.length; i++) {
            uint256 amount = uint256(amounts[i]) + 1;
            depositFor(ALICE, coll, amount);
            folded =
                keccak256(abi.encode(folded, i + 1, uint256(1), padded(ALICE), address(coll), amount, padded(ALICE)));
            vm.assertEq(uint256(vm.load(address(vault), 0)), i + 1, "slot 0");
            vm.assertEq(vm.load(address(vault), bytes32(uint256(1))), folded, "slot 1");
            vm.assertEq(vault.accumulator(), folded, "accumulator");
        }
    }

    function test_PauseDoesNotTouchTheCountersSlots() public {
        depositFor(ALICE, coll, 1);
        bytes32 before = vm.load(address(vault), 0);
        vm.prank(GUARDIAN);
        vault.pause();
        vm.assertEq(vm.load(address(vault), 0), before, "slot 0 holds the count alone");
    }

    function test_OnlyTheGuardianPausesAndUnpauses() public {
        vm.expectRevert(abi.encodeWithSelector(Vault.NotGuardian.selector, address(this), GUARDIAN));
        vault.pause();
        vm.expectRevert(abi.encodeWithSelector(Vault.NotGuardian.selector, address(this), GUARDIAN));
        vault.unpause();
        vm.startPrank(GUARDIAN);
        vault.pause();
        vm.assertTrue(vault.paused(), "paused");
        vault.unpause();
        vm.assertFalse(vault.paused(), "unpaused");
        vm.stopPrank();
    }

    function test_PauseStopsAllButRepaySettleAndExit() public {
        depositFor(ALICE, coll, 100);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 10);
        bytes memory signatures = quorum(hashes.release(r));
        Seizure memory s = seizureOf(ALICE, address(coll), 10, address(usd), 5);
        AccountState memory leaf = leafOf(s.account, 2, 1);
        attest(leaf);
        bytes memory orders = quorum(hashes.seizure(s));
        vm.prank(GUARDIAN);
        vault.pause();
        bytes memory reason = abi.encodeWithSelector(Pausable.EnforcedPause.selector);

        vm.expectRevert(reason);
        vault.deposit(SOMEONE, address(coll), 1);
        vm.expectRevert(reason);
        vault.fund(address(coll), 1);
        vm.expectRevert(reason);
        vault.requestWithdrawal(0, address(coll), 1, BOB);
        vm.expectRevert(reason);
        vault.requestBorrow(0, address(coll), 1, BOB);
        vm.prank(TREASURY);
        vm.expectRevert(reason);
        vault.requestPoolWithdrawal(address(coll), 1, BOB);
        vm.expectRevert(reason);
        vault.release(r, request, signatures);
        vm.expectRevert(reason);
        vault.seize(s, leaf, noProof(), orders);

        vm.deal(BOB, 1);
        vm.prank(BOB);
        vault.repay{value: 1}(padded(ALICE), NATIVE, 1);
        vm.prank(GUARDIAN);
        vault.unpause();
        vault.release(r, request, signatures);
        vault.seize(s, leaf, noProof(), orders);
    }
}
