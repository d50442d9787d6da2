# SPDX-License-Identifier: Apache-2.0
"""Commands that look for something: what they end with, and print as JSON, when they find nothing, when they find
something, and when they are asked wrongly. Each finding is a real one: a store that was written into, rules that would
have called somebody, an owner's order that a price triggered, an account that cannot pay, a chain that is gone."""
import json
import shutil
import subprocess

from harness import require
from risk import PERPETUAL, ends, refused
from rows import change_row
from story import ETH, USD
from world import tool, wait_until

OK, RUNTIME, USAGE, FOUND = 0, 1, 2, 4
CRASH = 50


def variant(world, change):
    """A config beside the good one, changed by change(document)."""
    document = json.loads(world.config.read_text())
    change(document)
    file = world.folder / "ends.json"
    file.write_text(json.dumps(document, indent=1))
    return file


def explain(world):
    """Fine as signed; wrong once somebody wrote another price into the round's row of the store."""
    user = world.alice
    good = ends(world, OK, "account", "explain", user.account)
    require(good["ok"] and good["findings"] == [] and good["account"] == user.account, f"explain says {good}")
    copy = world.folder / "data-changed"
    shutil.copytree(world.folder / "data/store", copy / "store")

    def other_price(row):
        old = row[row.index(b'"price":"'):].split(b'"', 4)[3]
        digit = b"1" if old[:1] != b"1" else b"2"
        return row.replace(b'"price":"' + old + b'"', b'"price":"' + digit + old[1:] + b'"')
    change_row(copy / "store/db", "attest", b"Dround/last", other_price)
    config = variant(world, lambda document: document["node"].update(data_dir="data-changed"))
    bad = ends(world, FOUND, "account", "explain", user.account, config=config)
    require(not bad["ok"] and bad["account"] == user.account, f"explain says {bad}")
    require("the price root computed again is" in bad["findings"][0], f"the findings are {bad['findings']}")
    shutil.rmtree(copy)
    refused(world, ["neither 32 bytes"], "account", "explain", "0x12")
    refused(world, ["--round"], "account", "explain", user.account, "--round", "0")


def replay(world):
    """Nobody by the rules in force; alice by rules that count ETH for a tenth."""
    good = ends(world, OK, "risk", "replay", "--params", str(world.config), "--last", "1h")
    require(good["ok"] and good["new"] == "0" and int(good["rounds"]) > 0, f"replay says {good}")

    def harder(document):
        document["assets"][0]["collateral"] = {"initial": "0.1", "liquidation_end": "0.1", "maintenance": "0.1"}
    bad = ends(world, FOUND, "risk", "replay", "--params", str(variant(world, harder)), "--last", "1h")
    hit = {row["account"]: row for row in bad["accounts"]}
    require(not bad["ok"] and int(bad["new"]) >= 1 and hit[world.alice.account]["isNew"], f"replay says {bad}")
    require(hit[world.alice.account]["liquidated"]["status"] in ("LIQUIDATABLE", "BANKRUPT"), f"alice: {hit}")
    refused(world, ["--params"], "risk", "replay", "--last", "1h")
    refused(world, ["is no span of time"], "risk", "replay", "--params", str(world.config), "--last", "soon")


def oracle(world):
    """Nothing is wrong while the nodes answer; `show` and `list` say what there is."""
    sources = ends(world, OK, "oracle", "list")
    require({(row["asset"], row["kind"]) for row in sources} == {("eth", "feed"), ("usd", "fixed")},
            f"the sources are {sources}")
    shown = ends(world, OK, "oracle", "show", "eth")
    eth = next(row for row in shown["assets"] if row["name"] == "eth")
    feed = int(world.a.call(world.feed, "latestRoundData()(uint80,int256,uint256,uint256,uint80)")[1])
    require(int(eth["price"]) == feed * 10**10 and len(eth["answers"]) == 1, f"the feed says {feed}, shown is {eth}")
    require({row["chain"] for row in shown["heads"]} == {chain.caip for chain in world.chains}, f"heads: {shown}")
    good = ends(world, OK, "oracle", "check")
    require(good["ok"] and good["findings"] == [], f"oracle check found {good['findings']}")
    for command in ("list", "show", "check"):
        refused(world, ["gold is no asset or reference"], "oracle", command, "gold")


def oracle_without_chain(world):
    """The chain that the price of ETH is read from is gone. Nothing comes after this."""
    world.a.process.kill()
    world.a.process.wait()
    bad = ends(world, FOUND, "oracle", "check")
    require(not bad["ok"], f"oracle check says {bad}")
    require(any(world.a.caip in row["what"] for row in bad["findings"]), f"no finding names A: {bad['findings']}")
    require(any(row["asset"] == "eth" for row in bad["findings"]), f"no finding names eth: {bad['findings']}")
    require(not any(row["asset"] == "usd" for row in bad["findings"]), f"usd is a fixed price: {bad['findings']}")
    shown = ends(world, OK, "oracle", "show")
    eth = next(row for row in shown["assets"] if row["name"] == "eth")
    require(eth["verdict"] != "usable" and eth["why"], f"the price of ETH is {eth}")


def signed(world, user, name, *args):
    """A draft with the owner's signature by cast, as a file."""
    draft = ends(world, OK, "order", "draft", "--account", user.account, *args)
    done = subprocess.run([tool("cast"), "wallet", "sign", "--private-key", user.key, "--data",
                           json.dumps(draft["typedData"])], capture_output=True, text=True)
    require(done.returncode == 0, f"cast wallet sign: {done.stderr[-600:]}")
    draft["signature"] = done.stdout.strip()
    file = world.folder / name
    file.write_text(json.dumps(draft))
    return str(file)


def stop_loss(world, nonce, below):
    native, dollar = f"{world.a.caip}/slip44:60", f"{world.a.caip}/erc20:{world.a.usd.lower()}"
    return ("--nonce", str(nonce), "--watch", native, "--below", str(below), "--sell", native, "--amount", "0.5", "--for",
            dollar)


def states(listed):
    return {row["nonce"]: row["state"] for row in listed["orders"]}


def orders_wait(world):
    """Two orders are kept, one is taken back; the other waits."""
    user = world.bob
    first, second = (signed(world, user, f"order-{n}.json", *stop_loss(world, n, 1000)) for n in (1, 2))
    for file in (first, second):
        require(ends(world, OK, "order", "add", file) == {"added": True}, "a signed order was not kept")
    require(ends(world, OK, "order", "add", first) == {"added": False}, "an order was kept twice")
    back = signed(world, user, "cancel-2.json", "--nonce", "2", "--cancel")
    require(ends(world, OK, "order", "cancel", back) == {"cancelled": True}, "a cancellation was not kept")
    listed = ends(world, OK, "order", "list")
    require(states(listed) == {"1": "waiting", "2": "cancelled"}, f"the orders are {listed}")
    row = listed["orders"][0]
    require((row["account"], row["when"], row["trigger"], row["amount"]) ==
            (user.account, "below", str(1000 * ETH), str(ETH // 2)), f"the order is {row}")

    other = signed(world, user, "other-1.json", *stop_loss(world, 1, 900))
    refused(world, ["a nonce is used once"], "order", "add", other)
    stranger = json.loads((world.folder / "other-1.json").read_text())
    stranger["typedData"]["message"]["nonce"] = "3"
    (world.folder / "other-1.json").write_text(json.dumps(stranger))
    error = ends(world, RUNTIME, "order", "add", other)["error"]
    require(error["code"] == "signature", f"an order that was changed after it was signed: {error}")
    refused(world, ["file"], "order", "add")
    refused(world, ["file"], "order", "cancel")
    refused(world, ["either --below PRICE or --above PRICE"], "order", "draft", "--account", user.account, *stop_loss(
        world, 4, 1000), "--above", "5000")
    refused(world, ["--account", "neither 32 bytes"], "order", "draft", "--account", "0x12", *stop_loss(world, 4, 1000))
    refused(world, ["--below"], "order", "draft", "--account", user.account, *stop_loss(world, 4, "low"))
    refused(world, [], "order", "list", "--all")


def orders_triggered(world):
    listed = ends(world, FOUND, "order", "list")
    require(states(listed) == {"1": "triggered", "2": "cancelled"}, f"the orders are {listed}")
    row = listed["orders"][0]
    require(int(row["price"]) == CRASH * ETH and int(row["round"]) <= int(listed["round"]), f"the order is {row}")
    require("sale" in row and "sale" not in listed["orders"][1], f"the orders are {listed}")
    late = signed(world, world.bob, "cancel-1.json", "--nonce", "1", "--cancel")
    error = ends(world, FOUND, "order", "cancel", late)["error"]
    require(error["code"] == "check_failed", f"an order was taken back after a round triggered it: {error}")


def no_bad_debt(world):
    good = ends(world, OK, "risk", "bad-debt")
    require(good["debts"] == [] and good["positionLosses"] == [] and int(good["round"]) > 0, f"bad-debt says {good}")
    refused(world, [], "risk", "bad-debt", "--round", "1")


def bad_debt(world):
    """Alice's loan is more than all she has, and so is the loss of bob's position."""
    bad = ends(world, FOUND, "risk", "bad-debt")
    dollar = f"{world.b.caip}/erc20:{world.b.usd.lower()}"
    row = next(row for row in bad["debts"] if row["account"] == world.alice.account)
    parts = sum(int(row[part]) for part in ("reserve", "insurance", "socialised", "uncovered"))
    require(row["asset"] == dollar and 0 < int(row["debt"]) == parts, f"alice's debt is {row}")
    pool = next(row for row in bad["pools"] if row["asset"] == dollar)
    require(int(pool["lost"]) >= int(row["socialised"]) > 0, f"the lenders' pool is {pool}, alice's debt {row}")
    lost = {row["underlying"]: int(row["loss"]) for row in bad["positionLosses"]}
    require(lost.get("eth", 0) > 0, f"the losses of positions are {bad['positionLosses']}")


def take_position(story):
    """The venue, which is the guardian here, posts a position of bob's; he asks what closing it would do."""
    world, user = story.w, story.w.bob
    world.a.send(world.guardian.key, world.a.position_book, "post(bytes32,bytes32,int256,int256)", user.account,
                 PERPETUAL, str(2 * ETH), str(3000 * ETH))

    def held():
        world.check_daemon()
        what = world.json("account", "what-if", user.account, "--position", "eth-perp=-2@2000")
        return what["positions"][0]["before"] and what
    what = story.wait("bob's position to be attested", held, 60, 0.5)
    row = what["positions"][0]
    require(row["before"] == {"size": str(2 * ETH), "entryPrice": str(3000 * ETH)}, f"the position is {row}")
    require(row["after"] is None and int(row["settled"]) == -2000 * ETH, f"closed at 2000 it is {row}")
    price = int(story.w.json("oracle", "show", "eth")["assets"][0]["price"])
    moved = int(what["after"]["equity"]) - int(what["before"]["equity"])
    require(moved == 2 * (2000 * ETH - price), f"closing at 2000 and not at {price} moves equity by {moved}")


def check_ends(story):
    """After everything else: in the end nothing is left that works."""
    world = story.w
    for check in (explain, replay, oracle, no_bad_debt, orders_wait):
        check(world)
        story.fact(f"{check.__name__}: the exit codes and the JSON")
    world.start_daemon()
    try:
        take_position(story)
        world.set_price(CRASH)
        for user in (world.alice, world.bob):
            story.wait_status(user, ["BANKRUPT"], 60)
        bad_debt(world)
        orders_triggered(world)
    finally:
        code = world.stop_daemon()
    require(code == OK, f"the daemon ended with {code} after the crash")
    story.fact("bad debt and a triggered order: the exit codes and the JSON")
    oracle_without_chain(world)
    story.fact("oracle check without the chain of the feed: the exit code and the JSON")
