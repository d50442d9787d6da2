// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {LoudRecipient, ReentrantRecipient, RefusingRecipient} from "./support/Recipients.sol";
import {vm} from "./support/Vm.sol";
import {HealthRegistry} from "../src/HealthRegistry.sol";
import {Money} from "../src/Money.sol";
import {Vault} from "../src/Vault.sol";
import {Release} from "../src/Types.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

contract ReleaseTest is Base {
    event Movement(
        uint64 indexed sequence,
        uint8 indexed kind,
        bytes32 indexed account,
        address token,
        uint256 amount,
        bytes32 counterparty
    );

    function refuse(Release memory r, uint64 request, bytes memory reason) private {
        bytes memory signatures = quorum(hashes.release(r));
        vm.expectRevert(reason);
        vault.release(r, request, signatures);
    }

    function mismatch(uint64 request, Release memory r) private view returns (bytes memory) {
        bytes32 given = keccak256(abi.encode(r.kind, r.account, r.token, r.amount, r.recipient));
        return abi.encodeWithSelector(Vault.RequestMismatch.selector, request, vault.requestHash(request), given);
    }

    function test_WithdrawalPaysOnceAndLowersTheBook() public {
        depositFor(ALICE, coll, 100);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 40);
        vm.assertEq(r.id, keccak256(abi.encode("release", registry.chain(), address(vault), uint256(request))), "id");
        bytes memory signatures = quorum(hashes.release(r));
        vm.expectEmit(address(vault));
        emit Movement(3, 4, padded(ALICE), address(coll), 40, r.id);
        vault.release(r, request, signatures);
        vm.assertEq(coll.balanceOf(ALICE), 40, "paid");
        vm.assertEq(vault.book(padded(ALICE), address(coll)), 60, "book");
        vm.assertTrue(vault.executed(r.id), "executed");
        refuse(r, request, abi.encodeWithSelector(Vault.AlreadyExecuted.selector, r.id));
    }

    function test_BookSaturatesWhenTheLedgerGivesMore() public {
        depositFor(ALICE, coll, 10);
        depositFor(BOB, coll, 90);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 40);
        execute(r, request);
        vm.assertEq(vault.book(padded(ALICE), address(coll)), 0, "never below zero");
        vm.assertEq(vault.book(padded(BOB), address(coll)), 90, "others untouched");
    }

    function test_BorrowAndPoolLeaveBooksAlone() public {
        depositFor(ALICE, usd, 100);
        vm.prank(ALICE);
        uint64 request = vault.requestBorrow(0, address(usd), 30, BOB);
        execute(releaseOf(2, padded(ALICE), address(usd), 30, BOB, request), request);
        vm.prank(TREASURY);
        request = vault.requestPoolWithdrawal(address(usd), 20, TREASURY);
        execute(releaseOf(3, 0, address(usd), 20, TREASURY, request), request);
        vm.assertEq(usd.balanceOf(BOB), 30, "borrowed");
        vm.assertEq(usd.balanceOf(TREASURY), 20, "pool");
        vm.assertEq(vault.book(padded(ALICE), address(usd)), 100, "book");
    }

    function test_RefusesAnotherChainVaultOrId() public {
        depositFor(ALICE, coll, 100);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 40);
        bytes32 right = r.id;
        r.chain = keccak256("eip155:1");
        refuse(r, request, abi.encodeWithSelector(Vault.WrongChain.selector, r.chain, registry.chain()));
        r.chain = registry.chain();
        r.vault = BOB;
        refuse(r, request, abi.encodeWithSelector(Vault.WrongVault.selector, BOB, address(vault)));
        r.vault = address(vault);
        r.id = keccak256("other");
        refuse(r, request, abi.encodeWithSelector(Vault.WrongReleaseId.selector, r.id, right));
    }

    function test_RefusesFromTheDeadlineOn() public {
        depositFor(ALICE, coll, 100);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 40);
        vm.warp(r.deadline);
        refuse(r, request, abi.encodeWithSelector(Vault.DeadlinePassed.selector, r.deadline, r.deadline));
        vm.warp(r.deadline - 1);
        execute(r, request);
    }

    function test_RefusesWhatTheRequestDidNotSay() public {
        depositFor(ALICE, coll, 100);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 40);
        r.kind = 2;
        refuse(r, request, mismatch(request, r));
        r.kind = 1;
        r.account = padded(BOB);
        refuse(r, request, mismatch(request, r));
        r.account = padded(ALICE);
        r.token = address(usd);
        refuse(r, request, mismatch(request, r));
        r.token = address(coll);
        r.amount = 41;
        refuse(r, request, mismatch(request, r));
        r.amount = 40;
        r.recipient = BOB;
        refuse(r, request, mismatch(request, r));
        r.recipient = ALICE;
        execute(r, request);
    }

    function test_RefusesARequestThatWasNeverMade() public {
        depositFor(ALICE, coll, 100);
        Release memory r = releaseOf(1, padded(ALICE), address(coll), 40, ALICE, 1);
        refuse(r, 1, mismatch(1, r));
        r = releaseOf(1, padded(ALICE), address(coll), 40, ALICE, 99);
        refuse(r, 99, mismatch(99, r));
        r = releaseOf(0, 0, NATIVE, 0, address(0), 99);
        refuse(r, 99, mismatch(99, r));
    }

    function test_RefusesWithoutAQuorum() public {
        depositFor(ALICE, coll, 100);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 40);
        bytes memory single = signWith(keys[0], hashes.release(r));
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.TooFewSignatures.selector, 1, 2));
        vault.release(r, request, single);
        bytes memory signatures = quorum(hashes.release(r));
        r.round += 1;
        vm.expectPartialRevert(HealthRegistry.UnknownSigner.selector);
        vault.release(r, request, signatures);
    }

    function test_RefusesMoreThanTheVaultHolds() public {
        depositFor(ALICE, coll, 10);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 11);
        refuse(r, request, abi.encodeWithSelector(Money.InsufficientHolding.selector, address(coll), 10, 11));
        vm.assertFalse(vault.executed(r.id), "may be executed later");
        depositFor(BOB, coll, 1);
        execute(r, request);
    }

    function test_ARefusingRecipientFailsOnlyItsOwnRelease() public {
        depositNative(ALICE, 10);
        address[2] memory recipients = [address(new RefusingRecipient()), address(new LoudRecipient())];
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(ALICE);
            uint64 request = vault.requestWithdrawal(0, NATIVE, 4, recipients[i]);
            Release memory r = releaseOf(1, padded(ALICE), NATIVE, 4, recipients[i], request);
            refuse(r, request, abi.encodeWithSelector(Money.PayoutRefused.selector, recipients[i], 4));
            vm.assertFalse(vault.executed(r.id), "not spent");
        }
        (Release memory fine, uint64 next) = withdrawalOf(ALICE, NATIVE, 10);
        execute(fine, next);
        vm.assertEq(ALICE.balance, 10, "others are paid");
    }

    function test_ARecipientCannotReenter() public {
        depositNative(ALICE, 10);
        ReentrantRecipient thief = new ReentrantRecipient();
        vm.prank(ALICE);
        uint64 request = vault.requestWithdrawal(0, NATIVE, 4, address(thief));
        Release memory r = releaseOf(1, padded(ALICE), NATIVE, 4, address(thief), request);
        bytes memory signatures = quorum(hashes.release(r));
        thief.arm(address(vault), abi.encodeCall(Vault.release, (r, request, signatures)));
        vault.release(r, request, signatures);
        vm.assertFalse(thief.succeeded(), "refused");
        bytes memory guard = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vm.assertEq(thief.answer(), guard, "by the guard");
        vm.assertEq(address(thief).balance, 4, "paid once");
    }

    function testFuzz_ReleasesNeverPayTwiceNorBelowZero(uint96 put, uint96 take, uint96 other) public {
        vm.assume(put > 0 && take > 0 && uint256(take) <= uint256(put) + other);
        depositFor(ALICE, coll, put);
        if (other > 0) depositFor(BOB, coll, other);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), take);
        execute(r, request);
        vm.assertEq(coll.balanceOf(ALICE), take, "paid exactly");
        vm.assertEq(vault.book(padded(ALICE), address(coll)), take >= put ? 0 : put - take, "book");
        refuse(r, request, abi.encodeWithSelector(Vault.AlreadyExecuted.selector, r.id));
    }
}
