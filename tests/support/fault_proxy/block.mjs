// SPDX-License-Identifier: Apache-2.0
// Block headers, receipts and blooms as Ethereum hashes them, from the JSON that nodes answer.
import { ethers } from "./packages.mjs";
import { listRoot } from "./trie.mjs";

const { keccak256, encodeRlp, concat, getBytes, hexlify, toBeHex } = ethers;

/** An integer as RLP wants it: big endian without leading zeros. */
export function integer(value) {
  const n = BigInt(value);
  return n === 0n ? "0x" : toBeHex(n);
}

export const quantity = (value) => "0x" + BigInt(value).toString(16);

// In the order of the header; the later ones came with forks and are absent before them.
const HEADER = [
  ["parentHash"], ["sha3Uncles"], ["miner"], ["stateRoot"], ["transactionsRoot"], ["receiptsRoot"], ["logsBloom"],
  ["difficulty", integer], ["number", integer], ["gasLimit", integer], ["gasUsed", integer], ["timestamp", integer],
  ["extraData"], ["mixHash"], ["nonce"], ["baseFeePerGas", integer], ["withdrawalsRoot"], ["blobGasUsed", integer],
  ["excessBlobGas", integer], ["parentBeaconBlockRoot"], ["requestsHash"],
];

export function headerHash(block) {
  const present = HEADER.filter(([name]) => block[name] !== undefined && block[name] !== null);
  return keccak256(encodeRlp(present.map(([name, encode]) => (encode ? encode(block[name]) : block[name]))));
}

/** Yellow paper, section 4.3.1: three bits of 2048 for the address and for each topic. */
export function bloomOf(logs) {
  const bits = new Uint8Array(256);
  for (const item of logs.flatMap((log) => [log.address, ...log.topics])) {
    const hash = getBytes(keccak256(item));
    for (const i of [0, 2, 4]) {
      const bit = ((hash[i] << 8) | hash[i + 1]) & 2047;
      bits[255 - (bit >> 3)] |= 1 << (bit & 7);
    }
  }
  return hexlify(bits);
}

export function mergeBlooms(blooms) {
  const bits = new Uint8Array(256);
  for (const bloom of blooms) getBytes(bloom).forEach((byte, i) => (bits[i] |= byte));
  return hexlify(bits);
}

function encodeReceipt(receipt) {
  const logs = receipt.logs.map((log) => [log.address, log.topics, log.data]);
  const fields = [receipt.root ?? integer(receipt.status), integer(receipt.cumulativeGasUsed), receipt.logsBloom, logs];
  const type = BigInt(receipt.type ?? 0);
  return type === 0n ? encodeRlp(fields) : concat([toBeHex(type), encodeRlp(fields)]);
}

export const receiptsRoot = (receipts) => listRoot(receipts.map(encodeReceipt));

/** EIP-1559: what the base fee must be after `parent`; absent before that fork. */
export function nextBaseFee(parent) {
  if (parent.baseFeePerGas === undefined) return undefined;
  const fee = BigInt(parent.baseFeePerGas);
  const target = BigInt(parent.gasLimit) / 2n;
  const used = BigInt(parent.gasUsed);
  if (used === target) return fee;
  const step = (fee * (used > target ? used - target : target - used)) / target / 8n;
  if (used < target) return fee - step;
  return fee + (step > 0n ? step : 1n);
}
