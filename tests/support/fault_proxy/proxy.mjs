// SPDX-License-Identifier: Apache-2.0
// Puts listeners, rules and the control port together.
import { startControl } from "./control.mjs";
import { DATA_FAULTS } from "./data.mjs";
import { ENVELOPE_FAULTS } from "./envelope.mjs";
import { HEAD_FAULTS } from "./heads.mjs";
import { LIE_FAULTS } from "./lie.mjs";
import { Listener } from "./listener.mjs";
import { RuleBook } from "./rules.mjs";
import { TRANSPORT_FAULTS } from "./transport.mjs";
import { TXN_FAULTS } from "./txns.mjs";
import { WEBSOCKET_FAULTS } from "./websocket.mjs";

export const FAULTS = {
  ...TRANSPORT_FAULTS, ...ENVELOPE_FAULTS, ...HEAD_FAULTS, ...DATA_FAULTS, ...TXN_FAULTS, ...LIE_FAULTS, ...WEBSOCKET_FAULTS,
};

/** listen: {name: upstream URL}; control: port, 0 for any. */
export async function startProxy({ listen, control = 0 }) {
  const book = new RuleBook(FAULTS, () => Date.now());
  const listeners = {};
  const ports = {};
  for (const [name, url] of Object.entries(listen)) {
    listeners[name] = new Listener(name, url, book);
    ports[name] = await listeners[name].listen();
  }
  const server = await startControl({ book, listeners, kinds: FAULTS }, control);
  return {
    book, listeners,
    ports: { control: server.address().port, listeners: ports },
    close() {
      Object.values(listeners).forEach((listener) => listener.close());
      server.closeAllConnections();
      server.close();
    },
  };
}
