// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {Vm, vm} from "./Vm.sol";
import {AccountState, Release, Seizure} from "../../src/Types.sol";

/// @notice Does at random what users, operators and buyers do, and keeps its own books of what the logs said.
/// @dev A second implementation of the ledger rule: it reads Movement logs only, never the vault's own state.
contract Handler is Base {
    bytes32 private constant MOVEMENT = keccak256("Movement(uint64,uint8,bytes32,address,uint256,bytes32)");
    uint256 private constant OWNERS = 3;

    bytes32 public folded;
    uint64 public movements;
    uint64 public expectedMovements;
    bool public sequenceBroken;
    mapping(bytes32 id => uint256) public executions;
    mapping(address token => uint256) public inflow;
    mapping(address token => uint256) public outflow;
    mapping(address token => uint256) public beyondBooks;
    mapping(bytes32 account => mapping(address token => uint256)) public model;
    mapping(bytes4 action => uint256) public done;
    bytes32[] public ids;

    uint256 private _clock = T0;
    uint256 private _legs;
    uint256 private _pausedSteps;
    uint8 private _releaseKind;
    mapping(bytes32 id => uint256) private _takenFromBook;
    mapping(bytes32 id => address) private _lotToken;
    Release[] private _releases;
    uint64[] private _requests;
    Seizure[] private _seizures;

    constructor() {
        setUp();
        vm.deal(address(this), type(uint128).max);
    }

    receive() external payable {}

    /// @dev A pause lasts two actions, so that most sequences get somewhere.
    modifier step() {
        vm.warp(_clock);
        if (vault.paused() && ++_pausedSteps > 2) {
            _pausedSteps = 0;
            vm.prank(GUARDIAN);
            vault.unpause();
        }
        vm.recordLogs();
        _;
        read();
        done[msg.sig]++;
        _clock = block.timestamp + 7;
    }

    function owner(uint256 seed) public pure returns (address) {
        return address(uint160(0xace0 + (seed % OWNERS)));
    }

    function token(uint256 seed) public view returns (address) {
        return seed % 3 == 0 ? NATIVE : seed % 3 == 1 ? address(coll) : address(usd);
    }

    function contracts() external view returns (address, address) {
        return (address(vault), address(sale));
    }

    function idCount() external view returns (uint256) {
        return ids.length;
    }

    function deposit(uint256 who, uint256 what, uint96 amount) external step {
        uint256 value = prepare(token(what), amount);
        vault.deposit{value: value}(padded(owner(who)), token(what), uint256(amount) + 1);
        expectedMovements++;
    }

    function repay(uint256 who, uint256 what, uint96 amount) external step {
        uint256 value = prepare(token(what), amount);
        vault.repay{value: value}(padded(owner(who)), token(what), uint256(amount) + 1);
        expectedMovements++;
    }

    function fund(uint256 what, uint96 amount) external step {
        uint256 value = prepare(token(what), amount);
        vault.fund{value: value}(token(what), uint256(amount) + 1);
        expectedMovements++;
    }

    function request(uint256 who, uint256 what, uint96 amount, uint8 kind) external step {
        kind = 1 + kind % 3;
        uint256 units = part(token(what), amount);
        address asker = kind == 3 ? TREASURY : owner(who);
        bytes32 account = kind == 3 ? bytes32(0) : padded(asker);
        uint64 number;
        // One prank for one call: a prank that outlives a revert would leak into the next action.
        vm.prank(asker);
        if (kind == 1) number = vault.requestWithdrawal(0, token(what), units, asker);
        if (kind == 2) number = vault.requestBorrow(0, token(what), units, asker);
        if (kind == 3) number = vault.requestPoolWithdrawal(token(what), units, asker);
        Release memory r = releaseOf(kind, account, token(what), units, asker, number);
        r.deadline = type(uint64).max;
        _releases.push(r);
        _requests.push(number);
        expectedMovements++;
    }

    /// @notice Executes any release ever made, so old ones are tried again and again.
    function release(uint256 which) external step {
        Release memory r = _releases[which % _releases.length];
        _releaseKind = r.kind;
        execute(r, _requests[which % _requests.length]);
        count(r.id);
        expectedMovements++;
    }

    function seize(uint256 who, uint256 what, uint96 amount, bool again) external step {
        Seizure memory s;
        if (again) {
            s = _seizures[what % _seizures.length];
        } else {
            s = seizureOf(owner(who), token(what), part(token(what), amount), token(what % 3 + 1), 1000);
            s.id = keccak256(abi.encode("seizure", s.account, uint256(1), _legs++));
            s.deadline = type(uint64).max;
            _seizures.push(s);
        }
        _lotToken[s.id] = s.token;
        seizeNow(s);
        count(s.id);
        expectedMovements++;
    }

    function buy(uint256 which) external step {
        Seizure memory s = openLot(which);
        uint256 price = sale.ask(s.id);
        if (s.debtToken != NATIVE) {
            mintTo(s.debtToken, price);
            usd.approve(address(sale), price);
            coll.approve(address(sale), price);
        }
        sale.buy{value: s.debtToken == NATIVE ? price + 5 : 0}(s.id, price, BOB);
        expectedMovements++;
    }

    function close(uint256 which) external step {
        vm.warp(block.timestamp + DURATION);
        sale.close(openLot(which).id);
        expectedMovements++;
    }

    function exit(uint256 who, uint256 what) external step {
        AccountState memory leaf = leafOf(padded(owner(who)), 0, 0);
        vm.warp(block.timestamp + 1 hours);
        attest(leaf);
        vm.warp(block.timestamp + EXIT_SILENCE);
        vm.prank(owner(who));
        vault.exit(0, token(what), leaf, noProof());
        expectedMovements++;
    }

    function pauseOrNot() external step {
        bool stopped = vault.paused();
        vm.prank(GUARDIAN);
        if (stopped) vault.unpause();
        else vault.pause();
    }

    /// @notice At least one unit and at most what the vault holds, so that most requests and seizures can be met.
    function part(address what, uint96 amount) private view returns (uint256) {
        uint256 held = what == NATIVE ? address(vault).balance : coll.balanceOf(address(vault));
        if (what == address(usd)) held = usd.balanceOf(address(vault));
        return 1 + amount % (held + 1);
    }

    function openLot(uint256 which) private view returns (Seizure memory s) {
        for (uint256 i = 0; i < _seizures.length; i++) {
            s = _seizures[(which % _seizures.length + i) % _seizures.length];
            (,,, uint256 amount,) = sale.lots(s.id);
            if (amount != 0) return s;
        }
        revert("no open lot");
    }

    function prepare(address what, uint96 amount) private returns (uint256 value) {
        uint256 units = uint256(amount) + 1;
        if (what == NATIVE) return units;
        mintTo(what, units);
        usd.approve(address(vault), units);
        coll.approve(address(vault), units);
    }

    function mintTo(address what, uint256 units) private {
        if (what == address(coll)) coll.mint(address(this), units);
        else usd.mint(address(this), units);
    }

    function count(bytes32 id) private {
        if (executions[id]++ == 0) ids.push(id);
    }

    function read() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter != address(vault) || logs[i].topics[0] != MOVEMENT) continue;
            uint8 kind = uint8(uint256(logs[i].topics[2]));
            (address what, uint256 amount, bytes32 other) = abi.decode(logs[i].data, (address, uint256, bytes32));
            if (uint256(logs[i].topics[1]) != ++movements) sequenceBroken = true;
            folded = keccak256(
                abi.encodePacked(
                    folded, uint256(movements), logs[i].topics[2], logs[i].topics[3], padded(what), amount, other
                )
            );
            post(kind, logs[i].topics[3], what, amount, other);
        }
    }

    function post(uint8 kind, bytes32 account, address what, uint256 amount, bytes32 other) private {
        if (kind == 1 || kind == 6 || kind == 7 || kind == 8) inflow[what] += amount;
        if (kind == 4 || kind == 5 || kind == 9) outflow[what] += amount;
        if (kind == 1) model[account][what] += amount;
        if (kind == 9) model[account][what] -= amount;
        if (kind == 5 || (kind == 4 && _releaseKind == 1)) {
            uint256 taken = model[account][what] < amount ? model[account][what] : amount;
            model[account][what] -= taken;
            beyondBooks[what] += amount - taken;
            if (kind == 5) _takenFromBook[other] = taken;
        } else if (kind == 4) {
            beyondBooks[what] += amount;
        }
        if (kind == 6 && what == _lotToken[other]) model[account][what] += _takenFromBook[other];
    }
}
