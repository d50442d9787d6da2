// SPDX-License-Identifier: Apache-2.0
// The honest node behind a listener, over kept-alive HTTP.
import http from "node:http";

const BODY_MAX = 256 << 20;
const TIMEOUT_MS = 30_000;

export class Upstream {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  #nextId = 1;

  constructor(url) {
    this.url = new URL(url);
  }

  /** The answer's bytes to a body sent as it is. */
  post(body) {
    return new Promise((resolve, reject) => {
      const request = http.request(this.url, {
        method: "POST", agent: this.#agent, timeout: TIMEOUT_MS,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      }, (answer) => {
        const parts = [];
        let size = 0;
        answer.on("data", (part) => {
          size += part.length;
          if (size > BODY_MAX) answer.destroy(new Error(`the upstream's answer is over ${BODY_MAX} bytes`));
          else parts.push(part);
        });
        answer.on("end", () => resolve(Buffer.concat(parts)));
        answer.on("error", reject);
      });
      request.on("timeout", () => request.destroy(new Error(`the upstream was silent for ${TIMEOUT_MS} ms`)));
      request.on("error", reject);
      request.end(body);
    });
  }

  /** The whole envelope, {result} or {error}, with `call`'s own id. */
  async forward(call) {
    return JSON.parse((await this.post(JSON.stringify(call))).toString());
  }

  /** Just the result; an error of the node is thrown. */
  async ask(method, ...params) {
    const envelope = await this.forward({ jsonrpc: "2.0", id: this.#nextId++, method, params });
    if (envelope.error) throw new Error(`${method}: ${envelope.error.message}`);
    return envelope.result;
  }

  async head() {
    return Number(await this.ask("eth_blockNumber"));
  }

  close() {
    this.#agent.destroy();
  }
}
