// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice One round's statement about every account. Times are Unix seconds.
struct Attestation {
    uint64 round;
    uint64 signerEpoch;
    uint64 issuedAt;
    uint64 validUntil;
    bytes32 previous;
    bytes32 parameters;
    bytes32 snapshot;
    bytes32 prices;
    bytes32 accounts;
    uint64 accountCount;
}

/// @notice The quorum's grant of one request: 1 withdrawal, 2 borrow, 3 pool. `amount` is raw token units.
struct Release {
    bytes32 id;
    uint8 kind;
    bytes32 chain;
    address vault;
    bytes32 account;
    address token;
    uint256 amount;
    address recipient;
    uint64 round;
    uint64 deadline;
}

/// @notice The quorum's order to sell `amount` raw units of `token` for at least `minProceeds` raw units of `debtToken`.
struct Seizure {
    bytes32 id;
    bytes32 chain;
    address vault;
    bytes32 account;
    address token;
    uint256 amount;
    address debtToken;
    uint256 minProceeds;
    address sale;
    uint64 round;
    uint64 deadline;
}

/// @notice The next signer set. `signers` is keccak256(abi.encode(address[])), ascending.
struct SignerSet {
    uint64 epoch;
    uint64 threshold;
    bytes32 signers;
    uint64 activatesAt;
    bytes32 previous;
}

/// @notice One leaf of the account tree. The four margins are USD x 1e18.
struct AccountState {
    bytes32 account;
    int256 equity;
    int256 initial;
    int256 liquidationEnd;
    int256 maintenance;
    uint8 status;
    uint32 flags;
    bytes32 detail;
}

/// @notice The hashes of everything that is signed or proved, as docs/protocol.md sections 1 to 3 fix them.
/// @dev Every struct here has only static members, so abi.encode of a struct is EIP-712's encodeData to the byte.
library Protocol {
    string internal constant NAME = "Margrave";
    string internal constant VERSION = "1";

    uint8 internal constant STATUS_LIQUIDATABLE = 2;
    uint8 internal constant STATUS_BANKRUPT = 3;
    /// @notice Flag bits 0 (has a debt or position) and 1 (the ledger differs from the vaults' books): either forbids exit.
    uint32 internal constant FLAGS_NO_EXIT = 3;

    uint8 internal constant RELEASE_WITHDRAWAL = 1;
    uint8 internal constant RELEASE_BORROW = 2;
    uint8 internal constant RELEASE_POOL = 3;

    bytes32 internal constant DOMAIN_TYPEHASH = keccak256("EIP712Domain(string name,string version,bytes32 salt)");
    bytes32 internal constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(uint64 round,uint64 signerEpoch,uint64 issuedAt,uint64 validUntil,bytes32 previous,bytes32 parameters,bytes32 snapshot,bytes32 prices,bytes32 accounts,uint64 accountCount)"
    );
    bytes32 internal constant RELEASE_TYPEHASH = keccak256(
        "Release(bytes32 id,uint8 kind,bytes32 chain,address vault,bytes32 account,address token,uint256 amount,address recipient,uint64 round,uint64 deadline)"
    );
    bytes32 internal constant SEIZURE_TYPEHASH = keccak256(
        "Seizure(bytes32 id,bytes32 chain,address vault,bytes32 account,address token,uint256 amount,address debtToken,uint256 minProceeds,address sale,uint64 round,uint64 deadline)"
    );
    bytes32 internal constant SIGNER_SET_TYPEHASH =
        keccak256("SignerSet(uint64 epoch,uint64 threshold,bytes32 signers,uint64 activatesAt,bytes32 previous)");

    function domainSeparator(bytes32 network) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, keccak256(bytes(NAME)), keccak256(bytes(VERSION)), network));
    }

    function hash(Attestation calldata a) internal pure returns (bytes32) {
        return keccak256(abi.encode(ATTESTATION_TYPEHASH, a));
    }

    function hash(Release calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(RELEASE_TYPEHASH, r));
    }

    function hash(Seizure calldata s) internal pure returns (bytes32) {
        return keccak256(abi.encode(SEIZURE_TYPEHASH, s));
    }

    function hash(SignerSet memory s) internal pure returns (bytes32) {
        return keccak256(abi.encode(SIGNER_SET_TYPEHASH, s));
    }

    /// @notice The double hash that OpenZeppelin's merkle-tree library gives a leaf.
    function leafHash(AccountState calldata s) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(s))));
    }

    function releaseId(bytes32 chain, address vault, uint64 request) internal pure returns (bytes32) {
        return keccak256(abi.encode("release", chain, vault, uint256(request)));
    }

    /// @notice What a vault keeps of a request; `kind` is that of the Release that would grant it.
    function requestHash(uint8 kind, bytes32 account, address token, uint256 amount, address recipient)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(kind, account, token, amount, recipient));
    }

    /// @notice The account of an EVM owner: itself left-padded for sub-account 0, a hash of both beyond.
    function accountOf(address owner, uint256 sub) internal pure returns (bytes32) {
        return sub == 0 ? pad(owner) : keccak256(abi.encode(owner, sub));
    }

    function pad(address a) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(a)));
    }
}
