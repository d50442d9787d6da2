// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";
import {Vault} from "../src/Vault.sol";
import {AccountState, Release} from "../src/Types.sol";

contract ExitTest is Base {
    event Movement(
        uint64 indexed sequence,
        uint8 indexed kind,
        bytes32 indexed account,
        address token,
        uint256 amount,
        bytes32 counterparty
    );

    AccountState private leaf;

    function setUp() public override {
        super.setUp();
        depositFor(ALICE, coll, 100);
        depositNative(ALICE, 7);
        leaf = leafOf(padded(ALICE), 0, 4);
        attest(leaf);
    }

    function fallSilent() private {
        vm.warp(block.timestamp + EXIT_SILENCE);
    }

    function refuse(AccountState memory shown, bytes memory reason) private {
        vm.prank(ALICE);
        vm.expectRevert(reason);
        vault.exit(0, address(coll), shown, noProof());
    }

    function test_ExitPaysTheWholeBookOncePerToken() public {
        fallSilent();
        vm.expectEmit(address(vault));
        emit Movement(3, 9, padded(ALICE), address(coll), 100, padded(ALICE));
        vm.startPrank(ALICE);
        vault.exit(0, address(coll), leaf, noProof());
        vault.exit(0, NATIVE, leaf, noProof());
        vm.stopPrank();
        vm.assertEq(coll.balanceOf(ALICE), 100, "token");
        vm.assertEq(ALICE.balance, 7, "native");
        refuse(leaf, abi.encodeWithSelector(Vault.NothingToExit.selector, padded(ALICE), address(coll)));
    }

    function test_ExitNeedsSilence() public {
        vm.warp(T0 + EXIT_SILENCE - 1);
        refuse(leaf, abi.encodeWithSelector(Vault.RegistryNotSilent.selector));
    }

    function test_ExitWorksWhilePaused() public {
        vm.prank(GUARDIAN);
        vault.pause();
        fallSilent();
        vm.prank(ALICE);
        vault.exit(0, address(coll), leaf, noProof());
        vm.assertEq(coll.balanceOf(ALICE), 100, "paid");
    }

    function test_ExitIsTheOwnersAlone() public {
        fallSilent();
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(Vault.WrongLeaf.selector, padded(ALICE), padded(BOB)));
        vault.exit(0, address(coll), leaf, noProof());
        vm.prank(ALICE);
        bytes32 sub = keccak256(abi.encode(ALICE, uint256(1)));
        vm.expectRevert(abi.encodeWithSelector(Vault.WrongLeaf.selector, padded(ALICE), sub));
        vault.exit(1, address(coll), leaf, noProof());
    }

    function test_SubAccountsExitToTheirOwner() public {
        bytes32 sub = keccak256(abi.encode(ALICE, uint256(3)));
        coll.mint(BOB, 50);
        vm.startPrank(BOB);
        coll.approve(address(vault), 50);
        vault.deposit(sub, address(coll), 50);
        vm.stopPrank();
        AccountState memory own = leafOf(sub, 1, 0);
        attest(own);
        fallSilent();
        vm.prank(ALICE);
        vault.exit(3, address(coll), own, noProof());
        vm.assertEq(coll.balanceOf(ALICE), 50, "paid");
    }

    function test_DebtOrDifferenceBarsExit() public {
        for (uint32 flags = 1; flags < 8; flags++) {
            AccountState memory indebted = leafOf(padded(ALICE), 0, flags);
            attest(indebted);
            if (flags & 3 == 0) continue;
            vm.warp(block.timestamp + EXIT_SILENCE);
            refuse(indebted, abi.encodeWithSelector(Vault.ExitBarred.selector, padded(ALICE), flags));
        }
    }

    function test_ExitNeedsTheLastRoot() public {
        attest(leafOf(padded(ALICE), 0, 1));
        fallSilent();
        refuse(leaf, abi.encodeWithSelector(Vault.NotProved.selector, padded(ALICE)));
    }

    function test_ARequestFromBeforeTheExitIsVoid() public {
        depositFor(BOB, coll, 100);
        (Release memory r, uint64 request) = withdrawalOf(ALICE, address(coll), 100);
        r.deadline = type(uint64).max;
        fallSilent();
        vm.prank(ALICE);
        vault.exit(0, address(coll), leaf, noProof());
        bytes memory signatures = quorum(hashes.release(r));
        vm.expectRevert(abi.encodeWithSelector(Vault.RequestBeforeExit.selector, request, vault.eventCount()));
        vault.release(r, request, signatures);

        attest(leaf);
        depositFor(ALICE, coll, 5);
        (r, request) = withdrawalOf(ALICE, address(coll), 5);
        execute(r, request);
        vm.assertEq(coll.balanceOf(ALICE), 105, "later requests are good");
    }

    function test_ABorrowTheRootDidNotSeeBarsExit() public {
        depositFor(BOB, usd, 100);
        vm.prank(ALICE);
        uint64 request = vault.requestBorrow(0, address(usd), 60, ALICE);
        vm.warp(T0 + 10);
        uint64 borrowed = uint64(block.timestamp);
        execute(releaseOf(2, padded(ALICE), address(usd), 60, ALICE, request), request);
        fallSilent();
        refuse(leaf, abi.encodeWithSelector(Vault.BorrowNotAttested.selector, borrowed, T0));
        vm.warp(borrowed + 1 hours - 1);
        attest(leaf);
        vm.warp(block.timestamp + EXIT_SILENCE);
        refuse(leaf, abi.encodeWithSelector(Vault.BorrowNotAttested.selector, borrowed, borrowed + 1 hours - 1));
        attest(leaf);
        vm.warp(block.timestamp + EXIT_SILENCE);
        vm.prank(ALICE);
        vault.exit(0, address(coll), leaf, noProof());
    }
}
