# SPDX-License-Identifier: Apache-2.0
"""Who runs the backfill: Margrave and its rivals, each from nothing to every event, with its own count and sums.

`run(source, folder)` of each gives {"events", "sums", "seconds", "cpu_seconds", "peak_rss_bytes"}. Seconds are from the
start of the process to the moment all events are in; CPU and memory are the kernel's (wait4) for the process and the
children it waited for. `sums` is by token, or nothing for who adds up nothing.
"""
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from chain import GUARDIAN, HERE, NETWORK, SIGNER, ZERO, Failed, free_port, tool

TOPIC = "0x7bf26468039f4b37fecd90e6a5718964e37adb1bd376e515cf78e34bf2038721"  # Movement, the vault's event
PATIENCE = 3600
WORDS = "yes: one lying node can make this daemon sign a lie"


@dataclass
class Source:
    """Where the chain is read, and what its contracts say in the end."""
    url: str
    truth: dict

    @property
    def sums(self):
        sums, token = self.truth["sums"], self.truth["token"]
        return {token: sums["bank"]} if "bank" in sums else {ZERO: sums["native"], token: sums["token"]}


class Child:
    """A process whose cost the kernel counts."""

    def __init__(self, args, out, **kw):
        self.name = Path(args[0]).name
        self.out = out
        self.begun = time.monotonic()
        self.process = subprocess.Popen(args, stdout=out, stdin=subprocess.DEVNULL, **kw)
        self.code = None

    def poll(self):
        """The exit code once it has ended, else None."""
        if self.code is None:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid == 0:
                return None
            self.cpu, self.rss = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
            self.code = self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                self.process.kill()
                os.wait4(self.process.pid, 0)
                raise Failed(f"{self.name} still ran after {timeout} s")
            time.sleep(0.005)
        return self.code

    def cost(self, seconds):
        return {"seconds": seconds, "cpu_seconds": self.cpu, "peak_rss_bytes": self.rss}


def to_the_end(args, folder, name, **kw):
    """Runs a process that ends by itself: its cost and what it printed. A code other than 0 fails the run."""
    with open(folder / f"{name}.out", "w+") as out, open(folder / f"{name}.err", "w") as err:
        child = Child(args, out, stderr=err, **kw)
        code = child.wait()
        seconds = time.monotonic() - child.begun
        if code != 0:
            raise Failed(f"{child.name} ended with code {code}; its words are in {folder}/{name}.err")
        out.seek(0)
        return child.cost(seconds), out.read()


def installed(name, folder):
    """A folder with the rival's own files and the packages of its lock file."""
    sources = HERE / "rivals" / name
    target = folder / name.replace("/", "-")
    shutil.copytree(sources, target, dirs_exist_ok=True)
    shutil.copy(HERE / "rivals/.npmrc", target)
    if name.startswith("ponder"):
        for part in ("src", "abi.ts", "ponder.schema.ts"):
            one = HERE / "rivals/ponder" / part
            (shutil.copytree if one.is_dir() else shutil.copyfile)(one, target / part, **(
                {"dirs_exist_ok": True} if one.is_dir() else {}))
    npm_packages(target)
    return target


def npm_packages(folder):
    """What the folder's lock file says, unless that is there already."""
    lock = (folder / "package-lock.json").read_text()
    stamp = folder / "node_modules/.installed-from"
    if not stamp.exists() or stamp.read_text() != lock:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
        stamp.write_text(lock)


class Margrave:
    """`margrave sync` into an empty data directory, from one source."""

    def __init__(self, binary, proof):
        self.name, self.binary, self.proof = f"margrave ({proof})", str(Path(binary).resolve()), proof

    def prepare(self, source, folder):
        (folder / "margrave.json").write_text(json.dumps(self.config(source), indent=1))

    def run(self, source, folder):
        shutil.rmtree(folder / "data", ignore_errors=True)
        self.prepare(source, folder)
        cost, said = to_the_end([self.binary, "-c", str(folder / "margrave.json"), "--output", "json", "sync",
                                 "--exit-when-caught-up"], folder, "margrave")
        result = json.loads(said.strip().splitlines()[-1])
        return {**cost, "events": int(result["events"]), "sums": self.sums(result), "said": result}

    @staticmethod
    def sums(result):
        """What accounts have, by token, from the totals by CAIP-19 asset."""
        def token(asset):
            return ZERO if "/slip44:" in asset else asset.rsplit(":", 1)[1].lower()
        return {token(asset): amount for asset, amount in result["totals"].items()}

    def config(self, source):
        truth = source.truth
        caip = f"eip155:{truth['chain_id']}"
        chain = {"id": caip, "endpoints": [{"name": "source", "http": source.url}], "proof": self.proof,
                 "start_block": str(truth["first_block"]), "poll_interval": "100ms", "rpc_timeout": "30s"}
        forms = [("usd", 6, f"{caip}/erc20:{truth['token']}")]
        if truth["shape"]["stream"] == "bank":
            chain["watch"] = [{"name": "bank", "contract": truth["bank"], "token": truth["token"], "events": [
                {"event": "event Put(address indexed owner, uint256 amount)", "meaning": "deposit", "account": "owner",
                 "amount": "amount"}]}]
        else:
            chain["contracts"] = {name: truth[name] for name in ("registry", "vault", "sale")}
            forms.append(("eth", 18, f"{caip}/slip44:60"))
        return {"version": 1, "node": {"name": "bench", "data_dir": "data"}, "accept_single_source": WORDS,
                "network": {"name": NETWORK, "hub": caip, "signers": [SIGNER], "threshold": 1, "guardian": GUARDIAN,
                            "exit_silence": "1d"},
                "chains": [chain],
                "assets": [{"id": name, "decimals": decimals, "on": [{"asset": form}]} for name, decimals, form in forms],
                "log": {"level": "warn", "format": "json"}}


class Ponder:
    """Ponder with its embedded database, asked over its own API for what it stored."""

    def __init__(self, version):
        self.name, self.version = f"ponder {version}", version

    def prepare(self, source, folder):
        self.folder = installed(f"ponder/{self.version}", folder.parent / "rivals")

    def run(self, source, folder):
        shutil.rmtree(self.folder / ".ponder", ignore_errors=True)
        port = free_port()
        env = {**os.environ, "BENCH_URL": source.url, "BENCH_CHAIN": str(source.truth["chain_id"]),
               "BENCH_VAULT": source.truth["vault"], "BENCH_START": str(source.truth["first_block"]),
               "PONDER_TELEMETRY_DISABLED": "true"}
        env.pop("DATABASE_URL", None)   # which would make it another database than its own
        args = [str(self.folder / "node_modules/.bin/ponder"), "start", "--schema", "bench", "--port", str(port),
                "--hostname", "127.0.0.1", "--log-level", "warn"]
        with open(folder / "ponder.log", "w") as log:
            child = Child(args, log, stderr=subprocess.STDOUT, cwd=self.folder, env=env)
            try:
                self.until_ready(child, port)
                seconds = time.monotonic() - child.begun
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/result", timeout=120) as answer:
                    result = json.load(answer)
            finally:
                if child.poll() is None:
                    child.process.send_signal(signal.SIGTERM)
                    child.wait(60)
        return {**child.cost(seconds), **result}

    def until_ready(self, child, port):
        """Ponder answers 200 at /ready once history is in its database."""
        while time.monotonic() - child.begun < PATIENCE:
            if child.poll() is not None:
                raise Failed(f"{self.name} ended with code {child.code}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise Failed(f"{self.name} was not ready after {PATIENCE} s")


class Viem:
    """A getLogs loop that decodes; rows in a file, balances in memory."""

    name = "viem loop"
    range = 20

    def prepare(self, source, folder):
        self.folder = installed("viem", folder.parent / "rivals")

    def run(self, source, folder):
        first, last = source.truth["first_block"], source.truth["last_block"]
        cost, said = to_the_end(["node", str(self.folder / "loop.mjs"), source.url, source.truth["vault"], str(first),
                                 str(last), str(self.range), str(folder / "rows.ndjson")], folder, "viem")
        return {**cost, **json.loads(said)}


class Cast:
    """`cast logs --json`: fetches and prints, decodes and stores nothing. One process for each part of the chain, since one
    for all of it would hold it all."""

    name = "cast logs"
    parts = 20

    def prepare(self, source, folder):
        pass

    def run(self, source, folder):
        first, last = source.truth["first_block"], source.truth["last_block"]
        step = -(-(last - first + 1) // self.parts)
        total = {"seconds": 0.0, "cpu_seconds": 0.0, "peak_rss_bytes": 0}
        events = 0
        for begin in range(first, last + 1, step):
            cost, said = to_the_end(
                [tool("cast"), "logs", "--json", "--rpc-url", source.url, "--from-block", str(begin), "--to-block",
                 str(min(begin + step - 1, last)), "--address", source.truth["vault"], TOPIC], folder, "cast")
            events += said.count('"transactionHash"')
            total = {"seconds": total["seconds"] + cost["seconds"],
                     "cpu_seconds": total["cpu_seconds"] + cost["cpu_seconds"],
                     "peak_rss_bytes": max(total["peak_rss_bytes"], cost["peak_rss_bytes"])}
        return {**total, "events": events, "sums": None}
