// SPDX-License-Identifier: Apache-2.0
// A forged chain: honest up to a block, and from there on one that nobody mined but that is consistent with itself. It
// invents, hides or alters events of the vault, gives every later event its new sequence and accumulator, and recomputes
// blooms, receipts, transactions and header hashes, so that no check of one node against itself can find it. Even its
// account proofs hold: who makes up a header makes up its state root too.
import { ethers } from "./packages.mjs";
import { bloomOf, headerHash, integer, mergeBlooms, nextBaseFee, quantity, receiptsRoot } from "./block.mjs";
import { listRoot, trieProof, trieRoot } from "./trie.mjs";
import { ACCUMULATOR, decodeMovement, depositData, encodeMovement, EVENT_COUNT, fold, isMovement, word, ZERO } from "./vault.mjs";

const { Wallet, encodeRlp, id, keccak256, zeroPadValue } = ethers;

const KEPT_MAX = 8192;
const GAS = 90_000n;
const DEPOSIT_KIND = 1;
const SLOTS = [word(0), word(1)];

/** What one forged block is: all of it as a node would answer, and what the next one builds on. */
class Forged {
  constructor(honest, block, receipts, invented, ledger, state) {
    Object.assign(this, { honest, block, receipts, invented, ledger, state });
  }
}

export class ForgedChain {
  #byHonest = new Map();
  #byForged = new Map();
  #turn = Promise.resolve();

  /** lie: {at, vault, accounts, deposits, hide, alter, custody, seed}, checked by lie.mjs. */
  constructor(upstream, lie) {
    this.upstream = upstream;
    this.lie = lie;
  }

  /** The forged block in the place of an honest one at or after the lie's first. */
  forge(honest) {
    const mine = this.#turn.then(() => this.#forge(honest));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  byHash(hash) {
    return this.#byForged.get(hash);
  }

  /** The forged block with an invented transaction. */
  withTxn(hash) {
    return [...this.#byForged.values()].find((forged) => forged.invented.some(({ txn }) => txn.hash === hash));
  }

  async #forge(honest) {
    const missing = [];
    let block = honest;
    while (Number(block.number) >= this.lie.at && !this.#byHonest.has(block.hash)) {
      missing.push(block);
      block = await this.upstream.ask("eth_getBlockByHash", block.parentHash, false);
    }
    let parent = this.#byHonest.get(block.hash) ?? null;
    let honestParent = block;
    for (const next of missing.reverse()) {
      parent = await this.#follow(parent, honestParent, next);
      honestParent = next;
      if (this.#byHonest.size >= KEPT_MAX) this.#forget();
      this.#byHonest.set(next.hash, parent);
      this.#byForged.set(parent.block.hash, parent);
    }
    return parent;
  }

  #forget() {
    const [oldest, forged] = this.#byHonest.entries().next().value;
    this.#byHonest.delete(oldest);
    this.#byForged.delete(forged.block.hash);
  }

  async #read(selector, blockHash) {
    const answer = await this.upstream.ask("eth_call", { to: this.lie.vault, data: selector }, { blockHash });
    return answer === "0x" ? word(0) : answer;
  }

  /** Count, accumulator and invented custody before the lie. */
  async #ledgerAt(blockHash) {
    const count = BigInt(await this.#read(EVENT_COUNT, blockHash));
    return { count, accumulator: await this.#read(ACCUMULATOR, blockHash), custody: new Map() };
  }

  async #follow(parent, honestParent, honest) {
    const before = parent?.ledger ?? (await this.#ledgerAt(honestParent.hash));
    const ledger = { ...before, custody: new Map(before.custody) };
    const receipts = await this.upstream.ask("eth_getBlockReceipts", honest.hash);
    const told = receipts.map((receipt) => ({ ...receipt, logs: this.#retell(receipt.logs, ledger) }));
    const invented = Number(honest.number) === this.lie.at ? await this.#invent(honest, told, ledger) : [];
    const state = await this.#stateOf(honest, ledger);
    const parentBlock = parent?.block ?? honestParent;
    const block = await this.#seal(honest, honestParent, parentBlock, told, invented, state);
    return new Forged(honest, block, told, invented, ledger, state);
  }

  /** The vault's logs with what the lie hides and alters, numbered and folded anew. */
  #retell(logs, ledger) {
    const { vault, hide, alter } = this.lie;
    const out = [];
    for (const log of logs) {
      if (!isMovement(log, vault)) {
        out.push(log);
        continue;
      }
      const honest = decodeMovement(log);
      const own = credit(ledger, honest.token);
      if (hide.includes(Number(honest.sequence))) {
        if (honest.kind === DEPOSIT_KIND) own(-honest.amount);
        continue;
      }
      const change = alter.find(({ sequence }) => sequence === Number(honest.sequence));
      const move = { ...honest, ...change, sequence: ledger.count + 1n };
      if (honest.kind === DEPOSIT_KIND) own(BigInt(move.amount) - honest.amount);
      record(ledger, move);
      out.push({ ...log, ...encodeMovement(move) });
    }
    return out;
  }

  /** One signed transaction and its receipt for each invented deposit, appended to the block. */
  async #invent(honest, receipts, ledger) {
    const { deposits, vault, seed } = this.lie;
    const chainId = Number(await this.upstream.ask("eth_chainId"));
    const out = [];
    for (const [i, deposit] of deposits.entries()) {
      const wallet = new Wallet(id(`margrave fault proxy: depositor ${seed}/${i}`));
      const move = { kind: DEPOSIT_KIND, counterparty: wallet.address, ...deposit, sequence: ledger.count + 1n };
      record(ledger, move);
      credit(ledger, move.token)(BigInt(move.amount));
      const fee = BigInt(honest.baseFeePerGas ?? 1) + 1n;
      const raw = await wallet.signTransaction({
        type: 2, chainId, nonce: 0, to: vault, data: depositData(move), gasLimit: 2n * GAS,
        value: move.token === ZERO ? BigInt(move.amount) : 0n, maxFeePerGas: 2n * fee, maxPriorityFeePerGas: 1n,
      });
      const used = BigInt(receipts.at(-1)?.cumulativeGasUsed ?? 0) + GAS;
      const txn = txnJson(raw, receipts.length, fee);
      receipts.push({
        type: "0x2", status: "0x1", cumulativeGasUsed: quantity(used), logs: depositLogs(move, vault, wallet.address),
        transactionHash: txn.hash, gasUsed: quantity(GAS), effectiveGasPrice: quantity(fee), from: txn.from, to: vault,
        contractAddress: null, transactionIndex: quantity(receipts.length), blobGasPrice: "0x1",
      });
      out.push({ raw, txn });
    }
    return out;
  }

  /** The tries that the forged state root stands on: the vault's storage and balance as told, others as they are. */
  async #stateOf(honest, { count, accumulator, custody }) {
    const { vault, accounts } = this.lie;
    const at = { blockHash: honest.hash };
    const account = await this.upstream.ask("eth_getProof", vault, SLOTS, at);
    const values = [integer(count), integer(accumulator)];
    const storage = SLOTS.map((slot, i) => [keccak256(slot), encodeRlp(values[i])]).filter((_, i) => values[i] !== "0x");
    const balance = quantity(BigInt(account.balance) + (this.lie.custody ? custody.get(ZERO) ?? 0n : 0n));
    const told = { ...account, balance, storageHash: trieRoot(storage) };
    const leaves = [[keccak256(vault), accountRlp(told)]];
    for (const other of accounts) {
      leaves.push([keccak256(other), accountRlp(await this.upstream.ask("eth_getProof", other, [], at))]);
    }
    return { account: told, storage, leaves, root: trieRoot(leaves) };
  }

  async #seal(honest, honestParent, parent, receipts, invented, state) {
    const hashes = [...honest.transactions, ...invented.map(({ txn }) => txn.hash)];
    const block = { ...honest, parentHash: parent.hash, transactions: hashes, stateRoot: state.root };
    if (invented.length) {
      const raws = [];
      for (const hash of honest.transactions) raws.push(await this.upstream.ask("eth_getRawTransactionByHash", hash));
      block.transactionsRoot = listRoot([...raws, ...invented.map(({ raw }) => raw)]);
      block.gasUsed = receipts.at(-1).cumulativeGasUsed;
    }
    // Where the chain's fee follows the rule, the forged one does too; a local node may be told otherwise.
    const byRule = nextBaseFee(honestParent);
    if (byRule !== undefined && byRule === BigInt(honest.baseFeePerGas)) block.baseFeePerGas = quantity(nextBaseFee(parent));
    for (const receipt of receipts) receipt.logsBloom = bloomOf(receipt.logs);
    block.logsBloom = mergeBlooms(receipts.map((receipt) => receipt.logsBloom));
    block.receiptsRoot = receiptsRoot(receipts);
    block.hash = headerHash(block);
    place(receipts, invented, block);
    return block;
  }

  /** eth_getProof of an account at a forged block, or undefined for one that its state does not hold. */
  async proof(forged, address, keys) {
    const { account, storage, leaves } = forged.state;
    const accountProof = trieProof(leaves, keccak256(address));
    if (this.lie.accounts.includes(address)) {
      const honest = await this.upstream.ask("eth_getProof", address, keys, { blockHash: forged.honest.hash });
      return { ...honest, accountProof };
    }
    if (address !== this.lie.vault) return undefined;
    const values = { [SLOTS[0]]: quantity(forged.ledger.count), [SLOTS[1]]: quantity(forged.ledger.accumulator) };
    const storageProof = keys.map((key) => {
      const slot = word(key === "0x" ? 0 : key);
      return { key, value: values[slot] ?? "0x0", proof: trieProof(storage, keccak256(slot)) };
    });
    return { ...account, accountProof, storageProof };
  }
}

const accountRlp = ({ nonce, balance, storageHash, codeHash }) =>
  encodeRlp([integer(nonce), integer(balance), storageHash, codeHash]);

function record(ledger, move) {
  ledger.accumulator = fold(ledger.accumulator, move);
  ledger.count = move.sequence;
}

function credit(ledger, token) {
  const name = token.toLowerCase();
  return (amount) => ledger.custody.set(name, (ledger.custody.get(name) ?? 0n) + amount);
}

/** What a deposit leaves behind: the token's Transfer and the vault's Movement. */
function depositLogs(move, vault, payer) {
  const movement = { address: vault, ...encodeMovement(move), removed: false };
  if (move.token === ZERO) return [movement];
  const topics = [id("Transfer(address,address,uint256)"), zeroPadValue(payer, 32), zeroPadValue(vault, 32)];
  return [{ address: move.token, topics, data: word(move.amount), removed: false }, movement];
}

function txnJson(raw, index, fee) {
  const txn = ethers.Transaction.from(raw);
  return {
    type: "0x2", chainId: quantity(txn.chainId), nonce: "0x0", gas: quantity(txn.gasLimit), gasPrice: quantity(fee),
    maxFeePerGas: quantity(txn.maxFeePerGas), maxPriorityFeePerGas: quantity(txn.maxPriorityFeePerGas),
    to: txn.to.toLowerCase(), value: quantity(txn.value), accessList: [], input: txn.data, r: txn.signature.r,
    s: txn.signature.s, yParity: quantity(txn.signature.yParity), v: quantity(txn.signature.yParity), hash: txn.hash,
    from: txn.from.toLowerCase(), transactionIndex: quantity(index),
  };
}

/** Says of every receipt, log and invented transaction which block it is in. */
function place(receipts, invented, block) {
  const where = { blockHash: block.hash, blockNumber: block.number };
  let index = 0;
  receipts.forEach((receipt, i) => {
    Object.assign(receipt, where);
    const about = { ...where, transactionHash: receipt.transactionHash, transactionIndex: quantity(i) };
    receipt.logs = receipt.logs.map((log) => ({ ...log, ...about, blockTimestamp: block.timestamp, logIndex: quantity(index++) }));
  });
  for (const { txn } of invented) Object.assign(txn, where);
}
