// SPDX-License-Identifier: Apache-2.0
// node loop.mjs URL VAULT FROM TO RANGE ROWS: what a script in an afternoon does. eth_getLogs range by range, decoded by
// viem; a line of ROWS for each event, balances in a map. Prints the count and the sum of balances by token.
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { createPublicClient, http, parseAbiItem } from "viem";

const [url, address, from, to, range, rows] = process.argv.slice(2);
const event = parseAbiItem(
  "event Movement(uint64 indexed sequence, uint8 indexed kind, bytes32 indexed account, address token, uint256 amount, bytes32 counterparty)",
);
const client = createPublicClient({ transport: http(url) });
const out = createWriteStream(rows);
const balances = new Map();
let events = 0;

for (let block = BigInt(from); block <= BigInt(to); block += BigInt(range)) {
  const end = block + BigInt(range) - 1n;
  const logs = await client.getLogs({ address, event, fromBlock: block, toBlock: end < BigInt(to) ? end : BigInt(to) });
  let text = "";
  for (const { args, blockNumber } of logs) {
    const key = args.account + args.token;
    balances.set(key, (balances.get(key) ?? 0n) + args.amount);
    text += `{"sequence":"${args.sequence}","kind":${args.kind},"account":"${args.account}","token":"${args.token}","amount":"${args.amount}","block":"${blockNumber}"}\n`;
    events += 1;
  }
  if (!out.write(text)) await once(out, "drain");
}
out.end();
await once(out, "finish");

const sums = {};
for (const [key, amount] of balances) {
  const token = key.slice(66).toLowerCase();
  sums[token] = (sums[token] ?? 0n) + amount;
}
console.log(JSON.stringify({ events, sums: Object.fromEntries(Object.entries(sums).map(([k, v]) => [k, v.toString()])) }));
