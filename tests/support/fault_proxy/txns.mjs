// SPDX-License-Identifier: Apache-2.0
// Faults of sending transactions: what the node did and what it says it did are not the same.
import { ethers } from "./packages.mjs";
import { choice, onResult } from "./envelope.mjs";
import { quantity } from "./block.mjs";

/** Thrown by a call fault: the connection is reset and no answer leaves. */
export class Cut extends Error {}

const isSend = (call) => call.method === "eth_sendRawTransaction";

/** The node has the transaction; the client hears nothing, or of a failure. */
function acceptThenFail(params) {
  const how = choice(params, "how", ["reset", "error"], "reset");
  return {
    apply: async (call, next) => {
      const envelope = await next(call);
      if (!isSend(call)) return envelope;
      if (how === "reset") throw new Cut("accepted, and the answer is lost");
      return { jsonrpc: "2.0", id: call.id, error: { code: -32603, message: "internal error" } };
    },
  };
}

/** The client hears the right hash; the node never sees the transaction. */
const swallowTx = () => ({
  apply: async (call, next) =>
    (isSend(call) ? { jsonrpc: "2.0", id: call.id, result: ethers.keccak256(call.params[0]) } : next(call)),
});

/** The pool takes the transaction and loses it again. Needs a node that has not mined it at once. */
const dropTx = () => onResult(async (value, call, { upstream }) => {
  if (isSend(call)) await upstream.ask("anvil_dropTransaction", value);
  return value;
});

/** eth_getTransactionCount moved by `delta`, always or at every second answer. */
function nonce(params) {
  const delta = params.delta ?? 5;
  let turn = 0;
  return onResult((value, call) => {
    if (call.method !== "eth_getTransactionCount" || (params.alternate && turn++ % 2 === 0)) return value;
    return quantity(Math.max(0, Number(value) + delta));
  });
}

export const TXN_FAULTS = {
  acceptThenFail: { layer: "call", params: ["how"], make: acceptThenFail },
  swallowTx: { layer: "call", params: [], make: swallowTx },
  dropTx: { layer: "call", params: [], make: dropTx },
  nonce: { layer: "call", params: ["delta", "alternate"], make: nonce },
};
