# SPDX-License-Identifier: Apache-2.0
"""Rows F51 to F54d: prices. ETH has three feeds on A here, of which two must agree; bob owes against his collateral, so
that a wrong price could hurt him. cbETH is a rate that dates itself, times the price of ETH."""
from fault_rows import one_of, row, wait_for, watch
from fault_world import Mark
from harness import Failed, require
from story import ETH, USD

GROUP = "price"
PRICE_E8 = 3000 * 10**8
RATE_E18 = 112 * 10**16
FEED_ROUND = "0xfeaf968c"  # latestRoundData()
ANSWER, UPDATED = 1, 3
OLD_S, AHEAD_S = 7200, 3600


def three_feeds(w):
    def change(document):
        w.feeds = [w.feed, *(w.a.create(w.faucet.key, "LocalFeed", "constructor(uint8,string,int256)", "8", "ETH / USD",
                                        str(PRICE_E8)) for _ in range(2))]
        price = document["assets"][0]["price"]
        price["sources"] = [{"name": f"feed-{i}", "made_by": f"maker-{i}", "feed": {"chain": w.a.caip, "address": feed}}
                            for i, feed in enumerate(w.feeds)]
        price["min_sources"] = 2
        w.uptime = w.a.create(w.faucet.key, "LocalFeed", "constructor(uint8,string,int256)", "0",
                              "L2 Sequencer Uptime", "0")
        w.a.send(w.faucet.key, w.uptime, "setAt(int256,uint256)", 0, now(w) - OLD_S)
        document["chains"][0]["sequencer"] = {"feed": w.uptime, "grace": "1h"}
        w.rate = w.a.create(w.faucet.key, "LocalRate", "constructor(uint256)", str(RATE_E18))
        w.staked = w.a.create(w.faucet.key, "LocalToken", "constructor(string,string,uint8)", "Staked", "cbETH", "18")
        rate = {"name": "rate", "quote": "eth", "min": "1", "max": "1.3",
                "rate": {"chain": w.a.caip, "address": w.rate, "time": "rateTime()"}}
        document["assets"].append(
            {"id": "cbeth", "decimals": 18,
             "collateral": {"initial": "0.7", "liquidation_end": "0.73", "maintenance": "0.75"},
             "debt": {"initial": "1.35", "liquidation_end": "1.3", "maintenance": "1.25"}, "max_bonus": "1.05",
             "on": [{"asset": f"{w.a.caip}/erc20:{w.staked}"}],
             "price": {"sources": [rate], "max_age": "1h", "min": "100", "max": "200000"}})
    return change


def set_up(w):
    w.set_up(three_feeds(w))
    amount = 20_000 * USD
    w.b.send(w.faucet.key, w.b.usd, "mint(address,uint256)", w.lender.address, amount)
    w.b.send(w.lender.key, w.b.usd, "approve(address,uint256)", w.b.vault, amount)
    w.b.send(w.lender.key, w.b.vault, "fund(address,uint256)", w.b.usd, amount)
    w.deposit(w.a, w.bob, 5 * ETH)
    wait_for("bob's collateral", lambda: int(w.accounts().get(w.bob.account, {"equity": 0})["equity"]) > 0, 60)
    w.b.send(w.bob.key, w.b.vault, "requestBorrow(uint256,address,uint256,address)", 0, w.b.usd, 8_000 * USD, w.bob.address)
    wait_for("bob's loan", lambda: any(it["kind"] == 4 for it in w.movements(w.b)), 90)


def feeds_say(w, prices, at=None):
    for feed, price in zip(w.feeds, prices):
        if at is None:
            w.a.send(w.faucet.key, feed, "set(int256)", price)
        else:
            w.a.send(w.faucet.key, feed, "setAt(int256,uint256)", price, at)


def now(w):
    return int(w.a.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def rows_of(asset, entries):
    return [price for entry in entries for price in entry["prices"] if price["asset"] == asset]


def eth_rows(w, entries):
    return rows_of(f"{w.a.caip}/slip44:60", entries)


def no_harm(w):
    for chain in w.chains:
        require(not [it for it in w.movements(chain) if it["kind"] == 5], f"{chain.name}: collateral was seized")


def unattestable(w, what):
    """The price is refused, bob cannot be judged by it, and nothing is taken from him."""
    def check():
        w.check_daemon()
        last = eth_rows(w, w.attestations()[-1:])
        if not last or int(last[0]["verdict"]) == 0:
            raise Failed(f"{what}: the last price is {last}")
        status = w.accounts()[w.bob.account]["status"]
        if status != "UNATTESTABLE":
            raise Failed(f"{what}: bob is {status}")
        return True
    wait_for(f"the price to be refused ({what})", check, 30)
    no_harm(w)


def healed(w):
    feeds_say(w, [PRICE_E8] * 3)

    def check():
        last = eth_rows(w, w.attestations()[-1:])
        return last and int(last[0]["verdict"]) == 0 and w.accounts()[w.bob.account]["status"] == "HEALTHY"
    wait_for("the price to be believed again", check, 30)


@row("F51", GROUP, "feeds that are old, and dated ahead")
def stale(w):
    feeds_say(w, [PRICE_E8] * 3, now(w) - OLD_S)
    unattestable(w, "two hours old")
    healed(w)
    feeds_say(w, [PRICE_E8] * 3, now(w) + AHEAD_S)
    unattestable(w, "an hour ahead")
    healed(w)


@row("F52", GROUP, "zero, negative, at and beyond the bounds, ten decimals off")
def absurd(w):
    for price in (0, -PRICE_E8, 10**7, 100_001 * 10**8, PRICE_E8 * 10**10):
        feeds_say(w, [price] * 3)
        unattestable(w, f"a price of {price}e-8")
    healed(w)


@row("F53", GROUP, "one source of three off by 30%: the median, or nothing")
def one_off(w):
    mark = Mark(w)
    feeds_say(w, [PRICE_E8 * 7 // 10])
    watch(w, 8)
    rows = eth_rows(w, w.attestations()[mark.entries:])
    require(rows, "no round was signed")
    for it in rows:
        require(int(it["verdict"]) != 0 or int(it["price"]) == PRICE_E8 * 10**10, f"a price of {it} was believed")
    no_harm(w)
    healed(w)


def attested_prices_are_true(w, mark):
    rows = eth_rows(w, w.attestations()[mark.entries:])
    for it in rows:
        require(int(it["verdict"]) != 0 or int(it["price"]) == PRICE_E8 * 10**10,
                f"a price of {int(it['price']) / 1e18} was signed; all feeds on the chain say {PRICE_E8 / 1e8}")
    return len(rows)


@row("F52", GROUP, "one provider of three tells all feeds at half their price")
def lying_reads(w):
    for number in (1, 2, 3):
        mark = Mark(w)
        w.proxy.set({"fault": "callResult", "data": FEED_ROUND, "word": ANSWER, "mul": 1, "div": 2, "on": one_of(w.a, number)})
        watch(w, 6)
        require(attested_prices_are_true(w, mark) > 0, "no round was signed")
        no_harm(w)


@row("F51", GROUP, "one provider of three tells old answers of all feeds as fresh")
def lying_times(w):
    mark = Mark(w)
    w.proxy.set({"fault": "callResult", "data": FEED_ROUND, "word": UPDATED, "add": -OLD_S, "on": one_of(w.a)})
    watch(w, 6)
    rows = eth_rows(w, w.attestations()[mark.entries:])
    require(rows and all(int(it["verdict"]) == 0 for it in rows), f"one provider could make the price unusable: {rows[-1:]}")
    no_harm(w)


def not_even_signed(w, when):
    no_harm(w)
    require(not [it for it in w.entries() if it["kind"] == "seizure"], f"a seizure was signed {when}")


@row("F54", GROUP, "an L2 whose sequencer is down, then up within the grace")
def sequencer(w):
    """Bob's collateral lies on A. It loses its worth while A's sequencer is down; nothing may be taken from him then, nor
    in the grace. He is rescued by the price before the grace is over, as the grace is for."""
    def hold(words):
        wait_for(f"A's row to say {words!r}", lambda: words in w.chain_row(w.a)["sequencer"], 60)

    mark = Mark(w)
    w.a.send(w.faucet.key, w.uptime, "set(int256)", 1)
    hold("is down")
    feeds_say(w, [1700 * 10**8] * 3)
    wait_for("bob to be liquidatable", lambda: w.accounts()[w.bob.account]["status"] == "LIQUIDATABLE", 60)
    w.more_rounds(2)
    require("liquidation.held" in w.said(mark), "the log does not say who waits")
    not_even_signed(w, "while the sequencer was down")
    w.a.send(w.faucet.key, w.uptime, "set(int256)", 0)
    hold("up again")
    w.more_rounds(2)
    not_even_signed(w, "in the grace")
    healed(w)
    w.a.send(w.faucet.key, w.uptime, "setAt(int256,uint256)", 0, now(w) - OLD_S)
    wait_for("the hold to end", lambda: not w.chain_row(w.a)["sequencer"], 60)
    w.more_rounds(1)
    not_even_signed(w, "when he was healthy again")


@row("F54d", GROUP, "a rate and its time updated apart")
def rate_feed(w):
    asset = f"{w.a.caip}/erc20:{w.staked.lower()}"

    def last_is(verdict, price):
        def check():
            last = rows_of(asset, w.attestations()[-1:])
            return last and int(last[0]["verdict"]) == verdict and (price is None or int(last[0]["price"]) == price)
        return check
    dollars = RATE_E18 * PRICE_E8 // 10**8
    wait_for("the rate times the price", last_is(0, dollars), 30)
    w.a.send(w.faucet.key, w.rate, "setTime(uint256)", now(w) - OLD_S)
    wait_for("a rate with an old time to be stale", last_is(1, None), 30)
    w.a.send(w.faucet.key, w.rate, "set(uint256)", RATE_E18 + 10**15)
    wait_for("both together to be a price", last_is(0, dollars + 10**15 * PRICE_E8 // 10**8), 30)
    require(int(eth_rows(w, w.attestations()[-1:])[0]["verdict"]) == 0, "the price of ETH suffered")
    no_harm(w)
