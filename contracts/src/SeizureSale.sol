// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ISeizureSale, ISettlement} from "./Interfaces.sol";
import {Money} from "./Money.sol";

/// @title SeizureSale: a Dutch auction of seized lots, one vault's
/// @notice The ask falls linearly from minProceeds x startBps / 10000 to minProceeds over `duration` seconds and stays
/// there. Anybody may buy a whole lot; what is paid is in the vault in the same call. After `duration` anybody may send
/// an unsold lot home. No owner, no fee, no pause. Amounts are raw token units; token zero is the native coin.
contract SeizureSale is ISeizureSale, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 private constant BPS = 10_000;

    struct Lot {
        address token;
        uint64 startedAt;
        address debtToken;
        uint256 amount;
        uint256 floor;
    }

    /// @notice The only vault that may open lots here and the only place proceeds go. Fixed at deployment.
    address public immutable vault;
    /// @notice The first ask, in basis points of the floor; at least 10000.
    uint16 public immutable startBps;
    /// @notice Seconds from the first ask to the floor.
    uint32 public immutable duration;

    /// @notice Lots for sale by seizure id; `amount` is zero when there is none.
    mapping(bytes32 id => Lot) public lots;
    /// @notice What all open lots hold of a token: the part of the balance that is spoken for.
    mapping(address token => uint256) public held;

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

    error VaultWithoutCode(address vault);
    error BadStart(uint16 startBps);
    error ZeroDuration();
    error NotVault(address caller, address vault);
    error LotExists(bytes32 id);
    error LotNotReceived(bytes32 id, address token);
    error NoSuchLot(bytes32 id);
    error BadRecipient(address recipient);
    error AskAboveMaximum(uint256 ask, uint256 maxPay);
    error Underpaid(uint256 received, uint256 ask);
    error NotEnded(uint256 time, uint256 endsAt);

    constructor(address vault_, uint16 startBps_, uint32 duration_) {
        if (vault_.code.length == 0) revert VaultWithoutCode(vault_);
        if (startBps_ < BPS) revert BadStart(startBps_);
        if (duration_ == 0) revert ZeroDuration();
        vault = vault_;
        startBps = startBps_;
        duration = duration_;
    }

    /// @notice Puts a lot up. The vault only, which has sent the lot before, or sends it along if it is native coin.
    /// @dev The lot is what arrived, at most `amount`: a token that charges on transfer cannot reach into other lots.
    function open(bytes32 id, bytes32, address token, uint256 amount, address debtToken, uint256 minProceeds)
        external
        payable
        nonReentrant
    {
        if (msg.sender != vault) revert NotVault(msg.sender, vault);
        if (lots[id].amount != 0) revert LotExists(id);
        uint256 expected = token == Money.NATIVE ? amount : 0;
        if (msg.value != expected) revert Money.WrongValue(msg.value, expected);
        uint256 balance = Money.holding(token);
        uint256 lot = balance > held[token] ? Math.min(amount, balance - held[token]) : 0;
        if (lot == 0) revert LotNotReceived(id, token);

        held[token] += lot;
        lots[id] = Lot(token, uint64(block.timestamp), debtToken, lot, minProceeds);
        uint64 endsAt = uint64(block.timestamp) + duration;
        emit Opened(id, vault, token, lot, debtToken, _start(minProceeds), minProceeds, endsAt);
    }

    /// @notice What the lot costs now, in raw units of its debt token, rounded up.
    function ask(bytes32 id) external view returns (uint256) {
        return _ask(_lot(id));
    }

    /// @notice Buys the whole lot at the current ask, paid by the caller. Anybody may call.
    /// @param maxPay the call reverts if the ask is above this
    /// @param recipient who gets the lot; native coin beyond the ask goes back to the caller
    function buy(bytes32 id, uint256 maxPay, address recipient) external payable nonReentrant {
        Lot memory lot = _lot(id);
        uint256 price = _ask(lot);
        if (price > maxPay) revert AskAboveMaximum(price, maxPay);
        if (recipient == address(0) || recipient == address(this)) revert BadRecipient(recipient);
        _remove(id, lot);

        uint256 change = _takePayment(lot.debtToken, price);
        _settle(id, lot.debtToken, price);
        emit Sold(id, msg.sender, price);
        Money.pay(lot.token, recipient, lot.amount);
        if (change != 0) Money.pay(Money.NATIVE, msg.sender, change);
    }

    /// @notice Sends an unsold lot back to the vault. Anybody may call once `duration` is over.
    function close(bytes32 id) external nonReentrant {
        Lot memory lot = _lot(id);
        uint256 endsAt = uint256(lot.startedAt) + duration;
        if (block.timestamp < endsAt) revert NotEnded(block.timestamp, endsAt);
        _remove(id, lot);
        _settle(id, lot.token, lot.amount);
        emit Returned(id);
    }

    function _lot(bytes32 id) private view returns (Lot memory lot) {
        lot = lots[id];
        if (lot.amount == 0) revert NoSuchLot(id);
    }

    function _remove(bytes32 id, Lot memory lot) private {
        delete lots[id];
        held[lot.token] -= lot.amount;
    }

    function _start(uint256 floor) private view returns (uint256) {
        return Math.mulDiv(floor, startBps, BPS, Math.Rounding.Ceil);
    }

    function _ask(Lot memory lot) private view returns (uint256) {
        uint256 elapsed = Math.min(block.timestamp - lot.startedAt, duration);
        uint256 above = _start(lot.floor) - lot.floor;
        return lot.floor + Math.mulDiv(above, duration - elapsed, duration, Math.Rounding.Ceil);
    }

    /// @return change native coin that the caller sent beyond the price
    function _takePayment(address token, uint256 price) private returns (uint256 change) {
        if (token == Money.NATIVE) {
            if (msg.value < price) revert Underpaid(msg.value, price);
            return msg.value - price;
        }
        uint256 received = Money.collect(token, price);
        if (received < price) revert Underpaid(received, price);
    }

    function _settle(bytes32 id, address token, uint256 amount) private {
        if (token == Money.NATIVE) {
            ISettlement(vault).settle{value: amount}(id, token, amount);
            return;
        }
        IERC20(token).forceApprove(vault, amount);
        ISettlement(vault).settle(id, token, amount);
    }
}
