# SPDX-License-Identifier: Apache-2.0
"""Rows that end the daemon, or that no daemon of this kind can win: each has a world of its own."""
import json

from fault_liar import FORGED, lie
from fault_rows import all_of, one_of, row, wait_for, watch
from fault_world import Mark
from harness import Failed, require, say

GROUP = "ends"
UNSAFE, CONFIG = 3, 2


def ended(w, timeout=60):
    """The daemon's own exit code."""
    wait_for("the daemon to end", lambda: [w.daemon.poll()] if w.daemon.poll() is not None else None, timeout)
    return w.daemon.returncode


def halted(w, timeout=60):
    """Signing over A has stopped for good, loudly: the chain is halted, or the daemon has ended with the code that says
    never to start it again. Whether the daemon still runs."""
    def check():
        if w.daemon.poll() is not None:
            return ["ended"]
        return ["halted"] if w.chain_row(w.a).get("state") == "halted" else None
    how = wait_for("chain A to be halted", check, timeout)
    if how == ["ended"]:
        require(w.daemon.returncode == UNSAFE, f"the daemon ended with {w.daemon.returncode}, not {UNSAFE}")
    require([entry for entry in w.entries() if entry["kind"] == "halt"], "the log has no halt leaf")
    return how == ["halted"]


def stays_halted(w):
    """A supervisor that starts it again changes nothing: no head of A moves in what is signed."""
    def signed_heads():
        return [h for e in w.attestations()[-1:] for h in e["snapshot"] if h["chain"] == w.a.caip]
    before = signed_heads()
    if w.daemon.poll() is None:
        require(w.stop_daemon() == 0, "the daemon did not stop cleanly")
    w.start_daemon()
    halted(w)
    watch(w, 4) if w.daemon.poll() is None else None
    after = signed_heads()
    require(before == after or not after, f"signed heads of A moved from {before} to {after}")


def two_liars(w, custody):
    rules = lie(w, w.a, [one_of(w.a, 1), one_of(w.a, 2)], custody=custody)
    w.proxy.set(rules)
    w.small_deposit(w.a)
    return rules["at"]


@row("F36", GROUP, "two of three serve one forged chain, custody as it is: the conservation check stops the signing")
def two_of_three(w):
    mark = Mark(w)
    at = two_liars(w, custody=False)
    wait_for("the deficit to be named", lambda: w.status()["deficits"], 60)
    # Once A is dead, rounds go on that stand on its last covered block, which may have been in none before.
    watch(w, 6, lambda: require(max(w.heads_signed(w.a)) < at, f"a round was signed over a deficit, block {at} or later"))
    w.heads_are_canonical(mark)
    w.logged("custody.deficit", mark)
    w.proxy.clear()
    halted(w)


@row("F36", GROUP, "known limit: two of three forge custody too; the lie is signed, and the daemon stops when it is found")
def known_limit(w):
    mark = Mark(w)
    at = two_liars(w, custody=True)
    wait_for("the forged block to be final for the daemon", lambda: int(w.chain_row(w.a)["final"]["number"]) >= at, 60)
    over = wait_for("a round over it", lambda: [e for e in w.attestations()[mark.entries:] if any(
        h["chain"] == w.a.caip and int(h["number"]) >= at for h in e["snapshot"])], 30)
    credit = max(int(h["collateral"]) for held in w.accounts().values() for h in held["holdingsAtHead"])
    require(credit < 2 * FORGED, f"more was credited than the lie said: {credit}")
    w.proxy.clear()
    halted(w)
    stays_halted(w)
    say(f"      known limit: {len(over)} rounds stood on the liars' blocks until the third was heard; then it halted")


@row("F42", GROUP, "a reorg below what was signed as final: halted with a leaf in the log, history not rewritten")
def below_finality(w):
    mark = Mark(w)
    # Far enough from the contracts, which must still be there afterwards.
    w.a.rpc("anvil_mine", "0x10")
    w.caught_up()
    w.more_rounds(1)
    rounds = [entry["digest"] for entry in w.attestations()]
    w.a.rpc("anvil_reorg", 10, [])
    running = halted(w)
    require([entry["digest"] for entry in w.attestations()][:len(rounds)] == rounds, "signed history was rewritten")
    require("final" in w.said(mark), f"the log does not say why: {w.said(mark)[-500:]}")
    if running:
        w.progresses(w.b, 2)
    stays_halted(w)


@row("F50", GROUP, "another chain's id at the start: refused; at one provider of three: told and left out")
def wrong_at_start(w):
    require(w.stop_daemon() == 0, "the daemon did not stop cleanly")
    mark = Mark(w)
    w.proxy.set({"fault": "chainId", "value": 1, "on": all_of(w.a)})
    w.start_daemon()
    try:
        code = ended(w, 30)
        require(code == CONFIG, f"it ended with {code}, not {CONFIG}")
    except Failed:
        # It may also wait for providers of the right chain; then it must not sign.
        w.explains("chain id|wrong.chain|serves", mark)
        signed = len(w.attestations())
        watch(w, 6, lambda: require(len(w.attestations()) == signed, "it signed with no provider of the right chain"))
        require(w.stop_daemon() == 0, "the daemon did not stop cleanly")
    w.proxy.set({"fault": "chainId", "value": 1, "on": one_of(w.a)})
    w.start_daemon()
    wait_for("an answer of the daemon", lambda: json.dumps(w.status()), 60)
    w.progresses(w.a, 3)
    w.explains("chain id|wrong.chain|serves", mark)
    w.more_rounds(1)
    w.proxy.clear()
    w.caught_up()
    w.books_agree()
    require(w.stop_daemon() == 0, "the daemon did not stop cleanly")
