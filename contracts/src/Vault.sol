// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Counted} from "./Counted.sol";
import {IHealthRegistry, ISeizureSale, ISettlement} from "./Interfaces.sol";
import {Money} from "./Money.sol";
import {Protocol, AccountState, Release, Seizure} from "./Types.sol";

/// @title Vault: holds the collateral and the lending pool of one chain
/// @notice Nothing leaves but by a Release or a Seizure that the registry's quorum signed, or by `exit` once the registry
/// has been silent. There is no owner, no price and no upgrade here; the guardian can stop and start, never move.
/// Amounts are raw token units; token address zero is the native coin; accounts are bytes32.
contract Vault is Counted, Pausable, ReentrancyGuardTransient, ISettlement {
    uint8 private constant DEPOSIT = 1;
    uint8 private constant WITHDRAWAL_REQUEST = 2;
    uint8 private constant BORROW_REQUEST = 3;
    uint8 private constant RELEASED = 4;
    uint8 private constant SEIZED = 5;
    uint8 private constant PROCEEDS = 6;
    uint8 private constant REPAYMENT = 7;
    uint8 private constant POOL_FUNDING = 8;
    uint8 private constant EXITED = 9;
    bytes32 private constant POOL = bytes32(0);

    /// @notice Seconds by which an attestation must be younger than a borrow before `exit` believes it saw the borrow.
    uint64 public constant BORROW_SETTLING = 1 hours;

    /// @notice A lot that was sent to a sale: what may come back, and from whom.
    /// @param fromBook how much of the lot came out of the account's book and has not been restored
    struct Lot {
        address sale;
        bytes32 account;
        address token;
        address debtToken;
        uint256 fromBook;
    }

    /// @notice Whose signatures and roots this vault believes. Fixed at deployment.
    IHealthRegistry public immutable registry;
    /// @notice The only address that may ask for pool money back. Fixed at deployment.
    address public immutable treasury;
    /// @notice keccak256 of the CAIP-2 id of this chain.
    bytes32 public immutable chain;

    /// @notice What `account` put in here and has not taken out, in raw units of `token`.
    mapping(bytes32 account => mapping(address token => uint256)) public book;
    /// @notice Whether a release or seizure id has been executed. Never goes back to false.
    mapping(bytes32 id => bool) public executed;
    /// @notice keccak256(abi.encode(kind of Release, account, token, amount, recipient)) of each request; zero if none.
    mapping(uint64 request => bytes32) public requestHash;
    /// @notice The lot of each executed seizure.
    mapping(bytes32 seizureId => Lot) public lots;
    /// @notice The event count at the account's last exit: requests up to it are void.
    mapping(bytes32 account => uint64) public exitedAt;
    /// @notice Unix time of the last borrow released to the account.
    mapping(bytes32 account => uint64) public borrowedAt;

    event Movement(
        uint64 indexed sequence,
        uint8 indexed kind,
        bytes32 indexed account,
        address token,
        uint256 amount,
        bytes32 counterparty
    );

    error RegistryWithoutCode(address registry);
    error ZeroTreasury();
    error NotGuardian(address caller, address guardian);
    error NotTreasury(address caller, address treasury);
    error ZeroAccount();
    error BadRecipient(address recipient);
    error WrongChain(bytes32 given, bytes32 expected);
    error WrongVault(address given, address expected);
    error DeadlinePassed(uint64 deadline, uint256 time);
    error AlreadyExecuted(bytes32 id);
    error WrongReleaseId(bytes32 given, bytes32 expected);
    error RequestMismatch(uint64 request, bytes32 stored, bytes32 given);
    error RequestBeforeExit(uint64 request, uint64 exitedAt);
    error SameToken(address token);
    error ZeroProceeds();
    error BadSale(address sale);
    error WrongLeaf(bytes32 given, bytes32 expected);
    error NotSeizable(bytes32 account, uint8 status);
    error NotProved(bytes32 account);
    error NotTheSale(bytes32 seizureId, address caller, address sale);
    error WrongSettlementToken(bytes32 seizureId, address token);
    error RegistryNotSilent();
    error ExitBarred(bytes32 account, uint32 flags);
    error BorrowNotAttested(uint64 borrowedAt, uint64 issuedAt);
    error NothingToExit(bytes32 account, address token);

    constructor(address registry_, address treasury_) {
        if (registry_.code.length == 0) revert RegistryWithoutCode(registry_);
        if (treasury_ == address(0)) revert ZeroTreasury();
        registry = IHealthRegistry(registry_);
        treasury = treasury_;
        chain = registry.chain();
    }

    modifier onlyGuardian() {
        address guardian = registry.guardian();
        if (msg.sender != guardian) revert NotGuardian(msg.sender, guardian);
        _;
    }

    /// @notice Credits `account` with what the vault receives. Anybody may pay; the account need not be the payer's.
    function deposit(bytes32 account, address token, uint256 amount) external payable nonReentrant whenNotPaused {
        if (account == POOL) revert ZeroAccount();
        uint256 received = Money.collect(token, amount);
        book[account][token] += received;
        _move(DEPOSIT, account, token, received, Protocol.pad(msg.sender));
    }

    /// @notice Pays debt of `account` down. Anybody may pay, also while paused: nobody is kept from paying a debt.
    function repay(bytes32 account, address token, uint256 amount) external payable nonReentrant {
        if (account == POOL) revert ZeroAccount();
        uint256 received = Money.collect(token, amount);
        _move(REPAYMENT, account, token, received, Protocol.pad(msg.sender));
    }

    /// @notice Adds to the lending pool. Anybody may pay; only the treasury can ask for it back.
    function fund(address token, uint256 amount) external payable nonReentrant whenNotPaused {
        uint256 received = Money.collect(token, amount);
        _move(POOL_FUNDING, POOL, token, received, Protocol.pad(msg.sender));
    }

    /// @notice Asks the quorum to let the caller's collateral go to `recipient`.
    /// @param sub 0 for the caller's own account, above for its sub-accounts
    function requestWithdrawal(uint256 sub, address token, uint256 amount, address recipient)
        external
        nonReentrant
        whenNotPaused
        returns (uint64 request)
    {
        bytes32 account = Protocol.accountOf(msg.sender, sub);
        return _request(WITHDRAWAL_REQUEST, Protocol.RELEASE_WITHDRAWAL, account, token, amount, recipient);
    }

    /// @notice Asks the quorum for a loan to the caller's account, paid to `recipient`.
    function requestBorrow(uint256 sub, address token, uint256 amount, address recipient)
        external
        nonReentrant
        whenNotPaused
        returns (uint64 request)
    {
        bytes32 account = Protocol.accountOf(msg.sender, sub);
        return _request(BORROW_REQUEST, Protocol.RELEASE_BORROW, account, token, amount, recipient);
    }

    /// @notice Asks the quorum to let pool money go to `recipient`. The treasury only.
    function requestPoolWithdrawal(address token, uint256 amount, address recipient)
        external
        nonReentrant
        whenNotPaused
        returns (uint64 request)
    {
        if (msg.sender != treasury) revert NotTreasury(msg.sender, treasury);
        return _request(WITHDRAWAL_REQUEST, Protocol.RELEASE_POOL, POOL, token, amount, recipient);
    }

    /// @notice Executes what the quorum granted: pays `r.amount` to `r.recipient`, once, before the deadline. Anybody may call.
    /// @param request number of the request that `r` answers
    function release(Release calldata r, uint64 request, bytes calldata signatures)
        external
        nonReentrant
        whenNotPaused
    {
        _requireHere(r.chain, r.vault, r.deadline);
        bytes32 id = Protocol.releaseId(chain, address(this), request);
        if (r.id != id) revert WrongReleaseId(r.id, id);
        _spend(id);
        bytes32 stored = requestHash[request];
        bytes32 given = Protocol.requestHash(r.kind, r.account, r.token, r.amount, r.recipient);
        if (stored != given) revert RequestMismatch(request, stored, given);
        registry.checkQuorum(Protocol.hash(r), signatures);

        if (r.kind != Protocol.RELEASE_POOL && request <= exitedAt[r.account]) {
            revert RequestBeforeExit(request, exitedAt[r.account]);
        }
        if (r.kind == Protocol.RELEASE_WITHDRAWAL) _debit(r.account, r.token, r.amount);
        if (r.kind == Protocol.RELEASE_BORROW) borrowedAt[r.account] = uint64(block.timestamp);
        _move(RELEASED, r.account, r.token, r.amount, id);
        Money.pay(r.token, r.recipient, r.amount);
    }

    /// @notice Sends an unhealthy account's lot to the sale that the quorum named, once, before the deadline. Anybody may call.
    /// @param leaf the account's state under the registry's latest root, which must be fresh
    function seize(Seizure calldata s, AccountState calldata leaf, bytes32[] calldata proof, bytes calldata signatures)
        external
        nonReentrant
        whenNotPaused
    {
        _requireHere(s.chain, s.vault, s.deadline);
        _requireSaneSeizure(s);
        _spend(s.id);
        if (leaf.account != s.account) revert WrongLeaf(leaf.account, s.account);
        if (leaf.status != Protocol.STATUS_LIQUIDATABLE && leaf.status != Protocol.STATUS_BANKRUPT) {
            revert NotSeizable(s.account, leaf.status);
        }
        if (!registry.verify(leaf, proof)) revert NotProved(s.account);
        registry.checkQuorum(Protocol.hash(s), signatures);

        uint256 fromBook = _debit(s.account, s.token, s.amount);
        lots[s.id] = Lot(s.sale, s.account, s.token, s.debtToken, fromBook);
        _move(SEIZED, s.account, s.token, s.amount, s.id);
        uint256 value = _handOver(s);
        ISeizureSale(s.sale).open{value: value}(s.id, s.account, s.token, s.amount, s.debtToken, s.minProceeds);
    }

    /// @notice Takes back what a seizure brought: proceeds in the debt token, or the lot unsold. The lot's sale only.
    /// @dev Works while paused, so that a sale under way ends and value comes home.
    function settle(bytes32 seizureId, address token, uint256 amount) external payable nonReentrant {
        Lot memory lot = lots[seizureId];
        if (lot.sale != msg.sender) revert NotTheSale(seizureId, msg.sender, lot.sale);
        if (token != lot.debtToken && token != lot.token) revert WrongSettlementToken(seizureId, token);
        uint256 received = Money.collect(token, amount);
        if (token == lot.token) {
            uint256 restored = Math.min(received, lot.fromBook);
            lots[seizureId].fromBook = lot.fromBook - restored;
            book[lot.account][token] += restored;
        }
        _move(PROCEEDS, lot.account, token, received, seizureId);
    }

    /// @notice Pays the caller the whole book of its account while the registry is silent. Works while paused.
    /// @param leaf the account's state under the last root: no debt or position, and no difference from this book
    function exit(uint256 sub, address token, AccountState calldata leaf, bytes32[] calldata proof)
        external
        nonReentrant
    {
        bytes32 account = Protocol.accountOf(msg.sender, sub);
        if (!registry.isSilent()) revert RegistryNotSilent();
        if (leaf.account != account) revert WrongLeaf(leaf.account, account);
        if (leaf.flags & Protocol.FLAGS_NO_EXIT != 0) revert ExitBarred(account, leaf.flags);
        if (!registry.proves(leaf, proof)) revert NotProved(account);
        (,, uint64 issuedAt,) = registry.latest();
        uint64 borrowed = borrowedAt[account];
        if (borrowed != 0 && issuedAt < borrowed + BORROW_SETTLING) revert BorrowNotAttested(borrowed, issuedAt);
        uint256 amount = book[account][token];
        if (amount == 0) revert NothingToExit(account, token);

        book[account][token] = 0;
        exitedAt[account] = eventCount + 1;
        _move(EXITED, account, token, amount, Protocol.pad(msg.sender));
        Money.pay(token, msg.sender, amount);
    }

    /// @notice Stops deposits, pool funding, requests, releases and seizures. The guardian only.
    function pause() external onlyGuardian {
        _pause();
    }

    /// @notice Ends a pause. The guardian only.
    function unpause() external onlyGuardian {
        _unpause();
    }

    function _request(uint8 kind, uint8 releaseKind, bytes32 account, address token, uint256 amount, address recipient)
        private
        returns (uint64 request)
    {
        if (amount == 0) revert Money.ZeroAmount();
        if (recipient == address(0) || recipient == address(this)) revert BadRecipient(recipient);
        request = _move(kind, account, token, amount, Protocol.pad(recipient));
        requestHash[request] = Protocol.requestHash(releaseKind, account, token, amount, recipient);
    }

    function _requireHere(bytes32 chain_, address vault, uint64 deadline) private view {
        if (chain_ != chain) revert WrongChain(chain_, chain);
        if (vault != address(this)) revert WrongVault(vault, address(this));
        if (block.timestamp >= deadline) revert DeadlinePassed(deadline, block.timestamp);
    }

    function _requireSaneSeizure(Seizure calldata s) private view {
        if (s.account == POOL) revert ZeroAccount();
        if (s.amount == 0) revert Money.ZeroAmount();
        if (s.token == s.debtToken) revert SameToken(s.token);
        if (s.minProceeds == 0) revert ZeroProceeds();
        if (s.sale == address(this) || s.sale.code.length == 0) revert BadSale(s.sale);
    }

    function _spend(bytes32 id) private {
        if (executed[id]) revert AlreadyExecuted(id);
        executed[id] = true;
    }

    /// @notice Lowers a book by `amount`, never below zero: the ledger, not the book, decides what an account has.
    function _debit(bytes32 account, address token, uint256 amount) private returns (uint256 taken) {
        uint256 held = book[account][token];
        taken = Math.min(held, amount);
        book[account][token] = held - taken;
    }

    /// @return value native coin to send along with `open`, which carries a native lot
    function _handOver(Seizure calldata s) private returns (uint256 value) {
        if (s.token == Money.NATIVE) {
            Money.requireHolding(s.token, s.amount);
            return s.amount;
        }
        Money.pay(s.token, s.sale, s.amount);
    }

    function _move(uint8 kind, bytes32 account, address token, uint256 amount, bytes32 counterparty)
        private
        returns (uint64 sequence)
    {
        sequence = eventCount + 1;
        _record(sequence, keccak256(abi.encode(accumulator, sequence, kind, account, token, amount, counterparty)));
        emit Movement(sequence, kind, account, token, amount, counterparty);
    }
}
