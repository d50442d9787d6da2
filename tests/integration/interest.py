# SPDX-License-Identifier: Apache-2.0
"""A loan on one chain costs what a market there tells. What it comes to is computed here again from the market's events and
the times of blocks, and must be what the daemon signs, to the last unit."""
import json
import sys

from harness import Failed, World, arguments, require, run, say
from story import ETH, USD, Story
from world import ZERO

RAY = 10**27
YEAR = 365 * 86_400
LENT = 15_000 * USD
EVENT = ("event ReserveDataUpdated(address indexed reserve, uint256 liquidityRate, uint256 stableBorrowRate, "
         "uint256 variableBorrowRate, uint256 liquidityIndex, uint256 variableBorrowIndex)")


def up(a, b):
    return -(-a // b)


class Market:
    """The contract, the watch of it, and an index by the event logs alone."""

    def __init__(self, world):
        self.w, self.chain = world, world.b
        self.address = self.chain.create(world.faucet.key, "LocalMarket", "constructor()")
        self.topic = self.chain.cast("keccak", "ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)")
        self.from_block = None

    def tell(self, reserve, percent):
        self.chain.send(self.w.faucet.key, self.address, "tell(address,uint256)", reserve, percent * RAY // 100)

    def watch(self, **changes):
        event = {"event": EVENT, "meaning": "rate", "token": "reserve", "rate": "variableBorrowRate",
                 "from_block": str(self.from_block)}
        event.update(changes)
        return [{"name": "usd-rate", "contract": self.address, "events": [event]}]

    def time_of(self, block):
        return int(self.chain.rpc("eth_getBlockByNumber", hex(block), False)["timestamp"], 16)

    def tellings(self):
        reserve = "0x" + "0" * 24 + self.chain.usd[2:].lower()
        logs = self.chain.rpc("eth_getLogs", {"address": self.address, "fromBlock": hex(self.from_block),
                                              "toBlock": "latest", "topics": [self.topic, reserve]})
        return [(int(log["blockNumber"], 16), int(log["data"][2:][128:192], 16), log["transactionHash"]) for log in logs]

    def index_at(self, block):
        """Grows in a straight line between tellings."""
        value, rate, since = RAY, 0, 0
        now = self.time_of(block)
        for told, next_rate, _ in self.tellings():
            if told > block:
                break
            then = self.time_of(told)
            value += up(value * rate * (then - since), RAY * YEAR)
            rate, since = next_rate, then
        return value + up(value * rate * (now - since), RAY * YEAR)

    def owed(self, lent_in, block):
        return up(LENT * self.index_at(block), self.index_at(lent_in))


def write_watch(world, watch):
    document = json.loads(world.config.read_text())
    document["chains"][1]["proof"] = "receipts"
    document["chains"][1].pop("watch", None)
    if watch:
        document["chains"][1]["watch"] = watch
    world.config.write_text(json.dumps(document, indent=1))


def set_up(world):
    world.set_up_tokens()
    world.make_keys()
    world.write_config()
    world.fund_sender()
    world.deploy()
    market = Market(world)
    # What is told before the first block that counts must not count, though the daemon reads it.
    market.tell(world.b.usd, 90)
    market.from_block = world.b.head() + 1
    write_watch(world, market.watch())
    world.start_daemon()
    return market


def lend(story, market):
    """The block in which alice got her loan."""
    w = story.w
    amount = 50_000 * USD
    story.approve_and(w.lender, w.b, lambda: w.b.send(w.lender.key, w.b.vault, "fund(address,uint256)", w.b.usd, amount),
                      w.b.usd, amount)
    story.deposit(w.alice, w.a, ZERO, 10 * ETH)
    # A reserve that is no asset of ours, and ours.
    market.tell(w.a.usd, 55)
    market.tell(w.b.usd, 5)
    story.wait_equity(w.alice, 30_000)
    number = story.number_of(w.b, story.request(w.alice, w.b, "borrow", w.b.usd, LENT))
    story.wait_answer(w.b, number, "released")
    return next(row["block"] for row in w.movements(w.b) if row["kind"] == 4)


def signed_block(story, number):
    """B's block in the snapshot of a round, as the published log has it."""
    leaf = story.log_of_round(number)[0]
    return next(int(head["number"]) for head in leaf["snapshot"] if head["chain"] == story.w.b.caip)


def rounds_grow(story, market, lent_in):
    """Three rounds, each with the debt as of its own block."""
    w = story.w
    seen = {}

    def check():
        w.check_daemon()
        row = w.account(w.alice)
        block = signed_block(story, int(row["round"]))
        if block <= lent_in or block in seen:
            raise Failed(f"round {row['round']} stands on block {block}")
        seen[block] = (10 * 3_000 * ETH - int(row["equity"])) // (ETH // USD)
        return len(seen) >= 3
    story.wait("three rounds with the loan", check, 90, 1)
    for block, debt in seen.items():
        want = market.owed(lent_in, block)
        require(debt == want, f"as of block {block} {debt} is owed by what was signed, {want} by the market")
    debts = [seen[block] for block in sorted(seen)]
    require(debts == sorted(set(debts)) and debts[0] > LENT, f"the debt does not grow: {debts}")
    story.fact(f"three rounds signed {debts} raw USD of debt, each the loan times the index at its block")


def standing_still(story, check, what):
    """B makes no block of its own accord meanwhile, so that two commands speak of one head."""
    w = story.w
    w.b.rpc("evm_setIntervalMining", 600)
    try:
        head = w.b.head()

        def at_head():
            w.check_daemon()
            row = next(row for row in w.status()["chains"] if row["chain"] == w.b.caip)
            return int(row["head"]["number"]) == head
        story.wait(f"the daemon to be at B's head for {what}", at_head, 30)
        return check(head)
    finally:
        w.b.rpc("evm_setIntervalMining", w.b.block_time)


def usd_row(w, rows):
    return next(row for row in rows if row["asset"] == f"{w.b.caip}/erc20:{w.b.usd.lower()}")


def rates_at(story, market, lent_in):
    w = story.w

    def check(head):
        rows = w.json("ledger", "rates")["ledgers"]
        require(len(rows) == 1, f"rates of {[row['asset'] for row in rows]}")
        row = usd_row(w, rows)
        told, rate, txn = market.tellings()[-1]
        index = market.index_at(head)
        owed = market.owed(lent_in, head)
        shown = row["index"].split(".")
        require(int(shown[0] + shown[1].ljust(27, "0")) == index, f"an index of {row['index']}, not {index}e-27")
        require(row["rate"] == "0.05" and rate == RAY // 20, f"a rate of {row['rate']}")
        require(row["unbooked"] == str(owed - LENT) and row["interest"] == "0", f"{row}, but {owed} is owed")
        age = market.time_of(head) - market.time_of(told)
        want = {"watch": "usd-rate", "contract": market.address.lower(), "block": str(told), "transaction": txn,
                "time": str(market.time_of(told)), "age": str(age), "log": row["told"]["log"]}
        require(row["told"] == want, f"told: {row['told']}, not {want}")
        held = usd_row(w, w.account(w.alice)["holdingsAtHead"])
        require(held["debt"] == str(owed), f"account show says {held}, but {owed} is owed")
        return owed
    owed = standing_still(story, check, "ledger rates")
    story.fact(f"ledger rates and account show say {owed} raw USD at one head, by the telling that was the last")
    doctor = w.margrave("doctor", check=False).stdout
    require(any("rates" in line and "told" in line and line.startswith("ok") for line in doctor.splitlines()),
            f"doctor says nothing of rates:\n{doctor}")


def repay(story, market, lent_in):
    w = story.w
    paid = 16_000 * USD
    story.approve_and(w.alice, w.b, lambda: w.b.send(
        w.alice.key, w.b.vault, "repay(bytes32,address,uint256)", w.alice.account, w.b.usd, paid), w.b.usd, paid)
    block = next(row["block"] for row in w.movements(w.b) if row["kind"] == 7)
    owed = market.owed(lent_in, block)

    def check():
        w.check_daemon()
        row = w.account(w.alice)
        held = usd_row(w, row["holdingsAtHead"])
        rate = usd_row(w, w.json("ledger", "rates")["ledgers"])
        got = (int(held["debt"]), int(held["collateral"]), int(rate["loans"]), int(rate["interest"]), rate["unbooked"],
               int(row["equity"]))
        want = (0, paid - owed, 0, owed - LENT, "0", 10 * 3_000 * ETH + (paid - owed) * (ETH // USD))
        if got != want:
            raise Failed(f"{got}, not {want}")
        return True
    story.wait("the loan to be repaid with its interest", check, 60, 0.5)
    story.fact(f"{owed} raw USD paid loan and interest, of which lenders earned {owed - LENT}; the rest came back")


def another_config_is_refused(story, market):
    """The ledger has borne interest by this watch: a start by another is refused, and says what to do."""
    w = story.w
    require(w.stop_daemon() == 0, "the daemon did not stop cleanly")
    for watch, words in ((None, "Leave the event in the config"),
                         (market.watch(from_block=str(market.from_block + 1)), "without the rates of"),
                         (market.watch(rate="liquidityRate"), "without the rates of")):
        write_watch(w, watch)
        refused = w.margrave("run", check=False)
        said = refused.stderr + refused.stdout
        require(refused.returncode == 2 and words in said, f"a start ended with {refused.returncode}: {said[-600:]}")
    write_watch(w, market.watch())
    report = w.json("audit", "verify", "--replay", "all")
    require(int(report["replayedRounds"]) > 0, "no round was computed again")
    verified = w.json("store", "verify")
    require(verified["ok"], f"store verify found {verified['findings']}")
    story.fact(f"three other configs are refused; audit verify computed {report['replayedRounds']} rounds again alike")


def tell(folder, options):
    world = World(folder, options.binary)
    world.patience = options.patience
    try:
        story = Story(world, say=say)
        story.chapter("A market tells what loans cost")
        market = set_up(world)
        lent_in = lend(story, market)
        rounds_grow(story, market, lent_in)
        rates_at(story, market, lent_in)
        repay(story, market, lent_in)
        another_config_is_refused(story, market)
    finally:
        world.close()


def main():
    parser = arguments(__doc__)
    parser.add_argument("--patience", type=float, default=2, help="factor on every wait (default 2)")
    options = parser.parse_args()
    return run("interest", options, lambda folder: tell(folder, options))


sys.exit(main())
