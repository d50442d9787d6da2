// SPDX-License-Identifier: Apache-2.0
// One port that looks like a node: requests come in, the rules that fire are applied, and what is left of the honest
// node's answer goes out.
import http from "node:http";
import { ENDED, send } from "./transport.mjs";
import { Cut } from "./txns.mjs";
import { Upstream } from "./upstream.mjs";
import { acceptWebSockets } from "./websocket.mjs";

const REQUEST_MAX = 64 << 20;
const LOG_MAX = 500;

class Exchange {
  constructor(listener, request, response, text) {
    this.request = request;
    this.response = response;
    this.stats = listener.stats;
    this.text = text;
    this.userAgent = request?.headers["user-agent"] ?? "";
    let parsed = null;
    try {
      parsed = JSON.parse(text);
    } catch {
      // What is no JSON is the honest node's to refuse.
    }
    this.isBatch = Array.isArray(parsed);
    this.calls = (this.isBatch ? parsed : [parsed]).filter((call) => typeof call?.method === "string");
    this.methods = this.calls.length ? this.calls.map((call) => call.method) : [""];
  }
}

export function newStats() {
  return {
    requests: 0, calls: {}, userAgents: {}, bytesOut: 0, errors: 0, wsConnections: 0, wsMessages: 0, wsNotified: 0, lately: [],
  };
}

const count = (table, key) => { table[key] = (table[key] ?? 0) + 1; };

export class Listener {
  stats = newStats();

  constructor(name, upstreamUrl, book) {
    this.name = name;
    this.book = book;
    this.upstream = new Upstream(upstreamUrl);
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60_000;
    this.sockets = acceptWebSockets(this, this.server);
  }

  /** The port. */
  listen(port = 0) {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, "127.0.0.1", () => resolve(this.server.address().port));
    });
  }

  pointTo(url) {
    const old = this.upstream;
    this.upstream = new Upstream(url);
    old.close();
  }

  close() {
    this.sockets.clients.forEach((client) => client.terminate());
    this.server.closeAllConnections();
    this.server.close();
    this.upstream.close();
  }

  async #serve(request, response) {
    const text = await readAll(request, REQUEST_MAX).catch(() => null);
    if (text === null) return response.destroy();
    const exchange = new Exchange(this, request, response, text);
    this.#count(exchange);
    try {
      const reply = await this.#reply(exchange);
      if (reply !== ENDED) await send(response, reply, this.stats);
    } catch (error) {
      if (error instanceof Cut) {
        request.socket.resetAndDestroy();
        return undefined;
      }
      this.stats.errors += 1;
      this.stats.lastError = String(error?.stack ?? error).slice(0, 2000);
      if (!response.headersSent) response.writeHead(502, { "content-type": "text/plain" });
      response.end("the proxy has no answer of its upstream");
    }
    return undefined;
  }

  #count({ userAgent, methods }) {
    this.stats.requests += 1;
    count(this.stats.userAgents, userAgent.slice(0, 100));
    for (const method of methods) count(this.stats.calls, method);
    this.stats.lately.push({ at: Date.now(), methods: methods.slice(0, 8) });
    if (this.stats.lately.length > LOG_MAX) this.stats.lately.shift();
  }

  #firing(layer, exchange) {
    return this.book.firing(layer, this.name, exchange.userAgent, exchange.methods);
  }

  async #reply(exchange) {
    for (const rule of this.#firing("transport", exchange)) {
      const ended = await rule.fault.apply(exchange);
      if (ended) return ended;
    }
    let reply = { body: await this.#body(exchange) };
    for (const rule of this.#firing("body", exchange)) reply = await rule.fault.apply(reply, exchange);
    return reply;
  }

  async #body(exchange) {
    const callRules = exchange.calls.map((call) =>
      (this.book.has("call") ? this.book.firing("call", this.name, exchange.userAgent, [call.method]) : []));
    const batchRules = exchange.isBatch && this.book.has("batch") ? this.#firing("batch", exchange) : [];
    if (!batchRules.length && callRules.every((rules) => !rules.length)) return this.upstream.post(exchange.text);
    const answers = await Promise.all(exchange.calls.map((call, i) => this.#answer(call, callRules[i], exchange)));
    if (!exchange.isBatch) return Buffer.from(JSON.stringify(answers[0]));
    const told = batchRules.reduce((soFar, rule) => rule.fault.apply(soFar), answers);
    return Buffer.from(JSON.stringify(told));
  }

  /** The first rule is the outermost: it has the last word. */
  #answer(call, rules, exchange) {
    const context = { upstream: this.upstream, listener: this.name, userAgent: exchange.userAgent };
    const ask = (i) => (asked) =>
      (i < rules.length ? rules[i].fault.apply(asked, ask(i + 1), context) : this.upstream.forward(asked));
    return ask(0)(call);
  }

  /** For WebSocket clients: layers "call", "batch" and "body" only. */
  async answerText(text, userAgent) {
    const exchange = new Exchange(this, { headers: { "user-agent": userAgent } }, null, text);
    return (await this.#body(exchange)).toString();
  }
}

export async function readAll(stream, most) {
  const parts = [];
  let size = 0;
  for await (const part of stream) {
    size += part.length;
    if (size > most) throw new Error(`over ${most} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
