// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Protocol, Attestation, AccountState, SignerSet} from "./Types.sol";
import {IHealthRegistry} from "./Interfaces.sol";

/// @title HealthRegistry: the last attestation of the network, and who may sign the next one
/// @notice Anybody may submit; only the quorum's signatures count. There is no owner and no upgrade. The guardian can
/// do one thing here: veto a signer set while it waits. Times are Unix seconds, margins USD x 1e18.
contract HealthRegistry is IHealthRegistry {
    /// @notice How many rounds back `rootAt` remembers.
    uint64 public constant ROOT_WINDOW = 256;
    /// @notice How far ahead of this chain's clock `issuedAt` may be, in seconds.
    uint64 public constant MAX_AHEAD = 60;
    uint256 private constant SIGNATURE_LENGTH = 65;

    /// @notice keccak256 of the network's genesis document: the salt of every signature.
    bytes32 public immutable network;
    /// @notice keccak256 of the CAIP-2 id of the chain this registry was deployed on.
    bytes32 public immutable chain;
    /// @notice EIP-712 domain separator of ("Margrave", "1", network); the same on every chain.
    bytes32 public immutable domainSeparator;
    /// @notice May veto a waiting signer set here and pause the vaults. Fixed at deployment.
    address public immutable guardian;
    /// @notice Seconds without an accepted attestation after which the registry counts as silent.
    uint64 public immutable exitSilence;
    /// @notice Seconds that a signer set must wait before it can be activated.
    uint64 public immutable vetoWindow;

    /// @notice Free text for readers: where the attestation log is, and its verifier key.
    string public metadata;
    /// @notice Epoch of the current signer set; the first is 1.
    uint64 public signerEpoch;
    /// @notice How many signers of the current set a statement needs.
    uint64 public threshold;
    /// @notice EIP-712 digest of the current SignerSet: the `previous` of the next one.
    /// @dev The first set's is that of SignerSet(1, threshold, keccak256(abi.encode(signers)), 0, 0).
    bytes32 public signerSetDigest;
    /// @notice Digest of the latest accepted attestation; zero before the first.
    bytes32 public latestDigest;
    /// @notice The set that waits for `activate`; `epoch` is zero when none does.
    SignerSet public pending;
    /// @notice Sets that the guardian vetoed, by digest. They can never be proposed again.
    mapping(bytes32 digest => bool) public vetoed;

    struct Latest {
        uint64 round;
        uint64 issuedAt;
        uint64 validUntil;
        uint64 acceptedAt;
    }

    struct KeptRoot {
        bytes32 root;
        uint64 round;
    }

    Latest private _latest;
    address[] private _signers;
    address[] private _pendingSigners;
    mapping(uint64 epoch => mapping(address signer => bool)) private _isSigner;
    mapping(uint256 slot => KeptRoot) private _roots;

    event Attested(uint64 indexed round, bytes32 digest, bytes32 accounts, uint64 issuedAt, uint64 validUntil);
    event SignersProposed(
        uint64 indexed epoch, bytes32 digest, address[] signers, uint64 threshold, uint64 activatesAt
    );
    event SignersVetoed(uint64 indexed epoch, bytes32 digest);
    event SignersActivated(uint64 indexed epoch, bytes32 digest);

    error ZeroNetwork();
    error ZeroGuardian();
    error ZeroExitSilence();
    error NoSigners();
    error BadThreshold(uint64 threshold, uint256 signers);
    error SignerListUnsorted(uint256 index, address signer);
    error SignerListMismatch(bytes32 stated, bytes32 given);
    error WrongSignerEpoch(uint64 given, uint64 expected);
    error RoundNotNewer(uint64 given, uint64 latest);
    error IssuedInFuture(uint64 issuedAt, uint256 latestAllowed);
    error IssuedBeforeLatest(uint64 issuedAt, uint64 latest);
    error AttestationExpired(uint64 validUntil, uint256 time);
    error BadSignatureLength(uint256 length);
    error TooFewSignatures(uint256 given, uint256 needed);
    error BadSignatureV(uint256 index, uint8 v);
    error HighSignatureS(uint256 index, bytes32 s);
    error UnrecoverableSignature(uint256 index);
    error UnknownSigner(uint256 index, address signer);
    error SignersUnsorted(uint256 index, address previous, address signer);
    error DuplicateSigner(uint256 index, address signer);
    error WrongPreviousSet(bytes32 given, bytes32 expected);
    error ActivatesTooEarly(uint64 activatesAt, uint256 earliest);
    error RotationPending(uint64 epoch, bytes32 digest);
    error SetVetoed(bytes32 digest);
    error NotGuardian(address caller, address guardian);
    error NoPendingSet(uint64 asked, uint64 pending);
    error StillInVetoWindow(uint64 activatesAt, uint256 time);

    /// @param exitSilence_ seconds of silence after which owners may leave; not zero
    /// @param vetoWindow_ seconds that a new signer set must wait
    constructor(
        bytes32 network_,
        address[] memory signers_,
        uint64 threshold_,
        address guardian_,
        uint64 exitSilence_,
        uint64 vetoWindow_,
        string memory metadata_
    ) {
        if (network_ == bytes32(0)) revert ZeroNetwork();
        if (guardian_ == address(0)) revert ZeroGuardian();
        if (exitSilence_ == 0) revert ZeroExitSilence();
        network = network_;
        chain = keccak256(bytes(string.concat("eip155:", Strings.toString(block.chainid))));
        domainSeparator = Protocol.domainSeparator(network_);
        guardian = guardian_;
        exitSilence = exitSilence_;
        vetoWindow = vetoWindow_;
        metadata = metadata_;
        _latest.acceptedAt = uint64(block.timestamp);
        _requireSignerList(signers_, threshold_);
        bytes32 digest =
            _digest(Protocol.hash(SignerSet(1, threshold_, keccak256(abi.encode(signers_)), 0, bytes32(0))));
        _install(1, threshold_, signers_, digest);
    }

    /// @notice Accepts a newer attestation. Anybody may call; the signatures decide.
    /// @param signatures 65 bytes r, s, v each, ascending by signer address
    function submit(Attestation calldata a, bytes calldata signatures) external {
        Latest memory last = _latest;
        if (a.signerEpoch != signerEpoch) revert WrongSignerEpoch(a.signerEpoch, signerEpoch);
        if (a.round <= last.round) revert RoundNotNewer(a.round, last.round);
        if (a.issuedAt > block.timestamp + MAX_AHEAD) revert IssuedInFuture(a.issuedAt, block.timestamp + MAX_AHEAD);
        if (a.issuedAt < last.issuedAt) revert IssuedBeforeLatest(a.issuedAt, last.issuedAt);
        if (a.validUntil <= block.timestamp) revert AttestationExpired(a.validUntil, block.timestamp);
        bytes32 digest = _digest(Protocol.hash(a));
        _requireQuorum(digest, signatures);

        _latest = Latest(a.round, a.issuedAt, a.validUntil, uint64(block.timestamp));
        latestDigest = digest;
        _roots[a.round % ROOT_WINDOW] = KeptRoot(a.accounts, a.round);
        emit Attested(a.round, digest, a.accounts, a.issuedAt, a.validUntil);
    }

    /// @notice Proposes the next signer set. Anybody may call; the current set must have signed it.
    /// @param signers_ the new set, ascending, whose hash `s.signers` states
    function rotate(SignerSet calldata s, address[] calldata signers_, bytes calldata signatures) external {
        if (s.epoch != signerEpoch + 1) revert WrongSignerEpoch(s.epoch, signerEpoch + 1);
        if (s.previous != signerSetDigest) revert WrongPreviousSet(s.previous, signerSetDigest);
        bytes32 listHash = keccak256(abi.encode(signers_));
        if (s.signers != listHash) revert SignerListMismatch(s.signers, listHash);
        _requireSignerList(signers_, s.threshold);
        if (s.activatesAt < block.timestamp + vetoWindow) {
            revert ActivatesTooEarly(s.activatesAt, block.timestamp + vetoWindow);
        }
        if (pending.epoch != 0) revert RotationPending(pending.epoch, _digest(Protocol.hash(pending)));
        bytes32 digest = _digest(Protocol.hash(s));
        if (vetoed[digest]) revert SetVetoed(digest);
        _requireQuorum(digest, signatures);

        pending = s;
        _pendingSigners = signers_;
        emit SignersProposed(s.epoch, digest, signers_, s.threshold, s.activatesAt);
    }

    /// @notice Strikes the waiting signer set for ever. The guardian only.
    function veto(uint64 epoch) external {
        if (msg.sender != guardian) revert NotGuardian(msg.sender, guardian);
        SignerSet memory s = pending;
        if (s.epoch == 0 || s.epoch != epoch) revert NoPendingSet(epoch, s.epoch);
        bytes32 digest = _digest(Protocol.hash(s));
        vetoed[digest] = true;
        delete pending;
        delete _pendingSigners;
        emit SignersVetoed(epoch, digest);
    }

    /// @notice Makes the waiting signer set the current one. Anybody may call once its time has come.
    function activate() external {
        SignerSet memory s = pending;
        if (s.epoch == 0) revert NoPendingSet(signerEpoch + 1, 0);
        if (block.timestamp < s.activatesAt) revert StillInVetoWindow(s.activatesAt, block.timestamp);
        bytes32 digest = _digest(Protocol.hash(s));
        _install(s.epoch, s.threshold, _pendingSigners, digest);
        delete pending;
        delete _pendingSigners;
        emit SignersActivated(s.epoch, digest);
    }

    /// @notice The latest accepted round; all zero before the first.
    function latest() external view returns (uint64 round, bytes32 root, uint64 issuedAt, uint64 validUntil) {
        return (_latest.round, _latestRoot(), _latest.issuedAt, _latest.validUntil);
    }

    /// @notice The account root of `round` if it was accepted and is among the last 256 rounds, else zero.
    function rootAt(uint64 round) external view returns (bytes32) {
        KeptRoot memory kept = _roots[round % ROOT_WINDOW];
        bool inWindow = kept.round == round && _latest.round - round < ROOT_WINDOW;
        return inWindow ? kept.root : bytes32(0);
    }

    /// @notice Whether the latest attestation says exactly `s` and has not expired.
    function verify(AccountState calldata s, bytes32[] calldata proof) external view returns (bool) {
        return block.timestamp < _latest.validUntil && proves(s, proof);
    }

    /// @notice Whether the latest attestation says exactly `s`, expired or not.
    function proves(AccountState calldata s, bytes32[] calldata proof) public view returns (bool) {
        return MerkleProof.verifyCalldata(proof, _latestRoot(), Protocol.leafHash(s));
    }

    /// @notice Reverts, with the reason, unless at least `threshold` signers of the current set signed `structHash`.
    function checkQuorum(bytes32 structHash, bytes calldata signatures) external view {
        _requireQuorum(_digest(structHash), signatures);
    }

    /// @notice Whether nothing was accepted for `exitSilence` seconds, counted from deployment at first.
    function isSilent() external view returns (bool) {
        return block.timestamp >= uint256(_latest.acceptedAt) + exitSilence;
    }

    /// @notice The current signer set, ascending.
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    function _latestRoot() private view returns (bytes32) {
        return _roots[_latest.round % ROOT_WINDOW].root;
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator, structHash);
    }

    function _install(uint64 epoch, uint64 threshold_, address[] memory list, bytes32 digest) private {
        signerEpoch = epoch;
        threshold = threshold_;
        signerSetDigest = digest;
        _signers = list;
        for (uint256 i = 0; i < list.length; i++) {
            _isSigner[epoch][list[i]] = true;
        }
    }

    function _requireSignerList(address[] memory list, uint64 threshold_) private pure {
        if (list.length == 0) revert NoSigners();
        if (threshold_ == 0 || threshold_ > list.length) revert BadThreshold(threshold_, list.length);
        address previous = address(0);
        for (uint256 i = 0; i < list.length; i++) {
            if (list[i] <= previous) revert SignerListUnsorted(i, list[i]);
            previous = list[i];
        }
    }

    function _requireQuorum(bytes32 digest, bytes calldata signatures) private view {
        if (signatures.length % SIGNATURE_LENGTH != 0) revert BadSignatureLength(signatures.length);
        uint256 count = signatures.length / SIGNATURE_LENGTH;
        if (count < threshold) revert TooFewSignatures(count, threshold);
        mapping(address signer => bool) storage isSigner = _isSigner[signerEpoch];
        address previous = address(0);
        for (uint256 i = 0; i < count; i++) {
            address signer = _recover(digest, signatures[i * SIGNATURE_LENGTH:(i + 1) * SIGNATURE_LENGTH], i);
            if (!isSigner[signer]) revert UnknownSigner(i, signer);
            if (signer == previous) revert DuplicateSigner(i, signer);
            if (signer < previous) revert SignersUnsorted(i, previous, signer);
            previous = signer;
        }
    }

    function _recover(bytes32 digest, bytes calldata signature, uint256 index) private pure returns (address) {
        (uint8 v, bytes32 r, bytes32 s) = ECDSA.parseCalldata(signature);
        if (v != 27 && v != 28) revert BadSignatureV(index, v);
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecover(digest, v, r, s);
        if (problem == ECDSA.RecoverError.InvalidSignatureS) revert HighSignatureS(index, s);
        if (problem != ECDSA.RecoverError.NoError) revert UnrecoverableSignature(index);
        return signer;
    }
}
