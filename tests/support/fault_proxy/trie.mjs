// SPDX-License-Identifier: Apache-2.0
// A Merkle Patricia trie (Ethereum yellow paper, appendix D) over a fixed set of keys: root and proofs. It is written
// against the paper and shares nothing with the daemon's own, so that one can be tested with the other.
import { ethers } from "./packages.mjs";

const { keccak256, encodeRlp, getBytes, toBeHex } = ethers;

export const EMPTY_TRIE = keccak256("0x80");

const nibblesOf = (key) => [...getBytes(key)].flatMap((byte) => [byte >> 4, byte & 15]);

/** Hex-prefix encoding: the first nibble says odd length (1) and leaf (2). */
function compact(nibbles, leaf) {
  const flag = (leaf ? 2 : 0) + (nibbles.length % 2);
  const all = nibbles.length % 2 ? [flag, ...nibbles] : [flag, 0, ...nibbles];
  return "0x" + all.map((nibble) => nibble.toString(16)).join("");
}

function sharedLength(rows, depth) {
  const first = rows[0].path;
  let length = first.length;
  for (const { path } of rows) {
    let n = depth;
    while (n < length && n < path.length && path[n] === first[n]) n++;
    length = n;
  }
  return length - depth;
}

/** A node as RLP wants it: arrays of hex strings and, for a child under 32 bytes, the child itself. */
function build(rows, depth) {
  if (rows.length === 1) return [compact(rows[0].path.slice(depth), true), rows[0].value];
  const shared = sharedLength(rows, depth);
  if (shared > 0) {
    const path = rows[0].path.slice(depth, depth + shared);
    return [compact(path, false), reference(build(rows, depth + shared))];
  }
  const branch = [];
  for (let nibble = 0; nibble < 16; nibble++) {
    const below = rows.filter(({ path }) => path.length > depth && path[depth] === nibble);
    branch.push(below.length ? reference(build(below, depth + 1)) : "0x");
  }
  branch.push(rows.find(({ path }) => path.length === depth)?.value ?? "0x");
  return branch;
}

function reference(node) {
  const rlp = encodeRlp(node);
  return rlp.length - 2 < 64 ? node : keccak256(rlp);
}

const rowsOf = (entries) => entries.map(([key, value]) => ({ path: nibblesOf(key), value }));

/** entries: [key hex, value hex], keys distinct, values not empty. */
export function trieRoot(entries) {
  return entries.length ? keccak256(encodeRlp(build(rowsOf(entries), 0))) : EMPTY_TRIE;
}

/** The nodes from the root towards `key`, as eth_getProof lists them; they prove its value or that it is not there. */
export function trieProof(entries, key) {
  if (!entries.length) return [];
  const path = nibblesOf(key);
  const proof = [];
  let rows = rowsOf(entries);
  let depth = 0;
  while (rows.length) {
    const rlp = encodeRlp(build(rows, depth));
    // A node under 32 bytes is inside its parent and is not listed again.
    if (proof.length === 0 || rlp.length - 2 >= 64) proof.push(rlp);
    if (rows.length === 1) break;
    const shared = sharedLength(rows, depth);
    const fits = rows[0].path.slice(depth, depth + shared).every((nibble, i) => nibble === path[depth + i]);
    if (!fits) break;
    depth += shared;
    if (shared > 0) continue;
    rows = rows.filter((row) => row.path[depth] === path[depth]);
    depth += 1;
  }
  return proof;
}

/** Root over a list: the key is RLP(index), as for transactions and receipts. */
export function listRoot(values) {
  const rlpIndex = (i) => encodeRlp(i === 0 ? "0x" : toBeHex(i));
  return trieRoot(values.map((value, i) => [rlpIndex(i), value]));
}
