// SPDX-License-Identifier: Apache-2.0
// Mends package-lock.json after a change of dependencies (`npm install`, then `npm run lock`). Five things need it:
// - The Foundry platform packages hold one native binary and nothing of Node, yet claim engines >= 20; being optional,
//   they are then skipped without a word on Node 18. The claim is dropped from the lock.
// - They claim the same command names as the packages that choose among them; npm 9, leaving out the platforms that do
//   not fit, takes those commands away again. That claim is dropped too.
// - Pyth's package is Solidity and needs no Node of its own, yet claims engines >= 22; that claim is dropped as well.
// - npm leaves a platform out of the lock when the registry it asked did not carry it, and `npm ci` then refuses the
//   lock. Such a platform is added by name and version; it gets its integrity when a registry that has it is asked.
// - Of Balancer's, Chainlink's and Optimism's packages we compile a few Solidity files and deploy a few artifacts. Nothing
//   of what they depend on (hundreds of packages of JavaScript and other Solidity) is needed, so the lock leaves it out.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const cpus = { amd64: "x64", arm64: "arm64" };

for (const tool of ["anvil", "cast", "forge"]) {
  const { license, optionalDependencies } = lock.packages[`node_modules/@foundry-rs/${tool}`];
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const [os, arch] = name.split("-").slice(-2);
    const entry = lock.packages[`node_modules/${name}`] ?? {
      version, cpu: [cpus[arch]], dev: true, license, optional: true, os: [os],
    };
    delete entry.engines;
    delete entry.bin;
    lock.packages[`node_modules/${name}`] = entry;
  }
}

delete lock.packages["node_modules/@pythnetwork/pyth-sdk-solidity"].engines;

const KINDS = ["dependencies", "optionalDependencies", "peerDependencies"];
const ALONE = [
  "@balancer-labs/v2-deployments", "@chainlink/contracts", "@eth-optimism/contracts", "chainlink-contracts-v0.1",
];
for (const name of ALONE) {
  for (const kind of KINDS) delete lock.packages[`node_modules/${name}`][kind];
}

/** Where `name` is found from the package at `from`, as Node.js looks for it. */
function resolve(from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    const place = at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (lock.packages[place] || at === "") return place;
  }
}

const needed = new Set([""]);
for (const place of needed) {
  const entry = lock.packages[place] ?? {};
  for (const kind of [...KINDS, "devDependencies"]) {
    for (const name of Object.keys(entry[kind] ?? {})) {
      if (kind !== "peerDependencies" || !entry.peerDependenciesMeta?.[name]?.optional) needed.add(resolve(place, name));
    }
  }
}
for (const place of Object.keys(lock.packages)) {
  if (!needed.has(place)) delete lock.packages[place];
}

const names = Object.keys(lock.packages).sort((a, b) => a.localeCompare(b, "en"));
lock.packages = Object.fromEntries(names.map((name) => [name, lock.packages[name]]));
writeFileSync(path, JSON.stringify(lock, null, 2) + "\n");
