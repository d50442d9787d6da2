# SPDX-License-Identifier: Apache-2.0
"""The rig of the fault rows: two chains, three providers of each (one anvil behind three listeners of the fault proxy),
the real daemon, real contracts and users. What must hold after every row is checked here, and everything it is compared
with is read from anvil or from the published files, never through the daemon's code."""
import json
import os
import re
import time

from harness import Failed, World, require
from published import read_entries
from proxy import FaultProxy
from story import ETH, fold_accounts
from world import ZERO, wait_until

PROVIDERS = 3
AGREEMENT = 2
LAG_MAX = 2
RECOVERY_S = 60
RSS_MAX_MIB = 512
INTERVAL_S = 2
# Two cores that four worlds share are slow at times. What must happen within a time is measured by its row.
PATIENCE = 4


class Mark:
    """Where log, attestations and chains stood when a row began."""

    def __init__(self, world):
        self.log_at = world.log_file.stat().st_size if world.log_file.exists() else 0
        self.entries = len(world.attestations())
        self.time = time.monotonic()


class FaultWorld(World):
    def __init__(self, folder, binary, proof=None, ws=False, behind_s=0):
        super().__init__(folder, binary, behind_s=behind_s)
        self.proof, self.ws = proof, ws
        self.log_file = self.folder / "daemon.log"
        self.spent = 0
        self.ignored = set()  # assets that the config does not know
        listen = {f"{chain.name.lower()}{i}": chain.url for chain in self.chains for i in range(1, PROVIDERS + 1)}
        listen["trap"] = self.a.url
        self.proxy = FaultProxy(self.children, self.folder, listen)

    # Setting up -----------------------------------------------------------------------------------------------------
    def endpoints(self, chain):
        rows = []
        for i in range(1, PROVIDERS + 1):
            name = f"{chain.name.lower()}{i}"
            row = {"name": name, "operator": f"provider-{i}", "http": self.proxy.url(name)}
            if self.ws:
                row["ws"] = self.proxy.url(name, "ws")
            rows.append(row)
        return rows

    def write_faulty_config(self, change=None):
        self.write_config(attestation={"interval": f"{INTERVAL_S}s", "validity": "10m", "release_deadline": "5m"})
        document = json.loads(self.config.read_text())
        del document["accept_single_source"]
        for row, chain in zip(document["chains"], self.chains):
            row.update({"endpoints": self.endpoints(chain), "agreement": AGREEMENT, "rpc_timeout": "1s"})
            if self.proof:
                row["proof"] = self.proof
        if change:
            change(document)
        # Those words stood for the prices too, which have one maker each.
        for asset in document["assets"]:
            asset["price"]["accept_single_source"] = "yes: one wrong price can make this daemon sign a lie"
        self.config.write_text(json.dumps(document, indent=1))

    def set_up(self, change=None, blocks=4):
        """`blocks` are mined before the daemon starts: enough for one to be final."""
        # Until the daemon runs, blocks come with transactions and nobody waits for them.
        for chain in self.chains:
            chain.rpc("evm_setIntervalMining", 0)
            chain.rpc("evm_setAutomine", True)
        self.set_up_tokens()
        self.make_keys()
        self.write_faulty_config(change)
        self.fund_sender()
        self.deploy()
        for chain in self.chains:
            self.deposit(chain, self.alice, 10 * ETH)
            chain.rpc("anvil_mine", hex(blocks))
            chain.rpc("evm_setAutomine", False)
            chain.rpc("evm_setIntervalMining", 1)
            chain.block_time = 1
        self.start_daemon()
        self.caught_up()
        wait_until("the first attestation", lambda: self.check_daemon() or self.attestations(), 60 * PATIENCE)

    def deposit(self, chain, user, amount, wait=True):
        self.spent += 1
        return chain.send(user.key, chain.vault, "deposit(bytes32,address,uint256)", user.account, ZERO, amount,
                          value=amount, wait=wait)

    def small_deposit(self, chain, user=None, wait=True):
        """A deposit of an amount that no other one has."""
        return self.deposit(chain, user or self.bob, 10**15 + self.spent, wait)

    def forgiven(self, *rules):
        """A provider found lying is left out for an hour, and what is to be shown next is how one is found: the daemon
        starts anew, under these rules, and trusts everybody again."""
        self.proxy.clear()
        require(self.stop_daemon() == 0, "the daemon did not stop cleanly")
        self.proxy.set(*rules)
        self.start_daemon()
        wait_until("an answer of the daemon", self.answers, RECOVERY_S)
        if not rules:
            self.caught_up()

    def answers(self):
        """Whether the daemon answers already."""
        self.check_daemon()
        return self.margrave("--output", "json", "status", check=False).returncode == 0

    # What the daemon says -------------------------------------------------------------------------------------------
    def chain_row(self, chain, status=None):
        return next(row for row in (status or self.status())["chains"] if row["chain"] == chain.caip)

    def lag(self, chain):
        row = self.chain_row(chain)
        return chain.head() - (int(row["head"]["number"]) if row["head"] else 0)

    def more_rounds(self, rounds=1, timeout=60):
        """New attestations, and both registries take them."""
        target = int(self.status()["round"]) + rounds

        def check():
            self.check_daemon()
            found = [self.registry_round(chain) for chain in self.chains]
            if min(found) < target:
                raise Failed(f"the registries have rounds {found}")
            return True
        wait_until(f"round {target} on both chains", check, timeout * PATIENCE, 0.3)

    def said(self, mark):
        """The daemon's log since the mark."""
        with self.log_file.open("rb") as file:
            file.seek(mark.log_at)
            return file.read().decode(errors="replace")

    def explains(self, words, mark, timeout=30):
        """I11: status or log says what is wrong, in these words (a regular expression)."""
        pattern = re.compile(words, re.I | re.S)

        def check():
            self.check_daemon()
            status = json.dumps(self.status())
            if pattern.search(status) or pattern.search(self.said(mark)):
                return True
            raise Failed(f"neither status nor log says /{words}/: {status[:1500]}")
        start = time.monotonic()
        wait_until(f"status or log to say /{words}/", check, timeout * PATIENCE, 0.2)
        return time.monotonic() - start

    def logged(self, words, mark, timeout=30):
        """A line of the log, warning or error, says it in these words."""
        def check():
            self.check_daemon()
            lines = [line for line in self.said(mark).splitlines() if '"warn"' in line or '"error"' in line]
            if not any(re.search(words, line, re.I) for line in lines):
                raise Failed(f"no warning says /{words}/: {lines[-3:]}")
            return True
        wait_until(f"a warning of /{words}/", check, timeout * PATIENCE, 0.2)

    def entries(self):
        folder = self.folder / "data/log"
        return read_entries(folder) if (folder / "checkpoint").exists() else []

    def attestations(self):
        return [entry for entry in self.entries() if entry["kind"] == "attestation"]

    def rss_mib(self):
        text = open(f"/proc/{self.daemon.pid}/status").read()
        return {name: int(re.search(name + r":\s+(\d+)", text).group(1)) // 1024 for name in ("VmRSS", "VmHWM")}

    # What must hold -------------------------------------------------------------------------------------------------
    def final_of(self, chain):
        return int(chain.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)

    def caught_up(self, chains=None, timeout=RECOVERY_S):
        """I6: each chain's head is within two blocks of anvil's, without an error, unattended; in seconds."""
        start = time.monotonic()

        def check():
            self.check_daemon()
            status = self.status()
            for chain in chains or self.chains:
                row = self.chain_row(chain, status)
                head = chain.head()
                applied = int(row["head"]["number"]) if row["head"] else -1
                if head - applied > LAG_MAX or row["error"]:
                    raise Failed(f"{chain.name}: applied {applied} of {head}, error {row['error']!r}")
            return True
        wait_until("the daemon to be caught up", check, timeout, 0.2)
        return time.monotonic() - start

    def progresses(self, chain, blocks=2, timeout=30):
        """The daemon applies new blocks of a chain now."""
        def at():
            row = self.chain_row(chain)
            return int(row["head"]["number"]) if row["head"] else 0
        start = at()

        def check():
            self.check_daemon()
            if at() < start + blocks:
                raise Failed(f"head is {at()}, was {start}: {self.chain_row(chain)['error']}")
            return True
        wait_until(f"{chain.name} to move on by {blocks} blocks", check, timeout * PATIENCE, 0.2)

    def books_agree(self, timeout=40):
        """I1, I2, I5: events by eth_getLogs, custody by cast, and what the ledger holds, are one."""
        def check():
            self.check_daemon()
            status = self.status()
            for chain in self.chains:
                moves = self.movements(chain)
                told = int(self.chain_row(chain, status)["events"])
                if told != len(moves):
                    raise Failed(f"{chain.name}: the vault made {len(moves)} events, the daemon counts {told}")
                require([row["sequence"] for row in moves] == list(range(1, len(moves) + 1)), "sequences have a gap")
                for token in (ZERO, chain.usd):
                    asset = f"{chain.caip}/" + ("slip44:60" if token == ZERO else f"erc20:{token.lower()}")
                    booked = int(next(r for r in status["ledgers"] if r["asset"] == asset)["vault"])
                    held = chain.balance(chain.vault, token)
                    if booked != held:
                        raise Failed(f"{asset}: the ledger says {booked}, the vault holds {held}")
            for account, row in self.accounts().items():
                expected = {asset: held for asset, held in fold_accounts(self, account).items() if asset not in self.ignored}
                got = {h["asset"]: (int(h["collateral"]), int(h["debt"])) for h in row["holdingsAtHead"]}
                if got != expected:
                    raise Failed(f"account {account}: the events say {expected}, the ledger {got}")
            require(not status["deficits"], f"deficits: {status['deficits']}")
            return True
        wait_until("ledger, events and custody to agree", check, timeout * PATIENCE, 0.5)

    def heads_signed(self, chain):
        """Blocks of the chain that rounds stood on, each once, ascending."""
        return sorted({int(head["number"]) for entry in self.attestations() for head in entry["snapshot"]
                       if head["chain"] == chain.caip})

    def suspected_at(self, chain):
        """The block whose reading began the newest doubt of the chain's custody."""
        return [int(entry["detail"]["block"]) for entry in self.entries()
                if entry["kind"] == "reconciliation" and entry["chain"] == chain.caip
                and entry["detail"]["state"] == "suspected"][-1]

    def heads_are_canonical(self, mark):
        """I4: every attestation since the mark stands on blocks that anvil has; how many there were."""
        fresh = self.attestations()[mark.entries:]
        for entry in fresh:
            for head in entry["snapshot"]:
                self.require_canonical(head, entry["typedData"]["message"]["round"])
        return len(fresh)

    def require_canonical(self, head, number):
        chain = next(c for c in self.chains if c.caip == head["chain"])
        at = int(head["number"])
        block = chain.rpc("eth_getBlockByNumber", hex(at), False)
        found = block and block["hash"]
        require(found == head["hash"], f"round {number} cites block {at} of {chain.name} as {head['hash']}, it is {found}")

    def digests_are_single(self):
        """I3, as far as the log shows: one digest for one round."""
        seen = {}
        for entry in self.attestations():
            number = entry["typedData"]["message"]["round"]
            require(seen.setdefault(number, entry["digest"]) == entry["digest"], f"round {number} has two digests")

    def in_bounds(self):
        """I7"""
        peak = self.rss_mib()["VmHWM"]
        require(peak <= RSS_MAX_MIB, f"the daemon used {peak} MiB at its peak, the bound is {RSS_MAX_MIB}")
        files = len(os.listdir(f"/proc/{self.daemon.pid}/fd"))
        require(files <= 256, f"the daemon has {files} open files")

    def holds(self, mark):
        """After a row: faults are over, and everything is as if there had been none."""
        self.proxy.clear()
        recovery = self.caught_up()
        self.books_agree()
        self.heads_are_canonical(mark)
        self.digests_are_single()
        self.in_bounds()
        return recovery
