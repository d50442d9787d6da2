// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";
import {HealthRegistry} from "../src/HealthRegistry.sol";

contract QuorumTest is Base {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    bytes32 private constant HASH = keccak256("a struct");

    function refuse(bytes memory signatures, bytes memory reason) private {
        vm.expectRevert(reason);
        registry.checkQuorum(HASH, signatures);
    }

    function one(uint256 i) private view returns (bytes memory) {
        return signWith(keys[i], HASH);
    }

    function test_AnyTwoOfThreeInOrder() public view {
        registry.checkQuorum(HASH, bytes.concat(one(0), one(1)));
        registry.checkQuorum(HASH, bytes.concat(one(0), one(2)));
        registry.checkQuorum(HASH, bytes.concat(one(1), one(2)));
        registry.checkQuorum(HASH, bytes.concat(one(0), one(1), one(2)));
    }

    function test_RefusesTooFew() public {
        refuse("", abi.encodeWithSelector(HealthRegistry.TooFewSignatures.selector, 0, 2));
        refuse(one(0), abi.encodeWithSelector(HealthRegistry.TooFewSignatures.selector, 1, 2));
    }

    function test_RefusesOddLengths() public {
        refuse(
            bytes.concat(one(0), one(1), hex"00"),
            abi.encodeWithSelector(HealthRegistry.BadSignatureLength.selector, 131)
        );
        refuse(new bytes(64), abi.encodeWithSelector(HealthRegistry.BadSignatureLength.selector, 64));
    }

    function test_RefusesDuplicates() public {
        address first = vm.addr(keys[0]);
        refuse(bytes.concat(one(0), one(0)), abi.encodeWithSelector(HealthRegistry.DuplicateSigner.selector, 1, first));
        refuse(
            bytes.concat(one(0), one(1), one(1)),
            abi.encodeWithSelector(HealthRegistry.DuplicateSigner.selector, 2, vm.addr(keys[1]))
        );
    }

    function test_RefusesWrongOrder() public {
        refuse(
            bytes.concat(one(1), one(0)),
            abi.encodeWithSelector(HealthRegistry.SignersUnsorted.selector, 1, vm.addr(keys[1]), vm.addr(keys[0]))
        );
    }

    function test_RefusesStrangersEvenBeyondTheThreshold() public {
        uint256 stranger = uint256(keccak256("stranger"));
        bytes memory signatures = bytes.concat(one(0), one(1), signWith(stranger, HASH));
        refuse(signatures, abi.encodeWithSelector(HealthRegistry.UnknownSigner.selector, 2, vm.addr(stranger)));
    }

    function test_RefusesHighS() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[1], digestOf(HASH));
        bytes32 high = bytes32(ORDER - uint256(s));
        bytes memory flipped = abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27));
        refuse(bytes.concat(one(0), flipped), abi.encodeWithSelector(HealthRegistry.HighSignatureS.selector, 1, high));
    }

    function testFuzz_RefusesAnyOtherV(uint8 other) public {
        vm.assume(other != 27 && other != 28);
        (, bytes32 r, bytes32 s) = vm.sign(keys[0], digestOf(HASH));
        bytes memory bad = abi.encodePacked(r, s, other);
        refuse(bytes.concat(bad, one(1)), abi.encodeWithSelector(HealthRegistry.BadSignatureV.selector, 0, other));
    }

    function test_RefusesWhatRecoversToNobody() public {
        bytes memory nobody = abi.encodePacked(bytes32(0), bytes32(uint256(1)), uint8(27));
        refuse(bytes.concat(nobody, one(1)), abi.encodeWithSelector(HealthRegistry.UnrecoverableSignature.selector, 0));
    }

    function testFuzz_RandomBytesNeverPass(bytes32 r, bytes32 s, bool odd) public {
        bytes memory signatures = bytes.concat(abi.encodePacked(r, s, odd ? uint8(27) : uint8(28)), one(1));
        vm.expectRevert();
        registry.checkQuorum(HASH, signatures);
    }

    function test_AnotherNetworksSignaturesAreWorthless() public {
        HealthRegistry other = new HealthRegistry(keccak256("another network"), addresses(keys), 2, GUARDIAN, 1, 1, "");
        bytes memory signatures = quorum(HASH);
        vm.expectRevert();
        other.checkQuorum(HASH, signatures);
    }
}
