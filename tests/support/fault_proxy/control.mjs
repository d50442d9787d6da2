// SPDX-License-Identifier: Apache-2.0
// The control port: rules in, statistics out. JSON over HTTP, loopback only.
//   GET /stats /rules /faults /presets   POST /rules (one or a list: added)   PUT /rules (a list: instead of all)
//   DELETE /rules (all) /rules/ID        POST /upstream {listener, url}       POST /stats/reset
import http from "node:http";
import { newStats, readAll } from "./listener.mjs";
import { PRESETS } from "./envelope.mjs";
import { BadRule } from "./rules.mjs";

const BODY_MAX = 8 << 20;

const described = (rule) => ({ ...rule.describe(), ...rule.fault.describe?.() });

function routes({ book, listeners, kinds }) {
  const named = (name) => {
    if (!listeners[name]) throw new BadRule(`no listener "${name}"; there are: ${Object.keys(listeners).join(", ")}`);
    return listeners[name];
  };
  return {
    "GET /stats": () => ({
      listeners: Object.fromEntries(Object.entries(listeners).map(([name, it]) => [name, it.stats])),
      rules: book.rules.map(described),
      memoryBytes: process.memoryUsage().rss,
    }),
    "GET /rules": () => book.rules.map(described),
    "GET /faults": () => Object.fromEntries(Object.entries(kinds).map(([name, { layer, params }]) => [name, { layer, params }])),
    "GET /presets": () => PRESETS,
    "POST /rules": (body) => ({ ids: book.add([body].flat()) }),
    "PUT /rules": (body) => ({ ids: book.replace([body].flat()) }),
    "DELETE /rules": () => ({ removed: book.rules.splice(0).length }),
    "DELETE /rules/ID": (body, id) => ({ removed: book.remove(id) }),
    "POST /upstream": ({ listener, url }) => {
      named(listener).pointTo(url);
      return { listener, url };
    },
    "POST /stats/reset": () => {
      for (const listener of Object.values(listeners)) listener.stats = newStats();
      return {};
    },
  };
}

export function startControl(parts, port) {
  const table = routes(parts);
  const server = http.createServer(async (request, response) => {
    const say = (status, value) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    try {
      const text = await readAll(request, BODY_MAX);
      const id = /\/(\d+)$/.exec(request.url)?.[1];
      const route = table[`${request.method} ${request.url.replace(/\d+$/, "ID")}`];
      if (!route) return say(404, { error: `no ${request.method} ${request.url}` });
      return say(200, route(text ? JSON.parse(text) : undefined, Number(id)));
    } catch (error) {
      return say(error instanceof BadRule || error instanceof SyntaxError ? 400 : 500, { error: String(error.message) });
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
