// SPDX-License-Identifier: Apache-2.0
// One anvil with Margrave's own contracts, a proxy before it with three listeners, and ways to ask both.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ethers } from "../../support/fault_proxy/packages.mjs";
import { startProxy } from "../../support/fault_proxy/proxy.mjs";

const CONTRACTS = new URL("../../../contracts/", import.meta.url);
const MNEMONIC = "test test test test test test test test test test test junk";
export const CHAIN_ID = 424242;

function anvilPath() {
  const scope = new URL("node_modules/@foundry-rs/", CONTRACTS);
  const machine = { x64: "amd64", arm64: "arm64" }[process.arch];
  const folder = readdirSync(scope).find((name) => name === `anvil-linux-${machine}`);
  if (!folder) throw new Error("anvil is not installed; run scripts/setup");
  return new URL(`${folder}/bin/anvil`, scope).pathname;
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const artifact = (name) => JSON.parse(readFileSync(new URL(`artifacts/${name}.json`, CONTRACTS), "utf8"));

export async function startAnvil(...more) {
  const port = await freePort();
  const child = spawn(anvilPath(), ["--host", "127.0.0.1", "--port", String(port), "--chain-id", String(CHAIN_ID),
    "--mnemonic", MNEMONIC, "--slots-in-an-epoch", "1", "--silent", ...more], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 100; i++) {
    const alive = await ask(url, "eth_chainId").catch(() => null);
    if (alive) return { url, child, stop: () => child.kill("SIGKILL") };
    await sleep(100);
  }
  child.kill("SIGKILL");
  throw new Error("anvil did not answer within 10 s");
}

/** One JSON-RPC exchange as text: {status, headers, text}. The connection is closed after it. */
export function exchange(url, body, { userAgent = "test", timeoutMs = 10_000 } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      method: "POST", agent: false,
      headers: { "content-type": "application/json", "user-agent": userAgent, "content-length": Buffer.byteLength(body) },
    }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({
        status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts), text: Buffer.concat(parts).toString(),
      }));
      answer.on("error", reject);
    });
    request.setTimeout(timeoutMs, () => request.destroy(new Error("silence")));
    request.on("error", reject);
    request.end(body);
  });
}

export const envelope = (method, params = [], id = 1) => ({ jsonrpc: "2.0", id, method, params });

export async function asked(url, method, params = [], options = {}) {
  const { text } = await exchange(url, JSON.stringify(envelope(method, params)), options);
  return JSON.parse(text);
}

export async function ask(url, method, ...params) {
  const answer = await asked(url, method, params);
  if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result;
}

/** Anvil, a token, registry and vault, and the proxy; stop() ends all of it. */
export async function startWorld(names = ["one", "two", "three"], ...anvilArgs) {
  const anvil = await startAnvil(...anvilArgs);
  const provider = new ethers.JsonRpcProvider(anvil.url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 50 });
  const owner = new ethers.NonceManager(ethers.HDNodeWallet.fromPhrase(MNEMONIC).connect(provider));
  const me = await owner.getAddress();
  const create = async (name, ...args) => {
    const { abi, bytecode } = artifact(name);
    const contract = await new ethers.ContractFactory(abi, bytecode, owner).deploy(...args);
    return contract.waitForDeployment();
  };
  const token = await create("LocalToken", "Local dollar", "lUSD", 6);
  const registry = await create("HealthRegistry", ethers.id("network"), [me], 1, me, 86_400, 86_400, "");
  const vault = await create("Vault", registry.target, me);
  const proxy = await startProxy({ listen: Object.fromEntries(names.map((name) => [name, anvil.url])) });
  const urls = Object.fromEntries(Object.entries(proxy.ports.listeners).map(([name, port]) => [name, `http://127.0.0.1:${port}`]));
  const account = ethers.zeroPadValue(me, 32).toLowerCase();
  return {
    anvil, token: token.target.toLowerCase(), vault: vault.target.toLowerCase(), account, me: me.toLowerCase(), proxy, urls,
    control: `http://127.0.0.1:${proxy.ports.control}`,
    deposit: async (amount) => (await vault.deposit(account, ethers.ZeroAddress, amount, { value: amount })).wait(),
    depositToken: async (amount) => {
      await (await token.mint(me, amount)).wait();
      await (await token.approve(vault.target, amount)).wait();
      return (await vault.deposit(account, token.target, amount)).wait();
    },
    mine: (blocks = 1) => ask(anvil.url, "anvil_mine", ethers.toQuantity(blocks)),
    head: async () => Number(await ask(anvil.url, "eth_blockNumber")),
    rules: (...specs) => proxy.book.replace(specs),
    stop() {
      provider.destroy();
      proxy.close();
      anvil.stop();
    },
  };
}
