# SPDX-License-Identifier: Apache-2.0
"""Row F54b: WebSockets. Heads that are told wake the daemon and are never data; here it polls once in 20 s, so that what
a socket does is seen in how soon a block is applied."""
import time

from fault_rows import Skipped, all_of, row, wait_for
from fault_world import Mark
from harness import require

GROUP = "socket"
POLL_S = 20
STALL_S = 30


def slow_polls(document):
    for chain in document["chains"]:
        chain["poll_interval"] = f"{POLL_S}s"


def needs_sockets(w):
    told = w.proxy.stats()["listeners"]
    if not any(it["wsConnections"] for it in told.values()):
        raise Skipped("the daemon opened no WebSocket")


def applied_within(w, seconds):
    """A new deposit is in the ledger so soon."""
    count = len(w.movements(w.a)) + 1
    w.small_deposit(w.a)
    start = time.monotonic()
    wait_for(f"event {count} to be applied", lambda: int(w.chain_row(w.a)["events"]) >= count, seconds)
    return time.monotonic() - start


@row("F54b", GROUP, "heads by WebSocket wake the daemon long before the next poll")
def woken(w):
    needs_sockets(w)
    took = max(applied_within(w, POLL_S) for _ in range(2))
    require(took < POLL_S / 2, f"a block was applied after {took:.0f} s, as if nobody had told of it")


@row("F54b", GROUP, "open but silent: noticed and polled around within 30 s")
def silent(w):
    needs_sockets(w)
    mark = Mark(w)
    w.proxy.set({"fault": "wsSilent", "on": all_of(w.a)})
    applied_within(w, STALL_S)
    w.explains("silent|stall|quiet|no head|did not announce|told nothing", mark, STALL_S + 15)


@row("F54b", GROUP, "duplicate, late, broken, half a frame, closed, refused: no harm, and heads come again")
def harm(w):
    needs_sockets(w)
    for fault in ({"fault": "wsDuplicate"}, {"fault": "wsLate", "ms": 3000}, {"fault": "wsGarbage"}, {"fault": "wsRemoved"},
                  {"fault": "wsHalfFrame"}, {"fault": "wsClose"}, {"fault": "wsClose", "code": 1012}, {"fault": "wsRefuse"}):
        w.proxy.set({"on": all_of(w.a), **fault})
        applied_within(w, STALL_S)
        w.books_agree()
    w.proxy.clear()
    wait_for("heads to be told again", lambda: applied_within(w, POLL_S) < POLL_S / 2, 120)
