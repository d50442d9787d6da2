# SPDX-License-Identifier: Apache-2.0
"""Rows F01 to F22: what providers do to connections, HTTP and JSON."""
import json

from fault_rows import all_of, every_provider_and_one, no_more_than, one_of, parade, row, watch
from fault_world import Mark
from harness import require

GROUP = "transport"
YEAR_S = 365 * 86400


@row("F01", GROUP, "300 ms to 20 s of delay with jitter")
def delayed(w):
    mark = Mark(w)
    w.proxy.set({"fault": "delay", "ms": 300, "jitterMs": 700, "on": all_of(w.a)})
    w.progresses(w.a, timeout=60)
    w.proxy.set({"fault": "delay", "ms": 20_000, "on": one_of(w.a)})
    w.small_deposit(w.a)
    w.progresses(w.a)
    w.proxy.set({"fault": "delay", "ms": 20_000, "on": all_of(w.a)})
    w.explains("1000 ms|longer than 1 s|no answer|timed? ?out", mark)
    w.progresses(w.b)


@row("F02", GROUP, "a provider that never answers, then all of one chain")
def hanging(w):
    mark = Mark(w)
    w.proxy.set({"fault": "hang", "on": one_of(w.a)})
    w.small_deposit(w.a)
    w.progresses(w.a)
    w.proxy.set({"fault": "hang", "on": all_of(w.a)})
    w.explains("1000 ms|longer than 1 s|no answer|timed? ?out", mark)
    w.progresses(w.b, 3)


@row("F03", GROUP, "connections reset on each third request, and no transaction twice")
def resetting(w):
    w.proxy.set({"fault": "reset", "every": 3, "on": "*"})
    w.small_deposit(w.a)
    w.small_deposit(w.b)
    for chain in w.chains:
        w.progresses(chain, 3, 60)
    w.more_rounds(2)


@row("F04", GROUP, "a body cut under its announced length")
def cut(w):
    every_provider_and_one(w, [{"fault": "truncate", "bytes": n} for n in (20, 0, 1)], "body|closed|ended|end of|partial")


@row("F05", GROUP, "valid HTTP, broken JSON")
def broken(w):
    every_provider_and_one(w, [{"fault": "truncate", "fraction": f, "clean": True} for f in (0.9, 0.1, 0.5)], "JSON")


@row("F06", GROUP, "a body byte by byte: the deadline is for the whole call")
def slow(w):
    every_provider_and_one(w, [{"fault": "slow", "bytesPerSecond": 20}], "1000 ms|longer than 1 s|timed? ?out")


@row("F07", GROUP, "HTML, text, nothing and bytes with status 200")
def no_json(w):
    every_provider_and_one(w, [{"fault": "garbage", "kind": kind} for kind in ("html", "plain", "empty", "binary")], "JSON")


@row("F08", GROUP, "JSON 200,000 levels deep")
def deep(w):
    every_provider_and_one(w, [{"fault": "garbage", "kind": kind} for kind in ("deep", "deepObject")], "deep|nest|level")


@row("F09", GROUP, "BOM, duplicate keys, NaN, bad UTF-8, NUL and other near-JSON")
def near_json(w):
    kinds = ("duplicateKey", "bom", "nan", "infinity", "hugeNumber", "longNumber", "badUtf8", "nul", "surrogate", "trailing",
             "comment")
    every_provider_and_one(w, [{"fault": "garbage", "kind": kind} for kind in kinds], "duplicate|twice|JSON")


@row("F10", GROUP, "bodies of 64 MiB to 10 GiB")
def oversize(w):
    sizes = [{"fault": "oversize", "bytes": size, "contentLength": told}
             for size in (64 << 20, 10 << 30) for told in (True, False)]
    w.proxy.ask("POST", "/stats/reset")
    every_provider_and_one(w, sizes, "limit|large|bytes|MiB|Body")
    sent = sum(it["bytesOut"] for it in w.proxy.stats()["listeners"].values())
    asked = w.proxy.requests()
    require(sent < asked * (256 << 20), f"{sent >> 20} MiB were read by {asked} requests: bodies are not cut at a limit")


@row("F11", GROUP, "a gzip bomb of 100 MiB")
def bomb(w):
    every_provider_and_one(w, [{"fault": "gzipBomb", "bytes": 100 << 20}], "gzip|encod|JSON")


def redirected(w, status, on):
    w.proxy.set({"fault": "redirect", "to": w.proxy.url("trap"), "status": status, "on": on})
    w.proxy.wait_fired(1)


@row("F12", GROUP, "a redirect to another host is not followed")
def redirect(w):
    mark = Mark(w)
    before = w.proxy.requests("trap")
    redirected(w, 307, one_of(w.a))
    w.small_deposit(w.a)
    w.progresses(w.a)
    w.explains("30[1278]|redirect", mark)
    redirected(w, 302, one_of(w.b))
    w.progresses(w.b)
    require(w.proxy.requests("trap") == before, "a redirect was followed")


@row("F12", GROUP, "redirects by all providers of a chain: not followed, and it comes back", long=True)
def redirect_all(w):
    before = w.proxy.requests("trap")
    for status in (301, 302, 307, 308):
        redirected(w, status, all_of(w.a))
        w.proxy.clear()
        w.caught_up(timeout=90)
    require(w.proxy.requests("trap") == before, "a redirect was followed")


@row("F13", GROUP, "escapes and line ends in a node's message stay in one escaped line")
def escapes(w):
    mark = Mark(w)
    every_provider_and_one(w, [{"fault": "garbage", "kind": "ansi"}], "root@host")
    for line in w.said(mark).splitlines():
        require("\x1b" not in line and "\x07" not in line and "‮" not in line, f"a raw control byte in {line!r}")
        require(line.startswith("{"), f"a line of the log that is none of ours: {line!r}")
        require(json.loads(line).get("event") != "forged", f"a forged line: {line!r}")


@row("F14", GROUP, "429 with Retry-After of 2 s, a date, a year, and without")
def rate_limited(w):
    mark = Mark(w)
    for retry in ({"retryAfter": 2}, {"retryAfterDateS": 2}, {}, {"retryAfter": "soon"}, {"retryAfter": YEAR_S}):
        w.proxy.set({"fault": "httpStatus", "status": 429, "on": one_of(w.a), **retry})
        w.progresses(w.a)
    no_more_than(w, one_of(w.a), 15, 4)
    w.small_deposit(w.a)
    w.proxy.set({"fault": "httpStatus", "status": 429, "on": all_of(w.a), "retryAfter": 2})
    w.explains("429|rate", mark)
    w.progresses(w.b)


REFUSALS = ({"fault": "httpStatus", "status": 402}, {"fault": "httpStatus", "status": 401}, {"fault": "httpStatus", "status": 403},
            {"fault": "rpcError", "preset": "alchemy.quota"})


def refuse(w, fault, chain):
    mark = Mark(w)
    w.proxy.set({"on": one_of(chain, 2), **fault})
    w.proxy.wait_fired(1, 90)
    w.small_deposit(chain)
    w.progresses(chain)
    w.explains("40[123]|quota|capacity|refused|parked", mark)
    no_more_than(w, one_of(chain, 2), 10, 3)


@row("F15", GROUP, "payment required, quota spent: the provider is parked and named, the chain goes on")
def refused(w):
    refuse(w, REFUSALS[0], w.a)
    refuse(w, REFUSALS[3], w.b)


@row("F15", GROUP, "each refusal after the other, parked and back", long=True)
def refused_long(w):
    for fault in REFUSALS:
        refuse(w, fault, w.a)
        w.proxy.clear()


def all_down(w, seconds):
    mark = Mark(w)
    w.proxy.set({"fault": "reset", "on": all_of(w.a)})
    w.explains("reset|closed|connect", mark)
    w.progresses(w.b, 3)
    w.small_deposit(w.b)
    w.small_deposit(w.a)
    watch(w, seconds)
    w.progresses(w.b, 2)


@row("F16", GROUP, "all providers of one chain down: the other lives, and it comes back by itself")
def down(w):
    all_down(w, 5)


@row("F16", GROUP, "all providers of one chain down for ten minutes", long=True)
def down_long(w):
    all_down(w, 600)


@row("F17", GROUP, "wrong, missing and textual ids; a result and an error at once")
def envelopes(w):
    faults = [{"fault": "wrongId", "mode": mode} for mode in ("other", "missing", "string", "null", "noVersion")]
    every_provider_and_one(w, [*faults, {"fault": "both"}], "\\bid\\b|envelope|answer")


@row("F18", GROUP, "batches reversed, short, doubled, of one object, empty, foreign, nested")
def batches(w):
    # Reversed is no fault: the daemon must match by id and go on.
    w.proxy.set({"fault": "batch", "mode": "reverse", "on": all_of(w.a)})
    w.small_deposit(w.a)
    w.progresses(w.a, 3)
    modes = ("short", "duplicate", "repeated", "single", "empty", "foreign", "nested")
    every_provider_and_one(w, [{"fault": "batch", "mode": mode} for mode in modes], "batch|answer")


@row("F19", GROUP, "quantities and results of other forms and types")
def encodings(w):
    modes = ("leadingZero", "decimal", "number", "upper", "bare", "noPrefix", "negative", "over", "space", "fraction")
    faults = [{"fault": "encoding", "mode": mode} for mode in modes]
    values = ["", "0x", [], {}, True, 7, "latest", ["0x1"], {"number": "0x1"}, "0x" + "f" * 5000]
    faults += [{"fault": "result", "value": value} for value in values]
    every_provider_and_one(w, faults, "quantity|hex|0x|malformed|is not|has no|no ", methods="eth_getBlock*")
    parade(w, faults, all_of(w.a), methods="eth_call")


def presets(w, chosen, methods):
    for method in methods:
        parade(w, [{"fault": "rpcError", "preset": name} for name in chosen], all_of(w.a), times=2, methods=method)


# One of each kind of trouble; the rest differ in wording, and the table of wordings has a unit test.
SOME = ("infura.results", "alchemy.rate", "base.backend", "geth.timeout", "geth.header", "geth.trieNode", "besu.pruned",
        "reth.responseTooBig", "geth.reverted", "geth.poolFull", "monad.rejected")


@row("F20", GROUP, "errors of every kind to reads and sends: none is taken for an answer")
def errors(w):
    presets(w, SOME, ("eth_getBlockByNumber", "eth_call"))
    w.proxy.set({"fault": "rpcError", "preset": "geth.nonceLow", "on": all_of(w.a), "methods": "eth_sendRawTransaction",
                 "count": 2})
    w.more_rounds(2)


@row("F20", GROUP, "every preset error to every method that the daemon calls", long=True)
def every_error(w):
    names = [it["name"] for it in w.proxy.ask("GET", "/presets")]
    presets(w, names, ("eth_getBlockByNumber", "eth_call"))


@row("F21", GROUP, "a suggested range that is the range asked for")
def same_range(w):
    # Behind the head, so that a range of many blocks is asked for; smaller ones are answered.
    for biggest in (4, 1):
        w.proxy.set({"fault": "hang", "on": all_of(w.a)})
        for _ in range(2):
            w.small_deposit(w.a)
        w.a.rpc("anvil_mine", "0x18")
        w.small_deposit(w.a)
        w.proxy.set({"fault": "rpcError", "code": -32005, "on": all_of(w.a), "methods": "eth_getLogs",
                     "rangeOver": biggest, "message": "query returned more than 10000 results. Try with this block range [{from}, {to}]."})
        w.caught_up()
        require(w.proxy.rules()[0]["fired"] <= 30, f"asked {w.proxy.rules()[0]['fired']} times for too large a range")


def flapping(w, seconds):
    for turn in range(seconds):
        w.proxy.set(*([{"fault": "reset", "on": one_of(w.a)}] if turn % 2 else []))
        watch(w, 1, lambda: require(w.lag(w.a) <= 10, f"the head is {w.lag(w.a)} blocks behind"))


@row("F22", GROUP, "a provider that comes and goes")
def flaps(w):
    flapping(w, 8)


@row("F22", GROUP, "a provider that comes and goes for ten minutes", long=True)
def flaps_long(w):
    flapping(w, 600)
