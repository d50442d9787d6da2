// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";
import {HealthRegistry} from "../src/HealthRegistry.sol";
import {Attestation, SignerSet} from "../src/Types.sol";

contract RotationTest is Base {
    uint256[] private next;

    function setUp() public override {
        super.setUp();
        next = sortedKeys(4, "next signer");
    }

    function nextSet() private view returns (SignerSet memory) {
        bytes32 list = keccak256(abi.encode(addresses(next)));
        return SignerSet(registry.signerEpoch() + 1, 3, list, T0 + VETO_WINDOW, registry.signerSetDigest());
    }

    function propose(SignerSet memory s) private {
        registry.rotate(s, addresses(next), quorum(hashes.signerSet(s)));
    }

    function refuse(SignerSet memory s, bytes memory reason) private {
        bytes memory signatures = quorum(hashes.signerSet(s));
        vm.expectRevert(reason);
        registry.rotate(s, addresses(next), signatures);
    }

    function test_FirstSetsDigestIsThatOfEpochOneAtTimeZero() public view {
        SignerSet memory first = SignerSet(1, 2, keccak256(abi.encode(addresses(keys))), 0, 0);
        vm.assertEq(registry.signerSetDigest(), digestOf(hashes.signerSet(first)), "digest");
    }

    function test_RotationReplacesTheSetAfterTheWindow() public {
        SignerSet memory s = nextSet();
        propose(s);
        vm.assertEq(registry.signerEpoch(), 1, "old set still rules");
        submitRoot(keccak256("old set"));

        vm.warp(T0 + VETO_WINDOW - 1);
        vm.expectRevert(
            abi.encodeWithSelector(HealthRegistry.StillInVetoWindow.selector, s.activatesAt, block.timestamp)
        );
        registry.activate();
        vm.warp(T0 + VETO_WINDOW);
        registry.activate();

        vm.assertEq(registry.signerEpoch(), 2, "epoch");
        vm.assertEq(registry.threshold(), 3, "threshold");
        vm.assertEq(abi.encode(registry.signers()), abi.encode(addresses(next)), "signers");
        vm.assertEq(registry.signerSetDigest(), digestOf(hashes.signerSet(s)), "chain of sets");
    }

    function test_OldSignersAreRefusedAndNewOnesAccepted() public {
        propose(nextSet());
        vm.warp(T0 + VETO_WINDOW);
        registry.activate();
        Attestation memory a = attestationFor(keccak256("x"));
        bytes32 h = hashes.attestation(a);
        bytes memory old = bytes.concat(quorum(h), signWith(keys[2], h));
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.WrongSignerEpoch.selector, 1, 2));
        registry.submit(a, old);
        a.signerEpoch = 2;
        h = hashes.attestation(a);
        old = bytes.concat(quorum(h), signWith(keys[2], h));
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.UnknownSigner.selector, 0, vm.addr(keys[0])));
        registry.submit(a, old);
        registry.submit(a, bytes.concat(signWith(next[0], h), signWith(next[2], h), signWith(next[3], h)));
    }

    function test_RefusesWrongEpochPreviousAndList() public {
        SignerSet memory s = nextSet();
        s.epoch = 3;
        refuse(s, abi.encodeWithSelector(HealthRegistry.WrongSignerEpoch.selector, 3, 2));
        s = nextSet();
        s.previous = keccak256("other");
        refuse(
            s, abi.encodeWithSelector(HealthRegistry.WrongPreviousSet.selector, s.previous, registry.signerSetDigest())
        );
        s = nextSet();
        bytes32 right = s.signers;
        s.signers = keccak256("other");
        refuse(s, abi.encodeWithSelector(HealthRegistry.SignerListMismatch.selector, s.signers, right));
        s = nextSet();
        s.threshold = 5;
        refuse(s, abi.encodeWithSelector(HealthRegistry.BadThreshold.selector, 5, 4));
    }

    function test_RefusesUnsortedSigners() public {
        (next[0], next[1]) = (next[1], next[0]);
        refuse(nextSet(), abi.encodeWithSelector(HealthRegistry.SignerListUnsorted.selector, 1, vm.addr(next[1])));
    }

    function test_RefusesAShortenedWindow() public {
        SignerSet memory s = nextSet();
        s.activatesAt -= 1;
        refuse(s, abi.encodeWithSelector(HealthRegistry.ActivatesTooEarly.selector, s.activatesAt, T0 + VETO_WINDOW));
    }

    function test_RefusesASetTheOldOneDidNotSign() public {
        SignerSet memory s = nextSet();
        bytes32 h = hashes.signerSet(s);
        bytes memory signatures = bytes.concat(signWith(next[0], h), signWith(next[1], h));
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.UnknownSigner.selector, 0, vm.addr(next[0])));
        registry.rotate(s, addresses(next), signatures);
    }

    function test_OneProposalAtATime() public {
        SignerSet memory s = nextSet();
        propose(s);
        bytes32 digest = digestOf(hashes.signerSet(s));
        s.activatesAt += 1;
        refuse(s, abi.encodeWithSelector(HealthRegistry.RotationPending.selector, 2, digest));
    }

    function test_VetoIsFinalForThatSet() public {
        SignerSet memory s = nextSet();
        propose(s);
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.NotGuardian.selector, address(this), GUARDIAN));
        registry.veto(2);
        vm.startPrank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.NoPendingSet.selector, 3, 2));
        registry.veto(3);
        registry.veto(2);
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.NoPendingSet.selector, 2, 0));
        registry.veto(2);
        vm.stopPrank();

        refuse(s, abi.encodeWithSelector(HealthRegistry.SetVetoed.selector, digestOf(hashes.signerSet(s))));
        vm.warp(T0 + VETO_WINDOW);
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.NoPendingSet.selector, 2, 0));
        registry.activate();
        s.activatesAt = uint64(block.timestamp) + VETO_WINDOW;
        propose(s);
    }

    function test_VetoWorksUntilActivated() public {
        propose(nextSet());
        vm.warp(T0 + VETO_WINDOW + 1);
        vm.prank(GUARDIAN);
        registry.veto(2);
        vm.assertEq(registry.signerEpoch(), 1, "old set stays");
    }

    function test_VetoOfEpochZeroFindsNothing() public {
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(HealthRegistry.NoPendingSet.selector, 0, 0));
        registry.veto(0);
    }

    function test_RotationDoesNotEndSilence() public {
        vm.warp(T0 + EXIT_SILENCE);
        SignerSet memory s = nextSet();
        s.activatesAt = uint64(block.timestamp) + VETO_WINDOW;
        propose(s);
        vm.warp(s.activatesAt);
        registry.activate();
        vm.assertTrue(registry.isSilent(), "only an attestation ends silence");
    }
}
