# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: its rows register here under the number they have in it, and the runner takes them by group. Rows of
one group share a world; a row leaves the world as honest as it found it."""
import time
import traceback

from fault_world import PATIENCE, FaultWorld, Mark
from harness import Failed, require, say
from world import wait_until


class Skipped(Exception):
    """A row cannot be run here; the text says why."""


class Row:
    def __init__(self, number, group, what, body, long):
        self.number, self.group, self.what, self.body, self.long = number, group, what, body, long


ROWS = []


def row(number, group, what, long=False):
    """`long` rows run with --all only. The decorated function plays the fault and checks what holds during it; what must
    hold afterwards is the same for all rows and is checked by the runner."""
    def register(body):
        ROWS.append(Row(number, group, what, body, long))
        return body
    return register


# What rows are made of ----------------------------------------------------------------------------------------------
def all_of(chain):
    return f"{chain.name.lower()}*"


def one_of(chain, number=1):
    return f"{chain.name.lower()}{number}"


def parade(w, faults, on, times=4, **common):
    """Each fault in turn, until it has happened so often; a few of them never stop the daemon for long."""
    for fault in faults:
        w.proxy.set({"on": on, "count": times, **common, **fault})
        try:
            w.proxy.wait_fired(times, 45)
        except Failed as e:
            raise Failed(f"{fault}: {e}") from e
        w.check_daemon()


def every_provider_and_one(w, faults, says=None, methods="*", during=None):
    """A fault at one of three providers: the chain goes on meanwhile. The same at all three, a few times each: nothing
    wrong is believed. Then one of them for as long as it takes to be named in status or log."""
    mark = Mark(w)
    w.proxy.set({"on": one_of(w.a), "methods": methods, **faults[0]})
    w.small_deposit(w.a)
    w.progresses(w.a)
    if during:
        during()
    parade(w, faults, all_of(w.a), methods=methods)
    if says:
        w.proxy.set({"on": all_of(w.a), "methods": methods, **faults[0]})
        w.explains(says, mark)
        w.progresses(w.b)
    w.proxy.clear()
    w.small_deposit(w.a)


def watch(w, seconds, check=None):
    """The daemon lives, and check() holds, for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        w.check_daemon()
        if check:
            check()
        time.sleep(0.2)


def no_more_than(w, listener, requests, seconds):
    """I7: a provider that said no is not asked again and again."""
    before = w.proxy.requests(listener)
    watch(w, seconds)
    asked = w.proxy.requests(listener) - before
    require(asked <= requests, f"{listener} was asked {asked} times within {seconds} s, at most {requests} are fair")


# Running them -------------------------------------------------------------------------------------------------------
class Group:
    """Makes the world of some rows, again after a row that left it unusable. `own`: every row has a world of its own, and
    its daemon need not outlive it. The other arguments are FaultWorld's."""

    def __init__(self, name, set_up=FaultWorld.set_up, own=False, **world):
        self.name, self.set_up, self.own, self.world = name, set_up, own, world

    def run(self, rows, folder, options):
        """[(row, outcome, text)]"""
        results, world = [], None
        for number, one in enumerate(rows):
            if world is None:
                world = self.open(folder / f"{self.name}-{number}", options)
            outcome, text = self.run_one(one, world)
            results.append((one, outcome, text))
            say(f"{one.number:5} {outcome:7} {text}")
            if self.own or (outcome == "FAILED" and not self.usable(world)):
                world.close()
                world = None
        if world is not None:
            results += self.close(world)
        return results

    def open(self, folder, options):
        start = time.monotonic()
        world = FaultWorld(folder, options.binary, **self.world)
        try:
            self.set_up(world)
        except BaseException:
            world.close()
            raise
        world.options = options
        say(f"      {self.name}: two chains, six providers and the daemon stand after {time.monotonic() - start:.0f} s")
        return world

    def run_one(self, one, world):
        start = time.monotonic()
        try:
            mark = Mark(world)
            one.body(world)
            recovery = "" if self.own else f", caught up in {world.holds(mark):.1f} s"
            return "ok", f"{one.what} ({time.monotonic() - start:.0f} s{recovery})"
        except Skipped as e:
            world.proxy.clear()
            return "SKIPPED", f"{one.what}: {e}"
        except (Exception, SystemExit) as e:
            (world.folder / f"{one.number}.txt").write_text(traceback.format_exc())
            return "FAILED", f"{one.what}: {str(e)[:700]}"

    @staticmethod
    def usable(world):
        try:
            world.proxy.clear()
            world.caught_up()
            world.books_agree()
            return True
        except (Exception, SystemExit):
            return False

    def close(self, world):
        """What only the end shows: a clean stop, and an audit of everything that was signed."""
        end = Row("end", self.name, "the log holds, computed again; one digest for each round and subject", None, False)
        try:
            outcome = ("ok", audited(world))
        except (Exception, SystemExit) as e:
            outcome = ("FAILED", str(e)[:700])
        finally:
            world.close()
        say(f"{end.number:5} {outcome[0]:7} {outcome[1]}")
        return [(end, *outcome)]


def audited(world):
    from history import check_history
    code = world.stop_daemon()
    require(code == 0, f"the daemon ended with {code} on SIGTERM")
    report = world.json("audit", "verify", "--replay", "all")
    require(report["ok"] and not report["findings"], f"audit verify: {report['findings']}")
    return f"{report['attestations']} attestations hold, {report['replayedRounds']} computed again; {check_history(world)}"


def wait_for(what, check, timeout=30):
    return wait_until(what, check, timeout * PATIENCE, 0.2)
