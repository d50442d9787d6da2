// SPDX-License-Identifier: Apache-2.0
export const vaultAbi = [
  {
    type: "event",
    name: "Movement",
    inputs: [
      { name: "sequence", type: "uint64", indexed: true },
      { name: "kind", type: "uint8", indexed: true },
      { name: "account", type: "bytes32", indexed: true },
      { name: "token", type: "address", indexed: false },
      { name: "amount", type: "uint256", indexed: false },
      { name: "counterparty", type: "bytes32", indexed: false },
    ],
  },
] as const;
