// SPDX-License-Identifier: Apache-2.0
// Builds the contracts and writes artifacts/<Name>.json, one line each, the same bytes on every machine.
// With --check it writes nothing and fails when a committed artifact is not what the sources build to.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { binary } from "./foundry.mjs";

const CONTRACTS = [
  "HealthRegistry", "Vault", "SeizureSale", "PositionBook", "LocalArbitrumUptime", "LocalFeed", "LocalFlags",
  "LocalMarket", "LocalOptimismUptime", "LocalRate", "LocalShares", "LocalToken", "LocalTrader",
];
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, "out", "artifacts");
const committed = join(root, "artifacts");

function build() {
  const args = ["build", "--skip", "test", "--out", out, "--cache-path", join(root, "cache", "artifacts"), "--quiet"];
  execFileSync(binary("forge"), args, { cwd: root, stdio: "inherit" });
}

function artifact(name) {
  const { abi, bytecode, deployedBytecode, metadata } = JSON.parse(readFileSync(join(out, `${name}.sol`, `${name}.json`)));
  const { evmVersion, optimizer } = metadata.settings;
  const compiler = { name: "solc", version: metadata.compiler.version, evmVersion, optimizerRuns: optimizer.runs };
  const fields = { contractName: name, abi, bytecode: bytecode.object, deployedBytecode: deployedBytecode.object, compiler };
  return JSON.stringify(fields) + "\n";
}

function differences(wanted) {
  const stale = [];
  for (const [file, text] of wanted) {
    let have = null;
    try {
      have = readFileSync(join(committed, file), "utf8");
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
    if (have !== text) stale.push(`artifacts/${file} ${have === null ? "is missing" : "differs from what src/ builds to"}`);
  }
  for (const file of readdirSync(committed)) {
    if (!wanted.has(file)) stale.push(`artifacts/${file} belongs to no contract`);
  }
  return stale;
}

rmSync(out, { recursive: true, force: true });
rmSync(join(root, "cache", "artifacts"), { recursive: true, force: true });
build();
mkdirSync(committed, { recursive: true });
const wanted = new Map(CONTRACTS.map((name) => [`${name}.json`, artifact(name)]));
if (process.argv.includes("--check")) {
  const stale = differences(wanted);
  for (const line of stale) console.error(line);
  if (stale.length > 0) {
    console.error("Run `npm run artifacts` and commit the result.");
    process.exitCode = 4;
  }
} else {
  for (const [file, text] of wanted) writeFileSync(join(committed, file), text);
}
