// SPDX-License-Identifier: Apache-2.0
// Runs a Foundry tool and ends as it ended: `node tools/foundry.mjs forge test`. The packages' own launchers end with 0
// whatever the tool says, so a failing test would pass. `node tools/foundry.mjs --path anvil` prints where the binary is.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** The native binary of `tool` for this platform. */
export function binary(tool) {
  const name = `@foundry-rs/${tool}-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const file = process.platform === "win32" ? `${tool}.exe` : tool;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/${file}`);
  } catch (error) {
    throw new Error(`${name} is not installed; run npm ci in contracts/`, { cause: error });
  }
}

function main([tool, ...args]) {
  if (tool === "--path") {
    console.log(binary(args[0]));
    return 0;
  }
  const { status, signal, error } = spawnSync(binary(tool), args, { stdio: "inherit" });
  if (error) throw error;
  if (signal) console.error(`${tool} was stopped by ${signal}`);
  return status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
