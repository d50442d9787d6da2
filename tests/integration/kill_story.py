# SPDX-License-Identifier: Apache-2.0
"""Tells the demo's story while the daemon is killed with SIGKILL at random moments and started again, as often as it
takes to reach the number of kills. First `margrave deploy` is killed in the same way. In the end everything must be as
if nothing had happened: nothing signed twice, answered twice, executed twice, paid twice, lost or forgotten.

The seed decides the moments as far as a program can decide them; --seed tries the same again."""
import json
import random
import signal
import subprocess
import sys
import threading
import time

from harness import Failed, World, arguments, require, run, say
from history import check_counts, check_history, check_quiet
from story import Story
from world import wait_until

# More would only keep the story from going on.
KILLS_OF_ONE_STORY = 17
# Lines of the daemon's log that stand beside a step it must not take twice or half.
EVENTS = ["attestation.signed", "transaction.sent", "transaction.included", "intent.closed", "block.applied",
          "release.granted", "request.refused", "liquidation.instructed", "chain.reorg", "daemon.running"]
# Files that change in the middle of such a step: the guard has a record, the decision is not in the store yet.
FILES = ["guard/log", "guard.mark", "log/checkpoint"]


class Killer:
    """Kills the daemon again and again, starts it at once, and remembers when it did."""

    def __init__(self, world, dice, kills):
        self.w, self.dice, self.wanted = world, dice, kills
        self.done = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.begun = time.monotonic()

    def start(self):
        self.w.killing = True
        self.thread.start()

    def stop(self):
        self.ending.set()
        if self.thread.ident:
            self.thread.join()
        self.w.killing = False

    def work(self):
        try:
            while len(self.done) < self.wanted and not self.ending.is_set():
                why = self.wait_for_moment()
                if self.ending.is_set():
                    return
                if self.w.daemon.poll() is not None:
                    raise Failed(f"the daemon ended by itself with code {self.w.daemon.returncode}")
                self.w.kill_daemon()
                self.done.append(f"{time.monotonic() - self.begun:.2f} s, {why}")
                say(f"       kill {len(self.done)} at {self.done[-1]}")
                if self.dice.random() < 0.3:
                    self.ending.wait(self.dice.uniform(0, 3))
                self.w.start_daemon()
        except BaseException as e:
            self.w.broken = f"{e}; kills so far: {self.done}"

    def wait_for_moment(self):
        """Soon after the start, some time later, in the middle of a step or right beside one; in words."""
        kind = self.dice.random()
        if kind < 0.2:
            return self.sleep(self.dice.uniform(0.2, 3))
        if kind < 0.4:
            return self.sleep(self.dice.uniform(3, 12))
        if kind < 0.7:
            return self.wait_for_file(self.w.folder / "data" / self.dice.choice(FILES))
        return self.wait_for_event()

    def wait_for_file(self, file):
        def seen():
            return file.stat().st_mtime_ns if file.exists() else 0
        self.ending.wait(self.dice.uniform(0, 4))
        before, end = seen(), time.monotonic() + self.dice.uniform(6, 12)
        while time.monotonic() < end and not self.ending.is_set():
            if seen() != before:
                pause = self.dice.choice([0, 0, 0.0005, 0.002, 0.01])
                time.sleep(pause)
                return f"{pause * 1000:g} ms after {file.name} changed"
            time.sleep(0.0002)
        return f"waiting for {file.name}"

    def wait_for_event(self):
        event, offset = self.dice.choice(EVENTS), (self.w.folder / "daemon.log").stat().st_size
        self.ending.wait(self.dice.uniform(0, 4))
        end = time.monotonic() + self.dice.uniform(6, 12)
        while time.monotonic() < end and not self.ending.is_set():
            with open(self.w.folder / "daemon.log", "rb") as log:
                log.seek(offset)
                text = log.read()
            if event.encode() in text:
                return f"beside {event}"
            offset += text.rfind(b"\n") + 1
            time.sleep(0.003)
        return f"waiting for {event}"

    def sleep(self, seconds):
        self.ending.wait(seconds)
        return f"{seconds:.2f} s after the one before"


class KilledStory(Story):
    """The same story; the kills begin with the daemon."""

    def __init__(self, world, killer):
        super().__init__(world, say)
        self.killer = killer
        start = world.start_daemon

        def start_once(*args):
            world.start_daemon = start
            daemon = start(*args)
            killer.start()
            return daemon
        world.start_daemon = start_once


def tell(folder, binary, dice, kills, patience):
    """One story with at most `kills` kills; how many there were."""
    # A long auction that soon asks less than the market: the keeper is as slow as the machine.
    world = World(folder, binary, sale_start_bps=10600, sale_duration="2m")
    world.patience = patience
    killer = Killer(world, dice, kills)
    try:
        story = KilledStory(world, killer)
        try:
            story.tell()
        finally:
            killer.stop()
        world.check_daemon()
        story.check_books()
        check_counts(world)
        report = story.finish()
        require(report["ok"] and report["replayedRounds"] == report["lastRound"], f"the audit says {report}")
        story.fact(check_history(world))
        check_quiet(world)
    finally:
        world.close()
    return len(killer.done)


def wait_beside(deploy, world, dice):
    """A moment of the deployment: any, or when the journal of a chain changes."""
    if dice.random() < 0.5:
        time.sleep(dice.uniform(0.3, 4))
        return
    files = [world.folder / f"deployment.json.{chain.caip.replace(':', '-')}.partial" for chain in world.chains]

    def seen():
        return [file.stat().st_mtime_ns if file.exists() else 0 for file in files]
    before, end = seen(), time.monotonic() + 8
    while seen() == before and time.monotonic() < end and deploy.poll() is None:
        time.sleep(0.002)
    time.sleep(dice.choice([0, 0.001, 0.01, 0.05]))


def kill_deploy(folder, binary, dice, limit):
    """`margrave deploy`, killed until it gets through, or that often; how often it was."""
    world = World(folder, binary)
    kills = 0
    try:
        world.set_up_tokens()
        world.make_keys()
        world.write_config()
        world.fund_sender()
        while True:
            with open(folder / "deploy.log", "ab") as log:
                deploy = subprocess.Popen([binary, "-c", str(world.config), "deploy"], stdout=log, stderr=log)
            wait_beside(deploy, world, dice)
            deploy.kill()
            code = deploy.wait()
            if code == 0:
                break
            require(code == -signal.SIGKILL, f"deploy ended with {code}: see {folder}/deploy.log")
            kills += 1
            if kills >= limit:
                world.margrave("deploy")
                break
        check_deployed(world)
    finally:
        world.close()
    return kills


def check_deployed(world):
    steps = world.deploy()
    require(steps == [], f"deploy after a complete deployment made {steps}")
    for chain in world.chains:
        contracts = json.loads((world.folder / "deployment.json").read_text())["chains"][chain.caip]
        made = [contracts[name] for name in ("registry", "vault", "sale", "position_book") if contracts.get(name)]
        require(len(made) == (4 if chain is world.a else 3), f"{chain.name} has contracts {made}")
        nonce = int(chain.cast("nonce", world.sender))
        require(nonce == len(made), f"the sender paid for {nonce} transactions on {chain.name}, {len(made)} make a "
                                    f"deployment")
        for number, address in enumerate(made):
            computed = chain.cast("compute-address", world.sender, "--nonce", number).split()[-1]
            require(computed.lower() == address.lower(),
                    f"contract {number} on {chain.name} is {address}, the sender's creation is {computed}")
            require(chain.cast("code", address) != "0x", f"{address} on {chain.name} has no code")
    world.start_daemon()
    wait_until("the first attestation on both chains", Story(world).registries_have(1), 180)
    require(world.stop_daemon() == 0, "the daemon does not stop cleanly after this deployment")


def all_of_it(folder, options):
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    say(f"seed {seed}; --seed {seed} tries the same again")
    dice = random.Random(seed)
    if not options.no_deploy:
        begun = time.monotonic()
        kills = kill_deploy(folder / "deploy", options.binary, dice, min(options.kills, 20))
        say(f"   ok  deploy was killed {kills} times, each contract was paid for once "
            f"({time.monotonic() - begun:.0f} s)")
    done, stories, begun = 0, 0, time.monotonic()
    while done < options.kills:
        stories += 1
        kills = min(options.kills - done, KILLS_OF_ONE_STORY)
        done += tell(folder / f"story-{stories}", options.binary, dice, kills, options.patience)
        say(f"\n   ok  {done} of {options.kills} kills, {stories} stories, {time.monotonic() - begun:.0f} s\n")


def main():
    parser = arguments(__doc__)
    parser.add_argument("--seed", type=int, help="of an earlier run")
    parser.add_argument("--kills", type=int, default=12, help="how often the daemon is killed (default 12)")
    parser.add_argument("--patience", type=float, default=4, help="factor on every wait of the story (default 4)")
    parser.add_argument("--no-deploy", action="store_true", help="leave out the killing of deploy")
    options = parser.parse_args()
    return run("kill-story", options, lambda folder: all_of_it(folder, options))


sys.exit(main())
