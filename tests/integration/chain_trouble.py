# SPDX-License-Identifier: Apache-2.0
"""One chain's trouble never stops another: a node that hangs, a vault behind a sequencer that is down, a vault that was
drained, and a chain that goes back below its own finality. Alice is on A, where the price feed lives; Bob is on B, which gets the trouble."""
import json
import signal
import sys
import time

from harness import World, arguments, require, run, say
from published import read_entries
from story import ETH, USD, Story
from world import ZERO, wait_until

OK, RUNTIME, CONFIG, UNSAFE, FOUND, IN_USE, DAMAGED = range(7)
LIMIT = 25
DEAD = 1 << 14


class Node(World):
    def __init__(self, folder, binary):
        super().__init__(folder, binary)
        self.data = self.folder / "data"
        self.story = Story(self, say=say)

    def chain_row(self, chain):
        return {row["chain"]: row for row in self.json("chains", "list")}[chain.caip]

    def state(self, chain):
        return self.chain_row(chain)["state"]

    def wait_state(self, chain, wanted, timeout):
        return wait_until(f"{chain.name} to be {wanted}",
                          lambda: self.check_daemon() or self.chain_row(chain)["state"] == wanted, timeout, 0.5)

    def statuses(self):
        rows = self.accounts()
        return [rows[user.account]["status"] if user.account in rows else None for user in (self.alice, self.bob)]

    def wait_statuses(self, wanted, timeout):
        return wait_until(f"alice and bob to be {wanted}",
                          lambda: self.check_daemon() or self.statuses() == wanted, timeout, 0.5)

    def rounds_on(self, chain, more, timeout=120):
        target = self.registry_round(chain) + more
        wait_until(f"{more} more rounds on {chain.name}",
                   lambda: self.check_daemon() or self.registry_round(chain) >= target, timeout, 0.5)

    def events(self, name):
        out = []
        for line in (self.folder / "daemon.log").read_text(errors="replace").splitlines():
            if f'"{name}"' in line:
                out.append(json.loads(line))
        return out

    def ends(self, code, words, *args):
        done = self.margrave(*args, check=False, timeout=180)
        text = done.stdout + done.stderr
        require(done.returncode == code, f"margrave {' '.join(args)} ended with {done.returncode}: {text[-1500:]}")
        missing = [word for word in words if word not in text]
        require(not missing, f"margrave {' '.join(args)} does not say {missing}: {text[-1500:]}")
        return done

    def stop(self):
        require(self.stop_daemon() == OK, "the daemon did not stop cleanly")

    def audit(self):
        self.ends(OK, ["every entry holds"], "audit", "verify", "--replay", "all")

    def leaves(self, kind):
        return [entry for entry in read_entries(self.data / "log") if entry["kind"] == kind]


    def breaks(self):
        """Halts that only an operator's word ends."""
        return [entry for entry in self.leaves("halt") if "the ledger says" not in entry["reason"]]

    def words(self):
        """What operators said when they let a chain go on."""
        reasons = [entry["reason"] for entry in self.leaves("resume")]
        return [reason for reason in reasons if not reason.startswith("the vault covers")]

    def take_out(self, chain, token, amount):
        """Tokens leave the vault without an event of it, and at no cost, which would be its coin."""
        data = chain.cast("calldata", "transfer(address,uint256)", self.faucet.address, amount)
        chain.rpc("anvil_impersonateAccount", chain.vault)
        before = chain.balance(chain.vault, token)
        chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x0")
        chain.rpc("eth_sendTransaction", {"from": chain.vault, "to": token, "data": data, "gas": hex(100_000),
                                          "gasPrice": "0x0"})
        wait_until("the tokens to be gone", lambda: chain.balance(chain.vault, token) == before - amount, 30, 0.5)
        chain.rpc("anvil_stopImpersonatingAccount", chain.vault)


def set_up(node):
    node.story.set_up()
    node.stop()
    node.uptime = node.b.create(node.faucet.key, "LocalFeed", "constructor(uint8,string,int256)", "0",
                                "L2 Sequencer Uptime", "0")
    node.b.send(node.faucet.key, node.uptime, "setAt(int256,uint256)", "0", str(int(time.time()) - 7200))
    document = json.loads(node.config.read_text())
    for chain in document["chains"]:
        chain["max_head_age"] = f"{LIMIT}s"
    document["chains"][1]["sequencer"] = {"feed": node.uptime, "grace": "1h"}
    node.config.write_text(json.dumps(document, indent=1))
    node.start_daemon()
    amount = 50_000 * USD
    node.story.approve_and(node.lender, node.b, lambda: node.b.send(
        node.lender.key, node.b.vault, "fund(address,uint256)", node.b.usd, amount), node.b.usd, amount)
    node.story.deposit(node.alice, node.a, ZERO, 10 * ETH)
    node.story.deposit(node.bob, node.b, ZERO, 4 * ETH)
    node.wait_statuses(["HEALTHY", "HEALTHY"], 120)


def node_hangs(node):
    """B's node answers nobody: signing waits, then goes on for A alone, and B comes back by itself."""
    node.rounds_on(node.a, 1)
    node.b.process.send_signal(signal.SIGSTOP)
    stopped = time.time()
    try:
        row = wait_until("an alarm", lambda: node.check_daemon() or node.events("chain.agreement_lost"), 30, 0.5)[-1]
        require(time.time() - stopped < 30, "the alarm took longer than 30 s")
        require(row["level"] == "error" and row["chain"] == node.b.caip and row["reason"] and row["since"],
                f"the alarm is {row}")
        node.wait_state(node.b, "dead", LIMIT + 60)
        node.rounds_on(node.a, 2)
        node.wait_statuses(["HEALTHY", "UNATTESTABLE"], 60)
        flags = int(node.account(node.bob)["flags"])
        require(flags & DEAD, f"bob's flags are {flags}")
        evidence = node.account(node.bob)["evidence"]
        require("chain without a recent final block" in json.dumps(evidence), f"evidence is {evidence}")
        require(node.chain_row(node.b)["stateReason"], "no reason is shown")
    finally:
        node.b.process.send_signal(signal.SIGCONT)
    back = time.monotonic()
    node.wait_state(node.b, "following", 60)
    node.wait_statuses(["HEALTHY", "HEALTHY"], 60 - (time.monotonic() - back))
    here = node.registry_round(node.a)
    wait_until("B's registry to catch up", lambda: node.check_daemon() or node.registry_round(node.b) >= here, 60, 0.5)
    say(f"       recovered in {time.monotonic() - back:.0f} s")
    require(node.events("chain.agreement_regained"), "nothing says that the agreement was regained")


def waits_before_dead(node):
    """Between the alarm and the limit nothing is signed at all, and status says for whom it waits."""
    node.b.process.send_signal(signal.SIGSTOP)
    try:
        waiting = wait_until("status to name B", lambda: node.check_daemon() or (
            node.b.caip in node.status()["waitingFor"] and node.status()), 30, 0.2)
        require("since" in waiting["waitingFor"], f"it waits for {waiting['waitingFor']}")
        require(node.state(node.b) == "held", f"B is {node.state(node.b)}")
        before = node.status()["round"]
        time.sleep(4)
        if node.state(node.b) == "held":
            require(node.status()["round"] == before, "a round was signed while B was held")
    finally:
        node.b.process.send_signal(signal.SIGCONT)
    node.wait_state(node.b, "following", 60)


def sequencer_down(node):
    """Bob's loan goes bad while B's sequencer is down: nothing is seized until the grace is over."""
    txn = node.story.request(node.bob, node.b, "borrow", node.b.usd, 7_000 * USD)
    node.story.wait_answer(node.b, node.story.number_of(node.b, txn), "released")
    wait_until("bob's loan to be final", lambda: node.check_daemon() or any(
        int(h["debt"]) for h in node.account(node.bob)["holdingsAtHead"]), 90, 0.5)
    node.b.send(node.faucet.key, node.uptime, "set(int256)", "1")
    wait_until("the hold", lambda: node.check_daemon() or "is down" in node.chain_row(node.b)["sequencer"], 60, 0.5)
    node.set_price(1900)
    node.story.wait_status(node.bob, ["LIQUIDATABLE"])
    node.rounds_on(node.b, 2)
    require(not node.leaves("seizure"), "bob was seized from while the sequencer was down")
    require(node.events("liquidation.held"), "the log does not say who waits")
    node.b.send(node.faucet.key, node.uptime, "set(int256)", "0")
    wait_until("the grace", lambda: node.check_daemon() or "up again" in node.chain_row(node.b)["sequencer"], 60, 0.5)
    node.rounds_on(node.b, 1)
    require(not node.leaves("seizure"), "bob was seized from in the grace")
    node.b.send(node.faucet.key, node.uptime, "setAt(int256,uint256)", "0", str(int(time.time()) - 7200))
    wait_until("the seizure", lambda: node.check_daemon() or node.leaves("seizure"), 60, 0.5)
    node.set_price(3000)


def vault_drained(node):
    """Tokens that no event brought are unattributed; tokens that no event took halt B alone, until they are back."""
    asset = f"{node.b.caip}/erc20:{node.b.usd.lower()}"
    node.wait_state(node.b, "following", 60)

    def booked():
        return next(int(row["vault"]) for row in node.status()["ledgers"] if row["asset"] == asset)

    def unattributed():
        return node.check_daemon() or node.chain_row(node.b)["custody"]["unattributed"]

    before = booked()
    node.b.send(node.faucet.key, node.b.usd, "mint(address,uint256)", node.faucet.address, 7)
    node.b.send(node.faucet.key, node.b.usd, "transfer(address,uint256)", node.b.vault, 7)
    wait_until("the surplus", lambda: unattributed() == {asset: "7"}, 60, 0.5)
    require(booked() == before, f"the ledger has {booked()} in the vault, it had {before}")
    node.rounds_on(node.b, 1)
    done = json.loads(node.ends(OK, [asset], "--output", "json", "ledger", "reconcile", "--proofs").stdout)
    proofs = [chain["events"] for chain in done["chains"]]
    proofs += [row["proof"] for chain in done["chains"] for row in chain["ledgers"] if row["held"] != "0"]
    require(done["ok"] and all(proof["proved"] for proof in proofs), f"not all is proved: {done}")

    node.take_out(node.b, node.b.usd, 1_007)
    node.wait_state(node.b, "halted", 60)
    require("the ledger says" in node.leaves("halt")[-1]["reason"], f"the log has {node.leaves('halt')}")
    node.rounds_on(node.a, 2)
    node.wait_statuses(["HEALTHY", "UNATTESTABLE"], 60)
    require(node.state(node.a) == "following", f"A is {node.state(node.a)}")
    node.ends(FOUND, ["LACKS 1000"], "ledger", "reconcile", "--chain", node.b.caip)
    node.stop()
    node.start_daemon()
    node.rounds_on(node.a, 1)
    require(node.state(node.b) == "halted", "a restart let the chain go on")

    node.b.send(node.faucet.key, node.b.usd, "transfer(address,uint256)", node.b.vault, 1_000)
    node.wait_state(node.b, "following", 90)
    node.wait_statuses(["HEALTHY", "HEALTHY"], 60)
    require(node.leaves("resume")[-1]["reason"].startswith("the vault covers"), f"the log has {node.leaves('resume')}")
    states = [entry["detail"]["state"] for entry in node.leaves("reconciliation") if entry["chain"] == node.b.caip]
    require([s for s in ("clear", "suspected", "deficit") if s not in states] == [], f"the readings are {states}")
    require(states[-1] == "clear", f"the readings are {states}")


def finality_breaks(node):
    """B replaces blocks that were final: it halts durably, A goes on, no restart changes that."""
    node.wait_state(node.b, "following", 60)
    node.rounds_on(node.a, 1)
    final = int(node.chain_row(node.b)["final"]["number"])
    depth = node.b.head() - final + 3
    node.b.rpc("anvil_reorg", depth, [])
    node.wait_state(node.b, "halted", 60)
    row = node.chain_row(node.b)
    require("final" in row["stateReason"], f"the reason is {row['stateReason']}")
    require(node.events("chain.halted")[-1]["level"] == "error", "the halt is not loud")
    halts = node.breaks()
    require(len(halts) == 1 and halts[0]["chain"] == node.b.caip, f"the log has {halts}")
    node.rounds_on(node.a, 2)
    node.wait_statuses(["HEALTHY", "UNATTESTABLE"], 60)
    on_b = node.registry_round(node.b)
    node.rounds_on(node.a, 2)
    require(node.registry_round(node.b) == on_b, "a round was delivered to a halted chain")
    node.stop()
    require([row["state"] for row in node.json("chains", "list")] == ["unwatched", "halted"],
            f"without a daemon: {node.json('chains', 'list')}")
    node.audit()
    node.start_daemon()
    node.rounds_on(node.a, 2)
    require(node.state(node.b) == "halted", "a restart let the chain go on")
    require(len(node.breaks()) == 1, "the restart halted it a second time")
    require(node.status()["chains"], "status does not answer beside a halted chain")


def resume_refuses(node):
    """An operator's word does not make a broken chain whole: it halts again at once, with and without a daemon."""
    node.ends(CONFIG, ["--reason"], "chains", "resume", node.b.caip)
    node.ends(OK, ["goes on"], "chains", "resume", node.b.caip, "--reason", "trying once more")
    wait_until("the second halt", lambda: node.check_daemon() or len(node.breaks()) == 2, 60, 0.5)
    node.wait_state(node.b, "halted", 30)
    require(node.words() == ["trying once more"], f"the log has {node.leaves('resume')}")
    node.stop()
    done = node.ends(OK, ["when the daemon starts"], "chains", "resume", node.b.caip, "--reason", "offline")
    require("halts again" in done.stdout, done.stdout)
    node.ends(RUNTIME, ["is not stopped"], "chains", "resume", node.b.caip, "--reason", "twice")
    node.start_daemon()
    wait_until("the third halt", lambda: node.check_daemon() or len(node.breaks()) == 3, 90, 0.5)
    node.rounds_on(node.a, 2)
    node.wait_statuses(["HEALTHY", "UNATTESTABLE"], 60)
    require(node.words() == ["trying once more", "offline"],
            "the word given without a daemon is not in the log")
    node.ends(OK, [], "chains", "lag")
    node.ends(OK, ["no evidence"], "chains", "evidence")
    node.ends(OK, [], "chains", "reorgs", node.b.caip)
    node.stop()
    node.audit()


CASES = [node_hangs, waits_before_dead, sequencer_down, vault_drained, finality_breaks, resume_refuses]


def all_cases(folder, options):
    node = Node(folder, options.binary)
    try:
        set_up(node)
        for case in CASES:
            if options.only and case.__name__ not in options.only:
                continue
            begun = time.monotonic()
            case(node)
            say(f"   ok  {case.__name__} ({time.monotonic() - begun:.0f} s)")
    finally:
        node.close()


def main():
    parser = arguments(__doc__)
    parser.add_argument("--only", action="append", help="run only this case; may be repeated")
    options = parser.parse_args()
    return run("chain-trouble", options, lambda folder: all_cases(folder, options))


sys.exit(main())
