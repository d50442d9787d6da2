// SPDX-License-Identifier: Apache-2.0
// consistentLie: every method that a reader can ask about blocks is answered from one forged chain (forge.mjs).
import { ForgedChain } from "./forge.mjs";
import { choice, failure } from "./envelope.mjs";
import { BLOCK_PARAM } from "./heads.mjs";
import { quantity } from "./block.mjs";
import { BadRule } from "./rules.mjs";
import { ACCUMULATOR, asksBalanceOf, EVENT_COUNT, word, ZERO } from "./vault.mjs";

const LOG_BLOCKS_MAX = 20_000;

const isHash = (text) => typeof text === "string" && text.length === 66;
const hashIn = (param) => (isHash(param) ? param : param?.blockHash);

const matchesAddress = (log, wanted) =>
  !wanted || [wanted].flat().length === 0 || [wanted].flat().some((it) => it.toLowerCase() === log.address.toLowerCase());

const matchesTopics = (log, wanted) => (wanted ?? []).every((any, i) =>
  any === null || [any].flat().length === 0 || [any].flat().includes(log.topics[i]));

class Liar {
  #chain;

  constructor(params) {
    const { at = "next", vault, accounts = [], deposits = [], hide = [], alter = [], seed = 1 } = params;
    if (!/^0x[0-9a-fA-F]{40}$/.test(vault ?? "")) throw new BadRule("consistentLie needs vault, an address");
    if (!(at === "next" || (Number.isInteger(at) && at > 0))) throw new BadRule('at is a block number above 0 or "next"');
    this.proofs = choice(params, "proof", ["forged", "honest", "garbage", "none"], "forged");
    this.lie = {
      at, vault: vault.toLowerCase(), accounts: accounts.map((it) => it.toLowerCase()), hide, alter: alter.map(lowered),
      deposits: deposits.map(lowered), custody: params.custody ?? true, seed,
    };
  }

  describe() {
    return { at: this.lie.at };
  }

  async #ready(upstream) {
    if (this.lie.at === "next") this.lie.at = (await upstream.head()) + 1;
    this.#chain ??= new ForgedChain(upstream, this.lie);
    return this.#chain;
  }

  /** {forged} at or after the lie; {unknown} for an honest hash there; {} before it. */
  async #find(param, upstream) {
    const hash = hashIn(param);
    if (hash) {
      const forged = this.#chain.byHash(hash);
      if (forged) return { forged };
      const honest = await upstream.ask("eth_getBlockByHash", hash, false);
      return honest && Number(honest.number) >= this.lie.at ? { unknown: true } : {};
    }
    const named = param?.blockNumber ?? param ?? "latest";
    const honest = await upstream.ask("eth_getBlockByNumber", named, false);
    if (!honest || Number(honest.number) < this.lie.at || honest.hash === null) return {};
    return { forged: await this.#chain.forge(honest) };
  }

  async apply(call, next, { upstream }) {
    await this.#ready(upstream);
    const say = (result) => ({ jsonrpc: "2.0", id: call.id, result });
    switch (call.method) {
      case "eth_getBlockByNumber":
      case "eth_getBlockByHash":
        return this.#block(call, next, upstream, say);
      case "eth_getBlockReceipts": {
        const { forged, unknown } = await this.#find(call.params[0], upstream);
        return unknown ? say(null) : forged ? say(forged.receipts) : next(call);
      }
      case "eth_getTransactionReceipt":
      case "eth_getTransactionByHash":
        return this.#txn(call, next, upstream, say);
      case "eth_getLogs":
        return this.#logs(call, next, upstream, say);
      default:
        return call.method in BLOCK_PARAM ? this.#state(call, next, upstream, say) : next(call);
    }
  }

  /** A header as a subscription tells it: the forged one in the honest one's place. */
  async head(honest, upstream) {
    await this.#ready(upstream);
    const { forged } = await this.#find(honest.number, upstream);
    return forged ? { ...honest, ...forged.block, transactions: undefined } : honest;
  }

  async #block(call, next, upstream, say) {
    const { forged, unknown } = await this.#find(call.params[0], upstream);
    if (unknown) return say(null);
    if (!forged) return next(call);
    if (!call.params[1]) return say(forged.block);
    const full = await upstream.ask("eth_getBlockByHash", forged.honest.hash, true);
    const theirs = full.transactions.map((txn) => ({ ...txn, blockHash: forged.block.hash }));
    return say({ ...forged.block, transactions: [...theirs, ...forged.invented.map(({ txn }) => txn)] });
  }

  async #txn(call, next, upstream, say) {
    const wantsReceipt = call.method === "eth_getTransactionReceipt";
    const [hash] = call.params;
    const own = this.#chain.withTxn(hash);
    if (own) {
      const from = wantsReceipt ? own.receipts : own.invented.map(({ txn }) => txn);
      return say(from.find((it) => (it.transactionHash ?? it.hash) === hash));
    }
    const envelope = await next(call);
    if (!envelope.result?.blockHash || Number(envelope.result.blockNumber) < this.lie.at) return envelope;
    const honest = await upstream.ask("eth_getBlockByHash", envelope.result.blockHash, false);
    if (!honest) return say(null);
    const forged = await this.#chain.forge(honest);
    if (!wantsReceipt) return say({ ...envelope.result, blockHash: forged.block.hash });
    return say(forged.receipts.find((receipt) => receipt.transactionHash === hash) ?? null);
  }

  async #logs(call, next, upstream, say) {
    const filter = call.params[0];
    const kept = (forged) => forged.receipts.flatMap((receipt) => receipt.logs)
      .filter((log) => matchesAddress(log, filter.address) && matchesTopics(log, filter.topics));
    if (filter.blockHash) {
      const { forged, unknown } = await this.#find(filter.blockHash, upstream);
      if (unknown) return failure(call, -32000, "unknown block");
      return forged ? say(kept(forged)) : next(call);
    }
    const numberOf = async (param, fallback) => {
      if (typeof param === "string" && param.startsWith("0x")) return Number(param);
      const block = await upstream.ask("eth_getBlockByNumber", param ?? fallback, false);
      return Number(block.number);
    };
    const from = await numberOf(filter.fromBlock, "latest");
    const to = Math.min(await numberOf(filter.toBlock, "latest"), await upstream.head());
    if (to < this.lie.at) return next(call);
    if (to - Math.max(from, this.lie.at) >= LOG_BLOCKS_MAX) return failure(call, -32602, "exceed maximum block range 20000");
    const first = from < this.lie.at
      ? await next({ ...call, params: [{ ...filter, toBlock: quantity(this.lie.at - 1) }] }) : say([]);
    if (first.error) return first;
    const logs = [...first.result];
    for (let number = Math.max(from, this.lie.at); number <= to; number++) {
      const { forged } = await this.#find(quantity(number), upstream);
      if (forged) logs.push(...kept(forged));
    }
    return say(logs);
  }

  /** Reads of state: the honest node's answer at the honest block, with what the lie changes put in. */
  async #state(call, next, upstream, say) {
    const index = BLOCK_PARAM[call.method];
    const { forged, unknown } = await this.#find(call.params[index], upstream);
    if (unknown) return failure(call, -32000, "header not found");
    if (!forged) return next(call);
    const told = call.method === "eth_getProof" ? await this.#proof(call, forged) : this.#told(call, forged);
    if (told !== undefined) return say(told);
    const params = [...call.params];
    params[index] = { blockHash: forged.honest.hash };
    const envelope = await next({ ...call, params });
    return envelope.result === undefined ? envelope : { ...envelope, result: this.#mended(call, envelope.result, forged) };
  }

  #isVault(address) {
    return address?.toLowerCase() === this.lie.vault;
  }

  #told(call, forged) {
    const { count, accumulator } = forged.ledger;
    if (call.method === "eth_call" && this.#isVault(call.params[0].to)) {
      const data = call.params[0].data ?? call.params[0].input;
      if (data === EVENT_COUNT) return word(count);
      if (data === ACCUMULATOR) return accumulator;
    }
    if (call.method === "eth_getStorageAt" && this.#isVault(call.params[0]) && Number(call.params[1]) < 2) {
      return Number(call.params[1]) === 0 ? word(count) : accumulator;
    }
    return undefined;
  }

  #proof(call, forged) {
    if (this.proofs === "none") return null;
    return this.proofs === "forged" ? this.#chain.proof(forged, call.params[0].toLowerCase(), call.params[1]) : undefined;
  }

  #mended(call, result, forged) {
    if (call.method === "eth_getProof" && this.proofs === "garbage") return garbled(result);
    if (!this.lie.custody) return result;
    if (call.method === "eth_getBalance" && this.#isVault(call.params[0])) {
      return quantity(BigInt(result) + (forged.ledger.custody.get(ZERO) ?? 0n));
    }
    const { to, data, input } = call.params[0] ?? {};
    if (call.method === "eth_call" && to && asksBalanceOf(data ?? input ?? "0x", this.lie.vault)) {
      return word(BigInt(result) + (forged.ledger.custody.get(to.toLowerCase()) ?? 0n));
    }
    return result;
  }
}

const lowered = (move) => ({ ...move, ...(move.token ? { token: move.token.toLowerCase() } : {}) });

/** A proof of the right form, with one byte of every node changed. */
function garbled(proof) {
  const spoil = (node) => node.slice(0, -2) + (node.endsWith("00") ? "01" : "00");
  return {
    ...proof, accountProof: proof.accountProof.map(spoil),
    storageProof: proof.storageProof.map((slot) => ({ ...slot, proof: slot.proof.map(spoil) })),
  };
}

export const LIE_FAULTS = {
  consistentLie: {
    layer: "call", params: ["at", "vault", "accounts", "deposits", "hide", "alter", "custody", "proof"],
    make: (params) => new Liar(params),
  },
};
