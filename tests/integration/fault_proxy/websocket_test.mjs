// SPDX-License-Identifier: Apache-2.0
// WebSocket clients get calls answered and heads told, until a rule says otherwise.
import assert from "node:assert/strict";
import test, { after, afterEach, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { headerHash, quantity } from "../../support/fault_proxy/block.mjs";
import { WebSocket } from "../../support/fault_proxy/packages.mjs";
import { ZERO } from "../../support/fault_proxy/vault.mjs";
import { ask, envelope, startWorld } from "./node.mjs";

let w;
const open = [];
before(async () => { w = await startWorld(["one"]); });
after(() => w?.stop());
afterEach(() => open.splice(0).forEach((socket) => socket.terminate()));

/** A client that has subscribed to heads: {socket, heads, answers, closed}. */
async function subscribed() {
  const socket = new WebSocket(w.urls.one.replace("http", "ws"));
  open.push(socket);
  const client = { socket, heads: [], answers: [], closed: null, broken: [] };
  socket.on("message", (data) => {
    try {
      const message = JSON.parse(data.toString());
      if (message.method === "eth_subscription") client.heads.push(message.params.result);
      else client.answers.push(message);
    } catch {
      client.broken.push(data.toString());
    }
  });
  socket.on("close", (code) => { client.closed = code; });
  await new Promise((resolve, reject) => { socket.once("open", resolve); socket.once("error", reject); });
  socket.send(JSON.stringify(envelope("eth_subscribe", ["newHeads"], 1)));
  await until(() => client.answers.length === 1);
  return client;
}

async function until(holds, ms = 3000) {
  for (const end = Date.now() + ms; Date.now() < end;) {
    if (holds()) return;
    await sleep(10);
  }
  assert.ok(holds(), "waited in vain");
}

test("heads come as they are, and calls are answered with their rules", async () => {
  w.rules({ fault: "chainId", value: 5 });
  const client = await subscribed();
  await w.mine();
  await until(() => client.heads.length === 1);
  assert.equal(client.heads[0].hash, (await ask(w.anvil.url, "eth_getBlockByNumber", "latest", false)).hash);
  client.socket.send(JSON.stringify(envelope("eth_chainId", [], 2)));
  await until(() => client.answers.length === 2);
  assert.deepEqual([client.answers[1].id, client.answers[1].result], [2, "0x5"]);
});

test("silent: the connection is open and nothing comes", async () => {
  w.rules({ fault: "wsSilent" });
  const client = await subscribed();
  await w.mine(2);
  await until(() => w.proxy.book.rules[0].fired === 2);
  await sleep(50);
  assert.deepEqual([client.heads.length, client.socket.readyState], [0, WebSocket.OPEN]);
});

test("duplicate, late, removed and garbage", async () => {
  w.rules({ fault: "wsDuplicate" });
  const twice = await subscribed();
  await w.mine();
  await until(() => twice.heads.length === 2);
  assert.deepEqual(twice.heads[0], twice.heads[1]);
  w.rules({ fault: "wsLate", ms: 400 });
  const start = Date.now();
  await w.mine();
  await until(() => twice.heads.length === 3);
  assert.ok(Date.now() - start >= 390);
  w.rules({ fault: "wsRemoved" });
  await w.mine();
  await until(() => twice.heads.length === 4);
  assert.equal(twice.heads[3].removed, true);
  w.rules({ fault: "wsGarbage" });
  await w.mine();
  await until(() => twice.broken.length === 1);
});

test("half a frame, and then nothing", async () => {
  w.rules({ fault: "wsHalfFrame", count: 1 });
  const client = await subscribed();
  await w.mine(3);
  await until(() => w.proxy.book.rules[0].fired === 1);
  await sleep(100);
  assert.deepEqual([client.heads.length, client.broken.length, client.socket.readyState], [0, 0, WebSocket.OPEN]);
});

test("closed with a code, cut without one, refused", async () => {
  w.rules({ fault: "wsClose", code: 1012, count: 1 }, { fault: "wsClose", count: 1, skip: 1 });
  const first = await subscribed();
  await w.mine();
  await until(() => first.closed === 1012);
  w.rules({ fault: "wsClose" });
  const second = await subscribed();
  await w.mine();
  await until(() => second.closed === 1006);
  w.rules({ fault: "wsRefuse", status: 503 });
  await assert.rejects(subscribed(), /503/);
});

test("a consistent liar tells its own heads", async () => {
  const at = (await w.head()) + 1;
  w.rules({ fault: "consistentLie", at, vault: w.vault, deposits: [{ account: w.account, token: ZERO, amount: "9" }] });
  const client = await subscribed();
  await w.mine();
  await until(() => client.heads.length === 1);
  const told = await ask(w.urls.one, "eth_getBlockByNumber", quantity(at), false);
  assert.equal(client.heads[0].hash, told.hash);
  assert.equal(headerHash(client.heads[0]), told.hash);
});
