// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm, vm} from "./Vm.sol";
import {HealthRegistry} from "../../src/HealthRegistry.sol";
import {Vault} from "../../src/Vault.sol";
import {SeizureSale} from "../../src/SeizureSale.sol";
import {LocalToken} from "../../src/local/LocalToken.sol";
import {Protocol, Attestation, AccountState, Release, Seizure, SignerSet} from "../../src/Types.sol";

/// @notice The library's hashes with calldata arguments, for tests that hold their statements in memory.
contract Hashes {
    function attestation(Attestation calldata a) external pure returns (bytes32) {
        return Protocol.hash(a);
    }

    function release(Release calldata r) external pure returns (bytes32) {
        return Protocol.hash(r);
    }

    function seizure(Seizure calldata s) external pure returns (bytes32) {
        return Protocol.hash(s);
    }

    function signerSet(SignerSet calldata s) external pure returns (bytes32) {
        return Protocol.hash(s);
    }

    function leaf(AccountState calldata s) external pure returns (bytes32) {
        return Protocol.leafHash(s);
    }
}

/// @notice A network of three signers, two needed, with a registry, a vault, a sale and two tokens.
abstract contract Base {
    bytes32 internal constant NETWORK = keccak256("test network");
    uint64 internal constant T0 = 1_700_000_000;
    uint64 internal constant EXIT_SILENCE = 3 days;
    uint64 internal constant VETO_WINDOW = 2 days;
    uint16 internal constant START_BPS = 12_000;
    uint32 internal constant DURATION = 1 hours;
    address internal constant NATIVE = address(0);
    address internal constant GUARDIAN = address(0x6a4d);
    address internal constant TREASURY = address(0x74ea);
    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);

    Hashes internal hashes = new Hashes();
    HealthRegistry internal registry;
    Vault internal vault;
    SeizureSale internal sale;
    LocalToken internal coll;
    LocalToken internal usd;
    /// @notice Private keys, ascending by their addresses.
    uint256[] internal keys;

    function setUp() public virtual {
        vm.warp(T0);
        keys = sortedKeys(3, "signer");
        registry = new HealthRegistry(NETWORK, addresses(keys), 2, GUARDIAN, EXIT_SILENCE, VETO_WINDOW, "test log");
        vault = new Vault(address(registry), TREASURY);
        sale = new SeizureSale(address(vault), START_BPS, DURATION);
        coll = new LocalToken("Collateral", "COL", 18);
        usd = new LocalToken("Dollar", "USD", 6);
    }

    function sortedKeys(uint256 count, string memory seed) internal pure returns (uint256[] memory list) {
        list = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            uint256 key = uint256(keccak256(abi.encode(seed, i)));
            uint256 slot = i;
            for (; slot > 0 && vm.addr(list[slot - 1]) > vm.addr(key); slot--) {
                list[slot] = list[slot - 1];
            }
            list[slot] = key;
        }
    }

    function addresses(uint256[] memory list) internal pure returns (address[] memory result) {
        result = new address[](list.length);
        for (uint256 i = 0; i < list.length; i++) {
            result[i] = vm.addr(list[i]);
        }
    }

    function digestOf(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", registry.domainSeparator(), structHash));
    }

    function signWith(uint256 key, bytes32 structHash) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digestOf(structHash));
        return abi.encodePacked(r, s, v);
    }

    /// @notice The first two of the three signers: exactly the threshold.
    function quorum(bytes32 structHash) internal view returns (bytes memory) {
        return bytes.concat(signWith(keys[0], structHash), signWith(keys[1], structHash));
    }

    function padded(address owner) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(owner)));
    }

    function leafOf(bytes32 account, uint8 status, uint32 flags) internal pure returns (AccountState memory) {
        return AccountState(account, -5e18, -6e18, -7e18, -5e18, status, flags, keccak256("detail"));
    }

    function attestationFor(bytes32 root) internal view returns (Attestation memory a) {
        (uint64 round,,,) = registry.latest();
        uint64 time = uint64(block.timestamp);
        a = Attestation(round + 1, 1, time, time + 60, registry.latestDigest(), 0, 0, 0, root, 1);
    }

    function submitRoot(bytes32 root) internal {
        Attestation memory a = attestationFor(root);
        registry.submit(a, quorum(hashes.attestation(a)));
    }

    /// @notice Attests a tree of this one leaf, whose proof is empty.
    function attest(AccountState memory leaf) internal {
        submitRoot(hashes.leaf(leaf));
    }

    function noProof() internal pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }

    function depositFor(address owner, LocalToken token, uint256 amount) internal {
        token.mint(owner, amount);
        vm.startPrank(owner);
        token.approve(address(vault), amount);
        vault.deposit(padded(owner), address(token), amount);
        vm.stopPrank();
    }

    function depositNative(address owner, uint256 amount) internal {
        vm.deal(owner, owner.balance + amount);
        vm.prank(owner);
        vault.deposit{value: amount}(padded(owner), NATIVE, amount);
    }

    function releaseOf(uint8 kind, bytes32 account, address token, uint256 amount, address recipient, uint64 request)
        internal
        view
        returns (Release memory)
    {
        bytes32 id = Protocol.releaseId(registry.chain(), address(vault), request);
        uint64 deadline = uint64(block.timestamp) + 600;
        return Release(id, kind, registry.chain(), address(vault), account, token, amount, recipient, 1, deadline);
    }

    function execute(Release memory r, uint64 request) internal {
        vault.release(r, request, quorum(hashes.release(r)));
    }

    function withdrawalOf(address owner, address token, uint256 amount)
        internal
        returns (Release memory r, uint64 request)
    {
        vm.prank(owner);
        request = vault.requestWithdrawal(0, token, amount, owner);
        r = releaseOf(1, padded(owner), token, amount, owner, request);
    }

    function seizureOf(address owner, address token, uint256 amount, address debtToken, uint256 minProceeds)
        internal
        view
        returns (Seizure memory)
    {
        bytes32 id = keccak256(abi.encode("seizure", padded(owner), uint256(1), uint256(0)));
        uint64 deadline = uint64(block.timestamp) + 600;
        return Seizure(
            id,
            registry.chain(),
            address(vault),
            padded(owner),
            token,
            amount,
            debtToken,
            minProceeds,
            address(sale),
            1,
            deadline
        );
    }

    /// @notice Attests `owner` as liquidatable and executes `s`.
    function seizeNow(Seizure memory s) internal {
        AccountState memory leaf = leafOf(s.account, 2, 1);
        attest(leaf);
        vault.seize(s, leaf, noProof(), quorum(hashes.seizure(s)));
    }
}
