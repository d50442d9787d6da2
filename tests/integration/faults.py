# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: each row plays one fault of real providers against the real daemon, and afterwards ledger, events,
custody, signed heads and digests must be as if there had been none. Rows have the numbers of docs/fault-matrix.md."""
import sys

import fault_chaindata
import fault_ends  # noqa: F401
import fault_liar  # noqa: F401
import fault_price
import fault_reorg
import fault_socket
import fault_transport  # noqa: F401
from fault_rows import ROWS, Group
from fault_world import FaultWorld
from harness import Failed, arguments, run, say

GROUPS = [
    Group("transport"),
    Group("chaindata"),
    Group("receipts", proof="receipts"),
    Group("liar"),
    Group("reorg", lambda w: FaultWorld.set_up(w, fault_reorg.deep_finality, fault_reorg.FINALITY + 4)),
    Group("price", fault_price.set_up),
    Group("socket", lambda w: FaultWorld.set_up(w, fault_socket.slow_polls), ws=True),
    Group("ends", own=True),
]
fault_chaindata.again_with_receipts()


def chosen(options):
    def wanted(one):
        if options.only:
            return one.number in options.only.split(",")
        return (not options.group or one.group in options.group.split(",")) and (options.all or not one.long)
    return [one for one in ROWS if wanted(one)]


def play(folder, options):
    rows = chosen(options)
    if not rows:
        raise Failed("no such row; --list shows them")
    results = []
    for group in GROUPS:
        mine = [one for one in rows if one.group == group.name]
        if mine:
            results += group.run(mine, folder, options)
    failed = [f"{one.number} {one.what}" for one, outcome, _ in results if outcome == "FAILED"]
    counts = {name: sum(1 for _, outcome, _ in results if outcome == name) for name in ("ok", "SKIPPED", "FAILED")}
    say(f"\n{counts['ok']} ok, {counts['SKIPPED']} skipped, {counts['FAILED']} failed")
    if failed:
        raise Failed("; ".join(failed))


def main():
    parser = arguments(__doc__)
    parser.add_argument("--group", help="rows of these groups only, with commas")
    parser.add_argument("--only", help="rows with these numbers only, with commas")
    parser.add_argument("--all", action="store_true", help="the long rows too")
    parser.add_argument("--lies", type=int, default=12, help="random consistent lies of row F35 (default 12)")
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    options = parser.parse_args()
    if options.list:
        for one in ROWS:
            say(f"{one.number:5} {one.group:10} {'long ' if one.long else '     '}{one.what}")
        return 0
    return run("faults", options, lambda folder: play(folder, options))


sys.exit(main())
