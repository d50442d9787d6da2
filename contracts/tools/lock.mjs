// SPDX-License-Identifier: Apache-2.0
// Mends package-lock.json after a change of dependencies. Two things npm gets wrong for us:
// - The Foundry platform packages hold one native binary and nothing of Node, yet claim engines >= 20; npm then skips
//   them without a word on Node 18, because they are optional. The claim is dropped from the lock.
// - npm leaves a platform out of the lock when the registry it asked did not carry it. Both Linux platforms must be there.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const cpus = { amd64: "x64", arm64: "arm64" };

for (const tool of ["anvil", "cast", "forge"]) {
  const parent = lock.packages[`node_modules/@foundry-rs/${tool}`];
  for (const arch of Object.keys(cpus)) {
    const name = `node_modules/@foundry-rs/${tool}-linux-${arch}`;
    lock.packages[name] ??= {
      version: parent.version, cpu: [cpus[arch]], dev: true, license: parent.license, optional: true, os: ["linux"],
      bin: { [tool]: `bin/${tool}` },
    };
  }
  for (const [name, entry] of Object.entries(lock.packages)) {
    if (name.startsWith(`node_modules/@foundry-rs/${tool}-`)) delete entry.engines;
  }
}

const names = Object.keys(lock.packages).sort((a, b) => a.localeCompare(b, "en"));
lock.packages = Object.fromEntries(names.map((name) => [name, lock.packages[name]]));
writeFileSync(path, JSON.stringify(lock, null, 2) + "\n");
