// SPDX-License-Identifier: Apache-2.0
// Each fault of the connection, of HTTP, of the text and of the envelope does what it says, before a real node.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { gunzipSync } from "node:zlib";
import { PRESETS } from "../../support/fault_proxy/envelope.mjs";
import { asked, CHAIN_ID, envelope, exchange, startWorld } from "./node.mjs";

let w;
before(async () => { w = await startWorld(["one", "two"]); });
after(() => w?.stop());

const one = JSON.stringify(envelope("eth_chainId"));
const batch = JSON.stringify([envelope("eth_chainId", [], 7), envelope("eth_blockNumber", [], 8), envelope("net_version", [], 9)]);
const ask = (options) => exchange(w.urls.one, one, options);
const chain = `0x${CHAIN_ID.toString(16)}`;
const timed = async (work) => {
  const start = Date.now();
  await work();
  return Date.now() - start;
};

test("without rules the node's bytes come through as they are", async () => {
  w.rules();
  for (const body of [one, batch, "no json"]) {
    assert.equal((await exchange(w.urls.one, body)).text, (await exchange(w.anvil.url, body)).text);
  }
});

test("delay waits before the node is asked, delayAnswer after", async () => {
  w.rules({ fault: "delay", ms: 200, jitterMs: 100 });
  assert.ok(await timed(ask) >= 200);
  w.rules({ fault: "delayAnswer", ms: 300, methods: "eth_blockNumber" });
  const before = await w.head();
  const late = asked(w.urls.one, "eth_blockNumber");
  await new Promise((done) => { setTimeout(done, 100); });
  await w.mine();
  assert.equal(Number((await late).result), before);
  assert.ok(await timed(ask) < 250);
});

test("hang never answers", async () => {
  w.rules({ fault: "hang" });
  await assert.rejects(ask({ timeoutMs: 500 }), /silence/);
  assert.equal((await exchange(w.anvil.url, one)).status, 200);
});

test("reset on each third request", async () => {
  w.rules({ fault: "reset", every: 3 });
  for (let i = 1; i <= 9; i++) {
    if (i % 3 === 0) await assert.rejects(ask(), { code: "ECONNRESET" });
    else assert.equal(JSON.parse((await ask()).text).result, chain);
  }
});

test("truncate cuts the body: under the announced length, or cleanly", async () => {
  w.rules({ fault: "truncate", bytes: 12 });
  await assert.rejects(ask(), /aborted/);
  w.rules({ fault: "truncate", bytes: 12, clean: true });
  const answer = await ask();
  assert.equal(answer.text.length, 12);
  assert.throws(() => JSON.parse(answer.text));
});

test("slow sends byte by byte", async () => {
  w.rules({ fault: "slow", bytesPerSecond: 100 });
  const length = (await exchange(w.anvil.url, one)).text.length;
  assert.ok(await timed(ask) >= length * 9);
});

test("oversize streams as much as was asked for, announced or not", async () => {
  for (const contentLength of [true, false]) {
    w.rules({ fault: "oversize", bytes: 5_000_000, contentLength });
    const answer = await ask();
    assert.equal(JSON.parse(answer.text).result.length, 5_000_002);
    assert.equal("content-length" in answer.headers, contentLength);
  }
});

test("oversize of 10 GiB costs the proxy no memory and ends with the client", async () => {
  w.rules({ fault: "oversize", bytes: 10 * 2 ** 30 });
  const before = process.memoryUsage().rss;
  await new Promise((resolve) => {
    import("node:http").then(({ default: http }) => {
      const request = http.request(w.urls.one, { method: "POST", agent: false }, (answer) => {
        let size = 0;
        answer.on("data", (part) => {
          size += part.length;
          if (size > 64 << 20) request.destroy();
        });
        answer.on("close", resolve);
        answer.on("error", () => {});
      });
      request.on("error", () => {});
      request.end(one);
    });
  });
  assert.ok(process.memoryUsage().rss - before < 256 << 20);
  assert.ok(w.proxy.listeners.one.stats.bytesOut < 512 << 20);
});

test("gzipBomb is small on the wire and large behind it", async () => {
  w.rules({ fault: "gzipBomb", bytes: 20 << 20 });
  const answer = await ask();
  assert.equal(answer.headers["content-encoding"], "gzip");
  assert.ok(answer.body.length < 100_000);
  assert.ok(gunzipSync(answer.body).length > 20 << 20);
});

test("redirect and httpStatus say what they are told to", async () => {
  w.rules({ fault: "redirect", to: "http://127.0.0.1:9/other" });
  const moved = await ask();
  assert.equal(moved.status, 307);
  assert.equal(moved.headers.location, "http://127.0.0.1:9/other");
  w.rules({ fault: "httpStatus", status: 429, retryAfter: 2 });
  assert.equal((await ask()).headers["retry-after"], "2");
  w.rules({ fault: "httpStatus", status: 429, retryAfterDateS: 60 });
  const ahead = Date.parse((await ask()).headers["retry-after"]) - Date.now();
  assert.ok(ahead > 57_000 && ahead <= 60_000);
  for (const status of [401, 402, 403, 503]) {
    w.rules({ fault: "httpStatus", status });
    assert.equal((await ask()).status, status);
  }
});

const GARBAGE = {
  html: (text) => text.startsWith("<!DOCTYPE html>"),
  plain: (text) => text.startsWith("upstream"),
  empty: (text) => text === "",
  binary: (text, body) => body.length === 4096,
  deep: (text) => text.includes("[".repeat(200_000)),
  deepObject: (text) => text.split('{"a":').length === 200_001,
  bom: (text, body) => body.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])),
  duplicateKey: (text) => text.split('"result"').length === 3 && JSON.parse(text).result === chain,
  nan: (text) => text.includes(":NaN}"),
  infinity: (text) => text.includes(":-Infinity}"),
  hugeNumber: (text) => text.includes(":1e999999}"),
  longNumber: (text) => text.includes("1".repeat(100_000)),
  trailing: (text) => text.endsWith('{"jsonrpc":"2.0"}'),
  comment: (text) => text.startsWith("/*"),
  nul: (text) => text.includes("\u0000"),
  badUtf8: (text, body) => body.includes(Buffer.from([0xc3, 0x28])),
  surrogate: (text) => text.includes("\\ud800"),
  ansi: (text) => JSON.parse(text).error.message.includes("\u001b[31m") && JSON.parse(text).error.message.includes("\n"),
};

test("garbage of every kind is on the wire, and only valid text parses", async () => {
  for (const [kind, holds] of Object.entries(GARBAGE)) {
    w.rules({ fault: "garbage", kind });
    const { text, body } = await ask();
    assert.ok(holds(text, body), kind);
    const parses = ["deep", "deepObject", "duplicateKey", "hugeNumber", "longNumber", "badUtf8", "surrogate", "ansi"];
    if (!parses.includes(kind)) assert.throws(() => JSON.parse(text), undefined, kind);
  }
});

test("rpcError gives every preset with its code and text", async () => {
  assert.ok(PRESETS.length >= 49);
  for (const { name, code, message } of PRESETS) {
    w.rules({ fault: "rpcError", preset: name });
    const { error, id } = JSON.parse((await ask()).text);
    assert.deepEqual([error.code, error.message, id], [code ?? -32000, message, 1]);
  }
});

test("rpcError of a range spares smaller ones and can suggest the range that was asked for", async () => {
  w.rules({ fault: "rpcError", code: -32005, message: "try [{from}, {to}]", rangeOver: 2 });
  const logs = (fromBlock, toBlock) => asked(w.urls.one, "eth_getLogs", [{ fromBlock, toBlock }]);
  assert.deepEqual((await logs("0x0", "0x1")).result, []);
  assert.equal((await logs("0x0", "0x2")).error.message, "try [0x0, 0x2]");
  assert.equal(JSON.parse((await ask()).text).result, chain);
});

test("ids, both members, results and encodings", async () => {
  const answer = async (...rules) => { w.rules(...rules); return JSON.parse((await ask()).text); };
  assert.equal((await answer({ fault: "wrongId", mode: "other" })).id, 1_000_004);
  assert.equal((await answer({ fault: "wrongId", mode: "string" })).id, "1");
  assert.equal((await answer({ fault: "wrongId", mode: "null" })).id, null);
  assert.ok(!("id" in await answer({ fault: "wrongId", mode: "missing" })));
  assert.ok(!("jsonrpc" in await answer({ fault: "wrongId", mode: "noVersion" })));
  assert.deepEqual(Object.keys(await answer({ fault: "both" })).sort(), ["error", "id", "jsonrpc", "result"]);
  assert.equal((await answer({ fault: "result", value: null })).result, null);
  const encodings = {
    leadingZero: `0x0${chain.slice(2)}`, decimal: String(CHAIN_ID), number: CHAIN_ID, upper: `0X${chain.slice(2).toUpperCase()}`,
    bare: "0x", noPrefix: chain.slice(2), negative: `-${chain}`, over: `0x1${"0".repeat(64)}`, space: ` ${chain}`,
    fraction: `${chain}.0`,
  };
  for (const [mode, expected] of Object.entries(encodings)) {
    assert.deepEqual((await answer({ fault: "encoding", mode })).result, expected);
  }
});

test("batches are reversed, short, doubled, single, empty, foreign or nested", async () => {
  const ids = async (mode) => {
    w.rules({ fault: "batch", mode });
    const answer = JSON.parse((await exchange(w.urls.one, batch)).text);
    return Array.isArray(answer) ? answer.map((it) => it.id) : answer.id;
  };
  assert.deepEqual(await ids("reverse"), [9, 8, 7]);
  assert.deepEqual(await ids("short"), [7, 8]);
  assert.deepEqual(await ids("duplicate"), [7, 8, 9, 7]);
  assert.deepEqual(await ids("repeated"), [7, 7, 7]);
  assert.equal(await ids("single"), 7);
  assert.deepEqual(await ids("empty"), []);
  assert.deepEqual(await ids("foreign"), [7, 8, 9, 4_000_000_007]);
  assert.deepEqual(await ids("nested"), [undefined]);
});
