# SPDX-License-Identifier: Apache-2.0
"""Row F16b: ten minutes without the chains, which go on meanwhile with a deposit in every block. How soon is a round signed over
all of it? Blocks of a second are the worst case: a chain of 12 s has 50 of them in that time, these have 600.

Ten minutes of chain time need not be ten minutes here: the chains begin that much in the past for each outage, and its blocks
are then mined at once, each a second younger than the one before."""
import time
from concurrent.futures import ThreadPoolExecutor

from fault_rows import row
from fault_world import RECOVERY_S, Mark
from harness import Failed, require, say
from world import ZERO, wait_until

GROUP = "outage"
OUTAGE_S = 600
# Two outages, and what the chains are older by the third time they are read.
BEHIND_S = 2 * OUTAGE_S
AMOUNT = 10**15


def old_heads(document):
    for chain in document["chains"]:
        chain["max_head_age"] = "1h"


def deposit_call(w, chain):
    data = chain.cast("calldata", "deposit(bytes32,address,uint256)", w.alice.account, ZERO, AMOUNT)
    return {"from": w.alice.address, "to": chain.vault, "value": hex(AMOUNT), "gas": hex(300_000), "data": data}


def mine_outage(w, chain):
    """All of its blocks at once, as old as they would be; the last of them."""
    call = deposit_call(w, chain)
    chain.rpc("evm_setIntervalMining", 0)
    chain.rpc("anvil_setBlockTimestampInterval", 1)
    try:
        for _ in range(OUTAGE_S):
            chain.rpc("eth_sendTransaction", call)
            chain.rpc("evm_mine")
    finally:
        chain.rpc("anvil_removeBlockTimestampInterval")
        chain.rpc("evm_setIntervalMining", chain.block_time)
    return chain.head()


def live_outage(w, chain):
    """The same on the clock."""
    call = deposit_call(w, chain)
    end = time.monotonic() + OUTAGE_S
    while time.monotonic() < end:
        chain.rpc("eth_sendTransaction", call)
        time.sleep(1)
    return chain.head()


def both(w, pass_time):
    """{chain: the last block of the outage}"""
    before = {chain.caip: chain.head() for chain in w.chains}
    with ThreadPoolExecutor(len(w.chains)) as pool:
        last = dict(zip([c.caip for c in w.chains], pool.map(lambda chain: pass_time(w, chain), w.chains)))
    for caip, at in last.items():
        require(at - before[caip] >= OUTAGE_S * 9 // 10, f"{caip} made {at - before[caip]} blocks in the outage")
    return last


def signs_over(w, last):
    """From now until heads are caught up and a round is signed that stands on all blocks of the outage; in seconds."""
    start, mark = time.monotonic(), Mark(w)

    def signed():
        w.check_daemon()
        over = [entry for entry in w.attestations()[mark.entries:]
                if all(int(head["number"]) >= last[head["chain"]] for head in entry["snapshot"])
                and len(entry["snapshot"]) == len(last)]
        if not over:
            raise Failed(f"no round over {last} yet: {[(r['chain'], r['lag'], r['error']) for r in w.status()['chains']]}")
        return True
    wait_until("a round over the outage", signed, RECOVERY_S, 0.1)
    rounds = time.monotonic() - start
    w.caught_up(timeout=RECOVERY_S - rounds)
    took = time.monotonic() - start
    say(f"      {OUTAGE_S} blocks on each chain: signed over after {rounds:.1f} s, caught up after {took:.1f} s")
    w.heads_are_canonical(mark)
    return took


def reach_again(w, pass_time):
    w.proxy.set({"fault": "reset", "on": "*"})
    last = both(w, pass_time)
    w.check_daemon()
    w.proxy.clear()
    signs_over(w, last)


@row("F16b", GROUP, "the daemon is down for ten minutes of chain time: a round over all of it within 60 s of its start")
def stopped(w):
    require(w.stop_daemon() == 0, "the daemon did not stop cleanly")
    last = both(w, mine_outage)
    w.start_daemon()
    signs_over(w, last)


@row("F16b", GROUP, "no node can be reached for ten minutes of chain time: a round over all of it within 60 s of the first answer")
def unreachable(w):
    reach_again(w, mine_outage)


@row("F16b", GROUP, "no node can be reached for ten minutes on the clock", long=True)
def unreachable_long(w):
    reach_again(w, live_outage)
