// SPDX-License-Identifier: Apache-2.0
// The two npm packages this proxy stands on, from the lock file of contracts/: ethers for Keccak-256, RLP, ABI and
// signing, and the WebSocket package that ethers itself brings.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../contracts/package.json", import.meta.url));

export const ethers = require("ethers");
export const { WebSocket, WebSocketServer } = require("ws");
