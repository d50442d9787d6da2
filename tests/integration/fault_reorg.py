# SPDX-License-Identifier: Apache-2.0
"""Rows F38 to F41 and F43: blocks that are replaced before they were final. Finality is 40 blocks deep in this group."""
from fault_rows import all_of, one_of, row, wait_for, watch
from harness import require
from world import MNEMONIC, ZERO, free_port, tool, wait_until

GROUP = "reorg"
FINALITY = 40
DEPOSIT = "deposit(bytes32,address,uint256)"


def deep_finality(document):
    for chain in document["chains"]:
        chain["finality"] = {"mode": "depth", "depth": FINALITY}


class Paused:
    """A makes blocks only when told to."""

    def __init__(self, w):
        self.w = w

    def __enter__(self):
        self.w.a.rpc("evm_setIntervalMining", 600)
        return self

    def __exit__(self, *_):
        self.w.a.rpc("evm_setIntervalMining", self.w.a.block_time)

    def mine(self, blocks=1):
        self.w.a.rpc("anvil_mine", hex(blocks))


def signed_deposit(w, amount):
    """Bob's next deposit, signed and not sent."""
    return w.a.cast("mktx", "--private-key", w.bob.key, "--gas-limit", "200000", "--value", amount, w.a.vault, DEPOSIT,
                    w.bob.account, ZERO, amount)


def events_seen(w, chain, count):
    def check():
        w.check_daemon()
        return int(w.chain_row(chain)["events"]) == count
    wait_for(f"the daemon to count {count} events", check)


def reorg_of(w, depth, replacement):
    """A deposit in the lowest of `depth` blocks that are then replaced; it is dropped, moved up or paid differently."""
    before = len(w.movements(w.a))
    with Paused(w) as clock:
        clock.mine()
        raw = signed_deposit(w, 10**15 + depth)
        other = signed_deposit(w, 7 * 10**15 + depth)
        w.a.cast("publish", "--async", raw)
        clock.mine()
        clock.mine(depth - 1) if depth > 1 else None
        events_seen(w, w.a, before + 1)
        reorgs = int(w.chain_row(w.a)["reorgs"])
        again = {"dropped": [], "moved": [[raw, depth - 1]], "repriced": [[other, 0]]}[replacement]
        w.a.rpc("anvil_reorg", depth, again)
        expected = before + (0 if replacement == "dropped" else 1)
        require(len(w.movements(w.a)) == expected, f"anvil's reorg left {len(w.movements(w.a))} events, not {expected}")
        wait_for("the daemon to see the reorg", lambda: int(w.chain_row(w.a)["reorgs"]) > reorgs)
        events_seen(w, w.a, expected)
    w.books_agree()


def depths(w, all_depths):
    for depth in all_depths:
        for replacement in ("dropped", "moved", "repriced"):
            reorg_of(w, depth, replacement)


@row("F38", GROUP, "reorgs of 1, 5 and 12 blocks: deposits dropped, moved, of another amount")
def reorgs(w):
    depths(w, (1, 5, 12))


@row("F38", GROUP, "reorgs of 1, 2, 5, 12 and 30 blocks", long=True)
def reorgs_long(w):
    depths(w, (1, 2, 5, 12, 30))


@row("F39", GROUP, "reorgs while blocks are read")
def during_backfill(w):
    w.proxy.set({"fault": "hang", "on": all_of(w.a)})
    for _ in range(3):
        w.small_deposit(w.a)
        w.a.rpc("anvil_mine", "0x8")
    w.proxy.set({"fault": "delayAnswer", "ms": 150, "jitterMs": 300, "on": all_of(w.a)})
    for depth in (3, 9, 5):
        watch(w, 0.7)
        w.a.rpc("anvil_reorg", depth, [])
    w.proxy.clear()
    w.small_deposit(w.a)


class Fork:
    """Another anvil that shares A's past and makes blocks of its own."""

    def __init__(self, w):
        self.w, self.port = w, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = w.children.start(
            [tool("anvil"), "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(w.a.chain_id), "--fork-url",
             w.a.url, "--block-time", "1", "--mnemonic", MNEMONIC, "--silent"], w.folder / "anvil-fork.log")
        wait_until("the fork", self.answers, 20)

    def rpc(self, method, *params):
        url, self.w.a.url = self.w.a.url, self.url
        try:
            return self.w.a.rpc(method, *params)
        finally:
            self.w.a.url = url

    def answers(self):
        try:
            return int(self.rpc("eth_blockNumber"), 16) > 0
        except OSError:
            return False

    def close(self):
        self.process.kill()
        self.process.wait()


@row("F40", GROUP, "two forks behind one URL, at one provider and at all")
def two_forks(w):
    fork = Fork(w)
    try:
        view = {"fault": "forkView", "upstream": fork.url}
        w.proxy.set({**view, "on": one_of(w.a)})
        w.small_deposit(w.a)
        w.progresses(w.a, 3)
        w.books_agree()
        # At all three the two chains are never mixed: what is applied is one of them, whole.
        w.proxy.set({**view, "on": all_of(w.a)})
        w.small_deposit(w.a)
        watch(w, 5)
        head = w.chain_row(w.a)["head"]
        found = [node.rpc("eth_getBlockByNumber", hex(int(head["number"])), False) for node in (w.a, fork)]
        require(any(it and it["hash"] == head["hash"] for it in found), f"head {head} is on neither fork")
    finally:
        w.proxy.clear()
        fork.close()


@row("F41", GROUP, "from one fork to the other and back: entries are applied once")
def there_and_back(w):
    listeners = [one_of(w.a, number) for number in (1, 2, 3)]
    w.small_deposit(w.a)
    w.caught_up()
    before = len(w.movements(w.a))
    fork = Fork(w)
    try:
        w.small_deposit(w.a)
        events_seen(w, w.a, before + 1)
        # The fork must be the longer one, or nobody would follow it.
        fork.rpc("anvil_mine", hex(max(2, w.a.head() - int(fork.rpc("eth_blockNumber"), 16) + 3)))
        for listener in listeners:
            w.proxy.point(listener, fork.url)
        events_seen(w, w.a, before)
        for listener in listeners:
            w.proxy.point(listener, w.a.url)
        w.a.rpc("anvil_mine", hex(max(2, int(fork.rpc("eth_blockNumber"), 16) - w.a.head() + 3)))
        events_seen(w, w.a, before + 1)
    finally:
        for listener in listeners:
            w.proxy.point(listener, w.a.url)
        fork.close()


@row("F43", GROUP, "a reorg while the nodes have lost their old logs")
def pruned(w):
    w.small_deposit(w.a)
    w.caught_up()
    for which in ("all", "last"):
        w.proxy.set({"fault": "dropLogs", "which": which, "on": all_of(w.a), "methods": "eth_getLogs"})
        w.a.rpc("anvil_reorg", 4, [])
        w.small_deposit(w.a)
        watch(w, 2)
        w.proxy.clear()
        w.caught_up()
        w.books_agree()
