// SPDX-License-Identifier: Apache-2.0
// Faults about which blocks there are: a node behind, stuck or ahead, and what it says of finality.
import { choice, failure, onResult } from "./envelope.mjs";
import { headerHash, quantity } from "./block.mjs";
import { BadRule } from "./rules.mjs";

/** Where a method takes the block it is asked about. */
export const BLOCK_PARAM = {
  eth_call: 1, eth_estimateGas: 1, eth_getBalance: 1, eth_getCode: 1, eth_getTransactionCount: 1,
  eth_getStorageAt: 2, eth_getProof: 2,
};

const HEAD_TAGS = [undefined, null, "latest", "pending"];
const FINAL_TAGS = ["safe", "finalized"];
const BY_BLOCK = ["eth_getBlockByNumber", "eth_getBlockReceipts", "eth_getBlockTransactionCountByNumber"];
const OF_BLOCK = ["eth_getBlockByHash", "eth_getTransactionReceipt", "eth_getTransactionByHash"];

const isHash = (text) => typeof text === "string" && text.length === 66;

export async function numberOfHash(upstream, hash) {
  const block = await upstream.ask("eth_getBlockByHash", hash, false);
  return block && Number(block.number);
}

/** Parameters with the block as seen by a node whose head is `head`: {params} or {beyond: true}. */
async function clipped(call, index, head, upstream) {
  const params = [...(call.params ?? [])];
  const asked = params[index];
  const hash = isHash(asked) ? asked : asked?.blockHash;
  if (hash) {
    const number = await numberOfHash(upstream, hash);
    return number !== null && number <= head ? { params } : { beyond: true };
  }
  const number = asked?.blockNumber ?? asked;
  if (HEAD_TAGS.includes(number)) params[index] = quantity(head);
  else if (FINAL_TAGS.includes(number)) {
    const block = await upstream.ask("eth_getBlockByNumber", number, false);
    if (block && Number(block.number) > head) params[index] = quantity(head);
  } else if (number !== "earliest" && Number(number) > head) return { beyond: true };
  return { params };
}

async function clippedLogs(call, next, head, upstream) {
  const filter = { ...call.params[0] };
  if (filter.blockHash) {
    const number = await numberOfHash(upstream, filter.blockHash);
    return number !== null && number <= head ? next(call) : failure(call, -32000, "unknown block");
  }
  const at = (value) => (HEAD_TAGS.includes(value) ? head : Number(value));
  if (at(filter.fromBlock) > head) return { jsonrpc: "2.0", id: call.id, result: [] };
  if (!FINAL_TAGS.includes(filter.toBlock)) filter.toBlock = quantity(Math.min(at(filter.toBlock), head));
  return next({ ...call, params: [filter] });
}

/** Answers as of a node that has not seen the blocks after `head`. */
export async function asOfHead(call, next, head, upstream) {
  const { method } = call;
  if (method === "eth_blockNumber") return { jsonrpc: "2.0", id: call.id, result: quantity(head) };
  if (method === "eth_getLogs") return clippedLogs(call, next, head, upstream);
  if (BY_BLOCK.includes(method) || method in BLOCK_PARAM) {
    const view = await clipped(call, BLOCK_PARAM[method] ?? 0, head, upstream);
    if (view.params) return next({ ...call, params: view.params });
    return method in BLOCK_PARAM ? failure(call, -32000, "header not found") : { jsonrpc: "2.0", id: call.id, result: null };
  }
  const envelope = await next(call);
  if (OF_BLOCK.includes(method) && envelope.result) {
    const number = Number(envelope.result.number ?? envelope.result.blockNumber);
    if (number > head) return { ...envelope, result: null };
  }
  return envelope;
}

function staleHead(params) {
  const n = params.n ?? 1;
  if (!Number.isInteger(n) || n < 0) throw new BadRule("n is a number of blocks");
  return {
    apply: async (call, next, { upstream }) =>
      asOfHead(call, next, Math.max(0, await upstream.head() - n), upstream),
  };
}

function freezeHead(params) {
  let frozen = params.at === undefined ? null : Promise.resolve(params.at);
  return {
    apply: async (call, next, { upstream }) => {
      frozen ??= upstream.head();
      return asOfHead(call, next, await frozen, upstream);
    },
  };
}

/** The latest block claims a number, and a time, that are ahead of the truth. */
function futureHead(params) {
  const n = params.n ?? 1000;
  return onResult((value, call) => {
    if (call.method === "eth_blockNumber") return quantity(Number(value) + n);
    if (call.method !== "eth_getBlockByNumber" || !HEAD_TAGS.includes(call.params?.[0]) || !value) return value;
    const block = { ...value, number: quantity(Number(value.number) + n) };
    if (params.seconds) block.timestamp = quantity(Number(value.timestamp) + params.seconds);
    return params.rehash ? { ...block, hash: headerHash(block) } : block;
  });
}

const FINALITY = {
  missing: (call) => failure(call, -32602, `invalid argument 0: unknown block tag "${call.params[0]}"`),
  error: (call) => failure(call, -32000, `${call.params[0]} block not found`),
  null: (call) => ({ jsonrpc: "2.0", id: call.id, result: null }),
};

function finality(params) {
  const mode = choice(params, "mode", [...Object.keys(FINALITY), "back", "ahead", "fixed"], "missing");
  const n = params.n ?? 1;
  return {
    apply: async (call, next, { upstream }) => {
      if (call.method !== "eth_getBlockByNumber" || !FINAL_TAGS.includes(call.params?.[0])) return next(call);
      if (FINALITY[mode]) return FINALITY[mode](call);
      if (mode === "fixed") return next({ ...call, params: [quantity(params.at), false] });
      if (mode === "back") {
        const honest = await upstream.ask("eth_getBlockByNumber", call.params[0], false);
        return next({ ...call, params: [quantity(Math.max(0, Number(honest.number) - n)), false] });
      }
      const envelope = await next({ ...call, params: ["latest", false] });
      const block = { ...envelope.result, number: quantity(Number(envelope.result.number) + n) };
      return { ...envelope, result: { ...block, hash: headerHash(block) } };
    },
  };
}

function chainId(params) {
  if (!Number.isInteger(params.value)) throw new BadRule("chainId needs value, a number");
  return onResult((value, call) => {
    if (call.method === "eth_chainId") return quantity(params.value);
    return call.method === "net_version" ? String(params.value) : value;
  });
}

export const HEAD_FAULTS = {
  staleHead: { layer: "call", params: ["n"], make: staleHead },
  freezeHead: { layer: "call", params: ["at"], make: freezeHead },
  futureHead: { layer: "call", params: ["n", "seconds", "rehash"], make: futureHead },
  finality: { layer: "call", params: ["mode", "n", "at"], make: finality },
  chainId: { layer: "call", params: ["value"], make: chainId },
};
