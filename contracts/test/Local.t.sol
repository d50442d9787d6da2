// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm, vm} from "./support/Vm.sol";
import {LocalFeed} from "../src/local/LocalFeed.sol";
import {LocalMarket} from "../src/local/LocalMarket.sol";
import {LocalToken} from "../src/local/LocalToken.sol";

contract LocalTest {
    function test_FeedKeepsEveryRound() public {
        vm.warp(1000);
        LocalFeed feed = new LocalFeed(8, "ETH / USD", 3000e8);
        vm.warp(1010);
        feed.set(3100e8);
        feed.setAt(-1, 900);
        (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) = feed.latestRoundData();
        vm.assertEq(id, 3, "round");
        vm.assertEq(answer, -1, "answer");
        vm.assertEq(startedAt, 900, "started");
        vm.assertEq(updatedAt, 900, "updated");
        vm.assertEq(answeredIn, 3, "answered in");
        (, answer,, updatedAt,) = feed.getRoundData(2);
        vm.assertEq(answer, 3100e8, "second answer");
        vm.assertEq(updatedAt, 1010, "second time");
        (, answer,, updatedAt,) = feed.getRoundData(1);
        vm.assertEq(answer, 3000e8, "first answer");
        vm.assertEq(feed.decimals(), 8, "decimals");
        vm.expectRevert(abi.encodeWithSelector(LocalFeed.NoData.selector, 4));
        feed.getRoundData(4);
        vm.expectRevert(abi.encodeWithSelector(LocalFeed.NoData.selector, 0));
        feed.getRoundData(0);
    }

    // keccak of the event as Aave's IPool declares it.
    function test_MarketTellsInAavesWords() public {
        LocalMarket market = new LocalMarket();
        vm.recordLogs();
        market.tell(address(7), 5e25);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "logs");
        vm.assertEq(
            logs[0].topics[0], 0x804c9b842b2748a22bb64b345453a3de7ca54a6ca45ce00d415894979e22897a, "event"
        );
        vm.assertEq(logs[0].topics[1], bytes32(uint256(7)), "reserve");
        (,, uint256 rate,,) = abi.decode(logs[0].data, (uint256, uint256, uint256, uint256, uint256));
        vm.assertEq(rate, 5e25, "rate");
    }

    function test_TokenHasChosenDecimalsAndOpenMint() public {
        LocalToken token = new LocalToken("Dollar", "USD", 6);
        token.mint(address(5), 7);
        vm.assertEq(token.decimals(), 6, "decimals");
        vm.assertEq(token.balanceOf(address(5)), 7, "balance");
    }
}
