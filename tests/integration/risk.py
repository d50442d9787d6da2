# SPDX-License-Identifier: Apache-2.0
"""The commands about risk, once each beside the running daemon, against what the story left."""
from harness import require
from world import wait_until


def check_risk(world, user):
    """What was seen, in one sentence."""
    explained = world.json("account", "explain", user.account)
    require(explained["ok"] and not explained["findings"], f"account explain found {explained['findings']}")
    for level in ("initial", "liquidationEnd", "maintenance"):
        total = sum(int(term["contribution"][level]) for term in explained["terms"])
        require(total == int(explained["health"][level]), f"the terms add up to {total} at {level}")
    what = world.json("account", "what-if", user.account, "--deposit", f"{world.a.caip}:eth=1", "--price", "eth=-90%")
    require(int(what["after"]["health"]["maintenance"]) < int(what["before"]["health"]["maintenance"]),
            "a fall of 90 % did not lower maintenance health")
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
