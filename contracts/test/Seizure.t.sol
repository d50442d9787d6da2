// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {BadSale} from "./support/Recipients.sol";
import {vm} from "./support/Vm.sol";
import {HealthRegistry} from "../src/HealthRegistry.sol";
import {Money} from "../src/Money.sol";
import {Vault} from "../src/Vault.sol";
import {AccountState, Seizure} from "../src/Types.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

contract SeizureTest is Base {
    event Movement(
        uint64 indexed sequence,
        uint8 indexed kind,
        bytes32 indexed account,
        address token,
        uint256 amount,
        bytes32 counterparty
    );

    function setUp() public override {
        super.setUp();
        depositFor(ALICE, coll, 100);
    }

    function order() private view returns (Seizure memory) {
        return seizureOf(ALICE, address(coll), 40, address(usd), 50);
    }

    function refuse(Seizure memory s, AccountState memory leaf, bytes memory reason) private {
        bytes memory signatures = quorum(hashes.seizure(s));
        vm.expectRevert(reason);
        vault.seize(s, leaf, noProof(), signatures);
    }

    function refuseSick(Seizure memory s, bytes memory reason) private {
        AccountState memory leaf = leafOf(s.account, 2, 1);
        attest(leaf);
        refuse(s, leaf, reason);
    }

    function test_SeizureSendsTheLotToItsSaleOnce() public {
        Seizure memory s = order();
        AccountState memory leaf = leafOf(s.account, 2, 1);
        attest(leaf);
        bytes memory signatures = quorum(hashes.seizure(s));
        vm.expectEmit(address(vault));
        emit Movement(2, 5, s.account, address(coll), 40, s.id);
        vault.seize(s, leaf, noProof(), signatures);
        vm.assertEq(coll.balanceOf(address(sale)), 40, "lot");
        vm.assertEq(vault.book(s.account, address(coll)), 60, "book");
        vm.assertEq(sale.ask(s.id), 60, "first ask: 50 x 1.2");
        refuse(s, leaf, abi.encodeWithSelector(Vault.AlreadyExecuted.selector, s.id));
    }

    function test_BankruptIsSeizableAndOthersAreNot() public {
        Seizure memory s = order();
        for (uint8 status = 0; status < 6; status++) {
            if (status == 2 || status == 3) continue;
            AccountState memory leaf = leafOf(s.account, status, 1);
            attest(leaf);
            refuse(s, leaf, abi.encodeWithSelector(Vault.NotSeizable.selector, s.account, status));
        }
        AccountState memory bankrupt = leafOf(s.account, 3, 1);
        attest(bankrupt);
        vault.seize(s, bankrupt, noProof(), quorum(hashes.seizure(s)));
    }

    function test_ANewerHealthyRootStopsTheSeizure() public {
        Seizure memory s = order();
        AccountState memory sick = leafOf(s.account, 2, 1);
        attest(sick);
        attest(leafOf(s.account, 0, 1));
        refuse(s, sick, abi.encodeWithSelector(Vault.NotProved.selector, s.account));
    }

    function test_AnExpiredRootStopsTheSeizure() public {
        Seizure memory s = order();
        AccountState memory sick = leafOf(s.account, 2, 1);
        attest(sick);
        vm.warp(T0 + 60);
        refuse(s, sick, abi.encodeWithSelector(Vault.NotProved.selector, s.account));
    }

    function test_RefusesAnothersLeaf() public {
        Seizure memory s = order();
        AccountState memory bobs = leafOf(padded(BOB), 2, 1);
        attest(bobs);
        refuse(s, bobs, abi.encodeWithSelector(Vault.WrongLeaf.selector, padded(BOB), s.account));
    }

    function test_RefusesAnotherChainOrVaultAndTheDeadline() public {
        Seizure memory s = order();
        s.chain = keccak256("eip155:1");
        refuseSick(s, abi.encodeWithSelector(Vault.WrongChain.selector, s.chain, registry.chain()));
        s = order();
        s.vault = BOB;
        refuseSick(s, abi.encodeWithSelector(Vault.WrongVault.selector, BOB, address(vault)));
        s = order();
        vm.warp(s.deadline - 1);
        AccountState memory leaf = leafOf(s.account, 2, 1);
        attest(leaf);
        vm.warp(s.deadline);
        refuse(s, leaf, abi.encodeWithSelector(Vault.DeadlinePassed.selector, s.deadline, s.deadline));
        vm.warp(s.deadline - 1);
        vault.seize(s, leaf, noProof(), quorum(hashes.seizure(s)));
    }

    function test_RefusesNonsense() public {
        Seizure memory s = order();
        s.debtToken = s.token;
        refuseSick(s, abi.encodeWithSelector(Vault.SameToken.selector, s.token));
        s = order();
        s.amount = 0;
        refuseSick(s, abi.encodeWithSelector(Money.ZeroAmount.selector));
        s = order();
        s.minProceeds = 0;
        refuseSick(s, abi.encodeWithSelector(Vault.ZeroProceeds.selector));
        s = order();
        s.sale = BOB;
        refuseSick(s, abi.encodeWithSelector(Vault.BadSale.selector, BOB));
        s.sale = address(vault);
        refuseSick(s, abi.encodeWithSelector(Vault.BadSale.selector, address(vault)));
        s = order();
        s.account = 0;
        refuseSick(s, abi.encodeWithSelector(Vault.ZeroAccount.selector));
    }

    function test_RefusesWithoutAQuorum() public {
        Seizure memory s = order();
        AccountState memory leaf = leafOf(s.account, 2, 1);
        attest(leaf);
        bytes memory single = signWith(keys[2], hashes.seizure(s));
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.TooFewSignatures.selector, 1, 2));
        vault.seize(s, leaf, noProof(), single);
    }

    function test_BoundedByTheHoldingNotByTheBook() public {
        depositFor(BOB, coll, 20);
        Seizure memory s = order();
        s.amount = 121;
        refuseSick(s, abi.encodeWithSelector(Money.InsufficientHolding.selector, address(coll), 120, 121));
        s.amount = 110;
        seizeNow(s);
        vm.assertEq(vault.book(s.account, address(coll)), 0, "saturates");
        vm.assertEq(vault.book(padded(BOB), address(coll)), 20, "others untouched");
    }

    function test_NativeLotTravelsWithTheCall() public {
        depositNative(ALICE, 9);
        Seizure memory s = seizureOf(ALICE, NATIVE, 10, address(usd), 50);
        refuseSick(s, abi.encodeWithSelector(Money.InsufficientHolding.selector, NATIVE, 9, 10));
        s.amount = 9;
        seizeNow(s);
        vm.assertEq(address(sale).balance, 9, "lot");
        vm.assertEq(vault.book(s.account, NATIVE), 0, "book");
    }

    function test_SettleBelongsToTheSale() public {
        Seizure memory s = order();
        vm.expectRevert(abi.encodeWithSelector(Vault.NotTheSale.selector, s.id, address(this), address(0)));
        vault.settle(s.id, address(usd), 1);
        seizeNow(s);
        vm.expectRevert(abi.encodeWithSelector(Vault.NotTheSale.selector, s.id, address(this), address(sale)));
        vault.settle(s.id, address(usd), 1);
        vm.prank(address(sale));
        vm.expectRevert(abi.encodeWithSelector(Vault.WrongSettlementToken.selector, s.id, NATIVE));
        vault.settle(s.id, NATIVE, 1);
    }

    function test_PartialReturnsNeverRestoreMoreThanWasTaken() public {
        BadSale other = new BadSale();
        Seizure memory s = order();
        (s.sale, s.amount) = (address(other), 90);
        seizeNow(s);
        coll.mint(address(other), 100);
        vm.startPrank(address(other));
        coll.approve(address(vault), 1000);
        vault.settle(s.id, address(coll), 60);
        vm.assertEq(vault.book(s.account, address(coll)), 70, "10 left + 60 back");
        vault.settle(s.id, address(coll), 60);
        vm.assertEq(vault.book(s.account, address(coll)), 100, "never above what it was");
        vm.stopPrank();
    }

    function test_ASaleCannotReenterWhileOpening() public {
        BadSale evil = new BadSale();
        Seizure memory s = order();
        s.sale = address(evil);
        AccountState memory leaf = leafOf(s.account, 2, 1);
        attest(leaf);
        bytes memory signatures = quorum(hashes.seizure(s));
        evil.arm(address(vault), abi.encodeCall(Vault.settle, (s.id, address(coll), 40)));
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vault.seize(s, leaf, noProof(), signatures);
    }
}
