# SPDX-License-Identifier: Apache-2.0
"""Rows F35 to F37: chains that were forged as a whole. No check of such a node against itself finds anything, account
proofs included, so only others can refute it."""
import random
import time

from fault_rows import one_of, row, wait_for, watch
from fault_world import INTERVAL_S, Mark
from harness import require, say
from world import ZERO

GROUP = "liar"
FORGED = 10**24
ALARM_S = 30
RECOVERY_S = 60
ROUND_UNDER_WAY_S = 2 * INTERVAL_S


def lie(w, chain, on, **more):
    """A deposit that nobody made, from the next block on."""
    move = {"account": w.bob.account, "token": ZERO, "amount": str(FORGED)}
    others = [it for it in (chain.position_book, chain.registry, chain.sale, chain.usd) if it]
    return {"fault": "consistentLie", "on": on, "at": chain.head() + 1, "vault": chain.vault, "accounts": others,
            "deposits": [move], "userAgent": "margrave*", **more}


def nothing_forged(w, chain, mark):
    """The daemon's own head is on anvil's chain, nobody was credited, and no signed head is forged."""
    head = w.chain_row(chain)["head"]
    block = chain.rpc("eth_getBlockByNumber", hex(int(head["number"])), False)
    require(block and block["hash"] == head["hash"], f"the daemon applied {head}, anvil has {block and block['hash']}")
    for account, held in w.accounts().items():
        require(all(int(h["collateral"]) < FORGED for h in held["holdingsAtHead"]), f"account {account} has {held}")
    w.heads_are_canonical(mark)


@row("F35", GROUP, "one of three serves a forged chain: signing goes on with the two others, the liar is named")
def one_liar(w):
    w.forgiven()
    mark = Mark(w)
    w.proxy.set(lie(w, w.a, one_of(w.a)))
    w.small_deposit(w.a)
    w.progresses(w.a, 4)
    nothing_forged(w, w.a, mark)
    w.more_rounds(2)
    took = w.explains("lying|disagree|otherwise|refuted|another (block|hash)", mark, ALARM_S)
    require(took <= ALARM_S, f"the liar was named after {took:.0f} s")
    require(w.proxy.rules()[0]["fired"] > 0, "the liar was never asked")
    nothing_forged(w, w.a, mark)


def random_lie(w, dice):
    """A lie of any kind about either chain by any one provider, from a block of the past or the future on."""
    chain = dice.choice(w.chains)
    head = chain.head()
    events = len(w.movements(chain))
    spec = lie(w, chain, one_of(chain, dice.randint(1, 3)), seed=dice.randrange(2**31), custody=dice.random() < 0.8,
               proof=dice.choice(["forged", "forged", "honest", "garbage", "none"]),
               at=dice.choice([head + 1, head + 2, max(1, head - dice.randint(0, 3)), dice.randint(1, head)]))
    kind = dice.choice(["invent", "invent", "hide", "alter", "both"])
    if kind in ("hide", "both"):
        spec["hide"] = [dice.randint(1, events)]
    if kind == "alter":
        spec["alter"] = [{"sequence": dice.randint(1, events), "amount": str(dice.randrange(1, 2**128))}]
    if kind in ("hide", "alter"):
        spec["deposits"] = []
    else:
        user = dice.choice([w.alice, w.bob])
        token = dice.choice([ZERO, chain.usd])
        spec["deposits"] = [{"account": user.account, "token": token, "amount": str(dice.randrange(1, 2**96))}
                            for _ in range(dice.randint(1, 3))]
    return chain, kind, spec


@row("F35", GROUP, "random consistent lies: no wrong credit, no wrong head signed")
def many_lies(w):
    seed = int(time.time())
    dice = random.Random(seed)
    told = 0
    for number in range(w.options.lies):
        mark = Mark(w)
        chain, kind, spec = random_lie(w, dice)
        what = f"lie {number} of seed {seed} ({kind}): {spec}"
        try:
            if dice.random() < 0.5:
                w.forgiven(spec)
            else:
                w.forgiven()
                w.proxy.set(spec)
            if dice.random() < 0.5:
                w.small_deposit(chain)
            w.progresses(chain, 2, 60)
            nothing_wrong(w, chain)
            w.heads_are_canonical(mark)
        except Exception as e:
            raise type(e)(f"{what}: {e}") from e
        told += w.proxy.rules()[0]["fired"] > 0
    say(f"      {told} of {w.options.lies} lies were told (seed {seed})")
    require(told * 2 >= w.options.lies, f"only {told} of {w.options.lies} lies were heard: the liars are not asked any more")


def nothing_wrong(w, chain):
    """Count, books and the applied head, while the lie is told."""
    head = w.chain_row(chain)["head"]
    block = chain.rpc("eth_getBlockByNumber", hex(int(head["number"])), False)
    require(block and block["hash"] == head["hash"], f"the daemon applied {head}, anvil has {block and block['hash']}")
    w.books_agree(20)


def denial_of_service(w, seconds):
    """KelpDAO: the honest ones are kept busy so that only the liar answers."""
    w.forgiven()
    mark = Mark(w)
    start = time.monotonic()
    w.proxy.set({"fault": "hang", "on": [one_of(w.a, 2), one_of(w.a, 3)]}, lie(w, w.a, one_of(w.a, 1)))
    w.small_deposit(w.a)
    wait_for("the honest ones to hang and the liar to be asked", lambda: w.proxy.fired() > 0)
    w.explains("[01] of 2|agree", mark, ALARM_S)
    alarm = time.monotonic() - start
    require(alarm <= ALARM_S, f"the alarm came after {alarm:.0f} s")
    w.logged("agree|unable", mark, ALARM_S)
    # A round that was under way when the answers stopped may still come out; it stands on honest heads.
    time.sleep(ROUND_UNDER_WAY_S)
    signed = len(w.attestations())
    watch(w, seconds, lambda: require(
        len(w.attestations()) == signed, f"{len(w.attestations()) - signed} rounds were signed without agreement"))
    nothing_forged(w, w.a, mark)
    w.progresses(w.b, 2)
    w.proxy.clear()
    took = w.caught_up(timeout=RECOVERY_S)
    w.more_rounds(1, RECOVERY_S)
    say(f"      alarm after {alarm:.1f} s, no round in {seconds} s, caught up {took:.1f} s after the honest ones were back")


@row("F37", GROUP, "a liar and denial of service: nothing is signed, the alarm comes, it recovers by itself")
def kelp(w):
    denial_of_service(w, 8)


@row("F37", GROUP, "a liar and denial of service for five minutes", long=True)
def kelp_long(w):
    denial_of_service(w, 300)


@row("F37", GROUP, "the same on both chains, and the honest ones slow instead of silent")
def kelp_slow(w):
    w.forgiven()
    mark = Mark(w)
    rules = []
    for chain in w.chains:
        rules += [{"fault": "delay", "ms": 5000, "on": [one_of(chain, 2), one_of(chain, 3)]}, lie(w, chain, one_of(chain, 1))]
    w.proxy.set(*rules)
    watch(w, 6)
    for chain in w.chains:
        nothing_forged(w, chain, mark)
    w.explains("[01] of 2|agree", mark, ALARM_S)

