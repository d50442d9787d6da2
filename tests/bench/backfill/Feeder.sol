// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface IVault {
    function deposit(bytes32 account, address token, uint256 amount) external payable;
}

interface IToken {
    function mint(address to, uint256 amount) external;
    function approve(address spender, uint256 amount) external returns (bool);
}

/// @title Feeder: fills a chain with deposits for the backfill benchmark
/// @notice Deposit `n` of `accounts` is the same on every run: whose it is, what it is worth and in which of two assets
/// follow from `n` alone. Even accounts hold the native coin, odd ones the token. For local chains only.
contract Feeder {
    IVault public immutable vault;
    Bank public immutable bank;
    address public immutable token;

    constructor(address vault_, address token_) payable {
        vault = IVault(vault_);
        bank = new Bank();
        token = token_;
        IToken(token_).mint(address(this), type(uint128).max);
        IToken(token_).approve(vault_, type(uint256).max);
    }

    /// @notice The account of deposit `n`, and what is deposited.
    function entry(uint256 n, uint256 accounts) public pure returns (bool native, address owner, uint256 amount) {
        uint256 dice = uint256(keccak256(abi.encode(n)));
        uint256 index = dice % accounts;
        native = index % 2 == 0;
        owner = address(uint160(uint256(keccak256(abi.encode("owner", index)))));
        amount = 1 + (dice >> 128) % 1e15;
    }

    /// @notice Deposits `first` to `first + count - 1` into the vault.
    function deposits(uint256 first, uint256 count, uint256 accounts) external {
        for (uint256 n = first; n < first + count; ++n) {
            (bool native, address owner, uint256 amount) = entry(n, accounts);
            address asset = native ? address(0) : token;
            vault.deposit{value: native ? amount : 0}(bytes32(uint256(uint160(owner))), asset, amount);
        }
    }

    /// @notice The same entries, put into the bank: a contract whose events carry no sequence.
    function puts(uint256 first, uint256 count, uint256 accounts) external {
        for (uint256 n = first; n < first + count; ++n) {
            (, address owner, uint256 amount) = entry(n, accounts);
            bank.put(owner, amount);
        }
    }
}

/// @title Bank: somebody else's contract, known to Margrave by an event mapping only
contract Bank {
    uint256 public count;
    uint256 public total;
    mapping(address owner => uint256) public held;

    event Put(address indexed owner, uint256 amount);

    function put(address owner, uint256 amount) external {
        count += 1;
        total += amount;
        held[owner] += amount;
        emit Put(owner, amount);
    }
}
