// SPDX-License-Identifier: Apache-2.0
// Faults of what is in a block: logs, headers, receipts; and of which node's answer it is. Each lie here is told about
// one answer only, so that a careful reader can find it; the lie that is consistent with itself is in lie.mjs.
import { choice, onResult } from "./envelope.mjs";
import { headerHash, quantity } from "./block.mjs";
import { BadRule } from "./rules.mjs";
import { encodeMovement, word } from "./vault.mjs";
import { Upstream } from "./upstream.mjs";

/** A call fault of eth_getLogs alone: change(logs, call, context). */
function onLogs(change) {
  return onResult((value, call, context) =>
    (call.method === "eth_getLogs" && Array.isArray(value) ? change(value, call, context) : value));
}

function dropLogs(params) {
  const which = choice(params, "which", ["last", "first", "lastBlock", "all", "cap"], "last");
  const n = params.n ?? 25;
  return onLogs((logs) => {
    if (which === "all") return [];
    if (which === "cap") return logs.slice(0, n);
    if (which === "first") return logs.slice(1);
    if (which === "last") return logs.slice(0, -1);
    const last = logs.at(-1)?.blockHash;
    return logs.filter((log) => log.blockHash !== last);
  });
}

function dupLogs(params) {
  const which = choice(params, "which", ["last", "all"], "all");
  return onLogs((logs) => (which === "all" ? logs.flatMap((log) => [log, log]) : [...logs, ...logs.slice(-1)]));
}

function shuffleLogs(params, rule) {
  return onLogs((logs) => {
    const out = [...logs];
    for (let i = out.length - 1; i > 0; i--) {
      const j = Math.floor(rule.random() * (i + 1));
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  });
}

const changed = (log, which, change, i, logs) => (which === "all" || i === logs.length - 1 ? change(log) : log);

function removedFlag(params) {
  const which = choice(params, "which", ["last", "all"], "all");
  return onLogs((logs) => logs.map((log, i) => changed(log, which, (it) => ({ ...it, removed: true }), i, logs)));
}

/** The 32-byte words of a log's data, one replaced. */
function withWord(log, index, value) {
  const at = 2 + 64 * index;
  return { ...log, data: log.data.slice(0, at) + word(value).slice(2) + log.data.slice(at + 64) };
}

function withTopic(log, index, value) {
  return { ...log, topics: log.topics.map((topic, i) => (i === index ? value : topic)) };
}

const OTHER = "0x" + "5e".repeat(32);

const LOG_FIELDS = {
  amount: (log, value) => {
    const amount = BigInt("0x" + log.data.slice(66, 130));
    return withWord(log, 1, value ?? (amount * 1_000_000n) % (1n << 256n));
  },
  token: (log, value) => withWord(log, 0, value ?? "0x" + "5e".repeat(20)),
  user: (log, value) => withTopic(log, 3, value ? word(value) : OTHER),
  sequence: (log, value) => withTopic(log, 1, word(value ?? BigInt(log.topics[1]) + 1n)),
  kind: (log, value) => withTopic(log, 2, word(value ?? BigInt(log.topics[2]) + 5n)),
  topic: (log, value) => withTopic(log, 0, value ?? OTHER),
  address: (log, value) => ({ ...log, address: value ?? "0x" + "5e".repeat(20) }),
  blockHash: (log, value) => ({ ...log, blockHash: value ?? OTHER }),
  blockNumber: (log, value) => ({ ...log, blockNumber: quantity(value ?? Number(log.blockNumber) + 1) }),
  txn: (log, value) => ({ ...log, transactionHash: value ?? OTHER }),
  index: (log, value) => ({ ...log, logIndex: quantity(value ?? Number(log.logIndex) + 7) }),
  shortData: (log) => ({ ...log, data: log.data.slice(0, -2) }),
  longData: (log) => ({ ...log, data: log.data + "00".repeat(32) }),
};

function mutateLogs(params) {
  const field = choice(params, "field", Object.keys(LOG_FIELDS), "amount");
  const which = choice(params, "which", ["last", "all"], "last");
  const change = (log) => LOG_FIELDS[field](log, params.value);
  return onLogs((logs) => logs.map((log, i) => changed(log, which, change, i, logs)));
}

/** move: as in vault.mjs; the log is said to be in the newest block that the filter covers. */
function injectLog(params) {
  if (!params.vault || !params.move) throw new BadRule("injectLog needs vault and move");
  return onLogs(async (logs, call, { upstream }) => {
    const filter = call.params[0];
    const block = filter.blockHash
      ? await upstream.ask("eth_getBlockByHash", filter.blockHash, false)
      : await upstream.ask("eth_getBlockByNumber", filter.toBlock ?? "latest", false);
    if (!block) return logs;
    return [...logs, {
      address: params.vault, ...encodeMovement({ sequence: logs.length + 1, ...params.move }), removed: false,
      blockHash: block.hash, blockNumber: block.number, transactionHash: OTHER, transactionIndex: "0x0",
      logIndex: quantity(logs.length),
    }];
  });
}

function mutateBlock(params) {
  if (typeof params.field !== "string") throw new BadRule("mutateBlock needs field");
  return onResult((value, call) => {
    if (!call.method.startsWith("eth_getBlockBy") || !value) return value;
    const next = params.value ?? (value[params.field]?.length === 66 ? OTHER : quantity(BigInt(value[params.field]) + 1n));
    const block = { ...value, [params.field]: next };
    return params.rehash ? { ...block, hash: headerHash(block) } : block;
  });
}

const RECEIPTS = {
  null: () => null,
  status: (receipt) => ({ ...receipt, status: receipt.status === "0x1" ? "0x0" : "0x1" }),
  logs: (receipt) => ({ ...receipt, logs: receipt.logs.slice(0, -1) }),
  amount: (receipt) => ({ ...receipt, logs: receipt.logs.map((log) => (log.data.length >= 130 ? LOG_FIELDS.amount(log) : log)) }),
  gas: (receipt) => ({ ...receipt, cumulativeGasUsed: quantity(BigInt(receipt.cumulativeGasUsed) + 1n) }),
  block: (receipt) => ({ ...receipt, blockHash: OTHER, blockNumber: quantity(Number(receipt.blockNumber) + 1) }),
};

/** mode "other": the receipts of the block before, which are true of another question. */
function mutateReceipt(params) {
  const mode = choice(params, "mode", [...Object.keys(RECEIPTS), "other", "short"], "null");
  return onResult(async (value, call, { upstream }) => {
    if (!["eth_getTransactionReceipt", "eth_getBlockReceipts"].includes(call.method) || !value) return value;
    if (mode === "null") return null;
    if (mode === "short") return Array.isArray(value) ? value.slice(0, -1) : null;
    if (mode !== "other") return Array.isArray(value) ? value.map(RECEIPTS[mode]) : RECEIPTS[mode](value);
    const number = Number((Array.isArray(value) ? value[0] : value)?.blockNumber ?? 1);
    const receipts = await upstream.ask("eth_getBlockReceipts", quantity(Math.max(0, number - 1)));
    return Array.isArray(value) ? receipts : receipts?.[0] ?? null;
  });
}

/** The first answer to each question, for ever; a cache that was never emptied. */
function replay() {
  const known = new Map();
  return {
    apply: async (call, next) => {
      const key = `${call.method} ${JSON.stringify(call.params ?? [])}`;
      if (!known.has(key)) {
        if (known.size >= 4096) known.delete(known.keys().next().value);
        known.set(key, await next(call));
      }
      return { ...known.get(key), id: call.id };
    },
  };
}

/** Every second call is answered by another node. */
function forkView(params) {
  const mode = choice(params, "mode", ["alternate", "other"], "alternate");
  const other = new Upstream(params.upstream);
  let turn = 0;
  return {
    apply: (call, next) => (mode === "other" || turn++ % 2 === 1 ? other.forward(call) : next(call)),
  };
}

/** An eth_call's answer: `value` whole, or its 32-byte word `word` set, multiplied by mul / div, moved by add. */
function callResult(params) {
  const to = params.to?.toLowerCase();
  const data = (params.data ?? "0x").toLowerCase();
  return onResult((value, call) => {
    if (call.method !== "eth_call") return value;
    const asked = call.params[0];
    if (to && asked.to?.toLowerCase() !== to) return value;
    if (!(asked.data ?? asked.input ?? "0x").toLowerCase().startsWith(data)) return value;
    if (params.value !== undefined) return params.value;
    const at = params.word ?? 0;
    const old = BigInt("0x" + value.slice(2 + 64 * at, 66 + 64 * at));
    const mended = params.set !== undefined ? BigInt(params.set)
      : (old * BigInt(params.mul ?? 1)) / BigInt(params.div ?? 1) + BigInt(params.add ?? 0);
    return withWord({ data: value }, at, ((mended % (1n << 256n)) + (1n << 256n)) % (1n << 256n)).data;
  });
}

/** A quantity, multiplied by mul / div and moved by add. */
function scaleQty(params) {
  return onResult((value) => {
    if (typeof value !== "string" || !/^0x[0-9a-f]+$/.test(value)) return value;
    const scaled = (BigInt(value) * BigInt(params.mul ?? 1)) / BigInt(params.div ?? 1) + BigInt(params.add ?? 0);
    return quantity(scaled < 0n ? 0n : scaled);
  });
}

export const DATA_FAULTS = {
  dropLogs: { layer: "call", params: ["which", "n"], make: dropLogs },
  dupLogs: { layer: "call", params: ["which"], make: dupLogs },
  shuffleLogs: { layer: "call", params: [], make: shuffleLogs },
  removedFlag: { layer: "call", params: ["which"], make: removedFlag },
  mutateLogs: { layer: "call", params: ["field", "value", "which"], make: mutateLogs },
  injectLog: { layer: "call", params: ["vault", "move"], make: injectLog },
  mutateBlock: { layer: "call", params: ["field", "value", "rehash"], make: mutateBlock },
  mutateReceipt: { layer: "call", params: ["mode"], make: mutateReceipt },
  replay: { layer: "call", params: [], make: replay },
  forkView: { layer: "call", params: ["upstream", "mode"], make: forkView },
  callResult: {
    layer: "call", params: ["to", "data", "value", "word", "set", "mul", "div", "add"], make: callResult,
  },
  scaleQty: { layer: "call", params: ["mul", "div", "add"], make: scaleQty },
};
