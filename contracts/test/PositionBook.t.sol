// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm} from "./support/Vm.sol";
import {PositionBook} from "../src/PositionBook.sol";

contract PositionBookTest {
    event Position(
        uint64 indexed sequence, bytes32 indexed account, bytes32 indexed market, int256 size, int256 entryPrice
    );

    PositionBook private book = new PositionBook(address(this));

    function test_PostsAreCountedFoldedAndTold() public {
        bytes32 folded =
            keccak256(abi.encode(bytes32(0), uint256(1), bytes32("a"), bytes32("m"), int256(-3), int256(5)));
        vm.expectEmit(address(book));
        emit Position(1, "a", "m", -3, 5);
        book.post("a", "m", -3, 5);
        vm.assertEq(book.eventCount(), 1, "count");
        vm.assertEq(book.accumulator(), folded, "accumulator");
    }

    function test_OnlyTheVenuePosts() public {
        vm.prank(address(1));
        vm.expectRevert(abi.encodeWithSelector(PositionBook.NotVenue.selector, address(1), address(this)));
        book.post("a", "m", 1, 1);
    }

    function test_RefusesZeros() public {
        vm.expectRevert(PositionBook.ZeroAccount.selector);
        book.post(0, "m", 1, 1);
        vm.expectRevert(PositionBook.ZeroMarket.selector);
        book.post("a", 0, 1, 1);
        vm.expectRevert(PositionBook.ZeroVenue.selector);
        new PositionBook(address(0));
    }

    function test_RefusesWhatReadersCannotHold() public {
        int256 bound = book.BOUND();
        book.post("a", "m", bound, -bound);
        vm.expectRevert(abi.encodeWithSelector(PositionBook.OutOfBounds.selector, bound + 1, bound));
        book.post("a", "m", bound + 1, 1);
        vm.expectRevert(abi.encodeWithSelector(PositionBook.OutOfBounds.selector, -bound - 1, bound));
        book.post("a", "m", 1, -bound - 1);
        vm.expectRevert(abi.encodeWithSelector(PositionBook.OutOfBounds.selector, type(int256).min, bound));
        book.post("a", "m", type(int256).min, 1);
    }

    function testFuzz_SlotsZeroAndOneAreTheCountAndTheFold(bytes32[8] memory seeds) public {
        bytes32 folded = 0;
        for (uint256 i = 0; i < seeds.length; i++) {
            bytes32 account = seeds[i] | bytes32(uint256(1));
            bytes32 market = keccak256(abi.encode(seeds[i]));
            (int256 size, int256 price) = (int256(uint256(market)) % book.BOUND(), int256(uint256(seeds[i])) % book.BOUND());
            book.post(account, market, size, price);
            folded = keccak256(abi.encode(folded, i + 1, account, market, size, price));
            vm.assertEq(uint256(vm.load(address(book), 0)), i + 1, "slot 0");
            vm.assertEq(vm.load(address(book), bytes32(uint256(1))), folded, "slot 1");
        }
    }
}
