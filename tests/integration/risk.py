# SPDX-License-Identifier: Apache-2.0
"""The commands about risk, once each beside the running daemon, against what the story left."""
import json

from harness import require
from story import ETH, USD
from world import wait_until

PERPETUAL = "0x" + "e7" * 32
MARKETS = [{"underlying": "eth", "perpetuals": [
    {"market": PERPETUAL, "name": "eth-perp",
     "fractions": {"initial": "0.1", "liquidation_end": "0.08", "maintenance": "0.05"}}]}]


def ends(world, code, *args, config=None):
    """The command must end with this code; what it printed as JSON, and nothing beside it."""
    done = world.margrave("--output", "json", *args, check=False, config=config)
    require(done.returncode == code, f"margrave {' '.join(args)} ended with {done.returncode}, not {code}: "
                                     f"{done.stdout[-1500:]} {done.stderr[-1500:]}")
    require(done.stderr == "", f"margrave {' '.join(args)} --output json wrote {done.stderr[-800:]!r} beside it")
    return json.loads(done.stdout)


def refused(world, words, *args):
    """Bad usage: exit code 2, and these words in what is said."""
    error = ends(world, 2, *args)["error"]
    text = json.dumps(error)
    require(error["code"] in ("usage", "config"), f"margrave {' '.join(args)}: the error is {error}")
    missing = [word for word in words if word not in text]
    require(not missing, f"margrave {' '.join(args)} does not say {missing}: {text}")
    return error


def levels(state):
    return {"equity": int(state["equity"]), **{name: int(value) for name, value in state["health"].items()}}


def price_of(world):
    rows = world.json("oracle", "show", "eth")["assets"]
    return next(int(row["price"]) for row in rows if row["name"] == "eth")


def check_trades(world, user):
    """A swap and a position of an account without debt, against arithmetic of this file's own."""
    b = world.b.caip
    native, dollar = f"{b}/slip44:60", f"{b}/erc20:{world.b.usd.lower()}"
    price = price_of(world)
    swap = world.json("account", "what-if", user.account, "--trade", f"{b}:eth=1:usd")
    trade, before, after = swap["trades"][0], levels(swap["before"]), levels(swap["after"])
    require((trade["sold"], trade["bought"], int(trade["amount"])) == (native, dollar, ETH), f"the trade is {trade}")
    require(int(trade["received"]) == price * USD // ETH, f"1 ETH at {price} brings {trade['received']}")
    require(trade["granted"] and not trade["refusal"], f"a trade of what is free is refused: {trade}")
    require([row["kind"] for row in swap["moves"]] == ["withdraw", "deposit"], f"its moves are {swap['moves']}")
    require(after["equity"] == before["equity"], f"a trade at the round's price moved equity: {before}, {after}")
    require(after["initial"] - before["initial"] == price * (95 - 80) // 100, f"weights: {before}, {after}")
    stated = world.json("account", "what-if", user.account, "--trade", f"{b}:eth=1:usd@1000")
    require(stated["trades"][0]["received"] == str(1000 * USD), f"at 1000 it brings {stated['trades']}")

    opened = world.json("account", "what-if", user.account, "--position", "eth-perp=+1@3000", "--position",
                        "eth-perp=+1@3001")
    row, at = opened["positions"][1], levels(opened["after"])
    require((row["market"], row["settled"]) == (PERPETUAL, "0"), f"the position is {row}")
    require((int(row["after"]["size"]), int(row["after"]["entryPrice"])) == (2 * ETH, 3000 * ETH + ETH // 2),
            f"2 bought at 3000 and 3001 are {row['after']}")
    profit = 2 * (price - 3000 * ETH - ETH // 2)
    require(at["equity"] == before["equity"] + profit, f"the position is worth {at['equity'] - before['equity']}")
    require(at["maintenance"] == before["maintenance"] + profit - 2 * price // 20, f"it requires {before}, {at}")
    room = {row["asset"]: int(row["withdrawable"]) for row in opened["room"]}
    free = {row["asset"]: int(row["withdrawable"]) for row in swap["room"]}
    require(room[f"{world.a.caip}/erc20:{world.a.usd.lower()}"] <= free[f"{world.a.caip}/erc20:{world.a.usd.lower()}"],
            "a position left more room than none")
    error = refused(world, ["--trade", "does not say what is bought", "--position", "known names are eth-perp"],
                    "account", "what-if", user.account, "--trade", f"{b}:eth=1", "--position", "btc-perp=+1@1")
    require(len(error["problems"]) == 2, f"not every problem is named: {error}")


def check_risk(world, user, other):
    """What was seen, in one sentence. `other` has no debt."""
    explained = world.json("account", "explain", user.account)
    require(explained["ok"] and not explained["findings"], f"account explain found {explained['findings']}")
    for level in ("initial", "liquidationEnd", "maintenance"):
        total = sum(int(term["contribution"][level]) for term in explained["terms"])
        require(total == int(explained["health"][level]), f"the terms add up to {total} at {level}")
    what = world.json("account", "what-if", user.account, "--deposit", f"{world.a.caip}:eth=1", "--price", "eth=-90%")
    require(int(what["after"]["health"]["maintenance"]) < int(what["before"]["health"]["maintenance"]),
            "a fall of 90 % did not lower maintenance health")
    check_trades(world, other)
    stress = world.json("risk", "stress")
    by_name = {row["name"]: row for row in stress["scenarios"]}
    require(sum(map(int, by_name["as is"]["settled"].values())) == int(stress["accounts"]), "stress lost an account")
    require(all(row["isSettled"] for row in by_name.values()), "a cascade did not settle")
    replayed = world.json("risk", "replay", "--params", str(world.config), "--last", "1h")
    require(replayed["ok"] and int(replayed["rounds"]) > 0 and replayed["new"] == "0",
            f"the same parameters make {replayed['new']} new cases")
    # It needs a hundred steps of prices, and the story may take less than that.
    ask = ("risk", "forecast", "--step", "1s", "--paths", "100", "--backtest")
    forecast = wait_until("a forecast", lambda: world.json(*ask), 120, every=2)
    require(all(0 <= float(p) <= 1 for row in forecast["accounts"] for p in row["call"].values()),
            "a probability is none")
    out = world.folder / "risk.html"
    world.json("risk", "report", "--out", str(out))
    page = out.read_text()
    require("</html>" in page and "<script" not in page, "the report is no page of its own")
    return (f"risk: {len(explained['terms'])} terms add up, {len(by_name)} scenarios settle, {replayed['rounds']} rounds "
            f"replayed alike, {len(forecast['accounts'])} forecasts, a report of {len(page):,} bytes")
