// SPDX-License-Identifier: Apache-2.0
// The consistent liar: nothing in its chain contradicts anything else in it, and the honest chain's own roots come out of
// the same code, so a reader that refuses it does so for the only reason there is: others say otherwise.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { bloomOf, headerHash, mergeBlooms, nextBaseFee, quantity, receiptsRoot } from "../../support/fault_proxy/block.mjs";
import { ethers } from "../../support/fault_proxy/packages.mjs";
import { listRoot, trieProof, trieRoot } from "../../support/fault_proxy/trie.mjs";
import { ACCUMULATOR, decodeMovement, EVENT_COUNT, fold, isMovement, word, ZERO } from "../../support/fault_proxy/vault.mjs";
import { ask, asked, startWorld } from "./node.mjs";

const { keccak256, decodeRlp, encodeRlp, getBytes } = ethers;
let w;

before(async () => {
  w = await startWorld();
  await w.deposit(10n ** 18n);
  await w.depositToken(5_000_000n);
  await w.mine(2);
});
after(() => w?.stop());

/** Follows a Merkle proof from the root, checking each node's hash; the value, or null when it proves absence. */
function provenValue(root, key, proof) {
  const path = [...getBytes(keccak256(key))].flatMap((byte) => [byte >> 4, byte & 15]);
  if (root === keccak256("0x80")) return null;
  let expected = root;
  let at = 0;
  for (let i = 0; ; ) {
    let node = expected;
    if (typeof expected === "string") {
      assert.equal(keccak256(proof[i]), expected, `node ${i} of the proof`);
      node = decodeRlp(proof[i++]);
    }
    if (node.length === 17) {
      const child = at === path.length ? node[16] : node[path[at++]];
      if (child === "0x") return null;
      expected = child;
      continue;
    }
    const [flag, ...rest] = [...getBytes(node[0])].flatMap((byte) => [byte >> 4, byte & 15]);
    const part = flag % 2 ? rest : rest.slice(1);
    if (!part.every((nibble, n) => nibble === path[at + n])) return null;
    at += part.length;
    if (flag >= 2) return node[1];
    expected = node[1];
  }
}

async function proven(url, block, slot) {
  const proof = await ask(url, "eth_getProof", w.vault, [word(0), word(1)], { blockHash: block.hash });
  const rlp = provenValue(block.stateRoot, w.vault, proof.accountProof);
  const [, balance, storageHash] = decodeRlp(rlp);
  assert.equal(BigInt(balance === "0x" ? 0 : balance), BigInt(proof.balance));
  assert.equal(storageHash, proof.storageHash);
  const value = provenValue(storageHash, word(slot), proof.storageProof[slot].proof);
  return value === null ? 0n : BigInt(decodeRlp(value));
}

/** Every check of one chain against itself, from block `from` on; the vault's movements. */
async function checkChain(url, from, { feesBelow = Infinity } = {}) {
  const to = Number(await ask(url, "eth_blockNumber"));
  let parent = from > 0 ? await ask(url, "eth_getBlockByNumber", quantity(from - 1), false) : null;
  const moves = [];
  for (let number = from; number <= to; number++) {
    const block = await ask(url, "eth_getBlockByNumber", quantity(number), false);
    assert.equal(headerHash(block), block.hash, `header of ${number}`);
    if (parent) {
      assert.equal(block.parentHash, parent.hash, `parent of ${number}`);
      // anvil gives its first block, and those after a reorg, base fees of its own.
      if (number > 1 && number < feesBelow) assert.equal(BigInt(block.baseFeePerGas), nextBaseFee(parent), `base fee of ${number}`);
    }
    assert.deepEqual(await ask(url, "eth_getBlockByHash", block.hash, false), block);
    const receipts = await ask(url, "eth_getBlockReceipts", block.hash);
    assert.equal(receiptsRoot(receipts), block.receiptsRoot, `receipts of ${number}`);
    assert.equal(mergeBlooms(receipts.map((it) => bloomOf(it.logs))), block.logsBloom, `bloom of ${number}`);
    assert.equal(receipts.length ? receipts.at(-1).cumulativeGasUsed : "0x0", block.gasUsed, `gas of ${number}`);
    assert.deepEqual(receipts.map((it) => it.transactionHash), block.transactions);
    const logs = receipts.flatMap((it) => it.logs);
    assert.deepEqual(logs.map((log) => Number(log.logIndex)), logs.map((_, i) => i));
    assert.ok(logs.every((log) => log.blockHash === block.hash && log.blockNumber === block.number));
    assert.deepEqual(await ask(url, "eth_getLogs", { blockHash: block.hash }), logs);
    for (const receipt of receipts) {
      // anvil's own two answers differ in blockTimestamp, which is no part of a receipt.
      const { blockTimestamp, ...alone } = await ask(url, "eth_getTransactionReceipt", receipt.transactionHash);
      assert.equal(receiptsRoot([alone]), receiptsRoot([receipt]));
      assert.equal((await ask(url, "eth_getTransactionByHash", receipt.transactionHash)).blockHash, block.hash);
    }
    moves.push(...logs.filter((log) => isMovement(log, w.vault)).map(decodeMovement));
    parent = block;
  }
  return { moves, head: parent };
}

/** The vault's count and accumulator by call, by slot and by proof, equal to what its events fold to. */
async function checkAccumulator(url, head, moves) {
  const at = { blockHash: head.hash };
  let accumulator = word(0);
  moves.forEach((move, i) => {
    assert.equal(move.sequence, BigInt(i + 1));
    accumulator = fold(accumulator, move);
  });
  assert.equal(await ask(url, "eth_call", { to: w.vault, data: EVENT_COUNT }, at), word(moves.length));
  assert.equal(await ask(url, "eth_call", { to: w.vault, data: ACCUMULATOR }, at), accumulator);
  assert.equal(BigInt(await ask(url, "eth_getStorageAt", w.vault, "0x1", at)), BigInt(accumulator));
  assert.equal(await proven(url, head, 0), BigInt(moves.length));
  assert.equal(await proven(url, head, 1), BigInt(accumulator));
}

test("the honest chain passes every check, so the checks and our hashing are right", async () => {
  const { moves, head } = await checkChain(w.anvil.url, 0);
  assert.equal(moves.length, 2);
  await checkAccumulator(w.anvil.url, head, moves);
  for (let number = 1; number <= Number(head.number); number++) {
    const block = await ask(w.anvil.url, "eth_getBlockByNumber", quantity(number), false);
    const raws = [];
    for (const hash of block.transactions) raws.push(await ask(w.anvil.url, "eth_getRawTransactionByHash", hash));
    assert.equal(listRoot(raws), block.transactionsRoot);
  }
});

test("our trie gives proofs of presence and of absence for 300 keys, and its root moves with every value", () => {
  const entries = Array.from({ length: 300 }, (_, i) => [keccak256(word(i)), encodeRlp(word(i * i + 1))]);
  const root = trieRoot(entries);
  for (let i = 0; i < 300; i += 37) {
    assert.equal(provenValue(root, word(i), trieProof(entries, keccak256(word(i)))), entries[i][1]);
    assert.equal(provenValue(root, word(1000 + i), trieProof(entries, keccak256(word(1000 + i)))), null);
  }
  assert.notEqual(trieRoot([...entries.slice(0, -1), [entries.at(-1)[0], "0x01"]]), root);
  assert.equal(trieRoot([]), keccak256("0x80"));
});

test("an invented deposit in a block of its own is consistent, and moves custody", async () => {
  const at = (await w.head()) + 1;
  const amount = 10n ** 24n;
  const deposits = [
    { account: w.account, token: ZERO, amount: String(amount) },
    { account: w.account, token: w.token, amount: "77" },
  ];
  w.rules({ fault: "consistentLie", at, vault: w.vault, deposits });
  await w.mine(2);
  await w.deposit(3n);
  await w.mine();
  const { moves, head } = await checkChain(w.urls.one, 0);
  assert.deepEqual(moves.map((move) => move.amount), [10n ** 18n, 5_000_000n, amount, 77n, 3n]);
  await checkAccumulator(w.urls.one, head, moves);
  const tag = { blockHash: head.hash };
  assert.equal(BigInt(await ask(w.urls.one, "eth_getBalance", w.vault, tag)), 10n ** 18n + amount + 3n);
  const data = "0x70a08231" + word(w.vault).slice(2);
  assert.equal(BigInt(await ask(w.urls.one, "eth_call", { to: w.token, data }, tag)), 5_000_077n);
  // Tags, ranges and filters tell the same story.
  const latest = await ask(w.urls.one, "eth_getBlockByNumber", "latest", true);
  assert.equal(latest.hash, head.hash);
  const finalized = await ask(w.urls.one, "eth_getBlockByNumber", "finalized", false);
  assert.equal(headerHash(finalized), finalized.hash);
  const range = await ask(w.urls.one, "eth_getLogs", { address: w.vault, fromBlock: "0x0", toBlock: "latest" });
  assert.equal(range.length, 5);
  const other = await ask(w.urls.one, "eth_getLogs", { address: w.vault, fromBlock: "0x0", topics: [ethers.id("Nothing()")] });
  assert.equal(other.length, 0);
});

test("the honest hash of a block that is lied about is unknown to the liar", async () => {
  const number = quantity(await w.head());
  const honest = await ask(w.anvil.url, "eth_getBlockByNumber", number, false);
  const told = await ask(w.urls.one, "eth_getBlockByNumber", number, false);
  assert.notEqual(told.hash, honest.hash);
  assert.equal(await ask(w.urls.one, "eth_getBlockByHash", honest.hash, false), null);
  const call = await asked(w.urls.one, "eth_call", [{ to: w.vault, data: EVENT_COUNT }, { blockHash: honest.hash }]);
  assert.match(call.error.message, /header not found/);
});

test("before the lie's first block the liar is honest", async () => {
  const lie = w.proxy.book.rules[0];
  const number = quantity(lie.fault.lie.at - 1);
  assert.deepEqual(await ask(w.urls.one, "eth_getBlockByNumber", number, false),
    await ask(w.anvil.url, "eth_getBlockByNumber", number, false));
});

test("hidden and altered events are consistent too, and later events are numbered anew", async () => {
  const lie = { fault: "consistentLie", at: 1, vault: w.vault };
  w.rules({ ...lie, hide: [2], alter: [{ sequence: 1, amount: "123" }] });
  const { moves, head } = await checkChain(w.urls.one, 0);
  assert.deepEqual(moves.map((move) => move.amount), [123n, 3n]);
  await checkAccumulator(w.urls.one, head, moves);
  assert.equal(BigInt(await ask(w.urls.one, "eth_getBalance", w.vault, { blockHash: head.hash })), 126n);
});

test("the lie reaches only the user agent it is meant for", async () => {
  w.rules({ fault: "consistentLie", at: await w.head(), vault: w.vault, userAgent: "margrave*",
    deposits: [{ account: w.account, token: ZERO, amount: "1" }] });
  const latest = ["eth_getBlockByNumber", ["latest", false]];
  const honest = await asked(w.anvil.url, ...latest);
  assert.equal((await asked(w.urls.one, ...latest, { userAgent: "curl/8" })).result.hash, honest.result.hash);
  assert.notEqual((await asked(w.urls.one, ...latest, { userAgent: "margrave" })).result.hash, honest.result.hash);
});

test("two listeners under one rule tell one lie, and so do two rules of one seed", async () => {
  const lie = { fault: "consistentLie", at: await w.head(), vault: w.vault, deposits: [{ account: w.account, token: ZERO, amount: "9" }] };
  w.rules({ ...lie, on: ["one", "two"] }, { ...lie, on: "three" });
  const hash = async (name) => (await ask(w.urls[name], "eth_getBlockByNumber", "latest", false)).hash;
  assert.equal(await hash("one"), await hash("two"));
  assert.equal(await hash("one"), await hash("three"));
});

test("a proof can be forged, honest under the forged root, garbage or withheld", async () => {
  const at = await w.head();
  for (const proof of ["honest", "garbage", "none"]) {
    w.rules({ fault: "consistentLie", at, vault: w.vault, proof, deposits: [{ account: w.account, token: ZERO, amount: "9" }] });
    const block = await ask(w.urls.one, "eth_getBlockByNumber", "latest", false);
    const told = await ask(w.urls.one, "eth_getProof", w.vault, [word(0)], { blockHash: block.hash });
    if (proof === "none") assert.equal(told, null);
    else assert.throws(() => provenValue(block.stateRoot, w.vault, told.accountProof), /node 0 of the proof/);
  }
});

test("custody can be left as it is, in calls and in the forged state alike", async () => {
  const at = await w.head();
  const truth = BigInt(await ask(w.anvil.url, "eth_getBalance", w.vault, "latest"));
  for (const custody of [true, false]) {
    w.rules({ fault: "consistentLie", at, vault: w.vault, custody, deposits: [{ account: w.account, token: ZERO, amount: "9" }] });
    const block = await ask(w.urls.one, "eth_getBlockByNumber", "latest", false);
    const told = BigInt(await ask(w.urls.one, "eth_getBalance", w.vault, { blockHash: block.hash }));
    const { accountProof } = await ask(w.urls.one, "eth_getProof", w.vault, [], { blockHash: block.hash });
    const [, balance] = decodeRlp(provenValue(block.stateRoot, w.vault, accountProof));
    assert.deepEqual([told, BigInt(balance)], custody ? [truth + 9n, truth + 9n] : [truth, truth]);
  }
});

test("other accounts are proved under the forged root as they are, and unknown ones are not", async () => {
  const at = await w.head();
  w.rules({ fault: "consistentLie", at, vault: w.vault, accounts: [w.token], deposits: [{ account: w.account, token: ZERO, amount: "9" }] });
  const block = await ask(w.urls.one, "eth_getBlockByNumber", "latest", false);
  const told = await ask(w.urls.one, "eth_getProof", w.token, [word(2)], { blockHash: block.hash });
  const [, , storageHash] = decodeRlp(provenValue(block.stateRoot, w.token, told.accountProof));
  assert.equal(storageHash, told.storageHash);
  assert.equal(BigInt(decodeRlp(provenValue(storageHash, word(2), told.storageProof[0].proof))), BigInt(told.storageProof[0].value));
  assert.equal(await proven(w.urls.one, block, 0), BigInt(await ask(w.urls.one, "eth_getStorageAt", w.vault, "0x0", { blockHash: block.hash })));
  const other = await ask(w.urls.one, "eth_getProof", w.me, [], { blockHash: block.hash });
  assert.throws(() => provenValue(block.stateRoot, w.me, other.accountProof), /node 0 of the proof/);
});

test("the lie follows a reorg of the honest chain", async () => {
  const at = (await w.head()) - 1;
  w.rules({ fault: "consistentLie", at, vault: w.vault, deposits: [{ account: w.account, token: ZERO, amount: "9" }] });
  const first = await checkChain(w.urls.one, 0);
  await ask(w.anvil.url, "anvil_reorg", 1, []);
  const second = await checkChain(w.urls.one, 0, { feesBelow: at });
  assert.equal(first.moves.length, second.moves.length);
  assert.notEqual(first.head.hash, second.head.hash);
});
