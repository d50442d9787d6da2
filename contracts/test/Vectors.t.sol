// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes} from "./support/Base.sol";
import {vm} from "./support/Vm.sol";
import {HealthRegistry} from "../src/HealthRegistry.sol";
import {PositionBook} from "../src/PositionBook.sol";
import {Vault} from "../src/Vault.sol";
import {LocalToken} from "../src/local/LocalToken.sol";
import {Protocol, AccountState, Attestation, Release, Seizure, SignerSet} from "../src/Types.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @notice The contracts against vectors.json, which ethers and OpenZeppelin's merkle-tree wrote.
contract VectorsTest {
    struct Price {
        bytes32 asset;
        int256 price;
        uint256 confidence;
        uint64 publishedAt;
        uint8 verdict;
        bytes32 sources;
    }

    struct Head {
        bytes32 chain;
        uint64 number;
        bytes32 hash;
        uint64 events;
        bytes32 accumulator;
    }

    string private json;
    Hashes private hashes = new Hashes();
    HealthRegistry private registry;
    uint256[] private keys;
    address[] private signers;

    function setUp() public {
        vm.warp(1_700_000_000);
        json = vm.readFile("test/vectors.json");
        for (uint256 i = 0; i < 3; i++) {
            keys.push(number(item(".keys", i, ".privateKey")));
            signers.push(vm.parseJsonAddress(json, item(".keys", i, ".address")));
        }
        registry = new HealthRegistry(word(".network"), signers, 2, address(1), 1, 1 days, "");
    }

    function item(string memory list, uint256 i, string memory field) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(i), "]", field);
    }

    function word(string memory path) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, path);
    }

    function number(string memory path) private view returns (uint256) {
        return vm.parseJsonUint(json, path);
    }

    function addressAt(string memory path) private view returns (address) {
        return vm.parseJsonAddress(json, path);
    }

    function statement(string memory name, string memory field) private pure returns (string memory) {
        return string.concat(".statements.", name, field);
    }

    function message(string memory name, string memory field) private pure returns (string memory) {
        return string.concat(".statements.", name, ".message.", field);
    }

    function checkStatement(string memory name, bytes32 structHash) private view {
        vm.assertEq(structHash, word(statement(name, ".structHash")), name);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", registry.domainSeparator(), structHash));
        vm.assertEq(digest, word(statement(name, ".digest")), name);
        registry.checkQuorum(structHash, vm.parseJsonBytes(json, statement(name, ".concatenated")));
        for (uint256 i = 0; i < keys.length; i++) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[i], digest);
            bytes memory theirs = vm.parseJsonBytes(json, item(statement(name, ".signatures"), i, ""));
            vm.assertEq(abi.encodePacked(r, s, v), theirs, "signature");
        }
    }

    function test_DomainSignersAndChains() public view {
        vm.assertEq(registry.domainSeparator(), word(".domainSeparator"), "domain");
        vm.assertEq(keccak256(abi.encode(signers)), word(".signersHash"), "signers");
        for (uint256 i = 0; i < 3; i++) {
            string memory caip2 = vm.parseJsonString(json, item(".chains", i, ".caip2"));
            vm.assertEq(keccak256(bytes(caip2)), word(item(".chains", i, ".chain")), caip2);
        }
        vm.assertEq(registry.chain(), word(".chains[2].chain"), "this chain");
    }

    function test_Attestation() public {
        Attestation memory a;
        string memory s = "attestation";
        a.round = uint64(number(message(s, "round")));
        a.signerEpoch = uint64(number(message(s, "signerEpoch")));
        a.issuedAt = uint64(number(message(s, "issuedAt")));
        a.validUntil = uint64(number(message(s, "validUntil")));
        a.previous = word(message(s, "previous"));
        a.parameters = word(message(s, "parameters"));
        a.snapshot = word(message(s, "snapshot"));
        a.prices = word(message(s, "prices"));
        a.accounts = word(message(s, "accounts"));
        a.accountCount = uint64(number(message(s, "accountCount")));
        checkStatement(s, hashes.attestation(a));
        registry.submit(a, vm.parseJsonBytes(json, statement(s, ".concatenated")));
        vm.assertEq(registry.latestDigest(), word(statement(s, ".digest")), "accepted");
    }

    function test_Release() public view {
        string memory s = "release";
        Release memory r = Release(
            word(message(s, "id")),
            uint8(number(message(s, "kind"))),
            word(message(s, "chain")),
            addressAt(message(s, "vault")),
            word(message(s, "account")),
            addressAt(message(s, "token")),
            number(message(s, "amount")),
            addressAt(message(s, "recipient")),
            uint64(number(message(s, "round"))),
            uint64(number(message(s, "deadline")))
        );
        checkStatement(s, hashes.release(r));
    }

    function test_Seizure() public view {
        string memory n = "seizure";
        Seizure memory s;
        s.id = word(message(n, "id"));
        s.chain = word(message(n, "chain"));
        s.vault = addressAt(message(n, "vault"));
        s.account = word(message(n, "account"));
        s.token = addressAt(message(n, "token"));
        s.amount = number(message(n, "amount"));
        s.debtToken = addressAt(message(n, "debtToken"));
        s.minProceeds = number(message(n, "minProceeds"));
        s.sale = addressAt(message(n, "sale"));
        s.round = uint64(number(message(n, "round")));
        s.deadline = uint64(number(message(n, "deadline")));
        checkStatement(n, hashes.seizure(s));
    }

    function signerSet(string memory n) private view returns (SignerSet memory) {
        return SignerSet(
            uint64(number(message(n, "epoch"))),
            uint64(number(message(n, "threshold"))),
            word(message(n, "signers")),
            uint64(number(message(n, "activatesAt"))),
            word(message(n, "previous"))
        );
    }

    function test_SignerSets() public {
        checkStatement("firstSignerSet", hashes.signerSet(signerSet("firstSignerSet")));
        vm.assertEq(registry.signerSetDigest(), word(".statements.firstSignerSet.digest"), "the chain's beginning");
        SignerSet memory next = signerSet("nextSignerSet");
        checkStatement("nextSignerSet", hashes.signerSet(next));
        address[] memory list = vm.parseJsonAddressArray(json, ".statements.nextSigners");
        registry.rotate(next, list, vm.parseJsonBytes(json, ".statements.nextSignerSet.concatenated"));
        vm.warp(next.activatesAt);
        registry.activate();
        vm.assertEq(registry.signerSetDigest(), word(".statements.nextSignerSet.digest"), "rotated");
    }

    function test_AccountTreesAreAcceptedByVerify() public {
        uint8[7] memory sizes = [0, 1, 2, 3, 5, 8, 13];
        for (uint256 t = 0; t < sizes.length; t++) {
            string memory tree = item(".accountTrees", t, "");
            vm.assertEq(number(string.concat(tree, ".size")), sizes[t], "size");
            accept(word(string.concat(tree, ".root")), uint64(t + 1));
            for (uint256 i = 0; i < sizes[t]; i++) {
                checkLeaf(item(string.concat(tree, ".leaves"), i, ""));
            }
        }
    }

    function accept(bytes32 root, uint64 round) private {
        Attestation memory a;
        (a.round, a.signerEpoch, a.issuedAt, a.validUntil) = (round, 1, 1_700_000_000, 1_700_000_060);
        a.accounts = root;
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", registry.domainSeparator(), hashes.attestation(a)));
        bytes memory signatures = "";
        for (uint256 i = 0; i < 2; i++) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[i], digest);
            signatures = abi.encodePacked(signatures, r, s, v);
        }
        registry.submit(a, signatures);
    }

    function checkLeaf(string memory path) private view {
        AccountState memory s = abi.decode(vm.parseJsonBytes(json, string.concat(path, ".encoded")), (AccountState));
        bytes32[] memory proof = vm.parseJsonBytes32Array(json, string.concat(path, ".proof"));
        vm.assertEq(s.equity, vm.parseJsonInt(json, string.concat(path, ".value.equity")), "equity");
        vm.assertEq(s.flags, number(string.concat(path, ".value.flags")), "flags");
        vm.assertEq(hashes.leaf(s), word(string.concat(path, ".leaf")), "leaf");
        vm.assertTrue(registry.verify(s, proof), "proof");
        s.flags ^= 1;
        vm.assertFalse(registry.verify(s, proof), "altered leaf");
        s.flags ^= 1;
        if (proof.length == 0) return;
        proof[0] = bytes32(uint256(proof[0]) ^ 1);
        vm.assertFalse(registry.verify(s, proof), "altered proof");
    }

    function test_PriceTree() public view {
        bytes32 root = word(".priceTree.root");
        for (uint256 i = 0; i < 5; i++) {
            string memory path = item(".priceTree.leaves", i, "");
            Price memory p = abi.decode(vm.parseJsonBytes(json, string.concat(path, ".encoded")), (Price));
            vm.assertEq(p.price, vm.parseJsonInt(json, string.concat(path, ".value.price")), "price");
            bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(p))));
            bytes32[] memory proof = vm.parseJsonBytes32Array(json, string.concat(path, ".proof"));
            vm.assertTrue(MerkleProof.verify(proof, root, leaf), "proof");
        }
    }

    function test_Snapshots() public view {
        for (uint256 i = 0; i < 3; i++) {
            bytes memory encoded = vm.parseJsonBytes(json, item(".snapshots", i, ".encoded"));
            Head[] memory heads = abi.decode(encoded, (Head[]));
            vm.assertEq(keccak256(abi.encode(heads)), word(item(".snapshots", i, ".hash")), "hash");
        }
    }

    function test_Ids() public view {
        for (uint256 i = 0; i < 3; i++) {
            string memory r = item(".releaseIds", i, "");
            bytes32 id = Protocol.releaseId(
                word(string.concat(r, ".chain")),
                addressAt(string.concat(r, ".vault")),
                uint64(number(string.concat(r, ".request")))
            );
            vm.assertEq(id, word(string.concat(r, ".id")), "release id");
            string memory s = item(".seizureIds", i, "");
            (uint256 lock, uint256 leg) = (number(string.concat(s, ".lock")), number(string.concat(s, ".leg")));
            id = keccak256(abi.encode("seizure", word(string.concat(s, ".account")), lock, leg));
            vm.assertEq(id, word(string.concat(s, ".id")), "seizure id");
            string memory a = item(".accountIds", i, "");
            id = Protocol.accountOf(addressAt(string.concat(a, ".owner")), number(string.concat(a, ".sub")));
            vm.assertEq(id, word(string.concat(a, ".account")), "account");
            string memory q = item(".requestHashes", i, "");
            id = Protocol.requestHash(
                uint8(number(string.concat(q, ".kind"))),
                word(string.concat(q, ".account")),
                addressAt(string.concat(q, ".token")),
                number(string.concat(q, ".amount")),
                addressAt(string.concat(q, ".recipient"))
            );
            vm.assertEq(id, word(string.concat(q, ".hash")), "request");
        }
    }

    function test_PositionsFoldAsTheBookFolds() public {
        PositionBook book = new PositionBook(address(this));
        for (uint256 i = 0; i < 4; i++) {
            string memory p = item(".positions", i, "");
            book.post(
                word(string.concat(p, ".account")),
                word(string.concat(p, ".market")),
                vm.parseJsonInt(json, string.concat(p, ".size")),
                vm.parseJsonInt(json, string.concat(p, ".entryPrice"))
            );
            vm.assertEq(book.eventCount(), number(string.concat(p, ".sequence")), "sequence");
            vm.assertEq(book.accumulator(), word(string.concat(p, ".accumulator")), "accumulator");
        }
    }

    /// @notice The first six movements are made for real; the vault's accumulator must be the vector's after each.
    function test_MovementsFoldAsTheVaultFolds() public {
        address payer = addressAt(".movements.payer");
        address recipient = addressAt(".movements.recipient");
        address token = addressAt(".movements.token");
        Vault vault = new Vault(address(registry), address(1));
        vm.etch(token, address(new LocalToken("T", "T", 6)).code);
        LocalToken(token).mint(payer, 10_000_000);
        vm.deal(payer, 1 ether);
        bytes32 account = Protocol.pad(payer);
        vm.startPrank(payer);
        LocalToken(token).approve(address(vault), 10_000_000);
        vault.deposit(account, token, 1_000_000);
        checkFold(vault, 0);
        vault.deposit{value: 1 ether}(account, address(0), 1 ether);
        checkFold(vault, 1);
        vault.fund(token, 5_000_000);
        checkFold(vault, 2);
        vault.requestWithdrawal(0, token, 400_000, recipient);
        checkFold(vault, 3);
        vault.requestBorrow(0, address(0), 3, recipient);
        checkFold(vault, 4);
        vault.repay(account, token, 77);
        checkFold(vault, 5);
        vm.stopPrank();
    }

    function checkFold(Vault vault, uint256 i) private view {
        string memory m = item(".movements.events", i, "");
        vm.assertEq(vault.eventCount(), number(string.concat(m, ".sequence")), "sequence");
        vm.assertEq(vault.accumulator(), word(string.concat(m, ".accumulator")), "accumulator");
    }

    function test_MovementsOfEveryKindFold() public view {
        bytes32 folded = 0;
        for (uint256 i = 0; i < 10; i++) {
            string memory m = item(".movements.events", i, "");
            folded = keccak256(
                abi.encode(
                    folded,
                    uint64(number(string.concat(m, ".sequence"))),
                    uint8(number(string.concat(m, ".kind"))),
                    word(string.concat(m, ".account")),
                    addressAt(string.concat(m, ".token")),
                    number(string.concat(m, ".amount")),
                    word(string.concat(m, ".counterparty"))
                )
            );
            vm.assertEq(folded, word(string.concat(m, ".accumulator")), "accumulator");
        }
    }
}
