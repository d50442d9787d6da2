// SPDX-License-Identifier: Apache-2.0
import { createConfig } from "ponder";
import { vaultAbi } from "./abi";

const { BENCH_URL, BENCH_CHAIN, BENCH_VAULT, BENCH_START } = process.env;

export default createConfig({
  database: { kind: "pglite" },
  chains: { bench: { id: Number(BENCH_CHAIN), rpc: BENCH_URL, maxRequestsPerSecond: 100_000 } },
  contracts: {
    Vault: { chain: "bench", abi: vaultAbi, address: BENCH_VAULT as `0x${string}`, startBlock: Number(BENCH_START) },
  },
});
