# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: each row plays one fault of real providers against the real daemon, and afterwards ledger, events,
custody, signed heads and digests must be as if there had been none. docs/fault-matrix.md says what each row is."""
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import fault_chaindata
import fault_early
import fault_ends  # noqa: F401
import fault_liar  # noqa: F401
import fault_outage
import fault_price
import fault_reorg
import fault_socket
import fault_transport  # noqa: F401
from fault_rows import ROWS, Group
from fault_world import FaultWorld
from harness import Failed, arguments, run, say

# The longest first, so that with --jobs nothing long begins last.
GROUPS = [
    Group("chaindata"),
    Group("transport"),
    Group("liar"),
    Group("price", fault_price.set_up),
    Group("receipts", proof="receipts"),
    Group("reorg", lambda w: FaultWorld.set_up(w, fault_reorg.deep_finality, fault_reorg.FINALITY + 4)),
    Group("early", fault_early.set_up),
    Group("outage", lambda w: FaultWorld.set_up(w, fault_outage.old_heads), behind_s=fault_outage.BEHIND_S),
    Group("socket", lambda w: FaultWorld.set_up(w, fault_socket.slow_polls), ws=True),
    Group("ends", own=True),
]
fault_chaindata.again_with_receipts()


def chosen(options):
    def wanted(one):
        return ((not options.only or one.number in options.only.split(","))
                and (not options.group or one.group in options.group.split(","))
                and (options.all or options.only or not one.long))
    return [one for one in ROWS if wanted(one)]


def play(folder, options):
    rows = chosen(options)
    if not rows:
        raise Failed("no such row; --list shows them")
    groups = [group for group in GROUPS if any(one.group == group.name for one in rows)]
    if options.jobs > 1 and len(groups) > 1:
        return play_apart(groups, folder, options)
    results = []
    for group in groups:
        results += group.run([one for one in rows if one.group == group.name], folder, options)
    failed = [f"{one.number} {one.what}" for one, outcome, _ in results if outcome == "FAILED"]
    counts = {name: sum(1 for _, outcome, _ in results if outcome == name) for name in ("ok", "SKIPPED", "FAILED")}
    say(f"\n{counts['ok']} ok, {counts['SKIPPED']} skipped, {counts['FAILED']} failed")
    if failed:
        raise Failed("; ".join(failed))
    return None


def play_apart(groups, folder, options):
    """Each group in a program of its own, so many at a time; what one says is printed when it has ended."""
    more = [*(["--all"] if options.all else []), *(["--only", options.only] if options.only else []),
            "--lies", str(options.lies), "--binary", options.binary]

    def one(group):
        done = subprocess.run([sys.executable, __file__, "--group", group.name, "--dir", str(folder / group.name), *more],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        say(done.stdout)
        return None if done.returncode == 0 else group.name
    with ThreadPoolExecutor(options.jobs) as pool:
        failed = [name for name in pool.map(one, groups) if name]
    if failed:
        raise Failed(f"groups with failed rows: {', '.join(failed)}")


def main():
    parser = arguments(__doc__)
    parser.add_argument("--group", help="rows of these groups only, with commas")
    parser.add_argument("--only", help="rows with these numbers only, with commas")
    parser.add_argument("--all", action="store_true", help="the long rows too")
    parser.add_argument("--jobs", type=int, default=1, help="groups at a time (default 1)")
    parser.add_argument("--lies", type=int, default=12, help="random consistent lies of row F35 (default 12)")
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    options = parser.parse_args()
    if options.list:
        for one in ROWS:
            say(f"{one.number:5} {one.group:10} {'long ' if one.long else '     '}{one.what}")
        return 0
    return run("faults", options, lambda folder: play(folder, options))


sys.exit(main())
