// SPDX-License-Identifier: Apache-2.0
// Runs the contracts' whole life on a real node (anvil, on a free port of loopback) and prints what each transaction cost:
// four signers of which three sign, and an account tree of a million leaves, so a proof of 20 hashes.
import { AbiCoder, ContractFactory, HDNodeWallet, JsonRpcProvider, TypedDataEncoder, Wallet, concat, keccak256, toUtf8Bytes, zeroPadValue } from "ethers";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { binary } from "./foundry.mjs";

const abi = AbiCoder.defaultAbiCoder();
const named = (text) => keccak256(toUtf8Bytes(text));
const ZERO = "0x" + "00".repeat(32);
const NATIVE = "0x" + "00".repeat(20);
const domain = { name: "Margrave", version: "1", salt: named("gas network") };
const signers = ["a", "b", "c", "d"].map((letter) => new Wallet(named(letter)))
  .sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1));
const rows = [];

function startNode() {
  const child = spawn(binary("anvil"), ["--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let text = "";
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`anvil stopped with code ${code} before it listened`)));
    child.stdout.on("data", (data) => {
      text += data;
      const port = /Listening on [^:]+:(\d+)/.exec(text)?.[1];
      if (port) resolve({ child, url: `http://127.0.0.1:${port}` });
    });
  });
}

function typesOf(name) {
  const vault = JSON.parse(readFileSync(new URL("../artifacts/Vault.json", import.meta.url)));
  const registry = JSON.parse(readFileSync(new URL("../artifacts/HealthRegistry.json", import.meta.url)));
  const inputs = [...vault.abi, ...registry.abi].flatMap((entry) => entry.inputs ?? []);
  const found = inputs.find((input) => input.internalType === `struct ${name}`);
  return found.components.map(({ name: field, type }) => ({ name: field, type }));
}

function sign(primaryType, message) {
  const digest = TypedDataEncoder.hash(domain, { [primaryType]: typesOf(primaryType) }, message);
  return concat(signers.slice(0, 3).map((signer) => signer.signingKey.sign(digest).serialized));
}

/** A leaf among a million: twenty siblings decide the root. */
function plant(state) {
  const fields = typesOf("AccountState");
  const encoded = abi.encode(fields.map((field) => field.type), fields.map((field) => state[field.name]));
  const proof = Array.from({ length: 20 }, (_, i) => named(`sibling ${i}`));
  const root = proof.reduce((node, sibling) => keccak256(concat([node, sibling].sort())), keccak256(keccak256(encoded)));
  return { root, proof };
}

class Payer {
  constructor(provider) {
    this.wallet = HDNodeWallet.fromPhrase("test test test test test test test test test test test junk").connect(provider);
    this.nonce = 0;
  }

  get address() {
    return this.wallet.address;
  }

  /** Adds a row unless the label is null. */
  async paid(label, transaction) {
    const { gasUsed } = await (await transaction).wait();
    if (label !== null) rows.push([label, gasUsed]);
  }

  async deploy(name, ...args) {
    const { abi: interfaceOf, bytecode } = JSON.parse(readFileSync(new URL(`../artifacts/${name}.json`, import.meta.url)));
    const contract = await new ContractFactory(interfaceOf, bytecode, this.wallet).deploy(...args, { nonce: this.nonce++ });
    await this.paid(`deploy ${name}`, contract.deploymentTransaction());
    return contract;
  }

  async send(label, contract, method, ...args) {
    await this.paid(label, contract[method](...args, { nonce: this.nonce++ }));
  }

  async pay(label, contract, method, value, ...args) {
    await this.paid(label, contract[method](...args, { nonce: this.nonce++, value }));
  }
}

async function deploy(payer) {
  const addresses = signers.map((signer) => signer.address);
  const registry = await payer.deploy("HealthRegistry", domain.salt, addresses, 3, payer.address, 86400, 86400, "");
  const vault = await payer.deploy("Vault", registry.target, payer.address);
  const sale = await payer.deploy("SeizureSale", vault.target, 12000, 3600);
  const book = await payer.deploy("PositionBook", payer.address);
  const token = await payer.deploy("LocalToken", "Dollar", "USD", 6);
  return { registry, vault, sale, book, token, chain: await registry.chain() };
}

async function attest(payer, { registry }, root, time) {
  const submit = async (label, round) => {
    const a = {
      round, signerEpoch: 1, issuedAt: time, validUntil: time + 3600n, previous: ZERO, parameters: named("p"),
      snapshot: named("s"), prices: named("q"), accounts: root, accountCount: 1000000,
    };
    await payer.send(label, registry, "submit", a, sign("Attestation", a));
  };
  await submit("submit, first", 1);
  await submit("submit, next", 2);
  await submit("submit, after 256 rounds", 258);
}

async function payIn(payer, { vault, sale, token }, account) {
  await payer.send(null, token, "mint", payer.address, 10n ** 12n);
  await payer.send(null, token, "approve", vault.target, 10n ** 12n);
  await payer.send(null, token, "approve", sale.target, 10n ** 12n);
  await payer.send("deposit, token", vault, "deposit", account, token.target, 1000000);
  await payer.send("deposit, token, again", vault, "deposit", account, token.target, 1000000);
  await payer.pay("deposit, native", vault, "deposit", 10n ** 18n, account, NATIVE, 10n ** 18n);
  await payer.send("repay, token", vault, "repay", account, token.target, 1000);
}

async function release(payer, { vault, chain }, label, grant) {
  await payer.send(grant.method, vault, grant.method, 0, grant.token, 1000, payer.address);
  const request = await vault.eventCount();
  const id = keccak256(abi.encode(["string", "bytes32", "address", "uint256"], ["release", chain, vault.target, request]));
  const { kind, account, token, deadline } = grant;
  const r = { id, kind, chain, vault: vault.target, account, token, amount: 1000, recipient: payer.address, round: 258, deadline };
  await payer.send(label, vault, "release", r, request, sign("Release", r));
}

async function seize(payer, { vault, sale, chain }, label, order, { state, proof }) {
  const { leg, token, debtToken, deadline } = order;
  const account = state.account;
  const id = keccak256(abi.encode(["string", "bytes32", "uint256", "uint256"], ["seizure", account, 1, leg]));
  const s = { id, chain, vault: vault.target, account, token, amount: 1000, debtToken, minProceeds: 1000, sale: sale.target, round: 258, deadline };
  await payer.send(label, vault, "seize", s, state, proof, sign("Seizure", s));
  return id;
}

async function run(provider) {
  const payer = new Payer(provider);
  const deployed = await deploy(payer);
  const { sale, book } = deployed;
  const token = deployed.token.target;
  const account = zeroPadValue(payer.address, 32);
  const time = BigInt((await provider.getBlock("latest")).timestamp);
  const deadline = time + 3600n;
  const state = { account, equity: -5n, initial: -6n, liquidationEnd: -7n, maintenance: -8n, status: 2, flags: 1, detail: named("d") };
  const { root, proof } = plant(state);
  const leaf = { state, proof };

  await attest(payer, deployed, root, time);
  await payIn(payer, deployed, account);
  await release(payer, deployed, "release, token", { kind: 1, method: "requestWithdrawal", account, token, deadline });
  await release(payer, deployed, "release, native", { kind: 2, method: "requestBorrow", account, token: NATIVE, deadline });

  const first = await seize(payer, deployed, "seize, native lot", { leg: 0, token: NATIVE, debtToken: token, deadline }, leaf);
  await payer.send("buy, native lot", sale, "buy", first, 1200, payer.address);
  const second = await seize(payer, deployed, "seize, token lot", { leg: 1, token, debtToken: NATIVE, deadline }, leaf);
  await payer.pay("buy, token lot", sale, "buy", 1200, second, 1200, payer.address);
  const third = await seize(payer, deployed, null, { leg: 2, token, debtToken: NATIVE, deadline }, leaf);
  await provider.send("evm_increaseTime", [3600]);
  await payer.send("close, token lot", sale, "close", third);
  await payer.send("post, first", book, "post", account, named("m"), 1, 1);
  await payer.send("post, next", book, "post", account, named("m"), 2, 2);
}

const node = await startNode();
try {
  await run(new JsonRpcProvider(node.url, undefined, { cacheTimeout: -1 }));
  for (const [label, gas] of rows) console.log(`${label.padEnd(28)} ${gas}`);
} finally {
  node.child.removeAllListeners("exit");
  node.child.kill();
}
process.exit();
