// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {RefusingRecipient} from "./support/Recipients.sol";
import {vm} from "./support/Vm.sol";
import {Money} from "../src/Money.sol";
import {SeizureSale} from "../src/SeizureSale.sol";
import {AccountState, Seizure} from "../src/Types.sol";

contract SeizureSaleTest is Base {
    event Opened(
        bytes32 indexed id,
        address indexed vault,
        address token,
        uint256 amount,
        address debtToken,
        uint256 start,
        uint256 floor,
        uint64 endsAt
    );
    event Sold(bytes32 indexed id, address buyer, uint256 paid);
    event Returned(bytes32 indexed id);
    event Movement(
        uint64 indexed sequence,
        uint8 indexed kind,
        bytes32 indexed account,
        address token,
        uint256 amount,
        bytes32 counterparty
    );

    bytes32 private id;

    function openTokenLot() private {
        depositFor(ALICE, coll, 100);
        Seizure memory s = seizureOf(ALICE, address(coll), 40, address(usd), 1000);
        id = s.id;
        seizeNow(s);
    }

    function openForNative(uint256 minProceeds) private {
        depositFor(ALICE, coll, 100);
        Seizure memory s = seizureOf(ALICE, address(coll), 40, NATIVE, minProceeds);
        id = s.id;
        seizeNow(s);
    }

    function openNativeLot() private {
        depositNative(ALICE, 100);
        Seizure memory s = seizureOf(ALICE, NATIVE, 40, address(usd), 1000);
        id = s.id;
        seizeNow(s);
    }

    function fundBuyer(uint256 amount) private {
        usd.mint(BOB, amount);
        vm.prank(BOB);
        usd.approve(address(sale), amount);
    }

    function test_ConstructorBoundsItsArguments() public {
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.VaultWithoutCode.selector, ALICE));
        new SeizureSale(ALICE, 12_000, 60);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.BadStart.selector, 9_999));
        new SeizureSale(address(vault), 9_999, 60);
        vm.expectRevert(SeizureSale.ZeroDuration.selector);
        new SeizureSale(address(vault), 10_000, 0);
    }

    function test_OpenTellsTheAuction() public {
        depositFor(ALICE, coll, 100);
        Seizure memory s = seizureOf(ALICE, address(coll), 40, address(usd), 1000);
        AccountState memory leaf = leafOf(s.account, 2, 1);
        attest(leaf);
        bytes memory signatures = quorum(hashes.seizure(s));
        vm.expectEmit(address(sale));
        emit Opened(s.id, address(vault), address(coll), 40, address(usd), 1200, 1000, T0 + DURATION);
        vault.seize(s, leaf, noProof(), signatures);
    }

    function test_OnlyTheVaultOpens() public {
        coll.mint(address(sale), 40);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.NotVault.selector, address(this), address(vault)));
        sale.open("id", padded(ALICE), address(coll), 40, address(usd), 1);
    }

    function test_OpenBelievesTheBalanceNotTheCaller() public {
        openTokenLot();
        vm.startPrank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.LotExists.selector, id));
        sale.open(id, padded(ALICE), address(coll), 40, address(usd), 1);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.LotNotReceived.selector, bytes32("id"), address(coll)));
        sale.open("id", padded(ALICE), address(coll), 40, address(usd), 1);
        vm.expectRevert(abi.encodeWithSelector(Money.WrongValue.selector, 0, 40));
        sale.open("id", padded(ALICE), NATIVE, 40, address(usd), 1);
        vm.stopPrank();
    }

    function test_AskFallsLinearlyAndStaysAtTheFloor() public {
        openTokenLot();
        vm.assertEq(sale.ask(id), 1200, "start");
        vm.warp(T0 + DURATION / 4);
        vm.assertEq(sale.ask(id), 1150, "a quarter");
        vm.warp(T0 + DURATION / 4 + 1);
        vm.assertEq(sale.ask(id), 1150, "rounded up");
        vm.warp(T0 + DURATION - 1);
        vm.assertEq(sale.ask(id), 1001, "last second above the floor");
        vm.warp(T0 + DURATION);
        vm.assertEq(sale.ask(id), 1000, "floor");
        vm.warp(T0 + 10 * uint256(DURATION));
        vm.assertEq(sale.ask(id), 1000, "still the floor");
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.NoSuchLot.selector, bytes32("other")));
        sale.ask("other");
    }

    function testFuzz_AskNeverLeavesItsBoundsNorRises(uint128 floor, uint32 earlier, uint32 later) public {
        vm.assume(floor > 0 && earlier <= later);
        openForNative(floor);
        vm.warp(uint256(T0) + earlier);
        uint256 first = sale.ask(id);
        vm.warp(uint256(T0) + later);
        uint256 second = sale.ask(id);
        vm.assertGe(first, second, "falls");
        vm.assertGe(second, floor, "floor");
        vm.assertLe(first, (uint256(floor) * START_BPS + 9_999) / 10_000, "start");
    }

    function test_BuyPaysTheVaultAndDeliversTheLot() public {
        openTokenLot();
        fundBuyer(5000);
        vm.warp(T0 + DURATION / 2);
        vm.expectEmit(address(vault));
        emit Movement(3, 6, padded(ALICE), address(usd), 1100, id);
        vm.expectEmit(address(sale));
        emit Sold(id, BOB, 1100);
        vm.prank(BOB);
        sale.buy(id, 1100, TREASURY);
        vm.assertEq(coll.balanceOf(TREASURY), 40, "lot");
        vm.assertEq(usd.balanceOf(address(vault)), 1100, "proceeds");
        vm.assertEq(usd.balanceOf(BOB), 3900, "no more than the ask");
        vm.assertEq(usd.balanceOf(address(sale)), 0, "nothing stays");
        vm.assertEq(sale.held(address(coll)), 0, "nothing held");
        vm.assertEq(vault.book(padded(ALICE), address(coll)), 60, "proceeds leave the book alone");
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.NoSuchLot.selector, id));
        sale.buy(id, 1100, TREASURY);
    }

    function test_BuyRefusesNonsense() public {
        openTokenLot();
        fundBuyer(5000);
        vm.startPrank(BOB);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.AskAboveMaximum.selector, 1200, 1199));
        sale.buy(id, 1199, BOB);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.BadRecipient.selector, address(0)));
        sale.buy(id, 1200, address(0));
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.BadRecipient.selector, address(sale)));
        sale.buy(id, 1200, address(sale));
        vm.deal(BOB, 1);
        vm.expectRevert(abi.encodeWithSelector(Money.WrongValue.selector, 1, 0));
        sale.buy{value: 1}(id, 1200, BOB);
        usd.approve(address(sale), 1199);
        vm.expectRevert();
        sale.buy(id, 1200, BOB);
        vm.stopPrank();
    }

    function test_NativeDebtGivesChange() public {
        openForNative(1000);
        vm.deal(BOB, 2000);
        vm.startPrank(BOB);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.Underpaid.selector, 1199, 1200));
        sale.buy{value: 1199}(id, 1200, BOB);
        sale.buy{value: 2000}(id, 1200, BOB);
        vm.stopPrank();
        vm.assertEq(BOB.balance, 800, "change");
        vm.assertEq(address(vault).balance, 1200, "proceeds");
        vm.assertEq(address(sale).balance, 0, "nothing stays");
        vm.assertEq(coll.balanceOf(BOB), 40, "lot");
    }

    function test_NativeLotGoesToTheRecipient() public {
        openNativeLot();
        fundBuyer(1200);
        RefusingRecipient refusing = new RefusingRecipient();
        vm.startPrank(BOB);
        vm.expectRevert(abi.encodeWithSelector(Money.PayoutRefused.selector, address(refusing), 40));
        sale.buy(id, 1200, address(refusing));
        sale.buy(id, 1200, BOB);
        vm.stopPrank();
        vm.assertEq(BOB.balance, 40, "lot");
    }

    function test_CloseReturnsTheLotAndRestoresTheBook() public {
        openTokenLot();
        vm.warp(T0 + DURATION - 1);
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.NotEnded.selector, block.timestamp, T0 + DURATION));
        sale.close(id);
        vm.warp(T0 + DURATION);
        vm.expectEmit(address(vault));
        emit Movement(3, 6, padded(ALICE), address(coll), 40, id);
        vm.expectEmit(address(sale));
        emit Returned(id);
        sale.close(id);
        vm.assertEq(vault.book(padded(ALICE), address(coll)), 100, "book");
        vm.assertEq(coll.balanceOf(address(vault)), 100, "custody");
        vm.expectRevert(abi.encodeWithSelector(SeizureSale.NoSuchLot.selector, id));
        sale.close(id);
    }

    function test_CloseReturnsANativeLot() public {
        openNativeLot();
        vm.warp(T0 + DURATION);
        sale.close(id);
        vm.assertEq(vault.book(padded(ALICE), NATIVE), 100, "book");
        vm.assertEq(address(vault).balance, 100, "custody");
    }

    function test_CloseRestoresOnlyWhatTheBookGave() public {
        depositFor(ALICE, coll, 10);
        depositFor(BOB, coll, 90);
        Seizure memory s = seizureOf(ALICE, address(coll), 40, address(usd), 1000);
        seizeNow(s);
        vm.warp(T0 + DURATION);
        sale.close(s.id);
        vm.assertEq(vault.book(padded(ALICE), address(coll)), 10, "restored what was taken");
    }

    function test_LateBuyersPayTheFloor() public {
        openTokenLot();
        fundBuyer(1000);
        vm.warp(T0 + 2 * uint256(DURATION));
        vm.prank(BOB);
        sale.buy(id, 1000, BOB);
        vm.assertEq(usd.balanceOf(address(vault)), 1000, "floor");
    }

    function test_SalesEndWhileTheVaultIsPaused() public {
        openTokenLot();
        fundBuyer(1200);
        vm.prank(GUARDIAN);
        vault.pause();
        vm.prank(BOB);
        sale.buy(id, 1200, BOB);
        vm.assertEq(usd.balanceOf(address(vault)), 1200, "proceeds came home");
    }
}
