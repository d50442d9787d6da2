// SPDX-License-Identifier: Apache-2.0
// Each fault about heads, finality, logs, blocks, receipts, state and transactions does what it says, before a real node.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test, { after, before, beforeEach } from "node:test";
import { headerHash, quantity } from "../../support/fault_proxy/block.mjs";
import { ethers } from "../../support/fault_proxy/packages.mjs";
import { FAULTS } from "../../support/fault_proxy/proxy.mjs";
import { decodeMovement, EVENT_COUNT, word } from "../../support/fault_proxy/vault.mjs";
import { ask, asked, CHAIN_ID, envelope, exchange, startAnvil, startWorld } from "./node.mjs";

let w;
before(async () => {
  w = await startWorld(["one"]);
  for (const amount of [5n, 6n, 7n]) await w.deposit(amount);
  await w.mine(2);
});
after(() => w?.stop());
beforeEach(() => w.rules());

const one = (method, ...params) => ask(w.urls.one, method, ...params);
const honest = (method, ...params) => ask(w.anvil.url, method, ...params);
const latest = () => one("eth_getBlockByNumber", "latest", false);
const filter = () => ({ address: w.vault, fromBlock: "0x0", toBlock: "latest" });
const logs = () => one("eth_getLogs", filter());
const amounts = async () => (await logs()).map((log) => Number(decodeMovement(log).amount));

test("staleHead hides the newest blocks from every method", async () => {
  const head = await w.head();
  const newest = await honest("eth_getBlockByNumber", quantity(head), false);
  w.rules({ fault: "staleHead", n: 2 });
  assert.equal(Number(await one("eth_blockNumber")), head - 2);
  assert.equal(Number((await latest()).number), head - 2);
  assert.equal(await one("eth_getBlockByNumber", quantity(head), false), null);
  assert.equal(await one("eth_getBlockByHash", newest.hash, false), null);
  assert.equal(await one("eth_getBlockReceipts", quantity(head)), null);
  const call = await asked(w.urls.one, "eth_call", [{ to: w.vault, data: EVENT_COUNT }, { blockHash: newest.hash }]);
  assert.match(call.error.message, /header not found/);
  assert.deepEqual(await one("eth_getLogs", { ...filter(), fromBlock: quantity(head - 1) }), []);
  assert.match((await asked(w.urls.one, "eth_getLogs", [{ blockHash: newest.hash }])).error.message, /unknown block/);
  // Three deposits are in the blocks before the two empty ones; a node three behind lacks the last.
  assert.deepEqual(await amounts(), [5, 6, 7]);
  w.rules({ fault: "staleHead", n: 3 });
  assert.deepEqual(await amounts(), [5, 6]);
  assert.equal(await one("eth_call", { to: w.vault, data: EVENT_COUNT }, "latest"), word(2));
  const receipt = (await honest("eth_getLogs", filter())).at(-1).transactionHash;
  assert.equal(await one("eth_getTransactionReceipt", receipt), null);
});

test("freezeHead stays, futureHead runs ahead", async () => {
  w.rules({ fault: "freezeHead" });
  const frozen = Number(await one("eth_blockNumber"));
  await w.mine(3);
  assert.equal(Number((await latest()).number), frozen);
  w.rules({ fault: "futureHead", n: 1000, seconds: 3600 });
  const told = await latest();
  const truth = await honest("eth_getBlockByNumber", "latest", false);
  assert.equal(Number(told.number), Number(truth.number) + 1000);
  assert.equal(Number(told.timestamp), Number(truth.timestamp) + 3600);
  assert.equal(told.hash, truth.hash);
  w.rules({ fault: "futureHead", rehash: true });
  const rehashed = await latest();
  assert.equal(rehashed.hash, headerHash(rehashed));
});

test("finality is missing, null, an error, back, ahead or fixed", async () => {
  const final = () => asked(w.urls.one, "eth_getBlockByNumber", ["finalized", false]);
  const truth = Number((await final()).result.number);
  w.rules({ fault: "finality", mode: "missing" });
  assert.equal((await final()).error.code, -32602);
  w.rules({ fault: "finality", mode: "error" });
  assert.match((await final()).error.message, /finalized block not found/);
  w.rules({ fault: "finality", mode: "null" });
  assert.equal((await final()).result, null);
  w.rules({ fault: "finality", mode: "back", n: 3 });
  assert.equal(Number((await final()).result.number), truth - 3);
  w.rules({ fault: "finality", mode: "fixed", at: 1 });
  assert.equal(Number((await final()).result.number), 1);
  w.rules({ fault: "finality", mode: "ahead", n: 10 });
  const ahead = (await final()).result;
  assert.equal(Number(ahead.number), (await w.head()) + 10);
  assert.equal(ahead.hash, headerHash(ahead));
  w.rules({ fault: "finality", mode: "null" });
  assert.notEqual(await latest(), null);
});

test("logs are dropped, capped, doubled, shuffled and flagged", async () => {
  const dropped = async (rule) => { w.rules(rule); return amounts(); };
  assert.deepEqual(await dropped({ fault: "dropLogs" }), [5, 6]);
  assert.deepEqual(await dropped({ fault: "dropLogs", which: "first" }), [6, 7]);
  assert.deepEqual(await dropped({ fault: "dropLogs", which: "lastBlock" }), [5, 6]);
  assert.deepEqual(await dropped({ fault: "dropLogs", which: "all" }), []);
  assert.deepEqual(await dropped({ fault: "dropLogs", which: "cap", n: 1 }), [5]);
  assert.deepEqual(await dropped({ fault: "dupLogs" }), [5, 5, 6, 6, 7, 7]);
  assert.deepEqual(await dropped({ fault: "dupLogs", which: "last" }), [5, 6, 7, 7]);
  const shuffled = await dropped({ fault: "shuffleLogs", seed: 3 });
  assert.deepEqual([...shuffled].sort(), [5, 6, 7]);
  assert.notDeepEqual(shuffled, [5, 6, 7]);
  w.rules({ fault: "removedFlag", which: "last" });
  assert.deepEqual((await logs()).map((log) => log.removed), [false, false, true]);
});

test("logs are altered field by field, and one is invented", async () => {
  const told = async (field, value) => { w.rules({ fault: "mutateLogs", field, value }); return (await logs()).at(-1); };
  const truth = (await honest("eth_getLogs", filter())).at(-1);
  assert.equal(decodeMovement(await told("amount")).amount, 7_000_000n);
  assert.equal(decodeMovement(await told("amount", "9")).amount, 9n);
  assert.notEqual((await told("user")).topics[3], truth.topics[3]);
  assert.notEqual(decodeMovement(await told("token")).token, decodeMovement(truth).token);
  assert.equal(decodeMovement(await told("sequence")).sequence, 4n);
  assert.equal(decodeMovement(await told("kind", 6)).kind, 6);
  assert.equal((await told("shortData")).data.length, truth.data.length - 2);
  assert.equal((await told("longData")).data.length, truth.data.length + 64);
  for (const [field, name] of Object.entries({
    blockHash: "blockHash", blockNumber: "blockNumber", txn: "transactionHash", index: "logIndex", address: "address",
  })) assert.notEqual((await told(field))[name], truth[name]);
  assert.notEqual((await told("topic")).topics[0], truth.topics[0]);
  w.rules({ fault: "mutateLogs", field: "amount", which: "all" });
  assert.deepEqual(await amounts(), [5_000_000, 6_000_000, 7_000_000]);
  const move = { kind: 1, account: w.account, token: "0x" + "00".repeat(20), amount: "99", counterparty: w.me };
  w.rules({ fault: "injectLog", vault: w.vault, move });
  const invented = (await logs()).at(-1);
  assert.deepEqual([decodeMovement(invented).amount, decodeMovement(invented).sequence], [99n, 4n]);
  assert.equal(invented.blockHash, (await honest("eth_getBlockByNumber", "latest", false)).hash);
});

test("headers are altered with and without a new hash; receipts are null, altered or another block's", async () => {
  w.rules({ fault: "mutateBlock", field: "stateRoot" });
  const changed = await latest();
  assert.notEqual(changed.hash, headerHash(changed));
  w.rules({ fault: "mutateBlock", field: "gasUsed", rehash: true });
  const rehashed = await latest();
  assert.equal(rehashed.hash, headerHash(rehashed));
  assert.notEqual(rehashed.hash, (await honest("eth_getBlockByNumber", "latest", false)).hash);

  const last = (await honest("eth_getLogs", filter())).at(-1);
  const truth = await honest("eth_getTransactionReceipt", last.transactionHash);
  const receipt = async (mode) => { w.rules({ fault: "mutateReceipt", mode }); return one("eth_getTransactionReceipt", last.transactionHash); };
  assert.equal(await receipt("null"), null);
  assert.equal((await receipt("status")).status, "0x0");
  assert.equal((await receipt("logs")).logs.length, truth.logs.length - 1);
  assert.notEqual((await receipt("amount")).logs[0].data, truth.logs[0].data);
  assert.notEqual((await receipt("gas")).cumulativeGasUsed, truth.cumulativeGasUsed);
  assert.notEqual((await receipt("block")).blockHash, truth.blockHash);
  w.rules({ fault: "mutateReceipt", mode: "other" });
  const others = await one("eth_getBlockReceipts", last.blockNumber);
  assert.deepEqual(others, await honest("eth_getBlockReceipts", quantity(Number(last.blockNumber) - 1)));
  w.rules({ fault: "mutateReceipt", mode: "short" });
  assert.deepEqual(await one("eth_getBlockReceipts", last.blockNumber), []);
});

test("replay repeats the first answer for ever, with the right id", async () => {
  w.rules({ fault: "replay" });
  const first = await latest();
  await w.mine();
  const { text } = await exchange(w.urls.one, JSON.stringify(envelope("eth_getBlockByNumber", ["latest", false], 77)));
  assert.deepEqual([JSON.parse(text).id, JSON.parse(text).result.hash], [77, first.hash]);
});

test("forkView answers from two nodes by turns", async () => {
  const other = await startAnvil("--block-time", "1000");
  try {
    w.rules({ fault: "forkView", upstream: other.url });
    const heads = [];
    for (let i = 0; i < 4; i++) heads.push(Number(await one("eth_blockNumber")) === 0);
    assert.deepEqual(heads, [false, true, false, true]);
  } finally {
    other.stop();
  }
});

test("chainId, callResult, scaleQty and nonce", async () => {
  w.rules({ fault: "chainId", value: 1 });
  assert.deepEqual([await one("eth_chainId"), await one("net_version")], ["0x1", "1"]);
  const count = async (rule) => { w.rules({ fault: "callResult", ...rule }); return BigInt(await one("eth_call", { to: w.vault, data: EVENT_COUNT }, "latest")); };
  assert.equal(await count({ to: w.vault, data: EVENT_COUNT, set: "9" }), 9n);
  assert.equal(await count({ word: 0, mul: 10, add: 1 }), 31n);
  assert.equal(await count({ add: -4 }), 2n ** 256n - 1n);
  assert.equal(await count({ value: word(5) }), 5n);
  assert.equal(await count({ to: w.token, set: "9" }), 3n);
  assert.equal(await count({ data: "0x12345678", set: "9" }), 3n);
  w.rules({ fault: "scaleQty", methods: "eth_gasPrice", mul: 1000 });
  assert.equal(BigInt(await one("eth_gasPrice")), 1000n * BigInt(await honest("eth_gasPrice")));
  const truth = Number(await honest("eth_getTransactionCount", w.me, "latest"));
  w.rules({ fault: "nonce", delta: 5 });
  assert.equal(Number(await one("eth_getTransactionCount", w.me, "latest")), truth + 5);
  w.rules({ fault: "nonce", delta: -1, alternate: true });
  const seen = [];
  for (let i = 0; i < 3; i++) seen.push(Number(await one("eth_getTransactionCount", w.me, "latest")) - truth);
  assert.deepEqual(seen, [0, -1, 0]);
});

test("transactions: accepted and the answer lost, swallowed, dropped", async () => {
  const wallet = ethers.Wallet.createRandom();
  await honest("anvil_setBalance", wallet.address, quantity(10n ** 18n));
  const signed = (nonce) => wallet.signTransaction({
    type: 2, chainId: CHAIN_ID, nonce, to: w.me, value: 1n, gasLimit: 21_000n, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n,
  });
  const mined = async (raw) => (await honest("eth_getTransactionReceipt", ethers.keccak256(raw))) !== null;

  w.rules({ fault: "acceptThenFail" });
  const first = await signed(0);
  await assert.rejects(one("eth_sendRawTransaction", first), { code: "ECONNRESET" });
  assert.ok(await mined(first));
  w.rules({ fault: "acceptThenFail", how: "error" });
  const second = await signed(1);
  assert.match((await asked(w.urls.one, "eth_sendRawTransaction", [second])).error.message, /internal error/);
  assert.ok(await mined(second));
  w.rules({ fault: "swallowTx" });
  const third = await signed(2);
  assert.equal(await one("eth_sendRawTransaction", third), ethers.keccak256(third));
  assert.ok(!(await mined(third)));
  await honest("evm_setAutomine", false);
  w.rules({ fault: "dropTx" });
  assert.equal(await one("eth_sendRawTransaction", third), ethers.keccak256(third));
  assert.equal(await honest("eth_getTransactionByHash", ethers.keccak256(third)), null);
  await honest("evm_setAutomine", true);
});

test("every fault of the proxy is made by some test here", () => {
  const texts = ["data", "lie", "rules", "transport", "websocket"]
    .map((name) => readFileSync(new URL(`./${name}_test.mjs`, import.meta.url), "utf8")).join("\n");
  assert.deepEqual(Object.keys(FAULTS).filter((name) => !texts.includes(`fault: "${name}"`)), []);
});
