# SPDX-License-Identifier: Apache-2.0
"""The replay source of the backfill benchmark against the node whose chain it plays: the same questions, the same bytes."""
import http.client
import importlib.machinery
import importlib.util
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from harness import ROOT, arguments, require, run, say

BACKFILL = ROOT / "tests/bench/backfill"
sys.path.insert(0, str(BACKFILL))
import chain  # noqa: E402

TOPIC = "0x7bf26468039f4b37fecd90e6a5718964e37adb1bd376e515cf78e34bf2038721"  # Movement, the vault's event


def load_recorder():
    loader = importlib.machinery.SourceFileLoader("recorder", str(BACKFILL / "record"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("recorder", loader))
    loader.exec_module(module)
    return module


class Source:
    """The replay source; `post` gives the body of its answer."""

    def __init__(self, binary, recording, *flags):
        self.process = subprocess.Popen([binary, str(recording), *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def post(self, body):
        self.wire.request("POST", "/", body, {"Content-Type": "application/json"})
        return self.wire.getresponse().read()

    def ask(self, method, *params):
        return json.loads(self.post(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})))

    def stop(self):
        """What it had to say in the end."""
        self.wire.close()
        self.process.send_signal(signal.SIGTERM)
        _, words = self.process.communicate(timeout=10)
        require(self.process.returncode == 0, f"the source ended with {self.process.returncode}: {words}")
        return words


def questions(feed, last):
    """Everything that is recorded, and what is not there, as a client would ask it."""
    number = feed.start + 2
    block = json.loads(feed.node.text("eth_getBlockByNumber", hex(number), False))
    account = json.loads(feed.node.text("eth_getLogs", {"fromBlock": hex(number), "toBlock": hex(number)}))[0]["topics"][3]
    for tag in ("latest", "safe", "finalized", "earliest", hex(number), hex(last), hex(last + 1)):
        yield "eth_getBlockByNumber", [tag, False]
        yield "eth_getBlockByNumber", [tag, True]
    for at in (block["hash"], "0x" + "11" * 32):
        yield "eth_getBlockByHash", [at, False]
        yield "eth_getBlockByHash", [at, True]
        yield "eth_getBlockReceipts", [at]
    yield "eth_getBlockReceipts", [hex(number)]
    everything = {"fromBlock": "0x0", "toBlock": hex(last)}
    filters = [{}, {"address": feed.vault}, {"address": [feed.vault, feed.token]}, {"topics": [TOPIC]},
               {"address": [feed.vault], "topics": [[TOPIC, "0x" + "22" * 32]]}, {"topics": [None, None, None, account]},
               {"address": feed.vault.upper().replace("X", "x")}, {"topics": [[], None, ["0x" + "0" * 63 + "1"]]},
               {"topics": ["0x" + "22" * 32]}, {"fromBlock": hex(number), "toBlock": hex(number)},
               {"fromBlock": hex(number), "toBlock": hex(last + 50)}, {"fromBlock": hex(number), "toBlock": hex(number - 1)},
               {"fromBlock": hex(last + 7), "toBlock": hex(last + 9)}]
    for one in filters:
        yield "eth_getLogs", [{**everything, **one}]
    yield "eth_getLogs", [{"blockHash": block["hash"], "address": feed.vault}]
    yield "eth_getLogs", [{"blockHash": "0x" + "11" * 32}]
    yield "eth_getLogs", [{"toBlock": "latest", "fromBlock": hex(last - 1)}]
    yield "eth_getLogs", [{}]
    for method in ("eth_chainId", "net_version", "web3_clientVersion", "eth_blockNumber", "eth_syncing"):
        yield method, []
    head = {"blockHash": json.loads(feed.node.text("eth_getBlockByNumber", "latest", False))["hash"]}
    slots = ["0x" + "0" * 64, "0x" + "0" * 63 + "1"]
    for at in ("latest", hex(last), head):
        yield "eth_getCode", [feed.vault, at]
        yield "eth_getBalance", [feed.vault, at]
        yield "eth_getProof", [feed.vault, slots, at]
        yield "eth_getProof", [feed.vault, [], at]
        yield "eth_call", [{"to": feed.vault, "data": chain.cast("sig", "accumulator()")}, at]


def same_bytes(source, feed, last):
    asked = 0
    bodies = []
    for method, params in questions(feed, last):
        body = json.dumps({"jsonrpc": "2.0", "id": asked, "method": method, "params": params})
        node, replay = feed.node.post(body), source.post(body)
        require(node == replay, f"{body}\nnode:   {node[:600]}\nreplay: {replay[:600]}")
        bodies.append(body)
        asked += 1
    for body in ("[" + ",".join(bodies) + "]", "{", "[]", '{"jsonrpc":"2.0","id":1}'):
        node, replay = feed.node.post(body), source.post(body)
        require(node == replay, f"{body[:200]}\nnode:   {node[:600]}\nreplay: {replay[:600]}")
    say(f"{asked} questions, alone and in a batch: the same bytes")


def pipelined(source, feed, last):
    """Three questions in one packet on one connection: three answers in their order."""
    bodies = [json.dumps({"jsonrpc": "2.0", "id": n, "method": "eth_getBlockByNumber", "params": [hex(last - n), False]})
              for n in range(3)]
    with socket.create_connection(("127.0.0.1", source.port), timeout=10) as wire:
        wire.sendall("".join(f"POST / HTTP/1.1\r\nContent-Length: {len(b)}\r\n\r\n{b}" for b in bodies).encode())
        stream = wire.makefile("rb")
        for n, body in enumerate(bodies):
            size = 0
            while (line := stream.readline().strip()) != b"":
                size = int(line.split(b":")[1]) if line.startswith(b"content-length") else size
            require(stream.read(size) == feed.node.post(body), f"pipelined answer {n} is another")


def refuses(source, binary, recording, feed, last):
    """What is not recorded is an error and is told in the end; limits, delay and a moved head do what they say."""
    answer = source.ask("eth_feeHistory", "0x1", "latest", [])
    require("not recorded" in answer["error"]["message"], f"eth_feeHistory: {answer}")
    require(source.ask("replay_setHead", hex(last - 10)) == {"jsonrpc": "2.0", "id": 1, "result": True}, "replay_setHead")
    require(source.ask("eth_blockNumber")["result"] == hex(last - 10), "the head did not move")
    require(source.ask("eth_getBlockByNumber", hex(last - 9), False)["result"] is None, "a hidden block was shown")
    words = source.stop()
    require("eth_feeHistory" in words and "not recorded" in words, f"it does not tell what was missing: {words}")

    limited = Source(binary, recording, "--max-range", "5", "--max-results", "20", "--latency-ms", "150")
    begun = time.monotonic()
    answer = limited.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x5"})
    require(time.monotonic() - begun >= 0.15, "the answer did not wait")
    require("limited to a 5 blocks range" in answer["error"]["message"], f"--max-range: {answer}")
    window = {"fromBlock": hex(feed.start), "toBlock": hex(feed.start + 4)}
    require("more than 20 results" in limited.ask("eth_getLogs", window)["error"]["message"], "--max-results")
    limited.stop()


def body(options):
    def replay_source(folder):
        recorder = load_recorder()
        shape = chain.Shape(events=240, per_block=20, per_txn=10, empty=1, accounts=50, tail=12)
        with open(folder / "anvil.log", "wb") as log:
            node, feed = chain.make(log, shape)
            try:
                truth = recorder.record(folder, shape, node, feed, say)
                source = Source(options.source, folder / "chain.rec")
                same_bytes(source, feed, truth["last_block"])
                pipelined(source, feed, truth["last_block"])
                refuses(source, options.source, folder / "chain.rec", feed, truth["last_block"])
            finally:
                node.close()
        broken = (folder / "chain.rec").read_bytes()[:-40]
        (folder / "cut.rec").write_bytes(broken)
        done = subprocess.run([options.source, str(folder / "cut.rec")], capture_output=True, text=True, timeout=20)
        require(done.returncode == 1 and "cut" in done.stderr, f"a cut recording: {done.returncode} {done.stderr}")
    return replay_source


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--source", default=str(ROOT / "build/bench/tests/bench/backfill/margrave_replay_source"))
    chosen = parser.parse_args()
    sys.exit(run("replay-source", chosen, body(chosen)))
