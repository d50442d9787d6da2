// SPDX-License-Identifier: Apache-2.0
// What a liar must know of the vault (docs/protocol.md): its event, its accumulator and its views.
import { ethers } from "./packages.mjs";

const { AbiCoder, id, keccak256, toBeHex, zeroPadValue, dataSlice, concat } = ethers;
const abi = AbiCoder.defaultAbiCoder();

export const MOVEMENT = id("Movement(uint64,uint8,bytes32,address,uint256,bytes32)");
export const EVENT_COUNT = id("eventCount()").slice(0, 10);
export const ACCUMULATOR = id("accumulator()").slice(0, 10);
export const BALANCE_OF = id("balanceOf(address)").slice(0, 10);
export const DEPOSIT = id("deposit(bytes32,address,uint256)").slice(0, 10);
export const ZERO = "0x" + "00".repeat(20);

export const word = (value) => toBeHex(BigInt(value), 32);

/** An account id from an address or from 32 bytes. */
export const accountId = (text) => zeroPadValue(text, 32);

/** {sequence, kind, account, token, amount, counterparty} <-> the log's topics and data. */
export function encodeMovement(move) {
  return {
    topics: [MOVEMENT, word(move.sequence), word(move.kind), accountId(move.account)],
    data: abi.encode(["address", "uint256", "bytes32"], [move.token, move.amount, accountId(move.counterparty)]),
  };
}

export function decodeMovement(log) {
  const [token, amount, counterparty] = abi.decode(["address", "uint256", "bytes32"], log.data);
  return {
    sequence: BigInt(log.topics[1]), kind: Number(BigInt(log.topics[2])), account: log.topics[3],
    token, amount, counterparty,
  };
}

export const isMovement = (log, vault) =>
  log.address.toLowerCase() === vault.toLowerCase() && log.topics[0] === MOVEMENT && log.topics.length === 4;

export function fold(accumulator, move) {
  return keccak256(abi.encode(
    ["bytes32", "uint64", "uint8", "bytes32", "address", "uint256", "bytes32"],
    [accumulator, move.sequence, move.kind, accountId(move.account), move.token, move.amount,
      accountId(move.counterparty)],
  ));
}

/** Whether the call data is token.balanceOf(holder). */
export const asksBalanceOf = (data, holder) =>
  data.length === 74 && data.startsWith(BALANCE_OF) && dataSlice(data, 16).toLowerCase() === holder.toLowerCase();

/** deposit(account, token, amount), as a user's transaction would carry it. */
export const depositData = (move) =>
  concat([DEPOSIT, abi.encode(["bytes32", "address", "uint256"], [accountId(move.account), move.token, move.amount])]);
