// SPDX-License-Identifier: Apache-2.0
// Faults of the connection and of HTTP. Layer "transport" happens before the node is asked and may end the exchange by
// returning a reply or ENDED; layer "body" changes the bytes of the reply.
import { gzipSync } from "node:zlib";
import { setTimeout as sleep } from "node:timers/promises";
import { BadRule } from "./rules.mjs";

export const ENDED = Symbol("the fault has dealt with the connection");

const PIECE = Buffer.alloc(64 << 10, "0");

function positive(params, name, fallback) {
  const value = params[name] ?? fallback;
  if (typeof value !== "number" || !(value >= 0)) throw new BadRule(`${name} is a number of at least 0`);
  return value;
}

function jittered(params, rule) {
  const ms = positive(params, "ms", 0);
  const jitter = positive(params, "jitterMs", 0);
  return () => ms + rule.random() * jitter;
}

function delay(params, rule) {
  const pause = jittered(params, rule);
  return { apply: async () => { await sleep(pause(), undefined, { ref: false }); } };
}

function delayAnswer(params, rule) {
  const pause = jittered(params, rule);
  return { apply: async (reply) => { await sleep(pause(), undefined, { ref: false }); return reply; } };
}

/** The client gets nothing, and no sign that the connection is dead. */
const hang = () => ({ apply: () => ENDED });

const reset = () => ({
  apply: (exchange) => {
    exchange.request.socket.resetAndDestroy();
    return ENDED;
  },
});

function redirect(params) {
  const status = params.status ?? 307;
  if (typeof params.to !== "string") throw new BadRule("redirect needs to, the other URL");
  return { apply: () => ({ status, headers: { location: params.to }, body: Buffer.from("moved") }) };
}

/** retryAfter is sent as it is; retryAfterDateS is an HTTP date so many seconds ahead. */
function httpStatus(params) {
  if (!Number.isInteger(params.status)) throw new BadRule("httpStatus needs status");
  return {
    apply: () => {
      const headers = { "content-type": "text/plain", ...params.headers };
      if (params.retryAfter !== undefined) headers["retry-after"] = String(params.retryAfter);
      if (params.retryAfterDateS !== undefined) {
        headers["retry-after"] = new Date(Date.now() + params.retryAfterDateS * 1000).toUTCString();
      }
      return { status: params.status, headers, body: Buffer.from(params.body ?? `status ${params.status}`) };
    },
  };
}

/** So many bytes of one endless value, streamed as fast as the client takes them. */
function oversize(params) {
  const bytes = positive(params, "bytes", 64 << 20);
  return {
    apply: async (exchange) => {
      const { response } = exchange;
      const head = `{"jsonrpc":"2.0","id":${JSON.stringify(exchange.calls[0]?.id ?? null)},"result":"0x`;
      const headers = { "content-type": "application/json" };
      if (params.contentLength) headers["content-length"] = String(head.length + bytes + 2);
      response.writeHead(200, headers);
      response.write(head);
      let left = bytes;
      while (left > 0 && !response.destroyed) {
        const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
        left -= piece.length;
        exchange.stats.bytesOut += piece.length;
        if (!response.write(piece)) await drained(response);
      }
      response.end('"}');
      return ENDED;
    },
  };
}

function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

function gzipBomb(params) {
  const bytes = positive(params, "bytes", 100 << 20);
  const body = gzipSync(Buffer.concat([Buffer.alloc(bytes, " "), Buffer.from('{"jsonrpc":"2.0","id":1,"result":"0x1"}')]));
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  return { apply: () => ({ status: 200, headers, body }) };
}

/** Without `clean` the announced length is that of the whole and the connection ends early. */
function truncate(params) {
  const fraction = positive(params, "fraction", 0.5);
  return {
    apply: (reply) => {
      const keep = params.bytes ?? Math.floor(reply.body.length * fraction);
      const body = reply.body.subarray(0, keep);
      return params.clean ? { ...reply, body } : { ...reply, body, announced: reply.body.length, cut: true };
    },
  };
}

function slow(params) {
  const bytesPerSecond = positive(params, "bytesPerSecond", 10);
  return { apply: (reply) => ({ ...reply, pace: { chunk: params.chunk ?? 1, ms: (params.chunk ?? 1) * 1000 / bytesPerSecond } }) };
}

/** Sends a reply, obeying what body faults said about pace, length and end. */
export async function send(response, reply, stats) {
  const { status = 200, headers = { "content-type": "application/json" }, body, announced, cut, pace } = reply;
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": String(announced ?? body.length) });
  stats.bytesOut += body.length;
  if (pace) {
    for (let at = 0; at < body.length && !response.destroyed; at += pace.chunk) {
      response.write(body.subarray(at, at + pace.chunk));
      await sleep(pace.ms, undefined, { ref: false });
    }
    response.end();
  } else if (cut) {
    response.write(body, () => response.destroy());
  } else {
    response.end(body);
  }
}

export const TRANSPORT_FAULTS = {
  delay: { layer: "transport", params: ["ms", "jitterMs"], make: delay },
  hang: { layer: "transport", params: [], make: hang },
  reset: { layer: "transport", params: [], make: reset },
  redirect: { layer: "transport", params: ["to", "status"], make: redirect },
  httpStatus: {
    layer: "transport", params: ["status", "retryAfter", "retryAfterDateS", "body", "headers"], make: httpStatus,
  },
  oversize: { layer: "transport", params: ["bytes", "contentLength"], make: oversize },
  gzipBomb: { layer: "transport", params: ["bytes"], make: gzipBomb },
  delayAnswer: { layer: "body", params: ["ms", "jitterMs"], make: delayAnswer },
  truncate: { layer: "body", params: ["bytes", "fraction", "clean"], make: truncate },
  slow: { layer: "body", params: ["bytesPerSecond", "chunk"], make: slow },
};
