# SPDX-License-Identifier: Apache-2.0
"""A real chain for the benchmark: anvil, Margrave's own contracts and a feeder of deposits. The same numbers give the same
block hashes on every machine, so a recording can be named by them."""
import http.client
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from world import MNEMONIC, ZERO, Failed, free_port, tool, wait_until  # noqa: E402,F401

CHAIN_ID = 31_337_001
GENESIS_TIME = 1_700_000_000
BLOCK_SECONDS = 12
GUARDIAN = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"   # the mnemonic's second address
SIGNER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"     # and its first, which also pays for everything
GAS = hex(16_000_000)
PRICE = hex(10**10)
EXIT_SILENCE = 86_400
NETWORK = "backfill"


@dataclass
class Shape:
    """How many deposits, and how they lie in blocks."""
    events: int = 200_000
    per_block: int = 100
    per_txn: int = 25
    empty: int = 1          # blocks without events after each block with some
    accounts: int = 10_000
    tail: int = 96          # blocks after the last deposit, so that it is final for whoever waits for confirmations
    stream: str = "vault"   # or "bank": events of a contract that only an event mapping knows


class Node:
    """One anvil on loopback. `text` gives the answer in the node's own words. Old states take time and room, and are kept
    only for whoever will ask about them: in a folder, since by itself anvil forgets all but some 4,000."""

    def __init__(self, log, states, chain_id=CHAIN_ID, genesis_time=GENESIS_TIME):
        self.chain_id = chain_id
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [tool("anvil"), "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(chain_id), "--no-mining",
             "--timestamp", str(genesis_time), "--slots-in-an-epoch", "1", "--mnemonic", MNEMONIC, "--gas-limit",
             "2000000000", "--balance", "1000000000", "--order", "fifo", "--silent",
             *(["--max-persisted-states", "1000000", "--cache-path", str(states)] if states else
               ["--prune-history", "16"])],
            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        wait_until("anvil", self._is_ours, 20)
        self.rpc("anvil_setBlockTimestampInterval", BLOCK_SECONDS)

    def _is_ours(self):
        if self.process.poll() is not None:
            raise SystemExit(f"anvil ended with code {self.process.returncode}")
        try:
            return int(self.rpc("eth_chainId"), 16) == self.chain_id
        except OSError:
            self.wire.close()
            return False

    def post(self, body):
        self.wire.request("POST", "/", body, {"Content-Type": "application/json"})
        return self.wire.getresponse().read()

    def text(self, method, *params):
        """The result as the node wrote it."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self.post(json.dumps(asked, separators=(",", ":")))
        head = b'{"jsonrpc":"2.0","id":1,"result":'
        if not answer.startswith(head):
            raise Failed(f"{method}: {answer[:300]!r}")
        return answer[len(head):-1]

    def rpc(self, method, *params):
        return json.loads(self.text(method, *params))

    def call(self, to, signature, *args):
        """A view's only answer, a number."""
        return int(self.rpc("eth_call", {"to": to, "data": calldata(signature, *args)}, "latest"), 16)

    def close(self):
        self.wire.close()
        self.process.terminate()
        self.process.wait(30)


def cast(*args):
    done = subprocess.run([tool("cast"), *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"cast {args[0]}: {done.stderr.strip()[:400]}")
    return done.stdout.strip()


def calldata(signature, *args):
    return cast("calldata", signature, *args)


def compiled(name, file=HERE / "Feeder.sol"):
    """Creation code of a contract of a file, by the compiler that the project pins."""
    settings = {"optimizer": {"enabled": True, "runs": 10000}, "evmVersion": "cancun",
                "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
                "outputSelection": {"*": {"*": ["evm.bytecode.object"]}}}
    request = {"language": "Solidity", "settings": settings,
               "sources": {file.name: {"content": file.read_text()}}}
    done = subprocess.run(["node", str(ROOT / "contracts/tools/solc"), "--standard-json"], input=json.dumps(request),
                          capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    wrong = [e["formattedMessage"] for e in answer.get("errors", []) if e["severity"] == "error"]
    if wrong:
        raise Failed("\n".join(wrong))
    return "0x" + answer["contracts"][file.name][name]["evm"]["bytecode"]["object"]


def artifact(name):
    return json.loads((ROOT / f"contracts/artifacts/{name}.json").read_text())["bytecode"]


class Feed:
    """The contracts on a node, and the deposits in the order of their numbers."""

    def __init__(self, node, shape):
        self.node, self.shape = node, shape
        self.nonce = 0
        self.deploy()
        verb = "puts" if shape.stream == "bank" else "deposits"
        self.selector = cast("sig", f"{verb}(uint256,uint256,uint256)")

    def send(self, data, to=None, value=0):
        txn = {"from": SIGNER, "data": data, "gas": GAS, "gasPrice": PRICE, "value": hex(value), "nonce": hex(self.nonce)}
        if to:
            txn["to"] = to
        self.nonce += 1
        return self.node.rpc("eth_sendTransaction", txn)

    def create(self, code, types="", *args, value=0):
        data = code + (cast("abi-encode", f"constructor({types})", *args)[2:] if types else "")
        txn = self.send(data, value=value)
        self.node.rpc("evm_mine")
        receipt = self.node.rpc("eth_getTransactionReceipt", txn)
        if int(receipt["status"], 16) != 1:
            raise Failed(f"a creation reverted: {receipt}")
        return receipt["contractAddress"]

    def deploy(self):
        genesis = {"exit_silence": str(EXIT_SILENCE), "guardian": GUARDIAN, "hub": f"eip155:{CHAIN_ID}", "name": NETWORK,
                   "signers": [SIGNER], "threshold": "1"}
        network = cast("keccak", json.dumps(genesis, separators=(",", ":"), sort_keys=True))
        self.registry = self.create(
            artifact("HealthRegistry"), "bytes32,address[],uint64,address,uint64,uint64,string",
            network, f"[{SIGNER}]", 1, GUARDIAN, EXIT_SILENCE, 0, "")
        self.vault = self.create(artifact("Vault"), "address,address", self.registry, GUARDIAN)
        self.sale = self.create(artifact("SeizureSale"), "address,uint16,uint32", self.vault, 12000, 60)
        self.token = self.create(artifact("LocalToken"), "string,string,uint8", "Local dollar", "lUSD", 6)
        self.feeder = self.create(compiled("Feeder"), "address,address", self.vault, self.token, value=10**26)
        bank = self.node.rpc("eth_call", {"to": self.feeder, "data": cast("sig", "bank()")}, "latest")
        self.bank = "0x" + bank[26:]
        self.start = int(self.node.rpc("eth_blockNumber"), 16) + 1

    def blocks(self):
        """Makes the chain block by block; yields each number when the block is there."""
        number, done = self.start, 0
        shape = self.shape
        while done < shape.events:
            last = min(done + shape.per_block, shape.events)
            while done < last:
                count = min(shape.per_txn, last - done)
                words = "".join(f"{word:064x}" for word in (done, count, shape.accounts))
                self.send(self.selector + words, self.feeder)
                done += count
            for _ in range(1 + shape.empty):
                self.node.rpc("evm_mine")
                yield number
                number += 1
        for _ in range(shape.tail):
            self.node.rpc("evm_mine")
            yield number
            number += 1

    def truth(self):
        """What the chain itself says in the end: the count and the sums that every contestant has to arrive at."""
        node = self.node
        bank = self.shape.stream == "bank"
        sums = {"bank": node.call(self.bank, "total()")} if bank else {
            "native": int(node.rpc("eth_getBalance", self.vault, "latest"), 16),
            "token": node.call(self.token, "balanceOf(address)", self.vault)}
        count = node.call(self.bank, "count()") if bank else node.call(self.vault, "eventCount()")
        head = node.rpc("eth_getBlockByNumber", "latest", False)
        if count != self.shape.events:
            raise Failed(f"{self.shape.events} deposits were sent, the contract counts {count}")
        return {"chain_id": CHAIN_ID, "shape": asdict(self.shape), "events": count, "sums": {k: str(v) for k, v in sums.items()},
                "first_block": self.start, "last_block": int(head["number"], 16), "head": head["hash"],
                "last_event_block": int(head["number"], 16) - self.shape.tail - self.shape.empty, "registry": self.registry,
                "vault": self.vault, "sale": self.sale, "token": self.token, "bank": self.bank}


def make(log, shape, states=None):
    """A node with the contracts, its feed not begun. `states`: a folder for those of all blocks."""
    node = Node(log, states)
    try:
        return node, Feed(node, shape)
    except BaseException:
        node.close()
        raise
