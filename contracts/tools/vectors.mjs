// SPDX-License-Identifier: Apache-2.0
// Writes test/vectors.json: samples of everything that docs/protocol.md fixes to the byte, computed by ethers and by
// OpenZeppelin's merkle-tree library and by nothing of ours. Forge and the C++ tests read the same file.
// Integers are decimal strings. With --check it writes nothing and fails when the committed file differs.
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { AbiCoder, Signature, SigningKey, TypedDataEncoder, Wallet, concat, keccak256, toUtf8Bytes } from "ethers";
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../test/vectors.json", import.meta.url);
const abi = AbiCoder.defaultAbiCoder();
const named = (text) => keccak256(toUtf8Bytes(text));
const addressOf = (text) => new Wallet(named(text)).address;
const padded = (address) => abi.encode(["address"], [address]);
const INT256_MAX = 2n ** 255n - 1n;
const POSITION_BOUND = 2n ** 191n - 1n;
const UINT256_MAX = 2n ** 256n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

const network = named("margrave vectors: network");
const domain = { name: "Margrave", version: "1", salt: network };
const hub = named("eip155:31337");
const keys = ["a", "b", "c"].map((letter) => new SigningKey(named(`margrave vectors: signer ${letter}`)))
  .sort((a, b) => (new Wallet(a).address.toLowerCase() < new Wallet(b).address.toLowerCase() ? -1 : 1));
const signers = keys.map((key) => new Wallet(key).address);

const fields = (text) => text.split(",").map((part) => ({ type: part.split(" ")[0], name: part.split(" ")[1] }));
const TYPES = {
  Attestation: fields("uint64 round,uint64 signerEpoch,uint64 issuedAt,uint64 validUntil,bytes32 previous,bytes32 parameters,bytes32 snapshot,bytes32 prices,bytes32 accounts,uint64 accountCount"),
  Release: fields("bytes32 id,uint8 kind,bytes32 chain,address vault,bytes32 account,address token,uint256 amount,address recipient,uint64 round,uint64 deadline"),
  Seizure: fields("bytes32 id,bytes32 chain,address vault,bytes32 account,address token,uint256 amount,address debtToken,uint256 minProceeds,address sale,uint64 round,uint64 deadline"),
  SignerSet: fields("uint64 epoch,uint64 threshold,bytes32 signers,uint64 activatesAt,bytes32 previous"),
  Link: fields("bytes32 account,bytes32 chain,bytes32 wallet,uint64 nonce,uint64 deadline"),
};
const ACCOUNT_STATE = fields("bytes32 account,int256 equity,int256 initial,int256 liquidationEnd,int256 maintenance,uint8 status,uint32 flags,bytes32 detail");
const PRICE = fields("bytes32 asset,int256 price,uint256 confidence,uint64 publishedAt,uint8 verdict,bytes32 sources");
const HEAD = fields("bytes32 chain,uint64 number,bytes32 hash,uint64 events,bytes32 accumulator");

function decimals(value) {
  if (typeof value === "bigint" || typeof value === "number") return value.toString();
  if (typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value)) return value.toLowerCase();
  if (Array.isArray(value)) return value.map(decimals);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decimals(inner)]));
}

function typed(primaryType, message) {
  const types = { [primaryType]: TYPES[primaryType] };
  const digest = TypedDataEncoder.hash(domain, types, message);
  const signatures = keys.map((key) => Signature.from(key.sign(digest)).serialized);
  return {
    primaryType,
    type: TypedDataEncoder.from(types).encodeType(primaryType),
    message,
    structHash: TypedDataEncoder.hashStruct(primaryType, types, message),
    digest,
    signatures,
    concatenated: concat(signatures),
  };
}

function tree(types, rows) {
  const names = types.map((field) => field.type);
  const values = rows.map((row) => types.map((field) => row[field.name]));
  const built = rows.length === 0 ? null : StandardMerkleTree.of(values, names, { sortLeaves: false });
  return {
    size: rows.length,
    root: built === null ? "0x" + "00".repeat(32) : built.root,
    leaves: rows.map((row, i) => ({
      value: row, encoded: abi.encode(names, values[i]), leaf: built.leafHash(values[i]), proof: built.getProof(i),
    })),
  };
}

function accounts(size) {
  const ids = Array.from({ length: size }, (_, i) => named(`account ${size} ${i}`)).sort();
  return ids.map((account, i) => {
    const seed = BigInt(keccak256(account));
    const equity = i === 3 ? INT256_MAX : i === 4 ? -INT256_MAX - 1n : (seed % 10n ** 30n) - 10n ** 29n;
    const initial = i === 4 ? equity : equity - (seed >> 100n) % 10n ** 27n;
    const flags = Number((seed >> 40n) & 0xffffffffn);
    return {
      account, equity, initial, liquidationEnd: initial, maintenance: equity, status: i % 5, flags,
      detail: named(`detail ${size} ${i}`),
    };
  });
}

function prices() {
  const assets = ["eip155:1/slip44:60", "eip155:1/erc20:0x01", "eip155:10/erc20:0x02", "solana:x/slip44:501", "bip122:y/slip44:0"];
  return assets.map(named).sort().map((asset, i) => ({
    asset, price: [3_141_592653589793238462n, 10n ** 18n, 1n, 0n, INT256_MAX][i], confidence: [10n ** 15n, 0n, 1n, UINT256_MAX, 7n][i],
    publishedAt: 1_700_000_000n + BigInt(i), verdict: i, sources: named(`sources ${i}`),
  }));
}

function snapshot() {
  const chains = ["eip155:1", "eip155:10", "eip155:31337"].map(named).sort();
  const heads = chains.map((chain, i) => ({
    chain, number: 100n + BigInt(i), hash: named(`block ${i}`), events: i === 2 ? UINT64_MAX : BigInt(i), accumulator: i === 0 ? "0x" + "00".repeat(32) : named(`acc ${i}`),
  }));
  const type = `tuple(${HEAD.map((field) => `${field.type} ${field.name}`).join(",")})[]`;
  const of = (list) => ({ heads: list, encoded: abi.encode([type], [list]), hash: keccak256(abi.encode([type], [list])) });
  return [of([]), of(heads.slice(0, 1)), of(heads)];
}

function fold(types, events) {
  let accumulator = "0x" + "00".repeat(32);
  return events.map((event, i) => {
    const sequence = BigInt(i + 1);
    const words = [accumulator, sequence, ...Object.values(event)];
    accumulator = keccak256(abi.encode(["bytes32", "uint64", ...types], words));
    return { sequence, ...event, accumulator };
  });
}

function movements() {
  const [payer, recipient, token] = ["payer", "recipient", "token"].map(addressOf);
  const native = "0x" + "00".repeat(20);
  const account = padded(payer);
  const pool = "0x" + "00".repeat(32);
  const rows = [
    [1, account, token, 1_000_000n, padded(payer)], [1, account, native, 10n ** 18n, padded(payer)],
    [8, pool, token, 5_000_000n, padded(payer)], [2, account, token, 400_000n, padded(recipient)],
    [3, account, native, 3n, padded(recipient)], [7, account, token, 77n, padded(payer)],
    [4, account, token, 400_000n, named("release id")], [5, account, native, UINT256_MAX, named("seizure id")],
    [6, account, token, 12n, named("seizure id")], [9, account, token, 600_000n, padded(payer)],
  ].map(([kind, who, what, amount, counterparty]) => ({ kind, account: who, token: what, amount, counterparty }));
  const events = fold(["uint8", "bytes32", "address", "uint256", "bytes32"], rows);
  return { payer, recipient, token, events };
}

function positions() {
  const rows = [[1, 10n ** 18n, 65_000n * 10n ** 18n], [2, -(10n ** 18n), 1n], [1, 0n, 0n], [3, -POSITION_BOUND, POSITION_BOUND]]
    .map(([i, size, entryPrice]) => ({ account: named(`trader ${i}`), market: named(`market ${i}`), size, entryPrice }));
  return fold(["bytes32", "bytes32", "int256", "int256"], rows);
}

const vault = addressOf("vault");
const releaseId = (chain, at, request) =>
  ({ chain, vault: at, request, id: keccak256(abi.encode(["string", "bytes32", "address", "uint256"], ["release", chain, at, request])) });
const seizureId = (account, lock, leg) =>
  ({ account, lock, leg, id: keccak256(abi.encode(["string", "bytes32", "uint256", "uint256"], ["seizure", account, lock, leg])) });
const accountId = (owner, sub) =>
  ({ owner, sub, account: sub === 0n ? padded(owner) : keccak256(abi.encode(["address", "uint256"], [owner, sub])) });
const request = (kind, account, token, amount, recipient) => ({
  kind, account, token, amount, recipient,
  hash: keccak256(abi.encode(["uint8", "bytes32", "address", "uint256", "address"], [kind, account, token, amount, recipient])),
});

function statements() {
  const owner = addressOf("owner");
  const account = padded(owner);
  const trees = tree(ACCOUNT_STATE, accounts(5));
  const attestation = typed("Attestation", {
    round: 7n, signerEpoch: 1n, issuedAt: 1_700_000_000n, validUntil: 1_700_000_060n, previous: named("previous"),
    parameters: named("parameters"), snapshot: snapshot()[2].hash, prices: tree(PRICE, prices()).root, accounts: trees.root, accountCount: 5n,
  });
  const release = typed("Release", {
    id: releaseId(hub, vault, 4n).id, kind: 1, chain: hub, vault, account, token: addressOf("token"), amount: 400_000n,
    recipient: addressOf("recipient"), round: 7n, deadline: 1_700_003_600n,
  });
  const seizure = typed("Seizure", {
    id: seizureId(account, 1n, 0n).id, chain: hub, vault, account, token: addressOf("token"), amount: UINT256_MAX,
    debtToken: addressOf("debt"), minProceeds: 1n, sale: addressOf("sale"), round: 7n, deadline: UINT64_MAX,
  });
  const listHash = keccak256(abi.encode(["address[]"], [signers]));
  const first = typed("SignerSet", { epoch: 1n, threshold: 2n, signers: listHash, activatesAt: 0n, previous: "0x" + "00".repeat(32) });
  const next = [addressOf("next 1"), addressOf("next 2")].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  const second = typed("SignerSet", {
    epoch: 2n, threshold: 1n, signers: keccak256(abi.encode(["address[]"], [next])), activatesAt: 1_700_100_000n, previous: first.digest,
  });
  const link = typed("Link", { account, chain: named("eip155:10"), wallet: padded(addressOf("wallet")), nonce: 1n, deadline: 1_700_003_600n });
  return { attestation, release, seizure, firstSignerSet: first, nextSignerSet: second, nextSigners: next, link };
}

function vectors() {
  const owner = addressOf("owner");
  const account = padded(owner);
  return {
    about: "Protocol version 1, computed by ethers and @openzeppelin/merkle-tree. Written by contracts/tools/vectors.mjs; do not edit. Private keys are for tests.",
    network,
    domain,
    domainSeparator: TypedDataEncoder.hashDomain(domain),
    keys: keys.map((key, i) => ({ privateKey: key.privateKey, address: signers[i] })),
    signersHash: keccak256(abi.encode(["address[]"], [signers])),
    chains: ["eip155:1", "eip155:8453", "eip155:31337"].map((caip2) => ({ caip2, chain: named(caip2) })),
    statements: statements(),
    accountTrees: [0, 1, 2, 3, 5, 8, 13].map((size) => tree(ACCOUNT_STATE, accounts(size))),
    priceTree: tree(PRICE, prices()),
    snapshots: snapshot(),
    releaseIds: [releaseId(hub, vault, 1n), releaseId(hub, vault, 4n), releaseId(named("eip155:10"), addressOf("other"), UINT64_MAX)],
    seizureIds: [seizureId(account, 1n, 0n), seizureId(account, 1n, 1n), seizureId(named("someone"), UINT64_MAX, 255n)],
    accountIds: [accountId(owner, 0n), accountId(owner, 1n), accountId(owner, UINT256_MAX)],
    requestHashes: [
      request(1, account, addressOf("token"), 400_000n, addressOf("recipient")), request(2, account, "0x" + "00".repeat(20), UINT256_MAX, owner),
      request(3, "0x" + "00".repeat(32), addressOf("token"), 1n, owner),
    ],
    movements: movements(),
    positions: positions(),
  };
}

const text = JSON.stringify(decimals(vectors()), null, 1) + "\n";
if (!process.argv.includes("--check")) {
  writeFileSync(path, text);
} else if (readFileSync(path, "utf8") !== text) {
  console.error("test/vectors.json differs from what tools/vectors.mjs computes. Run `npm run vectors` and commit the result.");
  process.exitCode = 4;
}
