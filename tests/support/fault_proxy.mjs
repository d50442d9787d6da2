#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// A JSON-RPC proxy that injects faults on purpose, for tests: honest nodes behind it, listeners before it that look like
// nodes of different providers, and rules over a control port that say what goes wrong, where and how often.
//
//   node tests/support/fault_proxy.mjs --listen a1=http://127.0.0.1:8545 --listen a2=http://127.0.0.1:8545
//
// prints one line of JSON, {"control": port, "listeners": {"a1": port, "a2": port}}, and serves HTTP and WebSocket on
// each port until it is stopped. See fault_proxy/README.md for the rules.
import { startProxy } from "./fault_proxy/proxy.mjs";

function parse(args) {
  const listen = {};
  let control = 0;
  for (let i = 0; i < args.length; i += 2) {
    const value = args[i + 1];
    if (args[i] === "--listen" && /^[^=]+=https?:/.test(value ?? "")) {
      listen[value.slice(0, value.indexOf("="))] = value.slice(value.indexOf("=") + 1);
    } else if (args[i] === "--control" && /^\d+$/.test(value ?? "")) {
      control = Number(value);
    } else {
      throw new Error(`what is ${args[i]} ${value ?? ""}? usage: --listen NAME=URL ... [--control PORT]`);
    }
  }
  if (!Object.keys(listen).length) throw new Error("at least one --listen NAME=URL");
  return { listen, control };
}

try {
  const proxy = await startProxy(parse(process.argv.slice(2)));
  console.log(JSON.stringify(proxy.ports));
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
