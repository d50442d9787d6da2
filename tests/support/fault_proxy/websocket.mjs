// SPDX-License-Identifier: Apache-2.0
// The WebSocket side of a listener: calls are answered as over HTTP, subscriptions are the honest node's own, and
// layer "ws" faults happen to what the node tells by itself.
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket, WebSocketServer } from "./packages.mjs";

const MESSAGE_MAX = 32 << 20;
const WAITING_MAX = 1024;
const NOTIFICATION = "eth_subscription";

/** apply(text, socket): the messages to send instead, in order. */
const silent = () => ({ apply: () => [] });
const duplicate = () => ({ apply: (text) => [text, text] });
const late = (params) => ({ apply: async (text) => { await sleep(params.ms ?? 5000, undefined, { ref: false }); return [text]; } });
const garbage = (params) => ({ apply: () => [params.text ?? '{"jsonrpc":"2.0","method":"eth_subscr'] });

/** A text frame that announces 1,000 bytes and brings 16 of them; the connection stays open. */
const halfFrame = () => ({
  apply: (text, client) => {
    const start = Buffer.from([0x81, 126, 0x03, 0xe8]);
    client.raw.write(Buffer.concat([start, Buffer.from(text.slice(0, 16).padEnd(16))]));
    client.broken = true;
    return [];
  },
});

const close = (params) => ({
  apply: (text, client) => {
    if (params.code) client.socket.close(params.code, "closed by a fault");
    else client.socket.terminate();
    return [];
  },
});

const removed = () => ({
  apply: (text) => {
    const message = JSON.parse(text);
    return [JSON.stringify({ ...message, params: { ...message.params, result: { ...message.params.result, removed: true } } })];
  },
});

const refuse = (params) => ({ status: params.status ?? 503 });

export const WEBSOCKET_FAULTS = {
  wsSilent: { layer: "ws", params: [], make: silent },
  wsDuplicate: { layer: "ws", params: [], make: duplicate },
  wsLate: { layer: "ws", params: ["ms"], make: late },
  wsGarbage: { layer: "ws", params: ["text"], make: garbage },
  wsHalfFrame: { layer: "ws", params: [], make: halfFrame },
  wsClose: { layer: "ws", params: ["code"], make: close },
  wsRemoved: { layer: "ws", params: [], make: removed },
  wsRefuse: { layer: "upgrade", params: ["status"], make: refuse },
};

/** One client and the honest node's WebSocket behind it. */
class Session {
  #queue = Promise.resolve();
  #waiting = [];
  broken = false;

  constructor(listener, socket, request) {
    this.listener = listener;
    this.socket = socket;
    this.raw = request.socket;
    this.userAgent = request.headers["user-agent"] ?? "";
    this.up = new WebSocket(listener.upstream.url.href.replace(/^http/, "ws"), { maxPayload: MESSAGE_MAX });
    this.up.on("open", () => this.#waiting.splice(0).forEach((text) => this.up.send(text)));
    this.up.on("message", (data) => this.#inOrder(() => this.#fromNode(data.toString())));
    this.up.on("close", () => socket.close(1001));
    this.up.on("error", () => socket.terminate());
    socket.on("message", (data) => this.#fromClient(data.toString()).catch(() => socket.terminate()));
    socket.on("close", () => this.up.terminate());
    socket.on("error", () => this.up.terminate());
  }

  #inOrder(work) {
    this.#queue = this.#queue.then(work).catch(() => this.socket.terminate());
  }

  async #fromClient(text) {
    const { stats } = this.listener;
    stats.wsMessages += 1;
    const method = JSON.parse(text).method ?? "";
    if (method === "eth_subscribe" || method === "eth_unsubscribe") {
      if (this.up.readyState === WebSocket.OPEN) this.up.send(text);
      else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(text);
      return;
    }
    const answer = await this.listener.answerText(text, this.userAgent);
    if (this.socket.readyState === WebSocket.OPEN && !this.broken) this.socket.send(answer);
  }

  async #fromNode(text) {
    let texts = [text];
    const message = JSON.parse(text);
    if (message.method === NOTIFICATION) {
      texts = [await this.#retold(text, message)];
      for (const rule of this.listener.book.firing("ws", this.listener.name, this.userAgent, [NOTIFICATION])) {
        const out = [];
        for (const it of texts) out.push(...await rule.fault.apply(it, this));
        texts = out;
      }
    }
    if (this.broken || this.socket.readyState !== WebSocket.OPEN) return;
    this.listener.stats.wsNotified += texts.length;
    texts.forEach((it) => this.socket.send(it));
  }

  /** A head as a consistent liar tells it. */
  async #retold(text, message) {
    const { result } = message.params;
    if (!result?.parentHash) return text;
    const { book, name, upstream } = this.listener;
    const liar = book.rules.find((rule) => rule.fault.head && rule.concerns(name, this.userAgent, NOTIFICATION));
    if (!liar) return text;
    return JSON.stringify({ ...message, params: { ...message.params, result: await liar.fault.head(result, upstream) } });
  }
}

/** Makes the HTTP server of a listener take WebSocket clients as well. */
export function acceptWebSockets(listener, server) {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_MAX });
  server.on("upgrade", (request, socket, head) => {
    const agent = request.headers["user-agent"] ?? "";
    const [refusal] = listener.book.firing("upgrade", listener.name, agent, ["upgrade"]);
    if (refusal) {
      socket.end(`HTTP/1.1 ${refusal.fault.status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      listener.stats.wsConnections += 1;
      new Session(listener, client, request);
    });
  });
  return sockets;
}
