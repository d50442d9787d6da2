// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Refuses native coin.
contract RefusingRecipient {
    receive() external payable {
        revert("no coin, thank you");
    }
}

/// @notice Answers a payment with a megabyte, to burn the payer's gas.
contract LoudRecipient {
    receive() external payable {
        assembly {
            revert(0, 1000000)
        }
    }
}

/// @notice Calls the payer back when it is paid, once, and keeps what it was answered.
contract ReentrantRecipient {
    address public target;
    bytes public call;
    bytes public answer;
    bool public succeeded;

    function arm(address target_, bytes calldata call_) external {
        (target, call) = (target_, call_);
    }

    receive() external payable {
        if (target == address(0)) return;
        address callee = target;
        target = address(0);
        (succeeded, answer) = callee.call(call);
    }
}

/// @notice A sale that does something else than selling.
contract BadSale {
    address public target;
    bytes public call;

    function arm(address target_, bytes calldata call_) external {
        (target, call) = (target_, call_);
    }

    function run() external payable {
        _run();
    }

    function open(bytes32, bytes32, address, uint256, address, uint256) external payable {
        if (target != address(0)) _run();
    }

    function _run() private {
        (bool ok, bytes memory answer) = target.call{value: msg.value}(call);
        if (!ok) {
            assembly {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }
}
