// SPDX-License-Identifier: Apache-2.0
// Checks every leaf of a published attestation log with ethers and @openzeppelin/merkle-tree and nothing of ours:
//   node verify_leaf.mjs DIR
// For each signed statement: the digest of its typed data, who signed it, and the rows behind its hashes.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(new URL("../../contracts/package.json", import.meta.url));
const { AbiCoder, TypedDataEncoder, keccak256, recoverAddress, toUtf8Bytes } = require("ethers");
const { StandardMerkleTree } = require("@openzeppelin/merkle-tree");

const abi = AbiCoder.defaultAbiCoder();
const named = (text) => keccak256(toUtf8Bytes(text));
const ZERO = "0x" + "00".repeat(32);
const PRICE = ["bytes32", "int256", "uint256", "uint64", "uint8", "bytes32"];
const HEAD = "tuple(bytes32 chain,uint64 number,bytes32 hash,uint64 events,bytes32 accumulator)[]";
const TILE_WIDTH = 256;

const dir = process.argv[2];
if (dir === undefined) {
  console.error("usage: node verify_leaf.mjs DIR");
  process.exit(1);
}
let failures = 0;
const counts = {};

function check(index, what, actual, expected) {
  if (actual === expected) return;
  failures += 1;
  console.error(`entry ${index}: ${what} is ${actual}, expected ${expected}`);
}

function bundlePath(n, width) {
  let path = String(n % 1000).padStart(3, "0");
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  }
  const full = join(dir, "tile", "entries", path);
  const partial = join(`${full}.p`, String(width));
  return width < TILE_WIDTH && existsSync(partial) ? partial : full;
}

function readEntries() {
  const size = Number(readFileSync(join(dir, "checkpoint"), "utf8").split("\n")[1]);
  const entries = [];
  for (let n = 0; n * TILE_WIDTH < size; n += 1) {
    const width = Math.min(TILE_WIDTH, size - n * TILE_WIDTH);
    const data = readFileSync(bundlePath(n, width));
    for (let i = 0, at = 0; i < width; i += 1) {
      const end = at + 2 + data.readUInt16BE(at);
      if (end > data.length) throw new Error(`bundle ${n} is cut at entry ${i}`);
      entries.push(data.subarray(at + 2, end));
      at = end;
    }
  }
  return entries;
}

function snapshotHash(rows) {
  const heads = rows.map((row) => ({ ...row, chain: named(row.chain) }));
  return keccak256(abi.encode([HEAD], [heads]));
}

function pricesRoot(rows) {
  if (rows.length === 0) return ZERO;
  const values = rows.map((row) => [named(row.asset), row.price, row.confidence, row.publishedAt, row.verdict, row.sources]);
  return StandardMerkleTree.of(values, PRICE, { sortLeaves: false }).root;
}

const idOf = {
  release: (leaf, message) =>
    keccak256(abi.encode(["string", "bytes32", "address", "uint256"], ["release", message.chain, message.vault, leaf.request])),
  seizure: (leaf, message) =>
    keccak256(abi.encode(["string", "bytes32", "uint256", "uint256"], ["seizure", message.account, leaf.lock, leaf.leg])),
};

function checkSignatures(index, leaf, digest) {
  check(index, "digest", leaf.digest, digest);
  for (const { signer, signature } of leaf.signatures) {
    check(index, "signer", recoverAddress(digest, signature).toLowerCase(), signer);
  }
  counts.signatures = (counts.signatures ?? 0) + leaf.signatures.length;
}

function checkTyped(index, leaf) {
  const { domain, types, primaryType, message } = leaf.typedData;
  const { EIP712Domain, ...rest } = types;
  check(index, "domain type", TypedDataEncoder.from({ EIP712Domain }).encodeType("EIP712Domain"), "EIP712Domain(string name,string version,bytes32 salt)");
  check(index, "primary type", TypedDataEncoder.getPrimaryType(rest), primaryType);
  check(index, "network", domain.salt, network);
  checkSignatures(index, leaf, TypedDataEncoder.hash(domain, rest, message));
  if (leaf.kind === "attestation") {
    check(index, "snapshot", snapshotHash(leaf.snapshot), message.snapshot);
    check(index, "prices root", pricesRoot(leaf.prices), message.prices);
  } else if (leaf.kind === "signers") {
    check(index, "signers", keccak256(abi.encode(["address[]"], [leaf.signers])), message.signers);
  } else {
    check(index, "id", idOf[leaf.kind](leaf, message), message.id);
  }
}

// Keys of canonical JSON ascend and every integer is a text, so that JSON.stringify gives the same bytes back.
function canonical(value) {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, canonical(value[key])]));
}

const digests = { attestation: checkTyped, release: checkTyped, seizure: checkTyped, signers: checkTyped };
let network;

function checkLeaf(bytes, index) {
  const text = bytes.toString("utf8");
  const leaf = JSON.parse(text);
  check(index, "canonical form", JSON.stringify(canonical(leaf)), text);
  if (index === 0) {
    check(index, "first kind", leaf.kind, "genesis");
    network = named(JSON.stringify(leaf.genesis));
  }
  counts[leaf.kind] = (counts[leaf.kind] ?? 0) + 1;
  if (leaf.kind === "parameters") check(index, "hash", leaf.hash, named(JSON.stringify(leaf.parameters)));
  if (leaf.kind === "key") {
    const words = ["margrave log key v1", network, named(leaf.vkey)];
    checkSignatures(index, leaf, keccak256(abi.encode(["string", "bytes32", "bytes32"], words)));
  }
  digests[leaf.kind]?.(index, leaf);
}

readEntries().forEach((bytes, index) => {
  try {
    checkLeaf(bytes, index);
  } catch (error) {
    failures += 1;
    console.error(`entry ${index}: ${error.message}`);
  }
});
console.log(Object.entries(counts).map(([kind, count]) => `${kind} ${count}`).join(", ") + `; ${failures} failures`);
process.exit(failures === 0 ? 0 : 1);
