# SPDX-License-Identifier: Apache-2.0
"""Real chains, real contracts, real keys and one daemon on this machine, for the demo and the integration tests.

Everything that touches a chain goes through Foundry's cast, never through Margrave's own code, so that what is compared
in the end was read by somebody else's hands.
"""
import glob
import json
import os
import platform
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MNEMONIC = "test test test test test test test test test test test junk"
ZERO = "0x0000000000000000000000000000000000000000"


def tool(name):
    """The native program inside the npm package: the JavaScript wrapper would leave it behind when killed."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    found = glob.glob(str(ROOT / f"contracts/node_modules/@foundry-rs/{name}-linux-{machine}/bin/{name}"))
    if not found:
        raise SystemExit(f"{name} is not installed; run scripts/setup")
    return found[0]


class Failed(Exception):
    """What was expected did not happen; the text says what was seen."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(what, check, timeout=60.0, every=0.2):
    """check() until it returns something true; its last exception or value goes into the failure."""
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        try:
            last = check()
            if last:
                return last
        except (Failed, subprocess.CalledProcessError, json.JSONDecodeError, OSError) as e:
            last = e
        time.sleep(every)
    raise Failed(f"waited {timeout:.0f} s for {what}; last seen: {last}")


class Children:
    """Every process this program started, so that all of them end with it."""

    def __init__(self):
        self.all = []

    def start(self, args, log, **kw):
        out = open(log, "ab")
        p = subprocess.Popen(args, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **kw)
        self.all.append(p)
        return p

    def stop_all(self):
        for p in self.all:
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        end = time.monotonic() + 10
        for p in self.all:
            try:
                p.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


class Chain:
    def __init__(self, children, folder, name, chain_id, block_time, behind_s=0):
        self.name, self.chain_id, self.block_time = name, chain_id, block_time
        self.caip = f"eip155:{chain_id}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = children.start(
            [tool("anvil"), "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(chain_id),
             "--block-time", str(block_time), "--slots-in-an-epoch", "1", "--mnemonic", MNEMONIC,
             "--balance", "100000", "--silent", "--timestamp", str(int(time.time()) - behind_s)],
            folder / f"anvil-{name}.log")
        wait_until(f"anvil {name}", self._is_ours, 20)

    def _is_ours(self):
        if self.process.poll() is not None:
            raise SystemExit(f"anvil {self.name} ended with code {self.process.returncode}")
        try:
            return int(self.rpc("eth_chainId"), 16) == self.chain_id
        except OSError:
            return False

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            reply = json.load(answer)
        if "error" in reply:
            raise Failed(f"{method} on {self.name}: {reply['error']}")
        return reply["result"]

    def cast(self, *args):
        command, *rest = map(str, args)
        url = [] if command in ("abi-encode", "calldata", "keccak") else ["--rpc-url", self.url]
        done = subprocess.run([tool("cast"), command, *url, *rest], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"cast {' '.join(map(str, args))[:160]} on {self.name}: {done.stderr.strip()[:600]}")
        return done.stdout.strip()

    def call(self, to, signature, *args):
        """Answers of a view, one string each."""
        lines = self.cast("call", to, signature, *args).splitlines()
        return [re.sub(r" \[[^\]]*\]$", "", line) for line in lines]

    def send(self, key, to, signature, *args, value=None, wait=True):
        """A transaction by `key`; its hash. Raises when it reverts."""
        extra = ["--value", str(value)] if value is not None else []
        if not signature:
            args, signature = (), None
        call = [to, *([signature] if signature else []), *args]
        if not wait:
            return self.cast("send", "--async", "--private-key", key, *extra, *call)
        out = self.cast("send", "--json", "--private-key", key, *extra, *call)
        receipt = json.loads(out)
        if int(receipt["status"], 16) != 1:
            raise Failed(f"{signature} on {self.name} reverted in {receipt['transactionHash']}")
        return receipt["transactionHash"]

    def create(self, key, contract, signature, *args):
        artifact = json.loads((ROOT / f"contracts/artifacts/{contract}.json").read_text())
        out = self.cast("send", "--json", "--private-key", key, "--create", artifact["bytecode"], signature, *args)
        return json.loads(out)["contractAddress"]

    def balance(self, holder, token=ZERO):
        if token == ZERO:
            return int(self.cast("balance", holder))
        return int(self.call(token, "balanceOf(address)(uint256)", holder)[0])

    def head(self):
        return int(self.rpc("eth_blockNumber"), 16)


def key_of(index):
    out = subprocess.run([tool("cast"), "wallet", "private-key", MNEMONIC, str(index)],
                         capture_output=True, text=True, check=True).stdout
    return out.strip().split()[-1]


def address_of(key):
    return subprocess.run([tool("cast"), "wallet", "address", "--private-key", key],
                          capture_output=True, text=True, check=True).stdout.strip()


class User:
    def __init__(self, name, index):
        self.name = name
        self.key = key_of(index)
        self.address = address_of(self.key)
        self.account = "0x" + "0" * 24 + self.address[2:].lower()


class World:
    """Two chains, tokens, a price feed, the users, the config and the daemon."""

    def __init__(self, folder, binary, sale_start_bps=12000, sale_duration="20s", behind_s=0, markets=None):
        """`behind_s`: the chains' blocks are so much older than they are. `markets`: those of the config."""
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.binary = str(Path(binary).resolve())
        self.children = Children()
        self.daemon = None
        self.patience = 1      # by which the story multiplies what it waits
        self.killing = False   # while somebody kills the daemon on purpose and starts it again
        self.broken = None     # what that somebody saw go wrong
        self.sale_start_bps, self.sale_duration = sale_start_bps, sale_duration
        self.markets = markets
        base = random.SystemRandom().randrange(10**8, 2 * 10**9)
        self.a = Chain(self.children, self.folder, "A", base, 1, behind_s)
        self.b = Chain(self.children, self.folder, "B", base + 1, 2, behind_s)
        self.chains = [self.a, self.b]
        self.alice, self.bob = User("alice", 1), User("bob", 2)
        self.keeper, self.lender, self.guardian = User("keeper", 3), User("lender", 4), User("guardian", 5)
        self.faucet = User("faucet", 0)

    def set_up_tokens(self):
        for chain in self.chains:
            chain.usd = chain.create(self.faucet.key, "LocalToken", "constructor(string,string,uint8)",
                                     "Local dollar", "lUSD", "6")
        self.feed = self.a.create(self.faucet.key, "LocalFeed", "constructor(uint8,string,int256)",
                                  "8", "ETH / USD", str(3000 * 10**8))

    def set_price(self, dollars):
        return self.a.send(self.faucet.key, self.feed, "set(int256)", str(dollars * 10**8))

    def margrave(self, *args, check=True, timeout=180, config=None):
        done = subprocess.run([self.binary, "-c", str(config or self.config), *args], capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise Failed(f"margrave {' '.join(args)} ended with {done.returncode}: "
                         f"{done.stderr.strip()[-800:]} {done.stdout.strip()[-400:]}")
        return done

    def json(self, *args):
        def ask():
            return [json.loads(self.margrave("--output", "json", *args).stdout)]
        # A daemon that is being killed is not always there to answer.
        return (wait_until(f"an answer to {' '.join(args)}", ask, 60) if self.killing else ask())[0]

    def make_keys(self):
        (self.folder / "password").write_text("correct horse battery staple\n")
        os.chmod(self.folder / "password", 0o600)
        self.config = self.folder / "margrave.json"
        done = subprocess.run([self.binary, "--output", "json", "keys", "new", "--keystore",
                               str(self.folder / "keystore.json"), "--password-file", str(self.folder / "password")],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"keys new: {done.stderr} {done.stdout}")
        keys = json.loads(done.stdout)
        self.signer, self.sender = keys["address"], keys["sender"]

    def write_config(self, **changes):
        def source(chain):
            return {"name": f"{chain.name.lower()}-node", "http": chain.url}

        eth_price = {"sources": [{"name": "eth-usd", "feed": {"chain": self.a.caip, "address": self.feed}}],
                     "max_age": "1h", "min": "1", "max": "100000", "min_sources": 1, "max_spread": "0.02"}
        usd_price = {"sources": [{"name": "dollar", "fixed": "1"}],
                     "max_age": "1h", "min": "0.9", "max": "1.1", "min_sources": 1, "max_spread": "0.02"}
        config = {
            "version": 1,
            "node": {"name": "demo", "data_dir": "data"},
            "accept_single_source": "yes: one lying node can make this daemon sign a lie",
            "network": {"name": "demo", "hub": self.a.caip, "signers": [self.signer], "threshold": 1,
                        "guardian": self.guardian.address, "exit_silence": "1d"},
            "deploy": {"veto_window": "1d", "sale_start_bps": self.sale_start_bps,
                       "sale_duration": self.sale_duration},
            "chains": [{"id": c.caip, "endpoints": [source(c)], "poll_interval": "100ms", "rpc_timeout": "5s",
                        "finality": {"mode": "finalized"}, "fees": {"max_fee_gwei": "200"}} for c in self.chains],
            "assets": [
                {"id": "eth", "decimals": 18,
                 "collateral": {"initial": "0.80", "liquidation_end": "0.83", "maintenance": "0.85"},
                 "debt": {"initial": "1.25", "liquidation_end": "1.20", "maintenance": "1.15"},
                 "borrowable": False, "max_bonus": "1.05",
                 "on": [{"asset": f"{c.caip}/slip44:60"} for c in self.chains], "price": eth_price},
                {"id": "usd", "decimals": 6,
                 "collateral": {"initial": "0.95", "liquidation_end": "0.96", "maintenance": "0.97"},
                 "debt": {"initial": "1.05", "liquidation_end": "1.04", "maintenance": "1.03"},
                 "borrowable": True, "max_bonus": "1.02",
                 "on": [{"asset": f"{c.caip}/erc20:{c.usd}"} for c in self.chains], "price": usd_price},
            ],
            "liquidation": {"target_buffer": "0.02", "close_factor": "0.5", "close_all_below": "500",
                            "dust": "5", "deadline": "5m"},
            "attestation": {"interval": "5s", "validity": "10m", "release_deadline": "5m"},
            "guard": {"silence_off": "yes: a second signer with this key may start beside me unseen"},
            "signer": {"keystore": "keystore.json", "password": {"file": str(self.folder / "password")}},
            "api": {"admin_socket": "admin.sock"},
            "log": {"level": "debug", "format": "json"},
        }
        if self.markets:
            config["markets"] = self.markets
        config.update(changes)
        self.config.write_text(json.dumps(config, indent=1))

    def fund_sender(self):
        for chain in self.chains:
            chain.send(self.faucet.key, self.sender, "", value="1000ether")

    def deploy(self):
        steps = self.json("deploy")
        self.deployment = json.loads((self.folder / "deployment.json").read_text())
        for chain in self.chains:
            row = self.deployment["chains"][chain.caip]
            chain.vault, chain.registry, chain.sale = row["vault"], row["registry"], row["sale"]
            chain.position_book = row.get("position_book")
        return steps

    def start_daemon(self, *args):
        self.daemon = self.children.start([self.binary, "-c", str(self.config), "run", *args],
                                          self.folder / "daemon.log", cwd=str(self.folder))
        return self.daemon

    def kill_daemon(self):
        self.daemon.kill()
        self.daemon.wait()

    def stop_daemon(self):
        """A clean stop; the exit code."""
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(30)

    def check_daemon(self):
        if self.broken:
            raise SystemExit(self.broken)
        code = self.daemon.poll()
        if code is not None and not (self.killing and code == -signal.SIGKILL):
            tail = "\n".join((self.folder / "daemon.log").read_text(errors="replace").splitlines()[-5:])
            raise SystemExit(f"the daemon ended with code {self.daemon.returncode}:\n{tail}")

    # What the daemon says, by its own commands.
    def status(self):
        return self.json("status")

    def accounts(self):
        return {row["account"]: row for row in self.json("account", "list")}

    def account(self, user):
        return self.json("account", "show", user.account)

    # What the chain says.
    def registry_round(self, chain):
        return int(chain.call(chain.registry, "latest()(uint64,bytes32,uint64,uint64)")[0])

    def movements(self, chain):
        """The vault's events as cast decodes them from eth_getLogs."""
        topic = subprocess.run([tool("cast"), "keccak", "Movement(uint64,uint8,bytes32,address,uint256,bytes32)"],
                               capture_output=True, text=True, check=True).stdout.strip()
        logs = chain.rpc("eth_getLogs", {"address": chain.vault, "fromBlock": "0x0", "toBlock": "latest",
                                         "topics": [topic]})
        rows = []
        for log in logs:
            data = bytes.fromhex(log["data"][2:])
            rows.append({"sequence": int(log["topics"][1], 16), "kind": int(log["topics"][2], 16),
                         "account": log["topics"][3], "token": "0x" + data[12:32].hex(),
                         "amount": int.from_bytes(data[32:64], "big"), "counterparty": "0x" + data[64:96].hex(),
                         "txn": log["transactionHash"], "block": int(log["blockNumber"], 16)})
        return sorted(rows, key=lambda r: r["sequence"])

    def close(self):
        self.children.stop_all()
