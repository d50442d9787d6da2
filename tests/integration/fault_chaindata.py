# SPDX-License-Identifier: Apache-2.0
"""Rows F23 to F34 and F43 to F50: what nodes say of blocks, logs, receipts and finality."""
import json
import time

from fault_rows import ROWS, Skipped, all_of, one_of, row, wait_for, watch
from fault_world import Mark
from harness import Failed, require
from story import USD
from world import ZERO

GROUP = "chaindata"
# As many deposits as one of anvil's blocks holds with room to spare: 30 million gas, at most 90,000 each.
CROWD = 300

# Any call of this code makes it emit LOG4 with the call data's first four words as topics and the rest as data.
EMITTER = "365f5f37" + "606051" + "604051" + "602051" + "5f51" + "60803603" + "6080" + "a400"
# The code that puts it there: copy what follows these ten bytes, and return it.
CREATE = "0x" + f"60{len(EMITTER) // 2:02x}600a5f3960{len(EMITTER) // 2:02x}5ff3" + EMITTER


def liars(w, faults, methods="*", times=4):
    """Each lie at all three providers at once, a few times, with a deposit to lie about; then the truth again. What is
    believed meanwhile is seen by the comparison of the books."""
    for fault in faults:
        w.proxy.set({"on": all_of(w.a), "methods": methods, "count": times, **fault})
        w.small_deposit(w.a)
        try:
            w.proxy.wait_fired(times, 45)
        except Failed as e:
            raise Failed(f"{fault}: {e}") from e
        over(w)


def over(w):
    """The truth again. A lie that a proof refutes three times over leaves its provider out for an hour; then the daemon
    starts anew, so that the next lie is heard too."""
    if w.proof == "receipts":
        w.forgiven()
    w.proxy.clear()
    w.caught_up()


def one_liar(w, fault, methods="*", says=None):
    """The lie at one provider for as long as it takes the chain to go on by two others."""
    mark = Mark(w)
    w.proxy.set({"on": one_of(w.a), "methods": methods, **fault})
    w.small_deposit(w.a)
    w.progresses(w.a, 3)
    w.books_agree()
    if says:
        w.explains(says, mark)
    over(w)


@row("F23", GROUP, "a node 1, 5 and 50 blocks behind: what it does not see is not absent")
def stale(w):
    for n in (1, 5, 50):
        w.proxy.set({"fault": "staleHead", "n": n, "on": one_of(w.a)})
        w.small_deposit(w.a)
        w.progresses(w.a)
        w.books_agree()
    for n in (1, 5):
        w.proxy.set({"fault": "staleHead", "n": n, "on": all_of(w.a)})
        w.small_deposit(w.a)
        watch(w, 2)


@row("F24", GROUP, "a head that stands still, and one from the future")
def frozen(w):
    for fault in ({"fault": "freezeHead"}, {"fault": "futureHead", "n": 1000},
                  {"fault": "futureHead", "n": 1000, "seconds": 86400, "rehash": True}):
        one_liar(w, fault)
        w.forgiven()
    mark = Mark(w)
    w.proxy.set({"fault": "freezeHead", "on": all_of(w.a)})
    w.small_deposit(w.a)
    watch(w, 3)
    w.progresses(w.b)
    w.heads_are_canonical(mark)


@row("F24", GROUP, "a head from the future at all providers, hashed anew by each: nothing of it is applied")
def future(w):
    head = w.a.head()
    w.proxy.set({"fault": "futureHead", "n": 1000, "rehash": True, "on": all_of(w.a), "count": 6})
    w.small_deposit(w.a)
    w.proxy.wait_fired(6)
    require(int(w.chain_row(w.a)["head"]["number"]) < head + 100, "a block from the future was applied")


@row("F25", GROUP, "the last log, the last block's logs and all logs missing")
def missing_logs(w):
    faults = [{"fault": "dropLogs", "which": which} for which in ("last", "lastBlock", "all", "first")]
    for fault in faults:
        one_liar(w, fault)
    liars(w, faults, methods="eth_getLogs")


def batch_of_deposits(w, count):
    """So many deposits of bob in one block of A."""
    data = w.a.cast("calldata", "deposit(bytes32,address,uint256)", w.bob.account, ZERO, "1")
    w.a.rpc("evm_setIntervalMining", 600)
    try:
        for _ in range(count):
            # An account that anvil holds the key of, which is quicker than a process for each signature.
            w.a.rpc("eth_sendTransaction", {"from": w.bob.address, "to": w.a.vault, "value": "0x1", "data": data,
                                            "gas": "0x15f90"})
        w.a.rpc("evm_mine")
    finally:
        w.a.rpc("evm_setIntervalMining", w.a.block_time)


def capped(w, caps):
    for cap in caps:
        w.proxy.set({"fault": "dropLogs", "which": "cap", "n": cap, "on": all_of(w.a), "methods": "eth_getLogs", "count": 4})
        batch_of_deposits(w, cap + 5)
        w.proxy.wait_fired(4)
        w.proxy.clear()
        w.caught_up()


@row("F26", GROUP, "logs capped at 25 of 30")
def capped_short(w):
    capped(w, [25])


@row("F26", GROUP, "logs capped at 25, 100 and 1000", long=True)
def capped_long(w):
    capped(w, [25, 100, 1000])


@row("F27", GROUP, "doubled and shuffled logs are applied once and in order")
def doubled(w):
    faults = [{"fault": "dupLogs", "which": "all"}, {"fault": "dupLogs", "which": "last"}, {"fault": "shuffleLogs"}]
    one_liar(w, faults[0])
    for fault in faults:
        w.proxy.set({**fault, "on": all_of(w.a), "methods": "eth_getLogs", "count": 1})
        batch_of_deposits(w, 5)
        w.proxy.wait_fired(1)


@row("F28", GROUP, "removed logs in an answer are no credits")
def removed(w):
    liars(w, [{"fault": "removedFlag", "which": which} for which in ("all", "last")], methods="eth_getLogs")


@row("F29", GROUP, "amount x 10^6, another user, token, block, index: refuted")
def mutated(w):
    fields = ("amount", "user", "token", "blockHash", "blockNumber", "sequence", "kind", "topic", "address", "txn", "index",
              "shortData", "longData")
    one_liar(w, {"fault": "mutateLogs", "field": "amount"})
    refutable = [{"fault": "mutateLogs", "field": field} for field in fields if field not in ("txn", "index")]
    liars(w, refutable, methods="eth_getLogs")


@row("F30", GROUP, "an invented log")
def invented(w):
    move = {"kind": 1, "account": w.bob.account, "token": ZERO, "amount": str(10**24), "counterparty": w.bob.address}
    fault = {"fault": "injectLog", "vault": w.a.vault, "move": move}
    one_liar(w, fault)
    liars(w, [fault, {**fault, "move": {**move, "sequence": 1}}], methods="eth_getLogs")


@row("F31", GROUP, "a header field changed, its hash not")
def header(w):
    fields = ("stateRoot", "receiptsRoot", "parentHash", "timestamp", "number", "logsBloom")
    one_liar(w, {"fault": "mutateBlock", "field": fields[0]})
    w.forgiven()
    faults = [{"fault": "mutateBlock", "field": field, **({"value": "0x" + "00" * 256} if field == "logsBloom" else {})}
              for field in fields]
    for fault in faults:
        liars(w, [fault], methods="eth_getBlock*")
        w.forgiven()


@row("F32", GROUP, "a header changed and hashed again")
def rehashed(w):
    for field in ("stateRoot", "parentHash", "timestamp"):
        one_liar(w, {"fault": "mutateBlock", "field": field, "rehash": True})
        w.forgiven()


@row("F33", "receipts", "receipts null, altered, cut, of another block")
def receipts(w):
    calls = w.proxy.stats()["listeners"]
    if not any(it["calls"].get("eth_getBlockReceipts") for it in calls.values()):
        raise Skipped("no eth_getBlockReceipts was asked for: this world proves events without receipts")
    modes = ("null", "status", "logs", "amount", "gas", "block", "other", "short")
    faults = [{"fault": "mutateReceipt", "mode": mode} for mode in modes]
    one_liar(w, faults[3], methods="eth_getBlockReceipts")
    liars(w, faults, methods="eth_getBlockReceipts")


@row("F34", GROUP, "old answers from a cache")
def replayed(w):
    one_liar(w, {"fault": "replay"})
    w.proxy.set({"fault": "replay", "on": all_of(w.a)})
    w.small_deposit(w.a)
    watch(w, 3)


@row("F44", GROUP, "the vault's event from another contract")
def foreign_event(w):
    made = json.loads(w.a.cast("send", "--json", "--private-key", w.bob.key, "--create", CREATE))
    emitter = made["contractAddress"]
    move = w.movements(w.a)[-1]
    topic = w.a.cast("keccak", "Movement(uint64,uint8,bytes32,address,uint256,bytes32)")
    words = [topic, f"{move['sequence'] + 1:#066x}", f"{1:#066x}", w.bob.account, "0x" + "00" * 32, f"{10**24:#066x}",
             w.bob.account]
    txn = w.a.rpc("eth_sendTransaction", {"from": w.bob.address, "to": emitter, "data": "0x" + "".join(it[2:] for it in words),
                                          "gas": "0x15f90"})
    receipt = wait_for("the emitter's receipt", lambda: w.a.rpc("eth_getTransactionReceipt", txn))
    require(len(receipt["logs"]) == 1 and receipt["logs"][0]["topics"][0] == topic, f"the emitter made {receipt['logs']}")
    w.progresses(w.a, 3)
    w.small_deposit(w.a)


@row("F45", GROUP, "a token nobody configured, in the largest amount there is; zero is refused by the vault")
def unknown_token(w):
    token = w.a.create(w.faucet.key, "LocalToken", "constructor(string,string,uint8)", "Unknown", "UNK", "18")
    most = 2**256 - 1
    w.a.send(w.faucet.key, token, "mint(address,uint256)", w.bob.address, most)
    w.a.send(w.bob.key, token, "approve(address,uint256)", w.a.vault, most)
    w.a.send(w.bob.key, w.a.vault, "deposit(bytes32,address,uint256)", w.bob.account, token, most)
    w.ignored.add(f"{w.a.caip}/erc20:{token.lower()}")
    try:
        w.a.send(w.bob.key, w.a.vault, "deposit(bytes32,address,uint256)", w.bob.account, ZERO, 0)
        raise Failed("the vault took a deposit of nothing")
    except Failed as e:
        require("cast send" in str(e) or "reverted" in str(e), str(e))
    w.progresses(w.a, 3)


@row("F46", GROUP, "custody below the credits, as of a token that was taken away: nothing is signed over it until it is back")
def deficit(w):
    mark = Mark(w)
    amount = 1000 * USD
    w.a.send(w.faucet.key, w.a.usd, "mint(address,uint256)", w.bob.address, amount)
    w.a.send(w.bob.key, w.a.usd, "approve(address,uint256)", w.a.vault, amount)
    w.a.send(w.bob.key, w.a.vault, "deposit(bytes32,address,uint256)", w.bob.account, w.a.usd, amount)
    w.caught_up()
    w.books_agree()
    # All nodes agree that the vault holds one unit less than it was given.
    asked = w.a.cast("calldata", "balanceOf(address)", w.a.vault)
    start = time.monotonic()
    w.proxy.set({"fault": "callResult", "to": w.a.usd, "data": asked, "add": -1, "on": all_of(w.a)})
    wait_for("the status to name the deficit", lambda: w.status()["deficits"], 30)
    require(time.monotonic() - start <= 30, f"the deficit was told after {time.monotonic() - start:.0f} s")
    w.logged("custody.deficit", mark)
    wait_for("the chain to be halted", lambda: w.chain_row(w.a)["state"] == "halted", 30)
    at = w.suspected_at(w.a)
    # Once A is dead, rounds go on that stand on its last covered block, which may have been in none before.
    watch(w, 6, lambda: require(max(w.heads_signed(w.a)) < at, f"a round was signed over a deficit, block {at} or later"))
    w.proxy.clear()
    wait_for("the deficit to be over", lambda: not w.status()["deficits"], 60)
    wait_for("the chain to go on by itself", lambda: w.chain_row(w.a)["state"] == "following", 30)
    w.more_rounds(1)


@row("F47", GROUP, "a finalized block that goes back by 1 to 64")
def final_back(w):
    for n in (1, 5, 64):
        one_liar(w, {"fault": "finality", "mode": "back", "n": n})
        mark = w.chain_row(w.a)["final"]["number"]
        w.proxy.set({"fault": "finality", "mode": "back", "n": n, "on": all_of(w.a)})
        w.small_deposit(w.a)
        watch(w, 3, lambda: require(int(w.chain_row(w.a)["final"]["number"]) >= int(mark), "the final block went back"))


@row("F48", GROUP, "finalized missing, null, an error")
def final_missing(w):
    for mode in ("missing", "null", "error"):
        one_liar(w, {"fault": "finality", "mode": mode})
    for mode in ("missing", "null", "error"):
        mark = Mark(w)
        before = int(w.chain_row(w.a)["final"]["number"])
        w.proxy.set({"fault": "finality", "mode": mode, "on": all_of(w.a)})
        w.small_deposit(w.a)
        watch(w, 3)
        # No depth rule is configured, so without the tag nothing becomes final.
        after = int(w.chain_row(w.a)["final"]["number"])
        require(after <= before + 2, f"finality went from {before} to {after} without a finalized block")
        w.explains("final", mark)
        w.proxy.clear()
        w.caught_up()


@row("F49", GROUP, "a finalized block ahead of the latest")
def final_ahead(w):
    one_liar(w, {"fault": "finality", "mode": "ahead", "n": 10})
    w.proxy.set({"fault": "finality", "mode": "ahead", "n": 10, "on": all_of(w.a)})
    w.small_deposit(w.a)
    watch(w, 3, lambda: require(int(w.chain_row(w.a)["final"]["number"]) <= w.a.head(), "a block is final that is not there"))
    w.progresses(w.b)


@row("F50", GROUP, "another chain's id, and another chain, behind one URL in mid-run")
def wrong_chain(w):
    one_liar(w, {"fault": "chainId", "value": 1})
    mark = Mark(w)
    w.proxy.point(one_of(w.a), w.b.url)
    try:
        w.small_deposit(w.a)
        w.progresses(w.a, 5)
        w.books_agree()
        w.explains("chain id|wrong.chain|serves|genesis|disagree", mark, 90)
    finally:
        w.proxy.point(one_of(w.a), w.a.url)



def crowded(w, blocks):
    """Blocks full of deposits, read after the nodes were silent."""
    before = len(w.movements(w.a))
    w.proxy.set({"fault": "hang", "on": all_of(w.a)})
    for _ in range(blocks):
        batch_of_deposits(w, CROWD)
    w.proxy.clear()
    w.caught_up()
    require(len(w.movements(w.a)) == before + blocks * CROWD, "anvil did not put all deposits into blocks")
    w.in_bounds()


@row("F54c", GROUP, "a block of 300 deposits")
def crowd(w):
    crowded(w, 1)


@row("F54c", GROUP, "forty blocks of 300 deposits each, after an outage", long=True)
def crowds(w):
    crowded(w, 40)


def again_with_receipts():
    """The rows about headers once more, where events are proved by receipts under them; eth_getLogs is not asked there."""
    for one in [it for it in ROWS if it.group == GROUP and it.number in ("F31", "F34")]:
        row(one.number, "receipts", one.what)(one.body)
