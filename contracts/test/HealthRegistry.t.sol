// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";
import {HealthRegistry} from "../src/HealthRegistry.sol";
import {Attestation, AccountState} from "../src/Types.sol";

contract HealthRegistryTest is Base {
    event Attested(uint64 indexed round, bytes32 digest, bytes32 accounts, uint64 issuedAt, uint64 validUntil);

    bytes32 private constant ROOT = keccak256("root");

    function sealed_(Attestation memory a) private view returns (bytes memory) {
        return quorum(hashes.attestation(a));
    }

    function refuse(Attestation memory a, bytes memory reason) private {
        bytes memory signatures = sealed_(a);
        vm.expectRevert(reason);
        registry.submit(a, signatures);
    }

    function test_ConstructorStatesEverything() public view {
        vm.assertEq(registry.network(), NETWORK, "network");
        vm.assertEq(registry.chain(), keccak256("eip155:31337"), "chain");
        vm.assertEq(registry.signerEpoch(), 1, "epoch");
        vm.assertEq(registry.threshold(), 2, "threshold");
        vm.assertEq(registry.guardian(), GUARDIAN, "guardian");
        vm.assertEq(registry.exitSilence(), EXIT_SILENCE, "silence");
        vm.assertEq(registry.vetoWindow(), VETO_WINDOW, "window");
        vm.assertEq(registry.metadata(), "test log", "metadata");
        vm.assertEq(abi.encode(registry.signers()), abi.encode(addresses(keys)), "signers");
        (uint64 round, bytes32 root, uint64 issuedAt, uint64 validUntil) = registry.latest();
        vm.assertEq(uint256(root) + round + issuedAt + validUntil, 0, "nothing before the first round");
    }

    function test_ConstructorRefusesNonsense() public {
        address[] memory list = addresses(keys);
        vm.expectRevert(HealthRegistry.ZeroNetwork.selector);
        new HealthRegistry(0, list, 2, GUARDIAN, 1, 1, "");
        vm.expectRevert(HealthRegistry.ZeroGuardian.selector);
        new HealthRegistry(NETWORK, list, 2, address(0), 1, 1, "");
        vm.expectRevert(HealthRegistry.ZeroExitSilence.selector);
        new HealthRegistry(NETWORK, list, 2, GUARDIAN, 0, 1, "");
        vm.expectRevert(HealthRegistry.NoSigners.selector);
        new HealthRegistry(NETWORK, new address[](0), 0, GUARDIAN, 1, 1, "");
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.BadThreshold.selector, 0, 3));
        new HealthRegistry(NETWORK, list, 0, GUARDIAN, 1, 1, "");
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.BadThreshold.selector, 4, 3));
        new HealthRegistry(NETWORK, list, 4, GUARDIAN, 1, 1, "");
        list[1] = list[0];
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.SignerListUnsorted.selector, 1, list[0]));
        new HealthRegistry(NETWORK, list, 2, GUARDIAN, 1, 1, "");
        list[0] = address(0);
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.SignerListUnsorted.selector, 0, address(0)));
        new HealthRegistry(NETWORK, list, 2, GUARDIAN, 1, 1, "");
    }

    function test_SubmitStoresAndTells() public {
        Attestation memory a = attestationFor(ROOT);
        bytes32 digest = digestOf(hashes.attestation(a));
        bytes memory signatures = sealed_(a);
        vm.expectEmit(address(registry));
        emit Attested(1, digest, ROOT, T0, T0 + 60);
        registry.submit(a, signatures);
        (uint64 round, bytes32 root, uint64 issuedAt, uint64 validUntil) = registry.latest();
        vm.assertEq(round, 1, "round");
        vm.assertEq(root, ROOT, "root");
        vm.assertEq(issuedAt, T0, "issuedAt");
        vm.assertEq(validUntil, T0 + 60, "validUntil");
        vm.assertEq(registry.latestDigest(), digest, "digest");
        vm.assertEq(registry.rootAt(1), ROOT, "rootAt");
    }

    function test_SubmitAcceptsMoreThanTheThreshold() public {
        Attestation memory a = attestationFor(ROOT);
        registry.submit(a, bytes.concat(sealed_(a), signWith(keys[2], hashes.attestation(a))));
    }

    function test_SubmitRefusesOldAndSameRounds() public {
        submitRoot(ROOT);
        submitRoot(ROOT);
        Attestation memory a = attestationFor(ROOT);
        a.round = 2;
        refuse(a, abi.encodeWithSelector(HealthRegistry.RoundNotNewer.selector, 2, 2));
        a.round = 1;
        refuse(a, abi.encodeWithSelector(HealthRegistry.RoundNotNewer.selector, 1, 2));
        a.round = 9;
        registry.submit(a, sealed_(a));
    }

    function test_SubmitRefusesRoundZero() public {
        Attestation memory a = attestationFor(ROOT);
        a.round = 0;
        refuse(a, abi.encodeWithSelector(HealthRegistry.RoundNotNewer.selector, 0, 0));
    }

    function test_SubmitRefusesAnotherEpoch() public {
        Attestation memory a = attestationFor(ROOT);
        a.signerEpoch = 2;
        refuse(a, abi.encodeWithSelector(HealthRegistry.WrongSignerEpoch.selector, 2, 1));
    }

    function test_SubmitBoundsIssuedAt() public {
        Attestation memory a = attestationFor(ROOT);
        (a.issuedAt, a.validUntil) = (T0 + 61, T0 + 200);
        refuse(a, abi.encodeWithSelector(HealthRegistry.IssuedInFuture.selector, T0 + 61, T0 + 60));
        a.issuedAt = T0 + 60;
        registry.submit(a, sealed_(a));
        (a.round, a.issuedAt) = (2, T0 + 59);
        refuse(a, abi.encodeWithSelector(HealthRegistry.IssuedBeforeLatest.selector, T0 + 59, T0 + 60));
        a.issuedAt = T0 + 60;
        registry.submit(a, sealed_(a));
    }

    function test_SubmitRefusesExpired() public {
        Attestation memory a = attestationFor(ROOT);
        a.validUntil = T0;
        refuse(a, abi.encodeWithSelector(HealthRegistry.AttestationExpired.selector, T0, T0));
        a.validUntil = T0 + 1;
        registry.submit(a, sealed_(a));
    }

    function test_SubmitRefusesAnAlteredStatement() public {
        Attestation memory a = attestationFor(ROOT);
        bytes memory signatures = sealed_(a);
        a.accountCount = 2;
        // Other bytes make the same signature recover to an arbitrary address, so only the selector is known.
        vm.expectPartialRevert(HealthRegistry.UnknownSigner.selector);
        registry.submit(a, signatures);
    }

    function testFuzz_AnyChangedFieldBreaksTheQuorum(uint8 field, uint64 change) public {
        vm.assume(change != 0);
        Attestation memory a = attestationFor(ROOT);
        bytes memory signatures = sealed_(a);
        field = field % 6;
        if (field == 0) a.previous = bytes32(uint256(a.previous) ^ change);
        if (field == 1) a.parameters = bytes32(uint256(change));
        if (field == 2) a.snapshot = bytes32(uint256(change));
        if (field == 3) a.prices = bytes32(uint256(change));
        if (field == 4) a.accounts = bytes32(uint256(a.accounts) ^ change);
        if (field == 5) a.accountCount ^= change;
        bytes32 structHash = hashes.attestation(a);
        vm.expectRevert();
        registry.submit(a, signatures);
        vm.expectRevert();
        registry.checkQuorum(structHash, signatures);
    }

    function test_RootAtForgetsAfterTheWindow() public {
        submitRoot(ROOT);
        Attestation memory a = attestationFor(keccak256("later"));
        a.round = 256;
        registry.submit(a, sealed_(a));
        vm.assertEq(registry.rootAt(1), ROOT, "still in the window");
        vm.assertEq(registry.rootAt(2), 0, "never accepted");
        a.round = 258;
        registry.submit(a, sealed_(a));
        vm.assertEq(registry.rootAt(1), 0, "left the window");
        vm.assertEq(registry.rootAt(2), 0, "its slot holds another round");
        vm.assertEq(registry.rootAt(258), keccak256("later"), "latest");
        vm.assertEq(registry.rootAt(259), 0, "future");
        vm.assertEq(registry.rootAt(type(uint64).max), 0, "far future");
        vm.assertEq(registry.rootAt(0), 0, "round zero");
    }

    function test_VerifyNeedsFreshnessAndProvesDoesNot() public {
        AccountState memory leaf = leafOf(padded(ALICE), 2, 0);
        vm.assertFalse(registry.proves(leaf, noProof()), "no root yet");
        attest(leaf);
        vm.assertTrue(registry.verify(leaf, noProof()), "fresh");
        vm.warp(T0 + 59);
        vm.assertTrue(registry.verify(leaf, noProof()), "last fresh second");
        vm.warp(T0 + 60);
        vm.assertFalse(registry.verify(leaf, noProof()), "expired");
        vm.assertTrue(registry.proves(leaf, noProof()), "still proved");
        leaf.status = 0;
        vm.assertFalse(registry.proves(leaf, noProof()), "altered");
    }

    function test_OnlyTheLatestRootCounts() public {
        AccountState memory sick = leafOf(padded(ALICE), 2, 0);
        attest(sick);
        AccountState memory well = leafOf(padded(ALICE), 0, 0);
        attest(well);
        vm.assertFalse(registry.verify(sick, noProof()), "superseded");
        vm.assertTrue(registry.verify(well, noProof()), "current");
    }

    function test_EmptyAccountRootProvesNothing() public {
        submitRoot(0);
        vm.assertFalse(registry.proves(leafOf(padded(ALICE), 2, 0), noProof()), "empty set");
    }

    function test_SilenceCountsFromDeploymentThenFromTheLastRound() public {
        vm.warp(T0 + EXIT_SILENCE - 1);
        vm.assertFalse(registry.isSilent(), "not yet");
        vm.warp(T0 + EXIT_SILENCE);
        vm.assertTrue(registry.isSilent(), "silent since deployment");
        submitRoot(ROOT);
        vm.assertFalse(registry.isSilent(), "spoke");
        vm.warp(T0 + 2 * EXIT_SILENCE - 1);
        vm.assertFalse(registry.isSilent(), "not yet again");
        vm.warp(T0 + 2 * EXIT_SILENCE);
        vm.assertTrue(registry.isSilent(), "silent since the round");
    }

    function test_ChainComesFromTheChainId() public {
        vm.chainId(8453);
        HealthRegistry other = new HealthRegistry(NETWORK, addresses(keys), 2, GUARDIAN, 1, 1, "");
        vm.assertEq(other.chain(), keccak256("eip155:8453"), "chain");
        vm.assertEq(other.domainSeparator(), registry.domainSeparator(), "one domain for all chains");
    }
}
