# SPDX-License-Identifier: Apache-2.0
"""Value tiers of finality on real chains: a deposit on A, where a block is final 40 blocks later, counts for a loan on B up to
one ether after 5 blocks, all accounts together up to one and a half. A reorg takes the deposits away."""
from fault_reorg import Paused, deep_finality, events_seen
from fault_rows import row, wait_for
from fault_world import FaultWorld
from harness import require
from story import ETH, USD, Story
from world import ZERO

GROUP = "early"
BLOCKS = 5
TOTAL = 3 * ETH // 2


def tiers(document):
    deep_finality(document)
    document["chains"][1]["finality"] = {"mode": "finalized"}
    form = document["assets"][0]["on"][0]
    form["early"] = [{"blocks": BLOCKS, "up_to": "1"}]
    form["early_total"] = "1.5"


def set_up(w):
    FaultWorld.set_up(w, tiers, 44)
    w.story = Story(w, say=lambda text: None)
    amount = 50_000 * USD
    w.story.approve_and(w.alice, w.b, lambda: w.b.send(
        w.alice.key, w.b.vault, "fund(address,uint256)", w.b.usd, amount), w.b.usd, amount)


def borrows(w, user, dollars, want):
    txn = w.story.request(user, w.b, "borrow", w.b.usd, dollars * USD)
    w.story.wait_answer(w.b, w.story.number_of(w.b, txn), want, 120)


def stood_on(w):
    """The rows of every release that stood on what was not final, with the account."""
    return [(entry["typedData"]["message"]["account"], use) for entry in w.entries() if entry["kind"] == "release"
            for use in entry.get("early", [])]


def stands(w, user):
    return w.json("account", "explain", user.account)["stands"]


@row("F38", GROUP, "early tiers: deposits count up to X after n blocks; a reorg takes them, and no more was let out")
def early(w):
    before = len(w.movements(w.a))
    with Paused(w) as clock:
        clock.mine()
        for user in (w.keeper, w.lender):
            w.a.send(user.key, w.a.vault, "deposit(bytes32,address,uint256)", user.account, ZERO, 5 * ETH, value=5 * ETH,
                     wait=False)
        clock.mine()
        at = w.a.head()
        events_seen(w, w.a, before + 2)
        borrows(w, w.keeper, 2_000, "refused")
        clock.mine(BLOCKS)
        head = w.a.rpc("eth_getBlockByNumber", "latest", False)["hash"]
        wait_for("the daemon to have the blocks", lambda: w.lag(w.a) == 0)
        # An ether counts 2,400 dollars and a dollar owed 1.05, so one ether carries 2,285.
        borrows(w, w.keeper, 2_000, "released")
        borrows(w, w.keeper, 400, "refused")
        borrows(w, w.lender, 2_000, "refused")
        borrows(w, w.lender, 1_000, "released")
        require(int(w.chain_row(w.a)["final"]["number"]) < at, "the deposits were final, so nothing was shown")
        uses = stood_on(w)
        require(sorted(account for account, _ in uses) == sorted([w.keeper.account, w.lender.account]), f"leaves say {uses}")
        require(all(use["headBlockHash"] == head for _, use in uses), f"another head than {head}: {uses}")
        require(sum(int(use["amount"]) for _, use in uses) <= TOTAL, f"more than the total: {uses}")
        reorgs = int(w.chain_row(w.a)["reorgs"])
        w.a.rpc("anvil_reorg", BLOCKS + 1, [])
        wait_for("the daemon to see the reorg", lambda: int(w.chain_row(w.a)["reorgs"]) > reorgs)
        events_seen(w, w.a, before)
        borrows(w, w.keeper, 10, "refused")
        borrows(w, w.lender, 10, "refused")
        clock.mine(45)
    require(stood_on(w) == uses, "something more was let out after the reorg")
    # What never became final keeps its room until the account is whole again.
    wait_for("the loans to be attested", lambda: len(stands(w, w.keeper)) == 1 and len(stands(w, w.lender)) == 1)
    w.deposit(w.a, w.keeper, 5 * ETH)
    w.deposit(w.a, w.lender, 5 * ETH)
    w.a.rpc("anvil_mine", hex(45))
    wait_for("the accounts to stand on final value", lambda: not stands(w, w.keeper) and not stands(w, w.lender))
    require(not [entry for entry in w.entries() if entry["kind"] == "seizure"], "something was seized")
