// SPDX-License-Identifier: Apache-2.0
// Faults of the text and of the JSON-RPC envelope. Layer "call" wraps one call's answer, "batch" the list of answers,
// "body" the text.
import { readFileSync } from "node:fs";
import { BadRule } from "./rules.mjs";

/** Errors as providers were seen to send them: {name, source, code, message, data?, class}. */
export const PRESETS = JSON.parse(readFileSync(new URL("./presets.json", import.meta.url), "utf8"));

const DEEP = 200_000;

export function choice(params, name, choices, fallback) {
  const value = params[name] ?? fallback;
  if (!choices.includes(value)) throw new BadRule(`${name} is one of ${choices.join(", ")}`);
  return value;
}

/** A call fault that changes only a result, never an error. */
export function onResult(change) {
  return {
    apply: async (call, next, context) => {
      const envelope = await next(call);
      if (envelope.result === undefined) return envelope;
      return { ...envelope, result: await change(envelope.result, call, context) };
    },
  };
}

export const failure = (call, code, message, data) =>
  ({ jsonrpc: "2.0", id: call.id, error: data === undefined ? { code, message } : { code, message, data } });

function rpcError(params) {
  const preset = params.preset === undefined ? params : PRESETS.find(({ name }) => name === params.preset);
  if (!preset) throw new BadRule(`no preset "${params.preset}"`);
  if (typeof preset.message !== "string") throw new BadRule("rpcError needs preset, or code and message");
  return {
    apply: (call, next) => {
      const { fromBlock, toBlock } = call.params?.[0] ?? {};
      if (params.rangeOver !== undefined && !(Number(toBlock) - Number(fromBlock) >= params.rangeOver)) return next(call);
      const message = preset.message.replaceAll("{from}", fromBlock).replaceAll("{to}", toBlock);
      return failure(call, preset.code ?? -32000, message, preset.data);
    },
  };
}

function result(params) {
  if (!("value" in params)) throw new BadRule("result needs value");
  return onResult(() => params.value);
}

function wrongId(params) {
  const mode = choice(params, "mode", ["other", "missing", "string", "null", "noVersion"], "other");
  return {
    apply: async (call, next) => {
      const { id, jsonrpc, ...rest } = await next(call);
      if (mode === "noVersion") return { id, ...rest };
      if (mode === "missing") return { jsonrpc, ...rest };
      const wrong = { other: Number(id) + 1_000_003, string: String(id), null: null }[mode];
      return { jsonrpc, id: wrong, ...rest };
    },
  };
}

const both = () => ({
  apply: async (call, next) => {
    const { id, result: value = null } = await next(call);
    return { jsonrpc: "2.0", id, result: value, error: { code: -32000, message: "both a result and an error" } };
  },
});

const QUANTITY = /^0x(0|[1-9a-f][0-9a-f]{0,15})$/;
const ENCODINGS = {
  leadingZero: (text) => `0x0${text.slice(2)}`,
  decimal: (text) => BigInt(text).toString(),
  number: (text) => Number(text),
  upper: (text) => `0X${text.slice(2).toUpperCase()}`,
  bare: () => "0x",
  noPrefix: (text) => text.slice(2),
  negative: (text) => `-${text}`,
  over: () => `0x1${"0".repeat(64)}`,
  space: (text) => ` ${text}`,
  fraction: (text) => `${text}.0`,
};

function recoded(value, encode) {
  if (typeof value === "string") return QUANTITY.test(value) ? encode(value) : value;
  if (Array.isArray(value)) return value.map((item) => recoded(item, encode));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, recoded(item, encode)]));
}

function encoding(params) {
  const mode = choice(params, "mode", Object.keys(ENCODINGS), "leadingZero");
  return onResult((value) => recoded(value, ENCODINGS[mode]));
}

const BATCHES = {
  reverse: (answers) => [...answers].reverse(),
  short: (answers) => answers.slice(0, -1),
  duplicate: (answers) => [...answers, answers[0]],
  repeated: (answers) => answers.map(() => answers[0]),
  single: (answers) => answers[0],
  empty: () => [],
  foreign: (answers) => [...answers, { jsonrpc: "2.0", id: 4_000_000_007, result: "0x1" }],
  nested: (answers) => [answers],
};

function batch(params) {
  const mode = choice(params, "mode", Object.keys(BATCHES), "reverse");
  return { apply: BATCHES[mode] };
}

/** The same envelope for every call, or for the one. */
function envelopes(exchange, make) {
  const made = exchange.calls.map((call) => make(JSON.stringify(call.id ?? null)));
  return exchange.isBatch ? `[${made.join(",")}]` : made[0] ?? "";
}

const withValue = (exchange, value) => envelopes(exchange, (id) => `{"jsonrpc":"2.0","id":${id},"result":${value}}`);
const withError = (exchange, message) =>
  envelopes(exchange, (id) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-32000,"message":${message}}}`);

const TEXTS = {
  html: () => "<!DOCTYPE html><html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>",
  plain: () => "upstream connect error or disconnect/reset before headers",
  empty: () => "",
  binary: () => Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 131 + 89) & 255)),
  deep: (exchange) => withValue(exchange, "[".repeat(DEEP) + "]".repeat(DEEP)),
  deepObject: (exchange) => withValue(exchange, '{"a":'.repeat(DEEP) + "1" + "}".repeat(DEEP)),
  bom: (exchange, text) => `\ufeff${text}`,
  duplicateKey: (exchange, text) => text.replaceAll('"result":', '"result":"0x7fffffff","result":'),
  nan: (exchange) => withValue(exchange, "NaN"),
  infinity: (exchange) => withValue(exchange, "-Infinity"),
  hugeNumber: (exchange) => withValue(exchange, "1e999999"),
  longNumber: (exchange) => withValue(exchange, "1".repeat(100_000)),
  trailing: (exchange, text) => `${text}{"jsonrpc":"2.0"}`,
  comment: (exchange, text) => `/* cached */ ${text}`,
  nul: (exchange, text) => text.replace('"result":', '"resu\u0000lt":'),
  // The two bytes C3 28 are no character.
  badUtf8: (exchange) => Buffer.from(withError(exchange, '"caf\u00c3\u0028"'), "latin1"),
  surrogate: (exchange) => withError(exchange, '"\\ud800 alone"'),
  ansi: (exchange) => withError(exchange, '"\\u001b[2J\\u001b[31mroot@host\\u0007\\r\\nlevel=info event=forged \\u202e"'),
};

function garbage(params) {
  const kind = choice(params, "kind", Object.keys(TEXTS), "html");
  return {
    apply: (reply, exchange) => {
      const type = ["html", "plain", "binary"].includes(kind) ? `text/${kind}` : "application/json";
      const body = TEXTS[kind](exchange, reply.body.toString());
      return { ...reply, headers: { ...reply.headers, "content-type": type }, body: Buffer.from(body) };
    },
  };
}

export const ENVELOPE_FAULTS = {
  rpcError: { layer: "call", params: ["preset", "code", "message", "data", "rangeOver"], make: rpcError },
  result: { layer: "call", params: ["value"], make: result },
  wrongId: { layer: "call", params: ["mode"], make: wrongId },
  both: { layer: "call", params: [], make: both },
  encoding: { layer: "call", params: ["mode"], make: encoding },
  batch: { layer: "batch", params: ["mode"], make: batch },
  garbage: { layer: "body", params: ["kind"], make: garbage },
};
