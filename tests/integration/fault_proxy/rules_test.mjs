// SPDX-License-Identifier: Apache-2.0
// Rules and the control port: what a rule matches, how often, and that a misspelt one is refused.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { glob, randomOf, RuleBook } from "../../support/fault_proxy/rules.mjs";
import { FAULTS } from "../../support/fault_proxy/proxy.mjs";
import { asked, startAnvil, startWorld } from "./node.mjs";

let w;
before(async () => { w = await startWorld(["one", "two"]); });
after(() => w?.stop());

async function control(method, path, body) {
  const answer = await fetch(`${w.control}${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

const firings = (spec, times, clock = () => 0) => {
  const book = new RuleBook(FAULTS, clock);
  book.add([{ fault: "hang", ...spec }]);
  return Array.from({ length: times }, () => book.firing("transport", "one", "margrave/1", ["eth_call"]).length).join("");
};

test("every, skip, count and chance", () => {
  assert.equal(firings({}, 4), "1111");
  assert.equal(firings({ every: 3 }, 7), "0010010");
  assert.equal(firings({ skip: 2 }, 4), "0011");
  assert.equal(firings({ count: 2 }, 4), "1100");
  assert.equal(firings({ skip: 1, every: 2, count: 1 }, 6), "001000");
  const half = firings({ chance: 0.5, seed: 7 }, 1000);
  assert.equal(half, firings({ chance: 0.5, seed: 7 }, 1000));
  const ones = half.split("1").length - 1;
  assert.ok(ones > 430 && ones < 570, String(ones));
});

test("time windows, methods, listeners and user agents", () => {
  let now = 0;
  const book = new RuleBook(FAULTS, () => now);
  book.add([{ fault: "hang", afterMs: 100, forMs: 50, methods: ["eth_get*", "net_version"], on: "one", userAgent: "margrave*" }]);
  const fires = (listener, agent, method) => book.firing("transport", listener, agent, [method]).length;
  assert.equal(fires("one", "margrave/1", "eth_getLogs"), 0);
  now = 100;
  assert.equal(fires("one", "margrave/1", "eth_getLogs"), 1);
  assert.equal(fires("one", "margrave/1", "eth_call"), 0);
  assert.equal(fires("one", "curl", "net_version"), 0);
  assert.equal(fires("two", "margrave", "net_version"), 0);
  now = 150;
  assert.equal(fires("one", "margrave/1", "eth_getLogs"), 0);
});

test("globs and the seeded generator", () => {
  assert.ok(glob("eth_*")("eth_call") && !glob("eth_*")("net_version") && glob("a.b")("a.b") && !glob("a.b")("axb"));
  assert.deepEqual(Array.from({ length: 3 }, randomOf(5)), Array.from({ length: 3 }, randomOf(5)));
});

test("the control port adds, lists, replaces and removes rules", async () => {
  const added = await control("POST", "/rules", { fault: "chainId", value: 5 });
  assert.equal(added.status, 200);
  assert.equal((await asked(w.urls.one, "eth_chainId")).result, "0x5");
  const [rule] = (await control("GET", "/rules")).body;
  assert.deepEqual([rule.id, rule.fired, rule.spec.fault], [added.body.ids[0], 1, "chainId"]);
  await control("PUT", "/rules", [{ fault: "chainId", value: 6, on: "two" }, { fault: "chainId", value: 7, on: "one" }]);
  assert.equal((await asked(w.urls.one, "eth_chainId")).result, "0x7");
  assert.equal((await asked(w.urls.two, "eth_chainId")).result, "0x6");
  const { body } = await control("GET", "/rules");
  assert.deepEqual((await control("DELETE", `/rules/${body[1].id}`)).body, { removed: 1 });
  assert.notEqual((await asked(w.urls.one, "eth_chainId")).result, "0x7");
  assert.deepEqual((await control("DELETE", "/rules")).body, { removed: 1 });
});

test("a misspelt rule is refused with the reason, and none of its list is added", async () => {
  const bad = [
    [{ fault: "hung" }, /no fault "hung"/], [{ fault: "hang", ms: 5 }, /no parameter "ms"/],
    [{ fault: "reset", every: 0 }, /every is an integer/], [{ fault: "garbage", kind: "odd" }, /kind is one of/],
    [{ fault: "rpcError", preset: "odd" }, /no preset/], [{ fault: "consistentLie", vault: "0x12" }, /vault/],
    [[{ fault: "hang" }, { fault: "hung" }], /no fault/], [null, /no fault/],
  ];
  for (const [spec, reason] of bad) {
    const { status, body } = await control("POST", "/rules", spec);
    assert.equal(status, 400);
    assert.match(body.error, reason);
  }
  assert.deepEqual((await control("GET", "/rules")).body, []);
  assert.equal((await control("GET", "/nowhere")).status, 404);
});

test("statistics count calls by method, agent and rule", async () => {
  await control("POST", "/stats/reset");
  await asked(w.urls.one, "eth_chainId", [], { userAgent: "margrave/9" });
  await asked(w.urls.one, "eth_blockNumber", [], { userAgent: "margrave/9" });
  const { listeners } = (await control("GET", "/stats")).body;
  assert.equal(listeners.one.requests, 2);
  assert.deepEqual(listeners.one.calls, { eth_chainId: 1, eth_blockNumber: 1 });
  assert.deepEqual(listeners.one.userAgents, { "margrave/9": 2 });
  assert.equal(listeners.two.requests, 0);
});

test("a listener can be pointed to another node", async () => {
  const other = await startAnvil("--block-time", "1000");
  try {
    await control("POST", "/upstream", { listener: "two", url: other.url });
    assert.equal((await asked(w.urls.two, "eth_blockNumber")).result, "0x0");
    assert.equal((await control("POST", "/upstream", { listener: "nine", url: other.url })).status, 400);
    await control("POST", "/upstream", { listener: "two", url: w.anvil.url });
    assert.notEqual((await asked(w.urls.two, "eth_blockNumber")).result, "0x0");
  } finally {
    other.stop();
  }
  await sleep(0);
});
